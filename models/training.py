"""Training a batch of runs: gradient descent, gradient flow, and the equilibrium iteration itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from torch import Tensor

from models.settings import MODELS, Estimate, Params, Problem
from models.settings.deq import DeqEstimate, next_iterate

Floats = NDArray[np.float64]

_SAFETY = 2.0  # the error estimate of the flow is this multiple of what a tenfold finer run changes
_FINER = 0.1  # the tolerances of the finer run, as a share of those asked for


def _along(runs: Tensor, like: Tensor) -> Tensor:
    """(B,) shaped to multiply or select whole runs of `like` (B, ...)."""
    return runs.reshape(-1, *[1] * (like.ndim - 1))


def gradient_descent(problem: Problem, params: Params, eta: Tensor, steps: int) -> Iterator[Estimate]:
    """The estimates at tau = 0, 1, ..., `steps` of P <- P - eta * grad_P, all trained P at once.

    `eta` (B,) is each run's step. A run whose equilibrium is not found, or whose gradient is
    not finite, has NaN parameters from the next step on; the other runs do not notice.
    """
    model = MODELS[problem.setting]
    if eta.shape != problem.y.shape[:1]:
        raise ValueError(f"eta {tuple(eta.shape)} is not one step size for each of {len(problem.y)} runs")
    now = model.estimate(problem, dict(params))
    yield now
    for tau in range(1, steps + 1):
        gradients = now.gradients()
        alive = now.converged
        for g in gradients.values():
            alive = alive & torch.isfinite(g).flatten(1).all(1)
        moved = {name: now.params[name] - _along(eta, g) * g for name, g in gradients.items()}
        following = {
            name: torch.where(_along(alive, value), moved.get(name, value), torch.nan)
            for name, value in now.params.items()
        }
        now = model.estimate(problem, following, start=now.equilibrium, tau=tau)
        yield now


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


@dataclass(frozen=True)
class FlowResult:
    """Gradient flow at the requested times.

    `times` has K entries; `estimates[k]` holds the quantities of all runs at times[k] (its
    `params` are the parameters there, its `tau` is k); `error` (K, B) is the estimated
    Euclidean error of the trained parameters, NaN where a run could not be followed.
    """

    times: tuple[float, ...]
    estimates: tuple[Estimate, ...]
    error: Tensor

    @property
    def params(self) -> tuple[Params, ...]:
        """The parameters of all runs at each time."""
        return tuple(estimate.params for estimate in self.estimates)


class _Field:
    """The negative gradient of one run, as the integrator wants it: flat vectors in and out."""

    def __init__(self, problem: Problem, params: Params) -> None:
        self._problem = problem
        self._params = params
        self._names = problem.trains
        self._model = MODELS[problem.setting]
        self._start: Tensor | None = None

    def start(self) -> Floats:
        """The trained parameters, flat."""
        flat = [self._params[name].flatten() for name in self._names]
        return (
            torch.cat([torch.zeros(0, dtype=torch.float64, device=self._problem.y.device), *flat])
            .cpu()
            .numpy()
        )

    def read(self, flat: Floats) -> Params:
        """All parameters of the run, the trained ones taken from `flat`."""
        device = self._problem.y.device
        rest = torch.tensor(flat, dtype=torch.float64, device=device)
        out = dict(self._params)
        for name in self._names:
            old = self._params[name]
            out[name], rest = rest[: old.numel()].reshape(old.shape), rest[old.numel() :]
        return out

    def __call__(self, _t: float, flat: Floats) -> Floats:
        estimate = self._model.estimate(self._problem, self.read(flat), start=self._start)
        if bool(estimate.converged.all()):
            self._start = estimate.equilibrium
        gradients = estimate.gradients()
        return torch.cat([-gradients[name].flatten() for name in self._names]).cpu().numpy()


def _follow(field: _Field, times: Sequence[float], rtol: float, atol: float, pause: float) -> Floats:
    """The flat trained parameters at each time, (K, size); NaN from where the integrator gave up.

    `pause` scales the first step, so that two runs never share their steps.
    """
    start = field.start()
    out = np.full((len(times), start.size), np.nan)
    out[np.asarray(times) == 0] = start
    speed = field(0.0, start) if start.size else start
    later = [t for t in times if t > 0]
    if not later or not np.isfinite(speed).all():
        return out
    pace = float(np.linalg.norm(speed))
    if pace == 0:
        out[:] = start
        return out
    first = pause * min(later[-1], 1e-2 * max(float(np.linalg.norm(start)), 1e-3) / pace)
    with np.errstate(all="ignore"):  # a stage outside the well-posed region is NaN: the step is cut
        found = solve_ivp(
            field, (0.0, later[-1]), start, "DOP853", t_eval=later, rtol=rtol, atol=atol, first_step=first
        )
    reached = len(found.t)
    offset = len(times) - len(later)
    if reached:
        out[offset : offset + reached] = found.y.T
    return out


def gradient_flow(
    problem: Problem, params: Params, times: Sequence[float], rtol: float = 1e-8, atol: float = 1e-12
) -> FlowResult:
    """The flow dP/dt = -grad_P of every run at increasing `times` >= 0.

    Each run is integrated twice by an adaptive method of order 8 (Hairer, Norsett, Wanner
    1993, section II.5, DOP853), with the given tolerances and with a tenth of them. The finer
    run is returned; the error estimate is twice the distance between the two plus the finer
    run's own tolerance, rtol/10 * |P| + atol/10 * sqrt(entries of P), which covers the times
    where the two agree by chance. It is 0 at time 0, where the state is given. It is an
    estimate, not a bound. ValueError for times or tolerances out of range.
    """
    if not times or times[0] < 0 or any(b <= a for a, b in pairwise(times)):
        raise ValueError("times must be increasing and not negative")
    if not (1e-12 <= rtol < 1 and atol > 0):
        raise ValueError(f"rtol = {rtol} or atol = {atol} is out of range; write rtol >= 1e-12 and atol > 0")
    model = MODELS[problem.setting]
    model.estimate(problem, params)  # for its checks
    count, runs = len(times), len(problem.y)
    error = torch.full((count, runs), torch.nan, dtype=torch.float64, device=problem.y.device)
    pieces: list[list[Params]] = [[] for _ in times]
    for run in range(runs):
        one = slice(run, run + 1)
        alone = Problem(
            problem.setting, problem.X[one], problem.y[one], problem.activation, problem.kink, problem.trains
        )
        mine = {name: value[one] for name, value in params.items()}
        coarse = _follow(_Field(alone, mine), times, rtol, atol, 1.0)
        field = _Field(alone, mine)
        fine = _follow(field, times, _FINER * rtol, _FINER * atol, 0.75)
        for k, t in enumerate(times):
            distance = float(np.linalg.norm(fine[k] - coarse[k]))
            promised = rtol * float(np.linalg.norm(fine[k])) + atol * fine[k].size ** 0.5
            error[k, run] = _SAFETY * distance + (_FINER * promised if t > 0 else 0.0)
            pieces[k].append(field.read(fine[k]))
    joined = [{name: torch.cat([piece[name] for piece in row]) for name in params} for row in pieces]
    estimates = tuple(model.estimate(problem, point, tau=k) for k, point in enumerate(joined))
    return FlowResult(tuple(float(t) for t in times), estimates, error)
