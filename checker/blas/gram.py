"""Gram matrices T'T with an error bound."""

import math

import numpy as np

from checker.blas.directed import OMEGA, Floats, gamma
from checker.blas.matrix import add_up, times_up
from checker.blas.routines import lower_gram, sum_of_squares

_BLOCK = 1024
"""Rows summed at once where the sharper bound is asked for."""


def gram(T: Floats, size: float, *, blocked: bool = False) -> tuple[Floats, float]:
    """G near T'T for T (m, n), exactly symmetric, and e >= |G - T'T|_2; `size` >= |T|_F.

    An entry is a sum of m products, so by (F1) and Cauchy-Schwarz |G - T'T|_ij <=
    gamma_m*|t_i|*|t_j| + m*OMEGA, t_i the columns of T; a matrix with the entries |t_i|*|t_j| has
    the spectral norm |T|_F**2. With `blocked`, k products of at most b rows are added up: no product
    is then rounded more than b + k times, and gamma_(b+k) takes the place of gamma_m.
    """
    m, n = T.shape
    with np.errstate(all="ignore"):
        if blocked and m > _BLOCK:
            total = np.zeros((n, n), order="F")
            for first in range(0, m, _BLOCK):
                np.add(total, lower_gram(T[first : first + _BLOCK]), out=total)
            terms = _BLOCK + -(-m // _BLOCK)
        else:
            total, terms = lower_gram(T), m
    _mirror(total)
    error = add_up(times_up(gamma(terms), size, size), times_up(float(n), m * OMEGA))
    return total, error


def _mirror(G: Floats) -> None:
    """Copies the lower triangle of G (n, n) onto the upper one."""
    n, width = G.shape[0], 128
    for first in range(0, n, width):
        last = min(first + width, n)
        corner = np.tril(G[first:last, first:last])
        G[first:last, first:last] = corner + np.tril(corner, -1).T
        G[first:last, last:] = G[last:, first:last].T


def off_identity(Z: Floats, size: float) -> float:
    """At least |Z'Z - I|_2 for Z (m, n); `size` >= |Z|_F. inf where Z is not finite.

    Each difference on the diagonal is rounded once, the squares once more, and n*n are summed.
    """
    n = Z.shape[1]
    G, error = gram(Z, size, blocked=True)
    G.reshape(-1, order="F")[:: n + 1] -= 1.0
    squares = sum_of_squares(G)
    if not math.isfinite(squares):
        return math.inf
    grown = times_up(add_up(1.0, (n * n + 6) * 2.0**-52), add_up(squares, n * n * OMEGA))
    return add_up(math.nextafter(math.sqrt(grown), math.inf), error)
