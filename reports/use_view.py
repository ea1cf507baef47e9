"""The need for hypotheses, what is not used, and the sharpness of bounds: sections of an audit report."""

import shlex
from collections.abc import Iterable

from checker.records import AuditReport, HypothesisUse
from reports.numbers import clean
from reports.parts import margin_cell, said, tagged
from reports.view import Cell, Section, Table
from reports.words import need_tag

_KEY = (
    "Needed: a certified run satisfies every other hypothesis and the scope, and violates a conclusion. Not "
    "needed: the others imply it, which is proved. Not known: neither was shown, which says nothing. "
    "Each is dropped by itself."
)
"""How to read the table of hypotheses."""

_ALONE = "Those not needed may go each alone, which does not show that all of them may go together."
"""Said once, where more than one is not needed: two may imply each other."""


def use_sections(report: AuditReport) -> tuple[Section, ...]:
    """The need for the hypotheses, what nothing rests on, and the sharpness, each where there is any."""
    out: list[Section] = []
    if report.hypothesis_use:
        rows = tuple(_row(use) for use in report.hypothesis_use)
        several = sum(use.needed is False for use in report.hypothesis_use) > 1
        table = Table(("Hypothesis", "Needed?", "Evidence"), rows, f"{_KEY} {_ALONE}" if several else _KEY)
        out.append(Section("use", "Is each hypothesis needed?", tables=(table,)))
    if report.unused:
        items = tuple(clean(item) for item in report.unused)
        out.append(Section("unused", "What is declared and not used", items=items, tone="open"))
    if report.sharpness:
        rows = tuple((said(x.conclusion), margin_cell(x.slack), said(x.at)) for x in report.sharpness)
        table = Table(("Conclusion", "Slack", "At"), rows, "How close the tightest run came, in decades.")
        out.append(Section("sharpness", "How sharp are the bounds?", tables=(table,)))
    return tuple(out)


def need_fact(uses: Iterable[HypothesisUse]) -> str:
    """`Needed` in one line: `a, b; implied by others: c; not known: d`."""
    known: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for use in uses:
        known[use.needed].append(clean(use.name))
    parts = [", ".join(known[True]) or "none shown"]
    parts += [f"implied by others: {', '.join(known[False])}"] if known[False] else []
    parts += [f"not known: {', '.join(known[None])}"] if known[None] else []
    return "; ".join(parts)


def _row(use: HypothesisUse) -> tuple[Cell, ...]:
    """A hypothesis, the answer, and the evidence with the command that re-checks it."""
    notes = ()
    if use.certificate is not None:
        notes = (f"Re-check it with: deqaudit verify {shlex.quote(clean(use.certificate))}",)
    elif use.needed:
        notes = ("Re-checked when it was found; give --out DIR to have its certificate.",)
    return said(use.name), tagged(need_tag(use.needed)), said(use.evidence, *notes)
