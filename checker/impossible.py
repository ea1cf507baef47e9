"""Proving that no value of the `exists` parameters satisfies the hypotheses: subdivision of (0, inf)."""

import math
from collections.abc import Mapping
from fractions import Fraction

from checker.admissible import Reduced
from checker.expression.ranges import Ranges
from checker.expression.simplify import free_names_of_claim, gaps, parts_of, sides
from checker.expression.tree import Claim, Comparison, Name, Number
from checker.intervals import Interval

BOXES = 6000
"""The most boxes examined before giving up."""

WORK = 1_000_000
"""The most expressions folded into intervals, over all boxes, before giving up."""

NARROW = 1e-9
"""A box whose sides are all shorter than this, relatively, is not halved again."""

Box = tuple[Interval, ...]


def impossible(
    reduced: Reduced,
    leaves: Mapping[str, Interval],
    unknown: tuple[str, ...],
    most: int = BOXES,
    work: int = WORK,
) -> bool:
    """True only if every point of (0, inf)^k violates some claim; False means nothing.

    `leaves` are outward floats of the leaves. Each claim may assume the others, so a
    denominator that one of them makes positive (as `1 - q` under `q < 1`) counts as such.
    At most `most` boxes are examined, and no further one once `work` expressions were folded.
    """
    if not all(_positive(reduced, name) for name in unknown):
        return False
    nonnegative = gaps(parts_of(reduced.claims))
    about = {name: [c for c in reduced.claims if name in free_names_of_claim(c)] for name in unknown}
    todo: list[tuple[Box, list[Claim]]] = [(tuple((0.0, math.inf) for _ in unknown), list(reduced.claims))]
    examined = 0
    while todo:
        box, changed = todo.pop()
        examined += 1
        if examined > most or work <= 0:
            return False
        values = {**leaves, **dict(zip(unknown, box, strict=True))}
        ranges = Ranges(values, refuting=True, gaps=nonnegative)
        failed = any(_fails(part, ranges) for part in parts_of(changed))
        work -= ranges.folded
        if failed:
            continue
        halved = _halves(box)
        if halved is None:
            return False
        index, halves = halved
        todo.extend((half, about[unknown[index]]) for half in halves)  # the other claims see no change
    return True


def _positive(reduced: Reduced, name: str) -> bool:
    """Does some claim say that the parameter is positive?"""
    domain = (Number(Fraction(0)), Name(name))
    return any(part.operator in {"<", ">"} and sides(part) == domain for part in parts_of(reduced.claims))


def _fails(part: Comparison, ranges: Ranges) -> bool:
    """Is the comparison false at every point of the box?"""
    small, large = map(ranges.node, sides(part))
    if part.operator == "==":
        return small[0] > large[1] or small[1] < large[0]
    return small[0] > large[1] or (part.operator in {"<", ">"} and small[0] == large[1])


def _halves(box: Box) -> tuple[int, list[Box]] | None:
    """The index of the side longest in binary digits, and the box halved there; None when all are narrow."""
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
    return index, [(*box[:index], part, *box[index + 1 :]) for part in ((lo, middle), (middle, hi))]


def _length(side: Interval) -> float:
    lo, hi = side
    return math.inf if lo == 0 or hi == math.inf else math.log2(hi / lo)
