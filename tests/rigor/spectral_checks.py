"""Whether bounds and decisions about one matrix are true, decided in exact rational arithmetic."""

import math
from collections.abc import Iterator

import numpy as np

from checker.blas import batched, extremes
from checker.verdict import Verdict
from tests.rigor import exact_spectra as exact
from tests.rigor.spectral_cases import symmetrised


def members(
    rng: np.random.Generator, A: np.ndarray, slack: float, *, symmetric: bool
) -> Iterator[np.ndarray]:
    """Floats E with |E|_F < slack, so that A + E is meant: along extreme singular vectors, and random."""
    if not slack:
        yield np.zeros(A.shape)
        return
    U, _, V = np.linalg.svd(A / np.abs(A).max())
    for k in (0, min(A.shape) - 1):
        for sign in (-1, 1):
            E = sign * np.outer(V[k] if symmetric else U[:, k], V[k])
            yield _of_size(E, slack, symmetric)
    yield _of_size(rng.standard_normal(A.shape), slack, symmetric)


def _of_size(E: np.ndarray, slack: float, symmetric: bool) -> np.ndarray:
    E = symmetrised(E) if symmetric else E
    return E * (0.999 * slack / float(np.linalg.norm(E)))


def thresholds(low: float, high: float) -> list[float]:
    """Floats at, just beside, between and far from the ends of a bracket."""
    ends = [x for x in (low, high) if math.isfinite(x)]
    near = [math.nextafter(x, y) for x in ends for y in (-math.inf, math.inf)]
    far = [x * f for x in ends for f in (0.5, 1 - 1e-9, 1 + 1e-9, 2.0)]
    between = [low / 2 + high / 2, low / 4 + 3 * (high / 4), 3 * (low / 4) + high / 4]
    return [x for x in (0.0, *ends, *near, *far, *between) if math.isfinite(x)]


def check_symmetric(rng: np.random.Generator, A: np.ndarray, slack: float) -> None:
    """Everything that is claimed of the eigenvalues of symmetric matrices near A."""
    found, top = extremes.lambda_min(A, slack), extremes.lambda_max(A, slack)
    lows, highs = extremes.eigenvalues(A, slack)
    low, high = batched.lambda_min(A[None], slack)
    decided = {c: extremes.at_least(A, c, slack) for c in thresholds(found.lo, found.hi)}
    for E in members(rng, A, slack, symmetric=True):
        S = exact.exactly(A, E)
        minus = [[-x for x in row] for row in S]
        for least, most in ((found.lo, found.hi), (float(low[0]), float(high[0]))):
            assert exact.lambda_min_at_least(S, least), (A, E, slack, least)
            assert exact.lambda_min_at_most(S, most), (A, E, slack, most)
        assert exact.lambda_min_at_least(minus, -top.hi), (A, E, slack, top)
        assert exact.lambda_min_at_most(minus, -top.lo), (A, E, slack, top)
        for i, (least, most) in enumerate(zip(lows.tolist(), highs.tolist(), strict=True)):
            assert math.isinf(least) or exact.counts(S, exact.rational(least))[0] <= i
            assert math.isinf(most) or exact.counts(S, exact.rational(most))[2] < len(S) - i
        for c, verdict in decided.items():
            if verdict is not Verdict.UNDECIDED:
                holds = exact.lambda_min_at_least(S, c)
                assert (verdict is Verdict.HOLDS) is holds, (A, E, slack, c, verdict)


def check_any(rng: np.random.Generator, W: np.ndarray, slack: float) -> None:
    """Everything that is claimed of the singular values of matrices near W."""
    norm, least = extremes.norm2(W, slack), extremes.sigma_min(W, slack)
    squared = extremes.lambda_min_of_gram(W, slack)
    low, high = batched.norm2(W[None], slack)
    decided = {b: extremes.norm_at_most(W, b, slack) for b in thresholds(norm.lo, norm.hi)}
    for E in members(rng, W, slack, symmetric=False):
        S = exact.exactly(W, E)
        gram, wide = exact.gram_of(S), exact.gram_of_columns(S)
        for below, above in ((norm.lo, norm.hi), (float(low[0]), float(high[0]))):
            assert exact.norm_at_most(gram, above), (W, E, slack, above)
            assert exact.norm_at_least(gram, below), (W, E, slack, below)
        assert exact.sigma_within(gram, least.lo, least.hi), (W, E, slack, least)
        assert exact.lambda_min_at_least(wide, squared.lo), (W, E, slack, squared)
        assert exact.lambda_min_at_most(wide, squared.hi), (W, E, slack, squared)
        for b, verdict in decided.items():
            if verdict is not Verdict.UNDECIDED:
                holds = exact.norm_at_most(gram, b)
                assert (verdict is Verdict.HOLDS) is holds, (W, E, slack, b, verdict)
