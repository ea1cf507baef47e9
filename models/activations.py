"""The activations of the specification, entrywise on float64 tensors of any shape.

`phi` is the activation and `dphi` a selection of its derivative: at the kinks of relu,
leaky-relu and abs (the single point 0) it takes the value the caller names.

Every function here gives an entry the same bits wherever it stands in an array of whatever
size: trajectories are reproduced alone and in batches only because of that.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

LEAK = 0.01
"""The slope of leaky-relu left of 0."""

_SQRT2 = math.sqrt(2)
_SQRT_2PI = math.sqrt(2 * math.pi)


@dataclass(frozen=True)
class Activation:
    """One activation and its constants, as floats (estimates, never bounds).

    `dphi(z, kink)` takes the value `kink` exactly where `z == 0` if phi has a kink there.
    `lipschitz` is the Lipschitz constant of phi, `lipschitz_derivative` that of its
    derivative (inf where phi has a kink), `at_zero` is |phi(0)|.
    """

    name: str
    phi: Callable[[Tensor], Tensor]
    dphi: Callable[[Tensor, float], Tensor]
    lipschitz: float
    lipschitz_derivative: float
    at_zero: float = 0.0
    has_kink: bool = False


def _slopes(left: float, right: float) -> Callable[[Tensor, float], Tensor]:
    """The derivative of a function with slope `left` before 0 and `right` after it."""

    def dphi(z: Tensor, kink: float) -> Tensor:
        slopes = torch.full_like(z, kink)  # two Python numbers in torch.where would make it float32
        slopes = torch.where(z > 0, right, torch.where(z < 0, left, slopes))
        return torch.where(torch.isnan(z), z, slopes)

    return dphi


def _leaky_relu(z: Tensor) -> Tensor:
    return torch.where(z > 0, z, LEAK * z)


def _sigmoid(z: Tensor) -> Tensor:
    return torch.reciprocal(1 + torch.exp(-z))  # torch.sigmoid depends on where in the array z stands


def _softplus(z: Tensor) -> Tensor:
    return z.clamp(min=0) + torch.log1p(torch.exp(-z.abs()))  # torch's own softplus is linear beyond 20


def _elu(z: Tensor) -> Tensor:
    return torch.where(z > 0, z, torch.expm1(z.clamp(max=0)))


def _identity(z: Tensor) -> Tensor:
    return z.clone()


def _gelu(z: Tensor) -> Tensor:
    return z * torch.special.ndtr(z)


def _swish(z: Tensor) -> Tensor:
    return z * _sigmoid(z)


def _d_identity(z: Tensor, _kink: float) -> Tensor:
    return torch.where(torch.isnan(z), z, torch.ones_like(z))


def _d_tanh(z: Tensor, _kink: float) -> Tensor:
    slope = 4 * _d_sigmoid(2 * z, _kink)  # accurate in the tails, unlike 1 - tanh**2
    return slope.clamp(max=1)


def _d_erf(z: Tensor, _kink: float) -> Tensor:
    return 2 / math.sqrt(math.pi) * torch.exp(-z * z)


def _d_sigmoid(z: Tensor, _kink: float) -> Tensor:
    tail = torch.exp(-z.abs())
    return tail / ((1 + tail) * (1 + tail))


def _d_softplus(z: Tensor, _kink: float) -> Tensor:
    return _sigmoid(z)


def _d_sin(z: Tensor, _kink: float) -> Tensor:
    return torch.cos(z)


def _d_gelu(z: Tensor, _kink: float) -> Tensor:
    return torch.special.ndtr(z) + z * torch.exp(-z * z / 2) / _SQRT_2PI


def _d_elu(z: Tensor, _kink: float) -> Tensor:
    return torch.exp(z.clamp(max=0))


def _d_swish(z: Tensor, _kink: float) -> Tensor:
    return _sigmoid(z) + z * _d_sigmoid(z, _kink)


_GELU_SLOPE = 0.5 * (1 + math.erf(1.0)) + _SQRT2 * math.exp(-1.0) / _SQRT_2PI  # phi'(sqrt 2)
_SWISH_SLOPE = 1.099839320128867  # phi'(x) where x*tanh(x/2) == 2

ACTIVATIONS: dict[str, Activation] = {
    act.name: act
    for act in (
        Activation("relu", torch.relu, _slopes(0.0, 1.0), 1.0, math.inf, has_kink=True),
        Activation("leaky-relu", _leaky_relu, _slopes(LEAK, 1.0), 1.0, math.inf, has_kink=True),
        Activation("identity", _identity, _d_identity, 1.0, 0.0),
        Activation("tanh", torch.tanh, _d_tanh, 1.0, 4 / (3 * math.sqrt(3))),
        Activation("erf", torch.erf, _d_erf, 2 / math.sqrt(math.pi), 4 / _SQRT_2PI * math.exp(-0.5)),
        Activation("sigmoid", _sigmoid, _d_sigmoid, 0.25, 1 / (6 * math.sqrt(3)), 0.5),
        Activation("softplus", _softplus, _d_softplus, 1.0, 0.25, math.log(2)),
        Activation("sin", torch.sin, _d_sin, 1.0, 1.0),
        Activation("abs", torch.abs, _slopes(-1.0, 1.0), 1.0, math.inf, has_kink=True),
        Activation("gelu", _gelu, _d_gelu, _GELU_SLOPE, 2 / _SQRT_2PI),
        Activation("elu", _elu, _d_elu, 1.0, 1.0),
        Activation("swish", _swish, _d_swish, _SWISH_SLOPE, 0.5),
    )
}
"""Every activation by the name a user writes."""
