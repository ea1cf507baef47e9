"""Looking for hard configurations: hypotheses that hold, conclusions as close to broken as can be.

Everything here is an estimate in batches of float64. What it finds is a proposal that
`checker.runs` judges; searching is not sampling, and gives no confidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch

from checker.batch import CPU
from checker.candidates import neighbours, propose
from checker.completing import FRACTIONS, POINTS, Assessed, complete, strip
from checker.configuration import Configuration
from checker.request import Request
from checker.simulating import simulate
from checker.theorem import Theorem

_NEARBY = 0.1  # how far the first neighbours of a configuration lie from it, in decades about


@dataclass(frozen=True)
class Effort:
    """How hard a population search tries."""

    population: int
    generations: int


SWEEP = Effort(32, 3)
"""The search made in every shape, before runs are judged."""

ATTACK = Effort(120, 7)
"""The longer search for a violation made once enough runs held."""


def evolve(
    theorem: Theorem,
    request: Request,
    sizes: dict[str, int],
    activation: str | None,
    rng: np.random.Generator,
    *,
    steps: int,
    effort: Effort = SWEEP,
    conclusions: bool = True,
    device: torch.device = CPU,
    fractions: Sequence[Fraction] = FRACTIONS,
    near: Sequence[Configuration] = (),
) -> list[Assessed]:
    """A population search in one shape: every candidate seen, the most interesting first.

    Step sizes are taken at the `fractions` of their bound. Half of the first candidates are neighbours of
    the configurations `near`, where there are any.
    """
    population, generations = effort.population, effort.generations
    bare = [strip(theorem, request, c) for c in near]
    moved = list(neighbours(theorem, request, bare, rng, population // 2, _NEARBY)) if bare else []
    current = moved + [
        propose(theorem, request, sizes, activation, rng) for _ in range(population - len(moved))
    ]
    seen: list[Assessed] = []
    for generation in range(generations):
        assessed = complete(theorem, current, rng, fractions, device=device, points=POINTS)
        good = [a for a in assessed if a.hypotheses >= 0]
        poor = [a for a in assessed if not a.hypotheses >= 0]
        if good and conclusions:
            good = simulate(theorem, good, steps, device)
        seen.extend(good)
        seen.extend(poor)
        seen.sort(key=lambda a: -_rank(a))
        del seen[6 * population :]
        if generation + 1 < generations:
            parents = [
                strip(theorem, request, a.configuration) for a in _parents(seen, max(4, population // 4))
            ]
            fresh = max(4, population // 6)
            strength = 0.5 * 0.6**generation + 0.02
            current = list(neighbours(theorem, request, parents, rng, population - fresh, strength))
            current += [propose(theorem, request, sizes, activation, rng) for _ in range(fresh)]
    return seen


def _parents(seen: list[Assessed], count: int) -> list[Assessed]:
    """The fittest, and for every conclusion those that come closest to breaking it."""
    chosen = list(seen[: max(2, count // 2)])
    width = max((len(a.each) for a in seen), default=0)
    rated = [a for a in seen if len(a.each) == width and a.hypotheses >= 0 and not a.sought]
    for k in range(width):
        ranked = sorted(rated, key=lambda a: a.each[k])
        chosen.extend(ranked[: max(1, count // (2 * width))])
    return chosen or seen[:count]


def _rank(a: Assessed) -> float:
    return a.fitness if np.isfinite(a.fitness) else -1e9
