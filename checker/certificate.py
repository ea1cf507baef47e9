"""Certificates: a violated conclusion written down so that anyone can check it again, alone.

`verify` trusts nothing in the file. The theorem is read from the text it carries, every
array is rebuilt from its floats, hypotheses and the violation are judged again in balls,
and a second code path must agree: exact rationals where they apply, else plain mpmath. Exact
rationals alone decide ties. Nothing here searches, and nothing uses the float engine or torch.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from mpmath import mp

from checker.certificate_checks import BY_RATIONALS, check_choice, check_gates, gates_of
from checker.certificate_content import Mismatch, read_configuration
from checker.certificate_findings import Finding
from checker.certificate_format import Certificate, digest_of, shown
from checker.certificate_laws import check_laws
from checker.certificate_paths import PATH, check_recorded, check_second_path, check_violation
from checker.certificate_reading import read_certificate
from checker.certificate_size import check_size
from checker.configuration import Configuration
from checker.declaration import read_theorem
from checker.enclosure import Ball, decimal_bounds
from checker.errors import CertainlyUndefined, NotEnclosed, TheoremError, UsageError
from checker.hypotheses import equilibrium_certified
from checker.names import claims_well_posedness
from checker.rational_replay import rational_replay
from checker.records import Bounds, VerifyReport
from checker.rounding import FLUSHES, rounds_to_nearest
from checker.theorem import Theorem
from checker.verdict import Verdict, all_of
from checker.violation import claim_at, judge_step

CANNOT = (ArithmeticError, MemoryError, RuntimeError, TypeError, ValueError, mp.NoConvergence)
"""What numbers too large, too many or too close make a computation raise: no answer, and no verdict."""

STATUS = {Verdict.HOLDS: "valid", Verdict.FAILS: "invalid", Verdict.UNDECIDED: "undecided"}
"""What `verify` says, from the verdict over all checks."""


def verify(path: Path) -> VerifyReport:
    """Check a certificate again: status "valid", "invalid" or "undecided", with every check made.

    Checks stop at the first that fails. Raises UsageError where the file is no certificate.
    """
    certificate = read_certificate(path)
    findings: list[Finding] = []
    for finding in _carried_out(_checks(certificate)):
        findings.append(finding)
        if finding.verdict is Verdict.FAILS:
            break
    verdict = all_of(finding.verdict for finding in findings)
    reasons = [f"{f.name}: {f.reason}" for f in findings if f.verdict is verdict is not Verdict.HOLDS]
    reason = reasons[0] if reasons else "every check holds, and the second code path agrees"
    judged = next((f.judgement for f in findings if f.judgement is not None), None)
    return VerifyReport(
        status=STATUS[verdict],
        reason=reason,
        theorem=certificate.theorem.id,
        claim=certificate.claim.text,
        step=certificate.step,
        checks=tuple({"name": f.name, "status": str(f.verdict), "reason": f.reason} for f in findings),
        operator=judged.operator if judged else "",
        lhs=_bounds(judged.lhs) if judged else None,
        rhs=_bounds(judged.rhs) if judged else None,
    )


def _bounds(side: Ball | None) -> Bounds | None:
    """An enclosed side as decimal strings, rounded outward."""
    return None if side is None else Bounds(*decimal_bounds(side))


def _carried_out(checks: Iterator[Finding]) -> Iterator[Finding]:
    """The checks; what the program cannot carry out is undecided, and ends them."""
    try:
        yield from checks
    except CANNOT as error:
        yield Finding("program", Verdict.UNDECIDED, f"it cannot carry out this check: {type(error).__name__}")


def _checks(certificate: Certificate) -> Iterator[Finding]:
    """The checks in order. Those after one that fails are not asked for."""
    if not rounds_to_nearest():
        yield Finding("arithmetic", Verdict.UNDECIDED, FLUSHES)
        return
    same = certificate.digest == digest_of(certificate)
    yield Finding.of("digest", same, "the content was changed after it was sealed")
    try:
        theorem = read_theorem(certificate.theorem.text, "theorem.text")
    except TheoremError as error:
        yield Finding("theorem", Verdict.FAILS, shown(str(error), 300))
        return
    yield Finding("theorem", Verdict.HOLDS, "")
    yield _identity(certificate, theorem)
    try:
        configuration = read_configuration(theorem, certificate)
    except Mismatch as error:
        yield Finding("configuration", error.verdict, error.reason)
        return
    yield Finding("configuration", Verdict.HOLDS, "")
    size = check_size(theorem, certificate, configuration)
    yield size
    if size.verdict is not Verdict.HOLDS:
        return
    yield from _judged(certificate, theorem, configuration)


def _identity(certificate: Certificate, theorem: Theorem) -> Finding:
    """Does the certificate name what is in the theorem it carries?"""
    texts = {c.name: c.claim.text for c in theorem.conclusions}
    named = (
        (certificate.theorem.id == theorem.id, f"the id is '{theorem.id}' in the theorem"),
        (certificate.claim.name in texts, "the theorem has no conclusion of this name"),
        (texts.get(certificate.claim.name) == certificate.claim.text, "the theorem claims something else"),
        (certificate.algorithm == theorem.algorithm, f"the algorithm is {theorem.algorithm} in the theorem"),
        (theorem.kind == "deterministic", f"one run does not refute a theorem of kind {theorem.kind}"),
    )
    reason = next((why for fits, why in named if not fits), "")
    return Finding.of("identity", not reason, reason)


def _judged(certificate: Certificate, theorem: Theorem, configuration: Configuration) -> Iterator[Finding]:
    yield _guarded("start", lambda: check_laws(theorem, configuration))
    gates = gates_of(theorem, configuration)
    same = certificate.hypotheses == tuple(gate.name for gate in gates)
    yield Finding.of("hypotheses", same, "the hypotheses listed are not those of the theorem")
    name, step, precision = certificate.claim.name, certificate.step, certificate.precision
    yield check_choice(theorem, configuration, name, step)
    claim = claim_at(theorem, configuration, name, step)
    if claim is None:
        yield Finding("violation", Verdict.UNDECIDED, "the conclusion has a constant without a value")
        return
    exact = rational_replay(theorem, configuration, gates, claim, step)
    ties: list[str] = []
    for finding in check_gates(theorem, configuration, gates, exact):
        ties += [finding.name] if finding.reason == BY_RATIONALS else []
        yield finding
    yield _guarded("equilibrium", lambda: _equilibrium(theorem, configuration, name))
    judgement = judge_step(theorem, configuration, name, step, precision)
    if judgement.verdict is Verdict.UNDECIDED:
        judgement = judge_step(theorem, configuration, name, step, 2 * precision)
    violation = check_violation(judgement, exact)
    ties += [violation.name] if violation.reason == BY_RATIONALS else []
    yield replace(violation, judgement=judgement)
    if violation.verdict is Verdict.HOLDS:
        yield check_recorded(certificate.violation, judgement, exact)
    second = partial(check_second_path, certificate, theorem, configuration, gates, claim, exact)
    yield _guarded(PATH, lambda: second(frozenset(ties)))


def _guarded(name: str, check: Callable[[], Finding]) -> Finding:
    """What has no enclosure leaves a check undecided; what cannot be made from the floats fails it."""
    try:
        return check()
    except NotEnclosed as error:
        return Finding(name, Verdict.UNDECIDED, error.reason)
    except (CertainlyUndefined, UsageError) as error:
        return Finding(name, Verdict.FAILS, shown(str(error), 200))
    except CANNOT as error:
        return Finding(name, Verdict.UNDECIDED, f"it cannot be carried out: {type(error).__name__}")


def _equilibrium(theorem: Theorem, configuration: Configuration, name: str) -> Finding:
    waived = any(c.name == name and claims_well_posedness(c.claim) for c in theorem.conclusions)
    certified, reason = equilibrium_certified(theorem, configuration, waived=waived)
    verdict = Verdict.HOLDS if certified else Verdict.UNDECIDED
    return Finding("equilibrium", verdict, "" if certified else reason or "it is not certified")


__all__ = ["STATUS", "verify"]
