"""Sweeps: thousands of float64 runs near the hard configurations that a search found.

A sweep is a search, not a sample, and gives no confidence: what looks violated is re-run in balls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from checker.batch import CPU
from checker.candidates import neighbours
from checker.completing import Assessed, complete, strip
from checker.configuration import Configuration
from checker.expression.tree import Number
from checker.records import Swept, Value
from checker.request import Request
from checker.simulating import simulate
from checker.suspects import SUSPICIOUS, suspects
from checker.theorem import Theorem

SWEPT = 12000
"""Neighbours that are looked at, in all shapes together."""

_WORK = 6e7
"""The most work in one shape, in products of two numbers for each iteration of a step, about."""

GLANCE = 24
"""Steps after which the least suspicious runs are not followed any further."""

_FOLLOWED = 8
"""One of so many runs is followed to its end."""

_PARENTS = 96
"""Configurations of a shape whose neighbours are looked at."""

_STRENGTHS = (0.3, 0.1, 0.03)
"""How far neighbours lie from their parents, in decades about; taken in turn."""

_NOTHING = 50.0
"""A margin of this many decades says nothing: the claim holds by itself."""


@dataclass(frozen=True)
class Lot:
    """What one sweep of a shape came to.

    `runs` satisfied the hypotheses and took `run_steps` together; `suspects` of them look violated; `again`
    is what to re-run in balls. `closest` has the least margin above 0: two sides that are both 0, or as
    far apart as rounding, are at 0.
    """

    shape: str
    activation: str | None
    runs: int
    run_steps: int
    suspects: int
    again: tuple[Assessed, ...]
    closest: Assessed | None


def lot(theorem: Theorem, ran: Sequence[Assessed], run_steps: int) -> Lot | None:
    """The account of a sweep's runs; None where there were none."""
    if not ran:
        return None
    first = ran[0].configuration
    rated = [a for a in ran if a.name and not a.sought and 0 < a.conclusion < _NOTHING]
    return Lot(
        ", ".join(f"{name}={size}" for name, size in first.sizes.items()), first.activation,
        len(ran), run_steps,
        sum(1 for a in ran if a.conclusion < SUSPICIOUS), tuple(suspects(theorem, ran)),
        min(rated, key=lambda a: a.conclusion, default=None),
    )  # fmt: skip


@dataclass
class Sweep:
    """What the sweeps of an audit did; margins are estimates in decades."""

    runs: int = 0
    run_steps: int = 0
    shapes: list[str] = field(default_factory=list[str])
    activations: list[str] = field(default_factory=list[str])
    suspects: int = 0
    rerun: int = 0
    dismissed: int = 0
    closest: Assessed | None = None

    def add(self, found: Lot | None) -> None:
        """Count the runs of a sweep."""
        if found is None:
            return
        self.runs += found.runs
        self.run_steps += found.run_steps
        if found.shape not in self.shapes:
            self.shapes.append(found.shape)
        if found.activation is not None and found.activation not in self.activations:
            self.activations.append(found.activation)
        self.suspects += found.suspects
        best = found.closest
        if best is not None and (self.closest is None or best.conclusion < self.closest.conclusion):
            self.closest = best

    def record(self) -> Swept | None:
        """For the report; None where nothing was swept."""
        if not self.runs:
            return None
        closest: dict[str, Value] = {}
        if self.closest is not None:
            a = self.closest
            closest = {"conclusion": a.name, "margin": a.conclusion, "step": a.step}
            closest |= a.configuration.summary()
        return Swept(
            self.runs, self.run_steps, tuple(self.shapes), tuple(self.activations), self.suspects, self.rerun,
            self.dismissed, closest or None,
        )  # fmt: skip


def counts(shapes: Sequence[Mapping[str, int]], steps: int) -> list[int]:
    """How many neighbours are looked at in each shape: more in small ones, which cost less; at least one."""
    products = [sizes["n"] * sizes.get("m", 1) ** 2 for sizes in shapes]
    weights = [1 / (1 + p / 8) for p in products]
    mean = min(steps, GLANCE) + steps / _FOLLOWED
    most = [_WORK / ((64 + p) * max(mean, 1)) for p in products]
    return [max(1, round(min(SWEPT * w / sum(weights), m))) for w, m in zip(weights, most, strict=True)]


def sweep(
    theorem: Theorem,
    request: Request,
    found: Sequence[Assessed],
    rng: np.random.Generator,
    *,
    steps: int,
    count: int,
    device: torch.device = CPU,
) -> tuple[list[Assessed], int]:
    """Runs of neighbours of what a search found in one shape, and the number of their steps together.

    Of those that satisfy the hypotheses; nothing where the search found none that does. One of _FOLLOWED is
    run in full, those that come closest to a violation in their first GLANCE steps; the others only so
    far. The closest comes first.
    """
    parents = [a.configuration for a in found if a.hypotheses >= 0][:_PARENTS]
    if not parents:
        return [], 0
    candidates: list[Configuration] = []
    for k, strength in enumerate(_STRENGTHS):
        share = count // len(_STRENGTHS) + (k < count % len(_STRENGTHS))
        candidates += neighbours(theorem, request, parents, rng, share, strength)
    near = {
        name: [_number(c, name) for c in candidates]
        for name, node in parents[0].parameters.items()
        if isinstance(node, Number)
    }
    stripped = [strip(theorem, request, c) for c in candidates]
    assessed = complete(theorem, stripped, rng, device=device, near=near)
    good = [a for a in assessed if a.hypotheses >= 0]
    if not good:
        return [], 0
    glance = min(steps, GLANCE)
    ran = sorted(simulate(theorem, good, glance, device), key=lambda a: a.conclusion)
    if glance == steps:
        return ran, steps * len(ran)
    followed = -(-len(ran) // _FOLLOWED)
    to_the_end = simulate(theorem, ran[:followed], steps, device)
    ran = sorted([*to_the_end, *ran[followed:]], key=lambda a: a.conclusion)
    return ran, glance * len(ran) + steps * followed


def _number(configuration: Configuration, name: str) -> float:
    """The value of a parameter; 1 where it is no positive number."""
    node = configuration.parameters[name]
    value = float(node.value) if isinstance(node, Number) else 1.0
    return value if 1e-24 < value < 1e24 else 1.0
