"""Picard iteration of a batch in place, each run stopping by itself.

A run stops at the first iteration, not before the one it expects, whose largest change times the
square root of the number of entries is at most the tolerance: an upper bound of the change in the
Frobenius norm. What a run does depends on nothing but itself: it gives the same bits in any batch.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SMALL = 512
"""A state of up to this many numbers is iterated faster than it is looked at."""

COLD = 8
"""The iteration at which a solve without history first looks at its change."""

_EASED = 0.9  # a change e times below the tolerance makes a run expect so many iterations less

_STRAGGLING = 12  # iterations after which runs that go on may be copied together

Apply = Callable[[Tensor, Tensor], object]
"""`apply(state, out)` writes the next iterate; the two never overlap."""

Restrict = Callable[[Tensor | None], Apply]
"""The map of the runs with these indices; of all runs for None."""


@dataclass(frozen=True)
class Solved:
    """`value` (B, m, n) with the last change of each run, in Frobenius norm or above, and its iterations.

    `converged` (B,); `free` are the buffers that are no longer needed; `expected` (B,) is for the next solve.
    """

    value: Tensor
    free: list[Tensor]
    change: NDArray[np.float64]
    iterations: NDArray[np.int64]
    converged: NDArray[np.bool_]
    expected: NDArray[np.int64]


def largest_change(new: Tensor, old: Tensor, scratch: Tensor) -> Tensor:
    """The largest |new - old| of every run, (B,); NaN where any entry is."""
    torch.sub(new, old, out=scratch)
    return scratch.abs_().view(len(new), -1).amax(dim=1)


def solve(
    restrict: Restrict,
    state: Tensor,
    spare: tuple[Tensor, Tensor, Tensor],
    *,
    tolerance: float,
    expected: NDArray[np.int64],
    cap: int,
    together: bool = False,
) -> Solved:
    """Iterate from `state`, whose buffer is used, until every run has stopped or spent `cap` iterations.

    `spare` are three more buffers of its shape. `together` lets all runs stop at the same iteration, once
    the last of them may: faster where they are alike, and no longer the same bits as alone. Where
    half of the runs have stopped long before the others, these are copied together and cost only themselves.
    """
    runs, root, stride = len(state), float(np.sqrt(state[0].numel())), stride_of(state)
    current, (other, scratch, kept) = state, spare
    rows, going = np.arange(runs), np.ones(runs, dtype=bool)  # of what is iterated: whose, and which go on
    change, iterations = np.full(runs, np.inf), np.zeros(runs, dtype=np.int64)
    first, last = int(expected.min()), int(expected.max())
    apply, count, copied, look = restrict(None), 0, 0, _at(last if together else first, stride)
    while True:
        apply(current, other)
        current, other, count = other, current, count + 1
        if count < look and count < cap:
            continue
        seen = (largest_change(current, other, scratch) * root).cpu().numpy()
        if len(seen) == runs and count >= last and bool((seen <= tolerance).all()) and going.all():
            iterations[:] = count
            return _solved(current, [other, scratch, kept], seen, iterations, tolerance)
        stops = ~(seen > tolerance)  # NaN stops too: it never comes back
        if together:
            stops[:] = stops.all()
        stops = going & ((stops & (expected[rows] <= count)) | (count >= cap))
        if stops.any():
            change[rows[stops]], iterations[rows[stops]] = seen[stops], count
            going &= ~stops
            kept.index_copy_(0, _index(rows[stops], state), current.index_select(0, _index(stops, state)))
            if not going.any():
                break
        if count >= copied + _STRAGGLING and 2 * going.sum() <= len(going):
            left = _index(going, state)
            current, rows, going = current.index_select(0, left), rows[going], going[going]
            other, scratch = torch.empty_like(current), torch.empty_like(current)
            apply, copied = restrict(_index(rows, state)), count
        look = _at(count + 1 if together else max(count + 1, int(expected[rows[going]].min())), stride)
    return _solved(kept, [state, *spare[:2]], change, iterations, tolerance)


def stride_of(state: Tensor) -> int:
    """Iterations between two at which a run may stop: where one costs less than to look at it, more."""
    return 2 if state[0].numel() <= SMALL else 1


def _at(count: int, stride: int) -> int:
    """The first iteration from `count` on at which runs may stop: 1, 1 + stride, 1 + 2*stride, ..."""
    return count + (1 - count) % stride


def _solved(
    value: Tensor,
    free: list[Tensor],
    change: NDArray[np.float64],
    iterations: NDArray[np.int64],
    tolerance: float,
) -> Solved:
    expected = _expect(iterations, change, tolerance)
    return Solved(value, free, change, iterations, change <= tolerance, expected)


def _index(rows: NDArray[np.generic], like: Tensor) -> Tensor:
    """Row numbers, or a mask of rows, as an index on the device of a tensor."""
    numbers = np.flatnonzero(rows) if rows.dtype == bool else rows
    return torch.from_numpy(numbers).to(like.device)


def _expect(
    iterations: NDArray[np.int64], change: NDArray[np.float64], tolerance: float
) -> NDArray[np.int64]:
    """The iteration at which each run looks first next time: where its change will likely be small enough."""
    below = np.clip(change, 1e-6 * tolerance, tolerance)
    eased = (_EASED * np.log(tolerance / np.where(below == below, below, tolerance))).astype(np.int64)
    return np.maximum(iterations - eased, 1)
