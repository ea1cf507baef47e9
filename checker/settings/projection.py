"""The least loss of a linear readout: the projection of the labels on the rows of the features."""

from flint import arb, arb_mat, fmpq, fmpq_mat

from checker.enclosure import Ball, frobenius_squared, hull, is_exact
from checker.errors import NotEnclosed
from checker.rationals import rational_matrix
from checker.spectral import lambda_min

_EXACT = 4096
"""Up to this many features*samples the projection is computed in rationals."""


def least_loss(F: arb_mat, y: arb_mat) -> Ball:
    """The infimum over w of |F'w - y|**2/2 for features F (k, n) and labels y (n, 1).

    Exactly 0 where the columns of F are certainly independent; otherwise exact arithmetic where F
    and y are exact and not large, else elimination in balls where the rows of F are independent.
    Raises NotEnclosed where neither serves.
    """
    k, n = F.nrows(), F.ncols()
    if n <= k and _positive(F.transpose() * F):
        return fmpq(0)
    if is_exact(F) and is_exact(y) and k * n <= _EXACT:
        return _exactly(rational_matrix(F), rational_matrix(y))
    if k < n:
        return _by_elimination(F, y)
    raise NotEnclosed("the rank of the features is not certified")


def _positive(G: arb_mat) -> bool:
    try:
        return bool(lambda_min(G) > 0)
    except NotEnclosed:
        return False


def _exactly(F: fmpq_mat, y: fmpq_mat) -> fmpq:
    """y'y/2 less the part in the row space, through a basis of rows."""
    _, rank = F.rref()
    if rank == F.ncols():
        return fmpq(0)
    basis = _independent_rows(F, rank)
    norm = (y.transpose() * y)[0, 0] / 2
    if not rank:
        return norm
    B = fmpq_mat(rank, F.ncols(), [F[i, j] for i in basis for j in range(F.ncols())])
    image = B * y
    return norm - (image.transpose() * (B * B.transpose()).solve(image))[0, 0] / 2


def _independent_rows(F: fmpq_mat, rank: int) -> list[int]:
    """Rows that span the row space: the pivots of the transpose."""
    reduced, _ = F.transpose().rref()
    return [next(c for c in range(F.nrows()) if reduced[i, c] != 0) for i in range(rank)]


def _by_elimination(F: arb_mat, y: arb_mat) -> arb:
    """|y - F'(FF')^{-1}F y|**2/2, for independent rows."""
    try:
        w = (F * F.transpose()).solve(F * y)
    except ZeroDivisionError:
        raise NotEnclosed("the rank of the features is not certified") from None
    value = frobenius_squared(y - F.transpose() * w) / 2
    return value if value >= 0 else hull(arb(0), value.upper())
