"""Matrix products whose every entry is known exactly: what assumption (B) promises, to be compared by bits.

One pair of factors carries four probes. Row i and column j take part in probe i % 4 and j % 4; where
these differ the entry is 0, where they agree the probe's own few inner indices give it:

0. one product, rounded once, for mantissas that tell the rounding modes apart;
1. 1 plus a product below half a unit in the last place, so one sum is rounded;
2. one product of subnormal numbers, or with a subnormal result (an underflow to 0 rounds to 0);
3. a product of small integers whose rows, columns and inner indices are scaled by 2**-90, 1 or 2**90:
   exact unless an algorithm mixes entries of different scale (Strassen; a fixed-point scale a row).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import NDArray

from checker.blas.directed import Floats

NAMES = ("rounding of products", "rounding of sums", "gradual underflow", "scales kept apart")

_ULP = 2.0**-52
_MANTISSAS = (1.5, 1 + _ULP, -1 - 3 * _ULP, 2 - _ULP, -1.0 - 2.0**-27, 1 / 3, -1.1)
_NUDGES = (2.0**-27, 3 * 2.0**-27, -(2.0**-27), 5 * 2.0**-28, -3 * 2.0**-28)
_TINY = (3 * 2.0**-1074, 2.0**500, 5 * 2.0**-540, -7 * 2.0**-530, -3 * 2.0**400)
_VALUES = (_MANTISSAS, _NUDGES, _TINY)
_SCALE = 90


@dataclass(frozen=True)
class Probe:
    """`expected` (m, n) is the product of `left` (m, k) and `right` (k, n); `kind` (m, n) indexes NAMES."""

    left: Floats
    right: Floats
    expected: Floats
    kind: NDArray[np.int64]


@cache
def product_probe(m: int, k: int, n: int) -> Probe:
    """The probe of a product of (m, k) and (k, n), k >= 5."""
    rows, columns = np.arange(m) % 4, np.arange(n) % 4
    places = _places(k)
    A, B, expected = np.zeros((m, k)), np.zeros((k, n)), np.zeros((m, n))
    for p, values in enumerate(_VALUES):
        i, j = np.flatnonzero(rows == p), np.flatnonzero(columns == p)
        A[i, places[p]], B[places[p], j] = _cycle(values, i), _cycle(values, j)
        if p == 1:
            A[i, places[3]], B[places[3], j] = 1.0, 1.0
        expected[np.ix_(i, j)] = _table(values, 1.0 if p == 1 else 0.0, i.size, j.size)
    i, j = np.flatnonzero(rows == 3), np.flatnonzero(columns == 3)
    inner = np.setdiff1d(np.arange(k), places)
    rng = np.random.default_rng(m)
    r, s, t = (rng.integers(-1, 2, x.size) * _SCALE for x in (i, inner, j))
    a, b = _integers(rng, i.size, inner.size), _integers(rng, inner.size, j.size)
    A[np.ix_(i, inner)] = np.ldexp(a, r[:, None] + s)
    B[np.ix_(inner, j)] = np.ldexp(b, t - s[:, None])
    expected[np.ix_(i, j)] = np.ldexp(a @ b, r[:, None] + t)
    return Probe(A, B, expected, np.maximum(rows[:, None], columns))


@cache
def gram_probe(m: int, n: int) -> Probe:
    """The probe of T'T for T (m, n), m >= 6.

    In probe 3, columns by turns are large in even and in odd rows, and all are small in a last one,
    so that inner products of two large columns are small.
    """
    columns = np.arange(n) % 4
    places = _places(m)
    T, expected = np.zeros((m, n)), np.zeros((n, n))
    for p, values in enumerate(_VALUES):
        j = np.flatnonzero(columns == p)
        T[places[p], j] = _cycle(values, j)
        if p == 1:
            T[places[3], j] = 1.0
        expected[np.ix_(j, j)] = _table(values, 1.0 if p == 1 else 0.0, j.size, j.size)
    j = np.flatnonzero(columns == 3)
    inner = np.setdiff1d(np.arange(m), places)
    rng = np.random.default_rng(n)
    group, powers = np.arange(j.size) % 2, rng.integers(-60, 61, j.size)
    large = _integers(rng, inner.size, j.size) * (np.arange(inner.size)[:, None] % 2 == group)
    large[-1] = 0.0
    both = np.ldexp(large, _SCALE)
    both[-1] = 1.0
    exact = np.ldexp(large.T @ large, 2 * _SCALE)
    T[np.ix_(inner, j)] = np.ldexp(both, powers)
    exact[exact == 0] = 1.0
    expected[np.ix_(j, j)] = np.ldexp(exact, powers[:, None] + powers)
    return Probe(T.T, T, expected, np.maximum(columns[:, None], columns))


def failed(probe: Probe, found: Floats, *, lower: bool = False) -> tuple[str, ...]:
    """The names of what differs in `found` (m, n), or in its lower triangle, in any bit but a zero's sign."""
    if found.shape != probe.expected.shape or found.dtype != np.float64:
        return NAMES
    mine, its = (np.ascontiguousarray(x).view(np.int64) for x in (probe.expected, found))
    differs = (mine != its) & ((mine | its) << 1 != 0)
    if lower:
        differs = np.tril(differs)
    return tuple(NAMES[p] for p in np.unique(probe.kind[differs]))


def forget() -> None:
    """Release the probes kept for several products of one size."""
    product_probe.cache_clear()
    gram_probe.cache_clear()


def _places(k: int) -> list[int]:
    """Four inner indices: of the three rounded probes, and of the 1 in the second one."""
    return [k // 3, k - 1, k // 2, 0]


def _integers(rng: np.random.Generator, m: int, n: int) -> Floats:
    return rng.integers(1, 10, (m, n)).astype(np.float64)


def _cycle(values: tuple[float, ...], places: Sequence[int] | NDArray[np.int64]) -> Floats:
    return np.resize(np.array(values), len(places))


def _table(values: tuple[float, ...], start: float, m: int, n: int) -> Floats:
    """start + a*b, rounded once, for values a and b that repeat along rows and columns."""
    one = _rounded(values, start)
    k = len(values)
    return np.tile(one, (-(-m // k), -(-n // k)))[:m, :n]


@cache
def _rounded(values: tuple[float, ...], start: float) -> Floats:
    exact = [[Fraction(start) + Fraction(a) * Fraction(b) for b in values] for a in values]
    return np.array([[float(x) for x in row] for row in exact])
