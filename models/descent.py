"""Gradient descent of many runs at once, each from start to end in a chunk that stays in the cache."""

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.activations import ACTIVATIONS
from models.core.checkpoint import Keeper, fingerprint
from models.core.descent import Chunk, Options
from models.core.gpu import Engine, replay_for
from models.core.grid import Job, chunks
from models.core.log import Log, joined, recorded_steps
from models.core.recording import Recorder
from models.settings import MODELS, NETWORKS, Params, Problem
from models.trajectory import Floats, Record, Trajectory

CAP = 500
"""The most iterations of one solve; what needs more goes to Newton's method, or is solved directly."""

Reproducible = Literal["batch", "shared"]


class NotConverged(ArithmeticError):
    """Runs whose equilibrium or adjoint did not converge: `runs` and the `steps` at which, in that order."""

    def __init__(self, runs: NDArray[np.int64], steps: NDArray[np.int64]) -> None:
        first = int(np.argmin(steps))
        super().__init__(
            f"{len(runs)} of the runs did not converge, run {runs[first]} first, at step {steps[first]}; "
            'write unconverged="keep" to go on without them'
        )
        self.runs, self.steps = runs, steps


def descend(
    problem: Problem,
    params: Params,
    eta: Tensor,
    steps: int,
    *,
    tolerance: float = 1e-10,
    cap: int = CAP,
    record: Record | None = None,
    reproducible: Reproducible = "batch",
    extrapolate: bool = True,
    unconverged: Literal["raise", "keep"] = "raise",
    engine: Engine = "auto",
    checkpoint: Path | None = None,
    checkpoint_every: int = 1000,
) -> Trajectory:
    """`steps` steps of P <- P - eta * grad_P, all trained parameters P at once, for every run of a batch.

    Equilibria and adjoints are iterated until their last change is at most `tolerance` in the
    Frobenius norm. With reproducible="batch" a run gives the same bits alone, in any batch and in any
    order (on the CPU); "shared" lets the runs of a chunk stop together. `extrapolate` starts every solve
    from what the last ones predict. `record` says what is kept of the way; None keeps the parameters
    only. `engine` (`models.core.gpu`) says how a GPU is used; on the CPU "auto" replays shared steps.
    `checkpoint` is a folder where the state is kept every `checkpoint_every` steps: the same call
    goes on from there, to the same bits.

    Raises NotConverged where neither `cap` iterations nor Newton's method solve a run, unless
    unconverged="keep": then that run ends there, `lost_at` says when, and its parameters are NaN. Raises
    ValueError for a tolerance below rounding, shapes that do not fit, an unknown setting or option, an
    engine that cannot be had.
    """
    return descend_all(
        [Job(problem, params, eta)], steps,
        tolerance=tolerance, cap=cap, record=record, reproducible=reproducible, extrapolate=extrapolate,
        unconverged=unconverged, engine=engine, checkpoint=checkpoint, checkpoint_every=checkpoint_every,
    )[0]  # fmt: skip


def descend_all(
    jobs: Sequence[Job],
    steps: int,
    *,
    tolerance: float = 1e-10,
    cap: int = CAP,
    record: Record | None = None,
    reproducible: Reproducible = "batch",
    extrapolate: bool = True,
    unconverged: Literal["raise", "keep"] = "raise",
    engine: Engine = "auto",
    checkpoint: Path | None = None,
    checkpoint_every: int = 1000,
) -> list[Trajectory]:
    """As `descend`, for jobs of different shapes; those that are computed alike go through together."""
    if reproducible not in ("batch", "shared") or unconverged not in ("raise", "keep"):
        raise ValueError('reproducible is "batch" or "shared", unconverged is "raise" or "keep"')
    if steps < 0 or cap < 1 or checkpoint_every < 1 or not tolerance > 0:
        raise ValueError("steps >= 0, cap >= 1, checkpoint_every >= 1 and tolerance > 0 are needed")
    if engine not in get_args(Engine):
        raise ValueError(f"engine is one of {', '.join(get_args(Engine))}")
    options = Options(tolerance, cap, reproducible == "shared", extrapolate)
    for job in jobs:
        _check(job, tolerance)
    parts: list[list[Log]] = [[] for _ in jobs]
    for number, (chunk, owners, true_n) in enumerate(chunks(jobs, options)):
        keeper = None
        if checkpoint is not None:
            checkpoint.mkdir(parents=True, exist_ok=True)
            digest = fingerprint(chunk, steps, record)
            keeper = Keeper(checkpoint / f"chunk-{number:05}.npz", checkpoint_every, digest)
        log = _follow(chunk, steps, record, true_n, keeper, engine)
        for index in np.unique(owners):
            parts[index].append(log.only(owners == index))
    out = [
        joined(logs) if logs else _nothing(job, steps, record) for job, logs in zip(jobs, parts, strict=True)
    ]
    if unconverged == "raise":
        for trajectory in out:
            lost = np.flatnonzero(trajectory.lost_at >= 0)
            if len(lost):
                raise NotConverged(lost, trajectory.lost_at[lost])
    return out


def _nothing(job: Job, steps: int, record: Record | None) -> Trajectory:
    """What a job without runs leaves."""
    log = Log.blank(0, recorded_steps(steps, record))
    log.end(np.zeros(0, dtype=np.int64), {name: value.cpu().numpy() for name, value in job.params.items()})
    return joined([log])


def _follow(
    chunk: Chunk,
    steps: int,
    record: Record | None,
    true_n: NDArray[np.int64],
    keeper: Keeper | None,
    engine: Engine,
) -> Log:
    """A chunk's way from its start, or from what is kept of it, to the end."""
    log = Log.blank(len(chunk.eta), recorded_steps(steps, record))
    recorder = None if record is None else Recorder(chunk, record, true_n)
    wanted = frozenset(log.steps.tolist())
    tau = begin = 0 if keeper is None else keeper.resume(chunk, recorder, log)
    replay = replay_for(chunk, engine)
    while tau < steps + (recorder is not None):
        if keeper is not None and tau > begin and tau % keeper.every == 0:
            if replay is not None:
                replay.hand_back()
            keeper.save(tau, chunk, recorder, log)
        if replay is None:
            chunk.solve()
        elif taken := replay.steps(_unseen(tau, steps, log, keeper)):
            tau += taken
            continue
        else:
            replay.solve()
        if not chunk.alive.all():
            log.lost_at[chunk.ids[~chunk.alive]] = tau
            if recorder is not None:
                recorder.keep(chunk.alive)
            chunk.keep(chunk.alive.copy())
            if len(chunk.ids) == 0:
                break
        if recorder is not None and tau in wanted:
            row = recorder.row(chunk)
            log.write(tau, chunk.ids, row)
            _see_who_left(chunk, row, tau, log)
        if tau < steps:
            chunk.move()
        tau += 1
    finite = np.ones(len(chunk.ids), dtype=bool)
    for value in chunk.params.values():
        finite &= torch.isfinite(value).reshape(len(value), prod(value.shape[1:])).all(1).cpu().numpy()
    log.lost_at[chunk.ids[~finite]] = steps
    chunk.keep(finite)
    log.end(chunk.ids, {name: value.cpu().numpy() for name, value in chunk.params.items()})
    return log


def _unseen(tau: int, steps: int, log: Log, keeper: Keeper | None) -> int:
    """How many steps can be taken from tau on before something is recorded or kept, or the end is there."""
    ends = [steps, *log.steps[log.steps >= tau][:1].tolist()]
    if keeper is not None:
        ends.append((tau // keeper.every + 1) * keeper.every)
    return min(ends) - tau


def _see_who_left(chunk: Chunk, row: Mapping[str, Floats], tau: int, log: Log) -> None:
    """Note the runs whose coupling is seen, from below, not to contract any more."""
    found = row.get(f"norm2_{chunk.network.coupled}")
    if found is None:
        return
    norm = chunk.network.coupling_norm(chunk.params, torch.from_numpy(found).to(chunk.y.device)).cpu().numpy()
    left = chunk.ids[norm * chunk.activation.lipschitz >= 1]
    log.left_at[left] = np.where(log.left_at[left] < 0, tau, log.left_at[left])


def _check(job: Job, tolerance: float) -> None:
    problem = job.problem
    if problem.setting not in NETWORKS:
        raise ValueError(
            f"the setting {problem.setting} cannot be trained here; known: {', '.join(NETWORKS)}"
        )
    MODELS[problem.setting].check(problem)
    if job.eta.shape != problem.y.shape[:1]:
        raise ValueError(f"eta {tuple(job.eta.shape)} is not one step size for each of {len(problem.y)} runs")
    wrong = [name for name, t in (*job.params.items(), ("eta", job.eta)) if t.dtype != torch.float64]
    if wrong:
        raise ValueError(f"{wrong[0]}: float64 is needed")
    network, activation = NETWORKS[problem.setting], ACTIVATIONS[problem.activation or ""]
    C = problem.X.new_empty(
        (*problem.y.shape[:1], network.coupling(job.params).shape[-1], problem.y.shape[1])
    )
    network.inject(job.params, problem.X, C)
    size = torch.linalg.matrix_norm(activation.phi(C))
    floor = float(size.nan_to_num(0, 0, 0).max()) * 2.0**-51 if len(size) else 0.0
    if tolerance < floor:
        raise ValueError(
            f"tolerance {tolerance:g} is below what rounding allows here; write {2 * floor:.1e} or more"
        )
