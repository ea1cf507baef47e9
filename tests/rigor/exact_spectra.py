"""Exact references: how many eigenvalues of a matrix of floats lie below, at and above a float."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from flint import fmpq, fmpz, fmpz_mat

Exact = list[list[fmpq]]


def exactly(*summands: np.ndarray) -> Exact:
    """The exact sum of float matrices (m, n)."""
    m, n = summands[0].shape
    return [[sum((rational(float(A[i, j])) for A in summands), fmpq(0)) for j in range(n)] for i in range(m)]


def rational(x: float) -> fmpq:
    """The float itself."""
    return fmpq(*x.as_integer_ratio())


def gram_of(S: Exact) -> Exact:
    """S'S, or SS' where that is smaller."""
    return _products(S) if len(S) <= len(S[0]) else gram_of_columns(S)


def gram_of_columns(S: Exact) -> Exact:
    """S'S."""
    return _products([list(column) for column in zip(*S, strict=True)])


def _products(rows: Exact) -> Exact:
    return [[sum((x * y for x, y in zip(a, b, strict=True)), fmpq(0)) for b in rows] for a in rows]


def counts(S: Exact, c: fmpq) -> tuple[int, int, int]:
    """The numbers of eigenvalues of the symmetric S below, at and above c.

    All roots of the characteristic polynomial of S - cI are real, so Descartes' rule of signs counts
    them exactly.
    """
    n = len(S)
    shifted = [[S[i][j] - (c if i == j else 0) for j in range(n)] for i in range(n)]
    bottom = fmpz(1)
    for row in shifted:
        for x in row:
            bottom = bottom.lcm(x.q)
    whole = fmpz_mat(n, n, [(x * bottom).p for row in shifted for x in row])
    coefficients = [fmpz(x) for x in whole.charpoly()]
    zero = next(k for k, x in enumerate(coefficients) if x != 0)
    above = _sign_changes(coefficients)
    return n - zero - above, zero, above


def _sign_changes(coefficients: Sequence[fmpz]) -> int:
    signs = [x > 0 for x in coefficients if x != 0]
    return sum(a != b for a, b in pairwise(signs))


def lambda_min_at_least(S: Exact, c: float) -> bool:
    """Is the least eigenvalue >= c? Infinite c are compared as usual."""
    return c < 0 if math.isinf(c) else counts(S, rational(c))[0] == 0


def lambda_min_at_most(S: Exact, c: float) -> bool:
    """Is the least eigenvalue <= c?"""
    return c > 0 if math.isinf(c) else counts(S, rational(c))[2] < len(S)


def norm_at_most(gram: Exact, b: float) -> bool:
    """Is the root of the greatest eigenvalue of a Gram matrix <= b?"""
    return b >= 0 and (math.isinf(b) or counts(gram, rational(b) * rational(b))[2] == 0)


def norm_at_least(gram: Exact, b: float) -> bool:
    """Is the root of the greatest eigenvalue of a Gram matrix >= b?"""
    return b <= 0 or (not math.isinf(b) and counts(gram, rational(b) * rational(b))[0] < len(gram))


def sigma_within(gram: Exact, low: float, high: float) -> bool:
    """Does the root of the least eigenvalue of a Gram matrix lie in [low, high]?"""
    big = low <= 0 or counts(gram, rational(low) * rational(low))[0] == 0
    return big and (math.isinf(high) or counts(gram, rational(high) * rational(high))[2] < len(gram))
