"""What every model family shares: the problem, its parameters, and lazily computed estimates."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from models.activations import ACTIVATIONS
from models.equilibrium import Solution

Params = dict[str, Tensor]
"""Parameter arrays by name, batch first: a matrix is (B, k, l), a vector (B, k)."""


@dataclass(frozen=True)
class Problem:
    """What is trained on what, for a batch of B runs.

    `X` (B, d, n) has one sample a column, `y` (B, n) the labels; `activation` is a name of
    `ACTIVATIONS` (None where the setting has none), `kink` the value of phi' where phi has a
    kink, `trains` the parameters that move. Tensors are float64 and share a device.
    Raises ValueError for tensors that do not fit.
    """

    setting: str
    X: Tensor
    y: Tensor
    activation: str | None = None
    kink: float = 0.0
    trains: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.X.ndim != 3 or self.y.shape != (self.X.shape[0], self.X.shape[2]):
            raise ValueError(
                f"X {tuple(self.X.shape)} and y {tuple(self.y.shape)} are not (B, d, n) and (B, n)"
            )
        if self.activation is not None and self.activation not in ACTIVATIONS:
            raise ValueError(f"unknown activation {self.activation}; known: {', '.join(ACTIVATIONS)}")


@dataclass(frozen=True)
class Solved:
    """Equilibria T and adjoints V, (B, m, n), of a batch; NaN for runs that have not `converged`, (B,)."""

    T: Tensor
    V: Tensor
    converged: Tensor


def as_solution(value: Tensor, converged: Tensor) -> Solution:
    """What was solved elsewhere, without iterations or residuals of its own."""
    nothing = torch.zeros_like(value[:, 0, 0])
    return Solution(value, nothing.to(torch.int64), torch.where(converged, nothing, torch.nan), converged)


class Estimate(ABC):
    """The float64 quantities of a batch of runs at one step, each computed when first asked for.

    `params` are the parameters at step `tau`. Scalars are (B,), vectors (B, k), matrices
    (B, k, l). Where a run has no value (its equilibrium was not found, its training was
    lost) the value is NaN. These are estimates: no verdict may rest on them.
    """

    def __init__(self, problem: Problem, params: Params, *, tau: int = 0) -> None:
        self.problem = problem
        self.params = params
        self.tau = tau

    def value(self, name: str) -> Tensor:
        """The quantity that a claim calls `name`; raises KeyError where the setting has none."""
        if name in self.params:
            return self.params[name]
        if name.startswith("grad_") and name != "grad_norm":
            return self.gradients()[name.removeprefix("grad_")]
        if name not in self.quantities():
            raise KeyError(name)
        return torch.as_tensor(getattr(self, name))

    @classmethod
    @abstractmethod
    def quantities(cls) -> tuple[str, ...]:
        """The names `value` accepts besides the parameters and `grad_P` of the trained ones."""

    @abstractmethod
    def call(self, function: str, argument: Tensor) -> Tensor:
        """A function of an input, at `argument` (B, d); raises KeyError for an unknown one."""

    @property
    @abstractmethod
    def equilibrium(self) -> Tensor | None:
        """The equilibrium (B, m, n) to warm-start a neighbour from, where the setting has one."""

    @property
    def solved(self) -> Solved:
        """The equilibrium and its adjoint; TypeError where the setting has none."""
        raise TypeError(f"{self.problem.setting} has no equilibrium")

    @property
    @abstractmethod
    def converged(self) -> Tensor:
        """(B,) bool: which runs have values."""

    @abstractmethod
    def gradients(self) -> Params:
        """The gradient of the loss by every trained parameter."""

    @property
    @abstractmethod
    def features(self) -> Tensor:
        """The last-layer features (B, k, n)."""

    @cached_property
    @abstractmethod
    def yhat(self) -> Tensor:
        """The predictions (B, n)."""

    @property
    @abstractmethod
    def m(self) -> Tensor:
        """The width, as a scalar (B,)."""

    @property
    def X(self) -> Tensor:
        return self.problem.X

    @property
    def y(self) -> Tensor:
        return self.problem.y

    def size(self, number: int) -> Tensor:
        """A size as a scalar (B,)."""
        return torch.full_like(self.y[:, 0], number)

    @property
    def n(self) -> Tensor:
        return self.size(self.X.shape[2])

    @property
    def d(self) -> Tensor:
        return self.size(self.X.shape[1])

    @cached_property
    def errors(self) -> Tensor:
        """yhat - y, (B, n)."""
        return self.yhat - self.y

    @cached_property
    def residual(self) -> Tensor:
        return torch.linalg.vector_norm(self.errors, dim=-1)

    @cached_property
    def loss(self) -> Tensor:
        return (self.errors * self.errors).sum(-1) / 2

    @cached_property
    def G(self) -> Tensor:
        return self.features.mT @ self.features

    @cached_property
    def grad_norm(self) -> Tensor:
        squares = [(g * g).flatten(1).sum(1) for g in self.gradients().values()]
        return torch.sqrt(sum(squares, self.size(0)))


@dataclass(frozen=True)
class Model:
    """A model family: the dimensions of its parameters and the estimate of a batch of runs.

    `estimate(problem, params, start=None, tau=0)`; `start` (B, m, n) is where to look for the
    equilibrium first. `known(problem, params, solved, tau=0)` takes solutions that are known already.
    `dims` names each parameter's dimensions, such as ("m", "d"). `activations` are those that there can be,
    all where it is empty, and `fixed` the parameters that cannot be trained.
    """

    name: str
    dims: Mapping[str, tuple[str, ...]]
    has_activation: bool
    has_equilibrium: bool
    make: Callable[[Problem, Params, Tensor | Solved | None, int], Estimate]
    activations: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()

    def check(self, problem: Problem) -> None:
        """ValueError where the activation or what is trained does not fit."""
        trained = [name for name in self.dims if name not in self.fixed]
        if not set(problem.trains) <= set(trained):
            raise ValueError(f"{self.name} trains only {', '.join(trained)}")
        if self.has_activation == (problem.activation is None):
            raise ValueError(f"{self.name} {'needs an' if self.has_activation else 'has no'} activation")
        if self.activations and problem.activation not in self.activations:
            raise ValueError(f"{self.name} has the activation {' or '.join(self.activations)} only")

    def estimate(
        self, problem: Problem, params: Params, start: Tensor | None = None, *, tau: int = 0
    ) -> Estimate:
        """The lazily computed quantities of the batch; ValueError where names or types do not fit."""
        self.check(problem)
        if set(params) != set(self.dims):
            raise ValueError(f"{self.name} has the parameters {', '.join(self.dims)}")
        wrong = [p for p, t in params.items() if t.dtype != torch.float64 or t.shape[0] != len(problem.y)]
        if wrong or problem.X.dtype != torch.float64 or problem.y.dtype != torch.float64:
            raise ValueError(
                f"{', '.join(wrong) or 'X or y'}: a float64 tensor with {len(problem.y)} runs is needed"
            )
        return self.make(problem, params, start, tau)

    def known(self, problem: Problem, params: Params, solved: Solved, *, tau: int = 0) -> Estimate:
        """The same from what was solved elsewhere, taken as it is."""
        return self.make(problem, params, solved, tau)


def readout_floor(features: Tensor, y: Tensor) -> Tensor:
    """The least loss of a linear readout of `features` (B, k, n) on `y` (B, n); exactly 0 at full rank.

    Directions below the usual numerical rank tolerance count as absent. NaN where an input is.
    """
    defined = torch.isfinite(features).flatten(1).all(1) & torch.isfinite(y).all(1)
    safe = torch.where(defined[:, None, None], features, 0.0)
    _, s, rows = torch.linalg.svd(safe, full_matrices=False)
    tolerance = s[:, :1] * max(features.shape[1:]) * torch.finfo(s.dtype).eps
    kept = s > tolerance
    rows = torch.where(kept.unsqueeze(-1), rows, 0.0)
    left = y - ((rows @ y.unsqueeze(-1)).mT @ rows).squeeze(-2)
    loss = (left * left).sum(-1) / 2
    full = kept.sum(-1) == features.shape[2]
    return torch.where(defined, torch.where(full, 0.0, loss), torch.nan)
