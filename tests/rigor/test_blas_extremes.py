"""Bounds of eigenvalues and singular values: how sharp they are, what decides, and what is refused."""

import math

import numpy as np
import pytest

from checker.blas import extremes
from checker.blas.extremes import Bracket
from checker.verdict import Verdict
from tests.rigor.spectral_cases import clustered, graded, indefinite, orthogonal, symmetrised, wishart


def width(found: Bracket) -> float:
    """Of a bracket, relative to its upper end."""
    return (found.hi - found.lo) / abs(found.hi)


@pytest.mark.parametrize("n", [5, 60, 300])
def test_brackets_of_well_conditioned_matrices_are_narrow(n: int) -> None:
    """
    Both ends of every bracket agree to nine digits or more.
    """
    rng = np.random.default_rng(n)
    T = rng.standard_normal((2 * n, n))
    A = symmetrised(T.T @ T)

    for found in (
        extremes.lambda_min(A),
        extremes.lambda_max(A),
        extremes.norm2(T),
        extremes.sigma_min(T),
        extremes.lambda_min_of_gram(T),
    ):
        assert 0 < width(found) < 1e-9
        assert found.rung == "float64, residual certificate"
    lows, highs = extremes.eigenvalues(A)
    assert ((highs - lows) < 1e-10 * highs[-1]).all()


@pytest.mark.parametrize(
    ("decades", "rung", "narrow"),
    [
        (2, "float64, residual certificate", 1e-8),
        (6, "float64, QR-preconditioned", 1e-6),
        (10, "float64, product in balls", 1e-9),
        (13, "float64, product in balls", 1e-5),
    ],
)
def test_ill_conditioned_matrices_are_bounded_by_lower_rungs(decades: int, rung: str, narrow: float) -> None:
    """
    A least singular value 10**-13 of the greatest is still bracketed, by the rung that is named.
    """
    rng = np.random.default_rng(decades)
    T = (orthogonal(rng, 60)[:, :30] * np.logspace(0, -decades, 30)) @ orthogonal(rng, 30)

    found = extremes.sigma_min(T)

    assert found.rung == rung
    assert width(found) < narrow
    assert width(extremes.lambda_min_of_gram(T)) < 2 * narrow


def test_few_columns_of_any_condition_are_left_to_balls() -> None:
    """
    For ten columns even a condition number of 10**17 leaves a narrow bracket.
    """
    rng = np.random.default_rng(3)
    T = (orthogonal(rng, 20)[:, :10] * np.logspace(0, -17, 10)) @ orthogonal(rng, 10)

    found = extremes.sigma_min(T)

    assert found.rung == "balls"
    assert width(found) < 1e-12


def test_graded_matrices_are_decided_and_bounded_through_scaling() -> None:
    """
    A definite matrix scaled over 24 decades is proved definite, and its least eigenvalue bounded.
    """
    A = graded(np.random.default_rng(5), 30)

    found = extremes.lambda_min(A)

    assert extremes.at_least(A, 0.0) is Verdict.HOLDS
    assert found.rung == "float64, residual certificate of the scaled matrix"
    assert 0 < found.lo <= found.hi < 1e-20


def test_diagonal_matrices_are_exact() -> None:
    """
    The least entry of a diagonal is its least eigenvalue, and ties are decided.
    """
    A = np.diag([3.0, 0.1, 7e-300])

    found = extremes.lambda_min(A)

    assert (found.lo, found.hi) == (7e-300, 7e-300)
    assert extremes.at_least(A, 7e-300) is Verdict.HOLDS
    assert extremes.at_least(A, math.nextafter(7e-300, 1)) is Verdict.FAILS


def test_wide_matrices_have_singular_gram_matrices() -> None:
    """
    S'S for fewer rows than columns has the eigenvalue 0, whatever the slack.
    """
    found = extremes.lambda_min_of_gram(np.ones((2, 3)), 0.5)

    assert (found.lo, found.hi) == (0.0, 0.0)
    assert extremes.sigma_min(np.eye(3)[:2]).lo > 0.999


@pytest.mark.parametrize("k", [2, 4, 7, 9])
def test_hadamard_matrices_have_the_norm_that_they_have(k: int) -> None:
    """
    The norm of a Hadamard matrix of order 2**k is sqrt(2**k); the tie itself is never answered wrongly.
    """
    H = np.array([[1.0]])
    for _ in range(k):
        H = np.block([[H, H], [H, -H]])

    found = extremes.norm2(H)

    assert found.lo**2 <= 2**k <= found.hi**2
    assert width(found) < 1e-10
    if k % 2 == 0:
        assert extremes.norm_at_most(H, 2.0 ** (k // 2)) is not Verdict.FAILS
    assert extremes.norm_at_most(H, 1.00001 * 2 ** (k / 2)) is Verdict.HOLDS
    assert extremes.norm_at_most(H, 0.99999 * 2 ** (k / 2)) is Verdict.FAILS


@pytest.mark.parametrize("n", [7, 60, 260])
def test_exactly_singular_integer_matrices_are_never_called_definite(n: int) -> None:
    """
    Of a singular integer Gram matrix 0 lies in the bracket; neither 0 fails nor more than 0 holds.
    """
    rng = np.random.default_rng(n)
    for _ in range(40 if n < 100 else 3):
        T = rng.integers(-5, 6, (n + 2, n)).astype(float)
        T[:, -1] = T[:, 0] - T[:, 1]
        A = T.T @ T

        found = extremes.lambda_min(A)

        assert found.lo <= 0 <= found.hi
        assert extremes.at_least(A, 0.0) is not Verdict.FAILS
        assert extremes.at_least(A, 5e-324) is not Verdict.HOLDS
        assert extremes.sigma_min(T).lo == 0
        assert extremes.lambda_min_of_gram(T).lo == 0


def decisions_with_a_margin(margin: float) -> list[Verdict | bool]:
    """A declared sample: for each matrix and bound whether it was decided; the right answer is asserted.

    Sizes 3 to 120; Wishart matrices of aspects 1 and 2, clusters, and indefinite ones; bounds above
    and below the least eigenvalue, and the norm, by `margin` times the spectral norm.
    """
    rng = np.random.default_rng(20)
    answers: list[Verdict | bool] = []
    for n in (3, 8, 20, 50, 120):
        for A in (wishart(rng, n, n), wishart(rng, n, 2 * n), clustered(rng, n), indefinite(rng, n)):
            size = float(np.linalg.norm(A, 2))
            least = extremes.lambda_min(A)
            for away in (-margin * size, margin * size):
                verdict = extremes.at_least(A, (least.lo + least.hi) / 2 + away)
                assert verdict is not (Verdict.HOLDS if away > 0 else Verdict.FAILS)
                answers.append(verdict is not Verdict.UNDECIDED)
            norm = extremes.norm2(A)
            for away in (-margin * size, margin * size):
                verdict = extremes.norm_at_most(A, (norm.lo + norm.hi) / 2 + away)
                assert verdict is not (Verdict.HOLDS if away < 0 else Verdict.FAILS)
                answers.append(verdict is not Verdict.UNDECIDED)
    return answers


def test_few_questions_with_a_margin_of_1e_9_stay_open() -> None:
    """
    With a margin of 1e-9 of the spectral norm at most one decision in a hundred is left open.
    """
    answers = decisions_with_a_margin(1e-9)

    assert len(answers) == 80
    assert answers.count(False) <= len(answers) / 100


def test_questions_without_a_margin_stay_open() -> None:
    """
    At the eigenvalue itself, to rounding, at least half of the decisions are left open.
    """
    answers = decisions_with_a_margin(1e-17)

    assert answers.count(False) >= len(answers) / 2


def test_layouts_make_no_difference() -> None:
    """
    Fortran order, strides and transposes give sound and equally narrow brackets.
    """
    rng = np.random.default_rng(8)
    A = wishart(rng, 40, 80)
    big = np.zeros((80, 120))
    big[::2, ::3] = A

    for view in (A, np.asfortranarray(A), A.T, big[::2, ::3]):
        found = extremes.lambda_min(view)
        assert width(found) < 1e-10
        assert abs(found.lo - extremes.lambda_min(A).lo) < 1e-12
