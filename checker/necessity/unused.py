"""What a theorem declares and never uses: definitions, parameters, variables, hypotheses about nothing."""

from collections.abc import Iterable

from checker.expression.simplify import free_names, free_names_of_claim
from checker.expression.words import FUNCTIONS
from checker.names import reached
from checker.theorem import Theorem


def unused(theorem: Theorem) -> tuple[str, ...]:
    """One plain sentence for each name that no claim uses, and each hypothesis that says nothing of a run.

    A name is used by hypotheses, conclusions, the claimed probability, the scope, the stated laws or the
    dynamics, directly or through definitions and the values and domains of parameters that are used.
    """
    used = _used(theorem)
    out = [
        f"the definition {name} is not used: no hypothesis, conclusion or probability rests on it"
        for name in theorem.definitions
        if name not in used
    ]
    out += [
        f"the parameter {name} is not used: no hypothesis, conclusion or probability rests on it"
        for name in theorem.parameters
        if name not in used
    ]
    out += [
        f"the variable {name} is not used: no hypothesis or conclusion ranges over it"
        for name in theorem.variables
        if name not in used
    ]
    fixed = {name for name, parameter in theorem.parameters.items() if parameter.value is not None}
    out += [
        f"the hypothesis {h.name} ({h.claim.text}) is about fixed numbers only: it restricts no run"
        for h in theorem.hypotheses
        if not _names_behind(theorem, free_names_of_claim(h.claim), fixed)
    ]
    return tuple(out)


def _names_behind(theorem: Theorem, names: Iterable[str], fixed: set[str]) -> frozenset[str]:
    """The names that a claim rests on, fixed parameters replaced by what their values rest on."""
    return reached(theorem, names, domains=False) - FUNCTIONS - fixed - theorem.definitions.keys()


def _used(theorem: Theorem) -> frozenset[str]:
    names: set[str] = set()
    for claim in (
        *(c.claim for c in (*theorem.hypotheses, *theorem.conclusions)),
        *theorem.scope.sizes.values(),
    ):
        names |= free_names_of_claim(claim)
    nodes = [a for law in (*theorem.initialization.values(), *theorem.data.values()) for a in law.arguments]
    nodes += [theorem.scope.data_norm] if theorem.scope.data_norm is not None else []
    nodes += [theorem.probability.holds] if theorem.probability is not None else []
    names.update(*map(free_names, nodes))
    if theorem.step is not None:
        names.add(theorem.step)
    return reached(theorem, names, domains=True)
