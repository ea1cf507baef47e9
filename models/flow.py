"""Gradient flow of a batch of runs, integrated together, with an error estimate and the path length."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.activations import ACTIVATIONS
from models.core.descent import Chunk, Options
from models.core.grid import chunk_size, filled
from models.descent import CAP
from models.runge_kutta import Mask, integrate
from models.settings import MODELS, NETWORKS, Estimate, Params, Problem

Floats = NDArray[np.float64]

_SAFETY = 2.0  # the error estimate of the flow is this multiple of what a tenfold finer run changes
_FINER = 0.1  # the tolerances of the finer run, as a share of those asked for
_SOLVED = 1e-2  # equilibria are solved to this share of the finer relative tolerance
_ROUNDED = 2.0**-46  # but, relative to the size of the injection, not beyond this


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


class _Table:
    """The trained parameters of every run, and the length of their path, as rows (B, size + 1)."""

    def __init__(self, problem: Problem, params: Params) -> None:
        self.names, self.params = problem.trains, params

    def start(self) -> Tensor:
        parts = [self.params[name].flatten(1) for name in self.names]
        first = next(iter(self.params.values()))
        return torch.cat([*parts, first.new_zeros(len(first), 1)], dim=1)

    def read(self, table: Tensor) -> Params:
        """All parameters, the trained ones from the table."""
        out, at = dict(self.params), 0
        for name in self.names:
            old = self.params[name]
            size = old[0].numel()
            out[name] = table[:, at : at + size].reshape(old.shape)
            at += size
        return out

    @staticmethod
    def rates(gradients: Sequence[Tensor], scale: Tensor) -> Tensor:
        """-scale * gradient, and its norm, (B, size + 1)."""
        runs = len(scale)
        joint = torch.cat([*(g.reshape(runs, -1) for g in gradients), scale.new_zeros(runs, 1)], dim=1)
        joint *= -scale.unsqueeze(1)
        squares = (joint * joint).cpu().numpy().sum(axis=1)  # in numpy: the sum of a run is that of one alone
        joint[:, -1] = torch.from_numpy(np.sqrt(squares)).to(joint.device)
        return joint


class _Plain:
    """The flow of a setting without an equilibrium: its gradients as they are."""

    def __init__(self, problem: Problem, params: Params, scale: Tensor) -> None:
        self._problem, self._params, self._scale = problem, params, scale

    def __call__(self, states: Tensor) -> Tensor:
        table = _Table(self._problem, self._params)
        gradients = MODELS[self._problem.setting].estimate(self._problem, table.read(states)).gradients()
        return _Table.rates([gradients[name] for name in self._problem.trains], self._scale)

    def accept(self, mask: Mask) -> None:
        """Nothing is remembered."""

    def rewind(self) -> None:
        """Nothing is remembered."""

    def keep(self, mask: Mask) -> None:
        rows = torch.from_numpy(np.flatnonzero(mask)).to(self._scale.device)
        self._problem = _chosen(self._problem, rows)
        self._params = {name: value.index_select(0, rows) for name, value in self._params.items()}
        self._scale = self._scale.index_select(0, rows)


class _Implicit:
    """The flow through an equilibrium: the core's gradients, each solve starting where the last one ended.

    After a step that was not accepted it starts from the last equilibrium on the way.
    """

    def __init__(self, problem: Problem, params: Params, scale: Tensor, tolerance: float) -> None:
        X, y, weight = filled(problem.X, problem.y)
        activation = ACTIVATIONS[problem.activation or ""]
        self._chunk = Chunk(
            NETWORKS[problem.setting], activation, problem.kink, problem.trains, params,
            (X, y, weight), scale, Options(tolerance, CAP, together=False),
        )  # fmt: skip
        self._chunk.equilibria.order = self._chunk.adjoints.order = 0
        self._problem, self._anchors = problem, list[Tensor]()

    def __call__(self, states: Tensor) -> Tensor:
        chunk = self._chunk
        chunk.params = _Table(self._problem, chunk.params).read(states)
        chunk.solve()
        factors, errors = chunk.factors(), chunk.errors.unsqueeze(1)
        gradients: list[Tensor] = []
        for name in chunk.trains:
            left, right = factors[name]
            weighted = left * errors
            gradients.append(weighted.sum(-1) if right is None else weighted @ right.mT)
        found = _Table.rates(gradients, chunk.eta)
        found[torch.from_numpy(~chunk.alive).to(found.device)] = torch.nan
        return found

    def sensitivity(self, states: Tensor, true: Tensor) -> Tensor:
        """How many times the changes that solves stop at the velocities are off by, (B,), from the true ones.

        The measure of change is the smaller one of both equations, unless it is an accident.
        """
        off = torch.linalg.vector_norm((self(states) - true)[:, :-1], dim=1)
        changes = np.stack([side.change for side in (self._chunk.equilibria, self._chunk.adjoints)])
        least = np.maximum(0.1 * changes.max(axis=0), 1e-3 * self._chunk.options.tolerance)
        return off / torch.from_numpy(np.maximum(changes.min(axis=0), least)).to(off.device)

    def accept(self, mask: Mask) -> None:
        now = [side.now for side in (self._chunk.equilibria, self._chunk.adjoints)]
        if not self._anchors:
            self._anchors = [value.clone() for value in now]
            return
        chosen = torch.from_numpy(mask).to(now[0].device)[:, None, None]
        self._anchors = [torch.where(chosen, a, b) for a, b in zip(now, self._anchors, strict=True)]

    def rewind(self) -> None:
        for side, anchor in zip((self._chunk.equilibria, self._chunk.adjoints), self._anchors, strict=True):
            side.now.copy_(anchor)

    def keep(self, mask: Mask) -> None:
        rows = torch.from_numpy(np.flatnonzero(mask)).to(self._chunk.eta.device)
        self._anchors = [anchor.index_select(0, rows) for anchor in self._anchors]
        self._chunk.keep(mask)


def _chosen(problem: Problem, rows: Tensor) -> Problem:
    X, y = problem.X.index_select(0, rows), problem.y.index_select(0, rows)
    return Problem(problem.setting, X, y, problem.activation, problem.kink, problem.trains)


def _tolerances(problem: Problem, params: Params, rtol: float) -> Floats:
    """What the equilibria of every run are solved to, (B,): in powers of 16, where rounding sets it."""
    if problem.setting not in NETWORKS:
        return np.ones(len(problem.y))
    network = NETWORKS[problem.setting]
    C = problem.X.new_empty(len(problem.y), network.coupling(params).shape[-1], problem.X.shape[-1])
    network.inject(params, problem.X, C)
    size = C.cpu().numpy().reshape(len(C), -1)
    with np.errstate(over="ignore", invalid="ignore"):
        exponents = np.frexp(np.nan_to_num(np.sqrt((size * size).sum(axis=1)), nan=1, posinf=1).clip(min=1))[
            1
        ]
    return np.maximum(_SOLVED * rtol, _ROUNDED * 2.0**exponents)


def _groups(problem: Problem, params: Params, rtol: float) -> Iterator[tuple[Tensor, float]]:
    """Runs that go together, and their solver's tolerance: as many as suit the cache, none with another's."""
    tolerances = _tolerances(problem, params, rtol)
    (d, n), cached = problem.X.shape[1:], problem.y.device.type == "cpu"
    m = max(value.shape[-1] for value in params.values() if value.ndim > 1)
    for tolerance in np.unique(tolerances):
        chosen = np.flatnonzero(tolerances == tolerance)
        size = chunk_size(len(chosen), m, d, n, cached=cached)
        for at in range(0, len(chosen), size):
            yield torch.from_numpy(chosen[at : at + size]).to(problem.y.device), float(tolerance)


def _follow(
    problem: Problem,
    params: Params,
    scale: Tensor,
    times: Sequence[float],
    rtol: float,
    atol: float,
    solved: float,
) -> tuple[Tensor, Tensor]:
    """The tables at each time of both passes, (K, 2, B, size + 1), and the errors of the velocities, (K, B).

    The passes go side by side; they never share their steps, since their first ones differ.
    """
    runs, table = len(scale), _Table(problem, params)
    implicit, later = problem.setting in NETWORKS, [t for t in times if t > 0]
    both = torch.arange(runs, device=scale.device).repeat(2)
    pair, double = _chosen(problem, both), {k: v.index_select(0, both) for k, v in params.items()}
    pace = scale.index_select(0, both)

    def field(problem: Problem, params: Params, scale: Tensor) -> _Implicit | _Plain:
        return _Implicit(problem, params, scale, solved) if implicit else _Plain(problem, params, scale)

    start = table.start()
    share = np.repeat([1.0, _FINER], runs)
    speed = field(problem, params, scale)(start)[:, -1].cpu().numpy()
    size = np.sqrt((start * start).cpu().numpy().sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.where(speed > 0, 1e-2 * np.maximum(size, 1e-3) / speed, np.inf)
    first = np.minimum(np.tile(first, 2), max(times)) * np.repeat([1.0, 0.75], runs)
    found = start.new_empty(0, 2 * runs, start.shape[1])
    if later:
        found = integrate(
            field(pair, double, pace), start.repeat(2, 1), later, first, rtol * share, atol * share
        )
    if len(later) < len(times):
        found = torch.cat([start.repeat(2, 1).unsqueeze(0), found])
    found = found.reshape(len(times), 2, runs, -1)
    off = torch.zeros_like(found[:, 0, :, 0])
    if implicit:
        loose = _Implicit(problem, params, scale, solved**0.5)
        for k, now in enumerate(found[:, 1]):
            exact = MODELS[problem.setting].estimate(problem, table.read(now)).gradients()
            true = _Table.rates([exact[name] for name in problem.trains], scale)
            off[k] = solved * loose.sensitivity(now, true)
    return found, off


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

    All runs are integrated together, each with its own steps, by an adaptive method of order 8
    (`models.runge_kutta`), twice: with the given tolerances and with a tenth of them. Equilibria are solved
    by the core of training to a hundredth of the relative tolerance. The finer pass is returned. Its error
    estimate is twice the distance between the two, plus the finer pass's own tolerance, rtol/10 * |P| +
    atol/10 * sqrt(entries of P), which covers the times where the two agree by chance, plus twice the time
    passed times the largest error that solves to this tolerance make in its velocity, as measured at the
    recorded times against equilibria solved to rounding. It is 0 at time 0, where the state is given. It is
    an estimate, not a bound. A run that slides along a kink of the activation, where the flow has no
    velocity, is given up: NaN from there on. ValueError for times or tolerances out of range.
    """
    if not times or times[0] < 0 or any(b <= a for a, b in pairwise(times)):
        raise ValueError("times must be increasing and not negative")
    if not (1e-13 <= rtol < 1 and atol > 0):
        raise ValueError(f"rtol = {rtol} or atol = {atol} is out of range; write rtol >= 1e-13 and atol > 0")
    model = MODELS[problem.setting]
    model.estimate(problem, params)  # for its checks
    pace = torch.ones_like(problem.y[:, 0]) if scale is None else scale
    width = _Table(problem, params).start().shape[1]
    found, off = np.full((len(times), 2, len(pace), width), np.nan), np.full((len(times), len(pace)), np.nan)
    for rows, solved in _groups(problem, params, _FINER * rtol):
        mine = {name: value.index_select(0, rows) for name, value in params.items()}
        few = _chosen(problem, rows)
        tables, errors = _follow(few, mine, pace.index_select(0, rows), times, rtol, atol, solved)
        index = rows.cpu().numpy()
        found[:, :, index], off[:, index] = tables.cpu().numpy(), errors.cpu().numpy()
    coarse, fine = found[:, 0], found[:, 1]
    clock = np.asarray(times)[:, None]
    moved, size = (clock > 0).astype(np.float64), max(fine.shape[2] - 1, 0) ** 0.5
    solver = _SAFETY * clock * np.maximum.accumulate(off, axis=0)
    promised = rtol * np.linalg.norm(fine[:, :, :-1], axis=2) + atol * size
    error = _SAFETY * np.linalg.norm(fine[:, :, :-1] - coarse[:, :, :-1], axis=2) + solver
    drift = _SAFETY * np.abs(fine[:, :, -1] - coarse[:, :, -1]) + solver
    drift = drift + moved * _FINER * (rtol * np.abs(fine[:, :, -1]) + atol)
    device, table = problem.y.device, _Table(problem, params)
    estimates = tuple(
        model.estimate(problem, table.read(torch.from_numpy(rows).to(device)), tau=k)
        for k, rows in enumerate(fine)
    )
    return FlowResult(
        tuple(float(t) for t in times),
        estimates,
        torch.from_numpy(error + _FINER * promised * moved).to(device),
        torch.from_numpy(fine[:, :, -1].copy()).to(device),
        torch.from_numpy(drift).to(device),
    )
