"""Proof by subdivision: boxes are halved until each has no admissible points or satisfies the claim.

A box is closed and decided by enclosures: natural ones, the mean-value form, and the form that moves every
monotone variable to the corner where the quantity is smallest (Moore, Kearfott and Cloud 2009, chapters 5 and
6). Unbounded variables are cut at powers of two, the same grid as halving t in q = t/(1 - t). The number of
boxes and the clock may end it without an answer; nothing else depends on time.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from checker.expression.smt import constant
from checker.expression.tree import Atom, Claim, Name
from checker.proofs import boxes as iv
from checker.proofs.boxes import Ends, Interval
from checker.proofs.forward import Folded, over_boxes, signs_of
from checker.proofs.tape import Gap, Tape, to_tape
from checker.rounding import rounds_to_nearest

BOXES: Final = 60_000
"""The most boxes examined."""

_BATCH: Final = 256
_NUMBERS: Final = 2**21  # in the gradients of one batch
_MAX_VARIABLES: Final = 24
_MAX_INSTRUCTIONS: Final = 2500
_NARROW: Final = 2.0**-40


@dataclass(frozen=True)
class Subdivided:
    """What a subdivision found: is it proved, from how many boxes, and midpoints of boxes left open."""

    proved: bool
    boxes: int
    open_points: NDArray[np.float64]
    variables: tuple[str, ...]


def subdivide(
    assume: Sequence[Claim], show: Claim | None, deadline: float = math.inf, most: int = BOXES
) -> Subdivided:
    """Try to prove that the assumptions imply the claim, or contradict each other where `show` is None.

    Proved means: at every real point that satisfies the assumptions the claim has a value and is true.
    Raises NotOnTapeError for claims that are no statements about real numbers. `deadline` is of
    time.monotonic.
    """
    claims = (*assume, show) if show is not None else tuple(assume)
    tape = to_tape(claims)
    nothing = Subdivided(False, 0, np.empty((len(tape.variables), 0)), tape.variables)
    if len(tape.variables) > _MAX_VARIABLES or len(tape.instructions) > _MAX_INSTRUCTIONS:
        return nothing
    if not rounds_to_nearest():
        return nothing
    return _Search(tape, len(assume), show is not None).run(bounds_of(assume, tape.variables), deadline, most)


def bounds_of(assume: Sequence[Claim], variables: tuple[str, ...]) -> Interval:
    """Outward bounds of each variable, (variables, 1), by the assumptions that compare it with a constant."""
    low, high = np.full(len(variables), -np.inf), np.full(len(variables), np.inf)
    for part in (part for claim in assume for part in claim.parts):
        if isinstance(part, Atom):
            continue
        for side, other, mirrored in ((part.left, part.right, False), (part.right, part.left, True)):
            value = constant(other)
            if not isinstance(side, Name) or value is None or side.name not in variables:
                continue
            i = variables.index(side.name)
            ends = iv.point(value, ())
            if part.operator == "==" or (part.operator in (">", ">=")) != mirrored:
                low[i] = max(low[i], float(ends[0]))
            if part.operator == "==" or (part.operator in ("<", "<=")) != mirrored:
                high[i] = min(high[i], float(ends[1]))
    return low[:, None], high[:, None]


class _Search:
    """One run: a stack of boxes, examined in batches, the newest first."""

    def __init__(self, tape: Tape, assumed: int, with_claim: bool) -> None:
        self._tape = tape
        self._facts = signs_of(tape, assumed)
        self._everywhere = signs_of(tape, 0)
        self._assumed: list[Gap] = [gap for claim in tape.claims[:assumed] for gap in claim]
        self._claimed: list[Gap] = list(tape.claims[-1]) if with_claim else []

    def run(self, start: Interval, deadline: float, most: int) -> Subdivided:
        names = self._tape.variables
        if (start[0] > start[1]).any():  # the bounds alone contradict each other
            return Subdivided(True, 1, np.empty((len(names), 0)), names)
        low, high = start
        examined = 0
        size = len(self._tape.instructions) * max(1, len(names))
        together = max(16, min(_BATCH, _NUMBERS // max(1, size)))
        while low.shape[1]:
            take = max(0, low.shape[1] - together)
            batch = low[:, take:], high[:, take:]
            low, high = low[:, :take], high[:, :take]
            examined += batch[0].shape[1]
            left = self._examine(batch)
            late = examined > most or time.monotonic() > deadline
            if left is None or (late and low.shape[1] + left[0].shape[1] > 0):
                centre = _middle(batch[0], batch[1])
                return Subdivided(False, examined, centre, names)
            low, high = np.concatenate([low, left[0]], axis=1), np.concatenate([high, left[1]], axis=1)
        return Subdivided(True, examined, np.empty((len(names), 0)), names)

    def _examine(self, box: Interval) -> Interval | None:
        """The halves of the boxes of a batch that stay open; None where one is too narrow to be halved."""
        sharp = over_boxes(self._tape, self._facts, box, gradients=False)
        open_ = ~self._excluded(sharp, box) & ~self._claim_holds(sharp, None, box)
        box = box[0][:, open_], box[1][:, open_]
        if not box[0].shape[1]:
            return box
        sharp = over_boxes(self._tape, self._facts, box, gradients=False)
        smooth = over_boxes(self._tape, self._everywhere, box)
        bounded = self._excluded_by_slopes(smooth, box)
        open_ = ~bounded & ~self._claim_holds(sharp, smooth, box)
        slopes = self._smear(smooth, box)[:, open_]
        return _halved((box[0][:, open_], box[1][:, open_]), slopes)

    def _excluded(self, fold: Folded, box: Interval) -> NDArray[np.bool_]:
        """Where some assumption is certainly false."""
        out = np.zeros(box[0].shape[1], dtype=bool)
        for gap in self._assumed:
            # A fact sharpens the gap itself to [0, ..): its own sides are compared before that.
            low, high = self._unclipped(fold, gap)
            out |= (high <= 0) if gap.strict else (high < 0)
            if gap.equal:
                out |= low > 0
        return out

    def _unclipped(self, fold: Folded, gap: Gap) -> Interval:
        instruction = self._tape.instructions[gap.at]
        if instruction.operator == "-":
            first, second = (fold.values[argument] for argument in instruction.arguments)
            with np.errstate(all="ignore"):
                return iv.add(first, iv.negate(second))
        return fold.values[gap.at]

    def _excluded_by_slopes(self, smooth: Folded, box: Interval) -> NDArray[np.bool_]:
        out = np.zeros(box[0].shape[1], dtype=bool)
        for gap in self._assumed:
            high = -self._least(gap, smooth, box, -1.0)
            out |= (high <= 0) if gap.strict else (high < 0)
            if gap.equal:
                out |= self._least(gap, smooth, box, 1.0) > 0
        return out

    def _claim_holds(self, sharp: Folded, smooth: Folded | None, box: Interval) -> NDArray[np.bool_]:
        """Where every comparison of the claim certainly holds, at points that satisfy the assumptions."""
        if not self._claimed:
            return np.zeros(box[0].shape[1], dtype=bool)
        out = np.ones(box[0].shape[1], dtype=bool)
        for gap in self._claimed:
            low, high = sharp.values[gap.at]
            if smooth is not None and not gap.equal:
                low = np.maximum(low, self._least(gap, smooth, box, 1.0))
            holds = (low == 0) & (high == 0) if gap.equal else (low > 0) if gap.strict else (low >= 0)
            if gap.strict and gap.at in self._facts.positive:
                holds = np.ones_like(holds)
            out &= holds & sharp.defined[gap.at]
        return out

    def _least(self, gap: Gap, smooth: Folded, box: Interval, sign: float) -> Ends:
        """A lower bound of sign * gap over each box, by slopes; -inf where the gap may have no value."""
        slope = smooth.gradients[gap.at] if sign > 0 else iv.negate(smooth.gradients[gap.at])
        low, high = box
        rising, falling = slope[0] >= 0, slope[1] <= 0
        corner = np.where(rising, low, np.where(falling, high, np.nan))
        moved = ~np.isnan(corner) & np.isfinite(corner)
        part = Tape(self._tape.instructions[: gap.at + 1], self._tape.variables, ())
        middle = _middle(low, high)
        start = np.where(moved, corner, middle)
        bounds: list[Ends] = []
        with np.errstate(all="ignore"):
            for centre in ((np.where(moved, corner, low), np.where(moved, corner, high)), (start, start)):
                fold = over_boxes(part, self._everywhere, centre, gradients=False)
                value = fold.values[-1]
                bounds.append(value[0] if sign > 0 else -value[1])
            wide = np.where(moved, 0.0, 1.0)
            offset = iv.add((low, high), iv.negate((start, start)))
            change = iv.multiply_outward(slope, (offset[0] * wide, offset[1] * wide))
            total = (bounds[1], bounds[1])
            for i in range(low.shape[0]):
                total = iv.add(total, (change[0][i], change[0][i]))
        best = np.maximum(bounds[0], np.where(np.isnan(total[0]), -np.inf, total[0]))
        return np.where(smooth.defined[gap.at], best, -np.inf)

    def _smear(self, smooth: Folded, box: Interval) -> Ends:
        """How much each variable moves the gaps over each box: slope times width (Kearfott 1996)."""
        with np.errstate(all="ignore"):
            width = box[1] - box[0]
            total = np.zeros_like(width)
            for gap in (*self._claimed, *self._assumed):
                low, high = smooth.gradients[gap.at]
                size = np.maximum(np.abs(low), np.abs(high)) * width
                norm = size.sum(axis=0)
                share = np.where(np.isfinite(norm), size / np.maximum(norm, 1e-300), ~np.isfinite(size))
                total += share * (4.0 if gap in self._claimed else 1.0)
        return total


def _middle(low: Ends, high: Ends) -> Ends:
    """A point inside, where an unbounded side is cut: between equal signs geometrically, else at 0 or +-1."""
    with np.errstate(all="ignore"):
        middle = low + (high - low) / 2
        above = np.where(low <= 0, 1.0, 2 * low)
        below = np.where(high >= 0, -1.0, 2 * high)
        middle = np.where(np.isinf(high), np.where(np.isinf(low), 0.0, np.where(low < 0, 0.0, above)), middle)
        middle = np.where(np.isinf(low) & np.isfinite(high), np.where(high > 0, 0.0, below), middle)
    return np.clip(middle, -(2.0**1000), 2.0**1000)


def _halved(box: Interval, smear: Ends) -> Interval | None:
    """Both halves of every box, cut where the smear is largest; None where no side can be cut."""
    low, high = box
    if not low.shape[1]:
        return box
    if not low.shape[0]:
        return None
    with np.errstate(all="ignore"):
        size = np.maximum(1.0, np.maximum(np.abs(low), np.abs(high)))
        near = np.minimum(np.abs(low), np.abs(high))
        cuttable = np.isinf(size) & (np.isinf(near) | (near < 2.0**200))
        cuttable |= (high - low) / size > _NARROW
    unbounded = np.isinf(low) | np.isinf(high)
    score = np.where(cuttable, smear + np.where(unbounded, 0.5, 0.0) + 1e-9, -1.0)
    which = np.argmax(score, axis=0)
    columns = np.arange(low.shape[1])
    if (score[which, columns] < 0).any():
        return None
    middle = _middle(low, high)[which, columns]
    left_high, right_low = high.copy(), low.copy()
    left_high[which, columns] = middle
    right_low[which, columns] = middle
    return np.concatenate([low, right_low], axis=1), np.concatenate([left_high, high], axis=1)
