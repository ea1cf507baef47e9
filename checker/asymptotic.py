"""Hidden constants over a grid of sizes: the value each run needs, and whether it grows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from checker.admissible import LOWEST, feasible_line, reduce
from checker.batch import scene_of
from checker.candidates import activations, in_scope, propose
from checker.clock import Clock
from checker.completing import complete
from checker.configuration import Configuration
from checker.expression.estimate import estimate
from checker.expression.simplify import next_depth_of_claim
from checker.families import generator
from checker.judging import conclusion_claim
from checker.names import claim_dependencies, of_quantifier
from checker.probable import redraw
from checker.records import Hidden
from checker.request import Request
from checker.simulating import float_path
from checker.statistics import slope_interval
from checker.theorem import Theorem

DRAWS = 20
"""Draws at each size."""

GROWTH = {"m": (16, 32, 64, 128, 256), "d": (10, 20, 40, 80, 160), "n": (4, 8, 16, 32, 64)}
"""The sizes tried, in geometric progression."""

CONFIDENCE = 0.99


@dataclass
class Grown:
    """The needed constant at every size and its trend. `supported` None means not decided."""

    rows: tuple[Hidden, ...]
    supported: bool | None
    reason: str
    draws: int
    sizes: list[int]
    values: list[list[float]]


def grid_sizes(theorem: Theorem, request: Request, grows: str) -> list[dict[str, int]]:
    """One set of sizes for each value of the growing one, the others as the scope asks."""
    joined = theorem.setting == "least-squares"
    out: list[dict[str, int]] = []
    for value in GROWTH[grows]:
        for sizes in _around(grows, value, joined):
            fixed = {k: v for k, v in request.sizes.items() if k != grows and k in sizes}
            trial = sizes | fixed
            if in_scope(theorem, trial, dict(request.parameters)):
                out.append(trial)
                break
    return out


def _around(grows: str, value: int, joined: bool) -> list[dict[str, int]]:
    ns = [3, 2, 4, *range(1, 2 * value + 1)] if grows != "n" else [value]
    ds = [4, 8, *range(1, 2 * value + 1)] if grows != "d" else [value]
    ms = [32, value, 2 * value, *range(1, 2 * value + 1)] if grows != "m" else [value]
    if joined:
        return [{"n": n, "d": d, "m": d} for d in (ds if grows != "m" else [value]) for n in ns]
    return [{"n": n, "d": d, "m": m} for m in ms for d in ds for n in ns][:200000]


def needed(
    theorem: Theorem, configurations: Sequence[Configuration], name: str, steps: int
) -> tuple[Tensor, str]:
    """The constant every run needs for all its conclusions, (B,), and the side on which it is weaker.

    "at least": larger constants are weaker, and the needed value is the smallest that
    serves. "at most": smaller ones are weaker; the value returned is then the reciprocal
    of the largest that serves, so that growth is bad on both sides.
    """
    size = len(configurations)
    claims = [conclusion_claim(theorem, c) for c in theorem.conclusions]
    claims = [c for c in claims if name in claim_dependencies(c, theorem.definitions)]
    depth = max((next_depth_of_claim(c) for c in claims), default=0)
    scene = scene_of(theorem, configurations)
    reduced = reduce(claims, theorem.definitions, frozenset({name}))
    worst = torch.zeros(size, dtype=torch.float64)
    side = ""
    for moment in float_path(theorem, configurations, scene, steps, depth):
        leaves = {leaf: estimate(node, moment).expand(size) for leaf, node in reduced.leaves.items()}
        grid, ok = feasible_line(reduced, leaves, name, size)
        count = ok.sum(dim=1)
        low = torch.where(ok, grid, torch.inf).min(dim=1).values
        high = torch.where(ok, grid, -torch.inf).max(dim=1).values
        if side == "":
            upper = int((ok[:, -1] & ~ok[:, 0]).sum())
            lower = int((ok[:, 0] & ~ok[:, -1]).sum())
            side = "at least" if upper > lower else ("at most" if lower else "")
        value = 10**low if side != "at most" else 10 ** (-high)
        value = torch.where(low <= LOWEST, 0.0, value) if side != "at most" else value
        value = torch.where((side == "at most") & (count == len(grid)), torch.zeros_like(value), value)
        worst = torch.maximum(worst, torch.where(count == 0, torch.inf, value))
    return worst, side or "at least"


def grow(
    theorem: Theorem, request: Request, clock: Clock, *, steps: int, progress: Callable[[str], None]
) -> Grown:
    """Draw at every size, record the needed constant, and fit its trend."""
    grows = theorem.limit or "m"
    names = sorted(of_quantifier(theorem, "hidden"))
    kinds = activations(theorem, request)
    plan = grid_sizes(theorem, request, grows)
    draws = 0
    rows: list[Hidden] = []
    verdicts: list[bool | None] = []
    sizes_seen: list[int] = []
    all_values: list[list[float]] = []
    for name in names:
        seen: list[int] = []
        values: list[list[float]] = []
        for index, sizes in enumerate(plan):
            if clock.cuts(f"sizes from {grows} = {sizes[grows]}", needs=2.0):
                break
            progress(f"{DRAWS} draws at {grows} = {sizes[grows]}")
            rng = generator(request.seed, "grow", index)
            base = propose(theorem, request, sizes, kinds[0], generator(request.seed, "grow-data"))
            batch = [_fresh(theorem, request, base, sizes, kinds[0], rng) for _ in range(DRAWS)]
            assessed = complete(theorem, [_without(c, name) for c in batch], rng)
            inside = [a.configuration for a in assessed if a.hypotheses >= 0]
            if not inside:
                continue
            found, _ = needed(theorem, inside, name, steps)
            draws += len(inside)
            seen.append(sizes[grows])
            values.append([float(v) for v in found])
        row, verdict = _trend(name, seen, values)
        rows.append(row)
        verdicts.append(verdict)
        sizes_seen, all_values = seen, values
    supported = None if None in verdicts or not verdicts else all(verdicts)
    return Grown(
        tuple(rows), supported, "; ".join(f"{r.name}: {r.trend}" for r in rows), draws, sizes_seen, all_values
    )


def _without(configuration: Configuration, name: str) -> Configuration:
    return replace(configuration, parameters={k: v for k, v in configuration.parameters.items() if k != name})


def _fresh(
    theorem: Theorem, request: Request, base: Configuration, sizes: dict[str, int], activation: str | None,
    rng: np.random.Generator,
) -> Configuration:  # fmt: skip
    """A draw: what has a law is redrawn, data without one stay, free starts are proposed anew."""
    if "X" not in theorem.data and base.sizes == sizes and theorem.initialization:
        return redraw(theorem, base, rng)
    return redraw(theorem, propose(theorem, request, sizes, activation, rng), rng)


def _trend(name: str, sizes: list[int], values: list[list[float]]) -> tuple[Hidden, bool | None]:
    flat = [v for row in values for v in row]
    largest = max(flat, default=None)
    if len(sizes) < 4:
        return Hidden(name, largest, f"only {len(sizes)} sizes were reached; four are needed", ""), None
    if not all(np.isfinite(flat)):
        return Hidden(name, None, "some run needs more than any constant tried", ""), None
    if all(v == 0 for v in flat):
        return Hidden(name, 0.0, "every constant serves at every size", ""), True
    fitted = slope_interval(sizes, values, CONFIDENCE)
    if fitted is None:
        return Hidden(name, largest, "no trend can be fitted: some runs need no constant at all", ""), None
    slope, lower, upper = fitted
    text = f"log-log slope {slope:.4f}, 99% interval [{lower:.4f}, {upper:.4f}] over {sizes[0]}..{sizes[-1]}"
    return Hidden(name, largest, text, ""), lower <= 0
