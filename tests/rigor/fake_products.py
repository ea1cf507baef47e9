"""Matrix products that break assumption (B), each in one way that real libraries have been seen to."""

from collections.abc import Callable

import numpy as np

Multiply = Callable[[np.ndarray, np.ndarray], np.ndarray]


def in_float32(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """A product in single precision."""
    return (A.astype(np.float32) @ B.astype(np.float32)).astype(np.float64)


def strassen(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """One level of Strassen's algorithm, zero-padded to even sizes."""
    (m, k), n = A.shape, B.shape[1]
    A = np.pad(A, ((0, m % 2), (0, k % 2)))
    B = np.pad(B, ((0, k % 2), (0, n % 2)))
    h, i, j = A.shape[0] // 2, A.shape[1] // 2, B.shape[1] // 2
    a, b, c, d = A[:h, :i], A[:h, i:], A[h:, :i], A[h:, i:]
    e, f, g, p = B[:i, :j], B[:i, j:], B[i:, :j], B[i:, j:]
    m1, m2, m3 = (a + d) @ (e + p), (c + d) @ e, a @ (f - p)
    m4, m5, m6, m7 = d @ (g - e), (a + b) @ p, (c - a) @ (e + f), (b - d) @ (g + p)
    return np.block([[m1 + m4 - m5 + m7, m3 + m5], [m2 + m4, m1 - m2 + m3 + m6]])[:m, :n]


def fixed_point(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Emulation with 55 bits below the greatest entry of each row of A and column of B."""
    return _fixed(A, 1) @ _fixed(B, 0)


def _fixed(A: np.ndarray, axis: int) -> np.ndarray:
    exponents = np.frexp(np.abs(A).max(axis=axis, keepdims=True))[1]
    return np.ldexp(np.rint(np.ldexp(A, 55 - exponents)), exponents - 55)


def flushed(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Subnormal operands and results become zero."""
    return _flush(_flush(A) @ _flush(B))


def _flush(A: np.ndarray) -> np.ndarray:
    return np.where(np.abs(A) < 2.0**-1022, 0.0, A)


def results_flushed(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Only subnormal results become zero."""
    return _flush(A @ B)


def one_worker_rounds(up: bool) -> Multiply:
    """The last third of the columns is rounded upwards, or towards zero."""

    def multiply(A: np.ndarray, B: np.ndarray) -> np.ndarray:
        first = 2 * B.shape[1] // 3
        out = A @ B
        out[:, first:] = directed(A, B[:, first:], up=up)
        return out

    return multiply


def directed(A: np.ndarray, B: np.ndarray, *, up: bool) -> np.ndarray:
    """The product with every product and sum rounded in one direction, by error-free transformations."""
    total = np.zeros((A.shape[0], B.shape[1]))
    for k in range(A.shape[1]):
        if A[:, k].any() and B[k].any():
            product, error = _two_products(A[:, k : k + 1], B[k : k + 1])
            product = _adjusted(product, error, up)
            rounded = total + product
            virtual = rounded - total
            rest = (total - (rounded - virtual)) + (product - virtual)
            total = _adjusted(rounded, rest, up)
    return total


def _two_products(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    (high, low), (top, rest) = _halves(a), _halves(b)
    product = a * b
    return product, low * rest - (((product - high * top) - low * top) - high * rest)


def _halves(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    large = 134217729.0 * a
    high = large - (large - a)
    return high, a - high


def _adjusted(x: np.ndarray, error: np.ndarray, up: bool) -> np.ndarray:
    if up:
        return np.where(error > 0, np.nextafter(x, np.inf), x)
    towards = np.where(x > 0, error < 0, error > 0)
    return np.where(towards, np.nextafter(x, 0.0), x)
