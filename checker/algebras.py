"""The algebra that verdicts are read in: balls."""

from flint import fmpq

from checker.enclosure import ARRAYS, Ball, Enclosure, to_arb
from checker.errors import NotEnclosed
from checker.expression.enclose import enclose
from checker.scene import Algebra


def _scalar(value: Enclosure) -> Ball:
    if isinstance(value, ARRAYS):
        raise NotEnclosed("an array stands where a number is needed")
    return value


def _add(x: Enclosure, y: Enclosure) -> Enclosure:
    return _scalar(x) + _scalar(y)


def _least(x: Enclosure, y: Enclosure) -> Enclosure:
    a, b = _scalar(x), _scalar(y)
    if isinstance(a, fmpq) and isinstance(b, fmpq):
        return a if a <= b else b
    return to_arb(a).min(to_arb(b))


def _greatest(x: Enclosure, y: Enclosure) -> Enclosure:
    a, b = _scalar(x), _scalar(y)
    if isinstance(a, fmpq) and isinstance(b, fmpq):
        return a if a >= b else b
    return to_arb(a).max(to_arb(b))


BALLS: Algebra[Enclosure] = Algebra(
    evaluate=enclose, number=lambda k: fmpq(k), add=_add, least=_least, greatest=_greatest
)


def is_exact(value: Ball) -> bool:
    """Is the enclosure a single number?"""
    return isinstance(value, fmpq) or value.is_exact()
