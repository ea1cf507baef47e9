"""Certified extreme eigenvalues and singular values of matrices known up to a Frobenius distance.

Every bound holds for each matrix S with |S - A|_F <= slack (for lambda_* each symmetric one): by
Weyl's inequality eigenvalues and singular values move by at most |S - A|_2. Guesses from LAPACK
decide how sharp a bound is, never whether it is one. Where the self-test of the products has not
passed, and for entries that are not finite, nothing is claimed: a `Bracket` from -inf (0 for what
cannot be negative) to inf.
"""

import math

import numpy as np

from checker.blas.brackets import NOTHING, Bracket, Found, widened
from checker.blas.decisions import at_least, norm_at_most
from checker.blas.directed import Floats
from checker.blas.norms import norm_bracket
from checker.blas.scaling import Scaled, scaled, times_exactly
from checker.blas.selftest import trusted
from checker.blas.shifts import RESIDUAL, least_eigenvalue
from checker.blas.singular import least_singular_value
from checker.blas.spectrum import eigenvalue_bounds
from checker.blas.symmetry import require_symmetric

__all__ = [
    "Bracket",
    "at_least",
    "eigenvalues",
    "lambda_max",
    "lambda_min",
    "lambda_min_of_gram",
    "norm2",
    "norm_at_most",
    "sigma_min",
]


def lambda_min(A: Floats, slack: float = 0.0) -> Bracket:
    """The least eigenvalue of a symmetric matrix (n, n).

    Raises ValueError for arrays that are not square, not exactly symmetric or without entries.
    """
    unit = _symmetric(A, slack)
    if unit is None:
        return Bracket(-math.inf, math.inf, NOTHING)
    return widened(least_eigenvalue(unit.entries, unit.size), unit)


def lambda_max(A: Floats, slack: float = 0.0) -> Bracket:
    """The greatest eigenvalue of a symmetric matrix (n, n); see `lambda_min`."""
    found = lambda_min(-A, slack)
    return Bracket(-found.hi, -found.lo, found.rung)


def norm2(A: Floats, slack: float = 0.0) -> Bracket:
    """The spectral norm of a matrix (m, n). Raises ValueError for a matrix without entries."""
    unit = _any(A, slack)
    if unit is None:
        return Bracket(0.0, math.inf, NOTHING)
    return widened(Found(*norm_bracket(unit.entries, unit.size), RESIDUAL), unit, least=0.0)


def sigma_min(A: Floats, slack: float = 0.0) -> Bracket:
    """The least of the min(m, n) singular values of a matrix (m, n).

    Raises ValueError for a matrix without entries.
    """
    unit = _any(A if A.ndim != 2 or A.shape[0] >= A.shape[1] else A.T, slack)
    if unit is None:
        return Bracket(0.0, math.inf, NOTHING)
    return widened(least_singular_value(unit.entries, unit.size), unit, least=0.0)


def lambda_min_of_gram(T: Floats, slack: float = 0.0) -> Bracket:
    """The least eigenvalue of S'S for S near T (m, n): sigma_min(S)**2, and 0 where m < n.

    Raises ValueError for a matrix without entries.
    """
    unit = _any(T, slack)
    if unit is None:
        return Bracket(0.0, math.inf, NOTHING)
    if T.shape[0] < T.shape[1]:
        return Bracket(0.0, 0.0, "fewer rows than columns")
    return widened(least_singular_value(unit.entries, unit.size), unit, least=0.0, power=2)


def eigenvalues(A: Floats, slack: float = 0.0) -> tuple[Floats, Floats]:
    """Lower and upper bounds (n,) of all eigenvalues of a symmetric matrix (n, n), in ascending order.

    Raises ValueError as `lambda_min` does.
    """
    unit = _symmetric(A, slack)
    found = None if unit is None else eigenvalue_bounds(unit.entries, unit.slack)
    if unit is None or found is None:
        return np.full(A.shape[0], -np.inf), np.full(A.shape[0], np.inf)
    lows = [times_exactly(x, unit.exponent, upwards=False) for x in found[0].tolist()]
    highs = [times_exactly(x, unit.exponent, upwards=True) for x in found[1].tolist()]
    return np.array(lows), np.array(highs)


def _any(A: Floats, slack: float) -> Scaled | None:
    unit = scaled(A, slack)
    return unit if trusted() else None


def _symmetric(A: Floats, slack: float) -> Scaled | None:
    if A.ndim != 2 or A.shape[0] != A.shape[1]:
        raise ValueError("a matrix that is not square has no eigenvalues")
    unit = scaled(A, slack)
    if unit is None:
        return None
    require_symmetric(A)
    return unit if trusted() else None
