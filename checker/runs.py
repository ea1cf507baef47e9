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
from checker.dynamics import planned_precision, replanned_precision, widening
from checker.enclosure import ARRAYS, Ball, Enclosure, to_arb
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.simplify import next_depth_of_claim
from checker.hypotheses import given_values, undecided
from checker.judging import ball_states, distance, judge_at, judged_conclusions, step_size
from checker.kinks import Kink, kink_at
from checker.names import claim_dependencies, only_chosen, used_names
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

_MORE_ATTEMPTS = 3

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

    Unless a precision is given, a run in balls that gets lost is tried again with more bits, as many as
    its widening asks for; an open kink that stays where it is with twice the bits is taken for a tie.
    """
    steps = 0 if theorem.algorithm == "none" else steps
    last = steps if stop_at is None else min(stop_at, steps)
    bits = precision or _planned(theorem, mode, steps)
    found = _Attempt(theorem, configuration, mode, bits, last, curves).judged()
    for _ in range(_MORE_ATTEMPTS if mode == "balls" and precision is None else 0):
        more = found.more_bits()
        if more is None:
            break
        before, found = found, _Attempt(theorem, configuration, mode, more, last, curves).judged()
        if found.kink is not None and before.kink is not None and found.kink.place == before.kink.place:
            break
    return found.result()


def _planned(theorem: Theorem, mode: str, steps: int) -> int:
    """Bits enough for a first attempt; Picard's gaps shrink geometrically, so each step asks for more."""
    if mode != "balls" or theorem.algorithm == "none":
        return FLOAT_PRECISION
    return PICARD_BITS + 12 * steps if theorem.algorithm == "picard" else planned_precision(steps)


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
        self.kink: Kink | None = None

    def judged(self) -> "_Attempt":
        """Go along the run and judge."""
        with ctx.workprec(self._bits):
            visits = self._visits()
            first = next(visits)
            path: Path[Enclosure] = Path(self._scene(first.state), self._depth + 2)
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
        states = ball_states(theorem, configuration, instantiate(configuration), count)
        return (Visit(cast(BallState, state), None) for state in states)

    def _scene(self, first: BallState) -> Scene[Enclosure]:
        theorem, configuration = self._theorem, self._configuration
        if self._mode == "float":
            return near_scene(theorem, configuration, first)
        start: State[Enclosure] = first
        if theorem.algorithm == "picard":
            start = SETTINGS[configuration.setting].enclose(first.instance)
        return Scene(theorem, BALLS, start, given_values(theorem, configuration))

    def _push(self, path: Path[Enclosure], visit: Visit, length: Enclosure | None) -> None:
        if self._mode == "balls" and self._theorem.algorithm == "gradient-descent":
            self._widths.append(widening(visit.state.instance))
            if self.kink is None:
                self.kink = kink_at(visit.state, path.length)
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
            if judgement.verdict is Verdict.UNDECIDED and self.kink is not None and self.kink.step < tau:
                judgement = replace(judgement, reason=str(self.kink))
            self._ledgers[name].add(tau, judgement)
        self._judged = tau
        loss = _loss(moment)
        self._losses.append(middle(loss))
        if tau < self._last and self._theorem.algorithm == "gradient-descent" and _finished(loss, path.scene):
            self._ended = f"loss <= 1e-20*loss_0 at step {tau}"
            return True
        return False

    def _lose(self, path: Path[Enclosure], tau: int) -> None:
        why = str(self.kink) if self.kink else _reason(path.at(tau - 1).state)
        self._ended = f"the trajectory is not determined beyond step {tau - 1}: {why}"
        self._lost = True
        for ledger in self._ledgers.values():
            ledger.add(tau, undecided(self._ended))

    def more_bits(self) -> int | None:
        """The precision that may decide what is open here; None where more bits would not help."""
        opened = any(ledger.verdict is Verdict.UNDECIDED for ledger in self._ledgers.values())
        if not opened or not (self._lost or self.kink):
            return None
        return replanned_precision(self._bits, self._widths, self._last + self._depth)

    def result(self) -> Run:
        outcomes = {
            name: _for_the_choice(self._theorem, name, ledger.outcome())
            for name, ledger in self._ledgers.items()
        }
        return Run(
            self._configuration, self._mode, self._bits, self._judged, self._ended, outcomes,
            tuple(self._losses),
        )  # fmt: skip


def _reason(state: State[Enclosure]) -> str:
    """Why there is no next step."""
    try:
        cast(BallState, state).gradients()
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
    chosen = sorted(only_chosen(theorem) & claim_dependencies(claim, theorem.definitions))
    if not chosen:
        return outcome
    reason = f"fails for the {', '.join(chosen)} tried; another choice may do"
    return replace(outcome, verdict=Verdict.UNDECIDED, reason=reason, failed_at=None, failure=None)
