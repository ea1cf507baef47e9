"""Rigorous bounds from one float vector: what a matrix does to it bounds its extreme values.

Throughout, x is an exact float vector and y = fl(Ax) for A (m, n), so by (F1)
|y - Ax| <= gamma_n*|A||x| + n*OMEGA entry by entry. Of |A||x| either the norm is bounded, by
|A|_F*|x|_2, or, sharper and at the price of a copy of A, its float image is taken: for the entries of
fl(|A||x|), |A||x| <= (fl(|A||x|) + n*OMEGA)/(1 - gamma_n).
"""

import math

import numpy as np
from flint import arb_mat, ctx

from checker.blas.directed import OMEGA, Floats, gamma
from checker.blas.matrix import above, add_up, times_up
from checker.blas.routines import ddot, image, sum_of_squares
from checker.enclosure import frobenius, matrix


def length(x: Floats) -> tuple[float, float]:
    """At most, and at least, the Euclidean norm of x (n,); (0, inf) where squares overflow.

    By (F1) the rounded sum s of the n squares satisfies s - n*OMEGA <= (1 + gamma_n)*|x|**2 and
    s + n*OMEGA >= (1 - gamma_n)*|x|**2.
    """
    squares = sum_of_squares(x)
    if not math.isfinite(squares):
        return 0.0, math.inf
    g, lost = gamma(x.size + 4), x.size * OMEGA
    low = math.nextafter(math.sqrt(max(squares - 2 * lost, 0.0) / (1 + g)), -math.inf)
    high = math.nextafter(math.sqrt(add_up(squares, lost) / (1 - g)), math.inf)
    return max(math.nextafter(low, -math.inf), 0.0), math.nextafter(high, math.inf)


def lambda_min_above(A: Floats, size: float, x: Floats, *, entrywise: bool = False) -> float:
    """At least lambda_min(A), A (n, n) symmetric: the Rayleigh quotient of x (n,), rounded upwards.

    `size` >= |A|_F. With q = fl(x'y): x'Ax = q + (x'y - q) + x'(Ax - y)
    <= q + gamma_n*|x|*|y| + n*OMEGA + |x|'|Ax - y|, and lambda_min(A) <= x'Ax/x'x.
    """
    n = x.size
    low, high = length(x)
    with np.errstate(all="ignore"):
        y = image(A, x)
        q = float(ddot(x, y))
        if entrywise:
            sizes = np.abs(x), np.abs(y)
            rounded = float(ddot(sizes[0], sizes[1])), float(ddot(sizes[0], image(np.abs(A), sizes[0])))
            moved = times_up(gamma(n), 1 + 4 * gamma(n + 2), add_up(*rounded, n * OMEGA))
        else:
            moved = times_up(gamma(n), add_up(times_up(high, length(y)[1]), times_up(high, high, size)))
    top = math.nextafter(q + add_up(moved, n * OMEGA, times_up(high, n * n * OMEGA)), math.inf)
    if not (low > 2.0**-500 and high < 2.0**500 and math.isfinite(top)):
        return math.inf
    squared = math.nextafter(low * low, 0.0) if top > 0 else math.nextafter(high * high, math.inf)
    return math.nextafter(top / squared, math.inf)


def stretch(W: Floats, size: float, x: Floats, *, entrywise: bool = False) -> tuple[float, float]:
    """At most, and at least, |Wx|/|x| for W (m, n), x (n,): the first bounds the norm of W from below,
    the second sigma_min from above where m >= n. `size` >= |W|_F."""
    m, n = W.shape
    low, high = length(x)
    with np.errstate(all="ignore"):
        shortest, longest = length(image(W, x))
        sizes = length(image(np.abs(W), np.abs(x)))[1] if entrywise else times_up(size, high)
    if not (low > 2.0**-500 and math.isfinite(high) and math.isfinite(longest)):
        return 0.0, math.inf
    # In the sharper form the float image is below |W||x| by a factor of at least 1 - gamma_n.
    moved = add_up(times_up(gamma(n), 1 + 2 * gamma(n + 2), sizes), (m + 1) * n * OMEGA)
    least = math.nextafter(math.nextafter(shortest - moved, -math.inf) / high, -math.inf)
    return max(least, 0.0), math.nextafter(add_up(longest, moved) / low, math.inf)


def stretch_above_by_balls(W: Floats, x: Floats, bits: int) -> float:
    """At least |Wx|/|x| for W (m, n) and x (n,) other than 0, with balls of that precision."""
    with ctx.workprec(bits):
        exact: arb_mat = matrix(W) * matrix(x)
        return above(frobenius(exact) / frobenius(matrix(x)))
