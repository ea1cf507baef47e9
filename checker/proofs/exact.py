"""A step at one exact point: rational free variables, the others by the equations that fix them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypeAlias

from flint import ctx, fmpq

from checker.enclosure import Enclosure
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression import arithmetic
from checker.expression.enclose import enclose, judge
from checker.expression.simplify import substitute
from checker.expression.smt import constant
from checker.expression.text import to_text
from checker.expression.tree import Binary, Call, Claim, Comparison, Negate, Node, Number
from checker.proofs.equations import Solved
from checker.verdict import Verdict

Point: TypeAlias = Mapping[str, Fraction]

_BITS = 256


@dataclass(frozen=True)
class Found:
    """A confirmed point: the free variables' values, and how the equations fix the others."""

    point: Point
    solved: Solved

    def shown(self, variables: Iterable[str]) -> dict[str, str]:
        """Every variable by an exact text: "p/q", or such as "sqrt(2)" where it is irrational."""
        known = _closed(self.point, self.solved)
        return {name: _text(known.get(name, Number(Fraction(0)))) for name in variables}


def refutes(assume: Iterable[Claim], show: Claim, point: Point, solved: Solved) -> bool:
    """Does every assumption certainly hold and the conclusion certainly fail at an exact point?"""
    with ctx.workprec(_BITS):
        try:
            env = _at(point, solved)
            return judge(show, env).verdict is Verdict.FAILS and _hold(assume, env, solved)
        except (NotEnclosed, CertainlyUndefined):
            return False


def satisfies(assume: Iterable[Claim], point: Point, solved: Solved) -> bool:
    """Does every assumption certainly hold at an exact point?"""
    with ctx.workprec(_BITS):
        try:
            return _hold(assume, _at(point, solved), solved)
        except (NotEnclosed, CertainlyUndefined):
            return False


def _hold(assume: Iterable[Claim], env: "_At", solved: Solved) -> bool:
    by_construction = solved.equations
    for claim in assume:
        for part in claim.parts:
            allowed = {Verdict.HOLDS}
            if id(part) in by_construction:
                # The definition solves it; what is left to see is that both sides have values.
                if isinstance(part, Comparison):
                    for side in (part.left, part.right):
                        enclose(side, env)
                allowed = {Verdict.HOLDS, Verdict.UNDECIDED}
            if judge(replace(claim, parts=(part,)), env).verdict not in allowed:
                return False
    return True


@dataclass(frozen=True)
class _At:
    """The names of a step at an exact point."""

    values: dict[str, Enclosure]
    memo: dict[Node, Enclosure] = field(default_factory=dict[Node, Enclosure])

    def name(self, name: str) -> Enclosure:
        if name not in self.values:
            raise NotEnclosed(f"{name} has no value")
        return self.values[name]

    def call(self, node: Call) -> Enclosure:
        raise NotEnclosed(f"{node.function} has no meaning in a step over real variables")


def _at(point: Point, solved: Solved) -> _At:
    """The point with the solved variables filled in: exact rationals where the value is rational.

    Raises NotEnclosed or CertainlyUndefined where a definition has no value.
    """
    values: dict[str, Enclosure] = {
        name: fmpq(value.numerator, value.denominator)
        for name, value in point.items()
        if name not in solved.names
    }
    for definition in reversed(solved.definitions):
        values[definition.name] = enclose(definition.value, _At(values))
    return _At(values)


def cost(shown: Mapping[str, str]) -> tuple[int, int, int]:
    """How hard a point is to put in: the values that are no rationals, their length, and their size."""
    texts = list(shown.values())
    irrational = sum(bool(text.strip("-0123456789/")) for text in texts)
    size = sum(int(digits) for text in texts for digits in re.findall(r"\d{1,30}", text))
    return irrational, sum(map(len, texts)), size


def _closed(point: Point, solved: Solved) -> dict[str, Node]:
    """Every variable as a constant expression, rational parts computed."""
    known: dict[str, Node] = {
        name: Number(value) for name, value in point.items() if name not in solved.names
    }
    for definition in reversed(solved.definitions):
        known[definition.name] = folded(substitute(definition.value, known))
    return known


def folded(node: Node) -> Node:
    """The same constant with every rational part computed, roots of rational squares too."""
    match node:
        case Negate(argument=argument):
            node = replace(node, argument=folded(argument))
        case Binary(left=left, right=right):
            node = replace(node, left=folded(left), right=folded(right))
        case Call(function=function, arguments=arguments):
            node = replace(node, arguments=tuple(folded(argument) for argument in arguments))
            inner = constant(node.arguments[0])
            if function == "sqrt" and inner is not None and inner >= 0:
                value = arithmetic.root(fmpq(inner.numerator, inner.denominator))
                if isinstance(value, fmpq):
                    return Number(Fraction(int(value.p), int(value.q)))
        case _:
            pass
    value = constant(node)
    if value is not None:
        return Number(value)
    if isinstance(node, Binary) and node.operator == "*" and node.left == Number(Fraction(1)):
        return node.right
    return node


def _text(node: Node) -> str:
    """A rational as "p/q", anything else as an expression of the claim language."""
    return str(node.value) if isinstance(node, Number) else to_text(node)
