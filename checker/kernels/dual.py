"""Dual activations with proved error: E phi(u)phi(v) and E phi'(u)phi'(v) for jointly normal u, v.

Each is evaluated at an exact point inside the balls given and then widened by a Lipschitz bound, so that a
small ball in gives a small ball out also where the closed forms have square-root singularities.

The bound. Let psi be L-Lipschitz with |psi(x)| <= z0 + L*|x|, and R(q1, q2, k) = E psi(u)psi(v) with Var u =
q1, Var v = q2 and Cov(u, v) = clamp(k) to [-sqrt(q1*q2), sqrt(q1*q2)]. Write N(q) = |psi(sqrt(q)*g)|_L2 <=
z0 + L*sqrt(q), e_i = |sqrt(q_i) - sqrt(p_i)| and rho for the correlation. Changing sqrt(q1) to sqrt(p1) at
fixed rho moves R by at most L*e_1*N(q2); then sqrt(q2) to sqrt(p2) by at most N(p1)*L*e_2; then rho by at
most L**2*sqrt(p1*p2)*|rho - rho'| (Price's theorem: dR/dk = E psi'(u)psi'(v)), and with clamp 1-Lipschitz
sqrt(p1*p2)*|rho - rho'| <= |k - k'| + 2*|sqrt(p1*p2) - sqrt(q1*q2)| <= |k - k'| + 2*(sqrt(p1)*e_2 +
sqrt(q2)*e_1).
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from flint import arb, ctx

from checker.activations import BALL_ACTIVATIONS
from checker.enclosure import root, to_arb
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.kernels import closed, elu, hermite, quadrature
from checker.kernels.hermite import Series
from checker.kernels.quadrature import Strip

Memo: TypeAlias = dict[tuple[Strip, int, int], Series]


def kappa(activation: str, q1: arb, q2: arb, k: arb, memo: Memo | None = None) -> arb:
    """E phi(u)phi(v), (u, v) ~ N(0, [[q1, k], [k, q2]]), for all variances and covariances in the balls.

    A covariance beyond +-sqrt(q1*q2) counts as that bound. Accuracy: the ambient precision for closed
    forms, at most 50 bits for tanh, sigmoid, softplus, swish and elu. Many calls with the same variances
    are faster with a `memo`, a dict that keeps what belongs to one variance of one activation.
    Raises NotEnclosed where the quadrature is out of reach, CertainlyUndefined for a negative variance.
    """
    return _at_point(_growth(activation), q1, q2, k, lambda a, b, c: _value(activation, a, b, c, memo))


def kappadot(activation: str, q1: arb, q2: arb, k: arb, memo: Memo | None = None) -> arb:
    """E phi'(u)phi'(v) under the same law and conventions.

    For relu, leaky-relu and abs the variances must be certainly positive, else NotEnclosed: at variance 0
    the value depends on what phi' is at the kink.
    """
    if activation in closed.PIECEWISE_DERIVATIVES:
        if not (q1 > 0 and q2 > 0):
            raise NotEnclosed("a preactivation may be zero, where the activation has its kink")
        return closed.PIECEWISE_DERIVATIVES[activation](q1, q2, k)
    growth = _derivative_growth(activation)
    return _at_point(growth, q1, q2, k, lambda a, b, c: _derivative(activation, a, b, c, memo))


def second_moment(activation: str, q: arb) -> arb:
    """E phi(u)**2 for u ~ N(0, q): kappa(q, q, q) without the loss of dependency."""
    if q.is_zero():
        at_zero = to_arb(BALL_ACTIVATIONS[activation].at_zero())
        return at_zero * at_zero
    return _moment_at_point(_growth(activation), q, lambda p: _value(activation, p, p, p))


def second_moment_derivative(activation: str, q: arb) -> arb:
    """E phi'(u)**2 for u ~ N(0, q): kappadot(q, q, q) without the loss of dependency."""
    if activation in closed.PIECEWISE_DERIVATIVES:
        return kappadot(activation, *_at_unit(q))
    growth = _derivative_growth(activation)
    return _moment_at_point(growth, q, lambda p: _derivative(activation, p, p, p))


@dataclass(frozen=True)
class _Growth:
    """|psi(x)| <= z0 + lipschitz*|x|, and psi is lipschitz-Lipschitz."""

    z0: arb
    lipschitz: arb

    def norm(self, s: arb) -> arb:
        """A bound of |psi(s*g)|_L2."""
        return self.z0 + self.lipschitz * s


def _growth(activation: str) -> _Growth:
    known = BALL_ACTIVATIONS[activation]
    return _Growth(to_arb(known.at_zero()).abs_upper(), to_arb(known.lipschitz()).abs_upper())


def _derivative_growth(activation: str) -> _Growth:
    """|phi'| <= L everywhere, so z0 = L will do."""
    known = BALL_ACTIVATIONS[activation]
    second = known.lipschitz_derivative()
    if second is None:
        raise NotEnclosed(f"the derivative of {activation} is not Lipschitz")
    return _Growth(to_arb(known.lipschitz()).abs_upper(), to_arb(second).abs_upper())


def _value(activation: str, q1: arb, q2: arb, k: arb, memo: Memo | None = None) -> arb:
    if activation in closed.VALUES:
        return closed.VALUES[activation](q1, q2, k)
    if activation == "elu":
        return elu.dual(q1, q2, k, derivative=False)
    return _by_rule(quadrature.VALUES[activation], _growth(activation), q1, q2, k, memo)


def _derivative(activation: str, q1: arb, q2: arb, k: arb, memo: Memo | None = None) -> arb:
    if activation in closed.DERIVATIVES:
        return closed.DERIVATIVES[activation](q1, q2, k)
    if activation == "elu":
        return elu.dual(q1, q2, k, derivative=True)
    return _by_rule(quadrature.DERIVATIVES[activation], _derivative_growth(activation), q1, q2, k, memo)


def _by_rule(strip: Strip, growth: _Growth, q1: arb, q2: arb, k: arb, memo: Memo | None) -> arb:
    if (q1 - q2).is_zero() and (q1 - k).is_zero():
        return quadrature.moment(strip, growth.z0, growth.lipschitz, q1)
    if memo is not None and q1 > 0 and q2 > 0:
        one, two = (_remembered(strip, growth, q, memo) for q in (q1, q2))
        with contextlib.suppress(NotEnclosed):
            return hermite.pair(one, two, k / (q1 * q2).sqrt())
    return quadrature.dual(strip, growth.z0, growth.lipschitz, q1, q2, k)


def _remembered(strip: Strip, growth: _Growth, q: arb, memo: Memo) -> Series:
    mantissa, exponent = q.man_exp()
    key = (strip, int(mantissa), int(exponent))
    if key not in memo:
        memo[key] = hermite.series(strip, growth.z0, growth.lipschitz, q)
    return memo[key]


def _at_unit(q: arb) -> tuple[arb, arb, arb]:
    """Piecewise linear: phi'(u) depends on the sign of u only, so any positive variance will do."""
    if not q > 0:
        raise NotEnclosed("a preactivation may be zero, where the activation has its kink")
    return arb(1), arb(1), arb(1)


def _point(q: arb) -> tuple[arb, arb, arb]:
    """An exact p >= 0 in or next to the ball, a bound of |sqrt(q) - sqrt(p)| over q >= 0 in the ball, and
    a bound of sqrt(q)."""
    if not q.is_finite():
        raise NotEnclosed("a variance is not enclosed")
    if q < 0:
        raise CertainlyUndefined("a variance is negative")
    middle = q.mid()
    p = middle if middle > 0 else arb(0)
    lowest, highest = q.lower(), q.upper()
    s = p.sqrt()
    low = lowest.sqrt() if lowest > 0 else arb(0)
    high = highest.sqrt() if highest > 0 else arb(0)
    # sqrt(q) - sqrt(p) = (q - p)/(sqrt(q) + sqrt(p)): no cancellation, however small the ball
    below = low + s
    if q.is_exact():
        return p, arb(0), high.abs_upper()
    gap = (highest - p).max(p - lowest)
    distance = gap / below if below > 0 else high
    return p, distance.abs_upper(), high.abs_upper()


def _at_point(growth: _Growth, q1: arb, q2: arb, k: arb, value: Callable[[arb, arb, arb], arb]) -> arb:
    p1, e1, _ = _point(q1)
    p2, e2, s2 = _point(q2)
    if not k.is_finite():
        raise NotEnclosed("a covariance is not enclosed")
    inside = _clamped(k.mid(), p1, p2)
    L = growth.lipschitz
    apart = (k - inside).abs_upper() + 2 * (p1.sqrt() * e2 + s2 * e1)
    error = L * (e1 * growth.norm(s2) + e2 * growth.norm(p1.sqrt()) + L * apart)
    top = error.abs_upper()
    return value(p1, p2, inside) + top.union(-top)


def _clamped(k: arb, p1: arb, p2: arb) -> arb:
    """An exact number next to k of modulus certainly at most sqrt(p1*p2)."""
    with ctx.workprec(2 * ctx.prec + 64):  # so that k*k = p1*p2 is seen to be exact where it is
        if k * k <= p1 * p2:
            return k
        most = (p1 * p2).sqrt().lower()
        if not most > 0:
            return arb(0)
        return most if k > 0 else -most


def _moment_at_point(growth: _Growth, q: arb, value: Callable[[arb], arb]) -> arb:
    """N(q)**2 from N(p)**2: N is L-Lipschitz in sqrt(q)."""
    p, e, _ = _point(q)
    moment = value(p)
    if e.is_zero():
        return moment
    top = (growth.lipschitz * e).abs_upper()
    norm = root(moment) + top.union(-top)
    return norm * norm
