"""Is each hypothesis needed? It is dropped, and runs without it are searched for a violated conclusion.

A hypothesis (or an entry of the scope) is needed where a certified run satisfies all others and violates a
conclusion, and that run re-checks from its certificate. It is not needed only where the solvers prove it from
the others. All else is open. Each one is examined by itself, beside all others.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from checker.clock import Clock
from checker.errors import TheoremError
from checker.names import claim_dependencies, of_quantifier
from checker.necessity.breach import claim_of
from checker.necessity.implied import PATIENCE, Implied, implications
from checker.necessity.search import REFINEMENTS, TURNS, Case, can_be_refined, examine, refine
from checker.necessity.without import assumption_names, without
from checker.necessity.witness import certify
from checker.records import HypothesisUse
from checker.request import Request
from checker.theorem import Theorem

SHARE: Final = 1 / 5
"""The share of an audit's budget that is kept for this, and the most that is spent here."""

_UNIT, _PROOF, _CERTIFICATE = 1.0, 3.0, 1.5  # seconds that a unit of work may take
_HURRIED = 1.0  # seconds a question to the solvers may take where the budget is limited
_NOT_EXAMINED = "not examined: cut by the budget"
_CUT_SEARCH = "further searches for runs without a hypothesis"
_CUT_PROOF = "whether each hypothesis is implied by the others"
_CUT_LEAST = "further searches for runs that exceed a hypothesis by less"
_CUT_SHRINKING = "further shrinking of runs without a hypothesis"


def hypothesis_use(
    theorem: Theorem,
    request: Request,
    clock: Clock,
    *,
    steps: int,
    passed_over: str = "",
    folder: Path | None = None,
    progress: Callable[[str], None],
) -> tuple[HypothesisUse, ...]:
    """What is known of the need for every hypothesis and every entry of the scope, in order.

    Nothing is examined where `passed_over` says why. Certificates of runs without a hypothesis are written
    into `folder`, where one is given. At most a share of the clock's budget is spent, in a fixed order of
    fixed units; what is cut goes on record with the clock.
    """
    names = assumption_names(theorem)
    if passed_over:
        return tuple(HypothesisUse(name, None, f"not examined: {passed_over}") for name in names)
    own = _share(clock)
    if own.cuts(_CUT_SEARCH, needs=_UNIT):
        own.cuts(_CUT_PROOF, needs=_PROOF)
        _note(own, clock)
        return tuple(HypothesisUse(name, None, _NOT_EXAMINED) for name in names)
    cases = _cases(theorem, names)
    found: dict[str, HypothesisUse] = {}
    for turn in range(TURNS):
        for case in cases.values():
            if case.witness is None and case.name not in found and not _cut(own, cases, _CUT_SEARCH, _UNIT):
                examine(theorem, case, request, turn, steps, own, progress)
        if turn == 0:
            found |= _implied(theorem, names, cases, own, progress)
    for turn in range(REFINEMENTS):
        for case in cases.values():
            if can_be_refined(case) and not _cut(own, cases, _CUT_LEAST, _UNIT):
                refine(theorem, case, request, turn, steps, own, progress)
    for case in cases.values():
        if case.witness is not None:
            progress(f"certifying a run without {case.name}")
            use = certify(theorem, case, steps, folder, lambda: own.cuts(_CUT_SHRINKING, needs=_CERTIFICATE))
            found |= {case.name: use} if use is not None else {}
    _note(own, clock)
    return tuple(found.get(name) or _open(theorem, cases.get(name), name) for name in names)


def _note(own: Clock, clock: Clock) -> None:
    """What was cut here goes on record with the audit's clock."""
    clock.not_done.extend(note for note in own.not_done if note not in clock.not_done)


def _share(clock: Clock) -> Clock:
    """A clock for what this part may spend."""
    if clock.budget <= 0:
        return Clock(0)
    return Clock(max(min(clock.left(), clock.budget * SHARE), 1e-9))


def _cut(own: Clock, cases: dict[str, Case], what: str, needs: float) -> bool:
    """Is too little time left for a unit of work and for certifying what was found so far?"""
    reserved = _CERTIFICATE * sum(1 for case in cases.values() if case.witness is not None)
    return own.cuts(what, needs=needs + reserved)


def _cases(theorem: Theorem, names: Sequence[str]) -> dict[str, Case]:
    """What is searched: the theorem without each assumption, where one run can refute such a theorem."""
    if theorem.kind != "deterministic" or theorem.algorithm == "gradient-flow":
        return {}
    hidden = of_quantifier(theorem, "hidden")
    out: dict[str, Case] = {}
    for index, name in enumerate(names):
        claim = claim_of(theorem, name)
        if claim is not None and claim_dependencies(claim, theorem.definitions) & hidden:
            continue
        try:
            out[name] = Case(name, index, without(theorem, name))
        except TheoremError:
            continue
    return out


def _implied(
    theorem: Theorem,
    names: Sequence[str],
    cases: dict[str, Case],
    own: Clock,
    progress: Callable[[str], None],
) -> dict[str, HypothesisUse]:
    """The assumptions without a witness that the solvers prove from the others."""
    out: dict[str, HypothesisUse] = {}
    for name in names:
        if name in cases and cases[name].witness is not None:
            continue
        if _cut(own, cases, _CUT_PROOF, _PROOF):
            break
        progress(f"is {name} implied by the others?")
        patience = _HURRIED if own.budget > 0 else PATIENCE
        reserved = _CERTIFICATE * sum(1 for case in cases.values() if case.witness is not None)
        proof = implications(theorem, [name], patience, own.left() - reserved).get(name)
        if proof is not None:
            out[name] = HypothesisUse(name, False, _proof_text(proof), implied_by=(*proof.by, *proof.axioms))
    return out


def _proof_text(proof: Implied) -> str:
    by = ", ".join(proof.by) or "the axioms of the setting alone"
    axioms = f", with the axioms: {', '.join(proof.axioms)}" if proof.axioms and proof.by else ""
    more = "" if proof.fewest else "; fewer may do"
    return f"implied by {by}{axioms}{more} (proved by {proof.engine}, of claims that have a value)"


def _open(theorem: Theorem, case: Case | None, name: str) -> HypothesisUse:
    """What is said where nothing was shown either way."""
    if case is None:
        return HypothesisUse(name, None, f"not seen to be redundant; {_unsearched(theorem)}")
    if case.standing:
        text = "not decided: a run at which it holds violates a conclusion too; audit again with more time"
    elif case.witness is not None:
        text = "not decided: a violation without it was found, but its certificate did not re-check"
    elif not case.turns:
        text = _NOT_EXAMINED
    elif not case.tried:
        text = "not seen to be needed: nothing to try without it was found"
    elif not case.runs:
        text = (
            f"not seen to be needed: of {case.tried} configurations tried without it, none satisfied "
            "everything else"
        )
    else:
        text = f"not seen to be needed: {case.runs} runs without it in float64, none violates a conclusion"
        if case.dismissed:
            text += f" ({case.dismissed} suspected in float64, none confirmed in balls)"
    return HypothesisUse(name, None, text, runs=case.runs)


def _unsearched(theorem: Theorem) -> str:
    if theorem.kind != "deterministic":
        return f"no runs were made without it: no single run refutes a theorem of kind {theorem.kind}"
    if theorem.algorithm == "gradient-flow":
        return "no runs were made without it: runs of gradient flow are samples"
    return "no runs were made without it: no single run can be certified without it"
