"""Reports as a LaTeX table (booktabs) in a document that compiles on its own."""

import re

from reports.escaping import escape
from reports.statement import PACKAGES, PREAMBLE, environment, with_phi
from reports.view import Cell, ReportView, Section, Table


def _code(text: str) -> str:
    """Typewriter text that may break after an operator."""
    parts = re.split(r"(?<=[ *+/,_()@])", text)
    return r"\texttt{" + r"\allowbreak{}".join(escape(part) for part in parts if part) + "}" if text else ""


def _cell(cell: Cell, notes: bool = False) -> str:
    main = _main(cell)
    return r" \newline ".join([main, *map(escape, cell.notes)]) if notes and cell.notes else main


def _main(cell: Cell) -> str:
    if cell.tag:
        return escape(f"{cell.tag.symbol} {cell.tag.word}".strip())
    if cell.latex:
        return f"${cell.latex}$"  # rendered from our own syntax tree, never from text
    return _code(cell.text) if cell.code else escape(cell.text)


_WIDTHS = {
    "Hypothesis": 2.6, "Conclusion": 2.6, "Claim": 9.0, "Left side": 3.0, "Right side": 3.0, "Margin": 1.5,
    "Runs": 3.2, "Worst margin": 1.9, "Worst run": 2.9, "Status": 2.0, "Basis": 2.0, "Step": 5.0, "From": 9.0,
    "To": 6.0, "Needed?": 2.5, "Evidence": 17.0, "Finding": 15.0, "Kind": 3.0, "Name": 5.0, "Source": 6.0,
    "Inequality": 9.0, "Power": 1.5, "Here": 3.0, "Letter": 2.0, "Stands for": 17.0, "In steps": 5.0,
    "n": 1.0, "Ratio": 2.0, "Ratio by bounds": 3.0, "Quantity": 4.0, "Value": 4.0, "Reason": 16.0,
}  # fmt: skip


_PAGE = 26.7
"""Width of the text in centimetres: a landscape A4 page with margins of 1.5 cm."""
_GAP = 0.43
"""What stands between two columns, in centimetres."""


def _columns(table: Table) -> str:
    """The widths of the columns, narrowed together where they are too many for the page."""
    widths = [_WIDTHS.get(c, 4.0) for c in table.columns]
    room = _PAGE - _GAP * (len(widths) - 1)
    scale = min(1.0, room / sum(widths))
    return "".join(rf">{{\raggedright\arraybackslash}}p{{{int(w * scale * 100) / 100}cm}}" for w in widths)


def _table(table: Table, notes: bool) -> list[str]:
    return [
        *([escape(table.caption), ""] if table.caption else []),
        rf"\begin{{longtable}}{{@{{}}{_columns(table)}@{{}}}}",
        r"\toprule",
        " & ".join(escape(c) for c in table.columns) + r" \\",
        r"\midrule",
        r"\endhead",
        *(" & ".join(_cell(cell, notes) for cell in row) + r" \\" for row in table.rows),
        r"\bottomrule",
        r"\end{longtable}",
    ]


def _section(section: Section) -> list[str]:
    """A section's title, its sentences where they say more than the tables, its items and tables."""
    lines = [rf"\subsection*{{{escape(section.title)}}}"]
    if section.key in _SENTENCES:
        for paragraph in section.paragraphs:
            lines += [escape(paragraph), ""]
    if section.items:
        lines += [r"\begin{itemize}", *(rf"\item {{}}{escape(item)}" for item in section.items)]
        lines += [r"\end{itemize}"]
    for table in section.tables:
        lines += _table(table, section.key == "use")
    return lines


_HEAD = (
    r"""\documentclass[10pt]{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage{textcomp}
\usepackage[a4paper,landscape,margin=1.5cm]{geometry}
\usepackage{array}
\usepackage{booktabs}
\usepackage{longtable}
"""
    + "\n".join(rf"\usepackage{{{name}}}" for name in PACKAGES)
    + f"\n{PREAMBLE}\n"
    + r"""\allowdisplaybreaks
\setlength{\parindent}{0pt}
\setlength{\LTleft}{0pt}
\pagestyle{empty}
\begin{document}"""
)


_TABLES = frozenset(
    {"hypotheses", "predicted", "conclusions", "widths", "width-notes", "letters", "environment"}
)
_SENTENCES = frozenset({"satisfiability", "use", "unused", "letters", "not-done"})


def to_latex(view: ReportView) -> str:
    """A document with the verdict, the statement, booktabs tables for hypotheses, conclusions, widths,
    satisfiability, the need for each hypothesis and the environment, what was not checked, and the proof
    steps once, as a chain.
    """
    basis = f", basis: {view.basis.word}" if view.basis else ""
    fidelity = f" ({view.theorem.fidelity.word})" if view.theorem.fidelity else ""
    lines = [
        _HEAD,
        rf"\section*{{{escape(view.theorem.title)}}}",
        rf"\textbf{{{escape(view.verdict.word)}}}{escape(basis)}. {escape(view.reason)}",
        "",
        rf"\emph{{{escape(view.theorem.source + fidelity)}}}",
    ]
    if view.theorem.printed:
        lines += [
            "",
            environment(
                view.theorem.title,
                view.theorem.source + fidelity,
                with_phi(view.theorem.printed, view.theorem.setting),
            ),
        ]
    for section in view.sections:
        if section.key in _SENTENCES or (section.key in _TABLES and section.tables):
            lines += _section(section)
    if view.chain:
        lines += [r"\subsection*{The proof steps as a chain}", view.chain]
    return "\n".join([*lines, r"\end{document}", ""])
