"""Proof steps: does each follow over the real numbers? Two solvers are asked, and a model is re-checked.

A step holds where z3 and cvc5 both prove it, its conclusion is certainly defined, and its assumptions do
not contradict each other. It fails where a point with rational coordinates, re-checked on the step's own
tree in exact arithmetic, satisfies every assumption and violates the conclusion. All else is undecided.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import ctx, fmpq

from checker.enclosure import Enclosure
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.enclose import judge
from checker.expression.smt import BeyondSolversError, encode_step
from checker.expression.smt_text import (
    StepScript,
    consistency,
    refutation,
    refutation_among,
    side_question,
    smt_name,
)
from checker.expression.tree import Call
from checker.processes import GRACE, Answer, Pair, SolverProcess, solver_pair
from checker.records import ProofStepRecord
from checker.theorem import ProofStep
from checker.verdict import Verdict

Point = Mapping[str, Fraction]

_RECHECK_BITS = 256
_DENOMINATORS = (1, 2, 4, 10, 100, 10**4, 10**8)
_GRID = tuple(sorted({Fraction(i, d) for d in (1, 2, 5, 13) for i in range(14)}))


def decide_steps(
    steps: Sequence[ProofStep],
    *,
    seconds: float = 5.0,
    on_step: Callable[[ProofStepRecord], None] | None = None,
) -> tuple[ProofStepRecord, ...]:
    """Decide each proof step, in order, over real variables; at most about `seconds` each.

    A record says "holds" (engine "z3+cvc5": both proved it), "fails" (with a counterexample of exact
    rationals "p/q", one a variable) or "undecided" with the reason. `on_step` hears of each as it is done.
    The solvers run in child processes with time and memory limits, and are killed where they keep neither.
    """
    records: list[ProofStepRecord] = []
    if not steps:
        return ()
    with solver_pair() as pair:
        for step in steps:
            outcome = _decide(step, pair, seconds)
            record = ProofStepRecord(
                name=step.name,
                status=outcome.verdict.value,
                engine=outcome.engine,
                counterexample=outcome.counterexample,
                assume=tuple(claim.text for claim in step.assume),
                show=step.show.text,
                reason=outcome.reason,
            )
            records.append(record)
            if on_step is not None:
                on_step(record)
    return tuple(records)


@dataclass(frozen=True)
class _Outcome:
    verdict: Verdict
    engine: str
    reason: str = ""
    counterexample: dict[str, str] | None = None


def _undecided(engine: str, reason: str) -> _Outcome:
    return _Outcome(Verdict.UNDECIDED, engine, reason)


def _decide(step: ProofStep, pair: Pair, seconds: float) -> _Outcome:
    try:
        script = encode_step(step.assume, step.show)
    except BeyondSolversError as error:
        return _undecided("none", error.reason)
    pair.ready()
    deadline = time.monotonic() + seconds
    answers: list[Answer] = []
    with contextlib.closing(pair.ask(refutation(script), deadline)) as asked:
        for answer in asked:
            answers.append(answer)
            point = _counterexample(step, script, answer, pair.z3, deadline)
            if point is not None:
                exact = {name: str(value) for name, value in point.items()}
                return _Outcome(Verdict.FAILS, f"{answer.solver}, re-checked exactly", "", exact)
    engine = _engine(script, answers, seconds)
    if all(answer.status == "unsat" for answer in answers):
        return _proved(script, pair, deadline, engine)
    return _undecided(engine, _open_reason(script, answers))


def _proved(script: StepScript, pair: Pair, deadline: float, engine: str) -> _Outcome:
    """Both solvers prove the conclusion: is it defined, and can its assumptions hold at all?"""
    for side in script.sides:
        if any(answer.status != "unsat" for answer in pair.ask(side_question(script, side), deadline)):
            return _undecided(engine, f"{side.reason} under the assumptions")
    together = [answer.status for answer in pair.ask(consistency(script), deadline)]
    if "unsat" in together:
        reason = "the assumptions contradict each other: a step from them proves nothing"
        return _undecided(engine, reason)
    reason = "" if "sat" in together else "whether the assumptions can hold together was not decided"
    return _Outcome(Verdict.HOLDS, engine, reason)


def _engine(script: StepScript, answers: Sequence[Answer], seconds: float) -> str:
    if all(answer.status == "unsat" for answer in answers):
        known = f", with bounds of {', '.join(script.bounded)}" if script.bounded else ""
        return "+".join(answer.solver for answer in answers) + known
    words = {
        "unsat": "proved",
        "sat": "counterexample not confirmed",
        "unknown": "no answer",
        "none": f"no answer in {seconds:g} s",
    }
    return ", ".join(f"{answer.solver}: {words[answer.status]}" for answer in answers)


def _open_reason(script: StepScript, answers: Sequence[Answer]) -> str:
    found = [answer for answer in answers if answer.status == "sat"]
    if found and script.bounded:
        known = ", ".join(script.bounded)
        return f"the solvers know {known} by bounds only, and their counterexample is none on re-checking"
    if found:
        near = ", ".join(
            f"{name} = {float(sum(found[0].model[smt_name(name)], Fraction(0)) / 2):.6g}"
            for name in script.variables
            if smt_name(name) in found[0].model
        )
        return f"a counterexample near {near} was found, and none that an exact re-check confirms"
    return "a step holds only where both solvers prove it"


def _counterexample(
    step: ProofStep, script: StepScript, answer: Answer, solver: SolverProcess, deadline: float
) -> Point | None:
    """The first rational point, of those near a solver's model, that certainly refutes the step."""
    if answer.status != "sat":
        return None
    for point in _points(script, answer, solver, deadline):
        if _refutes(step, point):
            return point
    return None


def _refutes(step: ProofStep, point: Point) -> bool:
    """Does every assumption certainly hold and the conclusion certainly fail at an exact point?"""
    env = _At(point)
    with ctx.workprec(_RECHECK_BITS):
        try:
            assumed = all(judge(claim, env).verdict is Verdict.HOLDS for claim in step.assume)
            return assumed and judge(step.show, env).verdict is Verdict.FAILS
        except (NotEnclosed, CertainlyUndefined):
            return False


@dataclass(frozen=True)
class _At:
    """The names of a step at an exact point."""

    point: Point

    def name(self, name: str) -> Enclosure:
        value = self.point[name]
        return fmpq(value.numerator, value.denominator)

    def call(self, node: Call) -> Enclosure:
        raise NotEnclosed(f"{node.function} has no meaning in a step over real variables")


def _points(script: StepScript, answer: Answer, solver: SolverProcess, deadline: float) -> Iterator[Point]:
    """Rational points near a model: its own where exact, roundings, then models asked for with some
    variables fixed to rationals, one after the other, or all taken from a grid."""
    for denominator in _DENOMINATORS:
        yield _rounded(script, answer, denominator)
    if script.bounded or not _inexact(script, answer):
        return
    pinned: dict[str, Fraction] = {}
    near = answer
    while names := _inexact(script, near):
        found = _pin(script, near, names[0], pinned, solver, deadline)
        if found is None:
            break
        near = found
    else:
        yield _rounded(script, near, 1)
        return
    grid = refutation_among(script, _inexact(script, answer), _GRID)
    near = _ask(solver, grid, deadline)
    if near.status == "sat":
        yield _rounded(script, near, 1)


def _pin(
    script: StepScript,
    near: Answer,
    name: str,
    pinned: dict[str, Fraction],
    solver: SolverProcess,
    deadline: float,
) -> Answer | None:
    """A model with `name` fixed to a rational near its value, which joins `pinned`; None where none is."""
    for denominator in _DENOMINATORS:
        trial = {**pinned, name: _rounded(script, near, denominator)[name]}
        found = _ask(solver, refutation(script, trial), deadline)
        if found.status == "sat":
            pinned.update(trial)
            return found
    return None


def _ask(solver: SolverProcess, question: str, deadline: float) -> Answer:
    if time.monotonic() >= deadline:
        return Answer(solver.name, "none")
    solver.send(question, deadline)
    return solver.receive(deadline + GRACE)


def _interval(script: StepScript, answer: Answer, name: str) -> tuple[Fraction, Fraction]:
    return answer.model.get(smt_name(name), (Fraction(0), Fraction(0)))


def _inexact(script: StepScript, answer: Answer) -> tuple[str, ...]:
    ends = {name: _interval(script, answer, name) for name in script.variables}
    return tuple(name for name, (lower, upper) in ends.items() if lower != upper)


def _rounded(script: StepScript, answer: Answer, denominator: int) -> dict[str, Fraction]:
    """A model's point: exact values as they are, the others rounded to a denominator."""
    point: dict[str, Fraction] = {}
    for name in script.variables:
        lower, upper = _interval(script, answer, name)
        point[name] = lower if lower == upper else ((lower + upper) / 2).limit_denominator(denominator)
    return point
