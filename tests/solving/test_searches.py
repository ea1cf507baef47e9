"""Searches and proofs in a few unknowns, on problems solved by hand."""

import math
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from flint import fmpq

from checker.admissible import Reduced
from checker.expression.parse import parse_claim, parse_expression
from checker.expression.ranges import Ranges
from checker.expression.text import to_text
from checker.expression.tree import Name
from checker.solving import decimals
from checker.solving.algebra import NoFormula, from_sympy, symbols_for, to_sympy
from checker.solving.boxes import surely
from checker.solving.climb import climb, oracle_of
from checker.solving.formula import formula
from checker.solving.largest import Largest, largest
from checker.solving.monotone import direction, none_beyond, none_now, signs_of
from checker.solving.oracle import Problem, holds
from checker.solving.rewrite import folded


def problem(*claims: str, unknown: tuple[str, ...] = ("x", "y"), **leaves: int) -> Problem:
    """Claims in unknowns and whole numbers."""
    read = tuple(parse_claim(text) for text in claims)
    names = {name: Name(name, shape=()) for name in leaves}
    values = {name: fmpq(value) for name, value in leaves.items()}
    return Problem(Reduced(read, names, ()), values, unknown, tuple(f"c{k}" for k in range(len(claims))))


TRIANGLE = problem("0 < x", "0 < y", "3*x <= y*l", "y + x <= k", unknown=("x", "y"), l=6, k=30)
"""x is largest at 20, where y = 10."""


def test_the_largest_value_is_found_certified_and_proved():
    """
    Both binding claims are met at the value, and nothing satisfies them beyond.
    """
    found = largest(TRIANGLE, "x", {})

    assert isinstance(found, Largest)
    assert Fraction(20) * (1 - Fraction(1, 10**8)) <= Fraction(found.value) < 20
    assert 20 <= Fraction(found.beyond) < 20 * (1 + Fraction(1, 10**8))
    assert holds(problem(*(c.text for c in TRIANGLE.reduced.claims), unknown=(), l=6, k=30), {}) is False


def test_many_unknowns_are_searched_by_a_solver_and_too_many_not_at_all():
    """
    A chain of doublings from x0 <= 1 to x9 has more vertices than can be tried; 61 unknowns are refused.
    """
    names = tuple(f"x{k}" for k in range(10))
    chain = [f"{b} <= 2*{a}" for a, b in pairwise(names)]
    small = problem(*(f"0 < {n}" for n in names), "x0 <= 1", *chain, unknown=names)
    many = tuple(f"x{k}" for k in range(61))
    refused = problem(*(f"{n} <= 1" for n in many), unknown=many)

    found = largest(small, "x9", {})

    assert isinstance(found, Largest)
    assert 512 * (1 - 1e-6) < Fraction(found.value) <= 512
    assert largest(refused, "x0", {}) == ("not sought: too many unknowns, 61, and at most 12 are searched")


def test_the_formula_is_the_solution_by_hand():
    """
    3x = y*l and y + x = k give x = k*l/(l + 3).
    """
    found = formula(TRIANGLE, [math.log(20), math.log(10)], "x", {})

    assert to_text(found.node) in {"k*l/(l + 3)", "l*k/(l + 3)", "k*l/(3 + l)"}
    assert found.ball == 20
    assert found.binding == ("c2", "c3")


def test_too_few_binding_claims_give_no_formula():
    """
    Away from a vertex nothing is solved.
    """
    with pytest.raises(NoFormula, match="0 hypotheses bind"):
        formula(TRIANGLE, [0.0, 0.5], "x", {})


@pytest.mark.parametrize(
    ("claims", "least", "proved"),
    [
        (("0 < x", "x**2 <= 4"), "2.1", True),
        (("0 < x", "x**2 <= 4"), "1.9", False),
        (("0 < x", "x <= 4/x"), "2.0001", True),
        (("0 < x", "x*(3 - x) >= 2"), "1.5", False),
        (("0 < x", "x - x**2 <= 1"), "7", False),
    ],
)
def test_nothing_is_proved_beyond_a_value_where_something_lies(claims, least, proved):
    """
    A proof is given exactly where the claims only harden and fail at the value.
    """
    assert proved is none_beyond(problem(*claims, unknown=("x",)), "x", Fraction(least))


def test_an_infeasible_choice_is_proved_and_a_feasible_one_is_not():
    """
    3 <= x*2 and x <= 1 exclude each other; 3 <= x*2 and x <= 2 do not.
    """
    assert none_now(problem("0 < x", "3 <= x*2", "x <= 1", unknown=("x",)))
    assert not none_now(problem("0 < x", "3 <= x*2", "x <= 2", unknown=("x",)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("3*x + 1", 1), ("1/x", -1), ("l - x", -1), ("l", 0), ("x - 1/x", 1), ("x*(x - l)", None)],
)
def test_directions_are_read_off_trees(text, expected):
    """
    What is not certainly monotone has no direction.
    """
    signs = signs_of(problem("0 < x", unknown=("x",), l=2))

    assert expected == direction(parse_expression(text), "x", signs)


def test_a_climb_ends_at_the_best_margin():
    """
    Of x >= 1 and x <= 100 the worst margin is largest at 10.
    """
    logs, worst = climb(oracle_of(problem("1 <= x", "x <= 100", unknown=("x",))), [0.5])

    assert math.isclose(math.exp(logs[0]), 10, rel_tol=1e-6)
    assert math.isclose(worst, math.log(10), rel_tol=1e-6)


@pytest.mark.parametrize(
    "text", ["a + b*c", "(a - 1)/(b*sqrt(c))", "a**2*sqrt(b + c)/3", "1 - a*b", "sqrt(6)*a/(2*b)"]
)
def test_trees_go_to_sympy_and_back(text):
    """
    The tree that comes back has the same value everywhere.
    """
    symbols = symbols_for({"a": True, "b": True, "c": True})
    names = {symbol: Name(name, shape=()) for name, symbol in symbols.items()}
    tree = parse_expression(text)

    back = from_sympy(to_sympy(tree, symbols, lambda call: call), names)

    values = {"a": (2.0, 2.0), "b": (3.0, 3.0), "c": (5.0, 5.0)}
    one, other = Ranges(values, {}).node(tree), Ranges(values, {}).node(back)
    assert one[0] <= other[1]
    assert other[0] <= one[1]
    assert one[1] - one[0] < 1e-12


def test_what_is_not_algebraic_has_no_formula():
    """
    exp is refused, in words.
    """
    with pytest.raises(NoFormula, match="not algebraic"):
        to_sympy(parse_expression("exp(a)"), symbols_for({"a": True}), lambda call: call)


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("x <= 3", True),
        ("x < 3", False),
        ("sqrt(x - 2) <= 9", False),
        ("sqrt(x) <= 1.8", True),
        ("x**(3/2) <= 5.2", True),
        ("x**(3/2) <= 5.1", False),
        ("max(x, 1) <= 3 and 1 <= x", True),
        ("1/(x - 2) <= 100", False),
        ("max(sqrt(x - 2), 2) >= 1", False),
        ("0*sqrt(x - 2) <= 1", False),
        ("max(1/(x - 2), 2) >= 1", False),
        ("max((x - 2)**(-1), 2) >= 1", False),
        ("max(1/(x + 2), 2) >= 1", True),
        ("well_posed", False),
    ],
)
def test_a_claim_over_a_box_holds_only_for_every_point(claim, expected):
    """
    For x in [1, 3]; what may be undefined does not hold.
    """
    read = parse_claim(claim)
    exact = type(read)(read.text, tuple(_folded(part) for part in read.parts))

    assert expected is surely(exact, Ranges({"x": (1.0, 3.0)}, {}))


def _folded(part):
    if not hasattr(part, "left"):
        return part
    return type(part)(part.operator, folded(part.left), folded(part.right))


def test_decimals_are_rounded_outward():
    """
    The grid below, above and after a number.
    """
    third = Fraction(1, 3)

    assert decimals.below(third, 3) == Decimal("0.333")
    assert decimals.above(third, 3) == Decimal("0.334")
    assert decimals.following(Decimal("0.999"), 3) == Decimal("1")
    assert decimals.text(Decimal("1E+3")) == "1000"
    assert decimals.text(Decimal("1.5E-12")) == "1.5e-12"
