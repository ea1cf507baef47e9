"""Runs of many shapes as chunks of one shape, small enough for the cache.

The number of samples is filled up to a multiple of 8 by copies of a run's first sample that weigh
nothing; it does so also where a run is alone, so that its arithmetic never depends on the company.
"""

import torch
from torch import Tensor

COLUMNS = 8
"""Samples are filled up to a multiple of this."""

CACHE = 2**23
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
