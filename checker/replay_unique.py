"""The second code path, uniqueness: does t = phi(W t + U x) have exactly one solution?"""

from itertools import product
from typing import Final

from mpmath import mp

from checker.replay_activations import SLOPES, lipschitz
from checker.replay_models import Point, newton, step
from checker.replay_values import Real, Undefined, Vector, singular_values, solved, times, tiny

_MOST_NEURONS: Final = 10
"""Sign patterns are gone through up to this width."""

_STARTS: Final = (0, 1, -1, 4, -4, 20, -20)


def unique(point: Point, x: Vector) -> bool | None:
    """True or False where that is clear at the input x (d,), None where it is not."""
    W, L = point.params["W"], lipschitz(point.activation)
    rows = max(mp.fsum(abs(w) for w in row) for row in W)
    if L * min(max(singular_values(W)), rows) < 1:
        return True
    source = times(point.params["U"], x)
    if point.activation in SLOPES:
        return _by_patterns(point, source) if len(W) <= _MOST_NEURONS else None
    return False if _several(point, source) else None


def _by_patterns(point: Point, source: Vector) -> bool | None:
    """A piecewise linear map is linear on each sign pattern of the preactivation: solve on each."""
    W, size = point.params["W"], len(source)
    left, right, unit = SLOPES[point.activation]
    sides = (right,) if left == right else (left, right)
    found: list[Vector] = []
    singular = False
    for pattern in product(sides, repeat=size):
        D = [mp.mpf(s) / unit for s in pattern]
        A = [[mp.mpf(int(i == j)) - D[i] * W[i][j] for j in range(size)] for i in range(size)]
        try:
            t = solved(A, [d * u for d, u in zip(D, source, strict=True)])
        except Undefined:
            singular = True
            continue
        image = step(point, W, t, source)
        if _apart(t, image) <= tiny() and all(_apart(t, other) > tiny() for other in found):
            found.append(t)
    if len(found) > 1 or (singular and left == right):
        return False
    return None if singular else len(found) == 1


def _apart(t: Vector, other: Vector) -> Real:
    return max(abs(a - b) for a, b in zip(t, other, strict=True)) / (1 + max(abs(a) for a in t))


def _several(point: Point, source: Vector) -> bool:
    """Do Newton's iterations from several starts settle at different points?"""
    W, exact = point.params["W"], mp.mpf(10) ** (-(mp.dps - 12))
    found: list[Vector] = []
    for k in _STARTS:
        t = newton(point, W, source, [mp.mpf(k)] * len(source), exact)
        if t is not None and all(_apart(t, other) > tiny() for other in found):
            found.append(t)
    return len(found) > 1
