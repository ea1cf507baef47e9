"""Is a float matrix exactly symmetric, or diagonal?"""

import numpy as np

from checker.blas.directed import Floats

_BLOCK = 128


def is_symmetric(A: Floats) -> bool:
    """Does A (n, n) equal its transpose, entry by entry? NaN equals nothing."""
    n = A.shape[0]
    return all(
        bool((A[i : i + _BLOCK, j : j + _BLOCK] == A[j : j + _BLOCK, i : i + _BLOCK].T).all())
        for i in range(0, n, _BLOCK)
        for j in range(i, n, _BLOCK)
    )


def require_symmetric(A: Floats) -> None:
    """Raises ValueError for a matrix (n, n) that differs from its transpose."""
    if not is_symmetric(A):
        raise ValueError("a symmetric matrix is needed")


def is_diagonal(A: Floats) -> bool:
    """Are all entries of A (n, n) off the diagonal zero?"""
    if A[0, 1:].any() or A[-1, :-1].any():
        return False
    return int(np.count_nonzero(A)) == int(np.count_nonzero(A.diagonal()))
