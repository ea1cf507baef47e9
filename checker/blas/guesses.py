"""Float64 guesses of extreme eigenpairs. They decide how sharp a bound is, never whether it is one."""

import numpy as np
from scipy import linalg
from scipy.linalg import blas, lapack

from checker.blas.directed import Floats

_DIRECT = 100
"""Below this size a tridiagonal eigensolver is quicker than iterating."""

_STEPS = 24
"""Lanczos steps with the inverse, at most."""


def lowest(A: Floats) -> tuple[float, Floats] | None:
    """About the least eigenvalue of a symmetric matrix (n, n), and its eigenvector (n,)."""
    found = None
    with np.errstate(all="ignore"):
        if A.shape[0] >= _DIRECT:
            found = lowest_above(A, 0.0)
        try:
            return found or _solved(A, 0)
        except (linalg.LinAlgError, ValueError):
            return None


def highest(A: Floats) -> tuple[float, Floats] | None:
    """About the greatest eigenvalue of a symmetric matrix (n, n), and its eigenvector (n,)."""
    try:
        with np.errstate(all="ignore"):
            return _solved(A, A.shape[0] - 1)
    except (linalg.LinAlgError, ValueError):
        return None


def _solved(A: Floats, index: int) -> tuple[float, Floats]:
    if A.shape[0] <= 24:
        values, vectors = np.linalg.eigh(A)
        return float(values[index]), vectors[:, index]
    values, vectors = linalg.eigh(A, subset_by_index=[index, index], check_finite=False)
    return float(values[0]), vectors[:, 0]


def lowest_above(A: Floats, shift: float, start: Floats | None = None) -> tuple[float, Floats] | None:
    """About the least eigenpair by Lanczos steps with (A - shift*I)^-1; None where `shift` is not
    below it or the steps do not settle.

    The Ritz value has settled when its residual is below 1e-7 relative: its own error is then of
    second order (Parlett 1998, section 11.7).
    """
    n = A.shape[0]
    work = np.array(A, order="F")
    work.reshape(-1, order="F")[:: n + 1] -= shift
    work, failed = lapack.dpotrf(work, lower=1, clean=0, overwrite_a=1)
    if failed:
        return None
    basis = np.empty((_STEPS, n))
    v = np.random.default_rng(0).standard_normal(n) if start is None else start
    basis[0] = v / np.linalg.norm(v)
    along, beside = np.zeros(_STEPS), np.zeros(_STEPS)
    for k in range(_STEPS):
        w = blas.dtrsv(work, blas.dtrsv(work, basis[k], lower=1), lower=1, trans=1, overwrite_x=1)
        known = basis[: k + 1]
        parts = known @ w
        along[k] = parts[k]
        w -= parts @ known
        w -= (known @ w) @ known
        beside[k] = np.linalg.norm(w)
        if not np.isfinite(beside[k]):
            return None
        if k % 3 == 2 or beside[k] <= 1e-14 * along[0]:
            values, vectors = linalg.eigh_tridiagonal(along[: k + 1], beside[:k])
            if values[-1] > 0 and beside[k] * abs(vectors[-1, -1]) <= 1e-7 * values[-1]:
                return shift + 1 / float(values[-1]), vectors[:, -1] @ known
        if k + 1 < _STEPS:
            basis[k + 1] = w / beside[k]
    return None
