"""What the sides of a failed step are at its counterexample: numbers that a person can compare."""

from collections.abc import Mapping
from dataclasses import dataclass

from flint import ctx, fmpq

from checker.enclosure import Ball, to_arb
from checker.errors import CertainlyUndefined, ExpressionError, NotEnclosed
from checker.expression.enclose import compare, enclose
from checker.expression.parse import parse_claim, parse_expression
from checker.expression.tree import Call, Comparison, Node
from checker.proofs.tape import NotOnTapeError, to_tape
from checker.verdict import Verdict

_BITS = 128
_LONGEST = 24


@dataclass(frozen=True)
class Sides:
    """The first comparison of a claim that fails at a point: its operator and both sides, as texts.

    A side is an exact "p/q" where it is a short rational, else the nearest decimal of six digits.
    """

    operator: str
    left: str
    right: str


@dataclass(frozen=True)
class _Values:
    values: dict[str, Ball]

    def name(self, name: str) -> Ball:
        if name not in self.values:
            raise NotEnclosed(f"{name} has no value")
        return self.values[name]

    def call(self, node: Call) -> Ball:
        raise NotEnclosed(f"{node.function} has no meaning here")


def failing_sides(show: str, counterexample: Mapping[str, str]) -> Sides | None:
    """Put a counterexample into a claim; None where its texts cannot be read or nothing certainly fails."""
    with ctx.workprec(_BITS):
        try:
            claim = parse_claim(show)
            to_tape([claim])  # refuses what is no statement about real numbers
            nowhere = _Values({})
            point = {name: _number(parse_expression(text), nowhere) for name, text in counterexample.items()}
            for part in claim.parts:
                if isinstance(part, Comparison):
                    left, right = _number(part.left, _Values(point)), _number(part.right, _Values(point))
                    if compare(part.operator, left, right) is Verdict.FAILS:
                        return Sides(part.operator, _text(left), _text(right))
        except (ExpressionError, NotOnTapeError, NotEnclosed, CertainlyUndefined):
            return None
    return None


def _number(node: Node, at: _Values) -> Ball:
    value = enclose(node, at)
    if isinstance(value, fmpq):
        return value
    return to_arb(value)  # type: ignore[arg-type]


def _text(value: Ball) -> str:
    if isinstance(value, fmpq) and len(str(value)) <= _LONGEST:
        return str(value)
    return f"about {float(to_arb(value)):.6g}"
