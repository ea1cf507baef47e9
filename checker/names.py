"""What a theorem uses: names and functions of its claims, also through definitions."""

from collections.abc import Iterable, Mapping

from checker.expression.simplify import calls, free_names, roots
from checker.expression.tree import Atom, Claim, Comparison, Name, Node
from checker.expression.words import FUNCTIONS, TEMPORAL
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


def claims_well_posedness(claim: Claim) -> bool:
    """Does the claim say by itself that every sample has exactly one equilibrium: `well_posed`?"""
    return any(isinstance(part, Atom) and part.node == Name("well_posed") for part in claim.parts)


def is_about_well_posedness(theorem: Theorem) -> bool:
    """Does a conclusion claim that the equilibrium exists and is unique, at the samples or at an input?"""
    return any("well_posed" in _words_of(conclusion.claim) for conclusion in theorem.conclusions)


def of_quantifier(theorem: Theorem, quantifier: str) -> frozenset[str]:
    """The names of the parameters with this quantifier."""
    return frozenset(name for name, p in theorem.parameters.items() if p.quantifier == quantifier)


def exists_names(theorem: Theorem) -> frozenset[str]:
    """The `exists` parameters and variables, which the tool chooses."""
    variables = frozenset(v.name for v in theorem.variables.values() if v.quantifier == "exists")
    return of_quantifier(theorem, "exists") | variables


def only_chosen(theorem: Theorem) -> frozenset[str]:
    """`exists` names for which some conclusion asks for a good choice."""
    found = (open_choices(theorem, conclusion.claim, 1) for conclusion in theorem.conclusions)
    return frozenset[str]().union(*found)


def open_choices(theorem: Theorem, claim: Claim, tau: int) -> frozenset[str]:
    """The `exists` names of which a good choice is asked for, and on which the claim at step `tau` depends.

    Where a hypothesis ties an `exists` name to the configuration, any admissible value will do, and a
    violation refutes. Where none does (`C > 0` is a domain only), one bad choice refutes nothing. The claim
    may depend on a choice through definitions, the step size, the values and domains of other parameters,
    the laws of the start and of the data, the norm of the data, and the hypotheses.
    """
    chosen = exists_names(theorem)
    if not chosen:
        return frozenset()
    return (chosen - _tied(theorem)) & depends_on(theorem, claim, tau)


def depends_on(theorem: Theorem, claim: Claim, tau: int) -> frozenset[str]:
    """Every name and function on which the claim at step `tau`, and whether the run counts, may depend."""
    used = set(_words_of(claim))
    if theorem.algorithm == "gradient-descent" and (tau > 0 or used & TEMPORAL):
        used.add(theorem.step or "eta")
    for law in (*theorem.initialization.values(), *theorem.data.values()):
        used.update(*map(_words, law.arguments))
    if theorem.scope.data_norm is not None:
        used |= _words(theorem.scope.data_norm)
    chosen = exists_names(theorem)
    for gate in (*theorem.scope.sizes.values(), *(h.claim for h in theorem.hypotheses)):
        for part in gate.parts:
            found = reached(theorem, _words_of_part(part), domains=True)
            if found - chosen - FUNCTIONS:
                used |= found
    return reached(theorem, used, domains=True)


def _tied(theorem: Theorem) -> frozenset[str]:
    """What a comparison of a hypothesis relates to sizes, arrays or other names of the setting."""
    own = theorem.parameters.keys() | theorem.variables.keys() | theorem.definitions.keys()
    tied: set[str] = set()
    for part in (part for h in theorem.hypotheses for part in h.claim.parts):
        found = reached(theorem, _words_of_part(part), domains=False)
        if found - own - FUNCTIONS:
            tied |= found
    return frozenset(tied)


def reached(theorem: Theorem, words: Iterable[str], *, domains: bool) -> frozenset[str]:
    """The words, and those that definitions, values (and domains) of parameters among them lead to."""
    seen: set[str] = set()
    todo = list(words)
    while todo:
        word = todo.pop()
        if word in seen:
            continue
        seen.add(word)
        parameter = theorem.parameters.get(word)
        if word in theorem.definitions:
            todo.extend(_words(theorem.definitions[word]))
        if parameter is not None and parameter.value is not None:
            todo.extend(_words(parameter.value))
        if domains and parameter is not None and parameter.domain is not None:
            todo.extend(_words_of(parameter.domain))
    return frozenset(seen)


def _words(node: Node) -> frozenset[str]:
    """Names and functions of an expression."""
    return free_names(node) | calls(node)


def _words_of(claim: Claim) -> frozenset[str]:
    return frozenset[str]().union(*map(_words_of_part, claim.parts))


def _words_of_part(part: Comparison | Atom) -> frozenset[str]:
    sides = (part.node,) if isinstance(part, Atom) else (part.left, part.right)
    return frozenset[str]().union(*map(_words, sides))
