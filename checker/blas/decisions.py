"""Decisions at BLAS speed: is lambda_min(A) >= c, is |W|_2 <= b?

Proofs are one factorisation of what must be positive semidefinite; refutations are one vector.
Answers hold for every matrix within the slack; where they differ or nothing is proved, UNDECIDED.
"""

import math
from collections.abc import Iterator

import numpy as np

from checker.blas.definite import expected_defect, factorised
from checker.blas.directed import Floats
from checker.blas.gram import gram
from checker.blas.guesses import lowest, lowest_above
from checker.blas.matrix import add_up
from checker.blas.quotients import lambda_min_above, stretch
from checker.blas.scaling import balanced, scaled, times_exactly
from checker.blas.selftest import trusted
from checker.blas.symmetry import require_symmetric
from checker.verdict import Verdict

_GRADED = 8.0
"""A diagonal that varies by more than this is worth scaling."""

_BELOW = 1e-5
"""How far below a refuted bound, relative to the matrix, the inverse is taken to find a witness."""


def at_least(A: Floats, c: float, slack: float = 0.0) -> Verdict:
    """Is lambda_min(S) >= c for every (or for no) symmetric S within Frobenius distance `slack` of A?

    A (n, n) is symmetric; c is a float, which is exact. Raises ValueError as `lambda_min` does.
    """
    if A.ndim != 2 or A.shape[0] != A.shape[1]:
        raise ValueError("a matrix that is not square has no eigenvalues")
    unit = scaled(A, slack)
    if unit is None or math.isnan(c):
        return Verdict.UNDECIDED
    require_symmetric(A)
    if not trusted():
        return Verdict.UNDECIDED
    if math.isinf(c):
        return Verdict.HOLDS if c < 0 else Verdict.FAILS
    low = times_exactly(c, -unit.exponent, upwards=False)
    high = times_exactly(c, -unit.exponent, upwards=True)
    wanted = math.nextafter(high + unit.slack, math.inf) if unit.slack else high
    least = math.nextafter(low - unit.slack, -math.inf) if unit.slack else low
    return _at_least(unit.entries, unit.size, wanted, least)


def _at_least(A: Floats, size: float, wanted: float, least: float) -> Verdict:
    """HOLDS where lambda_min(A) >= wanted, FAILS where lambda_min(A) < least."""
    diagonal = A.diagonal()
    if diagonal.min() < least:
        return Verdict.FAILS
    if wanted <= -size:
        return Verdict.HOLDS
    if not np.count_nonzero(A) > np.count_nonzero(diagonal):
        return Verdict.HOLDS if diagonal.min() >= wanted else Verdict.UNDECIDED
    proved, direction = _semidefinite(A, diagonal, wanted)
    if proved:
        return Verdict.HOLDS
    if any(lambda_min_above(A, size, x) < least for x in _directions(A, size, wanted, direction)):
        return Verdict.FAILS
    return Verdict.UNDECIDED


def norm_at_most(W: Floats, b: float, slack: float = 0.0) -> Verdict:
    """Is |S|_2 <= b for every (or for no) S within Frobenius distance `slack` of W (m, n)?

    b is a float, which is exact. Raises ValueError for a matrix without entries.
    """
    unit = scaled(W, slack)
    if unit is None or math.isnan(b) or not trusted():
        return Verdict.UNDECIDED
    if b < 0 or b == math.inf:
        return Verdict.FAILS if b < 0 else Verdict.HOLDS
    low = times_exactly(b, -unit.exponent, upwards=False)
    high = times_exactly(b, -unit.exponent, upwards=True)
    allowed = math.nextafter(low - unit.slack, -math.inf) if unit.slack else low
    return _norm_at_most(unit.entries, unit.size, allowed, add_up(high, unit.slack))


def _norm_at_most(W: Floats, size: float, allowed: float, reached: float) -> Verdict:
    """HOLDS where |W|_2 <= allowed, FAILS where |W|_2 > reached.

    |W|_2 <= b where lambda_min(-G) >= e - b**2, with G and e from `gram`.
    """
    if size <= allowed:
        return Verdict.HOLDS
    if size == 0:
        return Verdict.UNDECIDED
    tall = W if W.shape[0] >= W.shape[1] else W.T
    direction, minus, wanted = None, None, 0.0
    if tall.shape[1] == 1:
        low, high = stretch(tall, size, np.ones(1))
        return Verdict.HOLDS if high <= allowed else Verdict.FAILS if low > reached else Verdict.UNDECIDED
    G, error = gram(tall, size)
    minus = np.negative(G, out=G)
    squared = max(allowed, 0.0) * math.nextafter(max(allowed, 0.0), -math.inf)
    wanted = math.nextafter(error - math.nextafter(squared, -math.inf), math.inf)
    proved, direction = _semidefinite(minus, minus.diagonal(), wanted)
    if proved and allowed > 0:
        return Verdict.HOLDS
    if any(stretch(tall, size, x)[0] > reached for x in _directions(minus, size, wanted, direction)):
        return Verdict.FAILS
    return Verdict.UNDECIDED


def _semidefinite(A: Floats, diagonal: Floats, wanted: float) -> tuple[bool, Floats | None]:
    """Is lambda_min(A) >= wanted proved? If not, perhaps a direction in which it seems to fail.

    B is A with the diagonal b_ii <= a_ii - wanted, so B >= 0 is enough. If B with b_ii - t in place
    of b_ii has a defect r <= t, then lambda_min(B) >= t - r >= 0. Where the diagonal is graded, the
    same is asked of D B D for a diagonal D, which is semidefinite if and only if B is (Sylvester).
    """
    rest = np.nextafter(diagonal - wanted, -np.inf)
    least = int(rest.argmin())
    if not rest[least] > 0:
        direction = np.zeros(rest.size)
        direction[least] = 1.0
        return False, direction
    proved, direction = _shifted(A, rest)
    if proved or rest.max() < _GRADED * rest[least]:
        return proved, direction
    B = A.copy()
    np.fill_diagonal(B, rest)
    even = balanced(B)
    return (True, None) if even is not None and _shifted(even, even.diagonal())[0] else (False, direction)


def _shifted(A: Floats, diagonal: Floats) -> tuple[bool, Floats | None]:
    """Is A with this diagonal proved to be semidefinite, its entries known up to 2**-1075?"""
    t = expected_defect(diagonal)
    for _ in range(2):
        found = factorised(A, np.nextafter(diagonal - t, -np.inf))
        needed = add_up(found.defect, diagonal.size * 2.0**-1074)
        if needed <= t or needed == math.inf:
            return needed <= t, found.direction
        t = 1.25 * needed
    return False, None


def _directions(A: Floats, size: float, wanted: float, first: Floats | None) -> Iterator[Floats]:
    """Vectors in which A - wanted*I may be negative, the cheap ones first."""
    if first is not None:
        yield first
        found = lowest_above(A, wanted - _BELOW * size, first)
        if found is not None:
            yield found[1]
    found = lowest(A)
    if found is not None:
        yield found[1]
