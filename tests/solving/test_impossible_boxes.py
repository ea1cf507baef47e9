"""That no positive values satisfy claims: proofs by subdivision, which do a bounded amount of work."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.admissible import Reduced
from checker.expression.parse import parse_claim, parse_expression
from checker.expression.ranges import Ranges
from checker.impossible import impossible
from checker.intervals import Interval


def reduced(*texts: str, unknown: tuple[str, ...]) -> Reduced:
    """Claims without leaves, with the domain of every unknown."""
    domains = tuple(f"0 < {name}" for name in unknown)
    return Reduced(tuple(parse_claim(text) for text in (*domains, *texts)), {}, ())


@pytest.mark.parametrize(
    ("texts", "unknown"),
    [
        (("x >= 2", "x <= 1"), ("x",)),
        (("1 <= x", "x <= 2", "x*y <= 1", "x*y >= 3"), ("x", "y")),
        (("q < 1", "8*q >= 1/(1 - q) + 9"), ("q",)),
        (("max(x, sqrt(x)) >= 3", "x < 2"), ("x",)),
        (("x >= pi", "x <= 3"), ("x",)),
    ],
)
def test_claims_that_no_positive_values_satisfy_are_proved_impossible(texts, unknown):
    """
    Whatever the order in which the claims stand.
    """
    assert impossible(reduced(*texts, unknown=unknown), {}, unknown)
    assert impossible(reduced(*reversed(texts), unknown=unknown), {}, unknown)


COEFFICIENTS = st.integers(-3, 3)
LEFT = st.builds("({})*x + ({})*y + ({})*x*z".format, COEFFICIENTS, COEFFICIENTS, COEFFICIENTS)
RIGHT = st.builds("({})/y + ({})*sqrt(z) + ({})".format, COEFFICIENTS, COEFFICIENTS, COEFFICIENTS)
POINTS = st.integers(1, 64).map(lambda k: k / 8)


@given(
    sides=st.lists(st.tuples(LEFT, RIGHT), min_size=1, max_size=4), values=st.tuples(POINTS, POINTS, POINTS)
)
def test_claims_that_hold_at_a_point_are_not_called_impossible(sides, values):
    """
    Although a box is asked only about the claims that its last halving may have changed.
    """
    unknown = ("x", "y", "z")
    box = {name: (value, value) for name, value in zip(unknown, values, strict=True)}

    claims = [f"{left} {_relation(left, right, box)} {right}" for left, right in sides]

    assert not impossible(reduced(*claims, unknown=unknown), {}, unknown, 300)


def _relation(left: str, right: str, point: Mapping[str, Interval]) -> str:
    """A comparison that holds between the two at the point; `<= 10**9 +` where they are too close."""
    ranges = Ranges(point)
    low, high = ranges.node(parse_expression(left)), ranges.node(parse_expression(right))
    if low[1] <= high[0]:
        return "<="
    return ">=" if low[0] >= high[1] else "<= 10**9 +"


def test_the_work_is_bounded_and_nothing_is_claimed_beyond_it():
    """
    The same claims are proved with enough work, and left open with less.
    """
    unknown = ("x", "y")
    problem = reduced("1 <= x", "x <= 2", "x*y <= 1", "x*y >= 3", unknown=unknown)

    assert impossible(problem, {}, unknown)
    assert not impossible(problem, {}, unknown, work=100)
    assert not impossible(problem, {}, unknown, most=10)
