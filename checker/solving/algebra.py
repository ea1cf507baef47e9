"""Scalar trees of ours as sympy expressions, node by node, and back. No text is ever given to sympy."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import sympy

from checker.expression.tree import Binary, Call, Name, Negate, Node, Number, Pi

Symbols = dict[str, Any]


class NoFormula(Exception):
    """The expression is not algebraic, or has no closed form that we look for; the reason in words."""


def symbols_for(names: Mapping[str, bool]) -> Symbols:
    """One real symbol a name, positive where that is known."""
    out: Symbols = {}
    for k, (name, positive) in enumerate(sorted(names.items())):
        out[name] = sympy.Symbol(f"x{k}", real=True, positive=True if positive else None)
    return out


def to_sympy(node: Node, symbols: Mapping[str, Any], pick: Callable[[Call], Node]) -> Any:
    """The expression; `pick` says which argument a min or max takes. Raises NoFormula for other functions."""
    match node:
        case Number(value):
            return sympy.Rational(value.numerator, value.denominator)
        case Pi():
            return sympy.pi
        case Name(name):
            return symbols[name]
        case Negate(argument):
            return -to_sympy(argument, symbols, pick)
        case Binary("**", left, right):
            exponent = to_sympy(right, symbols, pick)
            if not exponent.is_Rational:
                raise NoFormula("an exponent is no number")
            return to_sympy(left, symbols, pick) ** exponent
        case Binary(operator, left, right) if operator in "+-*/":
            a, b = to_sympy(left, symbols, pick), to_sympy(right, symbols, pick)
            if operator == "/" and b == 0:
                raise NoFormula("a divisor is zero")
            return {"+": a + b, "-": a - b, "*": a * b}[operator] if operator != "/" else a / b
        case Call("sqrt", (argument,)):
            return sympy.sqrt(to_sympy(argument, symbols, pick))
        case Call("min" | "max"):
            return to_sympy(pick(node), symbols, pick)
        case _:
            raise NoFormula("a claim is not algebraic in it")


def from_sympy(expression: Any, names: Mapping[Any, Node]) -> Node:
    """The tree of an expression in symbols, rational numbers, sums, products and powers; each of shape ()."""
    return _Back(names).node(expression)


class _Back:
    def __init__(self, names: Mapping[Any, Node]) -> None:
        self._names = names

    def node(self, e: Any) -> Node:
        if e in self._names:
            return self._names[e]
        if e.is_Rational:
            return Number(Fraction(int(e.p), int(e.q)))
        if e is sympy.pi:
            return Pi()
        if e.is_Add:
            return self._sum(e)
        if e.is_Mul:
            return self._product(e)
        if e.is_Pow and e.exp.is_Rational:
            return self._power(e.base, Fraction(int(e.exp.p), int(e.exp.q)))
        raise NoFormula(f"the solution is not algebraic: {e}")

    def _sum(self, e: Any) -> Node:
        terms = sorted(e.as_ordered_terms(), key=lambda t: bool(t.could_extract_minus_sign()))
        out = self.node(terms[0])
        for term in terms[1:]:
            if term.could_extract_minus_sign():
                out = Binary("-", out, self.node(-term), shape=())
            else:
                out = Binary("+", out, self.node(term), shape=())
        return out

    def _power(self, base: Any, exponent: Fraction) -> Node:
        if exponent < 0:
            return Binary("/", Number(Fraction(1)), self._power(base, -exponent), shape=())
        if exponent == 1:
            return self.node(base)
        if exponent == Fraction(1, 2):
            return Call("sqrt", (self.node(base),), shape=())
        return Binary("**", self.node(base), Number(exponent), shape=())

    def _product(self, e: Any) -> Node:
        top, bottom = e.as_numer_denom()
        if bottom != 1:
            return Binary("/", self._whole(top), self._whole(bottom), shape=())
        return self._whole(e)

    def _whole(self, e: Any) -> Node:
        """A product without a denominator; numbers first, roots last."""
        if not e.is_Mul:
            return self.node(e)
        turned = _sign_moved(e)
        if turned is None:
            return Negate(self._whole(-e), shape=())
        e = turned
        if not e.is_Mul:
            return self.node(e)
        numbers = [f for f in e.args if f.is_Rational]
        roots = [f for f in e.args if f.is_Pow and f.exp == sympy.Rational(1, 2)]
        rest = [f for f in e.as_ordered_factors() if f not in numbers and f not in roots]
        constant = [r for r in roots if not r.free_symbols]
        other = [r for r in roots if r.free_symbols]
        factors = [*numbers, *constant, *rest, *sorted(other, key=str)]
        out = self.node(factors[0])
        for factor in factors[1:]:
            out = Binary("*", out, self.node(factor), shape=())
        return out


def _sign_moved(e: Any) -> Any | None:
    """The product without a leading minus, the sign moved into a sum; None where no sum can take it."""
    if not e.could_extract_minus_sign():
        return e
    for k, factor in enumerate(e.args):
        if factor.is_Add:
            return sympy.Mul(-1, *e.args[:k], *e.args[k + 1 :], -factor)
    return None
