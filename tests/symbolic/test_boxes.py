"""Outward intervals contain what they must, gradients too, and a subdivision proves nothing that is false."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from step_samples import step

from checker import intervals
from checker.expression.parse import parse_claim
from checker.proofs import boxes as iv
from checker.proofs.equations import Solved
from checker.proofs.exact import refutes
from checker.proofs.forward import over_boxes, signs_of
from checker.proofs.sampling import search
from checker.proofs.subdivision import subdivide
from checker.proofs.tape import to_tape

FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, 1.0, -1.0, 5e-324, 1.7e308])
SIDES = st.tuples(FLOATS, FLOATS).map(sorted)
LARGEST = float(np.finfo(np.float64).max)


def _interval(side: list[float]) -> iv.Interval:
    return np.array([side[0]]), np.array([side[1]])


def _contains(found: iv.Interval, value: Fraction) -> bool:
    low, high = float(found[0][0]), float(found[1][0])
    above = low == -math.inf or Fraction(low) <= value
    return above and (high == math.inf or value <= Fraction(high))


@pytest.mark.parametrize("operation", ["add", "multiply", "multiply_outward", "reciprocal", "power"])
@settings(max_examples=300, deadline=None)
@given(first=SIDES, second=SIDES, share=st.fractions(0, 1), k=st.integers(-3, 5))
def test_results_stay_inside(
    operation: str, first: list[float], second: list[float], share: Fraction, k: int
) -> None:
    """
    Exact results at points of the operands lie in the interval, also where floats overflow or underflow.
    """
    x = Fraction(first[0]) + share * (Fraction(first[1]) - Fraction(first[0]))
    y = Fraction(second[0]) + share * (Fraction(second[1]) - Fraction(second[0]))
    a, b = _interval(first), _interval(second)

    with np.errstate(all="ignore"):
        if operation == "add":
            assert _contains(iv.add(a, b), x + y)
        elif operation == "multiply":
            assert _contains(iv.multiply(a, b), x * y)
        elif operation == "multiply_outward":
            assert _contains(iv.multiply_outward(a, b), x * y)
        elif operation == "reciprocal" and x:
            assert _contains(iv.reciprocal(a), 1 / x)
        elif operation == "power" and (x or k >= 0):
            assert _contains(iv.whole_power(a, k), x**k)


@pytest.mark.parametrize("function", ["exp", "log", "tanh", "sqrt", "sin", "cos"])
@settings(max_examples=150, deadline=None)
@given(side=SIDES, share=st.fractions(0, 1))
def test_functions_stay_inside(function: str, side: list[float], share: Fraction) -> None:
    """
    The value in balls at a point of the operand overlaps the interval, at every magnitude.
    """
    x = Fraction(side[0]) + share * (Fraction(side[1]) - Fraction(side[0]))
    if function in ("log", "sqrt") and x <= 0:
        return
    with ctx.workprec(1200), np.errstate(all="ignore"):
        exact = getattr(arb(fmpq(x.numerator, x.denominator)), function)()
        if function == "sqrt":
            low, high = iv.root(_interval(side))
        elif function in ("sin", "cos"):
            low, high = iv.circle(_interval(side), function == "cos")
        else:
            low, high = iv.increasing(function, _interval(side))

        assert not exact < arb(float(low[0]))
        assert not exact > arb(float(high[0]))


@settings(max_examples=100, deadline=None)
@given(side=SIDES, other=SIDES)
def test_scalar_intervals_survive_overflow(side: list[float], other: list[float]) -> None:
    """
    A product whose ends overflow has no lower end at infinity.
    """
    x, y = (side[0], side[1]), (other[0], other[1])
    exact = [Fraction(p) * Fraction(q) for p in x for q in y]

    low, high = intervals.multiply(x, y)

    assert low <= LARGEST
    assert low == -math.inf or Fraction(low) <= min(exact)
    assert high == math.inf or max(exact) <= Fraction(high)


def test_a_huge_product_excludes_nothing() -> None:
    """
    1e200 * 1e200 is some number above the largest float, not infinity.
    """
    assert intervals.multiply((1e200, 1e200), (1e200, 1e200)) == (LARGEST, math.inf)


def test_gradients_enclose_slopes_between_points() -> None:
    """
    Difference quotients in the box lie in the enclosure of the derivative, kinks included.
    """
    tape = to_tape(
        [parse_claim("exp(x)*tanh(x) + abs(x - 1/3)/(2 + x) + max(x, x**3) + sqrt(2 + x) > 0")], ("x",)
    )
    low, high = -0.5, 0.75
    fold = over_boxes(tape, signs_of(tape, 0), (np.array([[low]]), np.array([[high]])))
    at = tape.claims[0][0].at
    slope_low, slope_high = (float(end[0, 0]) for end in fold.gradients[at])
    points = np.linspace(low, high, 60)
    each = over_boxes(tape, signs_of(tape, 0), (points[None, :], points[None, :]), gradients=False)
    values = each.values[at][0]

    quotients = np.diff(values) / np.diff(points)

    assert slope_low <= quotients.min()
    assert quotients.max() <= slope_high
    assert fold.defined[at].all()


FALSE = [
    (["0 <= x", "x <= 2"], "exp(-x) <= 1 - x/2"),
    (["0 <= x"], "x*x*x > x*x - 1/8 + 1/1000000"),
    (["x*y > 0"], "x > 0"),
    (["x > 0"], "1/x >= 1"),
    (["x >= -1"], "sqrt(x) >= 0"),
    ([], "x**2 > 0"),
    (["abs(x) >= 1", "abs(x) <= 2"], "x >= -1.999999"),
    (["x**2 >= 1", "x >= -2", "x <= 2"], "x**3 >= -7.9999"),
    (["1 - x > 0", "x >= -2"], "1/(1 - x) >= 0.34"),
]


@pytest.mark.parametrize(("assume", "show"), FALSE)
def test_nothing_false_is_proved(assume: list[str], show: str) -> None:
    """
    Where a counterexample exists, or a value may be missing, boxes stay open.
    """
    made = step(assume, show)

    assert not subdivide(made.assume, made.show, most=3000).proved


TRUE = [
    (["x > 0"], "1/x > 0"),
    (["x >= 0"], "1 - x <= exp(-x)"),
    (["x**2 + y**2 < 1", "x + y > 2"], "x == 5"),
    (["q < 1", "0 <= q", "0 <= x", "x <= 1", "1 - q >= 1/10"], "x/(1 - q) <= 11"),
    (["-1 <= x", "x <= 1", "-1 <= y", "y <= 1"], "2*x*y <= x*x + y*y + 1/10"),
    (["1 <= x"], "x*x*x >= x"),
    (["0 <= x", "x <= 6"], "sin(x) <= 1.01"),
]


@pytest.mark.parametrize(("assume", "show"), TRUE)
def test_what_is_true_with_room_is_proved(assume: list[str], show: str) -> None:
    """
    Unbounded variables, ties at corners and contradictions included; twice with the same boxes.
    """
    made = step(assume, show)

    first, second = (subdivide(made.assume, made.show, most=3000) for _ in range(2))

    assert first.proved
    assert first.boxes == second.boxes


def test_a_budget_of_boxes_ends_the_work() -> None:
    """
    A tie inside the box is not decided, and that is said after the stated number of boxes.
    """
    made = step(["x >= -1", "x <= 2"], "x*x >= 2*x - 1")

    found = subdivide(made.assume, made.show, most=100)

    assert not found.proved
    assert found.boxes <= 100 + 256


def test_a_search_confirms_before_it_believes() -> None:
    """
    A point is found near a tie only where it refutes exactly.
    """
    true = step(["0 <= x", "x <= 1"], "x*x <= x")
    false = step(["0 <= x", "x <= 1"], "x*x <= x - 1/1000000")

    assert search(true.assume, true.show, Solved(), math.inf) is None
    found = search(false.assume, false.show, Solved(), math.inf)
    assert found is not None
    assert refutes(false.assume, false.show, found.point, found.solved)
