"""Certified bounds of eigenvalues and singular values against exact rational arithmetic: no false claim."""

import math

import numpy as np
import pytest

from checker.blas import extremes
from checker.verdict import Verdict
from tests.rigor import exact_spectra as exact
from tests.rigor.spectral_cases import SCALES, SYMMETRIC, rectangular, standing, symmetrised

SLACKS = (0.0, 1e-13, 0.3)


def member(rng: np.random.Generator, A: np.ndarray, slack: float, *, symmetric: bool) -> np.ndarray:
    """Floats E with |E|_F < slack: A + E is one of the matrices meant."""
    E = rng.standard_normal(A.shape)
    E = symmetrised(E) if symmetric else E
    size = float(np.linalg.norm(E))
    return E * (0.999 * slack / size) if slack else np.zeros(A.shape)


def thresholds(low: float, high: float) -> list[float]:
    """Floats at, just beside and far from the ends of a bracket."""
    ends = [x for x in (low, high) if np.isfinite(x)]
    near = [math.nextafter(x, y) for x in ends for y in (-math.inf, math.inf)]
    far = [x * f for x in ends for f in (0.5, 1 - 1e-9, 1 + 1e-9, 2.0) if np.isfinite(x * f)]
    return [0.0, *ends, *near, *far]


def check_symmetric(rng: np.random.Generator, A: np.ndarray, slack: float) -> None:
    S = exact.exactly(A, member(rng, A, slack, symmetric=True))
    n = A.shape[0]
    found = extremes.lambda_min(A, slack)
    assert exact.lambda_min_at_least(S, found.lo), (A, slack, found)
    assert exact.lambda_min_at_most(S, found.hi), (A, slack, found)
    top = extremes.lambda_max(A, slack)
    minus = [[-x for x in row] for row in S]
    assert exact.lambda_min_at_least(minus, -top.hi), (A, slack, top)
    assert exact.lambda_min_at_most(minus, -top.lo), (A, slack, top)
    lows, highs = extremes.eigenvalues(A, slack)
    for i, (low, high) in enumerate(zip(lows, highs, strict=True)):
        assert np.isinf(low) or exact.counts(S, exact.rational(float(low)))[0] <= i
        assert np.isinf(high) or exact.counts(S, exact.rational(float(high)))[2] <= n - 1 - i
    for c in thresholds(found.lo, found.hi):
        verdict = extremes.at_least(A, c, slack)
        if verdict is not Verdict.UNDECIDED:
            assert (verdict is Verdict.HOLDS) is exact.lambda_min_at_least(S, c), (A, slack, c, verdict)


def check_any(rng: np.random.Generator, W: np.ndarray, slack: float) -> None:
    S = exact.exactly(W, member(rng, W, slack, symmetric=False))
    gram = exact.gram_of(S)
    norm = extremes.norm2(W, slack)
    assert exact.norm_at_most(gram, norm.hi), (W, slack, norm)
    assert exact.norm_at_least(gram, norm.lo), (W, slack, norm)
    least = extremes.sigma_min(W, slack)
    assert exact.sigma_within(gram, least.lo, least.hi), (W, slack, least)
    squared = extremes.lambda_min_of_gram(W, slack)
    wide = [
        [sum((x * y for x, y in zip(a, b, strict=True)), exact.fmpq(0)) for b in zip(*S, strict=True)]
        for a in zip(*S, strict=True)
    ]
    assert exact.lambda_min_at_least(wide, squared.lo), (W, slack, squared)
    assert exact.lambda_min_at_most(wide, squared.hi), (W, slack, squared)
    for b in thresholds(norm.lo, norm.hi):
        verdict = extremes.norm_at_most(W, b, slack)
        if verdict is not Verdict.UNDECIDED:
            assert (verdict is Verdict.HOLDS) is exact.norm_at_most(gram, b), (W, slack, b, verdict)


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
