"""Batches of runs of mixed sizes, step by step on chunks: every solve about as exact as rounding allows.

A chunk has one tolerance for the equilibria T and the adjoints V of all its runs. Runs are grouped by the
size of the rounding errors of their T, and the readout and the labels of each run are multiplied by a power
of two, which is exact, so that those of its V are about as large. A run whose numbers have grown since is
put into another group.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from models.activations import ACTIVATIONS
from models.core.descent import Chunk, Options
from models.settings import MODELS, NETWORKS, Estimate, Network, Params, Problem
from models.settings.base import Solved
from models.settings.network import Factors

CAP = 48
"""The most iterations of one solve; all runs would wait for one that needs more: it is solved directly."""

ROUNDING = 2.0**-46
"""A tolerance is this share of the size of the terms that are added up, or up to 1024 times more."""

_BITS = 10  # tolerances are powers of two, this many bits apart

_ORDER = 2  # of extrapolation; higher ones multiply what a solve leaves, of which there is more than movement

_SCALE = "scale"
"""The name, among the parameters of a chunk, of the factor of readout and labels."""


@dataclass
class _Group:
    """Runs that go together: `rows` are their numbers in the batch, `scale` (k,) powers of two."""

    chunk: Chunk
    rows: Tensor

    def only(self, mask: Tensor) -> None:
        """Leave some of the runs."""
        if bool(mask.all()):
            return
        self.chunk.keep(mask.cpu().numpy())
        self.rows = self.rows[mask]


def walk(problem: Problem, params: Params, eta: Tensor, steps: int) -> Iterator[Estimate]:
    """The estimates at tau = 0, ..., `steps` of gradient descent, for a setting with an equilibrium.

    A run that is lost has no values from there on, and from the next step on no parameters.
    """
    model = MODELS[problem.setting]
    now = model.estimate(problem, dict(params))
    groups = _grouped(problem, now, eta, torch.arange(len(eta), device=eta.device)[now.converged])
    yield now
    for tau in range(1, steps + 1):
        for group in groups:
            group.chunk.move()
        moved = _gathered(groups, now.params)
        groups = _solved(problem, moved, eta, groups)
        yield model.known(problem, moved, _solutions(groups, now), tau=tau)


def _solved(problem: Problem, params: Params, eta: Tensor, groups: list[_Group]) -> list[_Group]:
    """The groups at their new parameters, those that are lost left out or put into new groups."""
    out: list[_Group] = []
    for group in groups:
        group.chunk.solve()
        alive = torch.from_numpy(group.chunk.alive.copy()).to(group.rows.device)
        if not bool(alive.all()):
            out += _rescued(problem, params, eta, group.rows[~alive])
        group.only(alive)
        if len(group.rows):
            out.append(group)
    return out


def _rescued(problem: Problem, params: Params, eta: Tensor, rows: Tensor) -> list[_Group]:
    """Groups of those of the runs that have an equilibrium and an adjoint; solved."""
    part = replace(problem, X=problem.X[rows], y=problem.y[rows])
    now = MODELS[problem.setting].estimate(part, {name: value[rows] for name, value in params.items()})
    found = now.converged.nonzero().squeeze(1)
    groups = _grouped(part, now, eta[rows], found)
    for group in groups:
        group.rows = rows[group.rows]
    return groups


def _grouped(problem: Problem, now: Estimate, eta: Tensor, rows: Tensor) -> list[_Group]:
    """The runs `rows` of an estimate, solved from its solutions; less those that cannot be."""
    solved = now.solved
    usable = torch.isfinite(solved.V[rows]).flatten(1).all(1)
    rows = rows[usable]
    if not len(rows):
        return []
    network = NETWORKS[problem.setting]
    level, scale = _sizes(network, problem, now, eta, rows)
    out: list[_Group] = []
    for exponent in sorted(set(level.tolist())):
        here = level == exponent
        group = _group(network, problem, now, eta, rows[here], scale[here], exponent)
        group.chunk.solve()
        group.only(torch.from_numpy(group.chunk.alive.copy()).to(rows.device))
        out += [group] if len(group.rows) else []
    return out


def _sizes(
    network: Network, problem: Problem, now: Estimate, eta: Tensor, rows: Tensor
) -> tuple[Tensor, Tensor]:
    """The exponent of each run's tolerance, and the power of two by which its readout is multiplied."""
    T, V, r = now.solved.T[rows], now.solved.V[rows], now.errors[rows]
    params = {name: value[rows] for name, value in now.params.items()}
    M, readout = network.coupling(params).abs(), params[network.readout].abs().unsqueeze(-1)
    C = torch.empty_like(T)
    network.inject(params, problem.X[rows], C)
    activation = ACTIVATIONS[problem.activation or ""]
    slope = activation.dphi(network.coupling(params) @ T + C, problem.kink).abs()
    size = _frobenius(slope * (M @ T.abs() + C.abs()) + T.abs())
    most = _frobenius(T).clamp(min=1e-100)
    growth = (torch.linalg.vector_norm(r, dim=-1) / most).reshape(-1, 1, 1)
    other = _frobenius(slope * (M.mT @ V.abs() + readout + growth) + V.abs())
    level = torch.ceil(torch.log2((size * ROUNDING).clamp(min=1e-280)) / _BITS) * _BITS
    ratio = torch.where((size > 0) & (other > 0), size / other, 1.0).clamp(1e-60, 1e60)
    return level.to(torch.int64), torch.exp2(torch.round(torch.log2(ratio)))


def _frobenius(a: Tensor) -> Tensor:
    return torch.linalg.vector_norm(a.flatten(1), dim=1)


def _group(
    network: Network, problem: Problem, now: Estimate, eta: Tensor, rows: Tensor, scale: Tensor, exponent: int
) -> _Group:
    params = {name: value[rows] for name, value in now.params.items()}
    for name in (network.readout, network.skip):
        if name:
            params[name] = params[name] * scale.unsqueeze(-1)
    data = (problem.X[rows], problem.y[rows] * scale.unsqueeze(-1), None)
    chunk = Chunk(
        replace(network, factors=_Scaled(network)),
        ACTIVATIONS[problem.activation or ""], problem.kink, problem.trains, params | {_SCALE: scale},
        data, eta[rows], Options(2.0**exponent, CAP, False),
    )  # fmt: skip
    chunk.equilibria.order = chunk.adjoints.order = _ORDER
    chunk.equilibria.values = [now.solved.T[rows].contiguous()]
    chunk.adjoints.values = [(now.solved.V[rows] * scale.reshape(-1, 1, 1)).contiguous()]
    return _Group(chunk, rows)


@dataclass(frozen=True)
class _Scaled:
    """The factors of the gradients where readout and labels are multiplied by `scale`."""

    network: Network

    def __call__(self, params: Params, X: Tensor, T: Tensor, C: Tensor, V: Tensor) -> Factors:
        network, shrink = self.network, 1 / (params[_SCALE] * params[_SCALE]).reshape(-1, 1, 1)
        shrunk: dict[int, Tensor] = {}
        out: dict[str, tuple[Tensor, Tensor | None]] = {}
        for name, (left, right) in network.factors(params, X, T, C, V).items():
            if name not in (network.readout, network.skip):
                if id(left) not in shrunk:
                    shrunk[id(left)] = left * shrink
                left = shrunk[id(left)]
            out[name] = (left, right)
        return out


def _gathered(groups: list[_Group], before: Params) -> Params:
    """The parameters of the whole batch; NaN for runs in no group."""
    out: Params = {}
    for name, value in before.items():
        parts = [_unscaled(group.chunk, name) for group in groups]
        out[name] = _scattered(parts, [group.rows for group in groups], value)
    return out


def _unscaled(chunk: Chunk, name: str) -> Tensor:
    value = chunk.params[name]
    if name in (chunk.network.readout, chunk.network.skip):
        return value / chunk.params[_SCALE].unsqueeze(-1)
    return value


def _solutions(groups: list[_Group], before: Estimate) -> Solved:
    """T, V and which runs have them, for the whole batch."""
    rows, like = [group.rows for group in groups], before.solved.T
    T = _scattered([group.chunk.equilibria.now for group in groups], rows, like)
    V = _scattered(
        [g.chunk.adjoints.now / g.chunk.params[_SCALE].reshape(-1, 1, 1) for g in groups], rows, like
    )
    converged = torch.zeros(len(like), dtype=torch.bool, device=like.device)
    for index in rows:
        converged[index] = True
    return Solved(T, V, converged)


def _scattered(parts: list[Tensor], rows: list[Tensor], like: Tensor) -> Tensor:
    """One array of the whole batch from those of its groups, copied."""
    if len(parts) == 1 and len(rows[0]) == len(like):
        return parts[0].clone()
    out = torch.full_like(like, torch.nan)
    for index, part in zip(rows, parts, strict=True):
        out[index] = part
    return out
