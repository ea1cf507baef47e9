"""Dimensions: polynomials in the sizes with integer coefficients, as canonical texts.

"m", "2*m", "d + m" and 3 are dimensions; two dimensions agree when their texts do.
"""

from collections.abc import Mapping
from typing import TypeAlias

from checker.errors import ExpressionError
from checker.expression.tree import Binary, Dim, Name, Negate, Node, Number, Shape

_Polynomial: TypeAlias = dict[tuple[str, ...], int]

_LIMIT = 64
"""The most terms, and the highest degree, of a dimension."""


def _product(p: _Polynomial, q: _Polynomial) -> _Polynomial:
    out: _Polynomial = {}
    for a, x in p.items():
        for b, y in q.items():
            key = tuple(sorted(a + b))
            out[key] = out.get(key, 0) + x * y
    return out


def _sum(p: _Polynomial, q: _Polynomial, sign: int) -> _Polynomial:
    out = dict(p)
    for key, value in q.items():
        out[key] = out.get(key, 0) + sign * value
    return out


def _polynomial(node: Node, sizes: Mapping[str, str]) -> _Polynomial:
    match node:
        case Number(value) if value.denominator == 1:
            return {(): int(value)}
        case Name(name) if name in sizes:
            return {(sizes[name],): 1}
        case Negate(argument):
            return _sum({}, _polynomial(argument, sizes), -1)
        case Binary("+" | "-" | "*" as operator, left, right):
            p, q = _polynomial(left, sizes), _polynomial(right, sizes)
            out = _product(p, q) if operator == "*" else _sum(p, q, 1 if operator == "+" else -1)
            if len(out) > _LIMIT or max((len(key) for key in out), default=0) > 4:
                raise ExpressionError(
                    "a dimension this long is not needed; write a size such as m", node.column
                )
            return out
        case _:
            known = ", ".join(sizes) or "none here"
            raise ExpressionError(
                f"a dimension is a size ({known}), a whole number, or a sum, difference or product of these",
                node.column,
            )


def dimension(node: Node, sizes: Mapping[str, str]) -> Dim:
    """The canonical dimension of an expression in the sizes (each mapped to its canonical name).

    Raises ExpressionError for anything else, and for a number that is no dimension.
    """
    polynomial = {key: value for key, value in _polynomial(node, sizes).items() if value}
    if not set(polynomial) - {()}:
        number = polynomial.get((), 0)
        if not 1 <= number <= 4096:
            raise ExpressionError(f"a dimension lies between 1 and 4096, not {number}", node.column)
        return number
    text = ""
    for key in sorted(polynomial, key=lambda k: (-len(k), k)):
        value = polynomial[key]
        factors = ([str(abs(value))] if abs(value) != 1 or not key else []) + list(key)
        sign = ("-" if value < 0 else "") if not text else (" - " if value < 0 else " + ")
        text += sign + "*".join(factors)
    return text


def shape_text(shape: Shape) -> str:
    """A shape as errors name it: "a scalar", "a vector (n)" or "a matrix (m, n)"."""
    kind = ("a scalar", "a vector", "a matrix")[len(shape)]
    return kind if not shape else f"{kind} ({', '.join(str(k) for k in shape)})"
