"""Arrays of balls: everything entry by entry, so that each step can be read and none can leak a nan.

A vector is an arb_mat with one column; `axes` says whether an arb_mat is a vector (1) or a matrix (2).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final, TypeAlias

from flint import arb, arb_mat, fmpq

from checker import spectral
from checker.enclosure import Ball, frobenius_squared, to_arb
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression import arithmetic as number

MAX_ENTRIES: Final = 2**22
"""The most entries of an array that a claim forms; a ball takes 50 bytes and more, several times over."""


def _allowed(rows: int, columns: int) -> None:
    """Raises NotEnclosed, before it is formed, for an array with too many entries."""
    if rows * columns > MAX_ENTRIES:
        raise NotEnclosed(f"an array of {rows} x {columns} is too large")


def product(A: arb_mat, B: arb_mat, left_axes: int, right_axes: int) -> arb | arb_mat:
    """A @ B; a vector on the left is a row, and two vectors give their inner product."""
    if left_axes == 2:
        _allowed(A.nrows(), B.ncols())
        return A * B
    row = A.transpose() * B
    return row[0, 0] if right_axes == 1 else row.transpose()


def whole_size(name: str, size: Ball) -> int:
    """The k of eye(k) or ones(k), where it is a whole k >= 1 of moderate size."""
    if not isinstance(size, fmpq) or size.q != 1:
        raise NotEnclosed("a dimension is not a whole number")
    k = int(size.p)
    if k < 1:
        raise CertainlyUndefined(f"{name}({k}) has no entries")
    if k * (k if name == "eye" else 1) > MAX_ENTRIES:
        raise NotEnclosed(f"{name}({k}) is too large")
    return k


def filled(name: str, size: Ball) -> arb_mat:
    """eye(k) or ones(k)."""
    k = whole_size(name, size)
    if name == "ones":
        return arb_mat(k, 1, [1] * k)
    out = arb_mat(k, k)
    for i in range(k):
        out[i, i] = 1
    return out


def entrywise(A: arb_mat, function: Callable[[Ball], Ball]) -> arb_mat:
    """The function of every entry."""
    return arb_mat(A.nrows(), A.ncols(), [to_arb(function(x)) for x in A.entries()])


def hadamard(A: arb_mat, B: arb_mat) -> arb_mat:
    """The entrywise product."""
    entries = [x * y for x, y in zip(A.entries(), B.entries(), strict=True)]
    return arb_mat(A.nrows(), A.ncols(), entries)


def symmetrised(A: arb_mat, *, known: bool) -> arb_mat:
    """The matrix with equal balls on both sides of its diagonal.

    Where its form does not show that it is symmetric (`known`), its entries must: equal
    numbers without width. Raises CertainlyUndefined where they certainly differ.
    """
    n, out = A.nrows(), arb_mat(A)
    for i in range(n):
        for j in range(i):
            x, y = A[i, j], A[j, i]
            if not x.overlaps(y):
                raise CertainlyUndefined("an eigenvalue of a matrix that is not symmetric")
            if not known and not (x.is_exact() and y.is_exact()):
                raise NotEnclosed("a matrix is not known to be symmetric; write symmetric_part")
            out[i, j] = out[j, i] = x.intersection(y)
    return out


def _sum(entries: list[arb]) -> arb:
    return reduce(lambda x, y: x + y, entries, arb(0))


def _magnitudes(A: arb_mat) -> list[arb]:
    return [to_arb(number.absolute(x)) for x in A.entries()]


def _largest(entries: list[arb]) -> arb:
    return reduce(lambda x, y: x.max(y), entries)


def _row_sums(A: arb_mat) -> list[arb]:
    k, magnitudes = A.ncols(), _magnitudes(A)
    return [_sum(magnitudes[i * k : (i + 1) * k]) for i in range(A.nrows())]


def _norm_inf(A: arb_mat, axes: int) -> Ball:
    return _largest(_magnitudes(A) if axes == 1 else _row_sums(A))


def _norm_1(A: arb_mat, axes: int) -> Ball:
    return _sum(_magnitudes(A)) if axes == 1 else _largest(_row_sums(A.transpose()))


def norm_fro(A: arb_mat, axes: int) -> Ball:
    """The root of the sum of squares."""
    return number.root(frobenius_squared(A), nonnegative=True)


def _diag(A: arb_mat, axes: int) -> arb_mat:
    n = A.nrows()
    if axes == 2:
        return arb_mat(n, 1, [A[i, i] for i in range(n)])
    _allowed(n, n)
    out = arb_mat(n, n)
    for i in range(n):
        out[i, i] = A[i, 0]
    return out


def _symmetric_part(A: arb_mat, axes: int) -> arb_mat:
    n, out = A.nrows(), arb_mat(A)
    for i in range(n):
        for j in range(i):
            out[i, j] = out[j, i] = (A[i, j] + A[j, i]) / 2
    return out


FUNCTIONS_OF_ONE: Final[Mapping[str, Callable[[arb_mat, int], Ball | arb_mat]]] = {
    "sum": lambda A, axes: _sum(list(A.entries())),
    "min": lambda A, axes: reduce(lambda x, y: x.min(y), A.entries()),
    "max": lambda A, axes: _largest(list(A.entries())),
    "norm_inf": _norm_inf,
    "norm_1": _norm_1,
    "norm_fro": norm_fro,
    "inv": lambda A, axes: spectral.inverse(A),
    "trace": lambda A, axes: _sum([A[i, i] for i in range(A.nrows())]),
    "transpose": lambda A, axes: A.transpose(),
    "diag": _diag,
    "symmetric_part": _symmetric_part,
}
"""Functions of one array."""

Array: TypeAlias = Any
"""An arb_mat, or whatever else an `Arrays` computes with."""


@dataclass(frozen=True)
class Found:
    """A norm or an eigenvalue, and the rung of the ladder that enclosed it ("" for balls all the way)."""

    value: Ball
    rung: str = ""


@dataclass(frozen=True)
class Arrays:
    """How a fold computes with arrays, besides sums and multiples, which are operators of their own.

    `of_one` are the functions of one array, given whether it is a vector (1) or a matrix (2); of
    those, `extremes` are the norms and eigenvalues that have a ladder of engines.
    """

    product: Callable[[Array, Array, int, int], Array]
    filled: Callable[[str, Ball], Array]
    entrywise: Callable[[Array, Callable[[Ball], Ball]], Array]
    hadamard: Callable[[Array, Array], Array]
    symmetrised: Callable[..., Array]
    of_one: Mapping[str, Callable[[Array, int], Array]]
    extremes: Mapping[str, Callable[[Array, int], Found]]


_EXTREMES: Final[Mapping[str, Callable[[arb_mat, int], Found]]] = {
    "norm2": lambda A, axes: Found(norm_fro(A, axes) if axes == 1 else spectral.norm2(A)),
    "sigma_min": lambda A, axes: Found(spectral.sigma_min(A)),
    "lambda_min": lambda A, axes: Found(spectral.lambda_min(A)),
    "lambda_max": lambda A, axes: Found(spectral.lambda_max(A)),
    "spectral_radius": lambda A, axes: Found(spectral.spectral_radius(A)),
}

BALL_ARRAYS: Final = Arrays(product, filled, entrywise, hadamard, symmetrised, FUNCTIONS_OF_ONE, _EXTREMES)
"""Arrays as matrices of balls."""
