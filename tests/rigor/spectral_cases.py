"""Matrices that are hard for certified bounds of eigenvalues: a standing list and random families."""

from collections.abc import Callable, Iterator

import numpy as np

Array = np.ndarray

SCALES = (1.0, 1e-12, 1e150, 1e-150, 1e300, 1e-300, 2.0**900, 5e-324 * 2.0**20)


def symmetrised(A: Array) -> Array:
    """A with its lower triangle copied onto the upper one."""
    return np.tril(A) + np.tril(A, -1).T


def orthogonal(rng: np.random.Generator, n: int) -> Array:
    """About an orthogonal matrix (n, n)."""
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def with_spectrum(rng: np.random.Generator, values: Array) -> Array:
    """About a symmetric matrix with these eigenvalues."""
    Q = orthogonal(rng, len(values))
    return symmetrised((Q * values) @ Q.T)


def wishart(rng: np.random.Generator, n: int, rows: int) -> np.ndarray:
    """The product T'T/rows for Gaussian T (rows, n)."""
    T = rng.standard_normal((rows, n))
    return symmetrised(T.T @ T / rows)


def singular_gram(rng: np.random.Generator, n: int) -> Array:
    """An integer Gram matrix of rank below n, exactly."""
    T = rng.integers(-3, 4, (max(n - 1, 1), n)).astype(float)
    T[:, -1] = T[:, 0] if n > 1 else 0.0
    return T.T @ T


def graded(rng: np.random.Generator, n: int) -> Array:
    """Positive definite, its rows and columns scaled over 24 decades."""
    D = 10.0 ** -np.linspace(0, 12, n)
    T = rng.standard_normal((2 * n, n))
    return symmetrised(D[:, None] * (T.T @ T) * D)


def clustered(rng: np.random.Generator, n: int) -> Array:
    """The two least eigenvalues, and all others, nearly equal."""
    values = 1 + 1e-13 * rng.standard_normal(n)
    values[:2] = 0.5 + 1e-14 * rng.standard_normal(min(n, 2))
    return with_spectrum(rng, values)


def hilbert(rng: np.random.Generator, n: int) -> Array:
    """The Hilbert matrix in floats, from a random corner."""
    k = int(rng.integers(1, 4))
    return 1.0 / (np.arange(n)[:, None] + np.arange(n) + k)


def edge(rng: np.random.Generator, n: int) -> Array:
    """A projection, moved by a few units in the last place."""
    v = rng.standard_normal(n)
    factor = 1 + int(rng.integers(-3, 4)) * 2.0**-52
    return symmetrised(np.eye(n) - factor * np.outer(v, v) / (v @ v))


def indefinite(rng: np.random.Generator, n: int) -> Array:
    """Random entries."""
    return symmetrised(rng.standard_normal((n, n)))


def tiny_least(rng: np.random.Generator, n: int) -> Array:
    """A least eigenvalue somewhere between -1e-12 and 1e-18 of the greatest."""
    values = np.linspace(0.3, 1.0, n)
    values[0] = float(rng.choice([-1e-12, -1e-16, 1e-18, 1e-16, 1e-14, 1e-10]))
    return with_spectrum(rng, values)


def sparse(rng: np.random.Generator, n: int) -> Array:
    """Mostly zeros; often diagonal, sometimes zero."""
    return symmetrised(rng.integers(-2, 3, (n, n)) * (rng.random((n, n)) < 1 / (n + 1)).astype(float))


SYMMETRIC: tuple[Callable[[np.random.Generator, int], Array], ...] = (
    singular_gram,
    graded,
    clustered,
    hilbert,
    edge,
    indefinite,
    tiny_least,
    sparse,
)


def rectangular(rng: np.random.Generator, m: int, n: int, kind: int) -> Array:
    """A matrix (m, n): Gaussian, of integers and deficient rank, ill-conditioned, graded, or orthonormal."""
    G = rng.standard_normal((m, n))
    if kind == 0:
        return G
    if kind == 1:
        T = rng.integers(-4, 5, (m, n)).astype(float)
        T[:, -1] = T[:, 0]
        return T
    U, _, V = np.linalg.svd(G, full_matrices=False)
    if kind == 2:
        return (U * 10.0 ** -np.linspace(0, float(rng.integers(2, 17)), min(m, n))) @ V
    if kind == 3:
        return G * 10.0 ** -np.linspace(0, 15, n)
    return U @ V * (1 + 1e-14 * rng.standard_normal((m, n)))


def standing() -> Iterator[Array]:
    """Symmetric matrices met before as hard, or with answers on an edge."""
    H = np.array([[1.0]])
    for _ in range(4):
        yield H + H.T if H.shape[0] > 1 else H
        H = np.block([[H, H], [H, -H]])
    yield np.zeros((3, 3))
    yield np.eye(5)
    yield np.ones((6, 6))
    yield np.diag([1.0, 1e-20, 1e-200, 5e-324])
    yield np.array([[1.0, 1e-170], [1e-170, 1e-320]])
    yield np.array([[1e-320, 2e-320], [2e-320, 4e-320]])
    yield np.array([[1.0, 2.0**-26], [2.0**-26, 2.0**-52]])
    yield np.array([[1.0, 2.0**-26], [2.0**-26, 2.0**-52 + 2.0**-104]])
    yield np.array([[1.0, 2.0**-26], [2.0**-26, 2.0**-52 - 2.0**-104]])
    yield np.array([[1.7e308, 1.7e308], [1.7e308, -1.7e308]])
    yield np.array([[0.0, 1e300], [1e300, 0.0]])
    yield np.array([[2.0, 1.0], [1.0, 2.0]]) * 1e-310
