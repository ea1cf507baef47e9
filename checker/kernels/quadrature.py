"""Dual activations of functions analytic in a strip, by the trapezoid rule with a proved error.

If F is analytic in |Im z| < a and the integral of |F(x + ib)| over x is at
most M for |b| < a, then the trapezoid sum of step h misses the integral of F by at most
2M/(exp(2*pi*a/h) - 1) (Trefethen & Weideman 2014, Theorem 5.1); |n(x + ib)| = n(x)*exp(b*b/2) for the
normal density n. On the strip |phi(z)| <= c0 + c1*|z|; on the real line |phi(x)| <= z0 + L*|x|.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from flint import arb, ctx

from checker.enclosure import root
from checker.errors import NotEnclosed
from checker.kernels.closed import opposite

Function: TypeAlias = Callable[[arb], arb]

MOST_BITS = 50  # the accuracy asked for, whatever the ambient precision: the ball says what was got
_MOST_POINTS = 1_500_000


@dataclass(frozen=True)
class Strip:
    """phi on the strip |Im z| <= width, width = pi/parts: |phi(z)| <= c0 + c1*|z|."""

    phi: Function
    parts: int
    c0: Callable[[], arb]
    c1: int

    def size(self, s: arb, width: arb) -> arb:
        """A bound of the L2 norm of phi(s*(g + ib)) over |b| <= width."""
        return self.c0() + self.c1 * s * (1 + width * width).sqrt()


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
class Rule:
    """Nodes j*step for |j| <= reach with weights step*n(j*step), and the half-width of the strip used."""

    nodes: tuple[arb, ...]
    weights: tuple[arb, ...]
    step: arb
    width: arb

    def miss(self, growth: arb, degree: int = 0) -> arb:
        """The rule's error where the integrand's modulus, n(x) apart, has mean at most `growth` times
        exp(sqrt(degree)*width) on the strip."""
        top = (self.width * self.width / 2 + self.width * arb(degree).sqrt()).exp()
        return 2 * top * growth / ((2 * arb.pi() * self.width / self.step).exp() - 1)

    def tails(self) -> tuple[arb, arb, arb]:
        """Bounds of the sums of w, w*|x| and w*x*x over the nodes left out: x**k*n(x) decreases beyond
        sqrt(2) for k <= 2, so a sum is below the integral from the last node."""
        last = self.nodes[-1]
        mass = (last / arb(2).sqrt()).erfc()
        peak = 2 * self.weights[-1] / self.step
        return mass, peak, last * peak + mass


def rule(strip: Strip, scale: arb, bits: int, degree: int = 0) -> Rule:
    """The rule for x -> phi(scale*x + const), times a Hermite polynomial of at most that degree, of an error
    near 2**-bits. Any step, reach and smaller width are valid: these are near the best."""
    nats = bits * math.log(2) + 4
    width = min(math.pi / strip.parts / max(float(scale.upper()), 1e-300), math.sqrt(2 * nats))
    step = 2 * math.pi * width / (nats + width * width / 2 + math.sqrt(degree) * width)
    reach = math.ceil((math.sqrt(2 * nats * (2 if degree else 1)) + 1) / step)
    if reach * reach > _MOST_POINTS:
        raise NotEnclosed("the variance of a preactivation is too large for the quadrature")
    half_width = arb(width)
    if not scale.is_zero():
        half_width = half_width.min((arb.pi() / strip.parts / scale.upper()).lower())
    h = arb(step)
    norm = h / (2 * arb.pi()).sqrt()
    positive = [j * h for j in range(1, reach + 1)]
    tops = [norm * (-x * x / 2).exp() for x in positive]
    nodes = (*(-x for x in reversed(positive)), arb(0), *positive)
    return Rule(nodes, (*reversed(tops), norm, *tops), h, half_width)


def moment(strip: Strip, z0: arb, lipschitz: arb, q: arb) -> arb:
    """E phi(sqrt(q)*g)**2 for an exact q >= 0; |phi(x)| <= z0 + lipschitz*|x| on the real line."""
    bits = min(ctx.prec, MOST_BITS)
    with ctx.workprec(bits + 30):
        s = root(q)
        line = rule(strip, s, bits)
        total = arb(0)
        for x, weight in zip(line.nodes, line.weights, strict=True):
            value = strip.phi(s * x)
            total += weight * value * value
        size = strip.size(s, line.width)
        mass, peak, square = line.tails()
        tail = z0 * z0 * mass + 2 * z0 * lipschitz * s * peak + lipschitz * lipschitz * s * s * square
        return widened(total, line.miss(size * size) + tail)


def dual(strip: Strip, z0: arb, lipschitz: arb, q1: arb, q2: arb, k: arb) -> arb:
    """E phi(u)phi(v) at an exact point; |phi(x)| <= z0 + lipschitz*|x| on the real line.

    u = s1*g1 and v = slope*g1 + spread*g2. The outer rule runs over g1, the inner one over g2.
    """
    bits = min(ctx.prec, MOST_BITS)
    with ctx.workprec(bits + 30):
        s1, s2 = root(q1), root(q2)
        slope = arb(0) if q1.is_zero() else k / s1
        spread = s2 if q1.is_zero() else opposite(q1, q2, k) / s1
        outer = rule(strip, s1.max(abs(slope)), bits)
        inner = rule(strip, spread, bits)
        if len(outer.nodes) * len(inner.nodes) > _MOST_POINTS:
            raise NotEnclosed("the variance of a preactivation is too large for the quadrature")
        offsets = [spread * y for y in inner.nodes]
        lifted = (1 + inner.width * inner.width).sqrt()
        inner_mass, inner_peak, _ = inner.tails()
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
            cut = (z0 + lipschitz * reach) * inner_mass + lipschitz * spread * inner_peak
            missed += weight * abs(value) * (rule_error + cut)
        sizes = strip.size(s1, outer.width) * strip.size(s2, outer.width)
        # |E phi(v) given g1| <= z0 + L*s2*(|g1| + 1), as E|g2| <= 1
        flat = z0 + lipschitz * s2
        mass, peak, square = outer.tails()
        tail = z0 * flat * mass + lipschitz * (s1 * flat + s2 * z0) * peak
        tail += lipschitz * lipschitz * s1 * s2 * square
        return widened(total, outer.miss(sizes) + missed + tail)


def widened(value: arb, error: arb) -> arb:
    """The ball of all numbers within `error` of `value`."""
    top = error.abs_upper()
    return value + top.union(-top)
