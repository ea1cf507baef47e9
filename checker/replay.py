"""The second code path: hypotheses and one conclusion of one run, again, in plain mpmath.

It shares the reading of theorem files with the rest, and nothing that computes: other
numbers, other linear algebra, another equilibrium solver, another gradient. It is not
rigorous; what it says is compared with what the enclosures said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mpmath import mp

from checker.configuration import Configuration
from checker.expression.simplify import next_depth_of_claim
from checker.expression.tree import Atom, Call, Claim, Comparison
from checker.replay_arrays import Scalars, array_of
from checker.replay_kernels import KERNELS, population_kernel
from checker.replay_models import Point, equilibrium, gradients, picard_step
from checker.replay_unique import unique
from checker.replay_values import (
    Matrix,
    NotReplayed,
    Real,
    Value,
    dot,
    entries,
    euclidean,
    evaluate,
    joined,
    mapped,
    number,
    times,
    tiny,
    transposed,
)
from checker.theorem import NamedClaim, Theorem

_DIGITS: Final = 60
_DIGITS_PER_STEP: Final = 0.8
_SHORT: Final = 250
_MOST_WORK: Final = 5_000_000
"""The most states * samples * width**3 that plain numbers of up to _SHORT digits are asked for."""


@dataclass(frozen=True)
class Part:
    """One comparison evaluated: `truth` is "true", "equal" (to half the digits) or "false".

    The sides are mpmath numbers; None for a claim by itself such as `well_posed`.
    """

    operator: str
    lhs: Real | None
    rhs: Real | None
    truth: str


@dataclass(frozen=True)
class Replay:
    """What the second code path found: a clause for each hypothesis, the parts of the conclusion."""

    hypotheses: Mapping[str, str]
    parts: tuple[Part, ...]
    digits: int


def digits_for(states: int) -> int:
    """Working digits for a run of this many states."""
    return _DIGITS + int(_DIGITS_PER_STEP * states)


def replay(
    theorem: Theorem,
    configuration: Configuration,
    hypotheses: Sequence[NamedClaim],
    conclusion: Claim,
    step: int,
) -> Replay:
    """Evaluate every hypothesis at the start and the conclusion at `step`.

    A hypothesis maps to "true", "equal", "false" or the reason why there is no answer.
    Raises NotReplayed where the conclusion has none.
    """
    states = 1 + (0 if theorem.algorithm == "none" else step + next_depth_of_claim(conclusion))
    sizes = configuration.sizes
    length = max(1.0, digits_for(states) / _SHORT) ** 1.6  # what longer numbers cost more
    m, n, d = sizes.get("m", 1), sizes["n"], sizes["d"]
    if states * n * (m**3 + d * m + n * m + 60) * length > _MOST_WORK:
        raise NotReplayed("not available at this size")
    with mp.workdps(digits_for(states)):
        story = Story(theorem, configuration)
        found: dict[str, str] = {}
        for claim in hypotheses:
            try:
                found[claim.name] = _worst([_part(part, story) for part in claim.claim.parts])
            except NotReplayed as error:
                found[claim.name] = error.reason
        moment = Moment(story, step)
        parts = tuple(_part(part, moment) for part in conclusion.parts)
        return Replay(found, parts, mp.dps)


def _worst(parts: list[Part]) -> str:
    truths = [part.truth for part in parts]
    return next((t for t in ("false", "equal") if t in truths), "true")


def _part(part: Comparison | Atom, names: "Story | Moment") -> Part:
    if isinstance(part, Atom):
        node = part.node
        held = names.call(node) if isinstance(node, Call) else names.name(node.name)
        return Part("", None, None, "true" if held else "false")
    lhs, rhs = evaluate(part.left, names), evaluate(part.right, names)
    return Part(part.operator, lhs, rhs, compared(part.operator, lhs, rhs))


def compared(operator: str, lhs: Real, rhs: Real) -> str:
    """The comparison to working precision."""
    noise = max(tiny() * max(abs(lhs), abs(rhs)), tiny() * mp.sqrt(tiny()))
    if abs(lhs - rhs) <= noise:
        return "equal"
    holds = {"<": lhs < rhs, "<=": lhs < rhs, ">": lhs > rhs, ">=": lhs > rhs, "==": False}[operator]
    return "true" if holds else "false"


class Story:
    """The start, the definitions frozen there, and the states of the run as far as they were asked for."""

    def __init__(self, theorem: Theorem, configuration: Configuration) -> None:
        self.theorem = theorem
        self.scalars = Scalars(configuration)
        arrays = {name: array_of(array, configuration) for name, array in configuration.arrays.items()}
        self.given: dict[str, Value] = {name: self.scalars.name(name) for name in configuration.parameters}
        for name, variable in theorem.variables.items():
            self.given[name] = arrays[name] if variable.shape else entries(arrays[name])[0]
        data = {"X", "y", *theorem.variables}
        self.start = Point(
            setting=configuration.setting,
            X=arrays["X"],
            y=arrays["y"],
            params={name: value for name, value in arrays.items() if name not in data},
            trains=configuration.trains,
            activation=configuration.activation or "",
            kink=number(configuration.kink),
        )
        self._states: list[Point] = []
        self._lengths: list[Real] = [mp.mpf(0)]
        self.carried: dict[Call, list[Real]] = {}

    def name(self, name: str) -> Value:
        if name in self.given:
            return self.given[name]
        if name in self.theorem.definitions:
            self.given[name] = evaluate(self.theorem.definitions[name], self)
            return self.given[name]
        if name in KERNELS:
            start = self.start
            self.given[name] = population_kernel(
                name, self.theorem, start.activation, start.value("m"), start.X, start.trains, self.scalars
            )
            return self.given[name]
        return mp.mpf(0) if name == "path_length" else of_point(self.start, name)

    def call(self, node: Call) -> Value:
        return function_of(self.start, node, self)

    def state(self, tau: int) -> Point:
        """The state at a step."""
        while len(self._states) <= tau:
            self._states.append(self._following())
        return self._states[tau]

    def _following(self) -> Point:
        algorithm = self.theorem.algorithm
        if algorithm == "picard":
            if not self._states:
                return replace(self.start, iterate=mapped(lambda _: mp.mpf(0), self._zero()), memo={})
            last = self._states[-1]
            self._lengths.append(mp.mpf(0))  # the parameters rest
            T = picard_step(last, last.value("T"), last.params["W"], last.params["U"])
            return replace(last, iterate=T, memo={})
        if not self._states:
            return self.start
        if algorithm != "gradient-descent":
            raise NotReplayed(f"not available for a step of {algorithm}")
        eta = self.name(self.theorem.step or "eta")
        last, slopes = self._states[-1], gradients(self._states[-1])
        changes = {name: mapped(lambda g: eta * g, slopes[name]) for name in last.trains}
        moved = {name: joined(lambda p, c: p - c, last.params[name], c) for name, c in changes.items()}
        length = mp.sqrt(mp.fsum(euclidean(c) ** 2 for c in changes.values()))
        self._lengths.append(self._lengths[-1] + length)
        return last.moved({**last.params, **moved})

    def _zero(self) -> Matrix:
        return times(self.start.params["U"], self.start.X)

    def length(self, tau: int) -> Real:
        """The length travelled up to a step."""
        self.state(tau)
        return self._lengths[tau]


class Moment:
    """One step of a run: the setting's names mean their value here."""

    def __init__(self, story: Story, tau: int) -> None:
        self.story = story
        self.tau = tau

    def name(self, name: str) -> Value:
        if name in ("tau", "t"):
            return mp.mpf(self.tau)
        if name in self.story.given or name in self.story.theorem.definitions or name in KERNELS:
            return self.story.name(name)
        if name == "path_length":
            return self.story.length(self.tau)
        return of_point(self.story.state(self.tau), name)

    def call(self, node: Call) -> Value:
        if node.function == "next":
            return evaluate(node.arguments[0], Moment(self.story, self.tau + 1))
        if node.function in ("total", "least", "greatest"):
            return self._carried(node)
        return function_of(self.story.state(self.tau), node, self)

    def _carried(self, node: Call) -> Real:
        """A sum over the steps before this one, or an extreme up to it; kept from step to step."""
        values, first = self.story.carried.setdefault(node, []), node.arguments[0]
        while len(values) <= self.tau:
            step = len(values)
            if node.function == "total":
                more = evaluate(first, Moment(self.story, step - 1)) if step else mp.mpf(0)
                values.append(values[-1] + more if step else more)
            else:
                here = evaluate(first, Moment(self.story, step))
                values.append((min if node.function == "least" else max)([*values[-1:], here]))
        return values[self.tau]


def of_point(point: Point, name: str) -> Value:
    """A name of the setting; `well_posed` is 1 or 0."""
    if name == "well_posed":
        return min(_certain(unique(point, x)) for x in transposed(point.X))
    return point.value(name)


def function_of(point: Point, node: Call, names: "Story | Moment") -> Value:
    """A function of an input."""
    x = evaluate(node.arguments[0], names)
    if node.function == "well_posed":
        return _certain(unique(point, x))
    if node.function == "predict" and point.setting == "least-squares":
        return dot(point.params["w"], x)
    if node.function not in ("equilibrium", "predict"):
        raise NotReplayed(f"not available for {node.function}")
    t = equilibrium(point, x)
    return t if node.function == "equilibrium" else dot(point.params["a"], t)


def _certain(answer: bool | None) -> int:
    if answer is None:
        raise NotReplayed("not available for well_posed here")
    return int(answer)
