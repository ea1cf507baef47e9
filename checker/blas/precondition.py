"""Least singular values of ill-conditioned matrices: precondition, then bound.

For T (m, n), m >= n, and any Y (n, n): sigma_min(TY) <= sigma_min(T)*|Y|_2. (For Y regular and
|x| = 1 with |Tx| = sigma_min(T), put v = x/Y: |TYv| = |Tx| and |v| >= 1/|Y|_2. For Y singular the
left side is 0.) With Z near TY this gives

    sigma_min(T) >= (sqrt(1 - |Z'Z - I|_2) - |TY - Z|_F) / |Y|_2.

Y is the inverse of the triangular factor of a QR factorisation, so Z is nearly orthonormal and the
error grows as the condition of T, where that of T'T would grow as its square (Rump 2010, section
10). Nothing about the QR factorisation or the inverse is used.
"""

import math

import numpy as np
from flint import ctx

from checker.blas.directed import OMEGA, Floats, gamma, norm_up
from checker.blas.gram import off_identity
from checker.blas.guesses import highest
from checker.blas.matrix import above, add_up, times_up
from checker.blas.norms import norm_above
from checker.blas.quotients import stretch, stretch_above_by_balls
from checker.blas.routines import dgeqrf, dtrtri, one_thread, product
from checker.enclosure import frobenius, matrix, midpoints
from checker.errors import NotEnclosed

IN_BALLS = 10**8
"""Multiplications that a product in balls may take: under a second."""

_BITS = 128
"""The precision of the product in balls; float products then lose nothing that matters."""


def sigma_min_bounds(T: Floats, size: float) -> tuple[float, float]:
    """At most, and at least, sigma_min(T), T (m, n) with m >= n and of a size around 1, in float64.

    The upper bound is the stretch of a vector that YY' stretches most. `size` >= |T|_F.
    """
    with np.errstate(all="ignore"):
        Y = _inverse_factor(T)
        if Y is None:
            return 0.0, math.inf
        low = _bound(product(T, Y), product_error(T, Y), norm_above(Y))
        x = _steepest(Y)
        return low, math.inf if x is None else stretch(T, size, x, entrywise=True)[1]


def sigma_min_bounds_by_balls(T: Floats) -> tuple[float, float]:
    """The same with Z = TY formed in balls and preconditioned once more, and Tx formed in balls.

    With Z1 the floats next to T*Y1 and Y2 from Z1: T*Y1*Y2 = Z1*Y2 + (T*Y1 - Z1)*Y2, where Z1 is
    well-conditioned and T*Y1 - Z1 is of the size of one rounding. |Y1*Y2|_2 is bounded through the
    float product.
    """
    with np.errstate(all="ignore"):
        Y1 = _inverse_factor(T)
        if Y1 is None:
            return 0.0, math.inf
        try:
            Z1, off = _product_in_balls(T, Y1)
        except NotEnclosed:
            return 0.0, math.inf
        Y2 = _inverse_factor(Z1)
        if Y2 is None:
            return 0.0, math.inf
        error = add_up(product_error(Z1, Y2), times_up(off, float(norm_up(Y2))))
        Y = product(Y1, Y2)
        low = _bound(product(Z1, Y2), error, add_up(norm_above(Y), product_error(Y1, Y2)))
        x = _steepest(Y)
        return low, math.inf if x is None else stretch_above_by_balls(T, x, _BITS)


def _steepest(Y: Floats) -> Floats | None:
    """About the left singular vector of Y (n, n) to its greatest singular value."""
    largest = float(np.abs(Y).max())
    top = highest(product(Y / largest, (Y / largest).T)) if 0 < largest < math.inf else None
    return top[1] if top is not None and np.isfinite(top[1]).all() and top[1].any() else None


def product_error(A: Floats, B: Floats) -> float:
    """At least |fl(AB) - AB|_F for A (m, k), B (k, n).

    By (F1) it is at most gamma_k*|sum_j |a_j||b_j'||_F + k*sqrt(m*n)*OMEGA, a_j the columns of A and
    b_j' the rows of B, and | |a_j||b_j'| |_F = |a_j|*|b_j|: no scaling of a column against its row
    changes this bound.
    """
    m, k = A.shape
    with np.errstate(all="ignore"):
        sizes = norm_up(A.T, axes=1) * norm_up(B, axes=1)
        summed = float(sizes.sum())
    if not math.isfinite(summed):
        return math.inf
    grown = times_up(add_up(summed, k * OMEGA), 1.0 + (k + 4) * 2.0**-52)
    return add_up(times_up(gamma(k), grown), times_up(float(k), float(m + B.shape[1]), OMEGA))


def _bound(Z: Floats, error: float, norm: float) -> float:
    size = float(norm_up(Z))
    if not (math.isfinite(size) and math.isfinite(error) and 0 < norm < math.inf):
        return 0.0
    left = math.nextafter(1.0 - off_identity(Z, size), -math.inf)
    if not left > 0:
        return 0.0
    rest = math.nextafter(math.nextafter(math.sqrt(left), -math.inf) - error, -math.inf)
    return max(math.nextafter(rest / norm, -math.inf), 0.0)


def _inverse_factor(T: Floats) -> Floats | None:
    """About the inverse of the triangular factor of T; None where it is singular or not finite."""
    n = T.shape[1]
    with one_thread():
        factored = dgeqrf(T)[0]
        Y, failed = dtrtri(np.triu(factored[:n]), lower=0)
    return None if failed or not np.isfinite(Y).all() else Y


def _product_in_balls(T: Floats, Y: Floats) -> tuple[Floats, float]:
    """Floats Z next to T*Y, and at least |TY - Z|_F."""
    with ctx.workprec(_BITS):
        exact = matrix(T) * matrix(Y)
        Z = midpoints(exact)
        return Z, above(frobenius(exact - matrix(Z)))
