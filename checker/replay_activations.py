"""The second code path, activations: the twelve of the specification and their constants, in mpmath."""

from collections.abc import Callable, Mapping
from typing import Final

from mpmath import mp

from checker.replay_values import Real, Undefined, tiny

LEAK: Final = 100
"""The slope of leaky-relu left of 0 is one part in LEAK."""

SLOPES: Final[Mapping[str, tuple[int, int, int]]] = {
    "relu": (0, 1, 1),
    "leaky-relu": (1, LEAK, LEAK),
    "abs": (-1, 1, 1),
    "identity": (1, 1, 1),
}
"""Piecewise linear activations: slopes before and after 0, over a common denominator."""


def _logistic(z: Real) -> Real:
    return 1 / (1 + mp.exp(-z))


def _normal(z: Real) -> Real:
    return (1 + mp.erf(z / mp.sqrt(2))) / 2


def _density(z: Real) -> Real:
    return mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi)


def _d_logistic(z: Real) -> Real:
    return _logistic(z) * (1 - _logistic(z))


_SMOOTH: Final[Mapping[str, tuple[Callable[[Real], Real], Callable[[Real], Real]]]] = {
    "tanh": (mp.tanh, lambda z: 1 - mp.tanh(z) ** 2),
    "erf": (mp.erf, lambda z: 2 / mp.sqrt(mp.pi) * mp.exp(-z * z)),
    "sigmoid": (_logistic, _d_logistic),
    "softplus": (lambda z: mp.log(1 + mp.exp(z)), _logistic),
    "sin": (mp.sin, mp.cos),
    "gelu": (lambda z: z * _normal(z), lambda z: _normal(z) + z * _density(z)),
    "elu": (lambda z: z if z > 0 else mp.exp(z) - 1, lambda z: mp.mpf(1) if z > 0 else mp.exp(z)),
    "swish": (lambda z: z * _logistic(z), lambda z: _logistic(z) + z * _d_logistic(z)),
}


def phi(name: str, z: Real) -> Real:
    """The activation at one number."""
    if name in SLOPES:
        left, right, unit = SLOPES[name]
        return z * (left if z < 0 else right) / unit
    return _SMOOTH[name][0](z)


def slope(name: str, z: Real, kink: Real) -> Real:
    """Its derivative; `kink` where there is none and z is zero to working precision."""
    if name in SLOPES:
        left, right, unit = SLOPES[name]
        if left != right and abs(z) <= tiny():
            return kink
        return mp.mpf(left if z < 0 else right) / unit
    return _SMOOTH[name][1](z)


def lipschitz(name: str) -> Real:
    """The largest |phi'|."""
    if name == "gelu":
        return slope(name, mp.sqrt(2), mp.mpf(0))
    if name == "swish":
        return slope(name, mp.findroot(lambda x: x * mp.tanh(x / 2) - 2, mp.mpf("2.4")), mp.mpf(0))
    return {"erf": 2 / mp.sqrt(mp.pi), "sigmoid": mp.mpf(1) / 4}.get(name, mp.mpf(1))


def lipschitz_derivative(name: str) -> Real:
    """The largest |phi''|; Undefined where phi has a kink."""
    if name == "identity":
        return mp.mpf(0)
    found = {
        "tanh": lambda: 4 / (3 * mp.sqrt(3)),
        "erf": lambda: 2 * mp.sqrt(2 / (mp.pi * mp.e)),
        "sigmoid": lambda: 1 / (6 * mp.sqrt(3)),
        "softplus": lambda: mp.mpf(1) / 4,
        "sin": lambda: mp.mpf(1),
        "gelu": lambda: mp.sqrt(2 / mp.pi),
        "elu": lambda: mp.mpf(1),
        "swish": lambda: mp.mpf(1) / 2,
    }.get(name)
    if found is None:
        raise Undefined(f"the derivative of {name} is not Lipschitz")
    return found()
