"""The exact path, runs: the start, the definitions frozen there, and the steps of one run in rationals."""

from dataclasses import replace
from typing import Final

from flint import fmpq

from checker.configuration import Configuration, ExactArray
from checker.expression.tree import Call, Node
from checker.rational_models import Point, equilibrium, gradients, picard_step, well_posed
from checker.rational_polynomials import NotRational
from checker.rational_roots import Real, minus, plus, root, times
from checker.rational_values import (
    Names,
    Value,
    dot,
    entries,
    evaluate,
    greatest,
    joined,
    least,
    mapped,
    quotient,
    squares,
    total,
    transposed,
)
from checker.theorem import Theorem

_MOST_ENTRIES: Final = 400
"""The most entries of an array that this path takes up."""

_MOST_STATES: Final = 400
"""The most states of a run that this path goes through."""


class _Scalars:
    """Sizes and parameters, for expressions that may use nothing else."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._known: dict[str, Value] = {}

    def name(self, name: str) -> Value:
        if name in self._configuration.sizes:
            return fmpq(self._configuration.sizes[name])
        if name in self._configuration.parameters:
            if name not in self._known:
                self._known[name] = evaluate(self._configuration.parameters[name], self)
            return self._known[name]
        raise NotRational(f"{name} is not rational")

    def call(self, node: Call) -> Value:
        raise NotRational(f"{node.function} is not rational")


def exact_scalar(node: Node, configuration: Configuration) -> Real:
    """The value of an expression in sizes and parameters. Raises NotRational."""
    return evaluate(node, _Scalars(configuration))


def _array(array: ExactArray, scalars: _Scalars) -> Value:
    """The exact array behind stored floats: a vector or a matrix of rationals. Raises NotRational."""
    if array.floats.size > _MOST_ENTRIES:
        raise NotRational("its arrays are too large")
    stored = mapped(_fraction, array.floats.tolist())
    if array.map == "plain":
        return stored
    if array.scale is None:
        raise NotRational(f"the map {array.map} has no scale")
    scale = evaluate(array.scale, scalars)
    if array.map == "constant":
        found = mapped(lambda _: scale, stored)
    elif array.map == "columns":
        columns = transposed(stored)
        found = transposed([[quotient(times(scale, x), root(squares(c), 2)) for x in c] for c in columns])
    elif array.map == "goe":
        half = root(times(scale, fmpq(1, 2)), 2)
        found = joined(lambda a, b: times(half, plus(a, b)), stored, transposed(stored))
    else:
        raise NotRational(f"the map {array.map} is not rational")
    if any(not isinstance(x, fmpq) for x in entries(found)):
        raise NotRational(f"the map {array.map} gives irrational entries")
    return found


def _fraction(x: float) -> fmpq:
    return fmpq(*x.as_integer_ratio())


class Story:
    """The start, the definitions frozen there, and the states of the run as far as they were asked for."""

    def __init__(self, theorem: Theorem, configuration: Configuration) -> None:
        self.theorem = theorem
        scalars = _Scalars(configuration)
        arrays = {name: _array(array, scalars) for name, array in configuration.arrays.items()}
        self._scalars = scalars
        self._parameters = frozenset(configuration.parameters)
        self.given: dict[str, Value] = {}
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
            kink=fmpq(configuration.kink.numerator, configuration.kink.denominator),
        )
        self._states: list[Point] = []
        self._strides: list[Real] = []
        self.carried: dict[Call, list[Real]] = {}

    def name(self, name: str) -> Value:
        if name not in self.given:
            if name in self._parameters:
                self.given[name] = self._scalars.name(name)
            elif name in self.theorem.definitions:
                self.given[name] = evaluate(self.theorem.definitions[name], self)
            else:
                return fmpq(0) if name == "path_length" else _of_point(self.start, name)
        return self.given[name]

    def call(self, node: Call) -> Value:
        return _function_of(self.start, node, self)

    def fixed(self, name: str) -> bool:
        """Is the name a parameter, a variable or a definition?"""
        return name in self.given or name in self._parameters or name in self.theorem.definitions

    def state(self, tau: int) -> Point:
        """The state at a step. Raises NotRational where the run has none that is rational."""
        if tau > _MOST_STATES:
            raise NotRational("the run is too long")
        while len(self._states) <= tau:
            self._states.append(self._following())
        return self._states[tau]

    def _following(self) -> Point:
        if self.theorem.algorithm == "picard":
            if not self._states:
                nothing = [[fmpq(0)] * len(self.start.y) for _ in self.start.params["W"]]
                return replace(self.start, iterate=nothing, memo={})
            last = self._states[-1]
            return replace(last, iterate=picard_step(last, last.value("T")), memo={})
        if not self._states:
            return self.start
        if self.theorem.algorithm != "gradient-descent":
            raise NotRational(f"there is no step of {self.theorem.algorithm}")
        eta = self.name(self.theorem.step or "eta")
        if not isinstance(eta, fmpq):
            raise NotRational("the step size is irrational")
        last, slopes = self._states[-1], gradients(self._states[-1])
        changes = {name: mapped(lambda g: times(g, eta), slopes[name]) for name in last.trains}
        moved = {name: joined(minus, last.params[name], change) for name, change in changes.items()}
        self._strides.append(total([squares(change) for change in changes.values()]))
        return last.moved({**last.params, **moved})

    def length(self, tau: int) -> Real:
        """The length travelled up to a step."""
        self.state(tau)
        return total([root(stride, 2) for stride in self._strides[:tau]])


class Moment:
    """One step of a run: the setting's names mean their value here."""

    def __init__(self, story: Story, tau: int) -> None:
        self.story = story
        self.tau = tau

    def name(self, name: str) -> Value:
        if name in ("tau", "t"):
            return fmpq(self.tau)
        if self.story.fixed(name):
            return self.story.name(name)
        if name == "path_length":
            return self.story.length(self.tau)
        return _of_point(self.story.state(self.tau), name)

    def call(self, node: Call) -> Value:
        if node.function == "next":
            return evaluate(node.arguments[0], Moment(self.story, self.tau + 1))
        if node.function in ("total", "least", "greatest"):
            return self._carried(node)
        return _function_of(self.story.state(self.tau), node, self)

    def _carried(self, node: Call) -> Real:
        """A sum over the steps before this one, or an extreme up to it; kept from step to step."""
        values, first = self.story.carried.setdefault(node, []), node.arguments[0]
        while len(values) <= self.tau:
            step = len(values)
            if node.function == "total":
                more = [values[-1], evaluate(first, Moment(self.story, step - 1))] if step else []
                values.append(total(more))
            else:
                both = [*values[-1:], evaluate(first, Moment(self.story, step))]
                values.append(least(both) if node.function == "least" else greatest(both))
        return values[self.tau]


def _of_point(point: Point, name: str) -> Value:
    """A name of the setting; `well_posed` is 1 or 0."""
    if name == "well_posed":
        if name not in point.memo:
            point.memo[name] = fmpq(int(all(well_posed(point, x) for x in transposed(point.X))))
        return point.memo[name]
    return point.value(name)


def _function_of(point: Point, node: Call, names: Names) -> Value:
    """A function of an input."""
    x = evaluate(node.arguments[0], names)
    if node.function == "well_posed":
        return fmpq(int(well_posed(point, x)))
    if node.function == "predict" and point.setting == "least-squares":
        return dot(point.params["w"], x)
    if node.function not in ("equilibrium", "predict"):
        raise NotRational(f"{node.function} is not rational")
    t = equilibrium(point, x)
    return t if node.function == "equilibrium" else dot(point.params["a"], t)
