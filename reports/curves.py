"""Which curves a report shows: every run's loss as a band, each conclusion along its worst run."""

import re

from checker.records import ConclusionRecord, Curve, Satisfiability, Simulation
from reports.numbers import clean, many
from reports.runs_view import run_and_step
from reports.view import Line, Plot

_ABOUT_LOSS = re.compile(r"^\s*loss\s*(<=|<)")


def _worst_label(conclusion: ConclusionRecord | None) -> str:
    run = (conclusion.worst_run or {}) if conclusion else {}
    known = next((f"{name} {run[name]}" for name in ("run", "seed") if run.get(name) is not None), "")
    if not known:
        return "worst run"
    return f"worst run ({known})" if known.startswith("seed") else f"worst of all: {known}"


def _band(simulation: Simulation, times: tuple[float, ...]) -> tuple[Line, ...]:
    """The losses of all runs; recorded at the times of a curve of the same length, else at steps 0, 1, ..."""
    lines: list[Line] = []
    label = _whose(len(simulation.losses), simulation.runs)
    for losses in simulation.losses:
        known = times[: len(losses)] if len(losses) <= len(times) else ()
        own = known or tuple(float(step) for step in range(len(losses)))
        lines.append(Line("band", "" if lines else label, own, losses))
    return tuple(lines)


def _whose(kept: int, runs: int) -> str:
    """Whose losses are drawn: a report keeps no more than the first few dozen."""
    if kept < runs:
        return f"the first {kept} of {many(runs, 'run')}"
    return f"all {kept} runs" if kept > 1 else "the run"


def _sides(curve: Curve, worst: str) -> tuple[Line, ...]:
    bound = "predicted (lower bound)" if curve.operator.startswith(">") else "predicted (upper bound)"
    return (Line("worst", worst, curve.times, curve.lhs), Line("predicted", bound, curve.times, curve.rhs))


def _alt(what: str, lines: tuple[Line, ...]) -> str:
    band = [line for line in lines if line.role == "band"]
    parts = [f"{band[0].label} as a faint band" if len(band) > 1 else f"{band[0].label}"] if band else []
    parts += ["the worst run marked"] if any(line.role == "worst" for line in lines) else []
    parts += ["the prediction dashed"] if any(line.role == "predicted" for line in lines) else []
    return f"{what}: " + ", ".join(parts) + "."


def plots(simulation: Simulation) -> tuple[Plot, ...]:
    """The loss first, then the other conclusions; empty where nothing was recorded."""
    records = {c.name: c for c in simulation.conclusions}
    about_loss = [c for c in simulation.curves if _is_about_loss(records.get(c.conclusion))]
    drawn: list[Plot] = []
    first = about_loss[:1]
    lines = _band(simulation, first[0].times if first else ())
    title = "Loss along the runs"
    for curve in first:
        title = f"Loss along the runs, against {clean(curve.conclusion)}"
        lines += _sides(curve, _worst_label(records.get(curve.conclusion)))
    if lines:
        drawn.append(Plot("loss", title, _alt("Loss over the steps", lines), "step", "loss", lines))
    for curve in simulation.curves:
        if curve in first or not curve.times:
            continue
        record = records.get(curve.conclusion)
        name = clean(curve.conclusion)
        sides = _sides(curve, _worst_label(record))
        claim = clean(record.claim) if record else name
        which = run_and_step(record.worst_run) if record and record.worst_run else ""
        run = f", {which}" if which else ""
        alt = _alt(f"Both sides of {claim} along its worst run{run}", sides)
        drawn.append(Plot(f"conclusion-{name}", f"{name}: {claim}", alt, "step", "both sides", sides))
    return tuple(drawn)


def _is_about_loss(record: ConclusionRecord | None) -> bool:
    return record is not None and _ABOUT_LOSS.match(record.claim) is not None


def miss_plot(s: Satisfiability) -> tuple[Plot, ...]:
    """The factor by which each hypothesis misses against the width; empty where fewer than two are known."""
    rows = [row for row in s.misses if row.get("varied") == "m"]
    widths = tuple(float(m) for row in rows if isinstance(m := row.get("m"), int))
    if len(widths) < 2 or len(widths) != len(rows):
        return ()
    names = [key for key in rows[0] if key.startswith("factor of ")]
    lines: list[Line] = []
    for key in names:
        values = tuple(float(v) if isinstance(v := row.get(key), int | float) else None for row in rows)
        lines.append(Line("series", clean(key.removeprefix("factor of ")), widths, values))
    alt = f"The factor by which each of {len(lines)} hypotheses misses, against the width; below 1 it holds."
    title = "How far the hypotheses miss, by width"
    return (Plot("misses", title, alt, "m", "factor", tuple(lines)),) if lines else ()
