"""Where names get their values: at initialization, and along a trajectory.

One reading of a theorem serves two algebras: balls (verdicts) and torch batches
(estimates). A `Scene` knows the state at initialization and the theorem's
definitions; a `Path` knows the states of a trajectory and the temporal operators.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from checker.errors import NotEnclosed
from checker.expression.arrays import BALL_ARRAYS, Arrays
from checker.expression.simplify import free_names
from checker.expression.tree import Call, Node
from checker.theorem import Theorem

V = TypeVar("V")

TEMPORAL = frozenset({"next", "total", "least", "greatest"})


class State(Protocol[V]):
    """What a model family offers at one point: its names, and its functions of an input."""

    def value(self, name: str) -> V: ...

    def call(self, function: str, argument: V) -> V: ...


@dataclass(frozen=True)
class Algebra(Generic[V]):
    """How to evaluate a tree, and the three operations that temporal operators need.

    `arrays` says how enclosures compute with arrays; estimates have no use for it.
    """

    evaluate: Callable[[Node, "Scene[V] | Moment[V]"], V]
    number: Callable[[int], V]
    add: Callable[[V, V], V]
    least: Callable[[V, V], V]
    greatest: Callable[[V, V], V]
    arrays: Arrays = BALL_ARRAYS


def dependencies(node: Node, definitions: Mapping[str, Node]) -> frozenset[str]:
    """Every name an expression uses, also through definitions."""
    seen: set[str] = set()
    todo = list(free_names(node))
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            if name in definitions:
                todo.extend(free_names(definitions[name]))
    return frozenset(seen)


def leading_to(names: AbstractSet[str], definitions: Mapping[str, Node]) -> frozenset[str]:
    """The names, and every definition that uses one of them, also through definitions above it."""
    found = set(names)
    for name, node in definitions.items():
        if not found.isdisjoint(free_names(node)):
            found.add(name)
    return frozenset(found)


class Scene(Generic[V]):
    """The state at initialization: parameters, definitions and the setting's names."""

    def __init__(
        self, theorem: Theorem, algebra: Algebra[V], state: State[V], given: Mapping[str, V]
    ) -> None:
        self.theorem = theorem
        self.algebra = algebra
        self.state = state
        self.given = dict(given)
        self.arrays = algebra.arrays
        self.memo: dict[Node, V] = {}
        self.rungs: dict[Node, str] = {}
        self._defined: dict[str, V] = {}

    def name(self, name: str) -> V:
        if name in self.given:
            return self.given[name]
        if name in self.theorem.definitions:
            if name not in self._defined:
                self._defined[name] = self.algebra.evaluate(self.theorem.definitions[name], self)
            return self._defined[name]
        if name == "path_length":
            return self.algebra.number(0)
        return self.state.value(name)

    def call(self, node: Call) -> V:
        if node.function in TEMPORAL:
            raise NotEnclosed(f"{node.function} has no value at initialization")
        return self.state.call(node.function, self.algebra.evaluate(node.arguments[0], self))

    def with_given(self, changed: Mapping[str, V]) -> "Scene[V]":
        """The same state with other values of some parameters; what does not depend on them is kept."""
        other = Scene(self.theorem, self.algebra, self.state, self.given | dict(changed))
        other.rungs = self.rungs
        moved = leading_to(changed.keys(), self.theorem.definitions)
        for node, value in self.memo.items():
            if moved.isdisjoint(free_names(node)):
                other.memo[node] = value
        for name, value in self._defined.items():
            if moved.isdisjoint(free_names(self.theorem.definitions[name])):
                other._defined[name] = value
        return other


class Moment(Generic[V]):
    """One step of a path: the setting's names mean their value in `state`.

    `length` is the length travelled so far, None where it is not known. `successor` is the exact next
    iterate from here where that is enclosed apart from the states of the path; it is a moment `ahead`,
    from which nothing follows.
    """

    def __init__(
        self,
        path: "Path[V]",
        tau: int,
        state: State[V],
        length: V | None,
        successor: State[V] | None = None,
        *,
        ahead: bool = False,
    ) -> None:
        self._path = path
        self.tau = tau
        self.state = state
        self.length = length
        self.arrays = path.scene.arrays
        self.memo: dict[Node, V] = {}
        self.ahead = ahead
        self._following = None if successor is None else Moment(path, tau + 1, successor, None, ahead=True)

    def name(self, name: str) -> V:
        return self._path.name(name, self)

    def call(self, node: Call) -> V:
        return self._path.call(node, self)

    def following(self) -> "Moment[V]":
        """One step later: the exact successor where there is one, else the path's next state."""
        if self.ahead:
            raise NotEnclosed("two steps from a visited point are not enclosed")
        return self._path.at(self.tau + 1) if self._following is None else self._following


class Path(Generic[V]):
    """States of a trajectory in order, and what accumulates along them.

    Push states as they come; evaluate at a step once the steps that its `next` reaches
    have been pushed. Steps must be evaluated in order, because `total`, `least` and
    `greatest` are carried along. Only the last `window` states are kept.
    """

    def __init__(self, scene: Scene[V], window: int, clock: Callable[[int], V] | None = None) -> None:
        self.scene = scene
        self.window = window
        self.length = 0
        self._clock = clock
        self._moments: dict[int, Moment[V]] = {}
        self._carried: dict[Node, list[V]] = {}

    def push(self, state: State[V], path_length: V | None = None, successor: State[V] | None = None) -> None:
        """Append the state one step later; see `Moment` for what may be known besides."""
        self._moments[self.length] = Moment(self, self.length, state, path_length, successor)
        self.length += 1
        self._moments.pop(self.length - 1 - self.window, None)

    def at(self, tau: int) -> Moment[V]:
        """The moment `tau`; refused when it was not pushed or already left the window."""
        if tau not in self._moments:
            raise NotEnclosed(f"the trajectory is not known at step {tau}")
        return self._moments[tau]

    def evaluate(self, node: Node, tau: int) -> V:
        return self.scene.algebra.evaluate(node, self.at(tau))

    def name(self, name: str, moment: Moment[V]) -> V:
        if name == "tau":
            return self.scene.algebra.number(moment.tau)
        if name == "t":
            if self._clock is None:
                raise NotEnclosed("there is no continuous time here")
            return self._clock(moment.tau)
        scene = self.scene
        if name in scene.given or name in scene.theorem.definitions:
            return scene.name(name)
        if name == "path_length":
            if moment.length is None:
                raise NotEnclosed("the path length is not known")
            return moment.length
        return moment.state.value(name)

    def call(self, node: Call, moment: Moment[V]) -> V:
        argument, algebra = node.arguments[0], self.scene.algebra
        if node.function not in TEMPORAL:
            return moment.state.call(node.function, algebra.evaluate(argument, moment))
        if node.function == "next":
            return algebra.evaluate(argument, moment.following())
        if moment.ahead and node.function != "total":
            return self._join(node)(self._carry(node, moment.tau - 1), algebra.evaluate(argument, moment))
        return self._carry(node, moment.tau)

    def _join(self, node: Call) -> Callable[[V, V], V]:
        return self.scene.algebra.least if node.function == "least" else self.scene.algebra.greatest

    def _carry(self, node: Call, tau: int) -> V:
        argument, algebra = node.arguments[0], self.scene.algebra
        summing = node.function == "total"
        values = self._carried.setdefault(node, [])
        if not values:
            values.append(algebra.number(0) if summing else self.evaluate(argument, 0))
        while len(values) <= tau:
            last = values[-1]
            if summing:
                values.append(algebra.add(last, self.evaluate(argument, len(values) - 1)))
            else:
                values.append(self._join(node)(last, self.evaluate(argument, len(values))))
        return values[tau]
