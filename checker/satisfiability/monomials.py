"""Expressions over positive numbers as sums of monomials; sums that are not expanded become atoms.

A monomial is a product of rational powers of atoms, a polynomial a sum of monomials with rational
coefficients. An atom is a variable, a constant that is not rational, or a sum kept as one number, such as
`1 - rho_w`.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import TypeAlias

from checker.expression.smt import constant
from checker.expression.text import to_text
from checker.expression.tree import Binary, Call, Name, Negate, Node, Number, Pi

Monomial: TypeAlias = tuple[tuple[str, Fraction], ...]
Polynomial: TypeAlias = dict[Monomial, Fraction]

ONE: Monomial = ()
_MOST_TERMS = 24


class NotAMonomial(Exception):
    """The expression has no form of this kind."""


def times(x: Monomial, y: Monomial, power: Fraction = Fraction(1)) -> Monomial:
    """x * y**power."""
    exponents = dict(x)
    for atom, exponent in y:
        exponents[atom] = exponents.get(atom, Fraction(0)) + exponent * power
    return tuple(sorted((atom, e) for atom, e in exponents.items() if e))


def plus(x: Polynomial, y: Polynomial, factor: Fraction = Fraction(1)) -> Polynomial:
    """x + factor * y."""
    found = dict(x)
    for monomial, coefficient in y.items():
        found[monomial] = found.get(monomial, Fraction(0)) + factor * coefficient
    return {monomial: c for monomial, c in found.items() if c}


class Atoms:
    """The atoms of one question: `sums` has the polynomial of each sum, `nodes` its expression."""

    def __init__(self) -> None:
        self.sums: dict[str, Polynomial] = {}
        self.nodes: dict[str, Node] = {}
        self.opaque: dict[str, Call] = {}
        self._known: dict[Node, str] = {}

    def atom(self, node: Node) -> str:
        """The name of an expression taken as one number."""
        if isinstance(node, Name):
            self.nodes.setdefault(node.name, node)
            return node.name
        if node not in self._known:
            name = f"({to_text(node)})"
            self._known[node] = name
            self.nodes[name] = node
        return self._known[node]

    def polynomial(self, node: Node) -> Polynomial:
        """The expression as a sum of monomials. Raises NotAMonomial."""
        value = constant(node)
        if value is not None:
            return {ONE: value} if value else {}
        match node:
            case Name():
                return {((self.atom(node), Fraction(1)),): Fraction(1)}
            case Pi():
                return {((self.atom(node), Fraction(1)),): Fraction(1)}
            case Negate(argument):
                return plus({}, self.polynomial(argument), Fraction(-1))
            case Binary("+" | "-" as operator, left, right):
                sign = Fraction(1 if operator == "+" else -1)
                return plus(self.polynomial(left), self.polynomial(right), sign)
            case Binary("*", left, right):
                return self._product(self.polynomial(left), self.polynomial(right))
            case Binary("/", left, right):
                below, coefficient = self.single(self.polynomial(right))
                if not coefficient:
                    raise NotAMonomial("division by zero")
                inverse = {times(ONE, below, Fraction(-1)): 1 / coefficient}
                return self._product(self.polynomial(left), inverse)
            case Binary("**", left, right):
                exponent = constant(right)
                if exponent is None:
                    raise NotAMonomial("a power with a variable exponent")
                return self._power(self.polynomial(left), exponent)
            case Call("sqrt", (argument,)):
                return self._power(self.polynomial(argument), Fraction(1, 2))
            case Call():
                name = self.atom(node)
                self.opaque[name] = node
                return {((name, Fraction(1)),): Fraction(1)}
            case _:
                raise NotAMonomial("no sum of monomials")

    def _product(self, x: Polynomial, y: Polynomial) -> Polynomial:
        parts = [self._kept(p) for p in (x, y)]
        if len(parts[0]) * len(parts[1]) > _MOST_TERMS:
            raise NotAMonomial("too many terms")
        found: Polynomial = {}
        for a, c in parts[0].items():
            found = plus(found, {times(a, b): c * e for b, e in parts[1].items()})
        return found

    def _kept(self, x: Polynomial) -> Polynomial:
        """A sum with a negative term is not expanded in a product: it becomes an atom."""
        if len(x) < 2 or all(c > 0 for c in x.values()):
            return x
        monomial, coefficient = self.single(x)
        return {monomial: coefficient}

    def _power(self, x: Polynomial, exponent: Fraction) -> Polynomial:
        if not x:
            raise NotAMonomial("a power of zero")
        monomial, coefficient = self.single(x)
        scaled = _rational_power(coefficient, exponent)
        result = times(ONE, monomial, exponent)
        if scaled is None:
            if coefficient < 0:
                raise NotAMonomial("a power of a negative number")
            root = Binary("**", Number(coefficient), Number(exponent), 1, ())
            return {times(result, ((self.atom(root), Fraction(1)),)): Fraction(1)}
        return {result: scaled}

    def single(self, x: Polynomial) -> tuple[Monomial, Fraction]:
        """The polynomial as one monomial and its coefficient; a sum becomes an atom."""
        if len(x) == 1:
            return next(iter(x.items()))
        if not x:
            return ONE, Fraction(0)
        node = to_node(x, self.nodes)
        name = self.atom(node)
        self.sums[name] = x
        return ((name, Fraction(1)),), Fraction(1)


def _rational_power(value: Fraction, exponent: Fraction) -> Fraction | None:
    """value**exponent where it is rational and small; None otherwise."""
    if exponent.denominator == 1:
        return value**exponent.numerator if abs(exponent) <= 64 else None
    if value < 0 or abs(exponent) > 64:
        return None
    ends: list[int] = []
    for whole in (value.numerator, value.denominator):
        root = round(whole ** (1 / exponent.denominator)) if whole < 2**200 else 0
        if root**exponent.denominator != whole:
            return None
        ends.append(root)
    return Fraction(ends[0], ends[1]) ** exponent.numerator


def to_node(x: Polynomial, nodes: Mapping[str, Node]) -> Node:
    """The polynomial as an expression: positive terms first, each group in a fixed order."""
    ordered = sorted(x.items(), key=lambda item: (item[1] < 0, item[0]))
    result: Node | None = None
    for monomial, coefficient in ordered:
        term = monomial_node(monomial, abs(coefficient), nodes)
        if result is None:
            result = Negate(term, 1, ()) if coefficient < 0 else term
        else:
            result = Binary("-" if coefficient < 0 else "+", result, term, 1, ())
    return result if result is not None else Number(Fraction(0))


def monomial_node(monomial: Monomial, coefficient: Fraction, nodes: Mapping[str, Node]) -> Node:
    """A coefficient times powers of atoms; negative powers stand below one line."""
    above: list[Node] = [] if coefficient == 1 else [Number(coefficient)]
    below: list[Node] = []
    for atom, exponent in monomial:
        size = abs(exponent)
        power = nodes[atom] if size == 1 else Binary("**", nodes[atom], Number(size), 1, ())
        (above if exponent > 0 else below).append(power)
    top = _joined(above)
    return top if not below else Binary("/", top, _joined(below), 1, ())


def _joined(factors: list[Node]) -> Node:
    result: Node | None = None
    for factor in factors:
        result = factor if result is None else Binary("*", result, factor, 1, ())
    return result if result is not None else Number(Fraction(1))
