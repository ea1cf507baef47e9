"""Reports as a LaTeX table (booktabs) in a document that compiles on its own."""

import re
import unicodedata

from reports.view import Cell, ReportView, Table

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}", "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}", "-": "{-}",
    "✓": r"$\surd$", "✗": r"$\times$", "∅": r"$\emptyset$", "■": r"$\bullet$", "●": r"$\bullet$",
    "◌": r"$\circ$", "○": r"$\circ$", "≈": r"$\approx$",
    "≥": r"$\ge$", "≤": r"$\le$", "∞": r"$\infty$", "×": r"$\times$", "·": r"$\cdot$", "–": "--",
    "—": "---", "’": "'", "‘": "`", "“": "``", "”": "''", "…": r"\ldots{}",
}  # fmt: skip
_CAPITAL = frozenset(
    {"gamma", "delta", "theta", "lambda", "xi", "pi", "sigma", "upsilon", "phi", "psi", "omega"}
)
_SMALL = _CAPITAL | {
    "alpha", "beta", "epsilon", "zeta", "eta", "iota", "kappa", "mu", "nu", "rho", "tau", "chi",
}  # fmt: skip


def _character(c: str) -> str:
    if c in _SPECIAL:
        return _SPECIAL[c]
    if ord(c) < 127:
        return c
    name = unicodedata.name(c, "")
    greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (\w+)", name)
    word = greek[2].lower().replace("lamda", "lambda") if greek else ""  # Unicode's own spelling
    if greek and greek[1] == "SMALL" and word in _SMALL:
        return rf"$\{word}$"
    if greek and greek[1] == "CAPITAL" and word in _CAPITAL:
        return rf"$\{word.capitalize()}$"
    if name.startswith("LATIN") and 0xC0 <= ord(c) < 0x180 and unicodedata.normalize("NFD", c) != c:
        return c  # accented letters, which the T1 encoding has
    return rf"\texttt{{U+{ord(c):04X}}}"


def escape(text: str) -> str:
    """Text that LaTeX sets as itself, whatever it holds; characters it cannot set are named by number."""
    return "".join(map(_character, text))


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
    "To": 6.0,
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


_HEAD = r"""\documentclass[10pt]{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage{textcomp}
\usepackage[a4paper,landscape,margin=1.5cm]{geometry}
\usepackage{amsmath}
\usepackage{array}
\usepackage{booktabs}
\usepackage{longtable}
\setlength{\parindent}{0pt}
\setlength{\LTleft}{0pt}
\pagestyle{empty}
\begin{document}"""


def to_latex(view: ReportView) -> str:
    """A document with the verdict and one booktabs table each for hypotheses, conclusions and proof steps."""
    basis = f", basis: {view.basis.word}" if view.basis else ""
    fidelity = f" ({view.theorem.fidelity.word})" if view.theorem.fidelity else ""
    lines = [
        _HEAD,
        rf"\section*{{{escape(view.theorem.title)}}}",
        rf"\textbf{{{escape(view.verdict.word)}}}{escape(basis)}. {escape(view.reason)}",
        "",
        rf"\emph{{{escape(view.theorem.source + fidelity)}}}",
    ]
    for section in view.sections:
        if section.key in {"hypotheses", "conclusions", "proof"}:
            for table in section.tables:
                lines += _table(section.title, table)
    return "\n".join([*lines, r"\end{document}", ""])
