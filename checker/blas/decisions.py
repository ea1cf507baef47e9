"""Decisions at BLAS speed: is lambda_min(A) >= c, is |W|_2 <= b?

Proofs are one factorisation of what must be positive semidefinite; refutations are one vector.
Answers hold for every matrix within the slack; where they differ or nothing is proved, UNDECIDED.
"""

import math
from collections.abc import Iterator

import numpy as np

from checker.blas.directed import Floats
from checker.blas.gram import gram
from checker.blas.guesses import lowest, lowest_above
from checker.blas.matrix import add_up
from checker.blas.quotients import lambda_min_above, stretch
from checker.blas.scaling import scaled, times_exactly
from checker.blas.selftest import trusted
from checker.blas.shifts import semidefinite
from checker.blas.symmetry import is_diagonal, require_symmetric
from checker.verdict import Verdict

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
    if is_diagonal(A):
        return Verdict.HOLDS if diagonal.min() >= wanted else Verdict.UNDECIDED
    proved, direction = semidefinite(A, wanted)
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
    if tall.shape[1] == 1:
        low, high = stretch(tall, size, np.ones(1))
        return Verdict.HOLDS if high <= allowed else Verdict.FAILS if low > reached else Verdict.UNDECIDED
    minus, error = gram(tall, size)
    np.negative(minus, out=minus)
    squared = math.nextafter(allowed * allowed, -math.inf) if allowed > 0 else 0.0
    wanted = math.nextafter(error - squared, math.inf)
    proved, direction = semidefinite(minus, wanted)
    if proved and allowed > 0:
        return Verdict.HOLDS
    if any(stretch(tall, size, x)[0] > reached for x in _directions(minus, size, wanted, direction)):
        return Verdict.FAILS
    return Verdict.UNDECIDED


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
