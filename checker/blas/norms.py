"""Spectral norms: from below by one vector, from above by one factorisation.

With G and e from `gram`, G_true = W'W satisfies |G_true - G|_2 <= e. If lambda_min(sI - G) >= -r,
then |W|_2**2 = lambda_max(G_true) <= s + r + e. The matrix factorised has the diagonal s - g_ii
rounded downwards: it is sI - G less a nonnegative diagonal, so the bound holds for sI - G as well.
"""

import math

import numpy as np

from checker.blas.definite import expected_defect, factorised
from checker.blas.directed import Floats
from checker.blas.gram import gram
from checker.blas.guesses import highest
from checker.blas.matrix import add_up
from checker.blas.quotients import stretch
from checker.blas.scaling import scaled, times_exactly


def norm_bracket(W: Floats, size: float) -> tuple[float, float]:
    """At most, and at least, the spectral norm of W (m, n), whose size is around 1; `size` >= |W|_F."""
    if size == 0:
        return 0.0, 0.0
    tall = W if W.shape[0] >= W.shape[1] else W.T
    if tall.shape[1] == 1:
        return stretch(tall, size, np.ones(1))
    G, error = gram(tall, size)
    top = highest(G)
    if top is None:
        return 0.0, size
    low, _ = stretch(tall, size, top[1])
    high = math.sqrt(add_up(greatest_above(G, top[0], size), error))
    return low, min(math.nextafter(high, math.inf), size)


def greatest_above(A: Floats, guess: float, size: float) -> float:
    """At least lambda_max(A), A (n, n) symmetric, from a guess of it; `size` >= |A|_F or its trace.

    inf where a few shifts above the guess were not enough.
    """
    diagonal = np.diagonal(A)
    usual = expected_defect(guess - diagonal)
    for further in (usual / 8, usual, 16 * usual + 1e-14 * size):
        shift = guess + further
        found = factorised(A, np.nextafter(shift - diagonal, -np.inf), minus=True)
        if found.defect < math.inf:
            return max(math.nextafter(shift + found.defect, math.inf), 0.0)
    return math.inf


def norm_above(Y: Floats) -> float:
    """At least the spectral norm of Y (m, n), of any size; inf where Y is not finite."""
    unit = scaled(Y)
    if unit is None:
        return math.inf
    high = norm_bracket(unit.entries, unit.size)[1]
    return times_exactly(add_up(high, unit.slack), unit.exponent, upwards=True)
