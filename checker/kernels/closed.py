"""Dual activations in closed form, at exact points.

Every function takes balls of exact (zero-radius) variances q1, q2 >= 0 and covariance k with
k*k <= q1*q2, and works at the ambient precision. Sources: Cho & Saul 2009 for relu; Williams 1997
for erf; the others by Price's theorem.
"""

from collections.abc import Callable
from typing import TypeAlias

from flint import arb, ctx, fmpq

from checker.enclosure import root

Dual: TypeAlias = Callable[[arb, arb, arb], arb]

LEAKY_SLOPE = fmpq(1, 100)


def opposite(q1: arb, q2: arb, k: arb) -> arb:
    """sqrt(q1*q2 - k*k), with precision enough to see an exact zero."""
    with ctx.workprec(2 * ctx.prec + 64):
        return root(q1 * q2 - k * k)


def angle(q1: arb, q2: arb, k: arb) -> arb:
    """The angle in [0, pi] between u and v: arccos(k/sqrt(q1*q2)), the quotient clamped to [-1, 1].

    Accepts balls too, with q1 and q2 certainly positive; arccos decreases, so the ends suffice.
    """
    with ctx.workprec(2 * ctx.prec + 64):
        square = q1 * q2 - k * k
        if square > 0 and k.is_exact():
            return arb.atan2(square.sqrt(), k)
        rho = k / (q1 * q2).sqrt()
        return _arccos_clamped(rho.upper()).union(_arccos_clamped(rho.lower()))


def _arccos_clamped(end: arb) -> arb:
    if end >= 1:
        return arb(0)
    return arb.pi() if end <= -1 else end.acos()


def _bent(q1: arb, q2: arb, k: arb) -> tuple[arb, arb]:
    """sqrt(q1*q2 - k**2) and the angle; (0, pi/2) where a variance is zero."""
    if q1.is_zero() or q2.is_zero():
        return arb(0), arb.pi() / 2
    return opposite(q1, q2, k), angle(q1, q2, k)


def _identity(q1: arb, q2: arb, k: arb) -> arb:
    return k


def _relu(q1: arb, q2: arb, k: arb) -> arb:
    side, theta = _bent(q1, q2, k)
    return (side + k * (arb.pi() - theta)) / (2 * arb.pi())


def _leaky(q1: arb, q2: arb, k: arb) -> arb:
    bend = 1 - LEAKY_SLOPE
    return _relu(q1, q2, k) * (bend * bend) + k * LEAKY_SLOPE


def _abs(q1: arb, q2: arb, k: arb) -> arb:
    side, theta = _bent(q1, q2, k)
    return 2 * side / arb.pi() + k * (1 - 2 * theta / arb.pi())


def _erf(q1: arb, q2: arb, k: arb) -> arb:
    return 2 * (2 * k / ((1 + 2 * q1) * (1 + 2 * q2)).sqrt()).asin() / arb.pi()


def _sin(q1: arb, q2: arb, k: arb) -> arb:
    return (-(q1 + q2) / 2).exp() * k.sinh()


def _quadrant(q1: arb, q2: arb, k: arb) -> arb:
    """E Phi(u)Phi(v) for the normal distribution function Phi."""
    return arb(1) / 4 + (k / ((1 + q1) * (1 + q2)).sqrt()).asin() / (2 * arb.pi())


def _gelu(q1: arb, q2: arb, k: arb) -> arb:
    size = ((1 + q1) * (1 + q2) - k * k).sqrt()
    inner = q1 * q2 + k * k * (1 / (1 + q1) + 1 / (1 + q2) - 1)
    return k * _quadrant(q1, q2, k) + inner / (2 * arb.pi() * size)


def _identity_derivative(q1: arb, q2: arb, k: arb) -> arb:
    return arb(1)


def _erf_derivative(q1: arb, q2: arb, k: arb) -> arb:
    return 4 / (arb.pi() * ((1 + 2 * q1) * (1 + 2 * q2) - 4 * k * k).sqrt())


def _sin_derivative(q1: arb, q2: arb, k: arb) -> arb:
    return (-(q1 + q2) / 2).exp() * k.cosh()


def _gelu_derivative(q1: arb, q2: arb, k: arb) -> arb:
    square = (1 + q1) * (1 + q2) - k * k
    inner = 1 / (1 + q1) + 1 / (1 + q2) + 1 / square
    return _quadrant(q1, q2, k) + k * inner / (2 * arb.pi() * square.sqrt())


def relu_derivative(q1: arb, q2: arb, k: arb) -> arb:
    """E 1{u > 0}1{v > 0}; balls too, with q1 and q2 certainly positive."""
    return (1 - angle(q1, q2, k) / arb.pi()) / 2


def leaky_derivative(q1: arb, q2: arb, k: arb) -> arb:
    """E phi'(u)phi'(v) of leaky relu; balls too, with q1 and q2 certainly positive."""
    bend = 1 - LEAKY_SLOPE
    return relu_derivative(q1, q2, k) * (bend * bend) + LEAKY_SLOPE


def abs_derivative(q1: arb, q2: arb, k: arb) -> arb:
    """E sign(u)sign(v); balls too, with q1 and q2 certainly positive."""
    return 1 - 2 * angle(q1, q2, k) / arb.pi()


VALUES: dict[str, Dual] = {
    "identity": _identity,
    "relu": _relu,
    "leaky-relu": _leaky,
    "abs": _abs,
    "erf": _erf,
    "sin": _sin,
    "gelu": _gelu,
}
DERIVATIVES: dict[str, Dual] = {
    "identity": _identity_derivative,
    "erf": _erf_derivative,
    "sin": _sin_derivative,
    "gelu": _gelu_derivative,
}
PIECEWISE_DERIVATIVES: dict[str, Dual] = {
    "relu": relu_derivative,
    "leaky-relu": leaky_derivative,
    "abs": abs_derivative,
}
