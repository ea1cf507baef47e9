"""All eigenvalues of a symmetric matrix at once."""

import math

import numpy as np
from scipy import linalg

from checker.blas.directed import OMEGA, UNIT, Floats, norm_up
from checker.blas.gram import off_identity
from checker.blas.matrix import add_up, times_up
from checker.blas.precondition import product_error
from checker.blas.routines import product


def eigenvalue_bounds(A: Floats, slack: float) -> tuple[Floats, Floats] | None:
    """Lower and upper bounds (n,) of the eigenvalues, in ascending order, of all matrices within `slack`.

    For floats X (n, n) and ascending d (n,), D = diag(d): |lambda_i(A) - lambda_i(XDX')| <= |A - XDX'|_2
    (Weyl), and lambda_i(XDX') = t_i*d_i with t_i between the extreme eigenvalues of X'X (Ostrowski;
    Horn & Johnson 2013, Theorem 4.5.9), so |lambda_i(A) - d_i| <= |A - XDX'|_F + |X'X - I|_2*|d_i|.
    No gap is needed. None where no eigenbasis was found.
    """
    try:
        d, X = linalg.eigh(A, driver="evd", check_finite=False)
    except (linalg.LinAlgError, ValueError):
        return None
    with np.errstate(all="ignore"):
        radius, skew = eigenbasis_defects(A, d, X)
        moved = add_up(radius, slack)
        wide = np.nextafter(np.nextafter(np.abs(d) * skew, np.inf) + moved, np.inf)
        low, high = np.nextafter(d - wide, -np.inf), np.nextafter(d + wide, np.inf)
    known = np.isfinite(low).all() and np.isfinite(high).all() and (np.diff(d) >= 0).all()
    return (low, high) if known else None


def eigenbasis_defects(A: Floats, d: Floats, X: Floats) -> tuple[float, float]:
    """At least |A - XDX'|_F and |X'X - I|_2 for A, X (n, n) and d (n,); inf or NaN where not finite.

    XD is rounded entry by entry before it is multiplied: |fl(XD) - XD|_F <= u/(1 - u)*|fl(XD)|_F +
    n*OMEGA, and the difference is rounded once more.
    """
    n = A.shape[0]
    XD = X * d
    residual = times_up(float(norm_up(A - product(XD, X.T))), 1 + 2.0**-50)
    size = float(norm_up(X))
    rounded = times_up(add_up(times_up(2 * UNIT, float(norm_up(XD))), n * OMEGA), size)
    skew = off_identity(X, size)
    radius = add_up(residual, rounded, product_error(XD, X.T))
    return (radius, skew) if math.isfinite(radius) else (math.inf, skew)
