"""Claims over intervals: what holds for every value in them, in outward floats."""

import math
from collections.abc import Mapping

from flint import arb

from checker import intervals
from checker.expression.signs import is_nonnegative
from checker.expression.tree import Atom, Binary, Call, Claim, Comparison, Name, Negate, Node, Number, Pi
from checker.intervals import WHOLE, Interval
from checker.solving.oracle import FAR

_PI: Interval = (math.nextafter(math.pi, -math.inf), math.nextafter(math.pi, math.inf))


class Box:
    """Scalar expressions over intervals by name; definitions are evaluated when first needed."""

    def __init__(self, values: Mapping[str, Interval], definitions: Mapping[str, Node]) -> None:
        self._values = dict(values)
        self._definitions = definitions
        self._memo: dict[Node, Interval] = {}

    def node(self, node: Node) -> Interval:
        """An interval around every value; raises KeyError for a name or function without one."""
        if node not in self._memo:
            self._memo[node] = self._fold(node)
        return self._memo[node]

    def _fold(self, node: Node) -> Interval:
        match node:
            case Number(value):
                return intervals.number(value)
            case Pi():
                return _PI
            case Name(name):
                if name not in self._values:
                    self._values[name] = self.node(self._definitions[name])
                return self._values[name]
            case Negate(argument):
                return intervals.negate(self.node(argument))
            case Binary():
                return self._binary(node)
            case Call("sqrt", (argument,)):
                return self._root(argument)
            case Call(function, arguments):
                return self._call(function, [self.node(a) for a in arguments])

    def _root(self, node: Node) -> Interval:
        """The whole line where the argument may be negative, and the root has no value."""
        lo, hi = self.node(node)
        lo = max(lo, 0.0) if is_nonnegative(node) else lo
        return intervals.root((lo, hi)) if lo >= 0 else WHOLE

    def _power(self, base: Node, exponent: Node) -> Interval:
        if not isinstance(exponent, Number):
            return WHOLE
        if exponent.value.denominator == 2:
            return intervals.power(self._root(base), exponent.value * 2)
        return intervals.power(self.node(base), exponent.value)

    def _binary(self, node: Binary) -> Interval:
        if node.operator == "**":
            return self._power(node.left, node.right)
        left, right = self.node(node.left), self.node(node.right)
        if node.operator == "+":
            return intervals.add(left, right)
        if node.operator == "-":
            return intervals.add(left, intervals.negate(right))
        return intervals.multiply(left, right) if node.operator == "*" else intervals.divide(left, right)

    def _call(self, function: str, values: list[Interval]) -> Interval:
        if function == "abs":
            return intervals.absolute(values[0])
        if function in {"min", "max"}:
            join = intervals.least if function == "min" else intervals.greatest
            out = values[0]
            for value in values[1:]:
                out = join(out, value)
            return out
        raise KeyError(function)


def surely(claim: Claim, box: Box) -> bool:
    """Does the claim hold for every value in the box?"""
    return all(not isinstance(part, Atom) and _holds(part, box) for part in claim.parts)


def _holds(part: Comparison, box: Box) -> bool:
    left, right = box.node(part.left), box.node(part.right)
    if part.operator in {">", ">="}:
        left, right = right, left
    if part.operator == "==":
        return left[0] == left[1] == right[0] == right[1]
    return left[1] < right[0] or (part.operator in {"<=", ">="} and left[1] <= right[0])


def box_margin(part: Comparison, box: Box) -> arb | None:
    """log of the larger side's lower end over the smaller side's upper end; None where one is unbounded."""
    small, large = box.node(part.left), box.node(part.right)
    if part.operator in {">", ">="}:
        small, large = large, small
    if (math.isinf(large[0]) and large[0] < 0) or math.isinf(small[1]):
        return None
    if large[0] <= 0:
        return arb(-FAR)
    if small[1] <= 0:
        return arb(FAR)
    return arb(max(-FAR, min(FAR, math.log(large[0]) - math.log(small[1]))))
