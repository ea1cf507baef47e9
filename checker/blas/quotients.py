"""Rigorous bounds from one float vector: what a matrix does to it bounds its extreme values.

Throughout, x is an exact float vector, y = fl(Ax), and `size` >= |A|_F. By (F1)
|y - Ax|_2 <= gamma_n*||A||x||_2 + ... <= gamma_n*size*|x|_2 + sqrt(m)*n*OMEGA for A (m, n).
"""

import math

import numpy as np

from checker.blas.directed import OMEGA, Floats, gamma
from checker.blas.matrix import add_up, times_up


def length(x: Floats) -> tuple[float, float]:
    """At most, and at least, the Euclidean norm of x (n,); the upper bound is inf where squares overflow.

    The rounded sum s of n squares has s - n*OMEGA <= (1 + gamma_n)*|x|**2 and s + n*OMEGA >=
    (1 - gamma_n)*|x|**2 (F1).
    """
    n = x.size
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        squares = float(np.dot(x, x))
    if not math.isfinite(squares):
        return 0.0, math.inf
    g, lost = gamma(n + 2), n * OMEGA
    high = math.nextafter(math.sqrt(add_up(squares, lost) / (1 - g)), math.inf)
    low = math.sqrt(max(squares - 2 * lost, 0.0) / (1 + 2 * g))
    return max(math.nextafter(low, -math.inf), 0.0), math.nextafter(high, math.inf)


def lambda_min_above(A: Floats, size: float, x: Floats) -> float:
    """At least lambda_min(A), A (n, n) symmetric: the Rayleigh quotient of x (n,), rounded upwards.

    With q = fl(x'y): x'Ax = q + (x'y - q) + x'(Ax - y)
    <= q + gamma_n*|x|*|y| + n*OMEGA + |x|*(gamma_n*size*|x| + n**2*OMEGA), and
    lambda_min(A) <= x'Ax/x'x.
    """
    low, high = length(x)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        y = A @ x
        q = float(np.dot(x, y))
    moved = _image_error(A, size, high)
    error = add_up(times_up(gamma(x.size), high, length(y)[1]), x.size * OMEGA, times_up(high, moved))
    top = math.nextafter(q + error, math.inf)
    if not (low > 0 and math.isfinite(top)):
        return math.inf
    squared = low * math.nextafter(low, 0.0) if top > 0 else times_up(high, high)
    if not 2.0**-500 < squared < math.inf:
        return math.inf
    return math.nextafter(top / math.nextafter(squared, -math.inf if top > 0 else math.inf), math.inf)


def stretch(W: Floats, size: float, x: Floats) -> tuple[float, float]:
    """At most, and at least, |Wx|/|x| for W (m, n): the first bounds the norm of W from below, the
    second sigma_min from above where m >= n."""
    low, high = length(x)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        image = length(W @ x)
    if not (low > 2.0**-500 and math.isfinite(high) and math.isfinite(image[1])):
        return 0.0, math.inf
    moved = _image_error(W, size, high)
    least = math.nextafter(math.nextafter(image[0] - moved, -math.inf) / high, -math.inf)
    return max(least, 0.0), math.nextafter(add_up(image[1], moved) / low, math.inf)


def _image_error(A: Floats, size: float, length_of_x: float) -> float:
    """At least |fl(Ax) - Ax|_2."""
    m, n = A.shape
    return add_up(times_up(gamma(n), size, length_of_x), m * n * OMEGA)
