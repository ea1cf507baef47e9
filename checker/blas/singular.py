"""The least singular value of a tall matrix, by a ladder of bounds.

Each rung is gone down to only where those above leave more than a relative gap of a millionth; what
they proved is kept.
"""

import math

import numpy as np
from flint import ctx

from checker import spectral
from checker.blas.brackets import Found
from checker.blas.directed import Floats, norm_up
from checker.blas.gram import gram
from checker.blas.guesses import lowest
from checker.blas.precondition import IN_BALLS, sigma_min_bounds, sigma_min_bounds_by_balls
from checker.blas.quotients import stretch
from checker.blas.shifts import RESIDUAL, least_below
from checker.enclosure import matrix, outward
from checker.errors import NotEnclosed

SHARP = 1e-6
"""A bracket relatively narrower than this is sharp enough to stop at."""

_FLINT = 24
"""Columns up to which eigenvalues in balls are the last rung."""

_BITS = 256
"""Their precision."""


def least_singular_value(T: Floats, size: float) -> Found:
    """A bracket of sigma_min(T) for T (m, n), m >= n, of a size around 1; `size` >= |T|_F."""
    if size == 0:
        return Found(0.0, 0.0, RESIDUAL)
    if T.shape[1] == 1:
        return Found(*stretch(T, size, np.ones(1)), RESIDUAL)
    found = _through_gram(T, size)
    for name, bounds in _RUNGS:
        if found.relatively_within(SHARP):
            break
        low, high = bounds(T, size)
        if low > found.lo or high < found.hi:
            found = Found(max(low, found.lo), min(high, found.hi), name)
    return found


def _through_gram(T: Floats, size: float) -> Found:
    """sigma_min(T)**2 = lambda_min(T'T) >= lambda_min(G) - e, with G and e from `gram`."""
    near, error = gram(T, size, blocked=True)
    guess = lowest(near)
    if guess is None:
        return Found(0.0, size, RESIDUAL)
    below = math.nextafter(least_below(near, guess[0], float(norm_up(near))) - error, -math.inf)
    low = max(math.nextafter(math.sqrt(below), -math.inf), 0.0) if below > 0 else 0.0
    return Found(low, min(stretch(T, size, guess[1])[1], size), RESIDUAL)


def _product_in_balls(T: Floats, size: float) -> tuple[float, float]:
    m, n = T.shape
    return sigma_min_bounds_by_balls(T) if m * n * n <= IN_BALLS else (0.0, math.inf)


def _in_balls(T: Floats, size: float) -> tuple[float, float]:
    if T.shape[1] > _FLINT:
        return 0.0, math.inf
    with ctx.workprec(_BITS):
        try:
            low, high = outward(spectral.sigma_min(matrix(T)))
        except NotEnclosed:
            return 0.0, math.inf
    return max(low, 0.0), high


_RUNGS = (
    ("float64, QR-preconditioned", sigma_min_bounds),
    ("float64, product in balls", _product_in_balls),
    ("balls", _in_balls),
)
