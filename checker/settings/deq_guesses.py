"""The activations in float64, for guesses of equilibria and adjoints: estimates, never bounds."""

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, expit, ndtr  # pyright: ignore[reportMissingTypeStubs]

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]

_SLOPES: Final[Mapping[str, tuple[float, float]]] = {
    "relu": (0.0, 1.0),
    "leaky-relu": (0.01, 1.0),
    "identity": (1.0, 1.0),
    "abs": (-1.0, 1.0),
}
"""Piecewise linear activations: the slopes before and after 0; the one after is 1."""


def _density(z: Floats) -> Floats:
    return np.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _d_tanh(z: Floats) -> Floats:
    return 4 * expit(2 * z) * expit(-2 * z)  # accurate in the tails, unlike 1 - tanh**2


def _d_sigmoid(z: Floats) -> Floats:
    return expit(z) * expit(-z)


_SMOOTH: Final[Mapping[str, tuple[Function, Function]]] = {
    "tanh": (np.tanh, _d_tanh),
    "erf": (erf, lambda z: 2 / math.sqrt(math.pi) * np.exp(-z * z)),
    "sigmoid": (expit, _d_sigmoid),
    "softplus": (lambda z: np.logaddexp(z, 0.0), expit),
    "sin": (np.sin, np.cos),
    "gelu": (lambda z: z * ndtr(z), lambda z: ndtr(z) + z * _density(z)),
    "elu": (lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0.0))), lambda z: np.exp(np.minimum(z, 0.0))),
    "swish": (lambda z: z * expit(z), lambda z: expit(z) + z * _d_sigmoid(z)),
}


def float_phi(name: str, Z: Floats) -> Floats:
    """phi of every entry; an overflow is left as it comes."""
    if name == "relu":
        return np.maximum(Z, 0.0)
    if name in _SLOPES:
        return np.where(Z > 0, Z, _SLOPES[name][0] * Z)
    with np.errstate(all="ignore"):
        return _SMOOTH[name][0](Z)


def float_dphi(name: str, Z: Floats, kink: float) -> Floats:
    """phi' of every entry, `kink` where there is none and the entry is zero."""
    if name in _SLOPES:
        left, right = _SLOPES[name]
        if left == right:
            return np.full_like(Z, left)
        return np.where(Z > 0, right, np.where(Z < 0, left, kink))
    with np.errstate(all="ignore"):
        return _SMOOTH[name][1](Z)
