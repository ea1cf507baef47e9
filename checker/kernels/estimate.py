"""Float64 estimates of the population kernels: for plots and first guesses, never for a verdict.

relu, leaky-relu and abs use closed forms; elu a Gauss-Legendre rule on either side of its kink; the others
Hermite coefficients by the trapezoid rule, kappa = sum_k a_k(q1)a_k(q2)*rho**k (kernels.md K1.4).
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, expit, ndtr  # pyright: ignore[reportMissingTypeStubs]

Array: TypeAlias = NDArray[np.float64]
Function: TypeAlias = Callable[[Array], Array]

_DEGREE = 200
_MOST_ROUNDS = 2000
_NODES: Array = np.linspace(-14.0, 14.0, 561)
_WEIGHTS: Array = np.asarray(0.05 * np.exp(-(_NODES**2) / 2) / np.sqrt(2 * np.pi), dtype=np.float64)
_LEAK = 0.01


def population_gram_estimate(activation: str, A: float, C: Array) -> Array:
    """An estimate of K (n, n), the fixed point K = kappa(A*K + C), by iteration from 0.

    C is symmetric positive semidefinite. Where the iteration does not settle its last value is returned.
    """
    gram = np.zeros_like(C)
    for _ in range(_MOST_ROUNDS):
        update = _dual(activation, A * gram + C, derivative=False)
        moved = float(np.abs(update - gram).max(initial=0.0))
        gram = update
        if not moved > 1e-16 * float(np.abs(gram).max(initial=0.0)):
            break
    return gram


def population_ntk_estimate(
    activation: str, A: float, C: Array, a_scale: float, trains: tuple[str, ...]
) -> Array:
    """An estimate of the limit (n, n) of NTK/m: [a] K + [W] a_scale * kappadot/(1 - A*kappadot) o K."""
    K = population_gram_estimate(activation, A, C)
    out = np.zeros_like(K)
    if "a" in trains:
        out = out + K
    if "W" in trains and a_scale != 0:
        bend = _dual(activation, A * K + C, derivative=True)
        out = out + a_scale * bend / (1 - A * bend) * K
    return out


def _sigmoid_derivative(x: Array) -> Array:
    return expit(x) * expit(-x)


def _density(x: Array) -> Array:
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


_SMOOTH: dict[str, tuple[Function, Function]] = {
    "identity": (lambda x: x, np.ones_like),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "erf": (erf, lambda x: 2 / np.sqrt(np.pi) * np.exp(-x * x)),
    "sigmoid": (expit, _sigmoid_derivative),
    "softplus": (lambda x: np.logaddexp(0.0, x), expit),
    "sin": (np.sin, np.cos),
    "gelu": (lambda x: x * ndtr(x), lambda x: ndtr(x) + x * _density(x)),
    "swish": (lambda x: x * expit(x), lambda x: expit(x) + x * _sigmoid_derivative(x)),
}


def _dual(activation: str, Q: Array, *, derivative: bool) -> Array:
    s = np.sqrt(np.maximum(np.diag(Q), 0.0))
    scale = np.outer(s, s)
    rho = np.clip(np.divide(Q, scale, out=np.zeros_like(Q), where=scale > 0), -1.0, 1.0)
    np.fill_diagonal(rho, 1.0)
    if activation in _SMOOTH:
        return _series(_SMOOTH[activation][int(derivative)], s, rho)
    if activation == "elu":
        return _elu(s, rho, derivative=derivative)
    theta = np.arccos(rho)
    if derivative:
        plain = (1 - theta / np.pi) / 2
        bent = {"relu": plain, "leaky-relu": (1 - _LEAK) ** 2 * plain + _LEAK, "abs": 1 - 2 * theta / np.pi}
        return bent[activation]
    base = scale * (np.sin(theta) + rho * (np.pi - theta)) / (2 * np.pi)
    cross = scale * rho
    values = {"relu": base, "leaky-relu": (1 - _LEAK) ** 2 * base + _LEAK * cross, "abs": 4 * base - cross}
    return values[activation]


def _series(phi: Function, s: Array, rho: Array) -> Array:
    values = phi(np.outer(s, _NODES)) * _WEIGHTS
    older, old = np.zeros_like(_NODES), np.ones_like(_NODES)
    total = np.zeros_like(rho)
    power = np.ones_like(rho)
    for degree in range(_DEGREE + 1):
        coefficient = values @ old
        total += np.outer(coefficient, coefficient) * power
        older, old = old, (_NODES * old - np.sqrt(degree) * older) / np.sqrt(degree + 1)
        power = power * rho
    return total


def _elu(s: Array, rho: Array, *, derivative: bool) -> Array:
    nodes, shares = np.polynomial.legendre.leggauss(60)
    half = 5 * (nodes + 1)
    g = np.concatenate([-half[::-1], half])
    weights = np.concatenate([shares[::-1], shares]) * 5 * _density(g)
    u = s[:, None, None] * g
    first = np.where(
        u > 0, 1.0 if derivative else u, np.exp(np.minimum(u, 0.0)) - (0.0 if derivative else 1.0)
    )
    centre = (s[None, :] * rho)[:, :, None] * g
    spread = np.maximum((s[None, :] * np.sqrt(1 - rho * rho))[:, :, None], 1e-9)
    z = centre / spread
    below = np.exp(np.minimum(centre, 50.0) + spread**2 / 2) * ndtr(-z - spread)
    lifted = ndtr(z) if derivative else centre * ndtr(z) + spread * _density(z) - ndtr(-z)
    return np.sum(first * (lifted + below) * weights, axis=2)
