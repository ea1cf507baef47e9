"""Training a batch of runs: gradient descent, and the equilibrium iteration itself."""

from collections.abc import Iterator

import torch
from torch import Tensor

from models.settings import MODELS, NETWORKS, Estimate, Params, Problem
from models.settings.deq import DeqEstimate, next_iterate
from models.walking import walk


def gradient_descent(problem: Problem, params: Params, eta: Tensor, steps: int) -> Iterator[Estimate]:
    """The estimates at tau = 0, 1, ..., `steps` of P <- P - eta * grad_P, all trained P at once.

    `eta` (B,) is each run's step. A run whose equilibrium is not found, or whose gradient is
    not finite, has NaN parameters from the next step on; the other runs do not notice. Equilibria and
    adjoints are exact up to rounding at the start, and later solved until they change by between 1e-14 and
    1e-11 of the size of their terms: estimates, for searches.
    """
    if eta.shape != problem.y.shape[:1]:
        raise ValueError(f"eta {tuple(eta.shape)} is not one step size for each of {len(problem.y)} runs")
    explicit = problem.setting not in NETWORKS
    return _explicit(problem, params, eta, steps) if explicit else walk(problem, params, eta, steps)


def _explicit(problem: Problem, params: Params, eta: Tensor, steps: int) -> Iterator[Estimate]:
    """The same for a setting without an equilibrium."""
    model = MODELS[problem.setting]
    for tau in range(steps + 1):
        now = model.estimate(problem, dict(params), tau=tau)
        yield now
        gradients = now.gradients()
        alive = now.converged
        for g in gradients.values():
            alive = alive & torch.isfinite(g).flatten(1).all(1)
        moved = {name: now.params[name] - _along(eta, g) * g for name, g in gradients.items()}
        params = {
            name: torch.where(_along(alive, value), moved.get(name, value), torch.nan)
            for name, value in now.params.items()
        }


def _along(runs: Tensor, like: Tensor) -> Tensor:
    """(B,) shaped to multiply or select whole runs of `like` (B, ...)."""
    return runs.reshape(-1, *[1] * (like.ndim - 1))


def picard(problem: Problem, params: Params, steps: int) -> Iterator[Estimate]:
    """The estimates of the iterates T_0 = 0, T_{tau+1} = phi(W T_tau + U X), tau = 0, ..., `steps`.

    `T`, `features`, `yhat` and what follows from them are the iterate's; `gap` is the
    Frobenius distance from iterate tau to iterate tau+1. ValueError without an equilibrium.
    """
    model = MODELS[problem.setting]
    if not model.has_equilibrium:
        raise ValueError(f"{problem.setting} has no equilibrium to iterate to")
    model.estimate(problem, params)  # for its checks
    iterate = torch.zeros_like(params["U"] @ problem.X)
    for tau in range(steps + 1):
        now = DeqEstimate(problem, params, tau=tau, iterate=iterate)
        yield now
        iterate = next_iterate(now)
