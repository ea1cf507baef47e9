"""Exact scaling by powers of two, so that no bound is drowned by underflow or lost to overflow."""

import math
from dataclasses import dataclass

import numpy as np

from checker.blas.directed import Floats
from checker.blas.matrix import add_up, times_up
from checker.blas.routines import sum_of_squares

_WIDE = 2.0**64
"""Matrices whose Frobenius norm lies between 1/_WIDE and _WIDE stay as they are."""

_LEAST = 2.0**-1074
"""The least positive float; scaling down loses at most half of it an entry."""


@dataclass(frozen=True)
class Scaled:
    """All matrices within `slack` of `entries`, times 2**`exponent`; `size` >= |entries|_F."""

    entries: Floats
    slack: float
    exponent: int
    size: float


def scaled(A: Floats, slack: float = 0.0) -> Scaled | None:
    """The matrices within Frobenius distance `slack` of A (m, n), with a Frobenius norm around 1.

    Entries that scaling makes subnormal move by at most 2**-1075 each; the slack grows by that. None
    for entries or a slack that are not finite. Raises ValueError for a matrix without entries, for
    an array that is no float64 matrix, and for a slack that is negative or NaN.
    """
    if A.ndim != 2 or A.dtype != np.float64:
        raise ValueError("a float64 matrix is needed")
    if A.size == 0:
        raise ValueError("a matrix without entries has no extreme singular values")
    if not slack >= 0:
        raise ValueError("a slack is a nonnegative number")
    if slack == math.inf:
        return None
    entries = A if A.flags.c_contiguous or A.flags.f_contiguous else np.ascontiguousarray(A)
    squares = sum_of_squares(entries)
    if not 1 / (_WIDE * _WIDE) < squares < _WIDE * _WIDE:
        return _rescaled(entries, slack)
    return Scaled(entries, slack, 0, _root(squares, entries.size))


def _rescaled(A: Floats, slack: float) -> Scaled | None:
    if not np.isfinite(A).all():
        return None
    largest = max(float(A.max()), -float(A.min()))
    if largest == 0:
        return Scaled(A, slack, 0, 0.0)
    exponent = math.frexp(largest)[1] + math.frexp(math.sqrt(A.size))[1]
    with np.errstate(under="ignore"):
        small = np.ldexp(A, -exponent)
    lost = 0.0 if exponent <= 0 else times_up(_LEAST, math.sqrt(A.size) + 1)
    moved = add_up(times_exactly(slack, -exponent, upwards=True), lost)
    return None if moved == math.inf else Scaled(small, moved, exponent, _root(sum_of_squares(small), A.size))


def _root(squares: float, terms: int) -> float:
    """At least the norm whose square, a sum of that many rounded terms, was found to be `squares`.

    The exact sum is at most (squares + terms*2**-1020)/(1 - gamma), gamma = terms*u/(1 - terms*u),
    and 1/(1 - gamma) <= 1 + 2*terms*2**-53 + 2**-50 as long as terms < 2**50.
    """
    lost = terms * 2.0**-1020 if squares else 0.0
    return math.nextafter(math.sqrt(times_up(add_up(squares, lost), add_up(1.0, terms * 2.0**-52))), math.inf)


def times_exactly(x: float, exponent: int, *, upwards: bool) -> float:
    """x*2**exponent, or a float next to it in the named direction where it is none; inf stays."""
    towards = math.inf if upwards else -math.inf
    if x == 0 or not math.isfinite(x):
        return x
    try:
        y = math.ldexp(x, exponent)
    except OverflowError:
        y = math.copysign(math.inf, x)
        return y if y == towards else math.nextafter(y, towards)
    if abs(y) < 2.0**-1022 and math.ldexp(y, -exponent) != x:
        return math.nextafter(y, towards)
    return y


def balanced(B: Floats) -> Floats | None:
    """D B D with a diagonal in [1/4, 1), D a diagonal of powers of two; None if not all b_ii > 0.

    B (n, n) is symmetric. A unit diagonal is within a factor n of the best diagonal scaling (van der
    Sluis 1969, Theorem 4.1). An entry of D B D that becomes subnormal moves by at most 2**-1075;
    one that overflows shows as inf.
    """
    diagonal = np.diagonal(B)
    if not (diagonal > 0).all():
        return None
    _, exponents = np.frexp(diagonal)
    powers = -((exponents + 1) // 2)
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(B, powers[:, None] + powers[None, :])
