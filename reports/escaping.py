"""Text that LaTeX sets as itself, whatever it holds."""

import re
import unicodedata

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
