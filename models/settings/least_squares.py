"""Least squares: yhat = X' w, so that the features are X, m = d and the tangent kernel is X'X."""

from functools import cached_property
from typing import final

import torch
from torch import Tensor

from models.settings.base import Estimate, Model, Params, Problem, Solved, readout_floor

_QUANTITIES = (
    *("X", "y", "n", "d", "m", "features", "G", "NTK", "yhat", "residual", "loss", "loss_star", "grad_norm"),
)


@final
class LeastSquaresEstimate(Estimate):
    """The quantities of a batch of linear models with weights w (B, d)."""

    @classmethod
    def quantities(cls) -> tuple[str, ...]:
        return _QUANTITIES

    @property
    def equilibrium(self) -> None:
        return None

    @property
    def converged(self) -> Tensor:
        return torch.isfinite(self.params["w"]).all(1)

    @property
    def m(self) -> Tensor:
        return self.d

    @property
    def features(self) -> Tensor:
        return self.X

    @cached_property
    def yhat(self) -> Tensor:
        return (self.X * self.params["w"].unsqueeze(-1)).sum(1)

    @cached_property
    def loss_star(self) -> Tensor:
        """The infimum over w (the loss itself where w is not trained)."""
        return readout_floor(self.X, self.y) if "w" in self.problem.trains else self.loss

    @cached_property
    def NTK(self) -> Tensor:
        return self.G if "w" in self.problem.trains else torch.zeros_like(self.G)

    def gradients(self) -> Params:
        return self._gradients

    @cached_property
    def _gradients(self) -> Params:
        if "w" not in self.problem.trains:
            return {}
        return {"w": (self.X * self.errors.unsqueeze(1)).sum(-1)}

    def call(self, function: str, argument: Tensor) -> Tensor:
        """Only `predict`, the prediction w'x (B,) at x (B, d)."""
        if function != "predict":
            raise KeyError(function)
        return (argument * self.params["w"]).sum(-1)


def _make(problem: Problem, params: Params, _start: Tensor | Solved | None, tau: int) -> LeastSquaresEstimate:
    return LeastSquaresEstimate(problem, params, tau=tau)


LEAST_SQUARES = Model(
    name="least-squares",
    dims={"w": ("d",)},
    has_activation=False,
    has_equilibrium=False,
    make=_make,
)
