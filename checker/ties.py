"""What balls leave open because two sides are equal, decided in rational numbers where the run has them."""

from dataclasses import replace

from flint import ctx, fmpq

from checker.configuration import Configuration
from checker.enclosure import Ball, hull, to_arb
from checker.expression.enclose import Judgement
from checker.expression.tree import Claim
from checker.hypotheses import Judged
from checker.names import open_choices
from checker.outcomes import Run
from checker.rational_replay import first_failure, rational_replay
from checker.rational_roots import Real, bracket
from checker.theorem import NamedClaim, Theorem
from checker.verdict import Verdict
from checker.violation import claim_at

TIE_STEPS = 24
"""Ties are looked for up to this step; rational numbers soon grow too long for more."""

ENGINE = "rational numbers"

_BITS = 128


def settled(theorem: Theorem, result: Run) -> Run:
    """The run in balls with every open conclusion refuted that is false in rational numbers.

    A conclusion that asks for a good choice stays open, and so does what no step up to TIE_STEPS refutes.
    """
    if result.mode != "balls" or theorem.algorithm == "gradient-flow":
        return result
    outcomes = dict(result.outcomes)
    for conclusion in theorem.conclusions:
        name, outcome = conclusion.name, outcomes.get(conclusion.name)
        if outcome is None or outcome.verdict is not Verdict.UNDECIDED:
            continue
        last = min(result.steps, TIE_STEPS)
        found = _first_failure(theorem, result.configuration, name, range(last + 1))
        if found is not None and not open_choices(theorem, conclusion.claim, found[0]):
            step, failure = found
            outcomes[name] = replace(
                outcome, verdict=Verdict.FAILS, failed_at=step, failure=failure, operator=failure.operator,
                reason=f"step {step}: it fails in rational numbers",
            )  # fmt: skip
    return replace(result, outcomes=outcomes)


def settled_judgement(
    theorem: Theorem, configuration: Configuration, conclusion_name: str, step: int, judgement: Judgement
) -> Judgement:
    """The judgement of a conclusion at one step, or its failure in rational numbers where it is open."""
    if judgement.verdict is not Verdict.UNDECIDED:
        return judgement
    found = _first_failure(theorem, configuration, conclusion_name, range(step, step + 1))
    return judgement if found is None else found[1]


def _first_failure(
    theorem: Theorem, configuration: Configuration, name: str, steps: range
) -> tuple[int, Judgement] | None:
    """The first of the steps at which a conclusion is false in rational numbers, judged there."""
    found = first_failure(
        theorem,
        configuration,
        lambda tau: claim_at(theorem, configuration, name, tau) or Claim("", ()),
        steps,
    )
    if found is None:
        return None
    step, part = found
    return step, Judgement(Verdict.FAILS, part.operator, _ball(part.lhs), _ball(part.rhs), None)


def settled_gates(theorem: Theorem, configuration: Configuration, judged: list[Judged]) -> list[Judged]:
    """The hypotheses with every open one decided that rational numbers decide."""
    todo = [j for j in judged if j.verdict is Verdict.UNDECIDED]
    if not todo:
        return judged
    asked = [NamedClaim(j.name, j.claim, j.why) for j in todo]
    answers = rational_replay(theorem, configuration, asked, Claim("", ()), 0).hypotheses
    return [_settled_gate(j, answers.get(j.name)) for j in judged]


def _settled_gate(judged: Judged, answer: bool | str | None) -> Judged:
    if not isinstance(answer, bool) or judged.verdict is not Verdict.UNDECIDED:
        return judged
    verdict = Verdict.HOLDS if answer else Verdict.FAILS
    return replace(judged, judgement=replace(judged.judgement, verdict=verdict, reason=""), engine=ENGINE)


def _ball(x: Real | None) -> Ball | None:
    """An enclosure of an exact number, 128 bits of it."""
    if x is None or isinstance(x, fmpq):
        return x
    bits = _BITS
    lo, hi = bracket(x, bits)
    while (hi - lo) * fmpq(2) ** _BITS > max(abs(lo), abs(hi)):
        bits += _BITS
        lo, hi = bracket(x, bits)
    with ctx.workprec(bits + _BITS):
        return hull(to_arb(lo), to_arb(hi))
