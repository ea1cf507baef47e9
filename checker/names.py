"""What a theorem uses: names and functions of its claims, also through definitions."""

from collections.abc import Iterable, Mapping

from checker.expression.simplify import roots
from checker.expression.tree import Atom, Call, Claim, Node
from checker.scene import dependencies
from checker.theorem import Theorem


def claim_dependencies(claim: Claim, definitions: Mapping[str, Node]) -> frozenset[str]:
    """Every name a claim uses, also through definitions."""
    names: frozenset[str] = frozenset()
    for node in roots(claim):
        names |= dependencies(node, definitions)
    return names


def _union(claims: Iterable[Claim], definitions: Mapping[str, Node]) -> frozenset[str]:
    names: frozenset[str] = frozenset()
    for claim in claims:
        names |= claim_dependencies(claim, definitions)
    return names


def used_names(theorem: Theorem) -> frozenset[str]:
    """Every name that hypotheses and conclusions use, also through definitions."""
    claims = [c.claim for c in (*theorem.hypotheses, *theorem.conclusions)]
    return _union(claims, theorem.definitions)


def is_about_well_posedness(theorem: Theorem) -> bool:
    """Does a conclusion claim that the equilibrium exists and is unique?"""
    for conclusion in theorem.conclusions:
        for part in conclusion.claim.parts:
            if isinstance(part, Atom):
                name = part.node.function if isinstance(part.node, Call) else part.node.name
                if name == "well_posed":
                    return True
    return False


def of_quantifier(theorem: Theorem, quantifier: str) -> frozenset[str]:
    """The names of the parameters with this quantifier."""
    return frozenset(name for name, p in theorem.parameters.items() if p.quantifier == quantifier)


def only_chosen(theorem: Theorem) -> frozenset[str]:
    """`exists` names that no hypothesis mentions: the conclusions ask for a good choice."""
    names = of_quantifier(theorem, "exists")
    names |= frozenset(v.name for v in theorem.variables.values() if v.quantifier == "exists")
    return names - _union([h.claim for h in theorem.hypotheses], theorem.definitions)
