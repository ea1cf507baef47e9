"""Bounds of eigenvalues and singular values: how sharp they are, what decides, and what is refused."""

import math

import numpy as np
import pytest

from checker.blas import batched, extremes
from checker.blas.extremes import Bracket
from checker.blas.symmetry import is_diagonal, is_symmetric
from checker.verdict import Verdict
from tests.rigor.spectral_cases import clustered, graded, indefinite, orthogonal, symmetrised

SYMMETRIC_ONLY = (
    extremes.lambda_min,
    extremes.lambda_max,
    extremes.eigenvalues,
    lambda A, slack=0.0: extremes.at_least(A, 0.0, slack),
)
ANY = (
    extremes.norm2,
    extremes.sigma_min,
    extremes.lambda_min_of_gram,
    lambda A, slack=0.0: extremes.norm_at_most(A, 1.0, slack),
)


def wishart(rng: np.random.Generator, n: int, rows: int) -> np.ndarray:
    """The product T'T/rows for Gaussian T (rows, n)."""
    T = rng.standard_normal((rows, n))
    return symmetrised(T.T @ T / rows)


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


@pytest.mark.parametrize("bound", SYMMETRIC_ONLY + ANY)
def test_matrices_without_entries_are_refused(bound) -> None:
    """
    No entries: an error, not a number.
    """
    with pytest.raises(ValueError, match="without entries"):
        bound(np.zeros((0, 0)))


@pytest.mark.parametrize("bound", SYMMETRIC_ONLY)
def test_matrices_that_are_not_symmetric_are_refused(bound) -> None:
    """
    Eigenvalue bounds need exact symmetry and a square shape.
    """
    A = np.eye(200)
    A[3, 150] = 5e-324
    with pytest.raises(ValueError, match="a symmetric matrix is needed"):
        bound(A)
    with pytest.raises(ValueError, match="not square"):
        bound(np.ones((2, 3)))


@pytest.mark.parametrize("bound", SYMMETRIC_ONLY + ANY)
def test_other_arrays_and_slacks_are_refused(bound) -> None:
    """
    Float32 entries, and a slack that is negative or NaN, are errors.
    """
    with pytest.raises(ValueError, match="float64"):
        bound(np.eye(2, dtype=np.float32))
    for slack in (-1.0, math.nan):
        with pytest.raises(ValueError, match="slack"):
            bound(np.eye(2), slack)


@pytest.mark.parametrize("entry", [math.nan, math.inf, -math.inf])
def test_entries_that_are_not_finite_claim_nothing(entry: float) -> None:
    """
    NaN and infinity give infinite brackets and open decisions.
    """
    A = np.eye(4)
    A[1, 2] = A[2, 1] = entry

    for found in (extremes.lambda_min(A), extremes.lambda_max(A)):
        assert (found.lo, found.hi) == (-math.inf, math.inf)
    for found in (extremes.norm2(A), extremes.sigma_min(A), extremes.lambda_min_of_gram(A)):
        assert (found.lo, found.hi) == (0.0, math.inf)
    assert np.isinf(extremes.eigenvalues(A)).all()
    for bound in (-math.inf, 0.0, math.inf):
        assert extremes.at_least(A, bound) is Verdict.UNDECIDED
        assert extremes.norm_at_most(A, bound) is Verdict.UNDECIDED


def test_bounds_and_slacks_that_are_not_finite() -> None:
    """
    NaN decides nothing, infinity compares as it should, an infinite slack claims nothing.
    """
    A = np.eye(3)

    assert extremes.at_least(A, math.nan) is Verdict.UNDECIDED
    assert extremes.norm_at_most(A, math.nan) is Verdict.UNDECIDED
    assert extremes.at_least(A, -math.inf) is Verdict.HOLDS
    assert extremes.at_least(A, math.inf) is Verdict.FAILS
    assert extremes.norm_at_most(A, math.inf) is Verdict.HOLDS
    assert extremes.norm_at_most(A, -1e-300) is Verdict.FAILS
    assert extremes.lambda_min(A, math.inf).hi == math.inf
    assert extremes.norm_at_most(A, 2.0, math.inf) is Verdict.UNDECIDED


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


def test_inputs_are_left_as_they_are() -> None:
    """
    No function writes into its argument.
    """
    rng = np.random.default_rng(9)
    for n in (6, 300):
        A = np.asfortranarray(wishart(rng, n, n))
        before = A.copy()

        for bound in SYMMETRIC_ONLY + ANY:
            bound(A)

        assert np.array_equal(A, before)


def test_symmetry_and_diagonals_are_seen_across_blocks() -> None:
    """
    A single entry anywhere spoils symmetry, or a diagonal.
    """
    for i, j in ((0, 1), (299, 0), (127, 128), (200, 40), (150, 151)):
        A = np.eye(300)
        assert is_symmetric(A)
        assert is_diagonal(A)
        A[i, j] = 1e-300
        assert not is_symmetric(A)
        assert not is_diagonal(A)


def test_stacks_are_bounded_as_single_matrices_are() -> None:
    """
    Of every matrix of a stack the bounds contain the narrow single bracket, at any scale.
    """
    rng = np.random.default_rng(10)
    scales = (1.0, 1e-150, 1e300, 1e-310, 0.0)
    stack = np.stack([symmetrised(s * wishart(rng, 6, 9)) for s in scales for _ in range(3)])
    slack = np.tile([0.0, 1e-13, 0.1], 5) * np.abs(stack).max(axis=(1, 2))

    lows, highs = batched.lambda_min(stack, slack)
    norms = batched.norm2(stack[:, :, :4].copy(), slack)

    for k, A in enumerate(stack):
        one, norm = extremes.lambda_min(A, slack[k]), extremes.norm2(A[:, :4].copy(), slack[k])
        tolerated = 1e-11 * np.abs(A).max() + 1e-322
        assert abs(lows[k] - one.lo) <= tolerated
        assert abs(highs[k] - one.hi) <= tolerated
        assert abs(norms[0][k] - norm.lo) <= tolerated
        assert abs(norms[1][k] - norm.hi) <= tolerated
        assert batched.at_least(stack, lows)[k] is Verdict.HOLDS
        assert batched.at_least(stack, highs, slack)[k] in (Verdict.UNDECIDED, Verdict.HOLDS)


def test_stacks_with_bad_members_leave_only_those_open() -> None:
    """
    NaN, infinity and an infinite slack open one member each; shapes and symmetry are required.
    """
    stack = np.stack([np.eye(3)] * 4)
    stack[1, 0, 1] = math.nan
    stack[2, 0, 0] = math.inf
    slack = np.array([0.0, 0.0, 0.0, math.inf])

    lows, highs = batched.lambda_min(stack, slack)
    verdicts = batched.at_least(stack, [0.5, 0.5, 0.5, 0.5], slack)

    assert np.isfinite(lows).tolist() == [True, False, False, False]
    assert np.isfinite(highs).tolist() == [True, False, False, False]
    assert verdicts.tolist() == [Verdict.HOLDS] + [Verdict.UNDECIDED] * 3
    assert batched.norm2(stack, slack)[1][1:].tolist() == [math.inf] * 3
    assert batched.lambda_min(np.zeros((0, 2, 2)))[0].shape == (0,)
    for wrong in (np.eye(3), np.zeros((2, 0, 0)), np.zeros((1, 2, 3)), np.triu(np.ones((1, 2, 2)))):
        with pytest.raises(ValueError, match=r"needed|without entries|not square"):
            batched.lambda_min(wrong)
    with pytest.raises(ValueError, match="slack"):
        batched.norm2(np.zeros((1, 2, 3)), -1.0)
