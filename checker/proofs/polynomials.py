"""Expressions as polynomials over names and opaque parts: rational coefficients, limited size."""

from collections.abc import Mapping
from fractions import Fraction
from math import gcd, lcm
from typing import Final, TypeAlias

from checker.expression.smt import constant
from checker.expression.tree import Binary, Name, Negate, Node, Number

MAX_TERMS: Final = 120
MAX_DEGREE: Final = 24
_MAX_BITS: Final = 2000

Monomial: TypeAlias = tuple[tuple[Node, int], ...]
"""Factors with their powers, in a fixed order; () is the constant."""
Polynomial: TypeAlias = dict[Monomial, Fraction]


class TooLargeError(Exception):
    """The polynomial outgrows its limits."""


def polynomial(node: Node) -> Polynomial:
    """The expanded form; what is neither a sum nor a product nor a whole power is one opaque factor.

    Raises TooLargeError. Equal to the node wherever that has a value.
    """
    value = constant(node)
    if value is not None:
        return {(): value} if value else {}
    match node:
        case Negate(argument=argument):
            return scaled(polynomial(argument), Fraction(-1))
        case Binary(operator="+", left=left, right=right):
            return added(polynomial(left), polynomial(right))
        case Binary(operator="-", left=left, right=right):
            return added(polynomial(left), scaled(polynomial(right), Fraction(-1)))
        case Binary(operator="*", left=left, right=right):
            return multiplied(polynomial(left), polynomial(right))
        case Binary(operator="/", left=left, right=right):
            divisor = constant(right)
            return scaled(polynomial(left), 1 / divisor) if divisor else {((node, 1),): Fraction(1)}
        case Binary(operator="**", left=left, right=right):
            exponent = constant(right)
            if exponent is None or exponent.denominator != 1 or not 1 <= exponent <= MAX_DEGREE:
                return {((node, 1),): Fraction(1)}
            base = out = polynomial(left)
            for _ in range(int(exponent) - 1):
                out = multiplied(out, base)
            return out
        case _:
            return {((node, 1),): Fraction(1)}


def added(x: Polynomial, y: Polynomial) -> Polynomial:
    """x + y."""
    out = dict(x)
    for monomial, c in y.items():
        total = out.get(monomial, Fraction(0)) + c
        if total:
            out[monomial] = total
        else:
            del out[monomial]
    return _small(out)


def scaled(x: Polynomial, c: Fraction) -> Polynomial:
    """c * x for c != 0."""
    return {monomial: c * value for monomial, value in x.items()}


def multiplied(x: Polynomial, y: Polynomial) -> Polynomial:
    """x * y."""
    if len(x) * len(y) > MAX_TERMS * 8:
        raise TooLargeError
    out: Polynomial = {}
    for a, p in x.items():
        for b, q in y.items():
            joined = _joined(a, b)
            out[joined] = out.get(joined, Fraction(0)) + p * q
    return _small({monomial: c for monomial, c in out.items() if c})


def _joined(a: Monomial, b: Monomial) -> Monomial:
    powers = dict(a)
    for factor, k in b:
        powers[factor] = powers.get(factor, 0) + k
    if sum(powers.values()) > MAX_DEGREE:
        raise TooLargeError
    return tuple(sorted(powers.items(), key=lambda item: _order(item[0])))


def _order(factor: Node) -> tuple[int, str]:
    return (0, factor.name) if isinstance(factor, Name) else (1, repr(factor))


def _small(x: Polynomial) -> Polynomial:
    if len(x) > MAX_TERMS:
        raise TooLargeError
    if any(max(c.numerator.bit_length(), c.denominator.bit_length()) > _MAX_BITS for c in x.values()):
        raise TooLargeError
    return x


def primitive(x: Polynomial) -> Polynomial:
    """The same times a positive rational: whole coefficients without a common factor."""
    if not x:
        return x
    bottom = lcm(*(c.denominator for c in x.values()))
    top = gcd(*(int(c * bottom) for c in x.values()))
    return scaled(x, Fraction(bottom, top))


def to_node(x: Polynomial, names: Mapping[Monomial, str] | None = None) -> Node:
    """The polynomial as a tree; monomials with a name in `names` become that variable."""
    out: Node | None = None
    for monomial, c in x.items():
        term = _term(monomial, names or {})
        size = Number(abs(c))
        part = size if term is None else term if abs(c) == 1 else Binary("*", size, term)
        signed = Negate(part) if c < 0 else part
        out = signed if out is None else Binary("-" if c < 0 else "+", out, part)
    return Number(Fraction(0)) if out is None else out


def _term(monomial: Monomial, names: Mapping[Monomial, str]) -> Node | None:
    if monomial in names:
        return Name(names[monomial])
    out: Node | None = None
    for factor, k in monomial:
        power = factor if k == 1 else Binary("**", factor, Number(Fraction(k)))
        out = power if out is None else Binary("*", out, power)
    return out
