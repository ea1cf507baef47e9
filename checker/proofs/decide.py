"""One proof step decided: solvers first, then a search, then rewritings, then subdivision in boxes."""

import contextlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from checker.expression.smt import BeyondSolversError, encode_step
from checker.expression.smt_text import StepScript, consistency, refutation, side_question, sides_question
from checker.processes import GRACE, Answer, Pair
from checker.proofs.equations import Solved, solutions
from checker.proofs.exact import Found
from checker.proofs.models import Near, approximate, points_near
from checker.proofs.preprocess import Case, Rewriting, rewritings, substituted
from checker.proofs.sampling import confirmed, search
from checker.proofs.shorten import shortened
from checker.proofs.subdivision import BOXES, subdivide
from checker.proofs.tape import NotOnTapeError, to_tape
from checker.theorem import ProofStep
from checker.verdict import Verdict

_DIRECT: Final = 0.4
_REWRITTEN: Final = 0.1
_SEARCHED: Final = 0.15
_FEW: Final = 500  # boxes of a first try
_CONTRADICTION: Final = "the assumptions contradict each other: a step from them proves nothing"
_NO_POINT: Final = (
    "it follows, but no point was confirmed that satisfies all assumptions: they may contradict"
)


@dataclass(frozen=True)
class Outcome:
    """A verdict on one step, how it was reached, why it is open, and the exact counterexample if any."""

    verdict: Verdict
    engine: str
    reason: str = ""
    counterexample: dict[str, str] | None = None


def decide(step: ProofStep, pair: Pair, seconds: float) -> Outcome:
    """Decide one step in about `seconds`, not counting the start of the solvers."""
    return _Deciding(step, pair, seconds).outcome()


@dataclass
class _Deciding:
    """The state of one decision."""

    step: ProofStep
    pair: Pair
    seconds: float
    begun: float = field(default_factory=time.monotonic)
    proved: dict[str, str] = field(default_factory=dict[str, str])
    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])
    ways: tuple[Solved, ...] = ()

    def outcome(self) -> Outcome:
        step = self.step
        try:
            script: StepScript | None = encode_step(step.assume, step.show)
            beyond = ""
        except BeyondSolversError as error:
            script, beyond = None, error.reason
        if script is not None:
            self.pair.ready()
        self.begun = time.monotonic()
        self.ways = tuple(solutions(step.assume))
        if script is not None:
            found = self._asked(script)
            if found is not None:
                return found
        found = self._searched()
        if found is not None:
            return found
        if script is not None:
            found = self._subdivided(_FEW) or self._rewritten(script)
            if found is not None:
                return found
        found = self._subdivided()
        if found is not None:
            return found
        if script is None:
            return Outcome(Verdict.UNDECIDED, "none", beyond)
        return Outcome(Verdict.UNDECIDED, self._open_engine(), self._open_reason(script))

    def _until(self, share: float) -> float:
        """The end of a share of the step's time from now on, never past its end."""
        now = time.monotonic()
        return min(now + share * self.seconds, self._end())

    def _end(self) -> float:
        return self.begun + self.seconds

    # The two solvers.

    def _asked(self, script: StepScript) -> Outcome | None:
        """Both solvers on the step as it stands."""
        deadline = self._until(_DIRECT)
        with contextlib.closing(self.pair.ask(refutation(script), deadline)) as asked:
            for answer in asked:
                self.answers[answer.solver] = answer
                if answer.status == "unsat":
                    self.proved[answer.solver] = ""
                elif answer.status == "sat":
                    found = self._from_model(script, answer)
                    if found is not None:
                        return found
        return self._both_proved(script)

    def _from_model(self, script: StepScript, answer: Answer) -> Outcome | None:
        """A counterexample near a solver's model of the step, or of a rewriting of it."""
        solver = self.pair.z3 if answer.solver == "z3" else self.pair.cvc5
        near = Near(script, answer, solver, self._until(_DIRECT))
        return self._first(points_near(near, (Solved(), *self.ways)), answer.solver)

    def _first(self, points: Iterable[Found], engine: str) -> Outcome | None:
        for found in points:
            if time.monotonic() > self._end():
                return None
            if self._refuted_at(found):
                return self._fails(found, engine)
        return None

    def _refuted_at(self, found: Found) -> bool:
        return confirmed(self.step.assume, self.step.show, dict(found.point), found.solved)

    def _fails(self, found: Found, engine: str) -> Outcome:
        names = self._names()
        point = {name: Fraction(0) for name in names if name not in found.solved.names} | dict(found.point)
        found = shortened(Found(point, found.solved), names, self._refuted_at)
        return Outcome(Verdict.FAILS, f"{engine}, re-checked exactly", "", found.shown(names))

    def _names(self) -> tuple[str, ...]:
        return to_tape((*self.step.assume, self.step.show)).variables

    def _both_proved(self, script: StepScript) -> Outcome | None:
        """Where both solvers prove the conclusion: is it defined, and can its assumptions hold at all?"""
        if set(self.proved) != {"z3", "cvc5"}:
            return None
        engine = self._proof_engine(script)
        undefined = self._maybe_undefined(script)
        if undefined:
            reason = f"{undefined} under the assumptions"
            return self._searched() or self._subdivided() or Outcome(Verdict.UNDECIDED, engine, reason)
        return self._unless_contradictory(engine, script)

    def _maybe_undefined(self, script: StepScript) -> str:
        """Which side condition of the conclusion is not proved by both solvers; empty where all are."""
        if not script.sides:
            return ""
        answers = self.pair.ask(sides_question(script), self._until(0.3))
        if {answer.status for answer in answers} == {"unsat"}:
            return ""
        for side in script.sides:
            asked = self.pair.ask(side_question(script, side), self._until(0.2))
            if any(answer.status != "unsat" for answer in asked):
                return side.reason
        return ""

    def _proof_engine(self, script: StepScript) -> str:
        known = f", with bounds of {', '.join(script.bounded)}" if script.bounded else ""
        words = " and ".join(dict.fromkeys(words for words in self.proved.values() if words))
        return "z3+cvc5" + known + (f", {words}" if words else "")

    def _unless_contradictory(self, engine: str, script: StepScript | None) -> Outcome:
        """Holds, if some point certainly satisfies the assumptions."""
        if self._satisfiable(script):
            return Outcome(Verdict.HOLDS, engine)
        if script is not None:
            together = [answer.status for answer in self.pair.ask(consistency(script), self._until(0.3))]
            if "unsat" in together:
                return Outcome(Verdict.UNDECIDED, engine, _CONTRADICTION)
        with contextlib.suppress(NotOnTapeError):
            if subdivide(self.step.assume, None, self._until(0.3)).proved:
                return Outcome(Verdict.UNDECIDED, engine, _CONTRADICTION)
        return Outcome(Verdict.UNDECIDED, engine, _NO_POINT)

    def _satisfiable(self, script: StepScript | None) -> bool:
        """Is there a point, confirmed exactly, that satisfies every assumption?"""
        if not self.step.assume:
            return True
        for way in self._search_ways():
            deadline = max(self._until(0.2), time.monotonic() + GRACE)
            if search(self.step.assume, None, way, deadline) is not None:
                return True
        if script is None:
            return False
        for answer in self.pair.ask(consistency(script), self._until(0.2)):
            if answer.status == "sat":
                solver = self.pair.z3 if answer.solver == "z3" else self.pair.cvc5
                near = Near(script, answer, solver, self._until(0.2), lambda s, p: consistency(s, p))
                points = points_near(near, (Solved(), *self.ways))
                if any(confirmed(self.step.assume, None, dict(f.point), f.solved) for f in points):
                    return True
        return False

    # Search, rewritings, boxes.

    def _search_ways(self) -> tuple[Solved, ...]:
        """Ways to solve the equations, and not to solve them: solved ones may be too large to be searched."""
        return self.ways if Solved() in self.ways else (*self.ways, Solved())

    def _searched(self) -> Outcome | None:
        """A counterexample found in floats."""
        deadline = self._until(_SEARCHED)
        for way in self._search_ways():
            found = search(self.step.assume, self.step.show, way, deadline)
            if found is not None:
                return self._fails(found, "search")
        return None

    def _rewritten(self, script: StepScript) -> Outcome | None:
        """Whoever has not proved the step is asked about its rewritings, one after the other."""
        for rewriting in self._rewritings():
            if time.monotonic() >= self._end():
                return None
            missing = tuple(name for name in ("z3", "cvc5") if name not in self.proved)
            for name in self._proved_by(rewriting.cases, missing, rewriting.sharp):
                self.proved[name] = rewriting.words
            outcome = self._both_proved(script)
            if outcome is not None:
                return outcome
        return None

    def _rewritings(self) -> Iterator[Rewriting]:
        return rewritings(self.step.assume, self.step.show)

    def _proved_by(self, cases: Iterable[Case], names: tuple[str, ...], sharp: bool) -> tuple[str, ...]:
        """Who of the named proves every case."""
        deadline = self._until(_REWRITTEN)
        for case in cases:
            try:
                script = encode_step(case.assume, case.show, sharp=sharp)
            except BeyondSolversError:
                return ()
            answers = tuple(self.pair.ask(refutation(script), deadline, names))
            names = tuple(answer.solver for answer in answers if answer.status == "unsat")
            if not names:
                return ()
        return names

    def _subdivided(self, most: int = BOXES) -> Outcome | None:
        """A proof in boxes, or a counterexample in one that stays open."""
        try:
            case = substituted(Case(self.step.assume, self.step.show))
            result = subdivide(case.assume, case.show, self._end(), most)
        except NotOnTapeError:
            return None
        if result.proved:
            many = "1 box" if result.boxes == 1 else f"{result.boxes} boxes"
            return self._unless_contradictory(f"subdivision in balls, {many}", None)
        return None

    # What is said where nothing decides.

    def _open_engine(self) -> str:
        words = {
            "sat": "counterexample not confirmed",
            "unknown": "no answer",
            "none": f"no answer in {_DIRECT * self.seconds:g} s",
        }
        said = [
            f"{name}: {'proved' if name in self.proved else words.get(answer.status, 'no answer')}"
            for name, answer in self.answers.items()
        ]
        return ", ".join([*said, "subdivision: no answer"])

    def _open_reason(self, script: StepScript) -> str:
        found = [answer for answer in self.answers.values() if answer.status == "sat"]
        if found and script.bounded:
            known = ", ".join(script.bounded)
            return f"the solvers know {known} by bounds only, and their counterexample is none on re-checking"
        if found:
            near = approximate(script, found[0])
            return f"a counterexample near {near} was found, and none that an exact re-check confirms"
        return "a step holds only where both solvers or a subdivision prove it"
