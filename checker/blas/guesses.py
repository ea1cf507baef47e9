"""Float64 guesses of extreme eigenpairs. They decide how sharp a bound is, never whether it is one."""

import numpy as np
from scipy import linalg

from checker.blas.directed import Floats
from checker.blas.routines import dpotrf, dtrsv, image, one_thread

_DIRECT = 250
"""Below this size a tridiagonal eigensolver is quicker than iterating."""

_STEPS = 80
"""Lanczos steps with the inverse, at most."""

_PATIENCE = 4
"""Steps between two looks at the Ritz values."""

_POWER_STEPS = 10
"""Power steps that estimate a norm, to about a tenth."""

_BEYOND = 1.15
"""The shift for an indefinite matrix, in units of that estimate."""


def lowest(A: Floats) -> tuple[float, Floats] | None:
    """About the least eigenvalue of a symmetric matrix (n, n), and its eigenvector (n,)."""
    with np.errstate(all="ignore"), one_thread():
        try:
            return _iterated(A) or _solved(A, 0)
        except (linalg.LinAlgError, ValueError):
            return None


def highest(A: Floats) -> tuple[float, Floats] | None:
    """About the greatest eigenvalue of a symmetric matrix (n, n), and its eigenvector (n,)."""
    if A.shape[0] >= _DIRECT:
        found = lowest(-A)
        return None if found is None else (-found[0], found[1])
    with np.errstate(all="ignore"), one_thread():
        try:
            return _solved(A, A.shape[0] - 1)
        except (linalg.LinAlgError, ValueError):
            return None


def _iterated(A: Floats) -> tuple[float, Floats] | None:
    """With shifts below the spectrum: 0 for a definite matrix, else one beyond the norm."""
    n = A.shape[0]
    if n < _DIRECT:
        return None
    found = lowest_above(A, 0.0) if A.diagonal().min() > 0 else None
    if found is not None:
        return found
    x = np.random.default_rng(1).standard_normal(n)
    size = 0.0
    for _ in range(_POWER_STEPS):
        x /= np.linalg.norm(x)
        x = image(A, x)
        size = float(np.linalg.norm(x))
    return lowest_above(A, -_BEYOND * size, x) if np.isfinite(size) and size > 0 else None


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
    try:
        with np.errstate(all="ignore"), one_thread():
            return _lanczos(A, shift, start)
    except (linalg.LinAlgError, ValueError):
        return None


def _lanczos(A: Floats, shift: float, start: Floats | None) -> tuple[float, Floats] | None:
    n = A.shape[0]
    work = np.array(A, order="F")
    work.reshape(-1, order="F")[:: n + 1] -= shift
    work, failed = dpotrf(work, lower=1, clean=0, overwrite_a=1)
    if failed:
        return None
    basis = np.empty((_STEPS, n))
    v = np.random.default_rng(0).standard_normal(n) if start is None else start
    basis[0] = v / np.linalg.norm(v)
    along, beside = np.zeros(_STEPS), np.zeros(_STEPS)
    for k in range(_STEPS):
        w = dtrsv(work, dtrsv(work, basis[k], lower=1), lower=1, trans=1, overwrite_x=1)
        known = basis[: k + 1]
        parts = image(known, w)
        along[k] = parts[k]
        w -= image(known.T, parts)
        w -= image(known.T, image(known, w))
        beside[k] = np.linalg.norm(w)
        if not np.isfinite(beside[k]):
            return None
        if k % _PATIENCE == _PATIENCE - 1 or beside[k] <= 1e-14 * along[0]:
            values, vectors = linalg.eigh_tridiagonal(along[: k + 1], beside[:k])
            if values[-1] > 0 and beside[k] * abs(vectors[-1, -1]) <= 1e-7 * values[-1]:
                return shift + 1 / float(values[-1]), image(known.T, vectors[:, -1])
        if k + 1 < _STEPS:
            basis[k + 1] = w / beside[k]
    return None
