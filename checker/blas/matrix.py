"""Matrices known up to a Frobenius distance from floats, with the operations of a ball matrix.

Every operation forms the float result and bounds how far the exact result of any matrices in the
operands can be from it: rounding by (F1), summed up as |A||B| <= norm(A)*norm(B) in the Frobenius
norm, and what the operands do not know by the triangle inequality.
"""

from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite, nextafter, sqrt

import numpy as np
from flint import arb, arb_mat, fmpq

from checker.blas.directed import OMEGA, UNIT, Floats, gamma, norm_down, norm_up
from checker.enclosure import NearFloats, hull
from checker.errors import NotEnclosed


def add_up(*terms: float) -> float:
    """At least the sum of nonnegative numbers."""
    total = 0.0
    for term in terms:
        total = nextafter(total + term, inf) if term else total
    return total


def times_up(*factors: float) -> float:
    """At least the product of nonnegative numbers; 0 where one of them is."""
    product = 1.0
    for factor in factors:
        if factor == 0:
            return 0.0
        product = nextafter(product * factor, inf)
    return product


@dataclass(frozen=True, eq=False)
class FloatMatrix(NearFloats):
    """All real matrices within Frobenius distance `slack` of `mid` (k, l).

    `symmetric` says that the matrix meant is symmetric, and then so is `mid`. `factor` is S where
    the matrix meant is S'S. `turned` is the matrix whose transpose this is, if it was formed so.
    Raises NotEnclosed for entries or a slack that are not finite.
    """

    mid: Floats
    slack: float = 0.0
    symmetric: bool = False
    factor: "FloatMatrix | None" = None
    turned: "FloatMatrix | None" = None

    def __post_init__(self) -> None:
        if not (isfinite(self.slack) and self.slack >= 0 and np.isfinite(self.mid).all()):
            raise NotEnclosed("a matrix is beyond float64")

    def nrows(self) -> int:
        """The number of rows."""
        return self.mid.shape[0]

    def ncols(self) -> int:
        """The number of columns."""
        return self.mid.shape[1]

    @cached_property
    def size(self) -> float:
        """At least the Frobenius norm of `mid`."""
        return float(norm_up(self.mid))

    @cached_property
    def norm(self) -> float:
        """At least the spectral norm of `mid`, cheaply: the Frobenius norm or sqrt(norm_1*norm_inf)."""
        if 1 in self.mid.shape:
            return self.size
        sizes = np.abs(self.mid)
        with quiet():
            widest = float(sizes.sum(axis=0).max(initial=0.0)), float(sizes.sum(axis=1).max(initial=0.0))
        grown = [times_up(w, 1.0 + gamma(max(sizes.shape) + 2)) for w in widest]
        return min(self.size, nextafter(sqrt(times_up(*grown)), inf))

    @cached_property
    def largest(self) -> float:
        """The largest modulus of an entry of `mid`."""
        return float(np.abs(self.mid).max(initial=0.0))

    def transpose(self) -> "FloatMatrix":
        """The transpose; of a symmetric matrix itself."""
        if self.symmetric:
            return self
        return FloatMatrix(self.mid.T, self.slack, turned=self)

    def frobenius_squared(self) -> arb:
        """The sum of squares of all entries."""
        high = add_up(self.size, self.slack)
        low = max(nextafter(float(norm_down(self.mid)) - self.slack, -inf), 0.0)
        return hull(arb(low) * arb(low), arb(high) * arb(high))

    def entries(self) -> list[arb]:
        """The entries by rows, as balls."""
        floats = self.mid.ravel().tolist()
        return [arb(x, self.slack) for x in floats] if self.slack else [arb(x) for x in floats]

    def __getitem__(self, index: tuple[int, int]) -> arb:
        return arb(float(self.mid[index]), self.slack)

    def __neg__(self) -> "FloatMatrix":
        return FloatMatrix(-self.mid, self.slack, self.symmetric)

    def __add__(self, other: "FloatMatrix") -> "FloatMatrix":
        with quiet():
            return self._summed(other, self.mid + other.mid)

    def __sub__(self, other: "FloatMatrix") -> "FloatMatrix":
        with quiet():
            return self._summed(other, self.mid - other.mid)

    def _summed(self, other: "FloatMatrix", mid: Floats) -> "FloatMatrix":
        """Sums are rounded by at most u*|sum|, exactly where they are subnormal."""
        rounding = times_up(UNIT, float(norm_up(mid)))
        slack = add_up(self.slack, other.slack, rounding)
        return FloatMatrix(mid, slack, self.symmetric and other.symmetric)

    def __mul__(self, other: "FloatMatrix | arb | fmpq | int") -> "FloatMatrix":
        if not isinstance(other, FloatMatrix):
            return self._scaled(other if isinstance(other, arb) else arb(other))
        if self.turned is other or other.turned is self:
            return _gram(other)
        with quiet():
            mid = self.mid @ other.mid
        rounding = _product_rounding(self, other)
        known = add_up(times_up(self.norm, other.slack), times_up(self.slack, other.norm))
        return FloatMatrix(mid, add_up(rounding, known, times_up(self.slack, other.slack)))

    def __rmul__(self, other: "arb | fmpq | int") -> "FloatMatrix":
        return self * other

    def __truediv__(self, other: "arb | fmpq | int") -> "FloatMatrix":
        inverse = 1 / arb(other)
        if not inverse.is_finite():
            raise NotEnclosed("a divisor may be zero")
        return self * inverse

    def _scaled(self, c: arb) -> "FloatMatrix":
        """c*A: the float c0 next to c differs from it by at most dc."""
        if not c.is_finite():
            raise NotEnclosed("a factor is not a finite number")
        near = float(c.mid())
        off = above(abs(c - arb(near)))
        with quiet():
            mid = near * self.mid
        rounding = add_up(times_up(UNIT, float(norm_up(mid))), times_up(OMEGA, sqrt(mid.size) + 1))
        unknown = times_up(add_up(abs(near), off), self.slack)
        exact = rounding if abs(near) not in _EXACT_FACTORS else 0.0
        return FloatMatrix(mid, add_up(exact, unknown, times_up(off, self.size)), self.symmetric)


_EXACT_FACTORS = frozenset({0.0, 1.0, 2.0})
"""Factors by which floats that stay finite are multiplied without rounding."""


def quiet() -> np.errstate:
    """No warnings: what overflows is refused afterwards, by the entries that are not finite."""
    return np.errstate(over="ignore", invalid="ignore", under="ignore")


def _product_rounding(A: FloatMatrix, B: FloatMatrix) -> float:
    """Of A*B: gamma_k*|A|_F*|B|_F + k*OMEGA an entry, k the inner length (F1)."""
    k = A.ncols()
    underflow = times_up(OMEGA, float(k), sqrt(A.nrows() * B.ncols()) + 1)
    return add_up(times_up(gamma(k), A.size, B.size), underflow)


def _gram(T: FloatMatrix) -> FloatMatrix:
    """T'T: for S = T + E, S'S - T'T = T'E + E'T + E'E."""
    with quiet():
        mid = T.mid.T @ T.mid
    lower = np.tril(mid)
    mid = lower + np.tril(mid, -1).T
    rounding = _product_rounding(FloatMatrix(T.mid.T), T)
    slack = add_up(rounding, times_up(2.0, T.norm, T.slack), times_up(T.slack, T.slack))
    return FloatMatrix(mid, slack, symmetric=True, factor=T)


def above(x: arb) -> float:
    """The least float above a nonnegative ball, or nearly; inf where there is none."""
    upper = x.upper()
    near = float(upper)
    return near if arb(near) >= upper else nextafter(near, inf)


def nearest(balls: arb_mat) -> FloatMatrix:
    """Ball entries as floats next to them and the Frobenius norm of what that loses."""
    entries = balls.entries()
    if not all(entry.is_finite() for entry in entries):
        raise NotEnclosed("an entry of a matrix is not a finite number")
    floats = [float(entry.mid()) for entry in entries]
    lost = [above(abs(entry - x)) for entry, x in zip(entries, floats, strict=True)]
    mid = np.array(floats, dtype=np.float64).reshape(balls.nrows(), balls.ncols())
    largest = max(lost, default=0.0)
    slack = 0.0 if largest == 0 else float(norm_up(np.array(lost), axes=1))
    return FloatMatrix(mid, slack)
