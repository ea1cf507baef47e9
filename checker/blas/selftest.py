"""Looks for violations of assumption (B) in the matrix products at hand.

The products of `checker.blas.probes` are compared by their bits, since a comparison of floats that
flushes subnormal numbers does not see that they differ. Found are other formats than float64, other
rounding than to nearest (in any worker thread: sizes are used that occupy them), algorithms that mix
entries of different rows or columns, products emulated in fixed point, and flushing. Passing is
necessary for (B), not sufficient.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from checker.blas.directed import Floats
from checker.blas.probes import failed, forget, gram_probe, product_probe
from checker.blas.routines import ddot, dlauum, dsyrk, image, lower_gram, product
from checker.rounding import rounds_to_nearest

SIZES = ((6, 7, 9), (33, 37, 17), (192, 200, 196))
"""Rows, inner length and columns of the products examined: scalar code, one kernel, all threads."""


@dataclass(frozen=True)
class SelfTest:
    """Did the products on a device ("cpu" or "cuda") pass, and if not, what failed in which product?"""

    device: str
    passed: bool
    failures: tuple[str, ...]


def selftest(device: str = "cpu") -> SelfTest:
    """Examines the products that bounds rely on, once per process and device.

    On the CPU NumPy's and SciPy's, on a GPU torch's. A device that cannot be used does not pass.
    """
    return _selftest(device)


@cache
def _selftest(device: str) -> SelfTest:
    try:
        found = _on_cpu() if device == "cpu" else examine_torch(device)
    except (ArithmeticError, AssertionError, ImportError, RuntimeError) as problem:
        found = (f"not usable: {type(problem).__name__}",)
    forget()
    return SelfTest(device, not found, found)


def trusted() -> bool:
    """Do the products of the CPU satisfy (B) as far as is known, and does this thread round as it should?"""
    return _selftest("cpu").passed and rounds_to_nearest(1.0)


def examine(
    multiply: Callable[[Floats, Floats], Floats], sizes: tuple[tuple[int, int, int], ...] = SIZES
) -> tuple[str, ...]:
    """The probes that a product of float64 arrays (m, k) @ (k, n) fails, k >= 5."""
    names = []
    with np.errstate(all="ignore"):
        for size in sizes:
            probe = product_probe(*size)
            names += failed(probe, multiply(probe.left.copy(), probe.right.copy()))
    return tuple(dict.fromkeys(names))


def examine_gram(
    gram: Callable[[Floats], Floats], sizes: tuple[tuple[int, int, int], ...] = SIZES
) -> tuple[str, ...]:
    """The probes that a product T'T of a float64 array T (m, n) fails, in its lower triangle.

    T is (k, n) for the sizes (m, k, n).
    """
    names = []
    with np.errstate(all="ignore"):
        for _, k, n in sizes:
            probe = gram_probe(k, n)
            names += failed(probe, gram(probe.right.copy()), lower=True)
    return tuple(dict.fromkeys(names))


def _on_cpu() -> tuple[str, ...]:
    found = {
        "this thread": () if rounds_to_nearest(1.0) else ("rounding",),
        "gemm of NumPy": examine(np.matmul),
        "gemv of NumPy": examine(_column_by_column, ((33, 37, 4), (192, 200, 4))),
        "gemm of SciPy": examine(product),
        "gemv of SciPy": examine(_by_vectors, ((192, 200, 4),)),
        "dot of SciPy": examine(_by_dots, ((1, 20011, 4), (4, 31, 4))),
        "einsum": examine(_by_einsum, SIZES[:2]),
        "syrk of NumPy": examine_gram(lambda T: T.T @ T),
        "syrk of SciPy": examine_gram(lower_gram),
        "syrk of SciPy, upper": examine_gram(lambda T: dsyrk(1.0, T, trans=1, lower=0).T),
        "lauum": examine_gram(_by_triangle, ((0, 150, 160),)),
    }
    return tuple(f"{product}: {name}" for product, names in found.items() for name in names)


def _column_by_column(A: Floats, B: Floats) -> Floats:
    return np.stack([A @ column for column in B.T.copy()], axis=1)


def _by_vectors(A: Floats, B: Floats) -> Floats:
    return np.stack([image(A, column) for column in B.T.copy()], axis=1)


def _by_dots(A: Floats, B: Floats) -> Floats:
    return np.array([[ddot(row, column) for column in B.T.copy()] for row in A])


def _by_einsum(A: Floats, B: Floats) -> Floats:
    return np.stack([np.einsum("...k,...k->...", A, np.tile(c, (A.shape[0], 1))) for c in B.T], axis=1)


def _by_triangle(T: Floats) -> Floats:
    """T'T as a block of UU', U = [[0, T'], [0, 0]]."""
    m, n = T.shape
    U = np.zeros((n + m, n + m), order="F")
    U[:n, n:] = T.T
    product, _ = dlauum(U, lower=0, overwrite_c=1)
    return product[:n, :n].T


def examine_torch(device: str) -> tuple[str, ...]:
    """The probes that torch's products fail on one of its devices."""
    import torch

    def multiply(A: Floats, B: Floats) -> Floats:
        return (torch.from_numpy(A).to(device) @ torch.from_numpy(B).to(device)).cpu().numpy()

    def gram(T: Floats) -> Floats:
        there = torch.from_numpy(T).to(device)
        return (there.T @ there).cpu().numpy()

    found = {"gemm": examine(multiply), "gram": examine_gram(gram)}
    return tuple(f"{product}: {name}" for product, names in found.items() for name in names)
