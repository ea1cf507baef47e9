"""Choosing the scalars a theorem quantifies: `exists` parameters, and step sizes at their bound.

The claims are reduced first: every subtree free of the unknown parameters becomes a
leaf whose value is known, so that thousands of parameter values cost one pass of
scalar arithmetic. What is chosen here is only a proposal; verdicts judge it in balls.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from checker.expression.estimate import margin
from checker.expression.simplify import free_names
from checker.expression.tree import Atom, Binary, Call, Claim, Comparison, Name, Negate, Node, Number, Pi
from checker.scene import leading_to

LOWEST, HIGHEST = -24.0, 24.0
"""The decades searched for a parameter."""


@dataclass(frozen=True)
class Reduced:
    """Claims in leaves and unknown parameters only; `leaves` maps each leaf's name to its tree."""

    claims: tuple[Claim, ...]
    leaves: Mapping[str, Node]
    skipped: tuple[str, ...]


class _IrreducibleError(Exception):
    """An unknown parameter stands inside an array."""


class _Reducer:
    def __init__(self, definitions: Mapping[str, Node], unknown: frozenset[str]) -> None:
        self._definitions = definitions
        self._unknown = unknown
        self._open = leading_to(unknown, definitions)
        self._memo: dict[Node, Node] = {}
        self.leaves: dict[Node, str] = {}

    def node(self, node: Node) -> Node:
        """The tree over leaves; one that occurs again, as through definitions, is the same object again."""
        found = self._memo.get(node)
        if found is None:
            found = self._memo[node] = self._reduced(node)
        return found

    def _reduced(self, node: Node) -> Node:
        if isinstance(node, Number | Pi):
            return node
        if self._open.isdisjoint(free_names(node)):
            if node.shape != ():
                raise _IrreducibleError
            name = self.leaves.setdefault(node, f"#{len(self.leaves)}")
            return Name(name, shape=())
        if isinstance(node, Name):
            return node if node.name in self._unknown else self.node(self._definitions[node.name])
        if isinstance(node, Negate):
            return Negate(self.node(node.argument), node.column, ())
        if isinstance(node, Binary):
            return Binary(node.operator, self.node(node.left), self.node(node.right), node.column, ())
        return Call(node.function, tuple(self.node(a) for a in node.arguments), node.column, ())

    def claim(self, claim: Claim) -> Claim | None:
        parts: list[Comparison | Atom] = []
        for part in claim.parts:
            if isinstance(part, Atom):
                return None
            parts.append(Comparison(part.operator, self.node(part.left), self.node(part.right)))
        return Claim(claim.text, tuple(parts))


def reduce(claims: Iterable[Claim], definitions: Mapping[str, Node], unknown: frozenset[str]) -> Reduced:
    """Rewrite claims over leaves; claims that cannot be (unknowns inside arrays) are skipped by text."""
    reducer = _Reducer(definitions, unknown)
    kept: list[Claim] = []
    skipped: list[str] = []
    for claim in claims:
        try:
            reduced = reducer.claim(claim)
        except _IrreducibleError:
            reduced = None
        if reduced is None:
            skipped.append(claim.text)
        else:
            kept.append(reduced)
    return Reduced(tuple(kept), {name: node for node, name in reducer.leaves.items()}, tuple(skipped))


class LeafEnv:
    """Values of leaves and parameters, each of one batch size."""

    def __init__(self, values: Mapping[str, Tensor]) -> None:
        self._values = values
        self.memo: dict[Node, Tensor] = {}

    def name(self, name: str) -> Tensor:
        return self._values[name]

    def call(self, node: Call) -> Tensor:
        raise KeyError(node.function)


def worst_margin(reduced: Reduced, values: Mapping[str, Tensor], size: int) -> Tensor:
    """The least margin over all claims, (size,); -inf where a claim is undefined."""
    env = LeafEnv(values)
    worst = torch.full((size,), torch.inf, dtype=torch.float64)
    for claim in reduced.claims:
        worst = torch.minimum(worst, torch.nan_to_num(margin(claim, env), nan=-torch.inf))
    return worst


def _spread(leaves: Mapping[str, Tensor], points: int) -> dict[str, Tensor]:
    return {name: value.repeat_interleave(points) for name, value in leaves.items()}


def choose(
    reduced: Reduced,
    leaves: Mapping[str, Tensor],
    unknown: tuple[str, ...],
    size: int,
    generator: torch.Generator,
    rounds: int = 18,
    points: int = 256,
    near: Tensor | None = None,
) -> tuple[dict[str, Tensor], Tensor]:
    """For each of `size` runs, values of the unknowns that make the least margin large.

    Returns the values, (size,) each, and the margins, (size,). A cross-entropy search
    in decades; a proposal, not a proof that nothing better exists. `near` (size, k) are positive
    values near which it starts, a decade wide.
    """
    k = len(unknown)
    centre = torch.zeros((size, k), dtype=torch.float64) if near is None else torch.log10(near)
    widest = (HIGHEST - LOWEST) / 2 if near is None else 1.0
    width = torch.full((size, 1, 1), widest, dtype=torch.float64)
    best = torch.full((size,), -torch.inf, dtype=torch.float64)
    spread = _spread(leaves, points)
    rows = torch.arange(size)
    for _ in range(rounds):
        noise = 2 * torch.rand((size, points, k), generator=generator, dtype=torch.float64) - 1
        trial = centre[:, None, :] + width * noise
        trial[:, 0, :] = centre
        flat = {name: 10 ** trial[:, :, j].reshape(-1) for j, name in enumerate(unknown)}
        margins = worst_margin(reduced, spread | flat, size * points).reshape(size, points)
        margins = margins.clamp(max=3.0)
        found, index = margins.max(dim=1)
        better = found > best
        centre = torch.where(better[:, None], trial[rows, index], centre)
        best = torch.where(better, found, best)
        width = width * 0.62
    return {name: 10 ** centre[:, j] for j, name in enumerate(unknown)}, best


def feasible_line(
    reduced: Reduced, values: Mapping[str, Tensor], name: str, size: int, points: int = 241
) -> tuple[Tensor, Tensor]:
    """On a grid of decades of one parameter, the others fixed: the grid and where all claims hold."""
    grid = torch.linspace(LOWEST, HIGHEST, points, dtype=torch.float64)
    spread = _spread({k: v for k, v in values.items() if k != name}, points)
    spread[name] = (10**grid).repeat(size)
    margins = worst_margin(reduced, spread, size * points).reshape(size, points)
    return grid, margins >= 0


def largest(reduced: Reduced, values: Mapping[str, Tensor], name: str, size: int) -> tuple[Tensor, Tensor]:
    """The largest value of one parameter for which all claims hold, (size,), and whether one exists.

    Infinite where no claim bounds it on the decades searched; found by a scan and a
    bisection of its last crossing.
    """
    grid, ok = feasible_line(reduced, values, name, size)
    last = (
        torch.where(ok, torch.arange(len(grid)), torch.full_like(ok, -1, dtype=torch.int64)).max(dim=1).values
    )
    exists = last >= 0
    unbounded = last == len(grid) - 1
    low = grid[last.clamp(min=0)]
    high = grid[(last + 1).clamp(max=len(grid) - 1)]
    fixed = {k: v for k, v in values.items() if k != name}
    for _ in range(60):
        middle = (low + high) / 2
        inside = worst_margin(reduced, fixed | {name: 10**middle}, size) >= 0
        low, high = torch.where(inside, middle, low), torch.where(inside, high, middle)
    bound = 10**low
    return torch.where(unbounded, torch.full_like(bound, torch.inf), bound), exists
