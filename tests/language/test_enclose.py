"""Enclosures contain the exact value, stay exact where they can, and say when there is none."""

# ruff: noqa: E501 - tables of texts and messages, one case a line

from fractions import Fraction

import mpmath
import pytest
from flint import arb, arb_mat, ctx, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st
from scenery import claim, expression, values

from checker.enclosure import Enclosure, to_arb
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.enclose import compare, enclose, judge
from checker.verdict import Verdict

UNIT = arb(0, 1)
"""A ball around zero."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1/3 + 1/6", fmpq(1, 2)),
        ("0.1*10", fmpq(1)),
        ("4**(1/2)", fmpq(2)),
        ("(4/9)**(-3/2)", fmpq(27, 8)),
        ("sqrt(1/4)", fmpq(1, 2)),
        ("0**0", fmpq(1)),
        ("x**0", fmpq(1)),
        ("0*x", fmpq(0)),
        ("abs(-2/3)", fmpq(2, 3)),
        ("min(1/3, 1/2, 2)", fmpq(1, 3)),
        ("max(1/3, 1/2, -x - 9)", fmpq(1, 2)),
        ("2**-3", fmpq(1, 8)),
        ("exp(0) + log(1) + sin(0) + cos(0) + tanh(0)", fmpq(2)),
        ("(1/2)**tau", fmpq(1, 8)),
    ],
)
def test_exact_rationals_stay_exact(text: str, expected: fmpq) -> None:
    """
    Arithmetic of rationals has no width.
    """
    value = enclose(expression(text), values(x=UNIT))

    assert isinstance(value, fmpq)
    assert expected == value


@pytest.mark.parametrize(
    "text",
    ["1/0", "x/(1 - 1)", "sqrt(-1)", "log(0)", "log(-q)", "(-8)**(1/3)", "0**(-1)", "sqrt(-1 - abs(x))",
     "lambda_min(W)", "0**(-1/3)"],
)  # fmt: skip
def test_what_certainly_has_no_value_is_certainly_undefined(text: str) -> None:
    """
    Division by an exact zero and roots of certain negatives are certain.
    """
    with pytest.raises(CertainlyUndefined):
        enclose(expression(text), values(x=UNIT, q=arb("0.9")))


@pytest.mark.parametrize(
    "text", ["1/x", "sqrt(x)", "log(x)", "x**(1/3)", "x**-1", "exp(exp(exp(exp(100))))", "x**(1/2)", "x**q"]
)
def test_what_possibly_has_no_value_is_not_enclosed(text: str) -> None:
    """
    A ball around the edge of a domain gives no enclosure.
    """
    with pytest.raises(NotEnclosed):
        enclose(expression(text), values(x=UNIT, q=arb("0.9")))


@pytest.mark.parametrize(
    ("text", "lower", "upper"),
    [
        ("sqrt(x**2)", 0, 1),
        ("sqrt(x*x + norm2(a - a))", 0, 1),
        ("sqrt(abs(x))", 0, 1),
        ("(x*x)**(1/3)", 0, 1),
        ("x**2", 0, 1),
        ("x*x", 0, 1),
        ("x**3", -1, 1),
        ("tanh(9*x)", -1, 1),
        ("abs(x)", 0, 1),
    ],
)
def test_wide_balls_keep_the_range_of_the_function(text: str, lower: int, upper: int) -> None:
    """
    What is nonnegative by its form has a root, and powers do not leave their range.
    """
    with ctx.workprec(64):
        value = to_arb(_scalar(enclose(expression(text), values(x=UNIT))))

    slack = arb("1e-6")
    assert lower - slack < value.lower()
    assert value.upper() < upper + slack
    assert value.upper() > upper - slack


def _scalar(value: Enclosure) -> arb | fmpq:
    assert not isinstance(value, arb_mat)
    return value


@given(
    base=st.fractions(Fraction(1, 100), 100, max_denominator=1000),
    exponent=st.fractions(-6, 6, max_denominator=12),
    precision=st.sampled_from([30, 53, 200]),
)
def test_powers_contain_what_mpmath_computes(base: Fraction, exponent: Fraction, precision: int) -> None:
    """
    A power's enclosure contains an independent 400-bit value.
    """
    with ctx.workprec(precision):
        value = to_arb(_scalar(enclose(expression(f"({base})**({exponent})"), values())))

    with mpmath.workprec(400):
        exact = (mpmath.mpf(base.numerator) / base.denominator) ** (
            mpmath.mpf(exponent.numerator) / exponent.denominator
        )
        digits = mpmath.nstr(exact, 110)
    with ctx.workprec(400):
        assert value.overlaps(arb(digits) * arb(1, "1e-100"))
        assert value.rad() < abs(value) * arb(2) ** (8 - precision)


@given(
    middle=st.fractions(-3, 3, max_denominator=50),
    radius=st.fractions(0, 2, max_denominator=50),
    share=st.fractions(-1, 1, max_denominator=50),
    text=st.sampled_from(
        ["x**2", "x**3", "x*x", "abs(x)", "tanh(x)", "exp(x)", "sqrt(abs(x))", "x/(1 + x**2)", "max(x, 1/3)",
         "min(x, -x)", "(1 - x)**4*x", "abs(x)**(3/2)", "cos(x) + sin(x)", "log(1 + x**2)"]
    ),
)  # fmt: skip
def test_a_ball_goes_in_and_every_point_of_it_comes_out(
    middle: Fraction, radius: Fraction, share: Fraction, text: str
) -> None:
    """
    The value at each point lies in the enclosure over the ball.
    """
    point = middle + share * radius
    with ctx.workprec(80):
        ball = arb(fmpq(middle.numerator, middle.denominator), fmpq(radius.numerator, radius.denominator))
        wide = to_arb(_scalar(enclose(expression(text), values(x=ball))))
        exact = fmpq(point.numerator, point.denominator)
        narrow = to_arb(_scalar(enclose(expression(text), values(x=exact))))

    assert wide.overlaps(narrow)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("norm_inf(W)", "1.75"), ("norm_1(W)", "1.5"), ("norm_inf(a)", "2"), ("norm_1(a)", "3"),
        ("a @ W @ a", "1.75"), ("sum(eye(m))", "2"), ("sum(ones(2*m))", "4"), ("trace(W)", "1.25"),
        ("sum(hadamard(W, W))", "1.875"), ("max(a)", "1"), ("min(W)", "0.25"), ("norm2(a)**2", "5"),
        ("lambda_min(G)", "1"), ("lambda_max(G/2 + eye(n))", "2.5"), ("sum(inv(G))", "0.6666666666666666666667"),
        ("sum(diag(W))", "1.25"), ("norm_fro(diag(a))", "2.2360679774997896964"), ("sum(transpose(W) @ a)", "-2.75"),
        ("lambda_max(symmetric_part(W))", "1.35386898685566"), ("sum(abs(a))", "3"), ("norm2(G)", "3"),
        ("sigma_min(G)", "1"), ("spectral_radius(G)", "3"),
    ],
)  # fmt: skip
def test_functions_of_arrays_have_their_definitions(text: str, expected: str) -> None:
    """
    Each function of an array agrees with a value known by hand.
    """
    with ctx.workprec(100):
        value = to_arb(_scalar(enclose(expression(text), values())))

        assert value.overlaps(arb(f"{expected} +/- 1e-13"))
        assert value.rad() < arb("1e-9")


def test_shared_subterms_are_evaluated_once() -> None:
    """
    Within one environment an equal subterm is folded once, in other expressions too.
    """
    env = values(next=arb(2))

    enclose(expression("next(loss)*next(loss) + sqrt(next(loss))"), env)
    enclose(expression("next(loss)"), env)

    assert env.asked == ["next"]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("1/2 == 0.5", Verdict.HOLDS),
        ("q == 0.9", Verdict.UNDECIDED),
        ("q == 2", Verdict.FAILS),
        ("norm_1(a) == 3", Verdict.HOLDS),
        ("q >= q", Verdict.HOLDS),
        ("q > q", Verdict.FAILS),
        ("0 < q <= 1", Verdict.HOLDS),
        ("q < 1 and 2 < q", Verdict.FAILS),
        ("q < 1 and x < 1/2", Verdict.UNDECIDED),
        ("x < 1/2 and 2 < q", Verdict.FAILS),
        ("sqrt(x) < 2", Verdict.UNDECIDED),
        ("1 < 1", Verdict.FAILS),
        ("well_posed", Verdict.HOLDS),
        ("well_posed(ones(d))", Verdict.UNDECIDED),
    ],
)
def test_claims_have_three_answers(text: str, verdict: Verdict) -> None:
    """
    A claim holds, fails, or is undecided; touching balls decide nothing.
    """
    env = values(q=arb("0.9"), x=UNIT)
    env.values = {**env.values, "well_posed": fmpq(1)} if text == "well_posed" else env.values

    assert verdict is judge(claim(text), env).verdict


def test_the_least_margin_part_is_reported_with_a_certified_margin() -> None:
    """
    The margin of a conjunction is that of its tightest part, rounded towards zero.
    """
    with ctx.workprec(64):
        judgement = judge(claim("0 < q <= 1 and q < 1000"), values(q=fmpq(1, 10)))
        failed = judge(claim("q < 1 and q >= 100"), values(q=fmpq(1, 10)))
        open_ = judge(claim("x < 1/2"), values(x=UNIT))

    assert ("<=", fmpq(1, 10), fmpq(1)) == (judgement.operator, judgement.lhs, judgement.rhs)
    assert judgement.margin is not None
    assert 1 - 1e-12 < judgement.margin <= 1
    assert failed.margin is not None
    assert -3 <= failed.margin < -3 + 1e-12
    assert (open_.margin, open_.reason) == (None, "the two sides are too close to tell apart")


def test_a_certainly_undefined_part_is_raised_for_the_caller_to_weigh() -> None:
    """
    Hypotheses and conclusions weigh an undefined part differently, so `judge` does not.
    """
    with pytest.raises(CertainlyUndefined):
        judge(claim("1/0 < 1"), values())


@given(st.fractions(-9, 9, max_denominator=9), st.fractions(-9, 9, max_denominator=9))
def test_exact_numbers_are_always_decided(a: Fraction, b: Fraction) -> None:
    """
    Between exact numbers no comparison is undecided, and each agrees with the rationals.
    """
    x, y = fmpq(a.numerator, a.denominator), fmpq(b.numerator, b.denominator)
    truth = {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b}

    for operator, holds in truth.items():
        assert (Verdict.HOLDS if holds else Verdict.FAILS) is compare(operator, x, y)


@given(st.integers(-50, 50), st.integers(0, 20), st.integers(-50, 50), st.integers(0, 20))
def test_overlapping_balls_are_undecided_and_separated_ones_are_not(a: int, r: int, b: int, s: int) -> None:
    """
    A comparison of balls is decided exactly where every pair of points agrees.
    """
    assume(abs(abs(a - b) - (r + s)) > 1)
    x, y = arb(a, r), arb(b, s)

    for operator in ("<", "<=", ">", ">="):
        separated = abs(a - b) > r + s or (r == 0 and s == 0)
        assert separated is (compare(operator, x, y) is not Verdict.UNDECIDED)
