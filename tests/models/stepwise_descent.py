"""Gradient descent as it is written down, each equilibrium to rounding level, to hold faster drivers to."""

from collections.abc import Iterator

import torch
from torch import Tensor

from models.settings import MODELS, Estimate, Params, Problem


def stepwise_descent(problem: Problem, params: Params, eta: Tensor, steps: int) -> Iterator[Estimate]:
    """As `models.training.gradient_descent`."""
    model = MODELS[problem.setting]
    now = model.estimate(problem, dict(params))
    yield now
    for tau in range(1, steps + 1):
        gradients = now.gradients()
        alive = now.converged
        for g in gradients.values():
            alive = alive & torch.isfinite(g).flatten(1).all(1)
        following = {}
        for name, value in now.params.items():
            shape = (-1, *[1] * (value.ndim - 1))
            moved = value - eta.reshape(shape) * gradients[name] if name in gradients else value
            following[name] = torch.where(alive.reshape(shape), moved, torch.nan)
        now = model.estimate(problem, following, start=now.equilibrium, tau=tau)
        yield now
