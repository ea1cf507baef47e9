"""An equilibrium as a function that torch can differentiate to any order: T = phi(W T + C).

With D = phi'(W T + C), the derivative of T along (dW, dC) is Y = D o (dW T + dC + W Y), and the
gradient of <G, T> is (S T', S) for (W, C), where S = D o (G + W'S): the implicit function theorem,
as on the shared theory page on gradient descent, formula (G). These linear equations are themselves
differentiable functions here, so backward and forward mode nest in any order and work under torch.func.

Everything is solved to rounding level in float64, whatever the floating type of the arguments. What
cannot be solved raises `NotConverged`, in the forward pass and in every derivative.
"""

import math
from collections.abc import Callable
from typing import Any, cast, final

import torch
from torch import Tensor
from torch.autograd import Function, forward_ad

from models.activations import ACTIVATIONS
from models.equilibrium import solve_adjoint, solve_equilibrium

FLOATS = (torch.float32, torch.float64)
"""The types that are taken."""


@final
class NotConverged(ArithmeticError):
    """No equilibrium, or no derivative of one, was found for some runs.

    `runs` are their positions in the batch, all batch axes (those of vmap first) flattened into
    one; `residual` (B,) is the largest relative residual of a column of each run, NaN where undefined.
    """

    def __init__(self, what: str, residual: Tensor, converged: Tensor) -> None:
        self.residual = residual
        self.runs: tuple[int, ...] = tuple((~converged).nonzero().squeeze(1).tolist())
        shown = [f"{run} (residual {float(residual[run]):.1e})" for run in self.runs[:5]]
        listed = ", ".join(shown) + (", ..." if len(self.runs) > len(shown) else "")
        super().__init__(f"{what} not found for {len(self.runs)} of {len(residual)} runs: {listed}")


def _logistic_slope(z: Tensor) -> Tensor:
    return torch.sigmoid(z) * torch.sigmoid(-z)  # accurate in both tails, and so are its derivatives


_SMOOTH: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": lambda z: 4 * _logistic_slope(2 * z),
    "sigmoid": _logistic_slope,
    "softplus": torch.sigmoid,
    "swish": lambda z: torch.sigmoid(z) + z * _logistic_slope(z),
}
"""Slopes that autograd differentiates to any order; those of `ACTIVATIONS` go through |z| or overflow."""


def _slope(W: Tensor, C: Tensor, T: Tensor, activation: str, kink: float) -> Tensor:
    Z = W @ T + C
    return _SMOOTH[activation](Z) if activation in _SMOOTH else ACTIVATIONS[activation].dphi(Z, kink)


def _outer(left: Tensor, right: Tensor, like: Tensor) -> Tensor:
    """left right' for every run, summed over the runs that share one matrix `like` (1 or B, m, m)."""
    product = "bin,bjn->bij" if like.shape[0] == left.shape[0] else "bin,bjn->ij"
    return torch.einsum(product, left, right).reshape(like.shape)


def _state(value: Tensor, axis: int | None, size: int) -> Tensor:
    """A state (B, m, n) with a vmap axis of length `size` at `axis`, or none, as (size * B, m, n)."""
    whole = value.expand(size, *value.shape) if axis is None else value.movedim(axis, 0)
    return whole.reshape(size * whole.shape[1], *whole.shape[2:])


def _matrix(value: Tensor, axis: int | None, size: int, runs: int) -> Tensor:
    """A matrix (1 or `runs`, m, m) as (1 or size * runs, m, m): one that all share is not copied."""
    if axis is None and value.shape[0] == 1:
        return value
    whole = value.expand(size, *value.shape) if axis is None else value.movedim(axis, 0)
    return _state(whole.expand(size, runs, *whole.shape[2:]), 0, size)


def _folded(a: Tensor) -> Tensor:
    """The columns of all runs side by side, (B, m, n) as (1, m, B * n): for runs that share a matrix."""
    return a.movedim(0, 1).reshape(1, a.shape[1], -1)


def _unfolded(a: Tensor, runs: int) -> Tensor:
    return a.reshape(a.shape[1], runs, -1).movedim(1, 0).contiguous()  # forward mode needs one layout


def _equilibria(W: Tensor, C: Tensor, activation: str, kink: float) -> Tensor:
    """The equilibria (B, m, n) for W (1 or B, m, m) and C (B, m, n); raises NotConverged."""
    runs, phi = C.shape[0], ACTIVATIONS[activation]
    if C.numel() == 0:
        return torch.zeros_like(C)
    if W.shape[0] < runs:
        found = solve_equilibrium(W, _folded(C), phi, kink)
        if bool(found.converged.all()):
            return _unfolded(found.value, runs)
    found = solve_equilibrium(W.expand(runs, -1, -1), C, phi, kink)  # each run by itself
    if not bool(found.converged.all()):
        raise NotConverged("equilibrium", found.residual, found.converged)
    return found.value


def _linear_solutions(M: Tensor, D: Tensor, R: Tensor) -> Tensor:
    """Y = D o (R + M Y) for M (1 or B, m, m), D and R (B, m, n); raises NotConverged."""
    runs = R.shape[0]
    if R.numel() == 0:
        return torch.zeros_like(R)
    if M.shape[0] < runs:
        found = solve_adjoint(M.mT, _folded(D), _folded(R))
        if bool(found.converged.all()):
            return _unfolded(found.value, runs)
    found = solve_adjoint(M.mT.expand(runs, -1, -1), D, R)  # each run by itself
    if not bool(found.converged.all()):
        raise NotConverged("derivative of the equilibrium", found.residual, found.converged)
    return found.value


def _save(ctx: Any, *tensors: Tensor) -> None:
    ctx.save_for_backward(*tensors)
    ctx.save_for_forward(*tensors)


def _primals(ctx: Any) -> tuple[Tensor, ...]:
    """The saved tensors without the tangents of the innermost forward mode, but with those of the others."""
    return tuple(forward_ad.unpack_dual(saved).primal for saved in ctx.saved_tensors)


# torch switches forward mode off inside `jvp`, so that a jvp of a jvp would silently be wrong: see _primals
_forward_mode = forward_ad._set_fwd_grad_enabled  # pyright: ignore[reportPrivateUsage]


class _Linear(Function):
    """Y = D o (R + M Y): M (1 or B, m, m), D and R (B, m, n)."""

    @staticmethod
    def forward(M: Tensor, D: Tensor, R: Tensor) -> Tensor:
        return _linear_solutions(M, D, R)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        _save(ctx, *inputs, output)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        M, D, R, Y = ctx.saved_tensors
        (H,) = grad_outputs
        P = _linear(M.mT, D, H)
        dM = _outer(P, Y, M) if ctx.needs_input_grad[0] else None
        dD = (H + M.mT @ P) * (R + M @ Y) if ctx.needs_input_grad[1] else None
        return dM, dD, P

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Tensor) -> Tensor:
        dM, dD, dR = grad_inputs
        with _forward_mode(True):
            M, D, R, Y = _primals(ctx)
            E = dD * (R + M @ Y)
            return E + _linear(M, D, dR + dM @ Y + M @ E)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *args: Tensor) -> tuple[Tensor, int]:
        size = info.batch_size
        D, R = (_state(args[k], in_dims[k], size) for k in (1, 2))
        Y = _linear(_matrix(args[0], in_dims[0], size, len(D) // size), D, R)
        return Y.reshape(size, -1, *Y.shape[1:]), 0


_linear = cast(Callable[[Tensor, Tensor, Tensor], Tensor], _Linear.apply)


class _Equilibrium(Function):
    """T = phi(W T + C): W (1 or B, m, m), C (B, m, n)."""

    @staticmethod
    def forward(W: Tensor, C: Tensor, activation: str, kink: float) -> Tensor:
        return _equilibria(W, C, activation, kink)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, str, float], output: Tensor) -> None:
        W, C, ctx.activation, ctx.kink = inputs
        _save(ctx, W, C, output)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        W, C, T = ctx.saved_tensors
        S = _linear(W.mT, _slope(W, C, T, ctx.activation, ctx.kink), *grad_outputs)
        return (_outer(S, T, W) if ctx.needs_input_grad[0] else None), S, None, None

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Tensor) -> Tensor:
        dW, dC = grad_inputs[:2]
        with _forward_mode(True):
            W, C, T = _primals(ctx)
            return _linear(W, _slope(W, C, T, ctx.activation, ctx.kink), dW @ T + dC)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *args: Any) -> tuple[Tensor, int]:
        size, (W, C, activation, kink) = info.batch_size, args
        states = _state(C, in_dims[1], size)
        T = _equilibrium(_matrix(W, in_dims[0], size, len(states) // size), states, activation, kink)
        return T.reshape(size, -1, *T.shape[1:]), 0


_equilibrium = cast(Callable[[Tensor, Tensor, str, float], Tensor], _Equilibrium.apply)


def _batched(W: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
    """W as (1 or B, m, m) and the states as (B, m, n), float64; raises for arguments that do not fit."""
    shapes = [tuple(a.shape) for a in (W, *states)]
    runs = {shape[0] for shape in shapes if len(shape) == 3}
    m, n = shapes[0][-1:], shapes[1][-1:]
    wanted = [m + m] + [m + n] * len(states)
    if [shape[-2:] for shape in shapes] != wanted or len(runs) > 1 or max(map(len, shapes)) > 3:
        raise ValueError(f"shapes {shapes} are not (m, m) or (B, m, m), then (m, n) or (B, m, n)")
    kinds = {a.dtype for a in (W, *states)}
    if len(kinds) > 1 or W.dtype not in FLOATS:
        raise TypeError(f"one of float32 and float64 is needed for all, not {sorted(map(str, kinds))}")
    size = runs.pop() if runs else 1
    full = [a.to(torch.float64).expand(size, *a.shape[-2:]) for a in states]
    return (W.to(torch.float64).reshape(-1, *W.shape[-2:]), *full)


def check_activation(activation: str, kink: float) -> None:
    if activation not in ACTIVATIONS:
        raise ValueError(f"unknown activation {activation}; known: {', '.join(ACTIVATIONS)}")
    if not math.isfinite(kink) or (kink != 0 and not ACTIVATIONS[activation].has_kink):
        raise ValueError(f"{activation} cannot have the slope {kink} at a kink")


def equilibrium(W: Tensor, C: Tensor, activation: str, *, kink: float = 0.0) -> Tensor:
    """The equilibrium T = phi(W T + C), (B, m, n), or (m, n) where neither argument has a batch axis.

    W is (B, m, m) or (m, m), C is (B, m, n) or (m, n), `activation` a name of `ACTIVATIONS`, `kink` the
    value that phi' takes where the preactivation is exactly at a kink of phi: derivatives there use this
    selection. elu, whose second derivative jumps at 0, has there the one from the left.

    The derivatives are the implicit ones, of any order, by autograd and by torch.func. Several equilibria
    may exist: this is the one found from 0, and the derivatives are those of the branch through it.
    Raises NotConverged where none is found, in a derivative where I - D W is singular; ValueError or
    TypeError for arguments that do not fit.
    """
    check_activation(activation, kink)
    W64, C64 = _batched(W, C)
    T = _equilibrium(W64, C64, activation, float(kink)).to(W.dtype)
    return T.squeeze(0) if W.ndim == C.ndim == 2 else T


def adjoint(W: Tensor, D: Tensor, G: Tensor) -> Tensor:
    """The adjoint S = D o (G + W'S), (B, m, n), or (m, n) where no argument has a batch axis.

    W is (B, m, m) or (m, m), D (the slopes of phi) and G (the derivative by T) are (B, m, n) or (m, n).
    Differentiable to any order. Raises NotConverged where I - W' D is singular to working precision,
    ValueError or TypeError for arguments that do not fit.
    """
    W64, D64, G64 = _batched(W, D, G)
    S = _linear(W64.mT, D64, G64).to(W.dtype)
    return S.squeeze(0) if W.ndim == D.ndim == G.ndim == 2 else S
