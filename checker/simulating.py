"""Estimated runs: every conclusion along float64 trajectories of a batch of candidates."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import torch
from torch import Tensor

from checker.batch import CPU, scene_of
from checker.completing import Assessed
from checker.configuration import Configuration
from checker.expression.estimate import estimate, margin
from checker.expression.simplify import next_depth_of_claim, roots, walk
from checker.expression.tree import Call, Claim, Comparison, Node, Number
from checker.judging import conclusion_claim
from checker.names import claim_dependencies, of_quantifier, only_chosen
from checker.scene import Moment, Path, Scene
from checker.theorem import Theorem
from models.core.grid import chunk_size
from models.settings import NETWORKS
from models.settings.base import Estimate
from models.training import gradient_descent, picard

ZERO = Number(Fraction(0))

CARRIED = frozenset({"total", "least", "greatest"})


"""Operators that accumulate along a run."""


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
