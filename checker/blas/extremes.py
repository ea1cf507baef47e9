"""Certified extreme eigenvalues and singular values of matrices known up to a Frobenius distance.

Every bound holds for each matrix S with |S - A|_F <= slack (for lambda_* each symmetric one): by
Weyl's inequality eigenvalues and singular values move by at most |S - A|_2. Guesses from LAPACK
decide how sharp a bound is, never whether it is one. Where the self-test of the products has not
passed, and for entries that are not finite, nothing is claimed: a `Bracket` from -inf (0 for what
cannot be negative) to inf.
"""

import math
from dataclasses import dataclass

import numpy as np
from flint import ctx

from checker import spectral
from checker.blas.decisions import at_least, norm_at_most
from checker.blas.definite import expected_defect, factorised
from checker.blas.directed import UNIT, Floats, norm_up
from checker.blas.gram import gram, off_identity
from checker.blas.guesses import lowest
from checker.blas.matrix import add_up, times_up
from checker.blas.norms import norm_bracket
from checker.blas.precondition import IN_BALLS, product_error, sigma_min_below, sigma_min_below_by_balls
from checker.blas.quotients import lambda_min_above, stretch
from checker.blas.scaling import Scaled, scaled, times_exactly
from checker.blas.selftest import trusted
from checker.blas.symmetry import require_symmetric
from checker.enclosure import matrix, outward
from checker.errors import NotEnclosed

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

RESIDUAL = "float64, residual certificate"
PRECONDITIONED = "float64, QR-preconditioned"
PRODUCT_IN_BALLS = "float64, product in balls"
IN_BALLS_ALONE = "balls"
NOTHING = "float64, no bound"

_SHARP = 1e-6
"""A bracket relatively narrower than this is sharp enough to stop at."""

_FLINT = 24
"""Columns up to which ball eigenvalues are the last rung."""


@dataclass(frozen=True)
class Bracket:
    """A number between `lo` and `hi` (never NaN; infinite where unknown), and what decided it."""

    lo: float
    hi: float
    rung: str


def lambda_min(A: Floats, slack: float = 0.0) -> Bracket:
    """The least eigenvalue of a symmetric matrix (n, n).

    Raises ValueError for arrays that are not square, not exactly symmetric or without entries.
    """
    unit = _symmetric(A, slack)
    if unit is None:
        return Bracket(-math.inf, math.inf, NOTHING)
    low, high = _lambda_min(unit)
    return _widened(low, high, unit, RESIDUAL)


def lambda_max(A: Floats, slack: float = 0.0) -> Bracket:
    """The greatest eigenvalue of a symmetric matrix (n, n); see `lambda_min`."""
    found = lambda_min(-A, slack)
    return Bracket(-found.hi, -found.lo, found.rung)


def norm2(A: Floats, slack: float = 0.0) -> Bracket:
    """The spectral norm of a matrix (m, n). Raises ValueError for a matrix without entries."""
    unit = scaled(A, slack)
    if unit is None or not trusted():
        return Bracket(0.0, math.inf, NOTHING)
    low, high = norm_bracket(unit.entries, unit.size)
    return _nonnegative(low, high, unit, RESIDUAL)


def sigma_min(A: Floats, slack: float = 0.0) -> Bracket:
    """The least of the min(m, n) singular values of a matrix (m, n).

    Raises ValueError for a matrix without entries.
    """
    tall = A if A.ndim != 2 or A.shape[0] >= A.shape[1] else A.T
    unit = scaled(tall, slack)
    if unit is None or not trusted():
        return Bracket(0.0, math.inf, NOTHING)
    low, high, rung = _sigma_min(unit)
    return _nonnegative(low, high, unit, rung)


def lambda_min_of_gram(T: Floats, slack: float = 0.0) -> Bracket:
    """The least eigenvalue of S'S for S near T (m, n): sigma_min(S)**2, and 0 where m < n.

    Raises ValueError for a matrix without entries.
    """
    unit = scaled(T, slack)
    if unit is None or not trusted():
        return Bracket(0.0, math.inf, NOTHING)
    if T.shape[0] < T.shape[1]:
        return Bracket(0.0, 0.0, "fewer rows than columns")
    low, high, rung = _sigma_min(unit)
    low, high = max(math.nextafter(low - unit.slack, -math.inf) if unit.slack else low, 0.0), add_up(
        high, unit.slack
    )
    squares = max(math.nextafter(low * low, -math.inf), 0.0), times_up(high, high)
    return _bracket(
        times_exactly(squares[0], 2 * unit.exponent, upwards=False),
        times_exactly(squares[1], 2 * unit.exponent, upwards=True),
        rung,
        0.0,
    )


def eigenvalues(A: Floats, slack: float = 0.0) -> tuple[Floats, Floats]:
    """Lower and upper bounds (n,) of all eigenvalues of a symmetric matrix (n, n), in ascending order.

    For floats X (n, n) and ascending d (n,), D = diag(d): |lambda_i(A) - lambda_i(XDX')| <= |A - XDX'|_2
    (Weyl), and lambda_i(XDX') = t_i*d_i with t_i between the extreme eigenvalues of X'X (Ostrowski;
    Horn & Johnson 2013, Theorem 4.5.9), so |lambda_i(A) - d_i| <= |A - XDX'|_F + |X'X - I|_F*|d_i|.
    No gap is needed. Raises ValueError as `lambda_min` does.
    """
    unit = _symmetric(A, slack)
    n = A.shape[0]
    unknown = np.full(n, -np.inf), np.full(n, np.inf)
    if unit is None:
        return unknown
    try:
        d, X = np.linalg.eigh(unit.entries)
    except np.linalg.LinAlgError:
        return unknown
    with np.errstate(all="ignore"):
        radius, skew = eigenbasis_defects(unit.entries, d, X)
        moved = add_up(radius, unit.slack)
        wide = np.nextafter(np.nextafter(np.abs(d) * skew, np.inf) + moved, np.inf)
        low, high = np.nextafter(d - wide, -np.inf), np.nextafter(d + wide, np.inf)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        return unknown
    lows = [times_exactly(x, unit.exponent, upwards=False) for x in low.tolist()]
    highs = [times_exactly(x, unit.exponent, upwards=True) for x in high.tolist()]
    return np.array(lows), np.array(highs)


def eigenbasis_defects(A: Floats, d: Floats, X: Floats) -> tuple[float, float]:
    """At least |A - XDX'|_F and |X'X - I|_2 for A, X (n, n) and d (n,); inf or NaN where not finite.

    XD is rounded once entrywise, |fl(XD) - XD|_F <= u*|XD|_F + n*OMEGA, before it is multiplied.
    """
    n = A.shape[0]
    XD = X * d
    product = XD @ X.T
    size = float(norm_up(X))
    rounding = times_up(add_up(times_up(UNIT, 2.0, float(norm_up(XD))), 4 * n * 2.0**-1020), size)
    residual = times_up(float(norm_up(A - product)), 1.0 + 2.0**-50)
    return add_up(residual, rounding, product_error(XD, X.T)), off_identity(X, size)


def _symmetric(A: Floats, slack: float) -> Scaled | None:
    if A.ndim != 2 or A.shape[0] != A.shape[1]:
        raise ValueError("a matrix that is not square has no eigenvalues")
    unit = scaled(A, slack)
    if unit is None:
        return None
    require_symmetric(A)
    return unit if trusted() else None


def _lambda_min(unit: Scaled) -> tuple[float, float]:
    """A bracket of lambda_min of the floats themselves."""
    A, size = unit.entries, unit.size
    diagonal = A.diagonal()
    if A.shape[0] == 1 or not np.count_nonzero(A) > np.count_nonzero(diagonal):
        return float(diagonal.min()), float(diagonal.min())
    found = lowest(A)
    if found is None:
        return -size, float(diagonal.min())
    guess, x = found
    high = min(lambda_min_above(A, size, x), float(diagonal.min()))
    return max(_lambda_min_below(A, guess, size), -size), high


def _lambda_min_below(A: Floats, guess: float, size: float) -> float:
    """At most lambda_min(A): s - r for a shift s next to the guess with lambda_min(A - sI) >= -r."""
    diagonal = np.diagonal(A)
    usual = expected_defect(diagonal - guess)
    for further in (usual / 8, usual, 16 * usual + 1e-14 * size):
        shift = guess - further
        found = factorised(A, np.nextafter(diagonal - shift, -np.inf))
        if found.defect < math.inf:
            return math.nextafter(shift - found.defect, -math.inf)
    return -math.inf


def _sigma_min(unit: Scaled) -> tuple[float, float, str]:
    """A bracket of sigma_min of the floats T (m, n), m >= n, and the rung that decided."""
    T, size = unit.entries, unit.size
    if size == 0:
        return 0.0, 0.0, RESIDUAL
    if T.shape[1] == 1:
        return *stretch(T, size, np.ones(1)), RESIDUAL
    G, error = gram(T, size, blocked=True)
    found = lowest(G)
    low, high, rung = 0.0, size, RESIDUAL
    if found is not None:
        below = math.nextafter(_lambda_min_below(G, found[0], float(norm_up(G))) - error, -math.inf)
        low = math.nextafter(math.sqrt(below), 0.0) if below > 0 else 0.0
        high = stretch(T, size, found[1])[1]
    for name, better in _RUNGS:
        if low >= high * (1 - _SHARP):
            break
        sharper = better(T)
        if sharper is not None and (sharper[0] > low or sharper[1] < high):
            low, high, rung = max(low, sharper[0]), min(high, sharper[1]), name
    return low, high, rung


def _preconditioned(T: Floats) -> tuple[float, float] | None:
    return sigma_min_below(T), math.inf


def _product_in_balls(T: Floats) -> tuple[float, float] | None:
    m, n = T.shape
    return (sigma_min_below_by_balls(T), math.inf) if m * n * n <= IN_BALLS else None


def _in_balls(T: Floats) -> tuple[float, float] | None:
    if T.shape[1] > _FLINT:
        return None
    with ctx.workprec(256):
        try:
            low, high = outward(spectral.sigma_min(matrix(T)))
        except NotEnclosed:
            return None
    return max(low, 0.0), high


_RUNGS = (
    (PRECONDITIONED, _preconditioned),
    (PRODUCT_IN_BALLS, _product_in_balls),
    (IN_BALLS_ALONE, _in_balls),
)


def _widened(low: float, high: float, unit: Scaled, rung: str) -> Bracket:
    """The bracket of all matrices within the slack, scaled back."""
    if unit.slack:
        low = math.nextafter(low - unit.slack, -math.inf)
        high = math.nextafter(high + unit.slack, math.inf)
    return _bracket(
        times_exactly(low, unit.exponent, upwards=False),
        times_exactly(high, unit.exponent, upwards=True),
        rung,
        -math.inf,
    )


def _nonnegative(low: float, high: float, unit: Scaled, rung: str) -> Bracket:
    found = _widened(low, high, unit, rung)
    return _bracket(max(found.lo, 0.0), found.hi, rung, 0.0)


def _bracket(low: float, high: float, rung: str, least: float) -> Bracket:
    """The bracket; nothing is claimed where its ends are NaN or cross."""
    return Bracket(low, high, rung) if low <= high else Bracket(least, math.inf, NOTHING)
