"""Looking for hard configurations: hypotheses that hold, conclusions as close to broken as can be.

Everything here is an estimate in batches of float64. What it finds is a proposal that
`checker.runs` judges; searching is not sampling, and gives no confidence.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from checker.admissible import Reduced, choose, largest, reduce, worst_margin
from checker.batch import CPU, scene_of
from checker.candidates import neighbours, propose
from checker.configuration import Configuration
from checker.expression.estimate import estimate, margin
from checker.expression.simplify import free_names_of_claim, next_depth_of_claim, roots, walk
from checker.expression.tree import Call, Claim, Comparison, Node, Number
from checker.hypotheses import gates
from checker.judging import conclusion_claim
from checker.names import claim_dependencies, of_quantifier, only_chosen
from checker.request import Request
from checker.scene import Moment, Path, Scene
from checker.theorem import Theorem
from models.core.grid import chunk_size
from models.settings import NETWORKS
from models.settings.base import Estimate
from models.training import gradient_descent, picard

FRACTIONS = (Fraction(1), Fraction(1, 2), Fraction(1, 4), Fraction(1, 16))
"""The shares of its bound at which a step size is taken."""

ZERO = Number(Fraction(0))

WHOLE_BOUND = (Fraction(1),)
"""A step size at its bound only."""

CARRIED = frozenset({"total", "least", "greatest"})
"""Operators that accumulate along a run."""

_POINTS = 128  # tried in a round of a search for parameters
_ROUNDS_NEAR, _POINTS_NEAR = 8, 24  # of a short search for parameters
_NEARBY = 0.1  # how far the first neighbours of a configuration lie from it, in decades about

STRICTLY_BELOW = 1 - 2.0**-20


@dataclass(frozen=True)
class Effort:
    """How hard a population search tries."""

    population: int
    generations: int


SWEEP = Effort(32, 3)
"""The search made in every shape, before runs are judged."""

ATTACK = Effort(120, 7)
"""The longer search for a violation made once enough runs held."""


@dataclass(frozen=True)
class Assessed:
    """A candidate with its parameters chosen; margins in decades, positive where claims hold."""

    configuration: Configuration
    hypotheses: float
    conclusion: float = np.inf
    name: str = ""
    step: int = 0
    each: tuple[float, ...] = ()
    sought: bool = False

    @property
    def fitness(self) -> float:
        """Larger is more interesting: satisfied hypotheses first, then small conclusion margins.

        Where the conclusions ask for a good choice (`sought`), large margins instead.
        """
        if self.hypotheses < 0:
            return self.hypotheses - 100
        margin = min(self.conclusion, 50.0)
        return margin if self.sought else -margin


def _claims(theorem: Theorem, configuration: Configuration, unknown: frozenset[str]) -> list[Claim]:
    """The gates; the domains of parameters not chosen yet come along."""
    out = [claim.claim for claim in gates(theorem, configuration)]
    for name in sorted(unknown):
        domain = theorem.parameters[name].domain
        if domain is not None:
            out.append(domain)
    hidden = of_quantifier(theorem, "hidden")
    return [c for c in out if not claim_dependencies(c, theorem.definitions) & hidden]


def _leaf_values(reduced: Reduced, scene: Scene[Tensor], size: int) -> dict[str, Tensor]:
    values: dict[str, Tensor] = {}
    for name, node in reduced.leaves.items():
        try:
            values[name] = estimate(node, scene).to(CPU).expand(size)
        except (ArithmeticError, RuntimeError):
            values[name] = torch.full((size,), torch.nan, dtype=torch.float64)
    return values


def complete(
    theorem: Theorem,
    candidates: Sequence[Configuration],
    rng: np.random.Generator,
    fractions: Sequence[Fraction] = FRACTIONS,
    device: torch.device = CPU,
    points: int = 256,
    near: Mapping[str, Sequence[float]] | None = None,
) -> list[Assessed]:
    """Choose `exists` parameters and step sizes for candidates of one shape; estimate the hypotheses.

    Where there are values `near` which to look, one for each candidate, the search is a short one.
    """
    size = len(candidates)
    first = candidates[0]
    open_names = [
        name
        for name, p in theorem.parameters.items()
        if name not in first.parameters and p.quantifier in {"exists", "forall"}
    ]
    step = theorem.step if theorem.step in open_names else None
    exists = tuple(name for name in open_names if name != step)
    scene = scene_of(theorem, candidates, device)
    unknown = frozenset(open_names)
    claims = _claims(theorem, first, unknown)
    reduced = reduce(claims, theorem.definitions, unknown)
    leaves = _leaf_values(reduced, scene, size)
    torch_rng = torch.Generator().manual_seed(int(rng.integers(2**62)))
    values: dict[str, Tensor] = dict(leaves)
    if exists:
        without = [
            c for c in claims if step is None or step not in claim_dependencies(c, theorem.definitions)
        ]
        part = reduce(without, theorem.definitions, unknown)
        given = _leaf_values(part, scene, size)
        if near is not None and set(exists) <= set(near):
            centre = torch.tensor([near[name] for name in exists], dtype=torch.float64).T
            found, _ = choose(
                part, given, exists, size, torch_rng, rounds=_ROUNDS_NEAR, points=_POINTS_NEAR, near=centre
            )
        else:
            found, _ = choose(part, given, exists, size, torch_rng, points=points)
        values |= found
    chosen = {name: values[name] for name in exists}
    if step is not None:
        chosen[step] = _steps(theorem, reduced, values, step, scene, rng, fractions, size)
        values[step] = chosen[step]
    margins = worst_margin(reduced, values, size)
    if reduced.skipped:
        margins = torch.minimum(margins, _skipped(theorem, claims, reduced, scene, chosen, size))
    out: list[Assessed] = []
    columns, worst = {name: v.tolist() for name, v in chosen.items()}, margins.tolist()
    for i, candidate in enumerate(candidates):
        numbers = {name: Number(Fraction(_short(v[i]))) for name, v in columns.items() if _usable(v[i])}
        parameters = dict(candidate.parameters) | numbers
        usable = len(numbers) == len(chosen)
        out.append(Assessed(replace(candidate, parameters=parameters), worst[i] if usable else -np.inf))
    return out


def _usable(value: float) -> bool:
    return math.isfinite(value) and abs(value) < 1e100


def _short(value: float) -> float:
    """The value in 30 significant bits, towards zero unless it is such a number up to rounding."""
    mantissa, exponent = math.frexp(value)
    nearest = math.ldexp(round(mantissa * 2**30) / 2**30, exponent)
    if abs(nearest - value) <= abs(value) * 2.0**-45:
        return nearest
    return math.ldexp(math.trunc(mantissa * 2**30) / 2**30, exponent)


def _steps(
    theorem: Theorem,
    reduced: Reduced,
    values: dict[str, Tensor],
    step: str,
    scene: Scene[Tensor],
    rng: np.random.Generator,
    fractions: Sequence[Fraction],
    size: int,
) -> Tensor:
    about = [c for c in reduced.claims if _mentions(c, step)]
    bound, exists = largest(replace(reduced, claims=tuple(about)), values, step, size)
    strict = any(getattr(part, "operator", "") in {"<", ">"} for c in about for part in c.parts)
    share = torch.tensor(
        [float(fractions[int(rng.integers(len(fractions)))]) for _ in range(size)], dtype=torch.float64
    )
    below = STRICTLY_BELOW if strict else 1.0
    try:
        curvature = estimate_largest_curvature(scene)
    except (RuntimeError, KeyError):
        curvature = torch.ones(size, dtype=torch.float64)
    natural = torch.tensor(rng.choice([0.1, 0.5, 1.0, 1.9], size=size)) / curvature.clamp(min=1e-12)
    eta = torch.where(torch.isinf(bound), natural, bound * share * below)
    return torch.where(exists, eta, natural)


def estimate_largest_curvature(scene: Scene[Tensor]) -> Tensor:
    """The largest eigenvalue of the tangent kernel, (B,): the natural unit of a step size."""
    kernel = torch.nan_to_num(scene.state.value("NTK"))
    return torch.linalg.eigvalsh(kernel)[:, -1].to(CPU)


def _mentions(claim: Claim, name: str) -> bool:
    return name in free_names_of_claim(claim)


def _skipped(
    theorem: Theorem,
    claims: list[Claim],
    reduced: Reduced,
    scene: Scene[Tensor],
    chosen: dict[str, Tensor],
    size: int,
) -> Tensor:
    """Margins of the claims that could not be reduced, evaluated in full."""
    full = scene.with_given(chosen)
    worst = torch.full((size,), torch.inf, dtype=torch.float64)
    for claim in claims:
        if claim.text in reduced.skipped:
            worst = torch.minimum(worst, torch.nan_to_num(margin(claim, full).to(CPU), nan=-torch.inf))
    return worst


def _carried(claim: Claim) -> list[Node]:
    """The calls of total, least and greatest in a claim: they must be followed through every step."""
    found = [node for root in roots(claim) for node in walk(root)]
    return [node for node in found if isinstance(node, Call) and node.function in CARRIED]


def _moments(steps: int) -> list[int]:
    if steps <= 12:
        return list(range(steps + 1))
    points = {0, 1, 2, 3, steps} | {round(1.4**k) for k in range(40) if 1.4**k <= steps}
    return sorted(points)


def float_path(
    theorem: Theorem, configurations: Sequence[Configuration], scene: Scene[Tensor], steps: int, depth: int
) -> Iterator[Moment[Tensor]]:
    """The moments of a batch of float64 runs in order, each with what its `next` reaches already known."""
    path: Path[Tensor] = Path(scene, depth + 2)
    states = _float_states(theorem, scene, steps + depth)
    length = scene.algebra.number(0)
    before: Estimate | None = None
    last = 0 if theorem.algorithm == "none" else steps
    for tau in range(last + 1):
        while path.length <= tau + depth:
            state = next(states, None)
            if state is None:
                break
            if before is not None:
                length = length + _moved(before, state, configurations[0].trains)
            path.push(state, length)
            before = state
        if path.length <= tau:
            return
        yield path.at(tau)


def _float_states(theorem: Theorem, scene: Scene[Tensor], steps: int) -> Iterator[Estimate]:
    start = scene.state
    if not isinstance(start, Estimate):
        raise TypeError("a float path starts from an estimate")
    if theorem.algorithm == "gradient-descent":
        return iter(gradient_descent(start.problem, start.params, scene.name(theorem.step or "eta"), steps))
    if theorem.algorithm == "picard":
        return iter(picard(start.problem, start.params, steps))
    return iter([start])


def _moved(before: Estimate, after: Estimate, names: tuple[str, ...]) -> Tensor:
    total = torch.zeros(len(before.problem.y), dtype=torch.float64, device=before.problem.y.device)
    for name in names:
        total = total + ((after.params[name] - before.params[name]) ** 2).flatten(1).sum(dim=1)
    return torch.sqrt(total)


def _noise(theorem: Theorem, moment: Moment[Tensor], depth: int) -> Tensor:
    """About how far errors of the estimates can move a margin, in decades, (B,).

    Rounding, and in gradient descent what the solves leave, is multiplied where predictions and labels
    cancel, near the end of a run.
    """
    left = 1e-14
    if theorem.algorithm == "gradient-descent":
        size = torch.linalg.vector_norm(moment.name("yhat"), dim=1)
        size = size + torch.linalg.vector_norm(moment.name("y"), dim=1)
        small = moment.name("residual")
        left = 5e-11 if theorem.setting in NETWORKS and moment.tau > 0 else left
    elif theorem.algorithm == "picard":
        size = torch.linalg.vector_norm(moment.name("T").flatten(1), dim=1)
        small = moment.name("gap")
    else:
        return torch.full_like(moment.name("loss"), 1e-14)
    return left * 10**depth * (1 + torch.nan_to_num(size / small.clamp(min=1e-300), nan=torch.inf))


def simulate(
    theorem: Theorem, assessed: Sequence[Assessed], steps: int, device: torch.device = CPU
) -> list[Assessed]:
    """Estimate every conclusion along every run; each candidate keeps its worst margin, name and step."""
    first = assessed[0].configuration
    fits = chunk_size(
        len(assessed),
        first.sizes.get("m", 1),
        first.sizes["d"],
        first.sizes["n"],
        cached=device.type == "cpu",
    )
    return [
        a
        for at in range(0, len(assessed), fits)
        for a in _simulated(theorem, assessed[at : at + fits], steps, device)
    ]


def _simulated(
    theorem: Theorem, assessed: Sequence[Assessed], steps: int, device: torch.device
) -> list[Assessed]:
    configurations = [a.configuration for a in assessed]
    size = len(configurations)
    scene = scene_of(theorem, configurations, device)
    hidden = of_quantifier(theorem, "hidden")
    claims = {c.name: conclusion_claim(theorem, c) for c in theorem.conclusions}
    claims = {k: c for k, c in claims.items() if not claim_dependencies(c, theorem.definitions) & hidden}
    depth = max((next_depth_of_claim(c) for c in claims.values()), default=0)
    carried = [node for claim in claims.values() for node in _carried(claim)]
    worst = {name: torch.full((size,), torch.inf, dtype=torch.float64) for name in claims}
    where = {name: torch.zeros(size, dtype=torch.int64) for name in claims}
    signs = _Signs(claims)
    alive = torch.ones(size, dtype=torch.bool)
    wanted = frozenset(_moments(steps))
    for moment in float_path(theorem, configurations, scene, steps, depth):
        if moment.tau not in wanted:
            for node in carried:
                estimate(node, moment)
            continue
        noise = _noise(theorem, moment, depth).to(CPU)
        alive = noise < 0.05
        for name, claim in claims.items():
            try:
                found = signs.graded(name, margin(claim, moment).to(CPU), moment)
            except (KeyError, RuntimeError, ArithmeticError):
                continue
            if moment.tau == 0:
                found = torch.where(found.abs() < 1e-12, torch.inf, found)
            found = torch.where(found < 0, (found + noise).clamp(max=0), found)
            found = torch.where(alive, torch.nan_to_num(found, nan=torch.inf), torch.inf)
            where[name] = torch.where(found < worst[name], moment.tau, where[name])
            worst[name] = torch.minimum(worst[name], found)
        if not bool(alive.any()):
            break
    if not worst:
        return list(assessed)
    names, sought = list(worst), bool(only_chosen(theorem))
    margins = torch.stack([worst[name] for name in names], 1).tolist()
    steps_of = torch.stack([where[name] for name in names], 1).tolist()
    out: list[Assessed] = []
    for a, each, at in zip(assessed, margins, steps_of, strict=True):
        k = each.index(min(each))
        out.append(replace(a, conclusion=each[k], name=names[k], step=at[k], each=tuple(each), sought=sought))
    return out


class _Signs:
    """Claims against zero have no scale of their own: they are graded by their size at the start."""

    def __init__(self, claims: dict[str, Claim]) -> None:
        self._nodes: dict[str, Node] = {}
        self._first: dict[str, Tensor] = {}
        for name, claim in claims.items():
            part = claim.parts[0]
            if len(claim.parts) == 1 and isinstance(part, Comparison):
                if part.right == ZERO and part.operator in {">", ">="}:
                    self._nodes[name] = part.left
                elif part.left == ZERO and part.operator in {"<", "<="}:
                    self._nodes[name] = part.right

    def graded(self, name: str, found: Tensor, moment: Moment[Tensor]) -> Tensor:
        """The margin, or for a claim against zero the share of its first value that is left."""
        if name not in self._nodes:
            return found
        value = estimate(self._nodes[name], moment).to(CPU)
        first = self._first.setdefault(name, value.abs().clamp(min=1e-300))
        return torch.clamp(value / first, -1.0, 300.0)


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
        assessed = complete(theorem, current, rng, fractions, device=device, points=_POINTS)
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


def strip(theorem: Theorem, request: Request, configuration: Configuration) -> Configuration:
    """Forget the parameters the tool chose, so that they are chosen again."""
    kept = {
        name: node
        for name, node in configuration.parameters.items()
        if name in request.parameters
        or theorem.parameters[name].value is not None
        or (theorem.parameters[name].quantifier == "forall" and name != theorem.step)
    }
    return replace(configuration, parameters=kept)
