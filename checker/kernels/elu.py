"""Dual activations of elu, by one verified integral over the first variable.

u = s1*g and v = slope*g + spread*g2. Given g the second expectation is closed: for v ~ N(c, s**2)
E elu(v) = c*Phi(c/s) + s*n(c/s) + exp(c + s*s/2)*Phi(-(c + s*s)/s) - Phi(-c/s), and
E elu'(v) = Phi(c/s) + exp(c + s*s/2)*Phi(-(c + s*s)/s): entire functions of c. The outer integral is split
at g = 0, where elu has its kink, and taken by arb's verified quadrature (Johansson 2018).
"""

import math
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from flint import acb, arb, ctx

from checker.enclosure import root
from checker.errors import NotEnclosed
from checker.kernels.closed import opposite

Complex: TypeAlias = Callable[[acb], acb]

_MOST_BITS = 50
_PARALLEL = 2.0**-25  # below this sine of the angle the two variables count as parallel


def _normal_cdf(z: acb) -> acb:
    return (-z / acb(2).sqrt()).erfc() / 2


def _branch(positive: bool, derivative: bool) -> Complex:
    """elu or its derivative on one side of 0, continued analytically."""
    if derivative:
        return (lambda z: acb(1)) if positive else (lambda z: z.exp())
    return (lambda z: z) if positive else (lambda z: z.exp() - 1)


def _mean(c: acb, s: arb, derivative: bool) -> acb:
    """E elu(v), or E elu'(v), for v ~ N(c, s*s) with s > 0."""
    below = (c + s * s / 2).exp() * _normal_cdf(-(c + s * s) / s)
    if derivative:
        return _normal_cdf(c / s) + below
    bump = s * (-(c / s) * (c / s) / 2).exp() / (2 * acb.pi()).sqrt()
    return c * _normal_cdf(c / s) + bump + below - _normal_cdf(-c / s)


def _integrand(g: acb, _analytic: bool, *, first: Complex, second: Complex, s1: arb, slope: arb) -> acb:
    return first(g * s1) * second(g * slope) * (-g * g / 2).exp()


def dual(q1: arb, q2: arb, k: arb, *, derivative: bool) -> arb:
    """E phi(u)phi(v) at an exact point, phi = elu or elu'. |phi(x)| <= |x|, or <= 1."""
    if q1.is_zero() or q2.is_zero():
        return _one_zero(q1, q2, derivative)
    with ctx.workprec(ctx.prec + 30):
        bits = min(ctx.prec - 30, _MOST_BITS)
        s1, s2 = root(q1), root(q2)
        slope, spread, moved = k / s1, opposite(q1, q2, k) / s1, arb(0)
        if not spread > s2 * _PARALLEL:
            # v = +-s2*g instead: both functions are 1-Lipschitz, so R moves by at most s1*s2 - |k|
            moved = s1 * s2 - abs(k)
            slope, spread = (s2 if k > 0 else -s2), arb(0)
        reach = arb(math.ceil(math.sqrt(2 * bits * math.log(2))) + 2)
        tolerance = arb(2.0**-bits)
        total = arb(0)
        for positive in (True, False):
            first = _branch(positive, derivative)
            second = partial(_mean, s=spread, derivative=derivative)
            if spread.is_zero():
                second = _branch(positive == bool(slope > 0), derivative)
            integrand = partial(_integrand, first=first, second=second, s1=s1, slope=slope)
            ends = (acb(0), acb(reach)) if positive else (acb(-reach), acb(0))
            part = acb.integral(integrand, *ends, abs_tol=tolerance, rel_tol=tolerance)
            total += part.real / (2 * arb.pi()).sqrt()
        if not total.is_finite():
            raise NotEnclosed("the integral of a dual activation did not converge")
        mass = (reach / arb(2).sqrt()).erfc()
        density = 2 * (-reach * reach / 2).exp() / (2 * arb.pi()).sqrt()
        # beyond the ends |phi(u)| E|phi(v)| <= s1*|g| * s2*(|g| + 1), or <= 1
        tail = mass if derivative else s1 * s2 * (reach * density + mass + density)
        top = (tail + moved).abs_upper()
        return total + top.union(-top)


def _one_zero(q1: arb, q2: arb, derivative: bool) -> arb:
    """One variable is 0 for sure, where elu is 0 and elu' is 1."""
    if not derivative:
        return arb(0)
    s = root(q1 + q2)
    return arb(1) if s.is_zero() else _mean(acb(0), s, derivative=True).real
