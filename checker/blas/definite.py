"""A lower bound of the least eigenvalue by one Cholesky factorisation and its residual.

For any upper triangular float U, B = UU' + (B - UU'), and UU' is positive semidefinite, so
lambda_min(B) >= -|B - UU'|_2 (Weyl). How U was found does not matter (Rump 2006 and Rump 2010,
section 10.8, bound the same residual a priori, from properties of the factorisation).

P = fl(UU') is formed by the product of a triangle with its transpose. An entry is a sum of at most
n - max(i, j) products (rows counted from 0), so by (F1) and Cauchy-Schwarz
|P - UU'|_ij <= gamma_(n-max(i,j))*|U_i|*|U_j| + n*OMEGA <= v_i*v_j + n*OMEGA with
v_i = sqrt(gamma_(n-i))*|U_i|, and |vv'|_2 = sum_i gamma_(n-i)*|U_i|**2. The same for i = j gives
|U_i|**2 <= (P_ii + n*OMEGA)/(1 - gamma_(n-i)). Together

    |B - UU'|_2 <= |P - B|_F + sum_i gamma_(n-i)*(P_ii + n*OMEGA)/(1 - gamma_(n-i)) + n**2*OMEGA.
"""

import math
from dataclasses import dataclass

import numpy as np

from checker.blas.directed import OMEGA, UNIT, Floats
from checker.blas.matrix import add_up, times_up
from checker.blas.routines import dlauum, dpotrf, dsyrk, dtrsv, one_thread, sum_of_squares

_BLOCK = 256
"""Columns whose residual is formed at once: what fits the cache."""


_LARGE = 300
"""From this size on the product of a triangle with its transpose is quicker by the routine for it."""


@dataclass(frozen=True)
class Factorisation:
    """`defect` >= -lambda_min(B), inf where no factor was found; then `direction` (n,) is a float
    vector along which B is not positive, or None."""

    defect: float
    direction: Floats | None = None


def factorised(A: Floats, diagonal: Floats, *, minus: bool = False) -> Factorisation:
    """Bounds lambda_min(B) from below, for B the symmetric A (n, n), or -A, with another diagonal (n,).

    Only the residual is computed from A; entries that are not finite, or an overflow, give inf.
    """
    n = A.shape[0]
    entries = A if A.flags.f_contiguous else A.T
    work = np.array(entries[::-1, ::-1], order="F")
    if minus:
        np.negative(work, out=work)
    work.reshape(-1, order="F")[:: n + 1] = diagonal[::-1]
    with np.errstate(all="ignore"), one_thread():
        work, failed = dpotrf(work, lower=1, clean=0, overwrite_a=1)
        if failed:
            return Factorisation(math.inf, _nonpositive(-A if minus else A, work, failed - 1))
        P = _times_transpose(work[::-1, ::-1])
        difference = np.add if minus else np.subtract
        squares = 2 * _above_diagonal(P, entries, n, difference)
        return Factorisation(_defect(P.diagonal(), diagonal, squares))


def _times_transpose(reversed_factor: Floats) -> Floats:
    """P = fl(UU') in the upper triangle, for the upper triangle U of the argument (n, n).

    A general product, to which the zeros below U add nothing, is quicker for small matrices.
    """
    if reversed_factor.shape[0] < _LARGE:
        return dsyrk(1.0, np.triu(reversed_factor), lower=0)
    P, _ = dlauum(np.array(reversed_factor, order="F"), lower=0, overwrite_c=1)
    return P


def _defect(product: Floats, diagonal: Floats, squares: float) -> float:
    """The bound above, from the diagonals of P and B and the rounded sum of the other squares of P - B."""
    n = diagonal.size
    squares += float(np.square(product - diagonal).sum())
    rounding = float((np.arange(n, 0, -1) * product).sum())
    if not (math.isfinite(squares) and math.isfinite(rounding)):
        return math.inf
    # Each difference was rounded once and each square once more; at most n*n + 2 are summed.
    relative = add_up(1.0, (n * n + 6) * 2.0**-52)
    residual = math.sqrt(times_up(relative, add_up(squares, n * n * OMEGA)))
    # gamma_k/(1 - gamma_k) = k*u/(1 - 2*k*u); the sum of n terms and its factors are rounded n + 2 times.
    weight = UNIT / (1 - 2 * n * UNIT) * (1 + (n + 8) * 2.0**-52)
    lost = times_up(weight, add_up(rounding, n * n * n * OMEGA))
    return add_up(math.nextafter(residual, math.inf), lost, n * n * OMEGA)


def _above_diagonal(P: Floats, A: Floats, n: int, difference: np.ufunc) -> float:
    """The rounded sum of squares of the difference of P and A (or their sum) above the diagonal."""
    total = 0.0
    for first in range(0, n, _BLOCK):
        last = min(first + _BLOCK, n)
        corner = np.triu(difference(P[first:last, first:last], A[first:last, first:last]), 1)
        total += sum_of_squares(corner)
        if first:
            total += sum_of_squares(difference(P[:first, first:last], A[:first, first:last], order="F"))
    return total


def _nonpositive(A: Floats, work: Floats, k: int) -> Floats | None:
    """x with x'Bx = the pivot that was not positive, up to rounding: the last k entries solve
    B_kk z = -b, one entry before them is 1, all others are 0."""
    n = A.shape[0]
    b = np.zeros(n)
    b[:k] = -A[::-1, ::-1][:k, k]
    work[k:, :] = 0.0
    np.fill_diagonal(work[k:, k:], 1.0)
    z = dtrsv(work, dtrsv(work, b, lower=1), lower=1, trans=1)
    z[k] = 1.0
    return z[::-1].copy() if np.isfinite(z).all() else None


def expected_defect(diagonal: Floats) -> float:
    """About the defect of a positive semidefinite matrix with this diagonal (n,); no bound."""
    n = diagonal.size
    weights = np.arange(n, 0, -1)
    accumulated = float((weights * np.abs(diagonal)).sum())
    return UNIT * (1.3 * accumulated + 2 * math.sqrt(n) * float(np.abs(diagonal).sum()))
