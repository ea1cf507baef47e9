"""The BLAS and LAPACK routines in use, all of one library: two thread pools wait for each other."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, cast

import numpy as np
from scipy.linalg import get_blas_funcs, get_lapack_funcs
from threadpoolctl import ThreadpoolController

from checker.blas.directed import Floats

_Routine = Callable[..., Any]


def _float64(find: _Routine, *names: str) -> list[_Routine]:
    return cast(list[_Routine], find(names, dtype=np.float64))


ddot, dgemm, dgemv, dsyrk, dtrsv = _float64(get_blas_funcs, "dot", "gemm", "gemv", "syrk", "trsv")
dgeqrf, dlauum, dpotrf, dtrtri = _float64(get_lapack_funcs, "geqrf", "lauum", "potrf", "trtri")


@cache
def _pools() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


def one_thread() -> AbstractContextManager[object]:
    """For factorisations: their threads wait for each other at every level of a recursion.

    With two threads on two cores of which one is busy, dlauum took thirty times as long as with one.
    """
    return _pools().limit(limits=1)


def product(A: Floats, B: Floats) -> Floats:
    """fl(AB) for A (m, k) and B (k, n), by gemm; in Fortran order."""
    left, turned_left = _laid_out(A)
    right, turned_right = _laid_out(B)
    return dgemm(1.0, left, right, trans_a=turned_left, trans_b=turned_right)


def image(A: Floats, x: Floats) -> Floats:
    """fl(Ax) for A (m, n) and x (n,), by gemv."""
    matrix, turned = _laid_out(A)
    return dgemv(1.0, matrix, x, trans=turned)


def lower_gram(T: Floats) -> Floats:
    """fl(T'T) for T (m, n), by syrk: in the lower triangle, anything above it; in Fortran order."""
    matrix, turned = _laid_out(T)
    return dsyrk(1.0, matrix, trans=1 - turned, lower=1)


def sum_of_squares(A: Floats) -> float:
    """fl of the sum of the squares of all entries, by dot; inf or NaN where that is not finite."""
    flat = A.reshape(-1, order="A")
    with np.errstate(all="ignore"):
        return float(ddot(flat, flat))


def _laid_out(A: Floats) -> tuple[Floats, int]:
    """A itself or its transpose, in Fortran order where one of them is, and whether it is the transpose."""
    return (A.T, 1) if A.flags.c_contiguous and not A.flags.f_contiguous else (A, 0)
