"""Runs of many shapes as chunks of one shape, small enough for the cache.

The number of samples is filled up to a multiple of 8 by copies of a run's first sample that weigh
nothing; it does so also where a run is alone, so that its arithmetic never depends on the company.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.activations import ACTIVATIONS
from models.core.descent import Chunk, Options
from models.settings import NETWORKS, Params, Problem
from models.trajectory import Ints

COLUMNS = 8
"""Samples are filled up to a multiple of this."""

CACHE = 2**24
"""Bytes that a chunk may take on the CPU: less is dispatched too often, more leaves the cache."""

_BUFFERS = 15  # arrays of the size of a state that a step touches


def columns_for(n: int) -> int:
    """The number of columns that n samples are computed with."""
    return -(-n // COLUMNS) * COLUMNS


def filled(X: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """X (B, d, n) and y (B, n) with columns filled up, and weights (B, n'): 1 for samples, 0 for copies."""
    n = y.shape[1]
    more = columns_for(n) - n
    weight = torch.cat([torch.ones_like(y), torch.zeros_like(y[:, :1]).expand(-1, more)], 1)
    return (
        torch.cat([X, X[:, :, :1].expand(-1, -1, more)], 2),
        torch.cat([y, y[:, :1].expand(-1, more)], 1),
        weight,
    )


def chunk_size(runs: int, m: int, d: int, n: int, *, cached: bool) -> int:
    """How many of the runs go through the steps together, so that chunks are of about equal size.

    All of them where no cache is to be kept (on a GPU).
    """
    if not cached or runs == 0:
        return max(runs, 1)
    most = max(1, CACHE // (8 * (m * m + m * d + _BUFFERS * m * columns_for(n))))
    return -(-runs // -(-runs // most))


@dataclass(frozen=True)
class Job:
    """Runs of one shape: a problem, its parameters, and eta (B,), each run's step size."""

    problem: Problem
    params: Params
    eta: Tensor


def chunks(jobs: Sequence[Job], options: Options) -> Iterator[tuple[Chunk, Ints, Ints]]:
    """Chunks with the job that each of their runs belongs to, (B,), and its number of samples, (B,)."""
    for bucket in _buckets(jobs):
        first = jobs[bucket[0]].problem
        rows = [(index, run) for index in bucket for run in range(len(jobs[index].eta))]
        m = NETWORKS[first.setting].coupling(jobs[bucket[0]].params).shape[-1]
        n, cached = first.y.shape[1], first.y.device.type == "cpu"
        size = chunk_size(len(rows), m, first.X.shape[1], n, cached=cached)
        for at in range(0, len(rows), size):
            owners = np.asarray([index for index, _ in rows[at : at + size]], dtype=np.int64)
            pieces = [
                _piece(jobs[index], [run for i, run in rows[at : at + size] if i == index])
                for index in np.unique(owners)
            ]
            params = {name: torch.cat([piece[0][name] for piece in pieces]) for name in pieces[0][0]}
            X, y, weight, eta = (torch.cat(tensors) for tensors in zip(*(p[1] for p in pieces), strict=True))
            data = (X, y, None if bool((weight == 1).all()) else weight)
            true_n = np.asarray([jobs[index].problem.y.shape[1] for index in owners], dtype=np.int64)
            activation = ACTIVATIONS[first.activation or ""]
            yield (
                Chunk(
                    NETWORKS[first.setting], activation, first.kink, first.trains, params, data, eta, options
                ),
                owners,
                true_n,
            )


def _buckets(jobs: Sequence[Job]) -> list[list[int]]:
    """The numbers of the jobs that are computed alike."""
    found: dict[tuple[object, ...], list[int]] = {}
    for index, job in enumerate(jobs):
        p = job.problem
        key = (
            p.setting, p.activation, p.kink, p.trains, p.X.shape[1], columns_for(p.y.shape[1]),
            str(p.y.device),
            *(tuple(value.shape[1:]) for value in job.params.values()),
        )  # fmt: skip
        found.setdefault(key, []).append(index)
    return list(found.values())


def _piece(job: Job, runs: list[int]) -> tuple[Params, tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Consecutive runs of a job: their parameters, and X, y, weights with columns filled up, and eta."""
    window = slice(runs[0], runs[-1] + 1)
    X, y, weight = filled(job.problem.X[window], job.problem.y[window])
    return {name: value[window] for name, value in job.params.items()}, (X, y, weight, job.eta[window])
