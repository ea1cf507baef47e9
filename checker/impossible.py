"""Proving that no value of the `exists` parameters satisfies the hypotheses: subdivision in balls."""

from collections.abc import Mapping

from flint import arb

from checker.admissible import Reduced
from checker.enclosure import Ball
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.enclose import judge
from checker.expression.tree import Call, Claim, Node
from checker.verdict import Verdict

UNIT = 16
"""Box ends are powers 2**(k/UNIT)."""

TOP = UNIT * 2**30
"""Parameters are searched in (0, 2**(TOP/UNIT)]."""

NEAR = UNIT * 64
"""Within 2**-64 .. 2**64 boxes are halved evenly; beyond, their exponents grow fourfold."""

BOXES = 3000
"""The most boxes examined before giving up."""

Side = tuple[int | None, int]
"""An interval (2**(low/UNIT), 2**(high/UNIT)]; low None means down to zero."""


class _LeafEnv:
    def __init__(self, values: Mapping[str, Ball]) -> None:
        self._values = values
        self.memo: dict[Node, Ball] = {}

    def name(self, name: str) -> Ball:
        return self._values[name]

    def call(self, node: Call) -> Ball:
        raise NotEnclosed(node.function)


def impossible(reduced: Reduced, leaves: Mapping[str, Ball], unknown: tuple[str, ...]) -> bool:
    """True only if balls prove that some claim fails for every value in (0, 2**(TOP/UNIT)].

    `leaves` are enclosures of the leaves, at the ambient precision. False means nothing.
    """
    boxes: list[tuple[Side, ...]] = [tuple((None, TOP) for _ in unknown)]
    examined = 0
    while boxes:
        box = boxes.pop()
        examined += 1
        if examined > BOXES:
            return False
        sides = {name: _ball(side) for name, side in zip(unknown, box, strict=True)}
        env = _LeafEnv({**leaves, **sides})
        if any(_fails(claim, env) for claim in reduced.claims):
            continue
        halves = _halves(box)
        if halves is None:
            return False
        boxes.extend(halves)
    return True


def _ball(side: Side) -> arb:
    low, high = side
    return (arb(0) if low is None else _power(low)).union(_power(high))


def _power(exponent: int) -> arb:
    whole, rest = divmod(exponent, UNIT)
    exact = arb((1, whole))
    return exact if rest == 0 else exact * (arb(2).log() * rest / UNIT).exp()


def _fails(claim: Claim, env: _LeafEnv) -> bool:
    try:
        return judge(claim, env).verdict is Verdict.FAILS
    except CertainlyUndefined:
        return True
    except NotEnclosed:
        return False


def _halves(box: tuple[Side, ...]) -> list[tuple[Side, ...]] | None:
    """Halve the longest side; None when every side is as short as it gets."""
    lengths = [2 * TOP + high if low is None else high - low for low, high in box]
    index = max(range(len(box)), key=lambda i: lengths[i])
    middle = _middle(*box[index])
    if middle is None:
        return None
    low, high = box[index]
    return [(*box[:index], part, *box[index + 1 :]) for part in ((low, middle), (middle, high))]


def _middle(low: int | None, high: int) -> int | None:
    if low is None:
        if high > -NEAR:
            return -NEAR
        return high * 4 if high > -TOP else None
    if high > NEAR:
        return NEAR if low < NEAR else (low * 4 if low * 4 < high else None)
    return (low + high) // 2 if high - low > 1 else None
