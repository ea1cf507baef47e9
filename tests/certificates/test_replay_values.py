"""The second code path evaluates every function of the claim language by its own means."""

from fractions import Fraction

import pytest
from mpmath import mp

from checker.expression.parse import parse_expression
from checker.expression.tree import Call
from checker.replay import compared
from checker.replay_values import NotReplayed, Undefined, Value, entries, evaluate, mapped

MATRIX = [[3, 0], [4, 5]]
WIDE = [[1, 2, 2], [0, 3, 4]]
SYMMETRIC = [[2, 1], [1, 2]]


class Given:
    """Names with fixed values, and no functions of a setting."""

    def name(self, name: str) -> Value:
        values = {"A": MATRIX, "B": WIDE, "S": SYMMETRIC, "v": [3, -4], "x": 3, "n": 2, "z": 0}
        return mapped(mp.mpf, values[name])

    def call(self, node: Call) -> Value:
        raise NotReplayed(f"not available for {node.function}")


CASES = {
    "1/3 + 0.1 - 2*x": Fraction(13, 30) - 6,
    "2**10 + 0**0 + x**(-1)": Fraction(1025) + Fraction(1, 3),
    "8**(1/3)": 2,
    "(-2)**3": -8,
    "norm2(v)": 5,
    "norm2(A)**2": 45,
    "sigma_min(A)**2": 5,
    "norm_fro(A)**2": 50,
    "norm_inf(A)": 9,
    "norm_1(A)": 7,
    "norm_inf(v)": 4,
    "norm_1(v)": 7,
    "sigma_min(transpose(B))**2 * norm2(B)**2": 9 * 25 - 14 * 14,
    "lambda_min(S) + 2*lambda_max(S)": 7,
    "spectral_radius(A)": 5,
    "trace(A)": 8,
    "trace(inv(A))": Fraction(8, 15),
    "sum(diag(A))": 8,
    "sum(diag(v))": -1,
    "sum(eye(n + 1))": 3,
    "ones(n) @ A @ ones(n)": 12,
    "sum(B @ ones(3))": 12,
    "sum(v @ A)": 9 - 16 - 20,
    "v @ v": 25,
    "sum(symmetric_part(A))": 12,
    "sum(hadamard(A, A))": 50,
    "sum(abs(A - 2*S))": 1 + 2 + 2 + 1,
    "sum(v/2) + sum(-v)": Fraction(1, 2),
    "min(A) + max(A) + max(1, x, 2) + min(x, 2)": 10,
    "exp(0) + log(1) + sin(0) + cos(0) + tanh(0)": 2,
    "sqrt(x*x)": 3,
    "norm2(0*A) + sigma_min(0*B)": 0,
}


@pytest.mark.parametrize("text", CASES)
def test_the_value_is_the_one_computed_by_hand(text):
    """
    An expression has the value that a person computes.
    """
    with mp.workdps(50):
        value = evaluate(parse_expression(text), Given())
        expected = mp.mpf(Fraction(CASES[text]).numerator) / Fraction(CASES[text]).denominator

        assert abs(value - expected) < mp.mpf(10) ** -45


def test_pi_is_as_long_as_the_precision():
    """
    The constant pi follows the working precision.
    """
    with mp.workdps(50):
        value = mp.nstr(evaluate(parse_expression("pi"), Given()), 40)

    assert value.startswith("3.14159265358979323846264338327950288")


@pytest.mark.parametrize(
    "text",
    [
        *("1/z", "sqrt(-x)", "log(z)", "(-x)**(1/2)", "z**(-1)", "z**(-1/2)"),
        *("inv(S - S)", "lambda_min(A)", "eye(z)"),
    ],
)
def test_what_has_no_value_is_refused(text):
    """
    A part without a value has no value in the second code path either.
    """
    with mp.workdps(50), pytest.raises(Undefined):
        evaluate(parse_expression(text), Given())


def test_a_root_of_what_is_zero_to_rounding_is_zero():
    """
    Rounding below zero does not make a root undefined.
    """
    with mp.workdps(50):
        assert evaluate(parse_expression("sqrt(-1e-45)"), Given()) == 0


def test_a_function_of_the_setting_is_left_to_the_setting():
    """
    What the language does not know is asked of the setting.
    """
    with pytest.raises(NotReplayed, match="not available for predict"):
        evaluate(parse_expression("predict(v)"), Given())


@pytest.mark.parametrize(
    ("operator", "expected"),
    [("<", "true"), ("<=", "true"), (">", "false"), (">=", "false"), ("==", "false")],
)
def test_comparisons_know_smaller_from_larger(operator, expected):
    """
    One is less than two.
    """
    assert compared(operator, mp.mpf(1), mp.mpf(2)) == expected


def test_numbers_that_agree_to_half_the_digits_are_equal():
    """
    A comparison within rounding is neither true nor false.
    """
    with mp.workdps(50):
        assert compared("<", mp.mpf(1), 1 + mp.mpf(10) ** -40) == "equal"


def test_entries_of_a_matrix_come_by_rows():
    """
    The entries of a matrix are listed row by row.
    """
    assert entries(MATRIX) == [3, 0, 4, 5]
