"""The float engine's eigenvalue bounds and decisions: never refuted by exact rational arithmetic."""

import math
from typing import Any

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from checker.blas import batched, extremes
from checker.blas.extremes import Bracket
from checker.verdict import Verdict
from properties.evidence import trial
from properties.instances import caught

WHOLE = st.integers(-4, 4).map(float)
NEAR_WHOLE = st.tuples(WHOLE, st.integers(-3, 3)).map(lambda pair: pair[0] + pair[1] * 2.0**-50)
ANY = st.floats(allow_nan=False, allow_infinity=False)
ENTRIES = st.sampled_from([WHOLE, NEAR_WHOLE, st.floats(-1, 1), ANY])
SLACKS = st.sampled_from([0.0, 2.0**-60, 2.0**-40, 0.25])


@st.composite
def matrices(draw: st.DrawFn) -> np.ndarray:
    """A matrix (m, n) of up to 5 rows and columns, one kind of entries, and scaled rows and columns."""
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    A = draw(arrays.arrays(np.float64, shape, elements=draw(ENTRIES)))
    powers = st.sampled_from([0, 0, -30, 20])
    rows = draw(arrays.arrays(np.int64, shape[0], elements=powers))
    columns = draw(arrays.arrays(np.int64, shape[1], elements=powers))
    with np.errstate(all="ignore"):
        scaled = np.ldexp(A, rows[:, None] + columns)
    return scaled if np.isfinite(scaled).all() else A


@st.composite
def symmetric(draw: st.DrawFn) -> np.ndarray:
    """An exactly symmetric matrix: a Gram matrix in floats, or a triangle with its mirror image."""
    A = draw(matrices())
    if draw(st.booleans()) and np.abs(A).max() < 1e150:
        with np.errstate(all="ignore"):
            A = A.T @ A
    n = min(A.shape)
    lower = np.tril(A[:n, :n])
    return lower + np.tril(lower, -1).T


@st.composite
def members(draw: st.DrawFn, A: np.ndarray, slack: float, *, mirrored: bool) -> np.ndarray:
    """Floats E with |E|_F <= slack."""
    E = draw(arrays.arrays(np.float64, A.shape, elements=st.sampled_from([-1.0, 0.0, 0.5, 1.0])))
    E = np.tril(E) + np.tril(E, -1).T if mirrored else E
    return E * (slack / (2.0 * max(A.shape)))


def exact(*summands: np.ndarray) -> fmpq_mat:
    """The exact sum."""
    m, n = summands[0].shape
    entries = [[fmpq(*float(x).as_integer_ratio()) for x in A.ravel()] for A in summands]
    return fmpq_mat(m, n, [sum(terms, fmpq(0)) for terms in zip(*entries, strict=True)])


def definite(S: fmpq_mat, c: float, *, power: int = 1) -> tuple[bool, bool]:
    """Is S - c**power*I positive semidefinite, and is it definite? By its characteristic polynomial:

    a polynomial with real roots only has none below 0 if and only if its signs alternate, zeros at
    the end aside.
    """
    if math.isinf(c):
        return (c < 0, c < 0)
    n = S.nrows()
    bound = fmpq(1)
    for _ in range(power):
        bound = bound * fmpq(*c.as_integer_ratio())
    shifted = fmpq_mat(n, n, [S[i, j] - (bound if i == j else 0) for i in range(n) for j in range(n)])
    coefficients = list(shifted.charpoly().coeffs())
    alternating = all(x * (-1) ** (n - k) >= 0 for k, x in enumerate(coefficients))
    return alternating, alternating and coefficients[0] != 0


def agrees(found: Bracket, S: fmpq_mat, *, power: int = 1) -> bool:
    """Does the least eigenvalue of S, or the root of it, lie in the bracket?"""
    low = definite(S, found.lo, power=power)[0] if found.lo > 0 or power == 1 else True
    return low and not definite(S, found.hi, power=power)[1]


def truth(verdict: Verdict, S: fmpq_mat, c: float) -> bool:
    """Is the verdict on lambda_min(S) >= c right, or open?"""
    return verdict is Verdict.UNDECIDED or (verdict is Verdict.HOLDS) is definite(S, c)[0]


def bounds(found: Bracket) -> list[float]:
    """Bounds to decide: the ends, what lies just beyond them, zero, and clear ones."""
    ends = [x for x in (found.lo, found.hi) if math.isfinite(x)]
    beside = [math.nextafter(x, y) for x in ends for y in (-math.inf, math.inf)]
    clear = [x * factor for x in ends for factor in (0.5, 2.0)]
    return [0.0, *(x for x in (*ends, *beside, *clear) if math.isfinite(x))]


def symmetric_bounds_hold(data: Any, A: np.ndarray, share: float, *, lifted: float = 0.0) -> None:
    """Brackets and decisions about one symmetric matrix; `lifted` moves a lower bound, to break it."""
    with trial("eigenvalues against rationals") as case:
        slack = share * float(np.abs(A).max())
        if not math.isfinite(slack * 2 * A.size):
            return case.rejected()
        S = exact(A, data.draw(members(A, slack, mirrored=True)))
        found = extremes.lambda_min(A, slack)
        top = extremes.lambda_max(A, slack)
        found = Bracket(found.lo + lifted * float(np.abs(A).max()), found.hi, found.rung)
        assert agrees(found, S)
        assert agrees(Bracket(-top.hi, -top.lo, top.rung), -S)
        for c in bounds(found):
            assert truth(extremes.at_least(A, c, slack), S, c)
        low, high = batched.lambda_min(A[None], slack)
        assert agrees(Bracket(float(low[0]), float(high[0]), "stack"), S)
        if slack == 0 and not found.hi - found.lo <= 2.0**-30 * np.abs(A).max():
            return case.undecided()
    return None


@pytest.mark.undecided(at_most=0.05)
@given(data=st.data(), A=symmetric(), share=SLACKS)
def test_no_eigenvalue_bound_is_refuted_by_rationals(data: Any, A: np.ndarray, share: float) -> None:
    """
    For every symmetric matrix near the floats, brackets hold exactly and no decision is wrong.
    """
    symmetric_bounds_hold(data, A, share)


def test_a_lower_bound_that_is_too_large_by_a_billionth_is_caught() -> None:
    """
    The property above has the power to see a lower bound that is too large.
    """
    cases = st.tuples(st.data(), symmetric().filter(np.any), SLACKS)

    found = caught(cases, lambda case: symmetric_bounds_hold(*case, lifted=2.0**-30))

    assert found[1].any()


def singular_values_hold(data: Any, W: np.ndarray, share: float, *, shrunk: float = 1.0) -> None:
    """Norm and least singular value of one matrix; `shrunk` makes an upper bound smaller, to break it."""
    with trial("singular values against rationals") as case:
        slack = share * float(np.abs(W).max())
        if not math.isfinite(slack * 2 * W.size):
            return case.rejected()
        S = exact(W, data.draw(members(W, slack, mirrored=False)))
        small = S.transpose() * S if W.shape[0] >= W.shape[1] else S * S.transpose()
        norm, least = extremes.norm2(W, slack), extremes.sigma_min(W, slack)
        high = norm.hi * shrunk
        assert math.isinf(high) or definite(squared(high, small.nrows()) - small, 0.0)[0]
        assert norm.lo <= 0 or not definite(squared(norm.lo, small.nrows()) - small, 0.0)[1]
        assert agrees(least, small, power=2)
        assert agrees(extremes.lambda_min_of_gram(W, slack), S.transpose() * S)
        for b in bounds(norm):
            verdict = extremes.norm_at_most(W, b, slack)
            holds = b >= 0 and definite(squared(b, small.nrows()) - small, 0.0)[0]
            assert verdict is Verdict.UNDECIDED or (verdict is Verdict.HOLDS) is holds
        if slack == 0 and not norm.hi - norm.lo <= 2.0**-30 * np.abs(W).max():
            return case.undecided()
    return None


def squared(b: float, n: int) -> fmpq_mat:
    """b**2*I, exactly, for a finite b."""
    square = fmpq(*b.as_integer_ratio()) * fmpq(*b.as_integer_ratio())
    return fmpq_mat(n, n, [square if i == j else fmpq(0) for i in range(n) for j in range(n)])


@pytest.mark.undecided(at_most=0.05)
@given(data=st.data(), W=matrices(), share=SLACKS)
def test_no_singular_value_bound_is_refuted_by_rationals(data: Any, W: np.ndarray, share: float) -> None:
    """
    For every matrix near the floats, norms and least singular values lie in their brackets exactly.
    """
    singular_values_hold(data, W, share)


def test_an_upper_bound_that_is_too_small_by_a_billionth_is_caught() -> None:
    """
    The property above has the power to see an upper bound that is too small.
    """
    cases = st.tuples(st.data(), matrices().filter(np.any), SLACKS)

    found = caught(cases, lambda case: singular_values_hold(*case, shrunk=1 - 2.0**-30))

    assert found[1].any()
