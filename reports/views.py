"""Records become views: one entry for every report there is."""

from dataclasses import replace
from typing import TypeAlias

from checker.records import AuditReport, ConditionReport, VerifyReport
from checker.width_records import WidthReport
from reports.audit_view import audit_view
from reports.check_view import check_view
from reports.numbers import NOTHING, clean, sentence, sides_text, step_text, value_text
from reports.statement import proof_block, steps_decided
from reports.view import Cell, ReportView, Section, Table, TheoremView
from reports.width_view import width_view
from reports.words import verdict_tag

Report: TypeAlias = ConditionReport | AuditReport | VerifyReport | WidthReport


def _verify_view(report: VerifyReport) -> ReportView:
    columns = tuple(dict.fromkeys(name for row in report.checks for name in row))
    rows = tuple(tuple(Cell(value_text(row.get(name))) for name in columns) for row in report.checks)
    none = () if rows else ("No check was recorded.",)
    checks = Section("checks", "Checks", none, (Table(tuple(map(clean, columns)), rows),) if rows else ())
    title = clean(report.theorem) or NOTHING
    return ReportView(
        kind=report.kind,
        label="Certificate",
        verdict=verdict_tag(report.status),
        basis=None,
        reason=sentence(clean(report.reason), [clean(str(row.get("name"))) for row in report.checks]),
        facts=(("Claim", clean(report.claim) or NOTHING), ("At step", step_text(report.step))),
        theorem=TheoremView(title, title, "", "", (), "", (), None),
        sections=(*_sides(report), checks),
    )


def _sides(report: VerifyReport) -> tuple[Section, ...]:
    """Both sides of the comparison that the certificate is about, found again; nothing where none was."""
    if report.lhs is None and report.rhs is None:
        return ()
    left, right = sides_text(report.lhs, report.rhs)
    step = step_text(report.step)
    rows = (
        (Cell("claim"), Cell(clean(report.claim), code=True)),
        (Cell("step"), Cell(step)),
        (Cell("left side"), Cell(left, number=True)),
        (Cell("right side"), Cell(right, number=True)),
        (Cell("should be"), Cell(f"left {clean(report.operator)} right", code=True)),
    )
    text = f"The enclosures are found again in balls, at step {step}, and rounded outward."
    if left == right and report.status == "valid":
        text += " Balls cannot tell the two sides apart; rational numbers decided."
    table = Table(("Of the violated claim", "Value"), rows)
    title = "The violated inequality" if report.status == "valid" else "The inequality in question"
    return (Section("sides", title, (text,), (table,)),)


def view(report: Report) -> ReportView:
    """Any report in words; every field a record may leave empty has something to show."""
    if isinstance(report, ConditionReport):
        return check_view(report)
    if isinstance(report, AuditReport):
        return replace(audit_view(report), chain=proof_block(steps_decided(report.proof)))
    if isinstance(report, WidthReport):
        return width_view(report)
    return _verify_view(report)
