"""Counterexamples where equations force irrational values, and short numbers where there is a choice."""

from fractions import Fraction

import pytest
import sympy
from step_samples import decide

from checker.expression.parse import parse_claim
from checker.proofs.equations import Solved, solutions
from checker.proofs.exact import Found, cost, refutes, satisfies
from checker.proofs.putting import failing_sides
from checker.proofs.shorten import shortened


@pytest.mark.parametrize(
    ("assume", "show", "point"),
    [
        (["x*x == 2", "x > 0"], "x < 1", {"x": "sqrt(2)"}),
        (["x*x == 2", "x < 0"], "x > -1", {"x": "-sqrt(2)"}),
        (["0 < k", "k**2 == 2", "x == k"], "x >= 3/2", {"k": "sqrt(2)", "x": "sqrt(2)"}),
        (["x > 0", "x**4 == 3"], "x <= 1", {"x": "sqrt(sqrt(3))"}),
        (["x > 0", "2*x**2 - 2*x == 1"], "x <= 1", {"x": "(sqrt(12) + 2)/4"}),
        (["x**2 == 4", "x > 0"], "x < 2", {"x": "2"}),
    ],
)
def test_an_irrational_counterexample_is_shown_exactly(
    assume: list[str], show: str, point: dict[str, str]
) -> None:
    """
    The value that the equation forces stands there as an expression; a rational one as a rational.
    """
    record = decide(assume, show)

    assert record.status == "fails"
    found = record.counterexample or {}
    assert {k: sympy.sympify(v).equals(sympy.sympify(point[k])) for k, v in found.items()} == dict.fromkeys(
        point, True
    )


def test_the_lengths_of_pairs_are_eliminated() -> None:
    """
    N and H follow from the others, whose values are free and rational.
    """
    signs = [f"0 <= {name}" for name in ("p", "q", "s", "xi", "N", "H")]

    record = decide([*signs, "N**2 == p**2 + q**2", "H**2 == s**2 + xi**2", "q == 1", "p == 1"], "N*H <= s")

    found = record.counterexample or {}
    assert record.status == "fails"
    assert (found["p"], found["q"], found["N"]) == ("1", "1", "sqrt(2)")


def test_a_tie_between_irrational_numbers_stays_open() -> None:
    """
    Whether sqrt(2)*sqrt(3) and sqrt(6) are equal is not decided by any precision.
    """
    equations = ["x*x == 2", "x > 0", "y*y == 3", "y > 0", "z*z == 6", "z > 0"]
    claims = tuple(map(parse_claim, equations))
    (way,) = solutions(claims)

    assert satisfies(claims, {}, way)
    assert not refutes(claims, parse_claim("x*y < z"), {}, way)


def test_an_equation_that_has_no_value_is_not_satisfied() -> None:
    """
    x == y/z is no definition of x where z is 0.
    """
    claims = (parse_claim("x == y/z"),)
    (way,) = solutions(claims)

    assert way.names == ("x",)
    assert satisfies(claims, {"y": Fraction(1), "z": Fraction(2)}, way)
    assert not satisfies(claims, {"y": Fraction(1), "z": Fraction(0)}, way)


def test_a_definition_loses_no_solution_only_where_it_says_so() -> None:
    """
    a*x == b*c gives x = b*c/a only where a is known not to be 0; squares need a sign.
    """
    plain = tuple(map(parse_claim, ["a*x == b*c", "y**2 == 2"]))
    signed = (*plain, parse_claim("a > 0"), parse_claim("y <= 0"))

    (nothing,) = solutions(plain, only_equivalent=True)
    (both,) = solutions(signed, only_equivalent=True)

    assert nothing.names == ()
    assert both.names == ("x", "y")
    assert len(tuple(solutions((parse_claim("y**2 == 2"),)))) == 2


def test_numbers_get_shorter_and_stay_confirmed() -> None:
    """
    A long fraction gives way to the plainest number that still refutes the step.
    """
    assume, show = (parse_claim("x > 1/3"),), parse_claim("x >= 1/2")
    found = Found({"x": Fraction(4142135, 10000000)}, Solved())

    better = shortened(found, ("x",), lambda f: refutes(assume, show, f.point, f.solved))

    assert better.point["x"].denominator < 10
    assert Fraction(1, 3) < better.point["x"] < Fraction(1, 2)


def test_rational_values_cost_less_than_irrational_ones() -> None:
    """
    The price of a point counts values that are no rationals first.
    """
    assert cost({"x": "123/457"}) < cost({"x": "sqrt(2)"})
    assert cost({"x": "1"}) < cost({"x": "3"})


def test_the_sides_of_a_failed_step_are_numbers() -> None:
    """
    A person who puts the counterexample in gets these.
    """
    exact = failing_sides("x <= y and y**2 <= 2*x", {"x": "1", "y": "2"})
    near = failing_sides("x < 1", {"x": "sqrt(2)"})

    assert exact is not None
    assert (exact.operator, exact.left, exact.right) == ("<=", "4", "2")
    assert near is not None
    assert (near.left, near.right) == ("about 1.41421", "1")


@pytest.mark.parametrize(
    ("show", "point"),
    [
        ("x < 1", {"x": "0"}),
        ("x < 1", {}),
        ("x <", {"x": "2"}),
        ("x < 1", {"x": "1/0"}),
        ("norm2(x) < 1", {"x": "2"}),
    ],
)
def test_no_sides_are_made_up(show: str, point: dict[str, str]) -> None:
    """
    Where nothing certainly fails, or the texts cannot be read, nothing is said.
    """
    assert failing_sides(show, point) is None
