"""Can the hypotheses hold at all: the section of an audit report."""

from checker.records import Satisfiability
from reports.numbers import clean, estimate_text
from reports.parts import basis_cell, said, tagged, values_table
from reports.view import Cell, Section, Table
from reports.words import status_tag

_CAN_HOLD = {
    ("holds", ""): "They can.",
    ("fails", "proof"): "They cannot.",
    ("fails", ""): "No draw was found that satisfies them; that none exists is not proved.",
}


def satisfiability_section(s: Satisfiability) -> Section:
    """What the solvers, the search or the draws say of it."""
    word = _CAN_HOLD.get((s.status, s.basis)) or _CAN_HOLD.get((s.status, ""), "Not known.")
    tables = [
        Table(
            ("Finding", "Status", "Basis"),
            ((said(s.reason or word), tagged(status_tag(s.status)), basis_cell(s.basis, s.engine)),),
        )
    ]
    if s.witness:
        tables.append(values_table(s.witness, "Witness", "A configuration that satisfies them:"))
    if s.misses:
        columns = tuple(dict.fromkeys(name for row in s.misses for name in row))
        rows = tuple(tuple(Cell(estimate_text(row.get(name))) for name in columns) for row in s.misses)
        tables.append(Table(tuple(map(clean, columns)), rows, "How far they are missed, in decades."))
    return Section("satisfiability", "Can the hypotheses hold at all?", (word,), tuple(tables))
