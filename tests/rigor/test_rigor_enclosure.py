"""Directed conversions: what a report prints encloses what was proved."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, arb_mat, ctx, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.enclosure import (
    add_radius,
    decimal_bounds,
    frobenius,
    is_exact,
    matrix,
    midpoints,
    outward,
    root,
    to_arb,
)
from checker.errors import NotEnclosed

RATIONALS = st.fractions(min_value=-(10**30), max_value=10**30, max_denominator=10**30)


@settings(deadline=None)
@given(value=RATIONALS, bits=st.integers(30, 300))
def test_doubles_lie_on_both_sides(value: Fraction, bits: int) -> None:
    """
    The doubles of a ball enclose the rational that the ball was made from.
    """
    with ctx.workprec(bits):
        ball = arb(fmpq(value.numerator, value.denominator))

    lo, hi = outward(ball)

    assert Fraction(lo) <= value <= Fraction(hi)


@settings(deadline=None)
@given(value=RATIONALS, scale=st.integers(-320, 320))
def test_decimals_lie_on_both_sides(value: Fraction, scale: int) -> None:
    """
    Decimal bounds of a rational enclose it, are close, and are equal only when exact.
    """
    exact = value * Fraction(10) ** scale

    lo, hi = decimal_bounds(fmpq(exact.numerator, exact.denominator))

    assert lo is not None and hi is not None
    assert Fraction(lo) <= exact <= Fraction(hi)
    assert Fraction(hi) - Fraction(lo) <= abs(exact) * Fraction(1, 10**15)


@pytest.mark.parametrize(
    ("value", "text"),
    [(fmpq(1, 10), "0.1"), (fmpq(0), "0"), (fmpq(-7, 2), "-3.5"), (fmpq(3), "3"), (fmpq(10) ** 22, "1e+22")],
)
def test_short_decimals_are_exact(value: fmpq, text: str) -> None:
    """
    A number that is a short decimal is printed as that decimal, on both sides.
    """
    assert (text, text) == decimal_bounds(value)


@pytest.mark.parametrize("exponent", [2000, -2000, 3_000_000])
def test_huge_and_tiny_numbers_keep_their_side(exponent: int) -> None:
    """
    Numbers beyond the range of doubles are rounded away from the number, never onto it.
    """
    ball = arb(2) ** exponent

    lo, hi = outward(ball)
    below, above = decimal_bounds(ball)

    assert arb(lo) <= ball
    assert ball <= arb(hi)
    assert below is not None and above is not None
    with ctx.workprec(200):
        assert arb(below) <= ball * (1 + arb(2) ** -150)
        assert arb(above) >= ball * (1 - arb(2) ** -150)


def test_unbounded_balls_have_no_decimals() -> None:
    """
    A ball that is not finite has no decimal bounds, and NaN no doubles.
    """
    assert decimal_bounds(arb("inf")) == (None, None)
    assert decimal_bounds(arb.nan()) == (None, None)
    with pytest.raises(NotEnclosed):
        outward(arb.nan())


def test_root_of_a_ball_around_zero_is_finite() -> None:
    """
    The root of a nonnegative quantity whose ball dips below 0 encloses [0, sqrt(upper)].
    """
    value = root(arb(0, 4))

    assert value.contains(0)
    assert value.contains(arb(2))
    assert value < 2.1


def test_root_refuses_what_is_certainly_negative() -> None:
    """
    A certainly negative ball and NaN have no root.
    """
    for ball in (arb(-3, 1), arb.nan()):
        with pytest.raises(NotEnclosed):
            root(ball)


def test_matrices_enter_exactly() -> None:
    """
    Every double, subnormal ones included, enters a matrix as itself.
    """
    floats = np.array([[0.1, -5e-324], [1.7e308, 3.0]])

    A = matrix(floats)

    assert is_exact(A)
    assert floats.tolist() == midpoints(A).tolist()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_matrices_refuse_what_is_not_finite(bad: float) -> None:
    """
    NaN and infinities never enter a matrix.
    """
    with pytest.raises(NotEnclosed):
        matrix(np.array([1.0, bad]))


def test_frobenius_of_wide_balls_is_defined() -> None:
    """
    The Frobenius norm of balls around 0 encloses every norm inside, 0 included.
    """
    A = add_radius(arb_mat(2, 2), [arb(1), arb(2)])

    norm = frobenius(A)

    assert norm.contains(0)
    assert norm.upper() >= arb(10).sqrt()
    assert norm.upper() < 3.2


def test_rationals_become_balls_that_contain_them() -> None:
    """
    The ball of a rational contains it at any precision.
    """
    with ctx.workprec(40):
        ball = to_arb(fmpq(1, 3))

    with ctx.workprec(200):
        assert ball * 3 - 1 <= arb(2) ** -30
        assert (ball * 3).contains(1)
