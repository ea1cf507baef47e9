"""The activations of the specification in ball arithmetic, and their exact constants.

`phi` and `dphi` return balls that contain the image of every number in the argument. On wide
balls the centred form f(mid) + [-L, L]*rad, with L the Lipschitz constant of f, is intersected
with direct evaluation, and a monotone phi is taken at both ends.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from flint import arb, ctx, fmpq

from checker.enclosure import Ball, hull, to_arb

Map = Callable[[arb], arb]

_WIDE = -24
"""Balls with a radius above 2**_WIDE are evaluated with more care."""

_WIDE_RADIUS = arb(2.0**_WIDE)


@dataclass(frozen=True)
class BallActivation:
    """One activation.

    `lipschitz()` and `lipschitz_derivative()` are the best Lipschitz constants of phi and phi'
    (None where phi' jumps), `at_zero()` is |phi(0)|. `slopes` are those left and right of 0 of
    a piecewise linear phi. `unit_slope` says that 0 <= phi' <= 1, so that phi is a proximal
    map. `dphi(x, kink)` is `kink` exactly at a kink, and the hull of both slopes on a ball
    that merely touches it.
    """

    name: str
    phi: Map
    dphi: Callable[[arb, fmpq], arb]
    lipschitz: Callable[[], Ball]
    lipschitz_derivative: Callable[[], Ball | None]
    at_zero: Callable[[], Ball]
    slopes: tuple[fmpq, fmpq] | None = None
    unit_slope: bool = False

    @property
    def has_kink(self) -> bool:
        """Is there a point (it is 0) without a derivative?"""
        return self.slopes is not None and self.slopes[0] != self.slopes[1]


def _careful(f: Map, slope: Callable[[], Ball], wide: Map | None = None) -> Map:
    """f, with more care on wide balls: `wide`, or the centred form |f(x) - f(mid)| <= slope*|x - mid|."""

    def centred(x: arb) -> arb:
        centre = f(x.mid()) + arb(0, (to_arb(slope()) * x.rad()).abs_upper())
        return _sharper(wide(x) if wide else f(x), centre)

    def evaluate(x: arb) -> arb:
        return f(x) if x.rad() < _WIDE_RADIUS or not x.is_finite() else centred(x)

    return evaluate


def _sharper(x: arb, y: arb) -> arb:
    """The smaller of two enclosures of the same number."""
    return x if x.is_finite() and x.rad() <= y.rad() else y


def _by_ends(f: Map) -> Map:
    """A nondecreasing f on a wide ball."""
    return lambda x: hull(f(x.lower()), f(x.upper()))


def _one_valley(f: Map, bottom: tuple[str, str], low: tuple[str, str]) -> Map:
    """An f that falls until its only minimum, which lies in `bottom` and has a value in `low`.

    For gelu, phi'' = (2 - x**2)*pdf: phi' falls from 0 until -sqrt(2), rises until sqrt(2) and falls to 1,
    so it has one zero. Likewise for swish, where phi'' has the sign of 2 - x*tanh(x/2).
    """

    def evaluate(x: arb) -> arb:
        ends = hull(f(x.lower()), f(x.upper()))
        if x < arb(bottom[0]) or x > arb(bottom[1]):
            return ends
        return hull(ends, hull(arb(low[0]), arb(low[1])))

    return evaluate


def _constant(value: int | fmpq) -> Callable[[], Ball]:
    return lambda: fmpq(value)


def _none() -> Ball | None:
    return None


def _piecewise(left: fmpq, right: fmpq) -> tuple[Map, Callable[[arb, fmpq], arb]]:
    """x -> left*x before 0, right*x after it, and its derivative."""
    jump = left != right

    def phi(x: arb) -> arb:
        if not jump or x >= 0:
            return x if right == 1 else x * right
        if x <= 0:
            return arb(0) if left == 0 else x * left
        if left >= 0:
            return hull(x.lower() * left, x.upper() * right)
        return hull(arb(0), abs(x).upper())  # abs

    def dphi(x: arb, kink: fmpq) -> arb:
        if not jump or x > 0:
            return arb(right)
        if x < 0:
            return arb(left)
        if x.is_zero():
            return arb(kink)
        return hull(hull(arb(left), arb(right)), arb(kink))

    return phi, dphi


def _linear_pieces(name: str, left: fmpq, right: fmpq) -> BallActivation:
    phi, dphi = _piecewise(left, right)
    return BallActivation(
        name, phi, dphi, _constant(1), _none if left != right else _constant(0), _constant(0),
        slopes=(left, right), unit_slope=left >= 0,
    )  # fmt: skip


def _sigmoid(x: arb) -> arb:
    return 1 / (1 + (-x).exp())


def _softplus(x: arb) -> arb:
    return x + (-x).exp().log1p() if x > 0 else x.exp().log1p()


def _normal_cdf(x: arb) -> arb:
    return (-x / arb(2).sqrt()).erfc() / 2


def _normal_pdf(x: arb) -> arb:
    return (-(x * x) / 2).exp() / (2 * arb.pi()).sqrt()


def _gelu(x: arb) -> arb:
    return x * _normal_cdf(x)


def _swish(x: arb) -> arb:
    return x * _sigmoid(x)


def _elu(x: arb) -> arb:
    if x > 0:
        return x
    return x.expm1() if x <= 0 else hull(x.lower().expm1(), x.upper())


def _d_tanh(x: arb) -> arb:
    s = x.sech()
    return s * s


def _d_erf(x: arb) -> arb:
    return 2 * (-(x * x)).exp() / arb.pi().sqrt()


def _d_sigmoid(x: arb) -> arb:
    return _sigmoid(x) * _sigmoid(-x)


def _d_gelu(x: arb) -> arb:
    return _normal_cdf(x) + x * _normal_pdf(x)


def _d_swish(x: arb) -> arb:
    s = _sigmoid(x)
    return s * (1 + x * _sigmoid(-x))


def _d_elu(x: arb) -> arb:
    if x >= 0:
        return arb(1)
    return x.exp() if x <= 0 else hull(x.lower().exp(), arb(1))


@lru_cache(maxsize=64)
def _swish_slope(precision: int) -> arb:
    """max |phi'| of swish, phi'(x) at the root of x*tanh(x/2) = 2.

    phi'' = s(1 - s)(2 - x*tanh(x/2)), s the sigmoid, and x*tanh(x/2) rises on x > 0: phi' is
    largest at the root; phi'(-x) = 1 - phi'(x) makes the least value smaller in modulus.
    Newton's interval step from [2.39, 2.41], which brackets the root, keeps it.
    """
    with ctx.workprec(precision + 20):
        x = arb("2.4", "0.01")
        for _ in range(precision.bit_length() + 3):
            middle = x.mid()
            half = (middle / 2).tanh()
            tilt = (x / 2).tanh() + x / 2 * _d_tanh(x / 2)
            x = (middle - (middle * half - 2) / tilt).intersection(x)
        return _d_swish(x)


def _at_ambient(f: Callable[[int], arb]) -> Callable[[], Ball]:
    return lambda: f(ctx.prec)


def _gelu_slope() -> Ball:
    """phi'(sqrt 2) = 1/2 + erf(1)/2 + exp(-1)/sqrt(pi), where phi'' = pdf*(2 - x**2) changes sign."""
    return (1 + arb(1).erf()) / 2 + arb(-1).exp() / arb.pi().sqrt()


def _smooth(
    name: str,
    phi: Map,
    dphi: Map,
    lipschitz: Callable[[], Ball],
    lipschitz_derivative: Callable[[], Ball],
    at_zero: Callable[[], Ball] | None = None,
    *,
    wide: Map | None = None,
    unit_slope: bool = False,
) -> BallActivation:
    careful = _careful(dphi, lipschitz_derivative)
    return BallActivation(
        name, _careful(phi, lipschitz, wide), lambda x, _kink: careful(x), lipschitz, lipschitz_derivative,
        at_zero or _constant(0), unit_slope=unit_slope,
    )  # fmt: skip


BALL_ACTIVATIONS: dict[str, BallActivation] = {
    act.name: act
    for act in (
        _linear_pieces("relu", fmpq(0), fmpq(1)),
        _linear_pieces("leaky-relu", fmpq(1, 100), fmpq(1)),
        _linear_pieces("identity", fmpq(1), fmpq(1)),
        _smooth(
            "tanh",
            arb.tanh,
            _d_tanh,
            _constant(1),
            lambda: 4 / (3 * arb(3).sqrt()),
            wide=_by_ends(arb.tanh),
            unit_slope=True,
        ),
        _smooth(
            "erf",
            arb.erf,
            _d_erf,
            lambda: 2 / arb.pi().sqrt(),
            lambda: 2 * arb(2).sqrt() * (arb(-1) / 2).exp() / arb.pi().sqrt(),
            wide=_by_ends(arb.erf),
        ),
        _smooth(
            "sigmoid",
            _sigmoid,
            _d_sigmoid,
            _constant(fmpq(1, 4)),
            lambda: 1 / (6 * arb(3).sqrt()),
            _constant(fmpq(1, 2)),
            wide=_by_ends(_sigmoid),
            unit_slope=True,
        ),
        _smooth(
            "softplus",
            _softplus,
            _sigmoid,
            _constant(1),
            _constant(fmpq(1, 4)),
            lambda: arb(2).log(),
            wide=_by_ends(_softplus),
            unit_slope=True,
        ),
        _smooth("sin", arb.sin, arb.cos, _constant(1), _constant(1)),
        _linear_pieces("abs", fmpq(-1), fmpq(1)),
        _smooth(
            "gelu",
            _gelu,
            _d_gelu,
            _gelu_slope,
            lambda: (2 / arb.pi()).sqrt(),
            wide=_one_valley(_gelu, ("-0.752", "-0.751"), ("-0.17", "-0.1699")),
        ),
        _smooth("elu", _elu, _d_elu, _constant(1), _constant(1), wide=_by_ends(_elu), unit_slope=True),
        _smooth(
            "swish",
            _swish,
            _d_swish,
            _at_ambient(_swish_slope),
            _constant(fmpq(1, 2)),
            wide=_one_valley(_swish, ("-1.279", "-1.278"), ("-0.2785", "-0.2784")),
        ),
    )
}
"""Every activation by the name a user writes."""
