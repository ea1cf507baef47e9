"""Width reports as views."""

from checker.records import Predicted
from checker.width_records import WidthReport, WidthRow
from reports.numbers import NOTHING, clean, estimate_text, many, share_text, value_text
from reports.parts import environment_section, not_done_section, said, theorem_view, values_table
from reports.view import Cell, ReportView, Section, Table
from reports.words import Tag

COLUMNS = ("n", "By a draw", "By bounds", "Simulated", "Ratio", "Ratio by bounds")

_TAG = Tag(
    "WIDTHS",
    "",
    "plain",
    "Widths that the theorem asks for beside the width at which simulated runs already show its rate.",
)

_HOW = (
    "By a draw: the smallest width found at which every hypothesis is certified for one draw of the start. "
    "It need not hold at larger widths, nor for other draws.",
    "By bounds: a width at which the hypotheses hold for every start on explicit high-probability events, "
    "which are stated below the table. One event has no explicit bound and is ASSUMED: "
    "lambda_min(G) >= m*lambda_min(K)/2.",
    "Simulated: the smallest power of two at which, in every run at the theorem's step, the loss after every "
    "number of steps was at most the theorem's factor to that power times the loss at the start. Float64 "
    "runs: evidence, not a proof.",
    "Ratio: the width by a draw over the simulated one, where it is not below it. Ratio by bounds: the width "
    "by bounds over the simulated one.",
)

_EVENTS = (
    "Events of the width by bounds, for W_ij ~ N(0, A/m), U_ij ~ N(0, b), a_i ~ N(0, v) and an L-Lipschitz "
    "phi: |W|_2 <= sqrt(A/m)*(2*sqrt(m) + t); |U|_2 <= sqrt(b)*(sqrt(m) + sqrt(d) + t), where a hypothesis "
    "uses it; |phi(U X)|_F <= sqrt(m*S) + t*L*sqrt(b)*|X|_2 with S = sum_i E phi(sqrt(b)*|x_i|*g)**2; and "
    "with a drawn readout |a| <= sqrt(v)*(sqrt(m) + t) and |yhat| <= sqrt(v)*(|T|_F + t*|T|_2).",
    "With them |T|_F is at most the bound of |phi(U X)|_F over 1 - L*|W|_2.",
)

_NOT_COMPARABLE = "One draw at any width against all draws at powers of two: not comparable, so no ratio."


def width_text(found: Predicted) -> str:
    """A width; large ones at two digits, as they were sought."""
    if isinstance(found.value, int) and found.value >= 10**6:
        mantissa, exponent = f"{found.value:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return value_text(found.value)


def _ratio(value: float | None) -> Cell:
    return Cell(NOTHING if value is None else estimate_text(value), number=True)


def _row(row: WidthRow) -> tuple[Cell, ...]:
    found = (row.by_draw, row.by_bounds, row.simulated)
    cells = tuple(Cell(width_text(p), number=True) for p in found)
    return (said(str(row.n)), *cells, _ratio(row.ratio), _ratio(row.ratio_by_bounds))


def _sample(row: WidthRow, confidence: float) -> str:
    """The exact binomial statement of the simulated width."""
    if row.share is None:
        return f"Simulated: {clean(row.simulated.reason)}."
    return (
        f"Simulated: {row.draws} of {many(row.draws, 'draw')} show the rate. At confidence {confidence:g}, "
        f"for all widths that may be tried together, a draw of this width shows it with probability at least "
        f"{share_text(row.share, 'ROUND_FLOOR')} (exact binomial)."
    )


def _draw(row: WidthRow) -> str:
    """What the width by a draw rests on, and why it has no ratio where it is below the simulated one."""
    one, other = row.by_draw.value, row.simulated.value
    if isinstance(one, int) and isinstance(other, int) and one < other:
        return f"By a draw: {row.by_draw.reason}. {_NOT_COMPARABLE}"
    return f"By a draw: {row.by_draw.reason}."


def _events(report: WidthReport) -> tuple[str, ...]:
    """The events of the widths by bounds, once for all rows; nothing where there is no such width."""
    if all(row.by_bounds.value is None for row in report.rows):
        return ()
    failure = report.options.get("failure_probability")
    if failure is None:
        return _EVENTS
    total = (
        f"For k events t = sqrt(2*log(k/{failure})), so that they fail with probability at most {failure} in "
        "total."
    )
    return (_EVENTS[0], total, *_EVENTS[1:])


def _notes(report: WidthReport) -> Section:
    rows = tuple(
        (
            said(f"n = {row.n}"),
            said(_draw(row)),
            said(f"By bounds: {row.by_bounds.reason}."),
            said(_sample(row, report.confidence)),
        )
        for row in report.rows
    )
    table = Table(("Samples", "By a draw", "By bounds", "Simulated"), rows)
    return Section("width-notes", "What each width rests on", _events(report), (table,) if rows else ())


def width_view(report: WidthReport) -> ReportView:
    """A width report in words."""
    table = Table(COLUMNS, tuple(map(_row, report.rows)))
    none = () if report.rows else ("No number of samples was asked for.",)
    config = (values_table(report.config, "Name"),) if report.config else ()
    options = (values_table(report.options, "Name"),) if report.options else ()
    return ReportView(
        kind=report.kind,
        label="Width report",
        verdict=_TAG,
        basis=None,
        reason="",
        facts=(("Numbers of samples", ", ".join(str(row.n) for row in report.rows) or NOTHING),),
        theorem=theorem_view(report.theorem),
        sections=(
            Section("widths", "Widths", (*none, *_HOW), (table,) if report.rows else ()),
            _notes(report),
            Section("configuration", "Configuration", () if config else ("None was recorded.",), config),
            not_done_section(report.not_done),
            Section("options", "Options", tables=options, folded=True),
            environment_section(report.environment),
        ),
    )
