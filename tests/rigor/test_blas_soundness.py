"""Certified bounds of eigenvalues and singular values against exact rational arithmetic: no false claim."""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from checker.blas import definite, guesses, norms, precondition, shifts, singular, spectrum
from tests.rigor.spectral_cases import SCALES, SYMMETRIC, rectangular, standing, symmetrised
from tests.rigor.spectral_checks import check_any, check_symmetric

SLACKS = (0.0, 1e-13, 0.3)


@pytest.mark.parametrize("slack", SLACKS)
@pytest.mark.parametrize("A", list(standing()), ids=lambda A: f"{A.shape[0]}x{A.shape[0]}")
def test_bounds_of_the_standing_list_hold_exactly(A: np.ndarray, slack: float) -> None:
    """
    No bound and no decision about a matrix of the standing list is wrong.
    """
    rng = np.random.default_rng(1)
    size = min(float(np.abs(A).max()), 1e307)

    check_symmetric(rng, A, slack * size)
    check_any(rng, A, slack * size)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("family", SYMMETRIC, ids=lambda family: family.__name__)
def test_bounds_of_random_symmetric_matrices_hold_exactly(family, scale: float) -> None:
    """
    No bound and no decision about a random hard symmetric matrix, at any scale, is wrong.
    """
    rng = np.random.default_rng([len(family.__name__), int(np.log2(scale)) + 2000])
    for n in (1, 2, 3, 5, 9):
        for slack in SLACKS:
            A = symmetrised(scale * family(rng, n))

            check_symmetric(rng, A, slack * float(np.abs(A).max()))


@pytest.mark.parametrize("scale", SCALES[:6])
@pytest.mark.parametrize("kind", range(5))
def test_bounds_of_random_rectangular_matrices_hold_exactly(kind: int, scale: float) -> None:
    """
    No bound and no decision about norms and least singular values, at any scale, is wrong.
    """
    rng = np.random.default_rng([kind, int(np.log2(scale)) + 2000])
    for shape in ((1, 1), (4, 1), (3, 3), (9, 4), (4, 7)):
        for slack in SLACKS:
            W = scale * rectangular(rng, *shape, kind)

            check_any(rng, W, slack * float(np.abs(W).max()))


def junk_factor(rng: np.random.Generator) -> Callable[..., object]:
    """A Cholesky factorisation that always succeeds, with a right, nearly right or absurd factor."""

    def dpotrf(A: np.ndarray, **options: object) -> tuple[np.ndarray, int]:
        n, kind = A.shape[0], int(rng.integers(0, 3))
        values, Q = np.linalg.eigh(symmetrised(A))
        root = np.linalg.qr((Q * np.sqrt(np.maximum(values, 0.0))).T)[1].T
        root = root * np.sign(np.where(np.diagonal(root) == 0, 1.0, np.diagonal(root)))
        noise = (0.0, 1e-9, 1.0)[kind]
        return np.asfortranarray(np.tril(root + noise * rng.standard_normal((n, n)))), 0

    return dpotrf


def junk_pair(rng: np.random.Generator) -> Callable[..., object]:
    """An eigenvalue and a vector that have little to do with the matrix."""

    def lowest(A: np.ndarray, *rest: object) -> tuple[float, np.ndarray]:
        values, vectors = np.linalg.eigh(A)
        away = float(rng.choice([0.0, 1e-14, 1e-9, 1.0])) * float(np.abs(values).max())
        k = int(rng.integers(0, len(values)))
        return float(values[k] + rng.standard_normal() * away), vectors[:, k] + away

    return lowest


def junk_basis(rng: np.random.Generator) -> Callable[..., object]:
    """Eigenvalues and eigenvectors with errors."""

    def eigh(A: np.ndarray, **options: object) -> tuple[np.ndarray, np.ndarray]:
        values, vectors = np.linalg.eigh(A)
        away = float(rng.choice([0.0, 1e-12, 1e-6, 1.0]))
        return np.sort(values + away * rng.standard_normal(values.shape)), vectors + away

    return eigh


def junk_inverse(rng: np.random.Generator) -> Callable[..., object]:
    """A preconditioner with errors, sometimes singular."""

    def inverse_factor(T: np.ndarray) -> np.ndarray:
        Y = np.linalg.pinv(np.linalg.qr(T)[1])
        away = float(rng.choice([0.0, 1e-12, 1e-6, 1.0]))
        Y = Y + away * rng.standard_normal(Y.shape) * np.abs(Y).max()
        return np.asfortranarray(Y * (rng.random(Y.shape[1]) > 0.05))

    return inverse_factor


SABOTAGE: dict[str, tuple[tuple[ModuleType, str, Callable[..., object]], ...]] = {
    "factor": ((definite, "dpotrf", junk_factor),),
    "pairs": ((shifts, "lowest", junk_pair), (singular, "lowest", junk_pair), (norms, "highest", junk_pair)),
    "bases": ((spectrum.linalg, "eigh", junk_basis),),
    "inverses": ((precondition, "_inverse_factor", junk_inverse),),
    "iterations": ((guesses, "lowest_above", junk_pair), (shifts, "lowest_above", junk_pair)),
}


@pytest.mark.parametrize("what", SABOTAGE)
def test_wrong_results_of_lapack_never_make_a_wrong_claim(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With factors, eigenpairs and inverses that are wrong, bounds become wide but stay true.
    """
    rng = np.random.default_rng(len(what))
    for module, name, junk in SABOTAGE[what]:
        monkeypatch.setattr(module, name, junk(rng))
    with np.errstate(all="ignore"):
        for family in SYMMETRIC:
            for n in (2, 3, 6):
                for slack in (0.0, 1e-13):
                    A = symmetrised(family(rng, n))
                    check_symmetric(rng, A, slack * float(np.abs(A).max()))
        for kind in range(5):
            for shape in ((3, 3), (6, 4)):
                check_any(rng, rectangular(rng, *shape, kind), 0.0)
