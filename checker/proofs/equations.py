"""Equations among the assumptions solved for a variable, so that the others are free.

`N**2 == p**2 + q**2` with `0 <= N` gives N := sqrt(p**2 + q**2), `q == L*w` gives q := L*w. Where the
definitions have values and the equation's sides too, the equation is true by construction, also where the
value is irrational.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Final, TypeAlias

from checker.expression.simplify import free_names, substitute, walk
from checker.expression.smt import constant
from checker.expression.tree import Atom, Binary, Call, Claim, Comparison, Name, Negate, Node, Number

MAX_NODES: Final = 1500
_MAX_BRANCHES: Final = 8
_ZERO: Final = Number(Fraction(0))

Coefficients: TypeAlias = Mapping[int, Node]
"""A polynomial in one variable: power to coefficient, none of which names the variable."""


@dataclass(frozen=True)
class Definition:
    """A variable, the expression that takes its place, and the equation that says so.

    `equivalent`: at every point where the equation is true, the variable has this value.
    """

    name: str
    value: Node
    equation: Comparison
    equivalent: bool


@dataclass(frozen=True)
class Solved:
    """Definitions in the order in which they were made: each may use the names of later ones."""

    definitions: tuple[Definition, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that are no longer free."""
        return tuple(each.name for each in self.definitions)

    @property
    def equations(self) -> frozenset[int]:
        """The identity of the comparisons that are true by construction."""
        return frozenset(id(each.equation) for each in self.definitions)

    def applied(self, node: Node) -> Node:
        """The expression in the free variables alone. Raises TooLargeError."""
        for each in self.definitions:
            node = _put(node, each)
        return node


class TooLargeError(Exception):
    """An expression outgrows MAX_NODES nodes when definitions are put in."""


def _put(node: Node, definition: Definition) -> Node:
    """The node with one definition put in. Raises TooLargeError."""
    times = sum(isinstance(each, Name) and each.name == definition.name for each in walk(node))
    if not times:
        return node
    if times * _size(definition.value) + _size(node) > MAX_NODES:
        raise TooLargeError
    return substitute(node, {definition.name: definition.value})


def solutions(assume: Sequence[Claim], *, only_equivalent: bool = False) -> Iterator[Solved]:
    """Ways to solve the equations, one a choice of signs of square roots; at least the empty way.

    With `only_equivalent` there is one way, whose definitions lose no point that satisfies the assumptions.
    """
    ways = _extended(tuple(_equations(assume)), (), known_signs(assume), only_equivalent)
    yield from islice(ways, _MAX_BRANCHES)


def _extended(
    equations: tuple[Comparison, ...],
    made: tuple[Definition, ...],
    signs: Mapping[str, str],
    only_equivalent: bool,
) -> Iterator[Solved]:
    """All ways to go on solving, the first equation next."""
    if not equations:
        yield Solved(made)
        return
    first, *rest = equations
    options: tuple[Definition, ...] = ()
    with contextlib.suppress(TooLargeError):
        solved = Solved(made)
        sides = solved.applied(first.left), solved.applied(first.right)
        options = _best(first, sides, signs, only_equivalent)
    if not options:
        yield from _extended(tuple(rest), made, signs, only_equivalent)
    for option in options:
        yield from _extended(tuple(rest), (*made, option), signs, only_equivalent)


def known_signs(assume: Sequence[Claim]) -> dict[str, str]:
    """What the assumptions say of a variable alone: ">", ">=", "<" or "<=" against 0 (or a safe number)."""
    out: dict[str, str] = {}
    for claim in assume:
        for part in claim.parts:
            if isinstance(part, Atom):
                continue
            left, right, operator = part.left, part.right, part.operator
            if isinstance(right, Name):
                left, right = right, left
                operator = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(operator, operator)
            bound = constant(right)
            if not isinstance(left, Name) or bound is None or operator == "==":
                continue
            if operator in (">", ">=") and bound >= 0:
                strict = operator == ">" or bound > 0
                out[left.name] = ">" if strict or out.get(left.name) == ">" else ">="
            elif operator in ("<", "<=") and bound <= 0:
                strict = operator == "<" or bound < 0
                out[left.name] = "<" if strict or out.get(left.name) == "<" else "<="
    return out


def _equations(assume: Sequence[Claim]) -> Iterator[Comparison]:
    for claim in assume:
        for part in claim.parts:
            if isinstance(part, Comparison) and part.operator == "==":
                yield part


def _size(node: Node) -> int:
    count = 0
    for _ in walk(node):
        count += 1
        if count > MAX_NODES:
            break
    return count


def _best(
    equation: Comparison, sides: tuple[Node, Node], signs: Mapping[str, str], only_equivalent: bool
) -> tuple[Definition, ...]:
    """The definitions by the variable that is solved for most simply; both signs where the sign is open."""
    left, right = sides
    ranked: list[tuple[int, int, str, Coefficients]] = []
    names = dict.fromkeys(node.name for side in sides for node in walk(side) if isinstance(node, Name))
    for order, name in enumerate(names):
        found = coefficients(Binary("-", left, right), name)
        rank = None if found is None else _rank(found, name, left, right)
        if found is not None and rank is not None:
            ranked.append((rank, order, name, found))
    for _, _, name, found in sorted(ranked, key=lambda item: item[:2]):
        made = _definitions(equation, name, found, signs)
        if not only_equivalent or all(each.equivalent for each in made):
            return made
    return ()


def _rank(found: Coefficients, name: str, left: Node, right: Node) -> int | None:
    """0 for `name == ...`, 1 for `name**k == ...`, then other equations; None where it cannot be solved."""
    degrees = set(found) - {0}
    if not degrees or not (degrees <= {1, 2} or degrees == {4}):
        return None
    if Name(name) in (left, right):
        return 0
    (top, *_) = sorted(degrees, reverse=True)
    plain = constant(found[top]) is not None
    alone = any(free_names(side) == frozenset({name}) for side in (left, right))
    if len(degrees) == 1:
        return (1 if alone and plain else 2 if plain and top == 1 else 3) + (0 if plain else 2)
    return 6


def _definitions(
    equation: Comparison, name: str, found: Coefficients, signs: Mapping[str, str]
) -> tuple[Definition, ...]:
    below = found.get(0, _ZERO)
    degrees = set(found) - {0}
    top = max(degrees)
    divisor_known = never_zero(found[top], signs) or (len(degrees) == 1 and never_zero(below, signs))
    if top == 1:
        return (Definition(name, _quotient(_negated(below), found[1]), equation, divisor_known),)
    if 1 in degrees:
        middle, square = found[1], found[2]
        four = Binary("*", Number(Fraction(4)), Binary("*", square, below))
        root = Call("sqrt", (Binary("-", Binary("*", middle, middle), four),))
        under = Binary("*", Number(Fraction(2)), square)
        ends = (Binary("-", root, middle), Binary("-", Negate(root), middle))
        return tuple(Definition(name, _quotient(end, under), equation, False) for end in ends)
    root: Node = Call("sqrt", (_quotient(_negated(below), found[top]),))
    if top == 4:
        root = Call("sqrt", (root,))
    sign = signs.get(name, "")
    plus = Definition(name, root, equation, divisor_known and sign in (">", ">="))
    minus = Definition(name, Negate(root), equation, divisor_known and sign in ("<", "<="))
    if sign in (">", ">="):
        return (plus,)
    return (minus,) if sign in ("<", "<=") else (plus, minus)


def never_zero(node: Node, signs: Mapping[str, str]) -> bool:
    """Does the form show that the value, where it is defined, is not zero?"""
    value = constant(node)
    if value is not None:
        return value != 0
    match node:
        case Name(name=name):
            return signs.get(name) in (">", "<")
        case Negate(argument=argument):
            return never_zero(argument, signs)
        case Binary(operator="*", left=left, right=right):
            return never_zero(left, signs) and never_zero(right, signs)
        case Binary(operator="/", left=left):
            return never_zero(left, signs)
        case Binary(operator="**", left=left):
            return never_zero(left, signs)
        case Call(function="exp"):
            return True
        case Call(function="sqrt" | "abs" | "tanh", arguments=(argument,)):
            return never_zero(argument, signs)
        case _:
            return False


def _negated(node: Node) -> Node:
    value = constant(node)
    if value is not None:
        return Number(-value)
    return node.argument if isinstance(node, Negate) else Negate(node)


def _quotient(above: Node, below: Node) -> Node:
    value = constant(below)
    if value == 1:
        return above
    if value == -1:
        return _negated(above)
    return Binary("/", above, below)


def _times(x: Node, y: Node) -> Node:
    if constant(x) == 1:
        return y
    return x if constant(y) == 1 else Binary("*", x, y)


def _plus(x: Node | None, y: Node) -> Node:
    return y if x is None else Binary("+", x, y)


def coefficients(node: Node, name: str, limit: int = 4) -> dict[int, Node] | None:
    """The node as a polynomial in one variable, of degree `limit` at most; None where none is seen."""
    if name not in free_names(node):
        return {0: node}
    match node:
        case Name():
            return {1: Number(Fraction(1))}
        case Negate(argument=argument):
            inner = coefficients(argument, name, limit)
            return None if inner is None else {k: _negated(c) for k, c in inner.items()}
        case Binary(operator=operator, left=left, right=right):
            return _of_binary(operator, left, right, name, limit)
        case _:
            return None


def _of_binary(operator: str, left: Node, right: Node, name: str, limit: int) -> dict[int, Node] | None:
    first = coefficients(left, name, limit)
    if first is None:
        return None
    if operator == "**":
        exponent = constant(right)
        if exponent is None or exponent.denominator != 1 or not 1 <= exponent <= limit:
            return None
        out = first
        for _ in range(int(exponent) - 1):
            step = _convolved(out, first, limit)
            if step is None:
                return None
            out = step
        return out
    second = coefficients(right, name, limit)
    if second is None:
        return None
    if operator in ("+", "-"):
        out = dict(first)
        for k, c in second.items():
            out[k] = _plus(out.get(k), c if operator == "+" else _negated(c))
        return {k: c for k, c in out.items() if k == 0 or constant(c) != 0}
    if operator == "*":
        return _convolved(first, second, limit)
    return {k: _quotient(c, right) for k, c in first.items()} if set(second) == {0} else None


def _convolved(x: Coefficients, y: Coefficients, limit: int) -> dict[int, Node] | None:
    out: dict[int, Node] = {}
    for i, a in x.items():
        for j, b in y.items():
            if i + j > limit:
                return None
            out[i + j] = _plus(out.get(i + j), _times(a, b))
    return out
