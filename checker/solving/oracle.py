"""Claims over known leaves and a few unknown positive numbers: their margins, and what holds at a point.

The claims come from `checker.admissible.reduce`. Margins at points guide a search and decide nothing;
`holds`, `verdict` and `none_at_all` decide, in balls and in outward intervals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from flint import arb, ctx, fmpq

from checker.admissible import Reduced
from checker.enclosure import Ball, Enclosure, outward, to_arb
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.enclose import enclose, judge
from checker.expression.simplify import free_names_of_claim, parts_of, sides
from checker.expression.tree import Call, Comparison, Node
from checker.impossible import impossible
from checker.intervals import WHOLE, Interval
from checker.verdict import Verdict

BITS = 128
"""The precision of a search's arithmetic, and of exact unknowns."""

BOXES = 2000
"""The most boxes that a proof by subdivision examines."""

FAR = 1000.0
"""The margin of a claim whose smaller side is not positive: it holds by itself."""


@dataclass(frozen=True)
class Problem:
    """Claims in leaves and unknowns; `leaves` are enclosures of the leaves, `unknown` the names to choose.

    `names` are the claims' own names, for reports; one for each claim. `nonnegative` are leaves that are so
    by what they are, such as norms.
    """

    reduced: Reduced
    leaves: Mapping[str, Ball]
    unknown: tuple[str, ...]
    names: tuple[str, ...]
    nonnegative: frozenset[str] = frozenset()


class _Values:
    """Leaves and unknowns by name."""

    def __init__(self, values: Mapping[str, Ball]) -> None:
        self._values = values
        self.memo: dict[Node, Enclosure] = {}

    def name(self, name: str) -> Enclosure:
        if name not in self._values:
            raise NotEnclosed(f"{name} has no value here")
        return self._values[name]

    def call(self, node: Call) -> Enclosure:
        raise NotEnclosed(f"{node.function} has no value here")


def value(node: Node, values: Mapping[str, Ball]) -> Ball:
    """The enclosure of a scalar expression in leaves and unknowns, at the ambient precision.

    Raises NotEnclosed and CertainlyUndefined as `enclose` does.
    """
    found = enclose(node, _Values(values))
    if not isinstance(found, arb | fmpq):
        raise NotEnclosed("an array stands where a number is needed")
    return found


def _middles(leaves: Mapping[str, Ball]) -> dict[str, Ball]:
    return {name: v if isinstance(v, fmpq) else v.mid() for name, v in leaves.items()}


def _margin(part: Comparison, env: _Values) -> arb | None:
    """log(larger side/smaller side), None where a side has no value."""
    try:
        small, large = (to_arb(_scalar(enclose(side, env))) for side in sides(part))
    except (NotEnclosed, CertainlyUndefined):
        return None
    if part.operator == "==":
        return None if small != large else arb(FAR)
    if not large > 0:
        return arb(-FAR)
    if not small > 0:
        return arb(FAR)
    return (large / small).log().min(arb(FAR)).max(arb(-FAR))


def _scalar(found: Enclosure) -> Ball:
    if not isinstance(found, arb | fmpq):
        raise NotEnclosed("an array stands where a number is needed")
    return found


def margins(problem: Problem, logs: Sequence[float]) -> list[arb] | None:
    """The margin of every comparison at the leaves' middles and the unknowns exp(logs); natural logarithms.

    None where some claim is undefined there. Estimates: no verdict rests on them.
    """
    with ctx.workprec(BITS):
        point = {n: arb(x).exp().mid() for n, x in zip(problem.unknown, logs, strict=True)}
        env = _Values(_middles(problem.leaves) | point)  # one for all: claims share parts
        found: list[arb] = []
        for part in parts_of(problem.reduced.claims):
            margin = _margin(part, env)
            if margin is None:
                return None
            found.append(margin)
        return found


def verdict(problem: Problem, point: Mapping[str, Fraction]) -> Verdict:
    """Do all claims hold at an exact point, for every value in the leaves' balls? Certified either way."""
    exact: dict[str, Ball] = {name: fmpq(v.numerator, v.denominator) for name, v in point.items()}
    env = _Values(dict(problem.leaves) | exact)
    out = Verdict.HOLDS
    for claim in problem.reduced.claims:
        try:
            found = judge(claim, env).verdict
        except CertainlyUndefined:
            found = Verdict.FAILS
        except NotEnclosed:
            found = Verdict.UNDECIDED
        if found is Verdict.FAILS:
            return Verdict.FAILS
        if found is Verdict.UNDECIDED:
            out = Verdict.UNDECIDED
    return out


def holds(problem: Problem, point: Mapping[str, Fraction]) -> bool:
    """Are all claims certified at an exact point?"""
    return verdict(problem, point) is Verdict.HOLDS


def outer(ball: Ball) -> Interval:
    """Float ends around a ball; the whole line where it has none."""
    try:
        return outward(ball)
    except NotEnclosed:
        return WHOLE


def none_at_all(problem: Problem) -> bool:
    """True only if no positive values of the unknowns satisfy all claims, by subdivision."""
    intervals = {name: outer(ball) for name, ball in problem.leaves.items()}
    return impossible(problem.reduced, intervals, problem.unknown, BOXES)


def without(problem: Problem, name: str) -> Problem:
    """The problem without an unknown and the claims about it: what fails then fails with them, too."""
    about = {claim for claim in problem.reduced.claims if name in free_names_of_claim(claim)}
    kept = [(n, c) for n, c in zip(problem.names, problem.reduced.claims, strict=True) if c not in about]
    return Problem(
        replace(problem.reduced, claims=tuple(c for _, c in kept)),
        problem.leaves,
        tuple(n for n in problem.unknown if n != name),
        tuple(n for n, _ in kept),
        problem.nonnegative,
    )
