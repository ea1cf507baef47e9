"""Picard iteration of a batch in place, each run by itself, helped by sweeps in single precision.

A run stops at the first look at which its state changed by at most the tolerance in the Frobenius
norm. Where a look says that more than a few iterations are missing, r = image - state is not iterated
away in float64: the sum of J^k r, J = D M the derivative there, is found by sweeps in float32, and only
the change of the next iteration, in float64, decides (iterative refinement: N. J. Higham, Accuracy and
Stability of Numerical Algorithms, SIAM 2002, chapter 12). What a run does depends on nothing but
itself: it gives the same bits in any batch.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

WIDE = 128
"""From this width on products in single precision, half as long, pay for what else a sweep takes.

Below, a look costs as much as a good part of an iteration, and there are fewer counts to stop at.
"""

_PLAIN = 3  # so many missing iterations are made in float64 everywhere
_WAIT = 8  # and so many at most, where sweeps do not help, before the next look
_AIM = 0.3  # the share of the tolerance that a prediction aims at
_USUAL = 0.4  # the rate of contraction where none is known
_SLOW = 0.999  # and the largest that predictions reckon with
_DEEP = 3e-6  # about what sweeps leave of a residual
_SINGLE = 1e-6  # what is left below this share may be the rounding of single precision
_ROUGH = 1e-5  # a mean change above this is first reduced by iterating the map itself in single precision
_FAR = 1e-2  # by half as many sweeps below this
_LEAST, _MOST = 1e-25, 1e20  # changes between these, and the states they belong to, are held in float32
_MUCH = 0.3  # flipped signs or curvature seldom leave more than this share
_GROWN = 0.9  # a change that refinement does not bring below this share is left to plain iteration

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


Apply = Callable[[Tensor, Tensor], object]
"""`apply(state, out)` writes the next iterate; the two never overlap."""

Rows = Tensor | None
"""Indices of runs; None for all."""


@dataclass(frozen=True)
class Equation:
    """x = map(x) for a batch of runs, (B, m, n).

    `first(out)` writes the image of zero, `apply(state, out)` that of a state. In float32, for the runs with
    the given indices or for all: `matrix(rows)` is the linear part M, `slope(image, rows)` is D at the states
    that have these images, and `rough(rows)` is the map; it is None where the map is linear.
    `restrict(rows)` is the equation of these runs alone.
    """

    first: Callable[[Tensor], object]
    apply: Apply
    matrix: Callable[[Rows], Tensor]
    slope: Callable[[Tensor, Rows], Tensor]
    rough: Callable[[Rows], Apply] | None
    restrict: Callable[[Tensor], "Equation"]


@dataclass(frozen=True)
class Known:
    """What the last solve tells the next of each run, (B,): when to look first, and how fast it contracts."""

    due: Integers
    rate: Floats

    @staticmethod
    def nothing(runs: int) -> "Known":
        """Before the first solve."""
        return Known(np.ones(runs, dtype=np.int64), np.full(runs, _USUAL))

    def only(self, rows: NDArray[np.integer]) -> "Known":
        """Of these runs."""
        return Known(self.due[rows], self.rate[rows])


@dataclass(frozen=True)
class Solved:
    """`value` (B, m, n) with the last change of each run in the Frobenius norm.

    `iterations` (B,) are in float64, `sweeps` (B,) in float32; `converged` (B,); `free` are the buffers that
    are no longer needed; `known` is for the next solve.
    """

    value: Tensor
    free: list[Tensor]
    change: Floats
    iterations: Integers
    sweeps: Integers
    converged: NDArray[np.bool_]
    known: Known


def size_of(difference: Tensor) -> Tensor:
    """The Frobenius norm of every state, (B,); in a batch the order of summation is that of one alone."""
    runs, numbers = len(difference), difference[0].numel()
    parts = 8 if numbers % 8 == 0 else difference.shape[-1]
    rows = difference.view(runs, parts, -1)
    return torch.linalg.vector_norm(torch.linalg.vector_norm(rows, dim=2), dim=1)


def solve(
    equation: Equation,
    state: Tensor,
    spare: tuple[Tensor, Tensor, Tensor],
    *,
    tolerance: float,
    known: Known,
    cap: int,
    together: bool = False,
) -> Solved:
    """Iterate from `state`, whose buffer is used, until every run has stopped or spent `cap` iterations.

    `spare` are three more buffers of its shape. `together` lets all runs stop at the same iteration, once
    the last of them may: faster where they are alike, and no longer the same bits as alone. Where
    half of the runs have stopped long before the others, these are copied together and cost only themselves.
    """
    work = _Work(equation, state, spare, tolerance, known, cap, together)
    while work.advance():
        pass
    return work.solved()


class _Work:
    """A solve under way. `rows` are the runs that are iterated, and `going` those of them that go on."""

    def __init__(
        self,
        equation: Equation,
        state: Tensor,
        spare: tuple[Tensor, Tensor, Tensor],
        tolerance: float,
        known: Known,
        cap: int,
        together: bool,
    ) -> None:
        runs, numbers = len(state), state[0].numel()
        self.equation, self.tolerance, self.cap, self.together = equation, tolerance, cap, together
        self.state, self.image, self.scratch, self.kept = state, *spare
        self.buffers, self.root = [state, *spare], float(np.sqrt(numbers))
        self.wide = state.shape[1] >= WIDE
        self.rows, self.going, self.count = np.arange(runs), np.ones(runs, dtype=bool), 0
        self.change, self.rate = np.full(runs, np.inf), known.rate
        self.iterations, self.sweeps = np.zeros(runs, dtype=np.int64), np.zeros(runs, dtype=np.int64)
        self.gap = np.zeros(runs, dtype=np.int64)  # iterations and sweeps since the last look
        self.dull = np.zeros(runs, dtype=bool)  # sweeps did not help
        self.due = np.full_like(known.due, known.due.max(initial=1)) if together else known.due.copy()
        self.look, self.spent = int(self.due.min(initial=1)), cap
        self.whole: Tensor | None = None  # the solution, where all runs stopped at once

    def advance(self) -> bool:
        """Iterate to the next look, and see who stops; False when all have."""
        self.equation.apply(self.state, self.image)
        self.state, self.image, self.count = self.image, self.state, self.count + 1
        if self.count < self.look and self.count < self.spent:
            return True
        torch.sub(self.state, self.image, out=self.scratch)
        seen = size_of(self.scratch).cpu().numpy()
        spent = self.count + self.sweeps[self.rows] >= self.cap
        looking = self.going & ((self.due[self.rows] <= self.count) | spent)
        stops = looking & (~(seen > self.tolerance) | spent)  # NaN stops too: it never comes back
        if self.together and not stops[self.going].all():
            stops[:] = False
        if stops.any():
            self._stop(stops, seen)
            if not self.going.any():
                return False
            looking &= ~stops
        if looking.any():
            self._plan(np.flatnonzero(looking), seen[looking])
        rows = self.rows[self.going]
        self.look, self.spent = int(self.due[rows].min()), self.cap - int(self.sweeps[rows].max())
        return True

    def _stop(self, stops: NDArray[np.bool_], seen: Floats) -> None:
        runs = self.rows[stops]
        self._learn(runs, seen[stops])
        self.change[runs], self.iterations[runs] = seen[stops], self.count
        self.going &= ~stops
        if len(runs) == len(self.change):
            self.whole = self.state
            return
        picked = self.state if stops.all() else self.state.index_select(0, _index(stops, self.state))
        self.kept.index_copy_(0, _index(runs, self.state), picked)

    def _learn(self, runs: Integers, seen: Floats) -> None:
        """Take the rate of contraction from two looks, unless something else made the difference."""
        gap = self.gap[runs]
        if not gap.any():
            return
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            left = seen / self.change[runs]
            rate, old = np.clip(left ** (1 / gap), 0.02, _SLOW), self.rate[runs]
            rate = np.where(left > _SINGLE, rate, np.minimum(rate, old))
        self.dull[runs] |= (gap > 0) & (left > _GROWN)
        told = left < 1 if self.equation.rough is None else (left < 1) & (left > _MUCH)
        self.rate = self.rate.copy()
        self.rate[runs] = np.where((gap > 0) & told, rate, old)

    def _plan(self, places: Integers, seen: Floats) -> None:
        """Decide how the runs at these places, which were looked at, go on; sweep where it is far."""
        runs = self.rows[places]
        self._learn(runs, seen)
        pace = -np.log(self.rate[runs])
        missing = np.log(np.maximum(seen / (_AIM * self.tolerance), 1)) / pace
        self.change[runs] = seen
        if self.together:
            missing[:] = missing.max()
        due = self.count + np.minimum(np.maximum(np.ceil(missing), 1), _WAIT).astype(np.int64)
        due = due if self.wide else _seldom(due)
        far = (missing > _PLAIN) & ~self.dull[runs] & self.wide
        far &= (seen > _LEAST) & (seen < _MOST)
        self.due[runs], self.gap[runs] = np.where(far, self.count + 1, due), due - self.count
        if far.any():
            self._sweep(places[far], seen[far], missing[far], pace[far])
        elif missing.max() > _WAIT:
            self._close_up()

    def _close_up(self) -> None:
        """Copy the runs that go on together, where they are at most half of those that are iterated."""
        if 2 * int(self.going.sum()) > len(self.going):
            return
        left = _index(self.going, self.state)
        self.state, self.scratch = self.state.index_select(0, left), self.scratch.index_select(0, left)
        self.image = torch.empty_like(self.state)
        self.equation = self.equation.restrict(left)
        self.rows, self.going = self.rows[self.going], self.going[self.going]

    def _sweep(self, places: Integers, seen: Floats, missing: Floats, pace: Floats) -> None:
        """Sweep each of these runs as often as it needs, with those that need as many."""
        rough = np.zeros(len(seen), dtype=bool)
        if self.equation.rough is not None:
            rough = seen > _ROUGH * self.root
        wanted = _menu(-np.log(_DEEP) / pace)
        few = np.where(rough, seen < _FAR * self.root, 2 * missing < wanted)
        wanted = np.where(few, wanted // 2, wanted)
        if self.together:
            rough[:], wanted[:] = rough.any(), wanted.max()
        self.sweeps[self.rows[places]] += wanted
        self.gap[self.rows[places]] = wanted + 1
        groups = 2 * wanted + rough
        for group in np.unique(groups).tolist():
            picked = places[groups == group]
            index = None if len(picked) == len(self.rows) else _index(picked, self.state)
            state, scratch = (
                t if index is None else t.index_select(0, index) for t in (self.state, self.scratch)
            )
            if group % 2 and self.equation.rough is not None:
                _roughly(self.equation.rough(index), state, group // 2)
            else:
                M, D = self.equation.matrix(index), self.equation.slope(state, index)
                _linearly(M, D, state, scratch, group // 2)
            if index is not None:
                self.state.index_copy_(0, index, state)

    def solved(self) -> Solved:
        """What came of it."""
        value = self.kept if self.whole is None else self.whole
        free = [buffer for buffer in self.buffers if buffer is not value]
        below = np.maximum(self.change, 1e-6 * self.tolerance)
        with np.errstate(invalid="ignore"):
            eased = np.floor(np.log(below / self.tolerance) / np.log(self.rate))
        plain = self.iterations - np.where(eased > 0, eased, 0).astype(np.int64)
        if self.wide:
            plain[(self.sweeps > 0) | (plain > _PLAIN + 2)] = 1
        plain = np.maximum(plain, 1)
        plain = plain if self.wide else _seldom(plain)
        converged = self.change <= self.tolerance
        return Solved(
            value, free, self.change, self.iterations, self.sweeps, converged, Known(plain, self.rate)
        )


def _roughly(apply: Apply, state: Tensor, sweeps: int) -> None:
    """Replace images by what the map makes of them in float32."""
    now = state.to(torch.float32)
    other = torch.empty_like(now)
    for _ in range(sweeps):
        apply(now, other)
        now, other = other, now
    state.copy_(now)


def _linearly(M: Tensor, D: Tensor, state: Tensor, change: Tensor, sweeps: int) -> None:
    """Add to images whose last change is r the sum of (D M)^k r, k = 1, ..., `sweeps`, found in float32."""
    r = change.to(torch.float32)
    total, product = r.clone(), torch.empty_like(r)
    for _ in range(sweeps):
        torch.bmm(M, total, out=product)
        torch.addcmul(r, D, product, out=total)
    change.copy_(total.sub_(r))
    state.add_(change)


def _menu(sweeps: Floats) -> Integers:
    """About so many sweeps, of few different numbers, so that most runs of a batch share one."""
    return _MENU[np.clip(np.round(2 * np.log2(sweeps / 5)), 0, 6).astype(np.int64)]


_MENU = np.array([6, 8, 10, 14, 20, 28, 40])


_STOPS = np.unique(np.r_[1, 3, np.ceil(1.2 ** np.arange(9, 80)), 2**40].astype(np.int64))


def _seldom(count: Integers) -> Integers:
    """The first of 1, 3, 6, 7, 8, 9, 11, 13, 16, ... from each count on: a fifth more every time."""
    return _STOPS[np.searchsorted(_STOPS, count)]


def _index(rows: NDArray[np.generic], like: Tensor) -> Tensor:
    """Row numbers, or a mask of rows, as an index on the device of a tensor."""
    numbers = np.flatnonzero(rows) if rows.dtype == bool else rows
    return torch.from_numpy(numbers).to(like.device)
