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
    "By bounds: a width at which the hypotheses hold for every start on explicit high-probability events. "
    "One event has no explicit bound and is ASSUMED: lambda_min(G) >= m*lambda_min(K)/2.",
    "Simulated: the smallest power of two at which every run, at the theorem's step, lost at least the "
    "theorem's factor per step, up to every step. Float64 runs: evidence, not a proof.",
    "Ratio: the width by the theorem over the simulated one.",
)


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
        f"Simulated: {row.draws} of {many(row.draws, 'draw')} show the rate. At confidence {confidence:g} a "
        f"draw shows it with probability at least {share_text(row.share, 'ROUND_FLOOR')} (exact binomial)."
    )


def _notes(report: WidthReport) -> Section:
    rows = tuple(
        (
            said(f"n = {row.n}"),
            said(f"By a draw: {row.by_draw.reason}."),
            said(f"By bounds: {row.by_bounds.reason}."),
            said(_sample(row, report.confidence)),
        )
        for row in report.rows
    )
    table = Table(("Samples", "By a draw", "By bounds", "Simulated"), rows)
    return Section("width-notes", "What each width rests on", tables=(table,) if rows else ())


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
