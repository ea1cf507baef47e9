"""The second code path, uniqueness: does t = phi(W t + U x) have exactly one solution?"""

from itertools import product
from typing import Final

from mpmath import mp

from checker.replay_activations import SLOPES, lipschitz
from checker.replay_models import Point, newton, step
from checker.replay_values import Matrix, Real, Undefined, Vector, singular_values, solved, times, tiny

_MOST_NEURONS: Final = 10
"""Sign patterns are gone through up to this width."""

_ALONG: Final = (0, 1, -1, 4, -4, 40, -40)
"""Where a line of solutions is looked at, in quarters."""

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
    clear = True
    for pattern in product(sides, repeat=size):
        D = [mp.mpf(s) / unit for s in pattern]
        A = [[mp.mpf(int(i == j)) - D[i] * W[i][j] for j in range(size)] for i in range(size)]
        b = [d * u for d, u in zip(D, source, strict=True)]
        try:
            candidates = [solved(A, b)]
        except Undefined:
            candidates = _on_a_line(A, b)
        fixed = [t for t in candidates if _apart(t, step(point, W, t, source)) <= tiny()]
        found += [t for t in fixed if all(_apart(t, other) > tiny() for other in found)]
        clear = clear and (len(candidates) < 2 or len(fixed) > 1)
    if len(found) > 1:
        return False
    return len(found) == 1 if clear else None


def _on_a_line(A: Matrix, b: Vector) -> list[Vector]:
    """Some solutions of a singular system A t = b, on a line of them; none where there are none."""
    U, S, V = mp.svd_r(mp.matrix(A), full_matrices=True)
    size, noise = len(b), tiny() * (1 + max(abs(x) for row in A for x in row))
    turned = [mp.fsum(U[i, k] * b[i] for i in range(size)) for k in range(size)]
    if any(S[k] <= noise < abs(turned[k]) for k in range(size)):
        return []
    parts = [turned[k] / S[k] if S[k] > noise else mp.mpf(0) for k in range(size)]
    t = [mp.fsum(parts[k] * V[k, j] for k in range(size)) for j in range(size)]
    line = [V[size - 1, j] for j in range(size)]
    return [[x + mp.mpf(c) / 4 * v for x, v in zip(t, line, strict=True)] for c in _ALONG]


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
