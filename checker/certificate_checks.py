"""The single checks that `verify` makes once a certificate fits its theorem."""

from collections.abc import Iterator, Sequence
from typing import Final

from flint import ctx

from checker.certificate_findings import Finding
from checker.certificate_format import shown
from checker.configuration import Configuration, ScalarEnv
from checker.errors import CertainlyUndefined, UsageError
from checker.expression.enclose import Judgement
from checker.expression.text import to_text
from checker.hypotheses import gates, judge_hypotheses, judge_safely
from checker.names import claim_dependencies, depends_on, of_quantifier, open_choices
from checker.rational_replay import Exact
from checker.theorem import NamedClaim, Theorem
from checker.verdict import Verdict

_LAW_BITS: Final = 128

BY_RATIONALS: Final = "decided in rational numbers; balls cannot tell the two sides apart"
"""Said where a tie is decided by the exact path."""


def gates_of(theorem: Theorem, configuration: Configuration) -> tuple[NamedClaim, ...]:
    """Every claim the configuration must satisfy, with the domains of hidden constants that have a value."""
    found = gates(theorem, configuration)
    named = {gate.name for gate in found}
    for name, parameter in theorem.parameters.items():
        gate = f"domain.{name}"
        if gate not in named and parameter.domain is not None and name in configuration.parameters:
            found.append(NamedClaim(gate, parameter.domain, "the range of the constant"))
    return tuple(found)


def check_choice(theorem: Theorem, configuration: Configuration, conclusion_name: str, step: int) -> Finding:
    """Does the violation refute the theorem, and not only one of the values that it leaves open?"""
    claim = next(c.claim for c in theorem.conclusions if c.name == conclusion_name)
    names = ", ".join(sorted(open_choices(theorem, claim, step)))
    if names:
        return Finding("choice", Verdict.UNDECIDED, f"it fails for the {names} chosen; another choice may do")
    hidden = of_quantifier(theorem, "hidden") & depends_on(theorem, claim, step)
    given = {name: to_text(node) for name, node in configuration.parameters.items() if name in hidden}
    if given:
        values = ", ".join(f"{name} = {shown(text, 40)}" for name, text in sorted(given.items()))
        return Finding("choice", Verdict.UNDECIDED, f"it excludes {values} only, of a hidden constant")
    return Finding("choice", Verdict.HOLDS, "")


def check_gates(
    theorem: Theorem, configuration: Configuration, wanted: Sequence[NamedClaim], exact: Exact
) -> Iterator[Finding]:
    """Every hypothesis, domain and scope claim, judged in balls; ties by the exact path."""
    missing = frozenset(theorem.parameters) - frozenset(configuration.parameters)
    skipped = {g.name for g in wanted if claim_dependencies(g.claim, theorem.definitions) & missing}
    try:
        judged = judge_hypotheses(theorem, configuration, skip=frozenset(skipped))
    except (UsageError, CertainlyUndefined) as error:
        yield Finding("configuration", Verdict.FAILS, str(error))
        return
    found = {j.name: j for j in judged}
    for gate in wanted:
        name = f"hypothesis {gate.name}"
        if gate.name in skipped:
            yield Finding(name, Verdict.UNDECIDED, "it has a hidden constant without a value")
        elif gate.name not in found:
            yield _other_gate(theorem, configuration, gate, name)
        else:
            yield _gate_finding(name, gate, found[gate.name].judgement, exact)


def _other_gate(theorem: Theorem, configuration: Configuration, gate: NamedClaim, name: str) -> Finding:
    """The domain of a hidden constant that has a value here."""
    with ctx.workprec(_LAW_BITS):
        judgement = judge_safely(gate.claim, ScalarEnv(configuration), hypothesis=True)
        return _gate_finding(name, gate, judgement, Exact({}, None))


def _gate_finding(name: str, gate: NamedClaim, judgement: Judgement, exact: Exact) -> Finding:
    if judgement.verdict is Verdict.HOLDS:
        return Finding(name, Verdict.HOLDS, "")
    answer = exact.hypotheses.get(gate.name)
    if judgement.verdict is Verdict.UNDECIDED and isinstance(answer, bool):
        return Finding(name, Verdict.HOLDS, BY_RATIONALS) if answer else _fails(name, gate)
    if judgement.verdict is Verdict.UNDECIDED:
        return Finding(name, Verdict.UNDECIDED, judgement.reason or f"{gate.claim.text} is undecided")
    return Finding(name, Verdict.FAILS, judgement.reason) if judgement.reason else _fails(name, gate)


def _fails(name: str, gate: NamedClaim) -> Finding:
    return Finding(name, Verdict.FAILS, f"{gate.claim.text} fails")
