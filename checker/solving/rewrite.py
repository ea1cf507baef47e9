"""A theorem's gates with some measured numbers made unknown, and the values of all that stays known."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from flint import arb, fmpq

from checker.admissible import Reduced, reduce
from checker.configuration import Configuration
from checker.enclosure import Ball, Enclosure
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.signs import is_nonnegative
from checker.expression.simplify import rebuilt, replaced
from checker.expression.tree import Atom, Binary, Claim, Comparison, Name, Node, Number
from checker.hypotheses import gates
from checker.names import claim_dependencies, of_quantifier
from checker.scene import Scene
from checker.solving.oracle import Problem
from checker.theorem import NamedClaim, Theorem


def folded(node: Node) -> Node:
    """The tree with quotients of two numbers as one number, so that 3/2 is an exponent that is one."""
    match node:
        case Binary("/", Number(top), Number(bottom)) if bottom != 0:
            return Number(top / bottom)
        case _:
            return rebuilt(node, folded)


def replaced_claim(claim: Claim, mapping: Mapping[Node, Node]) -> Claim:
    """The claim with subtrees replaced and quotients of numbers folded; the text and atoms stay."""
    parts = tuple(
        part
        if isinstance(part, Atom)
        else Comparison(
            part.operator, folded(replaced(part.left, mapping)), folded(replaced(part.right, mapping))
        )
        for part in claim.parts
    )
    return Claim(claim.text, parts)


def open_names(theorem: Theorem, fixed: Iterable[str]) -> tuple[str, ...]:
    """The `exists` parameters and the step that are not fixed: the tool's to choose."""
    chosen = of_quantifier(theorem, "exists") | ({theorem.step} if theorem.step else set[str]())
    return tuple(name for name in theorem.parameters if name in chosen - set(fixed))


def all_gates(theorem: Theorem, configuration: Configuration, unknown: Iterable[str]) -> list[NamedClaim]:
    """The gates without hidden constants, with the domains of the unknown parameters."""
    kept = {k: v for k, v in configuration.parameters.items() if k not in set(unknown)}
    out = gates(theorem, replace(configuration, parameters=kept))
    for name in unknown:
        domain = theorem.parameters[name].domain if name in theorem.parameters else None
        if domain is not None:
            out.append(NamedClaim(f"domain.{name}", domain))
    hidden = of_quantifier(theorem, "hidden") | set(theorem.variables)
    return [c for c in out if not claim_dependencies(c.claim, theorem.definitions) & hidden]


def leaf_values(reduced: Reduced, scene: Scene[Enclosure]) -> dict[str, Ball]:
    """The leaves in balls, at the scene's precision. Raises NotEnclosed where one has no enclosure."""
    out: dict[str, Ball] = {}
    for name, node in reduced.leaves.items():
        try:
            out[name] = number(scene.algebra.evaluate(node, scene))
        except CertainlyUndefined as error:
            raise NotEnclosed(error.reason) from error
    return out


def number(found: Enclosure) -> Ball:
    """A scalar enclosure. Raises NotEnclosed for an array."""
    if not isinstance(found, arb | fmpq):
        raise NotEnclosed("an array stands where a number is needed")
    return found


def problem_of(
    theorem: Theorem,
    claims: list[NamedClaim],
    scene: Scene[Enclosure],
    unknown: tuple[str, ...],
    mapping: Mapping[Node, Node] | None = None,
    more: Mapping[str, Ball] | None = None,
    arrays: frozenset[str] = frozenset(),
) -> Problem:
    """The claims over leaves with `unknown` left open, `mapping` applied to claims and definitions first.

    `more` are values of names that the mapping brought in, `arrays` names that change with the unknowns and
    may not occur. Raises NotEnclosed where a leaf has no enclosure or a claim cannot be reduced.
    """
    swap = mapping or {}
    definitions = {name: folded(replaced(node, swap)) for name, node in theorem.definitions.items()}
    given = dict(more or {})
    changed = [replaced_claim(c.claim, swap) for c in claims]
    names = frozenset(unknown) | frozenset(given) | arrays
    reduced = reduce(changed, definitions, names)
    used: frozenset[str] = frozenset().union(*(claim_dependencies(c, definitions) for c in changed))
    if reduced.skipped or used & arrays:
        text = reduced.skipped[0] if reduced.skipped else ", ".join(sorted(used & arrays))
        raise NotEnclosed(f"{text[:80]} depends on it in another way than through norms")
    certain = frozenset(
        k for k, node in reduced.leaves.items() if is_nonnegative(expanded(node, definitions))
    )
    names_of = tuple(c.name for c in claims)
    return Problem(reduced, leaf_values(reduced, scene) | given, unknown, names_of, certain)


def expanded(node: Node, definitions: Mapping[str, Node]) -> Node:
    """A name by what defines it, through names of names."""
    while isinstance(node, Name) and node.name in definitions:
        node = definitions[node.name]
    return node
