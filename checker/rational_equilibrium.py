"""The exact path, equilibria of piecewise linear activations.

Such an equilibrium is linear on the signs of its preactivation, so it is a rational vector once the
signs are known; assumed signs are confirmed by solving exactly.
"""

from collections.abc import Mapping
from itertools import product as patterns
from typing import Final, cast

from flint import fmpq, fmpq_mat

from checker.rational_polynomials import NotRational
from checker.rational_roots import Real, compare, plus, sign, times
from checker.rational_values import Vector, over_q, product, rows_of, squares

_SLOPES: Final[Mapping[str, tuple[fmpq, fmpq]]] = {
    "relu": (fmpq(0), fmpq(1)),
    "leaky-relu": (fmpq(1, 100), fmpq(1)),
    "abs": (fmpq(-1), fmpq(1)),
    "identity": (fmpq(1), fmpq(1)),
}
"""The slopes before and after 0; every one of these activations is 1-Lipschitz and 0 at 0."""

_MOST_PATTERNS: Final = 512
"""So many sign patterns are gone through at one input."""

_TURNS: Final = 40


def slopes_of(activation: str) -> tuple[fmpq, fmpq]:
    """The slopes before and after 0. Raises NotRational for an activation that is not piecewise linear."""
    if activation not in _SLOPES:
        raise NotRational(f"{activation} is not piecewise linear")
    return _SLOPES[activation]


def phi(activation: str, z: Real) -> Real:
    """The activation at one number."""
    left, right = slopes_of(activation)
    return times(z, left if sign(z) < 0 else right)


def solutions(activation: str, W: fmpq_mat, source: Vector) -> tuple[list[Vector], bool]:
    """Solutions of t = phi(W t + source), and whether these are certainly all; two may stand for more.

    The only one where |W|_2 < 1 or the rows of W are short. Raises NotRational for wide models otherwise.
    """
    left, right = slopes_of(activation)
    if _contracts(W):
        found = _by_turns(activation, W, source)
        if found is not None:
            return [found], True
    sides = (right,) if left == right else (left, right)
    if len(sides) ** W.nrows() > _MOST_PATTERNS:
        raise NotRational("the equilibrium was not found")
    return _by_patterns(activation, W, source, sides)


def _contracts(W: fmpq_mat) -> bool:
    rows = rows_of(W)
    if max(sum((abs(cast(fmpq, w)) for w in row), fmpq(0)) for row in rows) < 1:
        return True
    if compare(squares(rows), fmpq(1)) < 0:
        return True
    m = W.nrows()
    one = fmpq_mat(m, m, [int(i == j) for i in range(m) for j in range(m)])
    return _positive_definite(one - W.transpose() * W)


def _positive_definite(A: fmpq_mat) -> bool:
    """Are all pivots of Gaussian elimination positive? (Sylvester's law of inertia.) A is symmetric."""
    rows = [[A[i, j] for j in range(A.ncols())] for i in range(A.nrows())]
    while rows:
        first, *rest = rows
        if first[0] <= 0:
            return False
        rows = [[x - row[0] / first[0] * y for x, y in zip(row[1:], first[1:], strict=True)] for row in rest]
    return True


def _by_turns(activation: str, W: fmpq_mat, source: Vector) -> Vector | None:
    """Solve for assumed signs, take the signs found, and so on until they agree; None where they do not."""
    left, right = slopes_of(activation)
    z: Vector = source
    for _ in range(_TURNS):
        t = solved(W, [left if sign(x) < 0 else right for x in z], source)
        if t is None:
            return None
        z = _preactivation(W, t, source)
        if t == [phi(activation, x) for x in z]:
            return t
    return None


def _preactivation(W: fmpq_mat, t: Vector, source: Vector) -> Vector:
    return [plus(a, u) for a, u in zip(cast(Vector, product(rows_of(W), t)), source, strict=True)]


def _system(W: fmpq_mat, D: list[fmpq], source: Vector) -> tuple[fmpq_mat, fmpq_mat]:
    """(I - D W) t = D source."""
    m = len(D)
    A = fmpq_mat(m, m, [fmpq(int(i == j)) - D[i] * W[i, j] for i in range(m) for j in range(m)])
    return A, over_q([[times(d, u)] for d, u in zip(D, source, strict=True)])


def solved(W: fmpq_mat, D: list[fmpq], source: Vector) -> Vector | None:
    """t = D(W t + source) for fixed slopes; None where the system is singular."""
    A, b = _system(W, D, source)
    try:
        return cast(Vector, A.solve(b).entries())
    except ZeroDivisionError:
        return None


def _by_patterns(
    activation: str, W: fmpq_mat, source: Vector, sides: tuple[fmpq, ...]
) -> tuple[list[Vector], bool]:
    """Solve on every sign pattern; a singular system that has solutions may hide some."""
    found: list[Vector] = []
    all_seen = True
    for D in patterns(sides, repeat=len(source)):
        t = solved(W, list(D), source)
        if t is None:
            all_seen = all_seen and not _soluble(*_system(W, list(D), source))
        elif t == [phi(activation, x) for x in _preactivation(W, t, source)] and t not in found:
            found.append(t)
    return found, all_seen


def _soluble(A: fmpq_mat, b: fmpq_mat) -> bool:
    m = A.nrows()
    both = fmpq_mat(m, m + 1, [A[i, j] if j < m else b[i, 0] for i in range(m) for j in range(m + 1)])
    return both.rank() == A.rank()


def exactly_one(activation: str, W: fmpq_mat, source: Vector) -> bool:
    """Is there exactly one solution? Raises NotRational where that is not clear."""
    left, right = slopes_of(activation)
    found, all_seen = solutions(activation, W, source)
    if len(found) < 2 and not all_seen and left != right:
        raise NotRational("whether the model is well posed was not decided")
    return len(found) == 1


def the_only_one(activation: str, W: fmpq_mat, source: Vector) -> Vector:
    """The equilibrium. Raises NotRational unless it certainly is the only one."""
    found, all_seen = solutions(activation, W, source)
    if len(found) != 1 or not all_seen:
        raise NotRational("the equilibrium is not known to be unique")
    return found[0]
