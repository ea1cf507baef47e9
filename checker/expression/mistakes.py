"""What people write by mistake, and what to write instead: read before the grammar sees the text."""

import re
from typing import Final

from checker.errors import ExpressionError

MAX_TEXT: Final = 2000
MAX_NESTING: Final = 64
MAX_DIGITS: Final = 60
MAX_DECIMAL_EXPONENT: Final = 400

_TOKEN: Final = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
  | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
  | (?P<name>[A-Za-z][A-Za-z0-9_]*)
  | (?P<wrong>=<|=>|!=|<>|&&|\|\||//|:=|->|\+=|-=|\*=|/=|<<|>>)
  | (?P<good>\*\*|<=|>=|==|[-+*/@<>(),])
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)

_INSTEAD: Final = {
    "=<": "write '<='",
    "=>": "write '>='",
    "=": "write '==' to compare",
    ":=": "write '==' to compare",
    "!=": "there is no '!='; write '<' or '>'",
    "<>": "there is no '<>'; write '<' or '>'",
    "≠": "there is no '≠'; write '<' or '>'",
    "&&": "write 'and'",
    "&": "write 'and'",
    "∧": "write 'and'",
    "||": "there is no 'or'; write two theorems, or norm2(x) for a norm",
    "|": "write abs(x), or norm2(x) for a norm",
    "‖": "write norm2(x)",
    "^": "write '**' for a power",
    "//": "write '/' for a quotient",
    "≤": "write '<='",
    "⩽": "write '<='",
    "≥": "write '>='",
    "⩾": "write '>='",
    "·": "write '*'",
    "×": "write '*'",
    "⋅": "write '*'",
    "÷": "write '/'",
    "−": "write '-'",
    "–": "write '-'",
    "√": "write sqrt(x)",
    "π": "write pi",
    "λ": "write lambda_min or lambda_max",
    "∞": "there is no infinity; name a number",
    "²": "write '**2'",
    "³": "write '**3'",
    "ᵀ": "write transpose(A)",
    "'": "write transpose(A); there are no strings",
    '"': "there are no strings",
    "`": "there are no strings",
    "[": "write round brackets; there is no indexing",
    "]": "write round brackets; there is no indexing",
    "{": "write round brackets",
    "}": "write round brackets",
    ".": "there are no attributes; write a plain name or a number such as 0.5",
    ":": "there are no slices, types or lambdas",
    ";": "write one claim; join two with 'and'",
    "%": "there is no remainder",
    "~": "there is no '~'",
    "!": "there is no '!'",
    "?": "there is no '?'",
    "#": "there are no comments inside a claim",
    "$": "write plain names, not LaTeX",
    "\\": "write plain names, not LaTeX",
    "_": "a name starts with a letter",
    "<<": "write '<'",
    ">>": "write '>'",
    "->": "there are no arrows; write the assumption as a hypothesis",
    "+=": "write '==' to compare",
    "-=": "write '==' to compare",
    "*=": "write '==' to compare",
    "/=": "write '==' to compare",
}

_WORDS: Final = {
    "or": "there is no 'or'; write two theorems",
    "not": "there is no 'not'; write the opposite comparison",
    "if": "there is no 'if'; write min, max or abs, or a hypothesis",
    "else": "there is no 'else'; write min, max or abs, or a hypothesis",
    "lambda": "there are no lambdas; for an eigenvalue write lambda_min(A)",
    "for": "there are no loops; write sum(v) or total(e)",
    "in": "there is no 'in'; write a comparison",
    "is": "there is no 'is'; write '=='",
    "True": "there are no truth values; write a comparison",
    "False": "there are no truth values; write a comparison",
    "None": "there is no None",
    "import": "there are no imports",
    "AND": "write 'and'",
    "And": "write 'and'",
}


def quoted(text: str, column: int = 1) -> str:
    """The text as an error shows it: one line, cut around the column when it is long."""
    if len(text) > 100:
        start = max(0, min(column - 1 - 30, len(text) - 60))
        text = ("..." if start else "") + text[start : start + 60] + ("..." if start + 60 < len(text) else "")
    return "'" + "".join(c if c.isprintable() else " " for c in text) + "'"


def unreadable(text: str, column: int, advice: str) -> ExpressionError:
    """The error for a text that cannot be read: what it says, and what to write instead."""
    return ExpressionError(f"cannot read {quoted(text, column)}; {advice}", column)


def _number_fits(text: str, number: str, column: int) -> None:
    mantissa, _, exponent = number.lower().partition("e")
    digits = sum(c.isdigit() for c in mantissa)
    if digits > MAX_DIGITS:
        raise unreadable(text, column, f"a number may have at most {MAX_DIGITS} digits, not {digits}")
    size = exponent.lstrip("+-").lstrip("0")
    if len(size) > 6 or int(size or "0") > MAX_DECIMAL_EXPONENT:
        raise unreadable(
            text,
            column,
            f"a decimal exponent lies between -{MAX_DECIMAL_EXPONENT} and {MAX_DECIMAL_EXPONENT}",
        )


def _unknown(mark: str) -> str:
    shown = f"'{mark}'" if mark.isprintable() and mark.isascii() else f"'{mark}' (U+{ord(mark):04X})"
    if not mark.isprintable():
        shown = f"the character U+{ord(mark):04X}"
    return f"{shown} is not part of the claim language"


def inspect(text: str) -> None:
    """Refuse what the grammar has no words for, with advice; also texts, numbers and nestings too large.

    Raises ExpressionError with the column of the first thing that is wrong.
    """
    if len(text) > MAX_TEXT:
        raise ExpressionError(
            f"the text has {len(text)} characters and may have {MAX_TEXT}; name its parts in [definitions]"
        )
    if not text.strip():
        raise ExpressionError("the text is empty; write an expression such as 'norm2(W) + 1'")
    depth, before, end = 0, "", 0
    opened: list[int] = []
    for match in _TOKEN.finditer(text):
        kind, mark, column = match.lastgroup, match.group(), match.start() + 1
        if kind == "space":
            continue
        touching = end == match.start()
        if kind == "number":
            _number_fits(text, mark, column)
        if kind == "name" and mark in _WORDS:
            raise unreadable(text, column, _WORDS[mark])
        if kind in ("wrong", "other"):
            if mark == "_" and touching and before == "number":
                raise unreadable(text, column, "write digits without '_'")
            if mark in "\"'" and before not in ("name", "close"):
                raise unreadable(text, column, "there are no strings")
            raise unreadable(
                text,
                column,
                _INSTEAD.get(mark, _unknown(mark)),
            )
        if mark in "([" and kind == "good":
            depth += 1
            opened.append(column)
            if before == "close" or before == "number":
                raise unreadable(text, column, "write '*' for a product")
            if depth > MAX_NESTING:
                raise unreadable(text, column, f"brackets nest at most {MAX_NESTING} deep")
        if kind in ("number", "name") and mark != "and" and before in ("number", "name", "close"):
            raise unreadable(text, column, "write an operator between the two; '*' for a product")
        if mark == ")":
            depth -= 1
            if depth < 0:
                raise unreadable(text, column, "this ')' closes nothing")
            opened.pop()
        before = "operator" if kind == "good" or mark == "and" else str(kind)
        before = "close" if mark == ")" else before
        end = match.end()
    if opened:
        raise unreadable(text, opened[-1], "this '(' is never closed")
