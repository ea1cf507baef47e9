"""The report of `deqaudit width` as frozen records."""

import msgspec

from checker.records import FORMAT, Predicted, TheoremHeader, Value


class WidthRow(msgspec.Struct, frozen=True):
    """The widths for one number of samples; null values carry their reason.

    `by_draw` is the smallest width certified for one draw of the start, `by_bounds` one for every start on
    events that fail with small probability, `simulated` the smallest power of two at which all of `draws`
    runs had, after every number of steps, a loss of at most the theorem's factor to that power times the
    first; at least `share` of all starts do so there, at the report's confidence, which holds for all widths
    tried together. `ratio` is the width by a draw over the simulated one, None where it is below it: one draw
    at any width against all draws at powers of two. `ratio_by_bounds` is the width by bounds over it.
    """

    n: int
    by_draw: Predicted
    by_bounds: Predicted
    simulated: Predicted
    draws: int
    share: float | None
    ratio: float | None
    ratio_by_bounds: float | None


class WidthReport(msgspec.Struct, frozen=True):
    """How wide a theorem wants the model, over numbers of samples, and how wide it must be in simulation."""

    theorem: TheoremHeader
    config: dict[str, Value]
    rows: tuple[WidthRow, ...]
    confidence: float
    not_done: tuple[str, ...]
    environment: dict[str, Value]
    options: dict[str, Value] = {}
    format: int = FORMAT
    kind: str = "width-report"
