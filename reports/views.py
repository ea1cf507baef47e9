"""Records become views: one entry for every report there is."""

from dataclasses import replace
from typing import TypeAlias

from checker.records import AuditReport, ConditionReport, VerifyReport
from checker.width_records import WidthReport
from reports.audit_view import audit_view
from reports.check_view import check_view
from reports.numbers import NOTHING, clean, step_text, value_text
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
        reason=clean(report.reason),
        facts=(("Claim", clean(report.claim) or NOTHING), ("At step", step_text(report.step))),
        theorem=TheoremView(title, title, "", "", (), "", (), None),
        sections=(checks,),
    )


def view(report: Report) -> ReportView:
    """Any report in words; every field a record may leave empty has something to show."""
    if isinstance(report, ConditionReport):
        return check_view(report)
    if isinstance(report, AuditReport):
        return replace(audit_view(report), chain=proof_block(steps_decided(report.proof)))
    if isinstance(report, WidthReport):
        return width_view(report)
    return _verify_view(report)
