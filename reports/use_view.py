"""What each hypothesis is for, and how sharp the bounds are: sections of an audit report."""

from checker.records import AuditReport
from reports.parts import margin_cell, said, tagged
from reports.view import Section, Table
from reports.words import need_tag


def use_sections(report: AuditReport) -> tuple[Section, ...]:
    """One section for the hypotheses and one for the conclusions, where there are any."""
    out: list[Section] = []
    if report.hypothesis_use:
        rows = tuple(
            (said(u.name), tagged(need_tag(u.needed)), said(u.evidence)) for u in report.hypothesis_use
        )
        table = Table(("Hypothesis", "Needed?", "Evidence"), rows)
        out.append(Section("use", "Is each hypothesis needed?", tables=(table,)))
    if report.sharpness:
        rows = tuple((said(x.conclusion), margin_cell(x.slack), said(x.at)) for x in report.sharpness)
        table = Table(("Conclusion", "Slack", "At"), rows, "How close the tightest run came, in decades.")
        out.append(Section("sharpness", "How sharp are the bounds?", tables=(table,)))
    return tuple(out)
