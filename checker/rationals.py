"""Exact rational linear algebra on matrices of exact balls."""

from flint import arb, arb_mat, fmpq, fmpq_mat


def rational_matrix(A: arb_mat) -> fmpq_mat:
    """The same matrix over the rationals; every entry must be exact."""
    return fmpq_mat(A.nrows(), A.ncols(), [rational(entry) for entry in A.entries()])


def rational(x: arb) -> fmpq:
    """The value of an exact ball."""
    return x.fmpq()
