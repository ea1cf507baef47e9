"""What became of each conclusion along a run."""

from collections.abc import Mapping
from dataclasses import dataclass

from checker.configuration import Configuration
from checker.enclosure import ARRAYS, Enclosure, outward, to_arb
from checker.expression.enclose import Judgement
from checker.hypotheses import undecided
from checker.verdict import Verdict


@dataclass(frozen=True)
class Outcome:
    """One conclusion along one run. `worst` is the least certified margin in decades, at step `at`."""

    verdict: Verdict
    worst: float | None
    at: int
    failed_at: int | None
    reason: str
    operator: str
    lhs: tuple[float | None, ...]
    rhs: tuple[float | None, ...]
    failure: Judgement | None = None


@dataclass(frozen=True)
class Run:
    """A judged run: `mode` is "balls" or "float"; `steps` were judged, `ended` says why it stopped.

    `lost` says that it stopped before its time because the trajectory was not determined further.
    """

    configuration: Configuration
    mode: str
    precision: int
    steps: int
    ended: str
    outcomes: Mapping[str, Outcome]
    losses: tuple[float | None, ...]
    times: tuple[float, ...] = ()
    lost: bool = False

    @property
    def verdict(self) -> Verdict:
        verdicts = {outcome.verdict for outcome in self.outcomes.values()}
        if Verdict.FAILS in verdicts:
            return Verdict.FAILS
        return Verdict.UNDECIDED if Verdict.UNDECIDED in verdicts else Verdict.HOLDS


class Ledger:
    """Collects the judgements of one conclusion over the steps of a run.

    `open_at` is the first step that left it undecided, `reason` says why.
    """

    def __init__(self, keep_curve: bool) -> None:
        self.verdict = Verdict.HOLDS
        self.worst: float | None = None
        self.at = 0
        self.failed_at: int | None = None
        self.failure: Judgement | None = None
        self.reason = ""
        self.open_at: int | None = None
        self.operator = ""
        self._keep = keep_curve
        self.lhs: list[float | None] = []
        self.rhs: list[float | None] = []

    def add(self, tau: int, judgement: Judgement) -> None:
        if judgement.operator:
            self.operator = judgement.operator
        if self._keep:
            self.lhs.append(middle(judgement.lhs))
            self.rhs.append(middle(judgement.rhs))
        if judgement.verdict is Verdict.FAILS:
            self.verdict = Verdict.FAILS
            if self.failed_at is None:
                self.failed_at, self.failure = tau, judgement
        elif judgement.verdict is Verdict.UNDECIDED and self.verdict is Verdict.HOLDS:
            self.verdict = Verdict.UNDECIDED
            self.open_at = tau
            self.reason = f"step {tau}: {judgement.reason or 'the two sides are too close to tell'}"
        if judgement.margin is not None and (self.worst is None or judgement.margin < self.worst):
            self.worst, self.at = judgement.margin, tau

    def lose(self, tau: int, reason: str) -> None:
        """The run is not known from here on."""
        self.add(tau, undecided(reason))

    def outcome(self) -> Outcome:
        return Outcome(
            self.verdict, self.worst, self.at, self.failed_at, self.reason, self.operator,
            tuple(self.lhs), tuple(self.rhs), self.failure,
        )  # fmt: skip


def middle(value: Enclosure | None) -> float | None:
    if value is None or isinstance(value, ARRAYS):
        return None
    lo, hi = outward(to_arb(value))
    middle = (lo + hi) / 2
    return middle if abs(middle) < 1e300 else None
