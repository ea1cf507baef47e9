"""The exact path: hypotheses and one conclusion of one run, again, without any rounding.

It serves runs whose every number is rational or algebraic: least squares, and equilibrium models
of piecewise linear activations, over as many steps as its numbers stay short. It shares the
reading of theorem files with the rest and nothing that computes. What it decides is proved, and
it alone decides exact ties.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from checker.configuration import Configuration
from checker.expression.tree import Atom, Call, Claim, Comparison
from checker.rational_polynomials import NotRational
from checker.rational_roots import Real, compare
from checker.rational_story import Moment, Story
from checker.rational_values import evaluate
from checker.theorem import NamedClaim, Theorem

_COMPARED: Final[Mapping[str, tuple[int, ...]]] = {
    "<": (-1,),
    "<=": (-1, 0),
    ">": (1,),
    ">=": (1, 0),
    "==": (0,),
}
"""The signs of left minus right with which a comparison holds."""


@dataclass(frozen=True)
class Part:
    """One comparison decided, with its exact sides; None for a claim by itself such as `well_posed`."""

    operator: str
    lhs: Real | None
    rhs: Real | None
    holds: bool


@dataclass(frozen=True)
class Exact:
    """What the exact path found.

    A hypothesis maps to True, False or the reason why there is no answer. `parts` are those of the
    conclusion, in order; None, with the `reason`, where one of them has no exact value here.
    """

    hypotheses: Mapping[str, bool | str]
    parts: tuple[Part, ...] | None
    reason: str = ""

    @property
    def failing(self) -> tuple[Part, ...]:
        """The parts of the conclusion that are false."""
        return tuple(part for part in self.parts or () if not part.holds)


def rational_replay(
    theorem: Theorem,
    configuration: Configuration,
    hypotheses: Sequence[NamedClaim],
    conclusion: Claim,
    step: int,
) -> Exact:
    """Decide every hypothesis at the start, and every part of the conclusion at `step`, exactly."""
    try:
        story = Story(theorem, configuration)
    except NotRational as error:
        return Exact({gate.name: error.reason for gate in hypotheses}, None, error.reason)
    found: dict[str, bool | str] = {}
    for gate in hypotheses:
        try:
            found[gate.name] = all(_decided(part, story).holds for part in gate.claim.parts)
        except NotRational as error:
            found[gate.name] = error.reason
    try:
        return Exact(found, tuple(_decided(part, Moment(story, step)) for part in conclusion.parts))
    except NotRational as error:
        return Exact(found, None, error.reason)


def _decided(part: Comparison | Atom, names: Story | Moment) -> Part:
    if isinstance(part, Atom):
        node = part.node
        held = names.call(node) if isinstance(node, Call) else names.name(node.name)
        return Part("", None, None, held == 1)
    lhs, rhs = evaluate(part.left, names), evaluate(part.right, names)
    return Part(part.operator, lhs, rhs, compare(lhs, rhs) in _COMPARED[part.operator])


def first_failure(
    theorem: Theorem, configuration: Configuration, claim_at: Callable[[int], Claim], steps: range
) -> tuple[int, Part] | None:
    """The first of the steps at which a part of the conclusion is false, and that part.

    None where there is none before the numbers of the run become too long, or are irrational.
    """
    try:
        story = Story(theorem, configuration)
        for tau in steps:
            for part in claim_at(tau).parts:
                decided = _decided(part, Moment(story, tau))
                if not decided.holds:
                    return tau, decided
    except NotRational:
        return None
    return None
