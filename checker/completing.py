"""Candidates with the parameters that the tool chooses: `exists` ones, and step sizes at shares of bounds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from checker.admissible import Reduced, choose, largest, reduce, worst_margin
from checker.batch import CPU, scene_of
from checker.configuration import Configuration
from checker.expression.estimate import estimate, margin
from checker.expression.simplify import free_names_of_claim
from checker.expression.tree import Claim, Number
from checker.hypotheses import gates
from checker.names import claim_dependencies, of_quantifier
from checker.request import Request
from checker.scene import Scene
from checker.theorem import Theorem

FRACTIONS = (Fraction(1), Fraction(1, 2), Fraction(1, 4), Fraction(1, 16))


"""The shares of its bound at which a step size is taken."""


WHOLE_BOUND = (Fraction(1),)


"""A step size at its bound only."""


POINTS = 128  # tried in a round of a search for parameters


_ROUNDS_NEAR, _POINTS_NEAR = 8, 24  # of a short search for parameters


STRICTLY_BELOW = 1 - 2.0**-20


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
