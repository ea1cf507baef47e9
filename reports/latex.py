"""Reports as a LaTeX table (booktabs) in a document that compiles on its own."""

import re

from reports.escaping import escape
from reports.statement import PACKAGES, PREAMBLE, environment
from reports.view import Cell, ReportView, Table


def _code(text: str) -> str:
    """Typewriter text that may break after an operator."""
    parts = re.split(r"(?<=[ *+/,_()@])", text)
    return r"\texttt{" + r"\allowbreak{}".join(escape(part) for part in parts if part) + "}" if text else ""


def _cell(cell: Cell) -> str:
    if cell.tag:
        return escape(f"{cell.tag.symbol} {cell.tag.word}".strip())
    if cell.latex:
        return f"${cell.latex}$"  # rendered from our own syntax tree, never from text
    return _code(cell.text) if cell.code else escape(cell.text)


_WIDTHS = {
    "Hypothesis": 2.6, "Conclusion": 2.6, "Claim": 6.2, "Left side": 3.0, "Right side": 3.0, "Margin": 1.5,
    "Runs": 3.2, "Worst margin": 1.9, "Worst run": 2.9, "Status": 2.0, "Basis": 2.0, "Step": 5.0, "From": 9.0,
    "To": 6.0, "n": 1.0, "Ratio": 2.0, "Ratio by bounds": 3.0, "Quantity": 4.0, "Value": 4.0, "Reason": 16.0,
}  # fmt: skip


def _table(title: str, table: Table) -> list[str]:
    columns = "".join(rf">{{\raggedright\arraybackslash}}p{{{_WIDTHS.get(c, 4.0)}cm}}" for c in table.columns)
    return [
        rf"\subsection*{{{escape(title)}}}",
        rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
        r"\toprule",
        " & ".join(escape(c) for c in table.columns) + r" \\",
        r"\midrule",
        r"\endhead",
        *(" & ".join(map(_cell, row)) + r" \\" for row in table.rows),
        r"\bottomrule",
        r"\end{longtable}",
    ]


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


_TABLES = frozenset({"hypotheses", "predicted", "conclusions", "proof", "widths", "width-notes"})


def to_latex(view: ReportView) -> str:
    """A document with the verdict, the statement, one booktabs table each for hypotheses, conclusions, proof
    steps and widths, and the proof steps as a chain.
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
        lines += ["", environment(view.theorem.title, view.theorem.source + fidelity, view.theorem.printed)]
    for section in view.sections:
        if section.key in _TABLES:
            for table in section.tables:
                lines += _table(section.title, table)
    if view.chain:
        lines += [r"\subsection*{The proof steps as a chain}", view.chain]
    return "\n".join([*lines, r"\end{document}", ""])
