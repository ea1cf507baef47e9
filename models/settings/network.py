"""What the core of training needs to know of a setting: how it fills the equation T = phi(M T + C).

The gradient of the loss by every parameter P is a product L diag(r) R' of factors with one column a
sample, where r = yhat - y, so that neither gradients nor their norms need to be formed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from models.settings.base import Params

Factors = Mapping[str, tuple[Tensor, Tensor | None]]
"""By trained parameter: left (B, k, n) and right (B, l, n); right is None where it is all ones."""


@dataclass(frozen=True)
class Network:
    """A setting as the core sees it.

    `coupling` gives M (B, m, m), a multiple of the parameter `coupled`, and `coupling_norm(params, bound)`
    a bound of its norm from one of that parameter's. `inject(params, X, out)` writes C (B, m, n). `readout`
    names the vector that yhat applies to T, `skip` the one that it applies to C ('' where there is none).
    `factors(params, X, T, C, V)` the factors of all gradients.
    """

    setting: str
    coupled: str
    coupling: Callable[[Params], Tensor]
    coupling_norm: Callable[[Params, Tensor], Tensor]
    inject: Callable[[Params, Tensor, Tensor], object]
    readout: str
    skip: str
    factors: Callable[[Params, Tensor, Tensor, Tensor, Tensor], Factors]
