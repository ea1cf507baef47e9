"""The violation and what says so: balls, exact rationals, and mpmath, each by code of its own.

Balls must show that the conclusion fails, or, where its two sides are too close for them, the exact
path. Another path must agree: the exact one where it applies, else mpmath.
"""

from collections.abc import Sequence

from mpmath import mp

from checker.certificate_bounds import holds_exactly, holds_nearly, misfit
from checker.certificate_checks import BY_RATIONALS
from checker.certificate_findings import Finding
from checker.certificate_format import Certificate, ViolationPart
from checker.configuration import Configuration
from checker.expression.enclose import Judgement
from checker.expression.tree import Claim
from checker.rational_replay import Exact
from checker.rational_replay import Part as ExactPart
from checker.replay import Part, Replay, replay
from checker.replay_values import NotReplayed
from checker.theorem import NamedClaim, Theorem
from checker.verdict import Verdict

PATH = "second code path"


def check_violation(judgement: Judgement, exact: Exact) -> Finding:
    """The conclusion must certainly fail."""
    if judgement.verdict is Verdict.FAILS:
        return Finding("violation", Verdict.HOLDS, "")
    if judgement.verdict is Verdict.HOLDS:
        return Finding("violation", Verdict.FAILS, "the conclusion holds at this step")
    if exact.failing:
        return Finding("violation", Verdict.HOLDS, BY_RATIONALS)
    if exact.parts is not None:
        return Finding("violation", Verdict.FAILS, "the conclusion holds at this step, in rational numbers")
    return Finding("violation", Verdict.UNDECIDED, judgement.reason or "the two sides are too close to tell")


def check_recorded(recorded: ViolationPart, judgement: Judgement, exact: Exact) -> Finding:
    """The recorded bounds must hold what is found again."""
    reason = misfit(recorded, judgement) if judgement.verdict is Verdict.FAILS else ""
    if not reason and exact.failing and not _recorded(exact, recorded):
        reason = "the exact sides lie elsewhere"
    return Finding.of("recorded bounds", not reason, reason)


def _recorded(exact: Exact, recorded: ViolationPart) -> bool:
    """Is a part that fails exactly the one whose bounds are recorded?"""
    return any(_fits_exactly(part, recorded) for part in exact.failing)


def _fits_exactly(part: ExactPart, recorded: ViolationPart) -> bool:
    same = part.operator == recorded.operator
    return same and holds_exactly(part.lhs, recorded.lhs) and holds_exactly(part.rhs, recorded.rhs)


def check_second_path(
    certificate: Certificate,
    theorem: Theorem,
    configuration: Configuration,
    gates: Sequence[NamedClaim],
    claim: Claim,
    exact: Exact,
    ties: frozenset[str],
) -> Finding:
    """Does code that shares nothing with the balls see the hypotheses hold and the conclusion fail?

    `ties` are the checks that balls left open and the exact path decided: mpmath is asked about these too.
    """
    no = next((name for name, answer in exact.hypotheses.items() if answer is False), None)
    if no is not None:
        return _second(Verdict.FAILS, f"rational numbers: the hypothesis {no} fails")
    if exact.parts is not None and not exact.failing:
        return _second(Verdict.FAILS, "rational numbers: the conclusion holds")
    by_mpmath = [g for g in gates if exact.hypotheses[g.name] is not True or f"hypothesis {g.name}" in ties]
    conclusion = claim if exact.parts is None or "violation" in ties else Claim(claim.text, ())
    if not by_mpmath and not conclusion.parts:
        return _second(Verdict.HOLDS, "rational numbers agree")
    try:
        found = replay(theorem, configuration, by_mpmath, conclusion, certificate.step)
    except NotReplayed as error:
        other = f"rational numbers: {exact.reason}; " if exact.reason else ""
        return _second(Verdict.UNDECIDED, f"{other}mpmath: {error.reason}")
    for name, answer in found.hypotheses.items():
        if answer == "false":
            return _second(Verdict.FAILS, f"mpmath: the hypothesis {name} fails")
        if answer not in ("true", "equal"):
            return _second(Verdict.UNDECIDED, f"hypothesis {name}: {answer}")
    if exact.parts is None:
        return _agreement(found, certificate.violation)
    if conclusion.parts and all(part.truth == "true" for part in found.parts):
        return _second(Verdict.FAILS, "mpmath: the conclusion holds")
    return _second(Verdict.HOLDS, "rational numbers agree, and mpmath where it was asked")


def _second(verdict: Verdict, reason: str) -> Finding:
    return Finding(PATH, verdict, reason)


def _agreement(found: Replay, recorded: ViolationPart) -> Finding:
    failing = [part for part in found.parts if part.truth == "false"]
    if not failing:
        if any(part.truth == "equal" for part in found.parts):
            return _second(Verdict.UNDECIDED, "mpmath: the two sides are too close")
        return _second(Verdict.FAILS, "mpmath: the conclusion holds")
    with mp.workdps(found.digits):
        if any(_fits_nearly(part, recorded) for part in failing):
            return _second(Verdict.HOLDS, f"mpmath agrees, with {found.digits} digits")
    return _second(Verdict.FAILS, "mpmath: the two sides lie outside the recorded bounds")


def _fits_nearly(part: Part, recorded: ViolationPart) -> bool:
    same = part.operator == recorded.operator
    return same and holds_nearly(part.lhs, recorded.lhs) and holds_nearly(part.rhs, recorded.rhs)
