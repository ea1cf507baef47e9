"""Activations in balls: containment, sharpness, and the constants a theorem reads."""

import math

import mpmath
import pytest
import torch
from flint import arb, ctx, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.activations import BALL_ACTIVATIONS
from checker.enclosure import outward, to_arb
from models.activations import ACTIVATIONS

NAMES = sorted(BALL_ACTIVATIONS)
SMOOTH = [name for name in NAMES if not BALL_ACTIVATIONS[name].has_kink]
POINTS = st.floats(-30, 30)


def reference(name: str, x: float) -> mpmath.mpf:
    """The activation by mpmath, to 60 digits."""
    with mpmath.workdps(60):
        z = mpmath.mpf(x)
        table = {
            "relu": lambda: max(z, mpmath.mpf(0)),
            "leaky-relu": lambda: z if z > 0 else z / 100,
            "identity": lambda: z,
            "tanh": lambda: mpmath.tanh(z),
            "erf": lambda: mpmath.erf(z),
            "sigmoid": lambda: 1 / (1 + mpmath.exp(-z)),
            "softplus": lambda: mpmath.log1p(mpmath.exp(z)),
            "sin": lambda: mpmath.sin(z),
            "abs": lambda: abs(z),
            "gelu": lambda: z * mpmath.erfc(-z / mpmath.sqrt(2)) / 2,
            "elu": lambda: z if z > 0 else mpmath.expm1(z),
            "swish": lambda: z / (1 + mpmath.exp(-z)),
        }
        return table[name]()


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(x=POINTS)
def test_points_are_enclosed_tightly(name: str, x: float) -> None:
    """
    At a double the ball contains the value by mpmath and is narrow.
    """
    with ctx.workprec(150):
        ball = BALL_ACTIVATIONS[name].phi(arb(x))
        with mpmath.workdps(60):
            exact = arb(mpmath.nstr(reference(name, x), 55))

        assert abs(ball - exact) <= arb(10) ** -42
        assert ball.rad() <= arb(10) ** -40


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(x=POINTS, radius=st.floats(1e-9, 5), where=st.floats(-1, 1))
def test_balls_contain_the_image(name: str, x: float, radius: float, where: float) -> None:
    """
    phi and phi' of a ball contain phi and phi' of every point in it.
    """
    act = BALL_ACTIVATIONS[name]
    with ctx.workprec(100):
        ball = arb(x, radius)
        inside = (arb(x) + arb(radius) * arb(where)).mid()

        assert act.phi(ball).overlaps(act.phi(inside))
        assert act.dphi(ball, fmpq(0)).overlaps(act.dphi(inside, fmpq(0)))


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(x=POINTS, radius=st.floats(1e-6, 3))
def test_wide_balls_are_not_blown_up(name: str, x: float, radius: float) -> None:
    """
    The image of a ball is no wider than the Lipschitz constant says.
    """
    act = BALL_ACTIVATIONS[name]
    with ctx.workprec(100):
        allowed = to_arb(act.lipschitz()) * arb(radius) * arb("1.001") + arb(10) ** -9

        assert act.phi(arb(x, radius)).rad() <= allowed.lower()


@pytest.mark.parametrize("name", ["relu", "leaky-relu", "abs"])
def test_the_kink_has_the_chosen_value(name: str) -> None:
    """
    At an exact kink phi' is the chosen value; on a ball that touches it, the hull of both slopes.
    """
    act = BALL_ACTIVATIONS[name]
    left, right = act.slopes or (fmpq(0), fmpq(0))

    exact = act.dphi(arb(0), fmpq(1, 3))
    touching = act.dphi(arb(0, 1e-30), fmpq(1, 3))

    assert exact.overlaps(arb(fmpq(1, 3)))
    assert exact.rad() < 1e-15
    assert touching.contains(left)
    assert touching.contains(right)


@pytest.mark.parametrize("name", ["relu", "leaky-relu", "abs"])
def test_the_image_of_zero_is_exact(name: str) -> None:
    """
    Exact zeros stay exact zeros, and relu of a negative ball is exactly 0.
    """
    assert BALL_ACTIVATIONS[name].phi(arb(0)).is_zero()
    assert BALL_ACTIVATIONS["relu"].phi(arb(-1, 0.5)).is_zero()


def covered(name: str, pieces: int, function: str) -> arb:
    """An upper bound of |phi'| or of the slope of phi', by subdivision of [-12, 12]."""
    act = BALL_ACTIVATIONS[name]
    width = 24.0 / pieces
    worst = arb(0)
    for k in range(pieces):
        left = -12 + k * width
        if function == "phi":
            size = abs(act.dphi(arb(left + width / 2, width / 2), fmpq(0)))
        else:
            rise = act.dphi(arb(left + width), fmpq(0)) - act.dphi(arb(left), fmpq(0))
            size = abs(rise) / width
        worst = worst.max(size)
    return worst


@pytest.mark.parametrize("name", NAMES)
def test_the_lipschitz_constant_is_the_largest_slope(name: str) -> None:
    """
    Subdivision bounds |phi'| by a number just above the constant, and some slope reaches it.
    """
    with ctx.workprec(80):
        constant = to_arb(BALL_ACTIVATIONS[name].lipschitz())

        bound = covered(name, 6000, "phi")

        assert bound.upper() <= constant + 0.01
        assert bound.upper() >= constant - 0.001


@pytest.mark.parametrize("name", SMOOTH)
def test_the_second_constant_is_the_largest_slope_of_the_slope(name: str) -> None:
    """
    Difference quotients of phi' never exceed the constant, and come close to it.
    """
    with ctx.workprec(80):
        constant = to_arb(BALL_ACTIVATIONS[name].lipschitz_derivative() or fmpq(0))

        steepest = covered(name, 4000, "dphi")

        assert not steepest > constant
        assert steepest.upper() >= constant * arb("0.99")


@pytest.mark.parametrize("name", NAMES)
def test_constants_agree_with_the_float_side(name: str) -> None:
    """
    The float64 constants lie within rounding of the enclosures.
    """
    act, floats = BALL_ACTIVATIONS[name], ACTIVATIONS[name]
    second = act.lipschitz_derivative()

    assert outward(act.lipschitz())[0] == pytest.approx(floats.lipschitz, rel=1e-14)
    assert outward(act.at_zero())[0] == pytest.approx(floats.at_zero, rel=1e-14)
    assert floats.lipschitz_derivative == pytest.approx(
        math.inf if second is None else outward(second)[0], rel=1e-14
    )


@pytest.mark.parametrize("name", NAMES)
def test_unit_slopes_are_between_0_and_1(name: str) -> None:
    """
    Exactly the activations marked as proximal maps have slopes in [0, 1] on a wide sample.
    """
    z = torch.linspace(-8, 8, 4001, dtype=torch.float64)

    slopes = ACTIVATIONS[name].dphi(z, 0.0)

    assert BALL_ACTIVATIONS[name].unit_slope == bool(((slopes >= 0) & (slopes <= 1)).all())


def test_the_valleys_lie_where_they_are_said_to_lie() -> None:
    """
    The slopes of gelu and swish change sign inside the bracket, and their least values lie as stated.
    """
    for name, left, right, low, high in (
        ("gelu", "-0.752", "-0.751", "-0.17", "-0.1699"),
        ("swish", "-1.279", "-1.278", "-0.2785", "-0.2784"),
    ):
        act = BALL_ACTIVATIONS[name]
        with ctx.workprec(80):
            a, b = arb(left), arb(right)

            assert act.dphi(a, fmpq(0)) < 0
            assert act.dphi(b, fmpq(0)) > 0
            centre = act.phi((a + b) / 2)
            assert centre - abs(act.dphi(a.union(b), fmpq(0))) * (b - a) > arb(low)
            assert centre < arb(high)
