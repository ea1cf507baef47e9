"""Certified eigenvalue bounds and decisions for stacks of small matrices.

For every matrix the bounds are those of `checker.blas.spectrum`: with floats X and d,
|lambda_i(A) - d_i| <= |A - XDX'|_F + |X'X - I|_F*|d_i| and the rounding of the products. All
matrices of a stack go through the same few array operations. Entries that are not finite, and
everything where the self-test has not passed, leave the bounds infinite and decisions open.
"""

import math

import numpy as np
from numpy.typing import NDArray

from checker.blas.directed import OMEGA, Floats, down, gamma, norm_up, up
from checker.blas.selftest import trusted
from checker.verdict import Verdict

Verdicts = NDArray[np.object_]


def lambda_min(A: Floats, slack: Floats | float = 0.0) -> tuple[Floats, Floats]:
    """Lower and upper bounds (B,) of the least eigenvalues of symmetric matrices (B, n, n).

    They hold for every symmetric matrix within the Frobenius distance `slack` (B,) of each. Raises
    ValueError for arrays of another shape, without entries, or not exactly symmetric, and for a
    slack that is negative or NaN.
    """
    unknown, slacks = _prepared(A, slack)
    _require_symmetric(A)
    if not trusted():
        return np.full(len(A), -np.inf), np.full(len(A), np.inf)
    stack, moved, exponents = _scaled(A, slacks, unknown)
    zero = ~stack.any(axis=(1, 2))
    low, high = _extreme(stack, moved, 0)
    low, high = np.where(zero, -moved, low), np.where(zero, moved, high)
    return _restored(low, high, exponents, unknown, -np.inf)


def norm2(W: Floats, slack: Floats | float = 0.0) -> tuple[Floats, Floats]:
    """Lower and upper bounds (B,) of the spectral norms of matrices (B, m, n).

    |W|_2**2 = lambda_max(W'W), and |fl(W'W) - W'W|_2 <= gamma_m*|W|_F**2 + m*n*OMEGA (F1). Raises
    ValueError as `lambda_min` does, except for symmetry.
    """
    unknown, slacks = _prepared(W, slack)
    if not trusted():
        return np.zeros(len(W)), np.full(len(W), np.inf)
    stack, moved, exponents = _scaled(W, slacks, unknown)
    tall = stack if stack.shape[1] >= stack.shape[2] else stack.transpose(0, 2, 1)
    m, n = tall.shape[1:]
    with np.errstate(all="ignore"):
        near = tall.transpose(0, 2, 1) @ tall
        gram = np.tril(near) + np.tril(near, -1).transpose(0, 2, 1)
        size = norm_up(tall)
        error = up(up(gamma(m) * up(size * size)) + m * n * OMEGA)
        low, high = _extreme(gram, error, -1)
        low = np.maximum(down(down(np.sqrt(np.maximum(low, 0.0))) - moved), 0.0)
        high = up(np.minimum(up(np.sqrt(np.maximum(high, 0.0))), size) + moved)
    zero = ~stack.any(axis=(1, 2))
    low, high = np.where(zero, 0.0, low), np.where(zero, moved, high)
    return _restored(low, high, exponents, unknown, 0.0)


def at_least(A: Floats, c: Floats | float, slack: Floats | float = 0.0) -> Verdicts:
    """Is lambda_min(S) >= c (B,), for every (or for no) symmetric S within `slack` (B,) of A (B, n, n)?

    Raises ValueError as `lambda_min` does.
    """
    low, high = lambda_min(A, slack)
    bounds = np.broadcast_to(np.asarray(c, dtype=np.float64), low.shape)
    codes = np.where(low >= bounds, 1, np.where(high < bounds, 2, 0))
    return np.array([Verdict.UNDECIDED, Verdict.HOLDS, Verdict.FAILS], dtype=object)[codes]


def _prepared(A: Floats, slack: Floats | float) -> tuple[NDArray[np.bool_], Floats]:
    """Which matrices have entries or a slack that are not finite, and a slack for each."""
    if A.ndim != 3 or A.dtype != np.float64:
        raise ValueError("a stack of float64 matrices is needed")
    if 0 in A.shape[1:]:
        raise ValueError("a matrix without entries has no extreme singular values")
    slacks = np.broadcast_to(np.asarray(slack, dtype=np.float64), A.shape[:1])
    if not (slacks >= 0).all():
        raise ValueError("a slack is a nonnegative number")
    return ~(np.isfinite(A).all(axis=(1, 2)) & np.isfinite(slacks)), slacks


def _require_symmetric(A: Floats) -> None:
    if A.shape[1] != A.shape[2]:
        raise ValueError("a matrix that is not square has no eigenvalues")
    finite = np.isfinite(A).all(axis=(1, 2), keepdims=True)
    if not (np.equal(A, A.transpose(0, 2, 1)) | ~finite).all():
        raise ValueError("a symmetric matrix is needed")


def _scaled(A: Floats, slack: Floats, unknown: NDArray[np.bool_]) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Each matrix over a power of two, so that its entries are at most 1; slack; the exponents.

    An entry that becomes subnormal moves by at most 2**-1075, which the slack takes up. Unknown
    matrices become 0.
    """
    with np.errstate(all="ignore"):
        known = np.where(unknown[:, None, None], 0.0, A)
        largest = np.abs(known).max(axis=(1, 2))
        exponents = np.where(largest > 0, np.frexp(largest)[1], 0).astype(np.int64)
        stack = np.ldexp(known, -exponents[:, None, None])
        moved = np.where(unknown, 0.0, slack)
        moved = np.where(moved > 0, up(np.ldexp(moved, -exponents)), 0.0)
        lost = np.where(exponents > 0, up(2.0**-1074 * math.sqrt(A.shape[1] * A.shape[2])), 0.0)
        return stack, np.where(lost > 0, up(moved + lost), moved), exponents


def _extreme(A: Floats, slack: Floats, index: int) -> tuple[Floats, Floats]:
    """Bounds (B,) of one eigenvalue of symmetric matrices (B, n, n) of moderate size, infinite in doubt."""
    n = A.shape[1]
    try:
        d, X = np.linalg.eigh(A)
    except np.linalg.LinAlgError:
        return np.full(len(A), -np.inf), np.full(len(A), np.inf)
    with np.errstate(all="ignore"):
        XD = X * d[:, None, :]
        turned = X.transpose(0, 2, 1)
        sizes, weighted = norm_up(X), norm_up(XD)
        grown = 1 + 2.0**-50
        residual = up(norm_up(A - XD @ turned) * grown)
        skew = up(up(norm_up(turned @ X - np.eye(n)) * grown) + _rounding(n, sizes, sizes))
        # XD is rounded entry by entry before it is multiplied: one rounding more in each product.
        radius = up(up(residual + _rounding(n + 2, weighted, sizes)) + slack)
        middle = d[:, index]
        wide = up(up(np.abs(middle) * skew) + radius)
        low, high = down(middle - wide), up(middle + wide)
    sure = np.isfinite(low) & np.isfinite(high) & (np.diff(d, axis=1) >= 0).all(axis=1)
    return np.where(sure, low, -np.inf), np.where(sure, high, np.inf)


def _rounding(k: int, left: Floats, right: Floats) -> Floats:
    """At least the Frobenius norm of the rounding of products (k, k) with factors of these norms (F1)."""
    underflow = 2 * k * k * OMEGA
    return up(up(gamma(k + 1) * up(left * right)) + up(underflow * up(1 + right)))


def _restored(
    low: Floats, high: Floats, exponents: NDArray[np.int64], unknown: NDArray[np.bool_], least: float
) -> tuple[Floats, Floats]:
    """The bounds scaled back, rounded outwards where that is not exact."""
    with np.errstate(all="ignore"):
        lows, highs = np.ldexp(low, exponents), np.ldexp(high, exponents)
        lows = np.where(_exact(lows, low, exponents), lows, down(lows))
        highs = np.where(_exact(highs, high, exponents), highs, up(highs))
    open_ = unknown | ~(lows <= highs)
    return np.maximum(np.where(open_, least, lows), least), np.where(open_, np.inf, highs)


def _exact(image: Floats, x: Floats, exponents: NDArray[np.int64]) -> NDArray[np.bool_]:
    return (np.ldexp(image, -exponents) == x) & (np.isfinite(image) | ~np.isfinite(x))
