"""The error bounds inside the float engine, one by one, against exact arithmetic.

Each test also asserts that there was an error to bound: a bound of 0 would fail it.
"""

import math

import numpy as np
import pytest
from flint import fmpq

from checker.blas.definite import factorised
from checker.blas.directed import norm_up
from checker.blas.gram import gram, off_identity
from checker.blas.norms import norm_above
from checker.blas.precondition import product_error
from checker.blas.quotients import lambda_min_above, length, stretch, stretch_above_by_balls
from checker.blas.routines import product
from checker.blas.scaling import balanced, scaled, times_exactly
from tests.rigor import exact_spectra as exact
from tests.rigor.spectral_cases import orthogonal, symmetrised


def minus(S: exact.Exact, A: np.ndarray) -> exact.Exact:
    """S - A, exactly."""
    pairs = zip(S, A.tolist(), strict=True)
    return [[x - exact.rational(a) for x, a in zip(row, line, strict=True)] for row, line in pairs]


def spectral_norm_at_most(S: exact.Exact, bound: float) -> bool:
    """Is no eigenvalue of the symmetric S farther from 0 than the bound?"""
    return exact.counts(S, exact.rational(bound))[2] == 0 == exact.counts(S, exact.rational(-bound))[0]


def times(A: np.ndarray, B: np.ndarray) -> exact.Exact:
    """AB, exactly."""
    left, right = exact.exactly(A), exact.exactly(B.T.copy())
    return [[sum((x * y for x, y in zip(a, b, strict=True)), fmpq(0)) for b in right] for a in left]


def squares(S: exact.Exact) -> fmpq:
    """The sum of squares of all entries."""
    return sum((x * x for row in S for x in row), fmpq(0))


def test_gram_matrices_err_by_no_more_than_is_said() -> None:
    """
    The spectral norm of fl(T'T) - T'T is within the bound, and it is not zero.
    """
    rng = np.random.default_rng(1)
    for m, n in ((3, 3), (40, 4), (7, 2)):
        T = rng.standard_normal((m, n)) * 10.0 ** rng.integers(-3, 4, n)

        near, error = gram(T, float(norm_up(T)))
        off = minus(exact.gram_of_columns(exact.exactly(T)), near)

        assert squares(off) > 0
        assert spectral_norm_at_most(off, error)


def test_blocked_gram_matrices_err_by_no_more_than_is_said() -> None:
    """
    The same for rows summed in blocks, whose bound is smaller.
    """
    T = np.random.default_rng(2).standard_normal((2300, 2))

    near, error = gram(T, float(norm_up(T)), blocked=True)
    off = minus(exact.gram_of_columns(exact.exactly(T)), near)

    assert 0 < error < gram(T, float(norm_up(T)))[1]
    assert squares(off) > 0
    assert spectral_norm_at_most(off, error)


def test_distances_from_orthonormality_are_bounded() -> None:
    """
    |Z'Z - I|_2 of nearly orthonormal floats is within the bound, and it is not zero.
    """
    rng = np.random.default_rng(3)
    for away in (0.0, 1e-14, 1e-3):
        Z = orthogonal(rng, 6)[:, :4] + away
        off = minus(exact.gram_of_columns(exact.exactly(Z)), np.eye(4))

        assert squares(off) > 0
        assert spectral_norm_at_most(off, off_identity(Z, float(norm_up(Z))))


@pytest.mark.parametrize("scale", [1.0, 1e-160])
def test_products_err_by_no_more_than_is_said(scale: float) -> None:
    """
    The Frobenius norm of fl(AB) - AB is within the bound, also where products underflow.
    """
    rng = np.random.default_rng(4)
    A, B = rng.standard_normal((5, 6)) * scale, rng.standard_normal((6, 4)) * scale

    off = minus(times(A, B), product(A, B))
    bound = exact.rational(product_error(A, B))

    assert 0 < squares(off) <= bound * bound


def test_defects_cover_what_is_negative() -> None:
    """
    Where a factorisation succeeds on an indefinite matrix, the defect is at least what is negative.
    """
    rng = np.random.default_rng(5)
    negative = 0
    for _ in range(400):
        n = int(rng.integers(2, 5))
        v = rng.standard_normal((n, n - 1))
        A = symmetrised(v @ v.T)

        found = factorised(A, A.diagonal().copy())

        if found.defect < math.inf:
            S = exact.exactly(A)
            negative += not exact.lambda_min_at_least(S, 0.0)
            assert exact.lambda_min_at_least(S, -found.defect)
        elif found.direction is not None:
            assert found.direction.shape == (n,)
    assert negative > 20


def test_a_failed_factorisation_gives_a_direction() -> None:
    """
    Along the direction of a failed pivot an indefinite matrix is indeed negative.
    """
    rng = np.random.default_rng(6)
    for _ in range(50):
        A = symmetrised(rng.standard_normal((8, 8))) + 2 * np.eye(8)
        found = factorised(A, A.diagonal().copy())
        if found.direction is not None:
            assert found.direction @ A @ found.direction < 1e-9 * float(np.sum(found.direction**2))
    minus_identity = factorised(-np.eye(4), np.full(4, -1.0))
    assert minus_identity.direction is not None
    assert np.count_nonzero(minus_identity.direction) == 1


def test_negated_matrices_are_factorised_as_such() -> None:
    """
    Asked for -A, the defect is that of -A, bit for bit.
    """
    rng = np.random.default_rng(7)
    for n in (5, 310):
        A = -symmetrised(np.eye(n) * 3 * n + rng.standard_normal((n, n)))

        assert factorised(A, -A.diagonal(), minus=True) == factorised(-A, -A.diagonal())


def test_lengths_and_quotients_are_rounded_outwards() -> None:
    """
    Norms, Rayleigh quotients and stretches of float vectors contain their exact values.
    """
    rng = np.random.default_rng(8)
    for _ in range(40):
        A, x = rng.standard_normal((5, 5)), rng.standard_normal(5)
        A, size = symmetrised(A), float(norm_up(symmetrised(A)))
        low, high = (exact.rational(end) for end in length(x))
        image = times(A, x[:, None])
        xx, yy = squares(exact.exactly(x[:, None])), squares(image)
        terms = [exact.rational(a) * row[0] for a, row in zip(x.tolist(), image, strict=True)]
        quotient = sum(terms, fmpq(0)) / xx

        assert low * low < xx < high * high
        for entrywise in (False, True):
            assert quotient < exact.rational(lambda_min_above(A, size, x, entrywise=entrywise))
            below, beyond = (exact.rational(end) for end in stretch(A, size, x, entrywise=entrywise))
            assert below * below < yy / xx < beyond * beyond
        sharp = exact.rational(stretch_above_by_balls(A, x, 100))
        assert yy / xx <= sharp * sharp


def test_quotients_of_an_eigenvector_are_sharp() -> None:
    """
    The entrywise error bound is no worse than the cheap one, and resolves a graded matrix.
    """
    D = 10.0 ** -np.arange(0, 20, 2)
    A = symmetrised(D[:, None] * (np.eye(10) + 0.01) * D)
    x = np.linalg.solve(np.eye(10) + 0.01, 1 / D[-1] * np.eye(10)[-1]) / D
    cheap, sharp = (lambda_min_above(A, 2.0, x, entrywise=e) for e in (False, True))

    assert sharp < 1e-34 < 1e-17 < cheap


@pytest.mark.parametrize("x", [np.zeros(3), np.full(3, 1e200), np.full(3, 1e-200), np.full(3, math.nan)])
def test_vectors_that_are_useless_bound_nothing(x: np.ndarray) -> None:
    """
    Zero, huge, tiny and undefined vectors give infinite bounds.
    """
    assert lambda_min_above(np.eye(3), 2.0, x) == math.inf
    low, high = stretch(np.eye(3), 2.0, x)
    assert low == 0
    assert high == math.inf


@pytest.mark.parametrize("factor", [1.0, 2.0**500, 2.0**-700, 1e308, 1e-308])
def test_scaling_is_exact_but_for_its_slack(factor: float) -> None:
    """
    2**e times the scaled entries differs from the matrix by at most 2**e times the slack.
    """
    A = np.array([[1.0, 1e-150], [-0.3, 5e-324]]) * factor

    unit = scaled(A)

    assert unit is not None
    scale = fmpq(2) ** unit.exponent
    off = minus([[x * scale for x in row] for row in exact.exactly(unit.entries)], A)
    assert squares(off) <= (exact.rational(unit.slack) * scale) ** 2
    assert 2.0**-64 <= unit.size <= 2.0**64
    assert squares(exact.exactly(unit.entries)) <= exact.rational(unit.size) ** 2


def test_scaling_that_loses_digits_says_so() -> None:
    """
    An entry that becomes subnormal is rounded, and the slack covers that.
    """
    A = np.array([[1e300, 2.0**-60 / 3]]) * 2.0**-10

    unit = scaled(A)

    assert unit is not None
    off = minus([[x * fmpq(2) ** unit.exponent for x in row] for row in exact.exactly(unit.entries)], A)
    bound = exact.rational(unit.slack) * fmpq(2) ** unit.exponent
    assert 0 < squares(off) <= bound * bound


def test_powers_of_two_are_rounded_in_the_named_direction() -> None:
    """
    x*2**e is exact where it can be, and otherwise moved outwards by a float.
    """
    for x in (1.5, -1.5, 3 * 2.0**-1074, 0.0):
        for exponent in (0, 10, -10, -1074, -1080, 1024, 2000):
            below, beyond = (times_exactly(x, exponent, upwards=up) for up in (False, True))
            true = exact.rational(x) * fmpq(2) ** exponent
            assert below == -math.inf or exact.rational(below) <= true
            assert beyond == math.inf or exact.rational(beyond) >= true
            assert below <= beyond <= math.nextafter(math.nextafter(below, math.inf), math.inf)
    assert times_exactly(-math.inf, 3, upwards=True) == -math.inf


def test_balancing_gives_diagonals_near_one() -> None:
    """
    Scaled by powers of two the diagonal lies in [1/4, 1); without a positive diagonal there is no scaling.
    """
    A = symmetrised(np.diag([3.0, 1e-20, 5e-324, 1e300]))
    A[1, 0] = A[0, 1] = 1e-11

    even = balanced(A)

    assert even is not None
    assert ((even.diagonal() >= 0.25) & (even.diagonal() < 1)).all()
    assert even[0, 1] == even[1, 0] != 0
    assert balanced(np.diag([1.0, 0.0])) is None


@pytest.mark.parametrize("scale", [1.0, 1e200, 1e-200])
def test_norms_of_any_size_are_bounded_from_above(scale: float) -> None:
    """
    `norm_above` is at least the norm, narrowly, and infinite for entries that are not finite.
    """
    Y = np.random.default_rng(9).standard_normal((6, 4)) * scale

    found = norm_above(Y)

    assert exact.norm_at_most(exact.gram_of(exact.exactly(Y)), found)
    assert found < 1.0000001 * float(np.linalg.norm(Y / scale, 2)) * scale
    assert norm_above(np.array([[math.nan]])) == math.inf
    assert norm_above(np.zeros((2, 2))) == 0.0
