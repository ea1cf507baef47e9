"""The two equations of a step: T = phi(M T + C), and V = D o (a + M'V) with D = phi'(M T + C)."""

from collections.abc import Callable

import torch
from torch import Tensor

from models.activations import LEAK, Activation
from models.core.picard import Apply, Equation, Rows

IntoTensor = Callable[[Tensor], object]

_IN_PLACE: dict[str, IntoTensor] = {
    "relu": lambda z: z.relu_(),
    "tanh": lambda z: z.tanh_(),
    "erf": lambda z: z.erf_(),
    "abs": lambda z: z.abs_(),
    "sin": lambda z: z.sin_(),
    "identity": lambda z: z,
}


def _phi_into(activation: Activation) -> Callable[[Tensor], object]:
    """phi of a tensor, in its place."""
    found = _IN_PLACE.get(activation.name)
    return found if found is not None else lambda z: z.copy_(activation.phi(z))


def slope_of_image(name: str, kink: float, image: Tensor, out: Tensor) -> bool:
    """Write phi'(z) where phi(z) = image, if that is cheap; else write nothing and return False."""
    if name == "tanh":
        torch.mul(image, image, out=out)
        out.neg_().add_(1)
    elif name == "relu" and kink == 0:
        torch.gt(image, 0, out=out)
    elif name == "leaky-relu" and kink == LEAK:
        torch.gt(image, 0, out=out)
        out.mul_(1 - LEAK).add_(LEAK)
    elif name == "identity":
        out.fill_(1)
    else:
        return False
    return True


def _of(tensor: Tensor, rows: Rows) -> Tensor:
    return tensor if rows is None else tensor.index_select(0, rows)


def forward(
    C: Tensor, M: Tensor, single: Callable[[], Tensor], activation: Activation, kink: float
) -> Equation:
    """T = phi(M T + C); `single()` is M in float32."""
    into = _phi_into(activation)

    def first(out: Tensor) -> None:
        out.copy_(C)
        into(out)

    def apply(state: Tensor, out: Tensor) -> None:
        torch.baddbmm(C, M, state, out=out)
        into(out)

    def matrix(rows: Rows) -> Tensor:
        return _of(single(), rows)

    def slope(image: Tensor, rows: Rows) -> Tensor:
        out = torch.empty_like(image)
        if not slope_of_image(activation.name, kink, image, out):
            torch.baddbmm(_of(C, rows), _of(M, rows), image, out=out)
            out = activation.dphi(out, kink)
        return out.to(torch.float32)

    def rough(rows: Rows) -> Apply:
        injection, coupling = _of(C, rows).to(torch.float32), matrix(rows)

        def sweep(state: Tensor, out: Tensor) -> None:
            torch.baddbmm(injection, coupling, state, out=out)
            into(out)

        return sweep

    def restrict(rows: Tensor) -> Equation:
        fewer = C.index_select(0, rows), M.index_select(0, rows)
        return forward(*fewer, lambda: single().index_select(0, rows), activation, kink)

    return Equation(first, apply, matrix, slope, rough, restrict)


def backward(D: Tensor, M: Tensor, single: Callable[[], Tensor], a: Tensor) -> Equation:
    """V = D o (a + M'V) with a (B, m), one number a row; `single()` is M in float32."""
    transposed, source = M.mT, a.unsqueeze(-1).expand_as(D)

    def first(out: Tensor) -> None:
        torch.mul(D, source, out=out)

    def apply(state: Tensor, out: Tensor) -> None:
        torch.baddbmm(source, transposed, state, out=out)
        out.mul_(D)

    def matrix(rows: Rows) -> Tensor:
        return _of(single(), rows).mT

    def slope(_image: Tensor, rows: Rows) -> Tensor:
        return _of(D, rows).to(torch.float32)

    def restrict(rows: Tensor) -> Equation:
        fewer = D.index_select(0, rows), M.index_select(0, rows)
        return backward(*fewer, lambda: single().index_select(0, rows), a.index_select(0, rows))

    return Equation(first, apply, matrix, slope, None, restrict)
