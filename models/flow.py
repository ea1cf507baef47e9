"""Gradient flow of a batch of runs, integrated together, with an error estimate and the path length."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from torch import Tensor

from models.settings import MODELS, Estimate, Params, Problem

Floats = NDArray[np.float64]

_SAFETY = 2.0  # the error estimate of the flow is this multiple of what a tenfold finer run changes
_FINER = 0.1  # the tolerances of the finer run, as a share of those asked for


@dataclass(frozen=True)
class FlowResult:
    """Gradient flow at the requested times.

    `times` has K entries; `estimates[k]` holds the quantities of all runs at times[k] (its
    `params` are the parameters there, its `tau` is k); `error` (K, B) is the estimated
    Euclidean error of the trained parameters, `path` (K, B) the length of their path from
    the start and `path_error` (K, B) its estimated error, all NaN where a run could not be
    followed.
    """

    times: tuple[float, ...]
    estimates: tuple[Estimate, ...]
    error: Tensor
    path: Tensor
    path_error: Tensor

    @property
    def params(self) -> tuple[Params, ...]:
        """The parameters of all runs at each time."""
        return tuple(estimate.params for estimate in self.estimates)


class _Field:
    """The negative gradients of all runs and their norms, as the integrator wants them: one flat vector."""

    def __init__(self, problem: Problem, params: Params, scale: Tensor) -> None:
        self._problem = problem
        self._params = params
        self._names = problem.trains
        self._scale = scale
        self._model = MODELS[problem.setting]
        self._warm: Tensor | None = None

    def start(self) -> Floats:
        """The trained parameters and the path length 0, (B * (size + 1),)."""
        runs = len(self._problem.y)
        parts = [self._params[name].reshape(runs, -1) for name in self._names]
        return self._flat([*parts, torch.zeros_like(self._problem.y[:, :1])])

    @staticmethod
    def _flat(parts: list[Tensor]) -> Floats:
        return torch.cat(parts, dim=1).flatten().cpu().numpy()

    def read(self, flat: Floats) -> tuple[Params, Tensor]:
        """All parameters of the runs, the trained ones taken from `flat`, and the path lengths (B,)."""
        table = torch.tensor(flat, dtype=torch.float64, device=self._problem.y.device)
        table = table.reshape(len(self._problem.y), -1)
        out = dict(self._params)
        at = 0
        for name in self._names:
            old = self._params[name]
            size = old[0].numel()
            out[name] = table[:, at : at + size].reshape(old.shape)
            at += size
        return out, table[:, -1]

    def __call__(self, _t: float, flat: Floats) -> Floats:
        params, _ = self.read(flat)
        estimate = self._model.estimate(self._problem, params, start=self._warm)
        if bool(estimate.converged.all()):
            self._warm = estimate.equilibrium
        runs = len(self._problem.y)
        gradients = estimate.gradients()
        parts = [gradients[name].reshape(runs, -1) for name in self._names]
        joint = torch.cat([*parts, torch.zeros_like(self._problem.y[:, :1])], dim=1)
        joint = -joint * self._scale[:, None]
        joint[:, -1] = torch.linalg.vector_norm(joint[:, :-1], dim=1)
        return joint.flatten().cpu().numpy()


def _follow(field: _Field, times: Sequence[float], rtol: float, atol: float, pause: float) -> Floats:
    """The flat states at each time, (K, size); NaN from where the integrator gave up.

    `pause` scales the first step, so that two passes never share their steps.
    """
    start = field.start()
    out = np.full((len(times), start.size), np.nan)
    out[np.asarray(times) == 0] = start
    speed = field(0.0, start)
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


def _alone(problem: Problem, run: int) -> Problem:
    one = slice(run, run + 1)
    return Problem(
        problem.setting, problem.X[one], problem.y[one], problem.activation, problem.kink, problem.trains
    )


def _both(
    problem: Problem, params: Params, scale: Tensor, times: Sequence[float], rtol: float, atol: float
) -> tuple[Floats, Floats]:
    """The coarse and the fine pass of all runs, (K, B, size + 1); runs that fail together are tried alone."""
    runs = len(problem.y)
    coarse = _follow(_Field(problem, params, scale), times, rtol, atol, 1.0)
    fine = _follow(_Field(problem, params, scale), times, _FINER * rtol, _FINER * atol, 0.75)
    shape = (len(times), runs, -1)
    coarse, fine = coarse.reshape(shape), fine.reshape(shape)
    if runs > 1 and not (np.isfinite(coarse).all() and np.isfinite(fine).all()):
        for run in range(runs):
            mine = {name: value[run : run + 1] for name, value in params.items()}
            pair = _both(_alone(problem, run), mine, scale[run : run + 1], times, rtol, atol)
            coarse[:, run], fine[:, run] = pair[0][:, 0], pair[1][:, 0]
    return coarse, fine


def gradient_flow(
    problem: Problem,
    params: Params,
    times: Sequence[float],
    rtol: float = 1e-8,
    atol: float = 1e-12,
    *,
    scale: Tensor | None = None,
) -> FlowResult:
    """The flow dP/dt = -grad_P of every run at increasing `times` >= 0, times its `scale` (B,).

    All runs are integrated together, twice, by an adaptive method of order 8 (Hairer,
    Norsett, Wanner 1993, section II.5, DOP853), with the given tolerances and with a tenth
    of them. The finer pass is returned; the error estimate is twice the distance between
    the two plus the finer pass's own tolerance, rtol/10 * |P| + atol/10 * sqrt(entries of
    P), which covers the times where the two agree by chance. It is 0 at time 0, where the
    state is given. It is an estimate, not a bound. ValueError for times or tolerances out
    of range.
    """
    if not times or times[0] < 0 or any(b <= a for a, b in pairwise(times)):
        raise ValueError("times must be increasing and not negative")
    if not (1e-13 <= rtol < 1 and atol > 0):
        raise ValueError(f"rtol = {rtol} or atol = {atol} is out of range; write rtol >= 1e-13 and atol > 0")
    model = MODELS[problem.setting]
    model.estimate(problem, params)  # for its checks
    pace = torch.ones_like(problem.y[:, 0]) if scale is None else scale
    coarse, fine = _both(problem, params, pace, times, rtol, atol)
    field = _Field(problem, params, pace)
    moved = np.asarray([float(t > 0) for t in times])[:, None]
    size = max(fine.shape[2] - 1, 0) ** 0.5
    promised = rtol * np.linalg.norm(fine[:, :, :-1], axis=2) + atol * size
    error = _SAFETY * np.linalg.norm(fine[:, :, :-1] - coarse[:, :, :-1], axis=2) + _FINER * promised * moved
    drift = _SAFETY * np.abs(fine[:, :, -1] - coarse[:, :, -1])
    drift = drift + moved * _FINER * (rtol * np.abs(fine[:, :, -1]) + atol)
    device = problem.y.device
    estimates = tuple(
        model.estimate(problem, field.read(fine[k].reshape(-1))[0], tau=k) for k in range(len(times))
    )
    return FlowResult(
        tuple(float(t) for t in times),
        estimates,
        torch.tensor(error, device=device),
        torch.tensor(fine[:, :, -1].copy(), device=device),
        torch.tensor(drift, device=device),
    )
