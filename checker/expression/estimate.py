"""A tree folded in float64 over a batch of runs: for plots and for search, never for a verdict.

Batches come first: a scalar is (B,), a vector (B, k), a matrix (B, k, l). Constants are
0-dimensional and broadcast. Where a run has no value its entries are nan.
"""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import reduce
from typing import Final

import torch
from torch import Tensor

from checker.expression.env import Env, memo_of
from checker.expression.tree import Atom, Binary, Call, Claim, Comparison, Name, Negate, Node, Number, Pi
from checker.expression.words import ENTRYWISE, EXTREMES, FUNCTIONS

CERTAIN: Final = 300.0
"""The margin, in decades, of a claim that holds by itself: more than any quotient of two floats."""

_MAX_SIZE: Final = 2**13

_ENTRYWISE: Final[Mapping[str, Callable[[Tensor], Tensor]]] = {
    "sqrt": torch.sqrt,
    "exp": torch.exp,
    "log": lambda x: torch.where(x > 0, torch.log(x), torch.nan),
    "abs": torch.abs,
    "sin": torch.sin,
    "cos": torch.cos,
    "tanh": torch.tanh,
}


def estimate(node: Node, env: Env[Tensor]) -> Tensor:
    """The value of an expression for every run, in float64; nan where it has none. The tree has shapes."""
    return _Fold(env).node(node)


class _Fold:
    def __init__(self, env: Env[Tensor]) -> None:
        self._env = env
        self._memo = memo_of(env)

    def node(self, node: Node) -> Tensor:
        if isinstance(node, Number):
            return torch.tensor(_float(node.value), dtype=torch.float64)
        if isinstance(node, Pi):
            return torch.tensor(math.pi, dtype=torch.float64)
        if isinstance(node, Name):
            return self._env.name(node.name)
        known = self._memo.get(node)
        if known is None:
            known = self._memo[node] = self._operation(node)
        return known

    def _operation(self, node: Negate | Binary | Call) -> Tensor:
        if isinstance(node, Negate):
            return -self.node(node.argument)
        if isinstance(node, Binary):
            return self._binary(node)
        if node.function not in FUNCTIONS:
            return self._env.call(node)
        return self._call(node)

    def _binary(self, node: Binary) -> Tensor:
        x, y = self.node(node.left), self.node(node.right)
        a, b = len(node.left.shape or ()), len(node.right.shape or ())
        match node.operator:
            case "+":
                return x + y
            case "-":
                return x - y
            case "*":
                return _spread(x, b) * _spread(y, a)
            case "/":
                y = torch.where(y == 0, torch.nan, y)
                return x / _spread(y, a)
            case "**":
                return _power(x, y)
            case _:
                return _product(x, y, a, b)

    def _call(self, node: Call) -> Tensor:
        name, first = node.function, node.arguments[0]
        if name in ("eye", "ones"):
            return _filled(name, self.node(first))
        x = self.node(first)
        if name in ENTRYWISE:
            return _ENTRYWISE[name](x)
        axes = len(first.shape or ())
        if name in EXTREMES and not axes:
            join = torch.minimum if name == "min" else torch.maximum
            return reduce(join, (self.node(argument) for argument in node.arguments))
        if name == "hadamard":
            return x * self.node(node.arguments[1])
        return (_OF_A_VECTOR if axes == 1 else _OF_A_MATRIX)[name](x)


def _float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _spread(scalar: Tensor, axes: int) -> Tensor:
    """A scalar batch (B,) with `axes` further axes, so that it multiplies arrays."""
    return scalar.reshape(scalar.shape + (1,) * axes) if axes and scalar.dim() <= 1 else scalar


def _power(x: Tensor, y: Tensor) -> Tensor:
    result = torch.pow(x, y)
    return torch.where((x == 0) & (y < 0), torch.nan, result)


def _product(x: Tensor, y: Tensor, a: int, b: int) -> Tensor:
    if a == 1 and b == 1:
        return (x * y).sum(-1)
    if b == 1:
        return (x @ y.unsqueeze(-1)).squeeze(-1)
    if a == 1:
        return (x.unsqueeze(-2) @ y).squeeze(-2)
    return x @ y


def _filled(name: str, size: Tensor) -> Tensor:
    k = int(size.reshape(-1)[0].item())
    if not 1 <= k <= _MAX_SIZE:
        return torch.full((1, 1, 1) if name == "eye" else (1, 1), torch.nan, dtype=torch.float64)
    if name == "ones":
        return torch.ones((1, k), dtype=torch.float64, device=size.device)
    return torch.eye(k, dtype=torch.float64, device=size.device).unsqueeze(0)


def _guarded(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The function of each finite matrix of a batch; nan for the others, on which LAPACK would fail."""

    def whole(A: Tensor) -> Tensor:
        fine = torch.isfinite(A).all(-1).all(-1)
        safe = torch.where(fine[..., None, None], A, torch.zeros_like(A))
        result = function(safe)
        return torch.where(_spread(fine, result.dim() - 1), result, torch.nan)

    return whole


def _spectral_norm(A: Tensor) -> Tensor:
    scale = A.abs().amax((-2, -1)).clamp_min(1e-300)
    B = A / scale[..., None, None]
    gram = B @ B.mT if A.shape[-2] <= A.shape[-1] else B.mT @ B
    return scale * torch.linalg.eigvalsh(gram)[..., -1].clamp_min(0).sqrt()


def _inverse(A: Tensor) -> Tensor:
    inverse, info = torch.linalg.inv_ex(A)
    return torch.where((info == 0)[..., None, None], inverse, torch.nan)


def _symmetric_part(A: Tensor) -> Tensor:
    return (A + A.mT) / 2


def _symmetric(A: Tensor) -> Tensor:
    """The symmetric part, where A is symmetric up to rounding; nan elsewhere."""
    gap = (A - A.mT).abs().amax((-2, -1))
    fine = gap <= 1e-9 * A.abs().amax((-2, -1))
    return torch.where(fine[..., None, None], _symmetric_part(A), torch.nan)


_eigenvalues = _guarded(torch.linalg.eigvalsh)

_OF_A_VECTOR: Final[Mapping[str, Callable[[Tensor], Tensor]]] = {
    "norm2": lambda x: torch.linalg.vector_norm(x, dim=-1),
    "norm_fro": lambda x: torch.linalg.vector_norm(x, dim=-1),
    "norm_inf": lambda x: x.abs().amax(-1),
    "norm_1": lambda x: x.abs().sum(-1),
    "sum": lambda x: x.sum(-1),
    "min": lambda x: x.amin(-1),
    "max": lambda x: x.amax(-1),
    "diag": torch.diag_embed,
}
_OF_A_MATRIX: Final[Mapping[str, Callable[[Tensor], Tensor]]] = {
    "norm2": _guarded(_spectral_norm),
    "norm_fro": lambda A: torch.linalg.vector_norm(A, dim=(-2, -1)),
    "norm_inf": lambda A: A.abs().sum(-1).amax(-1),
    "norm_1": lambda A: A.abs().sum(-2).amax(-1),
    "sigma_min": _guarded(lambda A: torch.linalg.svdvals(A)[..., -1]),
    "lambda_min": lambda A: _eigenvalues(_symmetric(A))[..., 0],
    "lambda_max": lambda A: _eigenvalues(_symmetric(A))[..., -1],
    "spectral_radius": _guarded(lambda A: torch.linalg.eigvals(A).abs().amax(-1)),
    "trace": lambda A: A.diagonal(dim1=-2, dim2=-1).sum(-1),
    "sum": lambda A: A.sum((-2, -1)),
    "min": lambda A: A.amin((-2, -1)),
    "max": lambda A: A.amax((-2, -1)),
    "diag": lambda A: A.diagonal(dim1=-2, dim2=-1),
    "transpose": lambda A: A.mT,
    "inv": _guarded(_inverse),
    "symmetric_part": _symmetric_part,
}


def margin(claim: Claim, env: Env[Tensor]) -> Tensor:
    """By how much each run satisfies a claim, (B,): the least over its parts, nan where undefined.

    Positive where it holds. In decades, log10(larger side/smaller side), where both sides
    are positive; else the difference relative to the sides' sizes, between -1 and 1.
    """
    fold = _Fold(env)
    margins = [
        _atom(part, env) if isinstance(part, Atom) else _comparison(part, fold) for part in claim.parts
    ]
    return reduce(torch.minimum, margins)


def _atom(part: Atom, env: Env[Tensor]) -> Tensor:
    truth = env.name(part.node.name) if isinstance(part.node, Name) else env.call(part.node)
    return torch.where(torch.isnan(truth), truth, torch.where(truth > 0.5, CERTAIN, -1.0))


def _comparison(part: Comparison, fold: _Fold) -> Tensor:
    lhs, rhs = torch.broadcast_tensors(fold.node(part.left), fold.node(part.right))
    small, large = (rhs, lhs) if part.operator in (">", ">=") else (lhs, rhs)
    positive = (small > 0) & (large > 0)
    signed = torch.log10(large) - torch.log10(small)
    if not bool(positive.all()):
        size = small.abs() + large.abs()
        relative = (large - small) / torch.where(size > 0, size, 1.0)  # NaN where a side is
        signed = torch.where(positive, signed, relative)
    return -signed.abs() if part.operator == "==" else signed
