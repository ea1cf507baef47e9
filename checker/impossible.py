"""Proving that no value of the `exists` parameters satisfies the hypotheses: subdivision of (0, inf)."""

import math
from collections.abc import Mapping
from fractions import Fraction

from checker import intervals
from checker.admissible import Reduced
from checker.expression.tree import Atom, Binary, Call, Claim, Comparison, Name, Negate, Node, Number
from checker.intervals import WHOLE, Interval

BOXES = 6000
"""The most boxes examined before giving up."""

NARROW = 1e-9
"""A box whose sides are all shorter than this, relatively, is not halved again."""

Box = tuple[Interval, ...]


def impossible(
    reduced: Reduced, leaves: Mapping[str, Interval], unknown: tuple[str, ...], most: int = BOXES
) -> bool:
    """True only if every point of (0, inf)^k violates some claim; False means nothing. `most`: of boxes.

    `leaves` are outward floats of the leaves. Each claim may assume the others, so a
    denominator that one of them makes positive (as `1 - q` under `q < 1`) counts as such.
    """
    if not all(_positive(reduced, name) for name in unknown):
        return False
    boxes: list[Box] = [tuple((0.0, math.inf) for _ in unknown)]
    examined = 0
    while boxes:
        box = boxes.pop()
        examined += 1
        if examined > most:
            return False
        fold = _Fold({**leaves, **dict(zip(unknown, box, strict=True))}, reduced.claims)
        if any(fold.fails(claim) for claim in reduced.claims):
            continue
        halves = _halves(box)
        if halves is None:
            return False
        boxes.extend(halves)
    return True


def _parts(claim: Claim) -> list[Comparison]:
    return [part for part in claim.parts if not isinstance(part, Atom)]


def _positive(reduced: Reduced, name: str) -> bool:
    """Does some claim say that the parameter is positive?"""
    zero = Number(Fraction(0))
    for claim in reduced.claims:
        for part in _parts(claim):
            forward = part.operator == "<" and part.left == zero and part.right == Name(name)
            backward = part.operator == ">" and part.right == zero and part.left == Name(name)
            if forward or backward:
                return True
    return False


class _Fold:
    """Claims over one box."""

    def __init__(self, values: Mapping[str, Interval], claims: tuple[Claim, ...]) -> None:
        self._values = values
        self._memo: dict[Node, Interval] = {}
        self._gaps: set[Node] = set()
        for claim in claims:
            for part in _parts(claim):
                small, large = (
                    (part.left, part.right) if part.operator in {"<", "<="} else (part.right, part.left)
                )
                if part.operator != "==":
                    self._gaps.add(Binary("-", large, small))

    def fails(self, claim: Claim) -> bool:
        return any(self._part_fails(part) for part in _parts(claim))

    def _part_fails(self, part: Comparison) -> bool:
        left, right = self.node(part.left), self.node(part.right)
        if part.operator == "<":
            return left[0] >= right[1]
        if part.operator == "<=":
            return left[0] > right[1]
        if part.operator == ">":
            return left[1] <= right[0]
        if part.operator == ">=":
            return left[1] < right[0]
        return left[0] > right[1] or left[1] < right[0]

    def node(self, node: Node) -> Interval:
        if node not in self._memo:
            found = self._fold(node)
            if node in self._gaps:
                found = (max(found[0], 0.0), max(found[1], 0.0))
            self._memo[node] = found
        return self._memo[node]

    def _fold(self, node: Node) -> Interval:
        if isinstance(node, Number):
            return intervals.number(node.value)
        if isinstance(node, Name):
            return self._values.get(node.name, WHOLE)
        if isinstance(node, Negate):
            return intervals.negate(self.node(node.argument))
        if isinstance(node, Binary):
            return self._binary(node)
        return self._call(node) if isinstance(node, Call) else WHOLE

    def _binary(self, node: Binary) -> Interval:
        left = self.node(node.left)
        if node.operator == "**":
            exponent = node.right
            return intervals.power(left, exponent.value) if isinstance(exponent, Number) else WHOLE
        right = self.node(node.right)
        if node.operator == "+":
            return intervals.add(left, right)
        if node.operator == "-":
            return intervals.add(left, intervals.negate(right))
        if node.operator == "*":
            return intervals.multiply(left, right)
        return intervals.divide(left, right) if node.operator == "/" else WHOLE

    def _call(self, node: Call) -> Interval:
        values = [self.node(a) for a in node.arguments]
        if node.function == "sqrt":
            return intervals.root(values[0])
        if node.function == "abs":
            return intervals.absolute(values[0])
        if node.function in {"min", "max"} and len(values) > 1:
            join = intervals.least if node.function == "min" else intervals.greatest
            out = values[0]
            for value in values[1:]:
                out = join(out, value)
            return out
        return WHOLE


def _halves(box: Box) -> list[Box] | None:
    """Halve the side that is longest in binary digits; None when every side is narrow."""
    index = max(range(len(box)), key=lambda i: _length(box[i]))
    lo, hi = box[index]
    if _length((lo, hi)) < NARROW:
        return None
    if hi == math.inf:
        middle = 1.0 if lo < 1 else lo * 2.0**32
    elif lo == 0:
        middle = min(1.0, hi * 2.0**-32)
    else:
        middle = math.sqrt(lo) * math.sqrt(hi)
    if not lo < middle < hi or middle < 1e-300 or middle > 1e300:
        return None
    return [(*box[:index], part, *box[index + 1 :]) for part in ((lo, middle), (middle, hi))]


def _length(side: Interval) -> float:
    lo, hi = side
    return math.inf if lo == 0 or hi == math.inf else math.log2(hi / lo)
