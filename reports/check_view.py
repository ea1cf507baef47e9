"""Condition reports as views."""

from checker.records import ConditionReport
from reports.numbers import clean, pairs_text, sentence, value_text
from reports.parts import (
    MARGIN_NOTE,
    claim_cell,
    count_statuses,
    definitions_section,
    definitions_table,
    environment_section,
    hypotheses_table,
    least_margin,
    not_done_section,
    said,
    theorem_view,
    values_table,
)
from reports.repeating import check_again
from reports.view import Cell, ReportView, Section, Table
from reports.words import Tag, basis_tag, verdict_tag

_STRONGEST_FIRST = ("proof", "witness", "sample", "assumed")

_PREDICTED = {
    "rate_per_step": "factor on the loss per step",
    "steps_to_1e-6": "steps until loss/loss_0 is at most 1e-6",
    "largest_step": "largest admissible step size",
    "largest_label_norm": "largest norm of the labels, in their direction, that the hypotheses allow",
    "largest_init_scale": "largest scale of the initial W that the hypotheses allow",
    "smallest_width": "smallest width found to satisfy the hypotheses",
    "width_by_bounds": "width at which high-probability bounds satisfy the hypotheses",
}


def _strength(basis: str) -> int:
    return _STRONGEST_FIRST.index(basis) if basis in _STRONGEST_FIRST else len(_STRONGEST_FIRST)


def verdict_basis(report: ConditionReport) -> Tag | None:
    """How the verdict is known: all hypotheses are as sure as the least sure, one failure is enough."""
    if report.verdict == "applies":
        bases = [h.basis for h in report.hypotheses]
        return basis_tag(max(bases, key=_strength)) if bases else None
    if report.verdict == "does-not-apply":
        bases = [h.basis for h in report.hypotheses if h.status == "fails"]
        return basis_tag(min(bases, key=_strength)) if bases else None
    return None


def _predicted(report: ConditionReport) -> Section:
    if not report.predicted:
        return Section("predicted", "What the theorem predicts here", ("Nothing was predicted.",))
    rows = tuple(
        (said(name, _PREDICTED.get(name, "")), Cell(value_text(p.value)), said(p.reason))
        for name, p in report.predicted.items()
    )
    tables = (Table(("Quantity", "Value", "Reason"), rows), *_formulas(report))
    return Section("predicted", "What the theorem predicts here", tables=tables)


def _formulas(report: ConditionReport) -> tuple[Table, ...]:
    """The closed forms, where some were found."""
    rows = tuple(
        (said(name), claim_cell(p.formula, "", p.latex)) for name, p in report.predicted.items() if p.formula
    )
    caption = "Closed forms, in the theorem's own symbols, where the same hypotheses bind:"
    return (Table(("Quantity", "Formula"), rows, caption),) if rows else ()


def _definitions(report: ConditionReport) -> Section:
    tables = (definitions_table(report.definitions, report.theorem.latex),) if report.definitions else ()
    if report.parameters:
        tables += (values_table(report.parameters, "Parameter", "Parameters:"),)
    none = () if tables else ("The theorem has no definitions and no parameters.",)
    return Section("definitions", "Definitions and parameters", none, tables)


_IN_ONE_LINE = ("n", "d", "m", "data", "labels", "activation", "seed")


def _configuration_fact(report: ConditionReport) -> tuple[tuple[str, str], ...]:
    """Sizes, data, activation, seed and chosen parameters in one line, as far as they are known."""
    config = {name: report.config[name] for name in _IN_ONE_LINE if report.config.get(name) is not None}
    text = pairs_text(config | report.parameters)
    return (("Configuration", text),) if text else ()


def check_view(report: ConditionReport) -> ReportView:
    """A condition report in words."""
    hypotheses = Section(
        "hypotheses",
        "Hypotheses",
        (MARGIN_NOTE,) if report.hypotheses else ("The theorem states no hypotheses.",),
        (hypotheses_table(report.hypotheses, report.theorem.latex),) if report.hypotheses else (),
    )
    config = Section(
        "configuration",
        "Configuration",
        () if report.config else ("None was recorded.",),
        (values_table(report.config, "Name"),) if report.config else (),
    )
    return ReportView(
        kind=report.kind,
        label="Condition report",
        verdict=verdict_tag(report.verdict),
        basis=verdict_basis(report),
        reason=sentence(clean(report.reason), {h.name for h in report.hypotheses}),
        facts=(
            *_configuration_fact(report),
            ("Hypotheses", count_statuses(h.status for h in report.hypotheses)),
            ("Least margin", least_margin((h.margin, h.name) for h in report.hypotheses)),
        ),
        theorem=theorem_view(report.theorem),
        sections=(
            hypotheses,
            *definitions_section(report.theorem),
            _definitions(report),
            _predicted(report),
            config,
            *check_again(report),
            not_done_section(report.not_done),
            environment_section(report.environment),
        ),
    )
