"""Can the hypotheses hold at a stated random start? None of many draws at several widths says hardly."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from checker.candidates import in_scope
from checker.clock import Clock
from checker.completing import Assessed, complete, strip
from checker.configuration import Configuration, ExactArray
from checker.families import draw, generator, sizes_of
from checker.records import Value
from checker.request import Request
from checker.satisfiability.prove import SECONDS, Impossible, impossible, improbable
from checker.settings import SETTINGS
from checker.theorem import Theorem

DRAWS = 1000
"""Draws at each width."""

DRAWING = 3.0
"""Seconds that the draws at one width may take."""

WIDTHS = (8, 16, 32, 64, 128)
"""The widths tried: the largest is 16 times the smallest."""

SHARE = 1 / 5
"""The most of an audit's budget that a search for a proof takes; what it finds is decided all the same."""

LEAST_WIDTH = WIDTHS[0]
"""Draws that satisfy the hypotheses at smaller widths do not count against vacuity."""


NOT_EXCLUDED = "no configuration was found, and the draws do not exclude one"


@dataclass(frozen=True)
class Vacuity:
    """Why no run exists: `basis` is "proof" or "sample", or None where nothing of the kind was found."""

    basis: str | None
    reason: str
    misses: tuple[dict[str, Value], ...] = ()
    proof: Impossible | None = None


def proved(theorem: Theorem, clock: Clock) -> Vacuity | None:
    """That no configuration satisfies the hypotheses, where it is proved in a share of the clock's budget."""
    found = impossible(theorem, SECONDS, _share(clock))
    return None if found is None else Vacuity("proof", found.reason, proof=found)


def proved_for_start(theorem: Theorem, clock: Clock) -> Vacuity | None:
    """That hardly any draw of the stated start of a wide network satisfies them, where it is proved so."""
    found = improbable(theorem, SECONDS, _share(clock))
    return None if found is None else Vacuity("proof", found.reason, proof=found)


def _share(clock: Clock) -> Clock:
    """A clock, with the same record, for one search; what came before it does not shorten it."""
    return clock if clock.budget <= 0 else Clock(clock.budget * SHARE, clock.not_done)


def by_sampling(
    theorem: Theorem, request: Request, closest: Assessed, clock: Clock, progress: Callable[[str], None]
) -> Vacuity:
    """For a stated random start: do 1000 draws at each of several widths all miss, and by how much?"""
    base = closest.configuration
    rows: list[dict[str, Value]] = []
    satisfied = 0
    for width in WIDTHS:
        sizes = dict(base.sizes) | {"m": width}
        if not in_scope(theorem, sizes, dict(request.parameters)):
            continue
        if clock.cuts(f"draws at width {width}", needs=DRAWING):
            break
        progress(f"{DRAWS} draws at width {width}")
        margins = _draws(theorem, request, replace(base, sizes=sizes), width)
        satisfied += int(np.sum(margins >= 0))
        rows.append(
            {"m": width, "n": sizes["n"], "draws": len(margins), "satisfied": int(np.sum(margins >= 0)),
             "median_miss_decades": round(float(-np.median(margins)), 6),
             "least_miss_decades": round(float(-np.max(margins)), 6)}
        )  # fmt: skip
    misses = tuple(rows)
    if satisfied or len(rows) < 3 or int(rows[-1]["m"]) < 16 * int(rows[0]["m"]):  # type: ignore[arg-type]
        return Vacuity(None, NOT_EXCLUDED, misses)
    medians = [float(row["median_miss_decades"]) for row in rows]  # type: ignore[arg-type]
    limit = settled_miss(medians)
    if limit is None:
        return Vacuity(None, "no configuration was found, but the median miss shrinks with the width", misses)
    text = (
        f"none of {DRAWS} draws of the stated start satisfied the hypotheses at any of "
        f"{len(rows)} widths from "
        f"{rows[0]['m']} to {rows[-1]['m']}; the median miss settles near a factor {10**limit:.3g}"
    )
    return Vacuity("sample", text, misses)


def settled_miss(medians: list[float]) -> float | None:
    """The value at which median misses (decades, at doubled widths) settle; None where they keep shrinking.

    A miss that does not shrink settles where it is. One that shrinks by less at every
    doubling, each time by at most 9/10 of the last, settles at the end of that geometric
    series; it counts only if it is still a miss there.
    """
    drops = [a - b for a, b in pairwise(medians)]
    if drops[-1] <= 0:
        return medians[-1] if medians[-1] > 0 else None
    before = drops[-2] if len(drops) > 1 else drops[-1]
    if before <= drops[-1] / 0.9:
        return None
    ratio = drops[-1] / before
    limit = medians[-1] - drops[-1] * ratio / (1 - ratio)
    return limit if limit > 0 else None


def _draws(theorem: Theorem, request: Request, base: Configuration, width: int) -> np.ndarray:
    """The hypotheses' margins over fresh draws of the start, X, y and given parameters fixed."""
    setting = SETTINGS[theorem.setting]
    rng = generator(request.seed, "vacuity", width)
    margins: list[float] = []
    chunk = 250 if width <= 64 else 100
    bare = strip(theorem, request, base)
    while len(margins) < DRAWS:
        batch: list[Configuration] = []
        for _ in range(min(chunk, DRAWS - len(margins))):
            arrays = dict(bare.arrays)
            for name, shape in setting.parameters.items():
                size = sizes_of(shape, dict(base.sizes))
                law = theorem.initialization.get(name)
                arrays[name] = draw(law, size, bare, rng) if law is not None else ExactArray(np.zeros(size))
            batch.append(replace(bare, arrays=arrays))
        margins += [a.hypotheses for a in complete(theorem, batch, rng, points=40)]
    return np.nan_to_num(np.array(margins), nan=-np.inf, neginf=-12.0)
