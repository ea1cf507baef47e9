"""Norms of columns and rows from above, and products of nonnegative bounds rounded up.

A sum of products of nonnegative floats that is at most 30 operations deep is too small by a factor of
at most 1 - 30u, and by OMEGA for every product that underflows: `grown` repairs both.
"""

import numpy as np

from checker.blas.directed import OMEGA, UNIT, Floats, gamma, up
from checker.blas.matrix import quiet

_GROWTH = 1 + 2.0**-47


def grown(x: Floats | float) -> Floats:
    """At least the exact value of a nonnegative expression of few operations; inf and NaN stay."""
    with quiet():
        return np.asarray(x * _GROWTH + 64 * OMEGA, dtype=np.float64)


def row_norms(A: Floats) -> Floats:
    """At least the Euclidean norm of every row of A (k, l): (k,)."""
    with quiet():
        return _rooted(np.einsum("ij,ij->i", A, A), A.shape[1])


def column_norms(A: Floats) -> Floats:
    """At least the Euclidean norm of every column of A (k, l): (l,)."""
    with quiet():
        return _rooted(np.einsum("ij,ij->j", A, A), A.shape[0])


def _rooted(squares: Floats, k: int) -> Floats:
    """Sums of k squares were rounded by at most gamma_{k+1} and lost k*OMEGA."""
    return up(np.sqrt(up(up(squares + k * OMEGA) * (1 + gamma(k + 6)))))


def vector_norm(x: Floats) -> float:
    """At least the Euclidean norm of a vector."""
    return float(row_norms(x.reshape(1, -1))[0])


def product_rounding(k: int) -> float:
    """gamma_k with room for the rounding of the norms it is multiplied with."""
    return gamma(k) * (1 + 64 * UNIT)


def joint(errors: Floats) -> float:
    """At least the Frobenius norm of a matrix whose columns have at most these norms; exactly 0 for none."""
    return vector_norm(errors) if errors.any() else 0.0
