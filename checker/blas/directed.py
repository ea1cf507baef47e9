"""Single float64 operations rounded in a known direction, for numbers and for arrays entry by entry.

A float operation rounded to nearest and moved one float up (down) bounds the exact result from
above (below); that holds for overflow too. It needs gradual underflow, which the self-test checks.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

UNIT = 2.0**-53
"""The unit roundoff of float64, rounded to nearest."""

OMEGA = 2.0**-1020
"""More than any product loses by underflow, flushed to zero or not."""


def up(x: Floats | float) -> Floats:
    """The next float above."""
    return np.nextafter(x, np.inf)


def down(x: Floats | float) -> Floats:
    """The next float below."""
    return np.nextafter(x, -np.inf)


def gamma(k: int) -> float:
    """An upper bound of k*u/(1 - k*u), u the unit roundoff. Raises ValueError for k >= 2**50."""
    if k >= 2**50:
        raise ValueError(f"no error bound for sums of {k} terms")
    return float(np.nextafter(k * UNIT / (1.0 - k * UNIT), np.inf))


def norm_up(A: Floats, axes: int = 2) -> Floats:
    """At least the Euclidean norm over the last `axes` axes; inf where squares overflow."""
    squares, k = _sum_of_squares(A, axes)
    lost = _terms(A, axes) * OMEGA
    return up(np.sqrt(up(up(squares + lost) / (1.0 - gamma(k + 2)))))


def norm_down(A: Floats, axes: int = 2) -> Floats:
    """At most the Euclidean norm over the last `axes` axes, and at least 0."""
    squares, k = _sum_of_squares(A, axes)
    squares = np.where(np.isfinite(squares), squares, 0.0)
    low = down(down(squares - _terms(A, axes) * OMEGA) / up(1.0 + gamma(k + 2)))
    return np.maximum(down(np.sqrt(np.maximum(low, 0.0))), 0.0)


def _sum_of_squares(A: Floats, axes: int) -> tuple[Floats, int]:
    """The sum of squares, rounded, and at most how often each term was: axis by axis, in any order."""
    with np.errstate(over="ignore", under="ignore"):
        sums = np.einsum("...k,...k->...", A, A)
        for _ in range(axes - 1):
            sums = sums.sum(axis=-1)
    return sums, sum(A.shape[A.ndim - axes :])


def _terms(A: Floats, axes: int) -> int:
    return math.prod(A.shape[A.ndim - axes :])
