"""An adaptive Runge-Kutta method of order 8 for many runs at once, each with its own steps.

The coefficients, the error estimate and the rule for the next step are those of DOP853 (Hairer, Norsett,
Wanner, Solving Ordinary Differential Equations I, 1993, section II.5), as scipy has them; there, all runs
would share one step, and the worst of them would set it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.integrate import DOP853
from torch import Tensor

STEPS = 10_000
"""The most steps, accepted or not, that a run may need at the pace of the last `WINDOW`."""

WINDOW = 250

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_A, _B = np.asarray(DOP853.A), np.asarray(DOP853.B)
_E3, _E5 = np.asarray(DOP853.E3), np.asarray(DOP853.E5)
_SAFETY, _LEAST, _MOST = 0.9, 0.2, 10.0  # of the factor from one step to the next
_EXPONENT = -1 / 8


class Field(Protocol):
    """The right-hand side of an autonomous equation for the runs that are still followed."""

    def __call__(self, states: Tensor) -> Tensor:
        """The rates (B, N) at the states (B, N); NaN for runs that have none there."""
        ...

    def accept(self, mask: Mask) -> None:
        """The last states asked for are on the ways of the runs in the mask (B,)."""
        ...

    def rewind(self) -> None:
        """What is asked for next lies near the last accepted states."""
        ...

    def keep(self, mask: Mask) -> None:
        """Only these runs are followed on."""
        ...


@dataclass
class _Runs:
    """The runs that are followed: numbers, states, rates there, times, next steps, next times to stop at.

    `rtol` and `atol` are columns (B, 1); `seen` are the times at which the last window ended.
    """

    ids: NDArray[np.int64]
    state: Tensor
    rate: Tensor
    time: Floats
    step: Floats
    stop: NDArray[np.int64]
    rtol: Tensor
    atol: Tensor
    seen: Floats

    def keep(self, mask: Mask) -> None:
        rows = torch.from_numpy(np.flatnonzero(mask)).to(self.state.device)
        self.state, self.rate = self.state.index_select(0, rows), self.rate.index_select(0, rows)
        self.rtol, self.atol = self.rtol.index_select(0, rows), self.atol.index_select(0, rows)
        self.ids, self.time = self.ids[mask], self.time[mask]
        self.step, self.stop, self.seen = self.step[mask], self.stop[mask], self.seen[mask]


def integrate(
    field: Field, start: Tensor, times: Sequence[float], first: Floats, rtol: Floats, atol: Floats
) -> Tensor:
    """The states (K, B, N) at increasing `times` > 0, from `start` (B, N) at time 0.

    `first`, `rtol` and `atol` (B,) are each run's first step and tolerances: the error of a step, estimated,
    is at most rtol*|y| + atol in root mean square over the N numbers of a run. NaN from where a run could not
    be followed: where the field is undefined whatever the step, or where more than STEPS steps would be
    needed, as along a discontinuity of the field on which a run slides. A run's steps, and on the CPU its
    bits, do not depend on the others.
    """
    out = torch.full((len(times), *start.shape), torch.nan, dtype=start.dtype, device=start.device)
    ends = np.asarray(times)
    count = len(start)
    zero = np.zeros(count, dtype=np.int64)
    relative, absolute = (torch.from_numpy(t).to(start.device).unsqueeze(1) for t in (rtol, atol))
    runs = _Runs(
        np.arange(count),
        start,
        field(start),
        np.zeros(count),
        first.copy(),
        zero,
        relative,
        absolute,
        np.zeros(count),
    )
    known = torch.isfinite(runs.rate).all(1).cpu().numpy()
    field.accept(known)
    for tried in range(1, STEPS + 1):
        if not known.all():
            field.keep(known)
            runs.keep(known)
        if len(runs.ids) == 0:
            break
        reached = _advance(field, runs, ends)
        arrived = np.flatnonzero(reached)
        rows = torch.from_numpy(arrived).to(start.device)
        where = torch.from_numpy(runs.stop[arrived]), torch.from_numpy(runs.ids[arrived])
        out[where[0].to(start.device), where[1].to(start.device)] = runs.state.index_select(0, rows)
        runs.stop[reached] += 1
        known = (runs.stop < len(ends)) & (runs.step > 10 * np.spacing(runs.time))
        if tried % WINDOW == 0:
            left, gone = ends[-1] - runs.time, runs.time - runs.seen
            known &= WINDOW * left <= (STEPS - tried) * gone
            runs.seen = runs.time.copy()
    return out


def _advance(field: Field, runs: _Runs, ends: Floats) -> Mask:
    """Try one step of every run; which of them stand at their next time to stop at."""
    target = ends[runs.stop]
    left = target - runs.time
    last = runs.step >= left
    h = np.where(last, left, runs.step)
    width = torch.from_numpy(h).to(runs.state.device).unsqueeze(1)
    field.rewind()
    rates = [runs.rate]
    for row in _A[1 : len(_B)]:
        rates.append(field(runs.state + width * _combined(row, rates)))
    new = runs.state + width * _combined(_B, rates)
    rates.append(field(new))
    scale = runs.atol + torch.maximum(runs.state.abs(), new.abs()) * runs.rtol
    error = h * _error(rates, scale)
    good = error < 1  # not so where it is NaN
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = _SAFETY * error**_EXPONENT
    grown = np.where(np.isnan(factor), _LEAST, np.clip(factor, _LEAST, np.where(good, _MOST, 1.0)))
    field.accept(good)
    chosen = torch.from_numpy(good).to(new.device).unsqueeze(1)
    runs.state, runs.rate = torch.where(chosen, new, runs.state), torch.where(chosen, rates[-1], runs.rate)
    reached = good & last
    runs.time = np.where(reached, target, np.where(good, runs.time + h, runs.time))
    runs.step = np.where(reached, np.maximum(runs.step, h * grown), h * grown)
    return reached


def _combined(weights: Floats, rates: list[Tensor]) -> Tensor:
    """The sum of weights times rates, term by term, so that no run's sum depends on the others."""
    out = rates[0] * float(weights[0])
    for weight, rate in zip(weights[1:].tolist(), rates[1:], strict=False):
        if weight != 0:
            out.add_(rate, alpha=weight)
    return out


def _error(rates: list[Tensor], scale: Tensor) -> Floats:
    """The estimated error of a step of length 1, (B,), in units of what is tolerated."""
    parts = [(_combined(weights, rates) / scale).cpu().numpy() for weights in (_E5, _E3)]
    fifth, third = ((part * part).sum(axis=1) for part in parts)
    with np.errstate(invalid="ignore", over="ignore"):
        below = np.sqrt((fifth + 0.01 * third) * scale.shape[1])
        return np.where(fifth == 0, 0.0, fifth / np.where(below == 0, 1.0, below))
