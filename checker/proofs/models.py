"""From a solver's model to an exact counterexample: roundings of its values, and models with values fixed."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from checker.expression.smt_text import StepScript, refutation, refutation_among, smt_name
from checker.processes import GRACE, Answer, SolverProcess
from checker.proofs.equations import Solved
from checker.proofs.exact import Found

_DENOMINATORS: Final = (1, 2, 4, 10, 100, 10**4, 10**8)
_GRID: Final = tuple(sorted({Fraction(i, d) for d in (1, 2, 5, 13) for i in range(14)}))

Question = Callable[[StepScript, dict[str, Fraction]], str]


@dataclass(frozen=True)
class Near:
    """A model to start from: the script, the solver's answer, and who can be asked again."""

    script: StepScript
    answer: Answer
    solver: SolverProcess
    deadline: float
    question: Question = refutation


def points_near(near: Near, ways: Sequence[Solved]) -> Iterator[Found]:
    """Rational points near a model, for each way to solve the equations: the free variables as they are where
    exact, else rounded, then models asked for with some of them fixed, or all taken from a grid."""
    for denominator in _DENOMINATORS:
        for way in ways:
            yield Found(_rounded(near, way, denominator), way)
    if near.script.bounded:
        return
    for way in ways:
        if names := _inexact(near.script, near.answer, way):
            yield from _pinned(near, way, names)


def _pinned(near: Near, way: Solved, names: tuple[str, ...]) -> Iterator[Found]:
    fixed: dict[str, Fraction] = {}
    first = near
    while names:
        for denominator in _DENOMINATORS:
            trial = {**fixed, names[0]: _rounded(near, way, denominator)[names[0]]}
            found = _ask(near, near.question(near.script, trial))
            if found.status == "sat":
                fixed = trial
                near = Near(near.script, found, near.solver, near.deadline, near.question)
                break
        else:
            break
        yield Found(_rounded(near, way, 10**4), way)
        names = _inexact(near.script, near.answer, way)
    if names and near.question is refutation:
        again = _inexact(first.script, first.answer, way)
        found = _ask(near, refutation_among(near.script, again, _GRID))
        if found.status == "sat":
            grid = Near(near.script, found, near.solver, near.deadline, near.question)
            yield Found(_rounded(grid, way, 1), way)


def _ask(near: Near, question: str) -> Answer:
    if time.monotonic() >= near.deadline:
        return Answer(near.solver.name, "none")
    near.solver.send(question, near.deadline)
    return near.solver.receive(near.deadline + GRACE)


def _interval(near: Answer, name: str) -> tuple[Fraction, Fraction]:
    return near.model.get(smt_name(name), (Fraction(0), Fraction(0)))


def _inexact(script: StepScript, answer: Answer, way: Solved) -> tuple[str, ...]:
    ends = {name: _interval(answer, name) for name in script.variables if name not in way.names}
    return tuple(name for name, (lower, upper) in ends.items() if lower != upper)


def _rounded(near: Near, way: Solved, denominator: int) -> dict[str, Fraction]:
    """A model's free values: exact ones as they are, the others rounded to a denominator."""
    point: dict[str, Fraction] = {}
    for name in near.script.variables:
        if name not in way.names:
            lower, upper = _interval(near.answer, name)
            middle = lower if lower == upper else (lower + upper) / 2
            point[name] = middle if lower == upper else middle.limit_denominator(denominator)
    return point


def approximate(script: StepScript, answer: Answer) -> str:
    """The model in a few digits, for a reason."""
    return ", ".join(
        f"{name} = {float(sum(answer.model[smt_name(name)], Fraction(0)) / 2):.6g}"
        for name in script.variables
        if smt_name(name) in answer.model
    )
