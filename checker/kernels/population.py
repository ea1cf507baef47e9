"""The population Gram matrix and tangent kernel of a weight-tied model, enclosed.

K_ij = E phi(u_i)phi(u_j) with u ~ N(0, Q), Q = A*K + C, where A/m is the variance of an entry of W and
C = (variance of an entry of U)*X'X. Where A*L**2 < 1 there is exactly one such K: the square root of a
diagonal entry maps as s -> |phi(sqrt(A*s**2 + c)*g)|_L2, which is sqrt(A)*L-Lipschitz; an entry off the
diagonal, the diagonal being given, maps with the derivative A*E phi'(u)phi'(v), at most A*L**2 (Price's
theorem). K_NTK is the limit of the tangent kernel divided by m (Feng & Kolter 2023).
"""

from collections.abc import Callable

import numpy as np
from flint import arb, arb_mat
from numpy.typing import NDArray

from checker.activations import BALL_ACTIVATIONS
from checker.enclosure import Ball, midpoints, root, to_arb
from checker.errors import NotEnclosed
from checker.kernels import quadrature
from checker.kernels.dual import Memo, kappa, kappadot, second_moment, second_moment_derivative
from checker.kernels.estimate import population_gram_estimate, population_ntk_estimate

__all__ = ["population_gram", "population_gram_estimate", "population_ntk", "population_ntk_estimate"]

_MOST_ROUNDS = 400


def population_gram(activation: str, A: Ball, C: arb_mat) -> arb_mat:
    """The fixed point K (n, n), entrywise enclosed, for every A >= 0 and symmetric positive semidefinite C
    in the balls; entries above the diagonal of C are read.

    Diagonal: r = sqrt(K_ii) is the fixed point of r -> |phi(sqrt(A*r*r + C_ii)*g)|_L2, a contraction with
    factor L*sqrt(A). Off the diagonal, with the diagonal enclosed, k -> E phi(u_i)phi(u_j) at covariance
    A*k + C_ij (clamped to what the variances allow) contracts with factor A*L**2, and its enclosure covers
    every diagonal in the balls. Each approximation x of a fixed point of f with factor c is therefore within
    |f(x) - x|/(1 - c) of it.

    Raises NotEnclosed where A*L**2 < 1 is not certain or a dual activation is out of reach.
    """
    slope, variance = _checked(activation, A)
    factor = slope * variance.sqrt()
    # a quadrature over pairs is dear and the estimate as accurate: one evaluation bounds its error
    rounds = 0 if activation in quadrature.VALUES else _MOST_ROUNDS
    n = C.nrows()
    guess = _guess(activation, variance, C)
    K = arb_mat(n, n)
    memo: Memo = {}
    for i in range(n):
        start = arb(float(guess[i, i])).nonnegative_part().sqrt()
        own = C[i, i].nonnegative_part()
        r = _fixed_point(
            lambda r, own=own: root(second_moment(activation, variance * r * r + own)),
            start.mid(),
            factor,
            _MOST_ROUNDS,
        )
        K[i, i] = r * r
    for i in range(n):
        for j in range(i + 1, n):
            q1, q2 = variance * K[i, i] + C[i, i], variance * K[j, j] + C[j, j]
            cross = C[i, j]
            K[i, j] = K[j, i] = _fixed_point(
                lambda k, q1=q1, q2=q2, cross=cross: kappa(activation, q1, q2, variance * k + cross, memo),
                arb(float(guess[i, j])),
                factor * factor,
                rounds,
            )
    return K


def population_ntk(activation: str, A: Ball, C: arb_mat, a_scale: Ball, trains: tuple[str, ...]) -> arb_mat:
    """The limit (n, n) of the tangent kernel over `trains`, divided by m, entrywise enclosed.

    [a trained] K + [W trained] a_scale * B o K, where B = kappadot/(1 - A*kappadot) at the fixed point and
    a_scale is m times the variance of an entry of a. The part of U is of order 1/m and vanishes.
    Raises NotEnclosed as population_gram does, and at a kink that a preactivation may sit on.
    """
    _, variance = _checked(activation, A)
    readout = to_arb(a_scale)
    n = C.nrows()
    K = population_gram(activation, A, C)
    Q = K * variance + C
    out = arb_mat(n, n)
    memo: Memo = {}
    for i in range(n):
        for j in range(i, n):
            total = K[i, j] if "a" in trains else arb(0)
            if "W" in trains and not readout.is_zero():
                if i == j:
                    bend = second_moment_derivative(activation, Q[i, i])
                else:
                    bend = kappadot(activation, Q[i, i], Q[j, j], Q[i, j], memo)
                rest = 1 - variance * bend
                if not rest > 0:
                    raise NotEnclosed("the tangent kernel's series is not certified to converge")
                total += readout * bend / rest * K[i, j]
            out[i, j] = out[j, i] = total
    return out


def _checked(activation: str, A: Ball) -> tuple[arb, arb]:
    """The Lipschitz constant and A, where the contraction is certain."""
    slope, variance = to_arb(BALL_ACTIVATIONS[activation].lipschitz()), to_arb(A)
    if not variance >= 0:
        raise NotEnclosed("the variance of W is not certified to be nonnegative")
    if not variance * slope * slope < 1:
        raise NotEnclosed("the population kernel needs (variance of W)*m*L_phi**2 < 1")
    return slope, variance


def _guess(activation: str, variance: arb, C: arb_mat) -> NDArray[np.float64]:
    return population_gram_estimate(activation, float(variance.mid()), midpoints(C))


def _fixed_point(step: Callable[[arb], arb], start: arb, factor: arb, rounds: int) -> arb:
    """The fixed point of a contraction of the given factor, from an approximation near it.

    Iterates on exact midpoints until a step moves less than the step's own radius, then bounds the error.
    """
    here = start
    image = step(here)
    for _ in range(rounds):
        if abs(image.mid() - here) <= 4 * image.rad():
            break
        here = image.mid()
        image = step(here)
    miss = (abs(image - here) / (1 - factor)).abs_upper()
    return here + miss.union(-miss)
