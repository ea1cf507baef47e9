"""Dual activations of many pairs at once: Hermite coefficients of each variable, then a power series.

For phi analytic in a strip a_k(q) = E phi(sqrt(q)*g)h_k(g), with h_k = He_k/sqrt(k!), comes from the
trapezoid rule. E phi(u)phi(v) = sum_k a_k(q1)a_k(q2)*rho**k, and what lies beyond degree K is at most
|rho|**(K+1)*sqrt(t1*t2), t_i = E phi(sqrt(q_i)*g)**2 - sum_{k<=K} a_k(q_i)**2 (kernels.md K1.3, K1.4).

The rule's error: on the strip E|phi(s*(g + ib))*h_k(g + ib)| <= S*sqrt(L_k(-b*b)) with the Laguerre
polynomial L_k(-x) = sum_j binomial(k, j)*x**j/j! <= sum_j (k*x)**j/j!**2 <= exp(2*sqrt(k*x)). The nodes
left out: |h_k(x)| <= 1.0865*exp(x*x/4) (Cramer's inequality, Abramowitz & Stegun 22.14.17).
"""

from dataclasses import dataclass

from flint import arb, ctx

from checker.enclosure import root
from checker.errors import NotEnclosed
from checker.kernels import quadrature
from checker.kernels.quadrature import Strip, widened

DEGREE = 120
_WORST = 2.0**-38  # a remainder above this is left to the direct rule


@dataclass(frozen=True)
class Series:
    """Hermite coefficients of degree 0 to DEGREE, and a bound of the squares beyond."""

    coefficients: tuple[arb, ...]
    beyond: arb


def series(strip: Strip, z0: arb, lipschitz: arb, q: arb) -> Series:
    """The coefficients of g -> phi(sqrt(q)*g) for an exact q >= 0; |phi(x)| <= z0 + lipschitz*|x|."""
    bits = min(ctx.prec, quadrature.MOST_BITS)
    total = quadrature.moment(strip, z0, lipschitz, q)
    with ctx.workprec(bits + 30):
        s = root(q)
        line = quadrature.rule(strip, s, bits, DEGREE)
        values = [w * strip.phi(s * x) for x, w in zip(line.nodes, line.weights, strict=True)]
        size, last = strip.size(s, line.width), line.nodes[-1]
        # sums of step*n(x)*exp(x*x/4) and of that times |x| over the nodes left out, by their integrals
        mass = arb(2).sqrt() * (last / 2).erfc()
        peak = 4 * (-last * last / 4).exp() / (2 * arb.pi()).sqrt()
        cut = (z0 * mass + lipschitz * s * peak) * 1.0865
        found: list[arb] = []
        for degree, row in enumerate(_polynomials(line.nodes)):
            plain = sum((value * h for value, h in zip(values, row, strict=True)), arb(0))
            found.append(widened(plain, line.miss(size, degree) + cut))
        beyond = (total - sum((a * a for a in found), arb(0))).upper()
        return Series(tuple(found), beyond if beyond > 0 else arb(0))


def _polynomials(nodes: tuple[arb, ...]) -> list[list[arb]]:
    """h_k at the nodes, by degree. The recurrence loses about two bits a degree to wrapping."""
    precision = ctx.prec
    with ctx.workprec(precision + 2 * DEGREE + 20):
        older, old = [arb(0)] * len(nodes), [arb(1)] * len(nodes)
        exact = [old]
        for degree in range(DEGREE):
            up, down = 1 / arb(degree + 1).sqrt(), arb(degree).sqrt()
            new = [(x * h - down * g) * up for x, h, g in zip(nodes, old, older, strict=True)]
            older, old = old, new
            exact.append(new)
    return [[+h for h in row] for row in exact]


def pair(one: Series, two: Series, rho: arb) -> arb:
    """E phi(u)phi(v) at correlation rho, |rho| <= 1. Raises NotEnclosed where too much lies beyond."""
    total, power = arb(0), arb(1)
    for a, b in zip(one.coefficients, two.coefficients, strict=True):
        total += a * b * power
        power *= rho
    rest = abs(power) * (one.beyond * two.beyond).sqrt()
    if not rest <= _WORST:
        raise NotEnclosed("the Hermite series converges too slowly")
    return widened(total, rest)
