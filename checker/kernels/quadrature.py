"""Dual activations of functions analytic in a strip, by the trapezoid rule with a proved error.

Source: theory dossier, T-K1.3. If F is analytic in |Im z| < a and the integral of |F(x + ib)| over x is at
most M for |b| < a, then the trapezoid sum of step h misses the integral of F by at most
2M/(exp(2*pi*a/h) - 1) (Trefethen & Weideman 2014, Theorem 5.1); |n(x + ib)| = n(x)*exp(b*b/2) for the
normal density n. On the strip |phi(z)| <= c0 + c1*|z|; on the real line |phi(x)| <= z0 + L*|x|.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from flint import arb, ctx

from checker.errors import NotEnclosed
from checker.kernels.closed import opposite, root

Function: TypeAlias = Callable[[arb], arb]

_MOST_BITS = 50  # the accuracy asked for, whatever the ambient precision: the ball says what was got
_MOST_POINTS = 1_500_000


@dataclass(frozen=True)
class Strip:
    """phi on the strip |Im z| <= width, width = pi/parts: |phi(z)| <= c0 + c1*|z|."""

    phi: Function
    parts: int
    c0: Callable[[], arb]
    c1: int


def _sigmoid(x: arb) -> arb:
    return (1 + (x / 2).tanh()) / 2


def _sech_squared(x: arb) -> arb:
    t = x.tanh()
    return (1 - t) * (1 + t)


def _sigmoid_derivative(x: arb) -> arb:
    return _sech_squared(x / 2) / 4


def _softplus(x: arb) -> arb:
    return x + (-x).exp().log1p() if x > 0 else x.exp().log1p()


def _swish_derivative(x: arb) -> arb:
    return _sigmoid(x) + x * _sigmoid_derivative(x)


# |tanh| <= max(1, tan|y|) <= 1 for |y| <= pi/4; |sigmoid(z)| and |1 - sigmoid(z)| = |sigmoid(-z)| are <= 1
# for |y| <= pi/2, where Re exp(-z) >= 0. There too 1 <= |1 + exp(z)| <= 1 + exp(x) and the argument of
# 1 + exp(z) is within pi/2, so |softplus(z)| <= log 2 + |x| + pi/2. Derivatives: tanh' = 1 - tanh**2,
# sigmoid' = sigmoid*(1 - sigmoid), softplus' = sigmoid, swish' = sigmoid + z*sigmoid*(1 - sigmoid).
VALUES: dict[str, Strip] = {
    "tanh": Strip(lambda x: x.tanh(), 4, lambda: arb(1), 0),
    "sigmoid": Strip(_sigmoid, 2, lambda: arb(1), 0),
    "softplus": Strip(_softplus, 2, lambda: arb(2).log() + arb.pi() / 2, 1),
    "swish": Strip(lambda x: x * _sigmoid(x), 2, lambda: arb(0), 1),
}
DERIVATIVES: dict[str, Strip] = {
    "tanh": Strip(_sech_squared, 4, lambda: arb(2), 0),
    "sigmoid": Strip(_sigmoid_derivative, 2, lambda: arb(1), 0),
    "softplus": Strip(_sigmoid, 2, lambda: arb(1), 0),
    "swish": Strip(_swish_derivative, 2, lambda: arb(1), 1),
}


@dataclass(frozen=True)
class _Rule:
    """Nodes j*step for |j| <= reach with weights step*n(j*step), the half-width used, and the weights
    beyond the last node: upper bounds of sum w, sum w*|x| and sum w*x*x."""

    nodes: tuple[arb, ...]
    weights: tuple[arb, ...]
    step: arb
    width: arb
    tails: tuple[arb, arb, arb]

    def miss(self, growth: arb) -> arb:
        """The rule's error where the integrand's modulus, n(x) apart, has mean at most `growth`."""
        shift = (self.width * self.width / 2).exp()
        return 2 * shift * growth / ((2 * arb.pi() * self.width / self.step).exp() - 1)


def _rule(strip: Strip, scale: arb, bits: int) -> _Rule:
    """The rule for x -> phi(scale*x + const), of an error near 2**-bits. Any choice here is valid."""
    nats = bits * math.log(2) + 4
    available = math.pi / strip.parts / max(float(scale.upper()), 1e-300)
    step = min(
        math.pi * math.sqrt(2 / nats), 2 * math.pi * available / (nats + min(available, 99.0) ** 2 / 2)
    )
    reach = math.ceil((math.sqrt(2 * nats) + 1) / step)
    if reach * reach > _MOST_POINTS:
        raise NotEnclosed("the variance of a preactivation is too large for the quadrature")
    h = arb(step)
    half_width = 2 * arb.pi() / h  # the best possible; a smaller one is valid too
    if not scale.is_zero():
        half_width = half_width.lower().min((arb.pi() / strip.parts / scale.upper()).lower())
    norm = h / (2 * arb.pi()).sqrt()
    positive = [j * h for j in range(1, reach + 1)]
    tops = [norm * (-x * x / 2).exp() for x in positive]
    nodes = (*(-x for x in reversed(positive)), arb(0), *positive)
    last = positive[-1]
    # x**k*n(x) decreases beyond sqrt(2) for k <= 2, so the sum is below the integral from the last node.
    mass = (last / arb(2).sqrt()).erfc()
    peak = 2 * tops[-1] / h
    tails = (mass, peak, last * peak + mass)
    return _Rule(nodes, (*reversed(tops), norm, *tops), h, half_width, tails)


def moment(strip: Strip, z0: arb, lipschitz: arb, q: arb) -> arb:
    """E phi(sqrt(q)*g)**2 for an exact q >= 0; |phi(x)| <= z0 + lipschitz*|x| on the real line."""
    bits = min(ctx.prec, _MOST_BITS)
    with ctx.workprec(bits + 30):
        s = root(q)
        rule = _rule(strip, s, bits)
        total = arb(0)
        for x, weight in zip(rule.nodes, rule.weights, strict=True):
            value = strip.phi(s * x)
            total += weight * value * value
        size = _strip_size(strip, s, rule.width)
        tail = z0 * z0 * rule.tails[0] + 2 * z0 * lipschitz * s * rule.tails[1]
        tail += lipschitz * lipschitz * s * s * rule.tails[2]
        return _widen(total, rule.miss(size * size) + tail)


def dual(strip: Strip, z0: arb, lipschitz: arb, q1: arb, q2: arb, k: arb) -> arb:
    """E phi(u)phi(v) at an exact point; |phi(x)| <= z0 + lipschitz*|x| on the real line.

    u = s1*g1 and v = slope*g1 + spread*g2. The outer rule runs over g1, the inner one over g2.
    """
    bits = min(ctx.prec, _MOST_BITS)
    with ctx.workprec(bits + 30):
        s1, s2 = root(q1), root(q2)
        slope = arb(0) if q1.is_zero() else k / s1
        spread = s2 if q1.is_zero() else opposite(q1, q2, k) / s1
        outer = _rule(strip, s1.max(abs(slope)), bits)
        inner = _rule(strip, spread, bits)
        if len(outer.nodes) * len(inner.nodes) > _MOST_POINTS:
            raise NotEnclosed("the variance of a preactivation is too large for the quadrature")
        offsets = [spread * y for y in inner.nodes]
        lifted = (1 + inner.width * inner.width).sqrt()
        total = missed = arb(0)
        for x, weight in zip(outer.nodes, outer.weights, strict=True):
            centre = slope * x
            mean = arb(0)
            for offset, share in zip(offsets, inner.weights, strict=True):
                mean += share * strip.phi(centre + offset)
            value = strip.phi(s1 * x)
            total += weight * value * mean
            reach = abs(centre)
            rule_error = inner.miss(strip.c0() + strip.c1 * (reach + spread * lifted))
            cut = (z0 + lipschitz * reach) * inner.tails[0] + lipschitz * spread * inner.tails[1]
            missed += weight * abs(value) * (rule_error + cut)
        sizes = _strip_size(strip, s1, outer.width) * _strip_size(strip, s2, outer.width)
        # |E phi(v) given g1| <= z0 + L*s2*(|g1| + 1), as E|g2| <= 1
        flat = z0 + lipschitz * s2
        tail = z0 * flat * outer.tails[0] + lipschitz * (s1 * flat + s2 * z0) * outer.tails[1]
        tail += lipschitz * lipschitz * s1 * s2 * outer.tails[2]
        return _widen(total, outer.miss(sizes) + missed + tail)


def _strip_size(strip: Strip, s: arb, width: arb) -> arb:
    """A bound of the L2 norm of phi(s*(g + ib)) over |b| <= width."""
    return strip.c0() + strip.c1 * s * (1 + width * width).sqrt()


def _widen(value: arb, error: arb) -> arb:
    top = error.abs_upper()
    return value + top.union(-top)
