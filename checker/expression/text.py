"""Trees back to canonical text of the claim language; reading it again gives the same tree."""

from fractions import Fraction
from typing import Final

from checker.expression.tree import Atom, Binary, Call, Claim, Comparison, Name, Negate, Node, Number, Pi

_LEVEL: Final = {"+": 1, "-": 1, "*": 2, "/": 2, "@": 2, "**": 4}
_UNARY: Final = 3
_ATOM: Final = 5


def decimal(value: Fraction) -> str | None:
    """The exact decimal of a nonnegative rational, as digits; None where it has none of moderate length."""
    denominator, twos, fives = value.denominator, 0, 0
    while denominator % 2 == 0 and twos <= 200:
        denominator, twos = denominator // 2, twos + 1
    while denominator % 5 == 0 and fives <= 200:
        denominator, fives = denominator // 5, fives + 1
    if denominator != 1:
        return None
    places = max(twos, fives)
    digits = value.numerator * 10**places // value.denominator
    if digits >= 10**400 or places > 400:
        return None
    text = str(digits)
    trailing = len(text) - len(text.rstrip("0")) if digits else 0
    if not places:
        return text if trailing <= 20 else f"{text[: len(text) - trailing]}e{trailing}"
    if len(text) <= places:
        leading = places - len(text)
        return f"{text}e-{places}" if leading > 6 else "0." + "0" * leading + text
    return f"{text[:-places]}.{text[-places:]}"


def _number(value: Fraction) -> tuple[str, int]:
    if value < 0:
        text, level = _number(-value)
        return "-" + (text if level > _UNARY else f"({text})"), _UNARY
    text = decimal(value)
    return (text, _ATOM) if text is not None else (f"{value.numerator}/{value.denominator}", _LEVEL["/"])


def _wrapped(node: Node, least: int) -> str:
    text, level = _text(node)
    return text if level >= least else f"({text})"


def _text(node: Node) -> tuple[str, int]:
    match node:
        case Number(value):
            return _number(value)
        case Pi():
            return "pi", _ATOM
        case Name(name):
            return name, _ATOM
        case Negate(argument):
            return "-" + _wrapped(argument, _UNARY), _UNARY
        case Binary("**", left, right):
            return f"{_wrapped(left, _ATOM)}**{_wrapped(right, _UNARY)}", _LEVEL["**"]
        case Binary(operator, left, right):
            level = _LEVEL[operator]
            mark = operator if operator in "*/" else f" {operator} "
            return f"{_wrapped(left, level)}{mark}{_wrapped(right, level + 1)}", level
        case Call(function, arguments):
            return f"{function}({', '.join(_text(argument)[0] for argument in arguments)})", _ATOM


def to_text(tree: Node | Claim | Comparison | Atom) -> str:
    """Canonical text of an expression, a comparison or a claim; chains are written as chains."""
    if isinstance(tree, Comparison):
        return f"{to_text(tree.left)} {tree.operator} {to_text(tree.right)}"
    if isinstance(tree, Atom):
        return to_text(tree.node)
    if not isinstance(tree, Claim):
        return _text(tree)[0]
    text, previous = "", None
    for part in tree.parts:
        if isinstance(part, Comparison) and isinstance(previous, Comparison) and previous.right == part.left:
            text += f" {part.operator} {to_text(part.right)}"
        else:
            text += (" and " if text else "") + to_text(part)
        previous = part
    return text
