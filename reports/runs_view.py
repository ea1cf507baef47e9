"""The runs that a table names, each described once: what they have in common, and what each has by itself."""

from collections.abc import Iterable

from checker.records import ConclusionRecord, Value
from reports.numbers import NOTHING, clean, many, pairs_text
from reports.view import Cell, Table

_WHICH = ("run", "seed", "step")
_KIND = ("setting", "n", "d", "m", "activation", "data", "labels")


def worst_run(run: dict[str, Value] | None) -> Cell:
    """Which run and step; its values where it has no number of its own."""
    if not run:
        return Cell(NOTHING)
    which = run_and_step(run)
    return Cell(which or pairs_text(run))


def run_and_step(run: dict[str, Value]) -> str:
    """`run 3, step 200`, or the seed where the run has no number; empty without either."""
    which = {name: run[name] for name in _WHICH if name in run and not (name == "seed" and "run" in run)}
    return pairs_text(which).replace("=", " ")


def runs_table(conclusions: Iterable[ConclusionRecord]) -> tuple[Table, ...]:
    """A row for each kind of configuration among the worst runs; nothing where no run is described."""
    kinds: dict[str, dict[str, list[str]]] = {}
    for conclusion in conclusions:
        run = conclusion.worst_run or {}
        name = pairs_text(
            {k: run[k] for k in ("run", "seed") if k in run and not (k == "seed" and "run" in run)}
        )
        rest = {k: v for k, v in run.items() if k not in _WHICH}
        if not name or not rest:
            continue
        kind = pairs_text({k: v for k, v in rest.items() if k in _KIND}) or NOTHING
        own = pairs_text({k: v for k, v in rest.items() if k not in _KIND})
        label = name.replace("=", " ") + (f": {own}" if own else "")
        kinds.setdefault(kind, {}).setdefault(label, []).append(clean(conclusion.name))
    rows = tuple(
        (
            Cell(kind),
            Cell(many(len(runs), "run"), notes=tuple(runs)),
            Cell(
                many(sum(map(len, runs.values())), "conclusion"), notes=tuple(map(", ".join, runs.values()))
            ),
        )
        for kind, runs in kinds.items()
    )
    caption = "The worst runs, each kind of configuration once:"
    return (Table(("Configuration", "Runs", "Worst of"), rows, caption),) if rows else ()
