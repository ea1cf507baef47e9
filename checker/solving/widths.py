"""How wide a theorem wants the model, over numbers of samples: by a draw, by bounds, and by simulation."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from checker.clock import Clock
from checker.conditions import header
from checker.configuration import Configuration
from checker.configure import configure, default_law
from checker.environment import environment
from checker.errors import UsageError
from checker.records import Predicted, Value
from checker.request import Request, read_request
from checker.settings import SETTINGS
from checker.solving.bounded_width import FAILURE
from checker.solving.predicted import width_by_bounds
from checker.solving.simulated import DRAWS, STEPS, WIDTHS, Shown, simulated_width
from checker.solving.width import Width, smallest_width
from checker.statistics import binomial_interval
from checker.theorem import Draw, Theorem
from checker.width_records import WidthReport, WidthRow

SAMPLES = ("2", "4", "8", "16")
"""The numbers of samples where none are given."""

CONFIDENCE = Fraction(99, 100)

MOST = 2048
"""The largest width certified for a draw."""

_GROWTH = {"simulated": 2.0, "certified": 6.0}
"""By how much more time twice the width takes, about."""


def read_samples(settings: Mapping[str, str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """The numbers of samples as texts, and the other settings. Raises UsageError."""
    rest = {name: text for name, text in settings.items() if name != "n"}
    if "m" in rest:
        raise UsageError("--set m: the width is what is sought; remove this --set")
    given = tuple(part.strip() for part in settings.get("n", ",".join(SAMPLES)).split(","))
    if len(set(given)) != len(given) or len(given) > 32:
        raise UsageError(f"--set n={settings['n'][:40]}: write at most 32 different numbers, as in n=2,4,8")
    return given, rest


@dataclass(frozen=True)
class _Row:
    """What is known of one number of samples before anything is sought."""

    request: Request
    frame: Configuration
    laws: Mapping[str, Draw]


def widths(
    theorem: Theorem,
    settings: Mapping[str, str],
    *,
    seed: int | None = None,
    device: str = "cpu",
    budget: float = 60.0,
    progress: Callable[[str], None] | None = None,
) -> WidthReport:
    """The table. `budget` is in seconds, 0 for no limit; what it cuts stands in `not_done`.

    Raises UsageError for what cannot be, such as a setting without a width of its own.
    """
    if SETTINGS[theorem.setting].aliases or "m" not in SETTINGS[theorem.setting].sizes:
        raise UsageError(f"{theorem.id}: the setting {theorem.setting} has no width of its own")
    tell = progress or (lambda text: None)
    clock = Clock(budget)
    samples, rest = read_samples(settings)
    rows = [_prepared(theorem, {**rest, "n": n}, seed) for n in samples]
    first = rows[0].request
    steps = STEPS if first.steps is None else first.steps
    bounds: list[Predicted] = []
    shown: list[Shown] = []
    for row in rows:
        n = row.frame.sizes["n"]
        tell(f"n = {n}: width by bounds")
        bounds.append(_by_bounds(theorem, row, clock))
        tell(f"n = {n}: simulated width")
        cut = _cutter(clock, "simulated", n, 2 * len(rows) - len(shown))
        shown.append(simulated_width(theorem, row.frame, row.laws, steps, first.seed, DRAWS, cut))
    found: list[Width] = []
    for row in rows:
        n = row.frame.sizes["n"]
        tell(f"n = {n}: width certified for a draw")
        cut = _cutter(clock, "certified", n, len(rows) - len(found))
        found.append(smallest_width(theorem, row.request, row.frame, MOST, cut))
    made = [_row(r, w, b, s) for r, w, b, s in zip(rows, found, bounds, shown, strict=True)]
    options: dict[str, Value] = {
        "budget": budget,
        "steps": steps,
        "draws": DRAWS,
        "largest_width": MOST,
        "failure_probability": float(Fraction(int(FAILURE.p), int(FAILURE.q))),
    }
    return WidthReport(
        header(theorem), _config(rows), tuple(made), float(CONFIDENCE), tuple(clock.not_done),
        environment(first.seed, device), options,
    )  # fmt: skip


def _prepared(theorem: Theorem, settings: Mapping[str, str], seed: int | None) -> _Row:
    request = read_request(theorem, settings, seed)
    frame = configure(theorem, request)
    kept = {k: v for k, v in frame.parameters.items() if k != theorem.step or k in request.parameters}
    names = SETTINGS[theorem.setting].parameters
    laws = {name: theorem.initialization.get(name) or default_law(name, request) for name in names}
    return _Row(request, replace(frame, parameters=kept), laws)


def _by_bounds(theorem: Theorem, row: _Row, clock: Clock) -> Predicted:
    if clock.cuts(f"the width by bounds at n = {row.frame.sizes['n']}"):
        return Predicted(None, "not tried")
    return width_by_bounds(theorem, row.request, row.frame)


def _cutter(clock: Clock, kind: str, n: int, shares: int) -> Callable[[int], bool]:
    """Says before each width whether the time for this search, one of `shares`, is too short for it."""
    end = clock.left() / shares
    began = last = time.monotonic()
    before = 0

    def cut(width: int) -> bool:
        nonlocal last, before
        now = time.monotonic()
        took, last = now - last, now
        expected = took * _GROWTH[kind] if width > before > 0 else took
        before = width
        if now - began + expected <= end:
            return False
        clock.not_done.append(f"cut by the budget: the {kind} width at n = {n}, at width {width}")
        return True

    return cut


def _row(row: _Row, found: Width, bounds: Predicted, shown: Shown) -> WidthRow:
    share = None
    reason = shown.reason
    if shown.width is not None:
        each = 1 - (1 - CONFIDENCE) / WIDTHS  # the width was chosen by the draws: Bonferroni over all widths
        share = binomial_interval(shown.draws, shown.draws, each)[0]
        reason = (
            f"for all {shown.draws} draws of the start, at the theorem's step, the loss after every number "
            "of steps was at most the theorem's factor to that power times the loss at the start; at no "
            "smaller power of two in scope was it so"
        )
    comparable = isinstance(found.value, int) and shown.width is not None and found.value >= shown.width
    return WidthRow(
        row.frame.sizes["n"],
        Predicted(found.value, found.reason),
        bounds,
        Predicted(shown.width, reason),
        shown.draws,
        share,
        _ratio(found.value, shown.width) if comparable else None,
        _ratio(bounds.value, shown.width),
    )


def _ratio(wanted: Value, shown: int | None) -> float | None:
    return wanted / shown if isinstance(wanted, int) and shown is not None else None


def _config(rows: Sequence[_Row]) -> dict[str, Value]:
    """What the rows have in common."""
    summaries = [row.frame.summary() for row in rows]
    return {
        key: value
        for key, value in summaries[0].items()
        if key not in {"n", "m"} and all(s.get(key) == value for s in summaries)
    }
