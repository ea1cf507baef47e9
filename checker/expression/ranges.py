"""A scalar tree folded into an interval with float ends, rounded outward: its values over a box of names."""

import math
from collections.abc import Callable, Container, Mapping
from functools import reduce
from typing import Final

from checker import intervals
from checker.expression.signs import is_nonnegative
from checker.expression.tree import Binary, Call, Name, Negate, Node, Number, Pi
from checker.intervals import WHOLE, Interval

_PI: Final[Interval] = (math.nextafter(math.pi, -math.inf), math.nextafter(math.pi, math.inf))

_BINARY: Final[Mapping[str, Callable[[Interval, Interval], Interval]]] = {
    "+": intervals.add,
    "-": intervals.subtract,
    "*": intervals.multiply,
}
_EXTREMES: Final[Mapping[str, Callable[[Interval, Interval], Interval]]] = {
    "min": intervals.least,
    "max": intervals.greatest,
}


class Ranges:
    """Intervals of scalar expressions over intervals by name, each expression folded once.

    `definitions` are folded when first needed. An interval contains the values at all points that have one;
    `certain` says whether all have. It turns False at a root whose argument may be negative, and at a divisor
    that may have either sign (a divisor that is 0 only at an end of its interval is passed over).

    When `refuting`, what has no value satisfies no claim, a name or function that is not known may be
    anything, and the nodes in `gaps` are taken to be nonnegative, because a claim says so.
    """

    def __init__(
        self,
        values: Mapping[str, Interval],
        definitions: Mapping[str, Node] | None = None,
        *,
        refuting: bool = False,
        gaps: Container[Node] = frozenset(),
    ) -> None:
        self._values = dict(values)
        self._definitions = definitions or {}
        self._refuting = refuting
        self._gaps = gaps
        self._memo: dict[Node, Interval] = {}
        self.certain = True

    @property
    def folded(self) -> int:
        """How many expressions were folded so far: the work done."""
        return len(self._memo)

    def node(self, node: Node) -> Interval:
        """An interval around every value. KeyError for an unknown name or function, unless refuting."""
        found = self._memo.get(node)
        if found is None:
            low, high = self._fold(node)
            found = (max(low, 0.0), max(high, 0.0)) if node in self._gaps else (low, high)
            self._memo[node] = found
        return found

    def _fold(self, node: Node) -> Interval:
        match node:
            case Number(value):
                return intervals.number(value)
            case Pi():
                return _PI
            case Name(name):
                return self._name(name)
            case Negate(argument):
                return intervals.negate(self.node(argument))
            case Binary("**", base, exponent):
                return self._power(base, exponent)
            case Binary("/", left, right):
                return intervals.divide(self.node(left), self._divisor(self.node(right)))
            case Binary(operator, left, right):
                return _BINARY[operator](self.node(left), self.node(right)) if operator in _BINARY else WHOLE
            case Call("sqrt", (argument,)):
                return self._root(argument)
            case Call("abs", (argument,)):
                return intervals.absolute(self.node(argument))
            case Call("min" | "max" as function, (_, _, *_) as arguments):
                return reduce(_EXTREMES[function], map(self.node, arguments))
            case Call(function, arguments):
                for argument in arguments:
                    self.node(argument)  # what is not known is named from the inside
                return self._unknown(function)

    def _name(self, name: str) -> Interval:
        if name not in self._values:
            known = name in self._definitions
            self._values[name] = self.node(self._definitions[name]) if known else self._unknown(name)
        return self._values[name]

    def _unknown(self, word: str) -> Interval:
        if self._refuting:
            return WHOLE
        raise KeyError(word)

    def _divisor(self, found: Interval) -> Interval:
        low, high = found
        self.certain = self.certain and not low < 0 < high and not low == 0 == high
        return found

    def _root(self, node: Node) -> Interval:
        """The roots of the part that has them; the whole line where a part may have none, unless refuting."""
        low, high = self.node(node)
        low = max(low, 0.0) if is_nonnegative(node) else low
        self.certain = self.certain and low >= 0
        return intervals.root((low, high)) if low >= 0 or self._refuting else WHOLE

    def _power(self, base: Node, exponent: Node) -> Interval:
        if not isinstance(exponent, Number):
            self.certain = False
            return WHOLE
        half = exponent.value.denominator == 2
        found = self._root(base) if half else self.node(base)
        if exponent.value < 0:
            found = self._divisor(found)
        return intervals.power(found, exponent.value * 2 if half else exponent.value)
