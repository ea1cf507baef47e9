"""The single checks that `verify` makes once a certificate fits its theorem."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import Final

from flint import arb, ctx
from mpmath import mp

from checker.certificate_format import BoundsPart, Certificate, ViolationPart
from checker.configuration import Configuration, ExactArray, ScalarEnv, scalar
from checker.enclosure import decimal_bounds, to_arb
from checker.errors import CertainlyUndefined, NotEnclosed, UsageError
from checker.expression.enclose import Judgement
from checker.hypotheses import gates, judge_hypotheses, judge_safely
from checker.judging import judged_conclusions
from checker.names import claim_dependencies
from checker.replay import Part, Replay, replay
from checker.replay_values import NotReplayed, Real, number
from checker.theorem import Draw, NamedClaim, Theorem
from checker.verdict import Verdict

_DECIMAL: Final = re.compile(r"-?\d{1,60}(\.\d{1,60})?(e[+-]?\d{1,5})?")
_MOST_WORK: Final = 2 * 10**9
_LAW_BITS: Final = 128


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
    theorem: Theorem, configuration: Configuration, wanted: Sequence[NamedClaim]
) -> Iterator[Finding]:
    """Every hypothesis, domain and scope claim, judged in balls."""
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
            yield _gate_finding(name, gate, found[gate.name].judgement)


def _other_gate(theorem: Theorem, configuration: Configuration, gate: NamedClaim, name: str) -> Finding:
    """The domain of a hidden constant that has a value here."""
    with ctx.workprec(_LAW_BITS):
        return _gate_finding(name, gate, judge_safely(gate.claim, ScalarEnv(configuration), hypothesis=True))


def _gate_finding(name: str, gate: NamedClaim, judgement: Judgement) -> Finding:
    if judgement.verdict is Verdict.HOLDS:
        return Finding(name, Verdict.HOLDS, "")
    return Finding(name, judgement.verdict, judgement.reason or f"{gate.claim.text} fails")


def check_bounds(recorded: ViolationPart, judgement: Judgement) -> Finding:
    """Do the recorded bounds overlap those found again?"""
    if recorded.operator != judgement.operator:
        return Finding("recorded bounds", Verdict.FAILS, "the violated comparison is another one")
    for side, bounds, ball in (("left", recorded.lhs, judgement.lhs), ("right", recorded.rhs, judgement.rhs)):
        if bounds is None or ball is None:
            if (bounds is None) != (ball is None):
                return Finding("recorded bounds", Verdict.FAILS, f"the {side} side is recorded otherwise")
            continue
        ours = read_bounds(BoundsPart(*decimal_bounds(ball)))
        theirs = read_bounds(bounds)
        if theirs is None or ours is None:
            return Finding("recorded bounds", Verdict.FAILS, f"the bounds of the {side} side are no bounds")
        if max(ours[0], theirs[0]) > min(ours[1], theirs[1]):
            return Finding("recorded bounds", Verdict.FAILS, f"the {side} side lies elsewhere")
    return Finding("recorded bounds", Verdict.HOLDS, "")


def read_bounds(bounds: BoundsPart) -> tuple[Fraction | float, Fraction | float] | None:
    """The two numbers, infinite for null; None where they are no bounds."""
    texts = (bounds.lo, bounds.hi)
    if any(text is not None and not _DECIMAL.fullmatch(text) for text in texts):
        return None
    lo = -inf if bounds.lo is None else Fraction(bounds.lo)
    hi = inf if bounds.hi is None else Fraction(bounds.hi)
    return (lo, hi) if lo <= hi else None


def check_second_path(
    certificate: Certificate, theorem: Theorem, configuration: Configuration, wanted: Sequence[NamedClaim]
) -> Finding:
    """Does plain mpmath, by other code, see the hypotheses hold and the conclusion fail?"""
    claim = judged_conclusions(theorem, configuration).get(certificate.claim.name)
    if claim is None:
        raise NotEnclosed("the conclusion has a constant without a value")
    try:
        found = replay(theorem, configuration, wanted, claim, certificate.step)
    except NotReplayed as error:
        return _second(Verdict.UNDECIDED, error.reason)
    for name, answer in found.hypotheses.items():
        if answer == "false":
            return _second(Verdict.FAILS, f"it finds that the hypothesis {name} fails")
        if answer not in ("true", "equal"):
            return _second(Verdict.UNDECIDED, f"hypothesis {name}: {answer}")
    return _agreement(found, certificate.violation)


def _second(verdict: Verdict, reason: str) -> Finding:
    return Finding("second code path", verdict, reason)


def _agreement(found: Replay, recorded: ViolationPart) -> Finding:
    failing = [part for part in found.parts if part.truth == "false"]
    if not failing:
        if any(part.truth == "equal" for part in found.parts):
            return _second(Verdict.UNDECIDED, "the two sides are too close for it")
        return _second(Verdict.FAILS, "it finds that the conclusion holds")
    with mp.workdps(found.digits):
        if any(_fits(part, recorded) for part in failing):
            return _second(Verdict.HOLDS, "")
    return _second(Verdict.FAILS, "its two sides lie outside the recorded bounds")


def _fits(part: Part, recorded: ViolationPart) -> bool:
    if part.operator != recorded.operator:
        return False
    return all(_inside(x, bounds) for x, bounds in ((part.lhs, recorded.lhs), (part.rhs, recorded.rhs)))


def _inside(x: Real | None, bounds: BoundsPart | None) -> bool:
    if x is None or bounds is None:
        return x is None and bounds is None
    found = read_bounds(bounds)
    if found is None:
        return False
    slack = abs(x) * mp.mpf(10) ** (-(mp.dps // 3))
    lo, hi = (b if isinstance(b, float) else number(b) for b in found)
    return bool(lo - slack <= x <= hi + slack)
