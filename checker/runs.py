"""One run judged: hypotheses at its start, every conclusion at every step.

A run in balls is exact mathematics from exact parameters, so what it decides is
proved (or witnessed). A run in float64 is judged at the visited points, each an
exact start of its own whose exact successor is enclosed; it supports, and never refutes.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from flint import ctx, fmpq

from checker.algebras import BALLS
from checker.configuration import Configuration, instantiate
from checker.dynamics import (
    first_precision,
    is_sharp,
    planned_precision,
    replanned_precision,
    widening,
)
from checker.enclosure import ARRAYS, Ball, Enclosure, to_arb
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.simplify import next_depth_of_claim
from checker.hypotheses import given_values, undecided
from checker.judging import ball_states, distance, judge_at, judged_conclusions, step_size
from checker.kinks import Kink, kink_at
from checker.names import open_choices, used_names
from checker.near import near_scene
from checker.near_descent import Visit, near_descend
from checker.outcomes import Ledger, Outcome, Run, middle
from checker.scene import Moment, Path, Scene, State
from checker.settings import SETTINGS
from checker.settings.base import State as BallState
from checker.theorem import Theorem
from checker.verdict import Verdict

FLOAT_PRECISION = 128
"""The precision of what is computed in balls beside near floats."""

_MORE_ATTEMPTS = 5
"""How often a run in balls that gets lost is tried with more bits."""

TIE_BITS = 2048
"""An open sign that this many bits leave open is reported as a kink."""

PICARD_BITS = 128

EARLY_END = fmpq(1, 10**20)
"""A run ends once loss <= EARLY_END * loss_0, certifiably."""


def run(
    theorem: Theorem,
    configuration: Configuration,
    steps: int,
    *,
    mode: str = "balls",
    precision: int | None = None,
    curves: bool = True,
    stop_at: int | None = None,
) -> Run:
    """Judge every conclusion at every step 0..steps of one run (or up to `stop_at`).

    Unless a precision is given, a run in balls that leaves a conclusion open is tried again where more
    bits may decide: as many as its widening asks for, up to MOST_BITS, or as an open kink needs, up to
    TIE_BITS. A run whose start or step size has no enclosure leaves every conclusion undecided.
    """
    steps = 0 if theorem.algorithm == "none" else steps
    last = steps if stop_at is None else min(stop_at, steps)
    bits = precision or _planned(theorem, mode, steps)
    found = _Attempt(theorem, configuration, mode, bits, last, curves).judged()
    for _ in range(_MORE_ATTEMPTS if mode == "balls" and precision is None else 0):
        more = found.more_bits(planned_precision(steps) if theorem.algorithm == "gradient-descent" else 0)
        if more is None:
            break
        found = _Attempt(theorem, configuration, mode, more, last, curves).judged()
    return found.result()


def _planned(theorem: Theorem, mode: str, steps: int) -> int:
    """Bits enough for a first attempt; Picard's gaps shrink geometrically, so each step asks for more."""
    if mode != "balls" or theorem.algorithm == "none":
        return FLOAT_PRECISION
    return PICARD_BITS + 12 * steps if theorem.algorithm == "picard" else first_precision(steps)


class _Attempt:
    """One run at one precision, judged as it goes."""

    def __init__(
        self, theorem: Theorem, configuration: Configuration, mode: str, bits: int, last: int, curves: bool
    ) -> None:
        self._theorem = theorem
        self._configuration = configuration
        self._mode = mode
        self._bits = bits
        self._last = last
        self._claims = judged_conclusions(theorem, configuration)
        self._depth = max((next_depth_of_claim(claim) for claim in self._claims.values()), default=0)
        self._follow = "path_length" in used_names(theorem)
        self._ledgers = {name: Ledger(curves) for name in self._claims}
        self._losses: list[float | None] = []
        self._widths: list[float] = []
        self._judged = 0
        self._lost = False
        self._ended = ""
        self._kink: Kink | None = None

    def judged(self) -> "_Attempt":
        """Go along the run and judge."""
        with ctx.workprec(self._bits):
            try:
                visits = self._visits()
                first = next(visits)
                path: Path[Enclosure] = Path(self._scene(first.state), self._depth + 2)
            except NotEnclosed as error:
                self._lost = True
                self._end(0, f"the run does not start: {error.reason}")
                return self
            self._push(path, first, fmpq(0))
            for tau in range(self._last + 1):
                self._extend(path, visits, tau + self._depth)
                if path.length <= tau:
                    self._lose(path, tau)
                    break
                if self._judge(path, tau):
                    break
        return self

    def _visits(self) -> Iterator[Visit]:
        theorem, configuration, count = self._theorem, self._configuration, self._last + self._depth
        if self._mode == "float":
            scene = near_scene(theorem, configuration)
            return near_descend(configuration, step_size(theorem, scene), count)
        return (Visit(state, None) for state in self._states(count))

    def _states(self, count: int) -> Iterator[BallState]:
        """The states in balls, at the ambient precision."""
        instance = instantiate(self._configuration)
        states = ball_states(self._theorem, self._configuration, instance, count)
        return (cast(BallState, state) for state in states)

    def _scene(self, first: BallState) -> Scene[Enclosure]:
        theorem, configuration = self._theorem, self._configuration
        if self._mode == "float":
            return near_scene(theorem, configuration, first)
        start: State[Enclosure] = first
        if theorem.algorithm == "picard":
            start = SETTINGS[configuration.setting].enclose(first.instance)
        return Scene(theorem, BALLS, start, given_values(theorem, configuration))

    def _push(self, path: Path[Enclosure], visit: Visit, length: Enclosure | None) -> None:
        if self._mode == "balls" and self._theorem.algorithm != "picard":
            self._widths.append(widening(visit.state.instance))
            if self._kink is None:
                self._kink = kink_at(visit.state, path.length)
        path.push(visit.state, length, visit.successor)

    def _extend(self, path: Path[Enclosure], visits: Iterator[Visit], until: int) -> None:
        """Push states until that step, or until there are no more."""
        while path.length <= until:
            visit = next(visits, None)
            if visit is None:
                return
            length: Enclosure | None = None
            if self._follow:
                before = path.at(path.length - 1)
                gone = distance(before.state, visit.state, self._configuration.trains)
                length = to_arb(cast(Ball, before.length)) + gone
            self._push(path, visit, length)

    def _judge(self, path: Path[Enclosure], tau: int) -> bool:
        """Judge one step; True where the run has come to its end."""
        moment = path.at(tau)
        for name, judgement in judge_at(self._theorem, self._claims, moment).items():
            self._ledgers[name].add(tau, judgement)
            self._note_visited_kink(self._ledgers[name], moment)
        self._judged = tau
        loss = _loss(moment)
        self._losses.append(middle(loss))
        if tau < self._last and self._theorem.algorithm == "gradient-descent" and _finished(loss, path.scene):
            self._ended = f"loss <= 1e-20*loss_0 at step {tau}"
            return True
        return False

    def _note_visited_kink(self, ledger: Ledger, moment: Moment[Enclosure]) -> None:
        """In floats an open sign concerns the step from that visited point only."""
        if self._mode == "float" and ledger.open_at == moment.tau:
            kink = kink_at(cast(BallState, moment.state), moment.tau)
            ledger.reason += f"; {kink}" if kink else ""

    def _lose(self, path: Path[Enclosure], tau: int) -> None:
        self._lost = True
        last = cast(BallState, path.at(tau - 1).state)
        kink = kink_at(last, tau - 1) if self._mode == "float" else None
        why = f"; {kink}" if kink else "" if self._kink else f": {_reason(last)}"
        self._end(tau, f"the trajectory is not determined beyond step {tau - 1}{why}")

    def _end(self, tau: int, why: str) -> None:
        self._ended = why
        for ledger in self._ledgers.values():
            ledger.add(tau, undecided(why))

    def more_bits(self, enough: int) -> int | None:
        """The precision that may decide what is open here; None where more bits would not help.

        It is tried with `enough` bits in any case, those of `planned_precision`.
        """
        if not any(ledger.verdict is Verdict.UNDECIDED for ledger in self._ledgers.values()):
            return None
        kink = self._kink
        if kink is not None and is_sharp(self._widths[kink.step]):
            return self._settle(kink)
        if self._bits < enough:
            return enough
        return replanned_precision(self._bits, self._widths, self._last + self._depth)

    def _settle(self, kink: Kink) -> int | None:
        """Bits that decide this open sign; None for a tie, which is then known more closely."""
        bits = self._bits
        while bits < TIE_BITS:
            bits = min(4 * bits, TIE_BITS)
            with ctx.workprec(bits):
                states = enumerate(self._states(kink.step))
                found = next((k for k in (kink_at(state, tau) for tau, state in states) if k), None)
            if found is None or found.place != kink.place:
                return bits
            self._kink = kink = found
        return None

    def result(self) -> Run:
        """The run as it was judged; what became open after an open kink names it."""
        ended = f"{self._ended}; {self._kink}" if self._lost and self._kink else self._ended
        outcomes = {
            name: _for_the_choice(self._theorem, name, self._outcome(ledger))
            for name, ledger in self._ledgers.items()
        }
        return Run(
            self._configuration, self._mode, self._bits, self._judged, ended, outcomes, tuple(self._losses),
            lost=self._lost,
        )  # fmt: skip

    def _outcome(self, ledger: Ledger) -> Outcome:
        outcome, kink = ledger.outcome(), self._kink
        if kink is None or ledger.open_at is None or ledger.open_at < kink.step:
            return outcome
        return replace(outcome, reason=f"{outcome.reason}; {kink}")


def _reason(state: BallState) -> str:
    """Why there is no next step."""
    try:
        state.gradients()
    except NotEnclosed as error:
        return error.reason
    return "the next iterate has no enclosure"


def middle_of_loss(moment: Moment[Enclosure]) -> float | None:
    """The loss at a moment as a float for plots, or None."""
    return middle(_loss(moment))


def _loss(moment: Moment[Enclosure]) -> Enclosure | None:
    try:
        return moment.name("loss")
    except (NotEnclosed, CertainlyUndefined):
        return None


def _finished(loss: Enclosure | None, scene: Scene[Enclosure]) -> bool:
    if loss is None or isinstance(loss, ARRAYS):
        return False
    try:
        first = scene.state.value("loss")
    except (NotEnclosed, CertainlyUndefined):
        return False
    if isinstance(first, ARRAYS):
        return False
    return bool(to_arb(loss) <= to_arb(first) * to_arb(EARLY_END))


def _for_the_choice(theorem: Theorem, name: str, outcome: Outcome) -> Outcome:
    """A conclusion that asks for a good choice is not refuted by one bad choice."""
    if outcome.verdict is not Verdict.FAILS:
        return outcome
    claim = next(c.claim for c in theorem.conclusions if c.name == name)
    chosen = sorted(open_choices(theorem, claim, outcome.failed_at or 0))
    if not chosen:
        return outcome
    reason = f"fails for the {', '.join(chosen)} tried; another choice may do"
    return replace(outcome, verdict=Verdict.UNDECIDED, reason=reason, failed_at=None, failure=None)
