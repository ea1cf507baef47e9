"""The functions of the claim language on near floats; see `checker.expression.arrays` for those in balls.

What concerns single entries or sums of entries moves by at most the Frobenius slack times the root
of how many entries are summed (Cauchy-Schwarz); sums are rounded by at most gamma_k of the sum of
moduli, in any order.
"""

from collections.abc import Callable, Mapping
from math import inf, nextafter, sqrt
from typing import Final

import numpy as np
from flint import arb, arb_mat

from checker.blas import extremes
from checker.blas.directed import OMEGA, UNIT, Floats, gamma, norm_up
from checker.blas.extremes import Bracket
from checker.blas.matrix import FloatMatrix, add_up, nearest, quiet, times_up
from checker.enclosure import Ball, hull, to_arb
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression import arithmetic as number
from checker.expression.arrays import Arrays, Found, whole_size


def product(A: FloatMatrix, B: FloatMatrix, left_axes: int, right_axes: int) -> arb | FloatMatrix:
    """A @ B; a vector on the left is a row, and two vectors give their inner product."""
    if left_axes == 2:
        return A * B
    row = A.transpose() * B
    return row[0, 0] if right_axes == 1 else row.transpose()


def filled(name: str, size: Ball) -> FloatMatrix:
    """eye(k) or ones(k)."""
    k = whole_size(name, size)
    return FloatMatrix(np.eye(k), symmetric=True) if name == "eye" else FloatMatrix(np.ones((k, 1)))


def entrywise(A: FloatMatrix, function: Callable[[Ball], Ball]) -> FloatMatrix:
    """The function of every entry, in balls."""
    return nearest(arb_mat(A.nrows(), A.ncols(), [to_arb(function(x)) for x in A.entries()]))


def hadamard(A: FloatMatrix, B: FloatMatrix) -> FloatMatrix:
    """The entrywise product: |A o E|_F <= max|A|*|E|_F, and each product is rounded once."""
    with quiet():
        mid = A.mid * B.mid
    rounding = add_up(times_up(UNIT, float(norm_up(mid))), times_up(OMEGA, sqrt(mid.size) + 1))
    known = add_up(times_up(A.largest, B.slack), times_up(B.largest, A.slack), times_up(A.slack, B.slack))
    return FloatMatrix(mid, add_up(rounding, known), A.symmetric and B.symmetric)


def symmetrised(A: FloatMatrix, *, known: bool) -> FloatMatrix:
    """The matrix with an exactly symmetric middle.

    Where neither its form (`known`) nor how it was made shows that it is symmetric, its entries must.
    Raises CertainlyUndefined where they certainly differ. The symmetric matrix nearest to the middle
    is no farther from a symmetric one than the middle itself, but for rounding.
    """
    if A.symmetric:
        return A
    same = bool((A.mid == A.mid.T).all())
    if not known:
        if A.slack == 0 and not same:
            raise CertainlyUndefined("an eigenvalue of a matrix that is not symmetric")
        if A.slack > 0:
            raise NotEnclosed("a matrix is not known to be symmetric; write symmetric_part")
    if same:
        return FloatMatrix(A.mid, A.slack, symmetric=True)
    return _symmetric_part(A, 2)


def _symmetric_part(A: FloatMatrix, axes: int) -> FloatMatrix:
    mid = A.mid / 2 + A.mid.T / 2
    rounding = add_up(times_up(2 * UNIT, float(norm_up(mid))), times_up(OMEGA, float(A.nrows())))
    return FloatMatrix(mid, add_up(A.slack, rounding), symmetric=True)


def _around(middle: float, *errors: float) -> arb:
    if not np.isfinite(middle):
        raise NotEnclosed("a sum is beyond float64")
    return arb(middle) + arb(0, add_up(*errors))


def _summed(entries: Floats, slack: float) -> arb:
    """The sum of all entries."""
    k = entries.size
    with quiet():
        moduli, total = times_up(float(np.abs(entries).sum()), 1 + gamma(2 * k + 4)), float(entries.sum())
    return _around(total, times_up(gamma(k), moduli), times_up(slack, sqrt(k) + 1e-9))


def _row_norm(A: FloatMatrix) -> Ball:
    """The maximal absolute row sum."""
    k = A.ncols()
    with quiet():
        sums = np.abs(A.mid).sum(axis=1)
    top = float(sums.max())
    return number.nonnegative_part(
        _around(top, times_up(2 * gamma(k + 2), top), times_up(A.slack, sqrt(k) + 1e-9))
    )


def _greatest_modulus(A: FloatMatrix) -> Ball:
    return number.nonnegative_part(_around(A.largest, A.slack))


def norm_fro(A: FloatMatrix, axes: int) -> Ball:
    """The root of the sum of squares."""
    return number.root(A.frobenius_squared(), nonnegative=True)


def _diag(A: FloatMatrix, axes: int) -> FloatMatrix:
    if axes == 2:
        return FloatMatrix(np.diag(A.mid).reshape(-1, 1).copy(), A.slack)
    return FloatMatrix(np.diag(A.mid[:, 0]), A.slack, symmetric=True)


def _inverse(A: FloatMatrix, axes: int) -> FloatMatrix:
    """X near the inverse: with r >= |I - A X|_F and r < 1, |A^-1 - X|_F <= |X|_F*r/(1 - r) (Neumann)."""
    if A.nrows() != A.ncols():
        raise CertainlyUndefined("a matrix that is not square has no inverse")
    try:
        found = np.asarray(np.linalg.inv(A.mid), dtype=np.float64)
    except np.linalg.LinAlgError:
        raise NotEnclosed("the matrix is not certified to be invertible") from None
    with quiet():
        X = FloatMatrix((found + found.T) / 2 if A.symmetric else found)
    rest = FloatMatrix(np.eye(A.nrows())) - A * X
    r = add_up(rest.size, rest.slack)
    if not r < 1:
        raise NotEnclosed("the matrix is not certified to be invertible")
    return FloatMatrix(X.mid, times_up(X.size, nextafter(r / nextafter(1 - r, -inf), inf)), A.symmetric)


_OF_ONE: Final[Mapping[str, Callable[[FloatMatrix, int], Ball | FloatMatrix]]] = {
    "sum": lambda A, axes: _summed(A.mid, A.slack),
    "min": lambda A, axes: _around(float(A.mid.min()), A.slack),
    "max": lambda A, axes: _around(float(A.mid.max()), A.slack),
    "norm_inf": lambda A, axes: _greatest_modulus(A) if axes == 1 else _row_norm(A),
    "norm_1": lambda A, axes: _row_norm(A.transpose()),
    "norm_fro": norm_fro,
    "trace": lambda A, axes: _summed(np.diag(A.mid), A.slack),
    "transpose": lambda A, axes: A.transpose(),
    "diag": _diag,
    "symmetric_part": _symmetric_part,
    "inv": _inverse,
}


def _found(bracket: Bracket) -> Found:
    """A bracket with both ends, as a ball. Raises NotEnclosed where an end is missing."""
    if not (np.isfinite(bracket.lo) and np.isfinite(bracket.hi)):
        raise NotEnclosed(f"no bound was found with {bracket.rung}")
    return Found(hull(arb(bracket.lo), arb(bracket.hi)), bracket.rung)


def _norm2(A: FloatMatrix, axes: int) -> Found:
    if axes == 1 or 1 in (A.nrows(), A.ncols()):
        return Found(norm_fro(A, axes))
    return _found(extremes.norm2(A.mid, A.slack))


def _lambda_min(A: FloatMatrix, axes: int) -> Found:
    """Of a Gram matrix S'S through S where that is sharper than through the product."""
    if A.factor is None:
        return _found(extremes.lambda_min(A.mid, A.slack))
    return _found(extremes.lambda_min_of_gram(A.factor.mid, A.factor.slack))


def _lambda_max(A: FloatMatrix, axes: int) -> Found:
    return _found(extremes.lambda_max(A.mid, A.slack))


def _radius(A: FloatMatrix, axes: int) -> Found:
    """Of a symmetric matrix its norm; others are left to balls."""
    if not A.symmetric:
        raise NotEnclosed("the spectral radius of a matrix that is not symmetric is left to balls")
    return _norm2(A, 2)


FLOAT_ARRAYS: Final = Arrays(
    product,
    filled,
    entrywise,
    hadamard,
    symmetrised,
    _OF_ONE,
    {
        "norm2": _norm2,
        "sigma_min": lambda A, axes: _found(extremes.sigma_min(A.mid, A.slack)),
        "lambda_min": _lambda_min,
        "lambda_max": _lambda_max,
        "spectral_radius": _radius,
    },
)
"""Arrays as near floats."""
