"""Norms and eigenvalues of balls: against exact cases, and never on the wrong side."""

import numpy as np
import pytest
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.enclosure import add_radius, matrix
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.spectral import inverse, lambda_max, lambda_min, norm2, norm2_upper, sigma_min, spectral_radius

SIZES = [(1, 1), (1, 4), (5, 1), (2, 2), (3, 2), (4, 4), (9, 5), (5, 9), (20, 20), (30, 12), (60, 60)]


@pytest.fixture(autouse=True)
def precision():
    """128 bits, unless a test says otherwise."""
    with ctx.workprec(128):
        yield


@pytest.mark.parametrize("shape", SIZES)
def test_singular_values_agree_with_float64(shape: tuple[int, int]) -> None:
    """
    The enclosures lie within rounding of float64's singular values and are narrow.
    """
    floats = np.random.default_rng(3).standard_normal(shape)
    values = np.linalg.svd(floats, compute_uv=False)
    A = matrix(floats)

    high, low = norm2(A), sigma_min(A)

    assert abs(high - values[0]) < 1e-12
    assert abs(low - values[-1]) < 1e-11
    assert high.rad() < 1e-30
    assert low.rad() < 1e-22
    assert norm2_upper(A) >= high.lower()


@pytest.mark.parametrize("n", [2, 3, 6, 12, 30])
def test_gram_matrices_of_dependent_integers_are_singular(n: int) -> None:
    """
    A Gram matrix of dependent integer columns never gets a certainly positive or negative eigenvalue.
    """
    rng = np.random.default_rng(n)
    for _ in range(20):
        T = rng.integers(-3, 4, (n + 2, n)).astype(float)
        T[:, -1] = T[:, 0] - (T[:, 1] if n > 2 else 0)
        A = matrix(T)

        low = lambda_min(A.transpose() * A)

        assert low.contains(0)
        assert low.rad() < 1e-12
        assert sigma_min(A).contains(0)
        assert not sigma_min(A) < 0


@settings(deadline=None)
@given(entries=st.lists(st.integers(-5, 5), min_size=9, max_size=9))
def test_eigenvalues_of_integer_matrices_satisfy_their_polynomial(entries: list[int]) -> None:
    """
    The largest eigenvalue of a symmetric integer matrix is the largest root of its exact polynomial.
    """
    S = fmpq_mat(3, 3, entries)
    S = S + S.transpose()
    with ctx.workprec(128):
        found = lambda_max(arb_mat(S))

        coefficients = S.charpoly().coeffs()
        value = arb(0)
        for c in reversed(coefficients):
            value = value * found + arb(c)
        assert value.contains(0)
        beyond = (found.upper() + arb(2) ** -40).mid()
        determinant = arb(0)
        for c in reversed(coefficients):
            determinant = determinant * beyond + arb(c)
        assert determinant > 0


@pytest.mark.parametrize("k", [2, 4, 8, 16, 32])
def test_hadamard_matrices_have_equal_singular_values(k: int) -> None:
    """
    All singular values of a Hadamard matrix are sqrt(k): a cluster does not spoil the enclosure.
    """
    H = np.array([[1.0]])
    while H.shape[0] < k:
        H = np.block([[H, H], [H, -H]])
    A = matrix(H)

    for value in (norm2(A), sigma_min(A)):
        assert value.contains(arb(k).sqrt()) or value.overlaps(arb(k).sqrt())
        assert value.rad() < 1e-11


def test_small_eigenvalues_keep_their_digits() -> None:
    """
    A least singular value 1e-13 below the norm is enclosed to many digits.
    """
    rng = np.random.default_rng(1)
    q, _ = np.linalg.qr(rng.standard_normal((12, 12)))
    A = matrix(q * np.logspace(0, -13, 12)) * matrix(np.linalg.qr(rng.standard_normal((12, 12)))[0])

    value = sigma_min(A)

    assert abs(value - 1e-13) < 1e-15
    assert value.rad() < 1e-24


@pytest.mark.parametrize("scale", [-400, -150, 0, 150, 400])
def test_scale_does_not_matter(scale: int) -> None:
    """
    Matrices far beyond the range of float64 are enclosed as well as others.
    """
    A = matrix(np.random.default_rng(4).standard_normal((6, 4)))
    factor = arb(10) ** scale

    ratio = norm2(A * factor) / (norm2(A) * factor)

    assert ratio.contains(1)
    assert ratio.rad() < 1e-30


def test_zero_is_exact() -> None:
    """
    The zero matrix has norm, eigenvalues and radius exactly 0.
    """
    Z = arb_mat(5, 5)

    assert all(
        f(Z).is_zero() for f in (norm2, sigma_min, lambda_min, lambda_max, spectral_radius, norm2_upper)
    )


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), radius=st.floats(1e-12, 0.5))
def test_every_matrix_in_the_balls_is_covered(seed: int, radius: float) -> None:
    """
    Norms of matrices drawn from the balls lie in the enclosure of the balls.
    """
    rng = np.random.default_rng(seed)
    middle = rng.standard_normal((4, 3))
    with ctx.workprec(100):
        balls = add_radius(matrix(middle), [arb(radius)] * 3)
        inside = matrix(middle + radius * rng.uniform(-0.999, 0.999, (4, 3)))

        assert norm2(balls).overlaps(norm2(inside))
        assert sigma_min(balls).overlaps(sigma_min(inside))
        assert lambda_min(balls.transpose() * balls).overlaps(lambda_min(inside.transpose() * inside))
        assert norm2(balls).rad() <= 2 * radius * arb(12).sqrt()


def test_eigenvalues_need_symmetry() -> None:
    """
    lambda_min of a certainly asymmetric or oblong matrix has no value.
    """
    for bad in (matrix(np.array([[1.0, 2.0], [0.0, 1.0]])), arb_mat(2, 3)):
        with pytest.raises(CertainlyUndefined):
            lambda_min(bad)


@pytest.mark.parametrize("f", [norm2, sigma_min, lambda_min, lambda_max, spectral_radius, inverse])
@pytest.mark.parametrize("bad", ["nan", "inf"])
def test_entries_that_are_not_finite_are_refused(f, bad: str) -> None:
    """
    NaN and infinities never become a number.
    """
    A = arb_mat(3, 3)
    A[1, 1] = arb(bad)

    with pytest.raises(NotEnclosed):
        f(A)


@pytest.mark.parametrize("n", [2, 5, 20, 40, 170])
def test_spectral_radius_agrees_with_float64(n: int) -> None:
    """
    The spectral radius of a nonsymmetric matrix contains float64's, narrowly for moderate sizes.
    """
    floats = np.random.default_rng(n).standard_normal((n, n)) / np.sqrt(n)
    expected = float(np.abs(np.linalg.eigvals(floats)).max())

    value = spectral_radius(matrix(floats))

    assert value.overlaps(arb(expected, 1e-9))
    assert value.rad() < (1e-8 if n < 100 else 1)


def test_nilpotent_matrices_have_radius_zero() -> None:
    """
    A strictly triangular matrix has spectral radius exactly 0, and a Jordan block exactly its diagonal.
    """
    strict = matrix(np.triu(np.ones((6, 6)), 1))

    assert spectral_radius(strict).is_zero()
    assert spectral_radius(strict.transpose()).is_zero()
    assert spectral_radius(strict + 2 * matrix(np.eye(6))) == 2


def test_inverse_of_a_rational_matrix_contains_the_exact_one() -> None:
    """
    The inverse in balls contains the exact rational inverse.
    """
    H = fmpq_mat(5, 5, [fmpq(1, i + j + 1) for i in range(5) for j in range(5)])

    found = inverse(arb_mat(H))

    assert all(abs(f - arb(e)) < 1e-20 for f, e in zip(found.entries(), H.inv().entries(), strict=True))


def test_singular_matrices_have_no_inverse() -> None:
    """
    An exact singular matrix is certainly without inverse; balls that may hold one leave it open.
    """
    singular = matrix(np.array([[1.0, 2.0], [2.0, 4.0]]))

    with pytest.raises(CertainlyUndefined):
        inverse(singular)
    with pytest.raises(NotEnclosed):
        inverse(add_radius(singular, [arb(1e-20)] * 2))
