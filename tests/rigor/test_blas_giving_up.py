"""Where a guess, a factor or a rung is missing, brackets become wide and decisions open."""

import math
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from scipy import linalg

from checker.blas import (
    batched,
    decisions,
    definite,
    extremes,
    guesses,
    norms,
    precondition,
    shifts,
    singular,
)
from checker.blas import spectrum as spectra
from checker.blas.definite import factorised
from checker.blas.gram import off_identity
from checker.blas.precondition import product_error
from checker.errors import NotEnclosed
from checker.verdict import Verdict
from tests.rigor.spectral_cases import orthogonal, wishart

RNG = np.random.default_rng(30)
A = wishart(RNG, 30, 60)
ILL = (orthogonal(RNG, 30)[:, :12] * np.logspace(0, -15, 12)) @ orthogonal(RNG, 12)


def nothing(*arguments: object, **options: object) -> None:
    """No guess."""


def failing(error: Exception) -> Callable[..., object]:
    """A function that raises."""

    def fail(*arguments: object, **options: object) -> object:
        raise error

    return fail


def no_factor(T: np.ndarray, **options: object) -> tuple[np.ndarray, int]:
    """A Cholesky factorisation that stops at the first pivot."""
    return T, 1


def test_without_guesses_eigenvalues_lie_within_the_frobenius_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    No eigenvector: the bracket reaches from minus the Frobenius norm to the least diagonal entry.
    """
    monkeypatch.setattr(shifts, "lowest", nothing)

    found = extremes.lambda_min(A)

    assert -1.0001 * np.linalg.norm(A) < found.lo < 0
    assert found.hi == A.diagonal().min()


def test_without_factors_eigenvalues_lie_within_the_frobenius_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    No factorisation: the upper bound stays sharp, the lower one is minus the Frobenius norm.
    """
    monkeypatch.setattr(definite, "dpotrf", no_factor)

    found = extremes.lambda_min(A)

    assert -1.0001 * np.linalg.norm(A) < found.lo < 0
    assert 0 < found.hi < A.diagonal().min()
    assert extremes.norm2(A).hi < 1.0001 * np.linalg.norm(A)
    assert extremes.at_least(A, found.hi / 2) is Verdict.UNDECIDED


def test_without_guesses_singular_values_are_bounded_by_size_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    No singular vectors: the norm is below the Frobenius norm, and nothing else is known.
    """
    monkeypatch.setattr(singular, "lowest", nothing)
    monkeypatch.setattr(norms, "highest", nothing)
    monkeypatch.setattr(precondition, "_inverse_factor", nothing)
    monkeypatch.setattr(singular.spectral, "sigma_min", failing(NotEnclosed("not here")))

    norm, least = extremes.norm2(ILL), extremes.sigma_min(ILL)

    assert (norm.lo, least.lo) == (0.0, 0.0)
    assert norm.hi == pytest.approx(np.linalg.norm(ILL), rel=1e-9)
    assert least.hi == pytest.approx(np.linalg.norm(ILL), rel=1e-9)


def test_each_rung_may_give_up_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A product in balls, or a second preconditioner, that is missing leaves what was proved before.
    """
    before = extremes.sigma_min(ILL)
    found = []
    for name, stand_in in (
        ("_product_in_balls", failing(NotEnclosed("too large"))),
        ("_inverse_factor", once_only(precondition._inverse_factor)),
        ("highest", nothing),
        ("norm_above", lambda Y: math.inf),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(precondition, name, stand_in)
            patch.setattr(singular, "_FLINT", 0)
            found.append(extremes.sigma_min(ILL))

    for wide in found:
        assert wide.lo <= before.hi
        assert before.lo <= wide.hi
        assert wide.hi - wide.lo > before.hi - before.lo


def once_only(work: Callable[[np.ndarray], object]) -> Callable[[np.ndarray], object]:
    """Every second call gives nothing."""
    calls = [0]

    def run(T: np.ndarray) -> object:
        calls[0] += 1
        return work(T) if calls[0] % 2 else None

    return run


def test_large_products_in_balls_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Above a limit the rung of products in balls is passed over.
    """
    monkeypatch.setattr(singular, "IN_BALLS", 10)
    monkeypatch.setattr(singular, "_FLINT", 0)

    assert extremes.sigma_min(ILL).rung == "float64, QR-preconditioned"


@pytest.mark.parametrize("error", [linalg.LinAlgError("no convergence"), ValueError("not finite")])
def test_eigensolvers_that_fail_are_survived(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """
    An eigensolver that raises leaves wide brackets, not an exception.
    """
    modules: tuple[tuple[ModuleType, str], ...] = ((guesses, "_solved"), (spectra.linalg, "eigh"))
    for module, name in modules:
        monkeypatch.setattr(module, name, failing(error))

    assert guesses.lowest(A) is None
    assert guesses.highest(A) is None
    assert extremes.lambda_min(A).hi == A.diagonal().min()
    assert np.isinf(extremes.eigenvalues(A)).all()


def test_stacks_survive_an_eigensolver_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The bounds of the whole stack are infinite then.
    """
    monkeypatch.setattr(batched.np.linalg, "eigh", failing(np.linalg.LinAlgError("no convergence")))

    assert np.isinf(batched.lambda_min(A[None])).all()


def test_iterations_that_fail_are_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Lanczos steps that break down give no pair, and decisions go on without.
    """
    monkeypatch.setattr(guesses, "_lanczos", failing(ValueError("not finite")))
    assert guesses.lowest_above(A, 0.0) is None

    monkeypatch.setattr(decisions, "lowest", nothing)
    monkeypatch.setattr(decisions, "lambda_min_above", lambda *arguments: math.inf)
    found = extremes.lambda_min(A)
    assert extremes.at_least(A, 1.1 * found.hi) is Verdict.UNDECIDED


def test_numbers_that_overflow_bound_nothing() -> None:
    """
    Infinite products, residuals and distances give infinite bounds.
    """
    huge = np.full((2, 2), 1e200)

    assert off_identity(huge, math.inf) == math.inf
    assert product_error(huge * 1e100, huge * 1e100) == math.inf
    assert factorised(np.diag([1.0, 1.0]), np.array([math.inf, 1.0])).defect == math.inf
    assert factorised(huge * 1e-190, np.array([1e300, 1e300])).defect == math.inf


def test_a_zero_matrix_with_a_slack_beyond_the_bound_stays_open() -> None:
    """
    Some matrices near zero have a norm above the bound, others have not.
    """
    assert extremes.norm_at_most(np.zeros((2, 3)), 0.1, 0.2) is Verdict.UNDECIDED
    assert extremes.norm_at_most(np.zeros((2, 3)), 0.3, 0.2) is Verdict.HOLDS
