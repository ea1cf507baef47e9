"""The exact path evaluates every function of the claim language without rounding, and decides equality."""

from fractions import Fraction

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from test_replay_values import CASES

from checker.expression.parse import parse_expression
from checker.expression.tree import Call
from checker.rational_polynomials import NotRational
from checker.rational_roots import Real, bracket, compare, eigenvalues, minus, plus, power, root, sign, times
from checker.rational_values import Value, evaluate, mapped, over_q

MATRIX = [[3, 0], [4, 5]]
WIDE = [[1, 2, 2], [0, 3, 4]]
SYMMETRIC = [[2, 1], [1, 2]]
PATH = [[0, 1, 0], [1, 0, 1], [0, 1, 0]]


class Given:
    """Names with fixed values, and no functions of a setting."""

    def name(self, name: str) -> Value:
        values = {"A": MATRIX, "B": WIDE, "S": SYMMETRIC, "P": PATH, "v": [3, -4], "x": 3, "n": 2, "z": 0}
        return mapped(fmpq, values[name])

    def call(self, node: Call) -> Value:
        raise NotRational(f"{node.function} is not rational")


def value(text: str) -> Real:
    return evaluate(parse_expression(text), Given())


EXACT = {text: answer for text, answer in CASES.items() if "pi" not in text}


@pytest.mark.parametrize("text", EXACT)
def test_an_expression_has_its_value_by_hand_exactly(text):
    """
    Every function gives the number that it has on paper, not one near it.
    """
    answer = Fraction(EXACT[text])

    assert compare(value(text), fmpq(answer.numerator, answer.denominator)) == 0


EQUALITIES = [
    ("norm2(A)", "sqrt(45)"),
    ("sigma_min(A)", "sqrt(5)"),
    ("norm2(A)*sigma_min(A)", "15"),
    ("norm2(A) - 3*sigma_min(A)", "0"),
    ("lambda_max(P)", "sqrt(2)"),
    ("lambda_min(P) + lambda_max(P)", "0"),
    ("spectral_radius(P)", "2**(1/2)"),
    ("sqrt(2) + sqrt(3)", "sqrt(5 + 2*sqrt(6))"),
    ("(1 - lambda_max(P)/10)**20", "(1 - sqrt(2)/5 + 1/50)**10"),
    ("(sqrt(5) + 2)**(1/3) - (sqrt(5) - 2)**(1/3)", "1"),
    ("1/(sqrt(2) - 1)", "sqrt(2) + 1"),
    ("abs(1 - sqrt(2))", "sqrt(2) - 1"),
    ("max(sqrt(2), 7/5, min(3, sqrt(3)))", "sqrt(3)"),
    ("norm_fro(A)", "5*sqrt(2)"),
    ("(9/4)**(3/2)", "27/8"),
]


@pytest.mark.parametrize(("left", "right"), EQUALITIES)
def test_equal_irrational_numbers_are_equal(left, right):
    """
    A tie between algebraic numbers is seen, and a difference of one part in 10**30 is none.
    """
    nearly = f"({right})*(1 + 1/10**30) + 1/10**40"

    assert compare(value(left), value(right)) == 0
    assert compare(value(left), value(nearly)) == -1
    assert compare(value(nearly), value(left)) == 1


REFUSED = [
    *("pi", "exp(1)", "log(2)", "sin(x)", "2**sqrt(2)", "1/z", "sqrt(-x)", "(-2)**(1/2)", "0**(-1)"),
    *("lambda_min(A)", "inv(A - 3*eye(2))", "norm2(sqrt(2)*A)", "ones(65)", "2**5000"),
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_has_no_exact_value_is_refused(text):
    """
    Transcendental numbers, undefined parts and too large ones have no answer here.
    """
    with pytest.raises(NotRational):
        value(text)


def test_the_spectral_radius_of_a_rotation_is_that_of_its_complex_eigenvalues():
    """
    A matrix without real eigenvalues has the modulus of its complex ones.
    """
    turned = evaluate(parse_expression("spectral_radius(A)"), Turning())

    assert compare(turned, root(fmpq(5), 2)) == 0


class Turning(Given):
    """A rotation by a right angle and a bit, stretched."""

    def name(self, name: str) -> Value:
        return mapped(fmpq, [[1, -2], [2, 1]])


rationals = st.builds(fmpq, st.integers(-9, 9), st.integers(1, 9))
surds = st.builds(lambda p, x, q: plus(p, times(q, root(abs(x), 2))), rationals, rationals, rationals)


@given(surds, surds, surds)
def test_algebraic_numbers_are_an_ordered_field(x, y, z):
    """
    Order and arithmetic agree: sums associate, products distribute, differences have the sign of the order.
    """
    assert compare(plus(plus(x, y), z), plus(x, plus(y, z))) == 0
    assert compare(times(x, plus(y, z)), plus(times(x, y), times(x, z))) == 0
    assert sign(minus(x, y)) == compare(x, y) == -compare(y, x)


@given(st.lists(st.integers(-3, 3), min_size=6, max_size=6), rationals)
def test_eigenvalues_are_where_the_inertia_says(upper, c):
    """
    As many eigenvalues lie below c as Gaussian elimination of A - c I has negative pivots (Sylvester).
    """
    a, b, d, e, f, g = (fmpq(k) for k in upper)
    A = [[a, b, d], [b, e, f], [d, f, g]]
    shifted = [[x - c * (i == j) for j, x in enumerate(row)] for i, row in enumerate(A)]
    negative = _negative_pivots(shifted)

    distinct = eigenvalues(over_q(A))
    below = [x for x in distinct if compare(x, c) < 0]

    assert (
        sorted([*distinct], key=lambda x: float(bracket(x, 60)[0].p) / float(bracket(x, 60)[0].q)) == distinct
    )
    if negative is not None:
        assert (negative > 0) == bool(below)
        assert len(below) <= negative


def _negative_pivots(A: list[list[fmpq]]) -> int | None:
    """Negative pivots of LDL'; None where a pivot is zero."""
    rows, negative = [list(row) for row in A], 0
    for k in range(len(rows)):
        pivot = rows[k][k]
        if pivot == 0:
            return None
        negative += pivot < 0
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / pivot
            rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k], strict=True)]
    return negative


@given(rationals, st.integers(1, 6), st.integers(1, 40))
def test_a_bracket_holds_its_number(x, degree, bits):
    """
    The rational bounds of a root enclose it and are as close as asked for.
    """
    number = root(abs(x), degree)

    lo, hi = bracket(number, bits)

    assert compare(number, lo) >= 0 >= compare(number, hi)
    assert (hi - lo) * fmpq(2) ** bits <= 1
    assert compare(power(number, degree), abs(x)) == 0
