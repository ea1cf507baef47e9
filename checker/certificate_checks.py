"""The single checks that `verify` makes once a certificate fits its theorem."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from flint import arb, ctx

from checker.certificate_format import Certificate
from checker.configuration import Configuration, ExactArray, ScalarEnv, scalar
from checker.enclosure import to_arb
from checker.errors import CertainlyUndefined, UsageError
from checker.expression.enclose import Judgement
from checker.hypotheses import gates, judge_hypotheses, judge_safely
from checker.names import claim_dependencies
from checker.rational_replay import Exact
from checker.theorem import Draw, NamedClaim, Theorem
from checker.verdict import Verdict

_MOST_WORK: Final = 2 * 10**9
_LAW_BITS: Final = 128

BY_RATIONALS: Final = "decided in rational numbers; balls cannot tell the two sides apart"
"""Said where a tie is decided by the exact path."""


@dataclass(frozen=True)
class Finding:
    """One check: its name, what came out, and why where it did not hold."""

    name: str
    verdict: Verdict
    reason: str

    @classmethod
    def of(cls, name: str, holds: bool, reason: str) -> "Finding":
        """A check that is decided; the reason counts where it fails."""
        return cls(name, Verdict.HOLDS if holds else Verdict.FAILS, "" if holds else reason)


def gates_of(theorem: Theorem, configuration: Configuration) -> tuple[NamedClaim, ...]:
    """Every claim the configuration must satisfy, with the domains of hidden constants that have a value."""
    found = gates(theorem, configuration)
    named = {gate.name for gate in found}
    for name, parameter in theorem.parameters.items():
        gate = f"domain.{name}"
        if gate not in named and parameter.domain is not None and name in configuration.parameters:
            found.append(NamedClaim(gate, parameter.domain, "the range of the constant"))
    return tuple(found)


def check_size(certificate: Certificate, configuration: Configuration) -> Finding:
    """Is the run small enough to be made again?"""
    sizes = configuration.sizes
    m, n, d = sizes.get("m", 1), sizes["n"], sizes["d"]
    work = (certificate.step + 9) * m * (m + d) * (m + n) * (1 + certificate.precision // 256)
    if work > _MOST_WORK:
        return Finding("size", Verdict.UNDECIDED, "the run is too large to be made again")
    return Finding("size", Verdict.HOLDS, "")


def check_laws(theorem: Theorem, configuration: Configuration) -> Finding:
    """Are the arrays in the support of their stated laws? (Whether they were drawn cannot be seen.)"""
    with ctx.workprec(_LAW_BITS):
        for name, law in {**theorem.initialization, **theorem.data}.items():
            reason = _outside(law, configuration.arrays[name], configuration)
            if reason:
                return Finding("start", Verdict.FAILS, f"{name} {reason}")
    return Finding("start", Verdict.HOLDS, "")


def _outside(law: Draw, array: ExactArray, configuration: Configuration) -> str:
    entries = array.floats.ravel().tolist()
    if law.law == "zeros" and any(entries):
        return "is zero in the theorem"
    if law.law == "rademacher" and any(abs(x) != 1 for x in entries):
        return "has entries that are neither 1 nor -1"
    if law.law == "uniform":
        low, high = (to_arb(scalar(node, configuration)) for node in law.arguments)
        if any(arb(x) < low or arb(x) > high for x in entries):
            return "has entries outside the range of its law"
    if law.law == "normal":
        mean, variance = (scalar(node, configuration) for node in law.arguments)
        if not variance > 0 and variance <= 0 and any(not arb(x).overlaps(to_arb(mean)) for x in entries):
            return "is constant in the theorem"
    return ""


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
