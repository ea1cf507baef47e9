"""What bounds of eigenvalues and singular values refuse, leave open, and leave alone."""

import math

import numpy as np
import pytest

from checker.blas import extremes
from checker.blas.symmetry import is_diagonal, is_symmetric
from checker.verdict import Verdict
from tests.rigor.spectral_cases import wishart

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
