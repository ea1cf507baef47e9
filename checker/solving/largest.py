"""The largest value of a number for which claims hold, other unknowns chosen; certified at both ends."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from flint import fmpq

from checker.expression.simplify import free_names_of_claim
from checker.solving.climb import MOST_UNKNOWNS, best_seed, climb, oracle_of
from checker.solving.decimals import above, below
from checker.solving.monotone import none_beyond
from checker.solving.oracle import Problem, holds, without

DIGITS = 10
"""Significant digits of a reported value."""

_BACK = tuple(10.0**-k for k in range(9, 1, -1))
"""How far below the vertex found a value is tried, relatively."""

_GAPS = (3e-9, 1e-7, 1e-5, 1e-2)
"""How far above the reported value it is tried to prove that nothing holds, relatively."""

_LEVELS = tuple(float(k) for k in sorted(range(-40, 41, 4), key=lambda k: (abs(k), k)))
_UNBOUNDED = 460.0  # the natural logarithm beyond which a search counts as unbounded


@dataclass(frozen=True)
class Largest:
    """`value` is certified; the other unknowns were at `chosen`. `beyond`: certainly no such value from there
    on, None where that was not proved. `logs` is the vertex found, in natural logarithms.
    """

    value: Decimal
    chosen: dict[str, Fraction]
    beyond: Decimal | None
    logs: tuple[float, ...]


def starts(unknown: Sequence[str], hints: Mapping[str, float]) -> list[list[float]]:
    """Points to start a search from: the hints, with the rest at one level, and the hints scaled."""
    known = [math.log(hints[n]) if hints.get(n, 0.0) > 0 else None for n in unknown]
    out: list[list[float]] = []
    for level in _LEVELS:
        out.append([level if x is None else x for x in known])
        out.append([level + (0.0 if x is None else x) for x in known])
    return out


def exact_point(unknown: Sequence[str], logs: Sequence[float]) -> dict[str, Fraction]:
    """The unknowns as exact floats."""
    return {n: Fraction(math.exp(x)) for n, x in zip(unknown, logs, strict=True)}


def largest(
    problem: Problem, target: str, hints: Mapping[str, float], step: str | None = None
) -> Largest | str:
    """The largest `target` found for which all claims are certified; a text says why there is none.

    A `step` is chosen last, and left out of the search and of the proof that there is no larger value.
    """
    if not any(target in free_names_of_claim(claim) for claim in problem.reduced.claims):
        return "no hypothesis speaks of it"
    free = problem if step is None or step == target else without(problem, step)
    if len(free.unknown) > MOST_UNKNOWNS:
        return f"not sought: too many unknowns, {len(free.unknown)}, and at most {MOST_UNKNOWNS} are searched"
    oracle = oracle_of(free)
    start = best_seed(oracle, starts(free.unknown, hints))
    inside, worst = ([], -math.inf) if start is None else climb(oracle, start, enough=0.0)
    if worst == -math.inf:
        return "no point was found where every hypothesis is defined"
    index = free.unknown.index(target)
    top, _ = climb(oracle, inside, index)
    if top[index] > _UNBOUNDED:
        return "no hypothesis was found to bound it"
    at = math.exp(top[index])
    for back in _BACK:
        value = below(at * (1 - back), DIGITS)
        chosen = _chosen(problem, free, target, value, top, back)
        if chosen is not None:
            return Largest(value, chosen, _beyond(free, target, value), tuple(top))
    return "no value was found at which the hypotheses are certified"


def _chosen(
    problem: Problem, free: Problem, target: str, value: Decimal, top: list[float], back: float
) -> dict[str, Fraction] | None:
    """The other unknowns with which a value of the target is certified, as far from every bound as found.

    What `free` leaves out, a step, comes last: with the others chosen it need not be near any bound.
    """
    if value <= 0:
        return None
    exact = Fraction(value)
    chosen = {target: exact}
    inside = _at(free, chosen)
    logs = [x for n, x in zip(free.unknown, top, strict=True) if n != target]
    logs, _ = climb(oracle_of(inside), logs, radius=max(4 * back, 1e-8))
    chosen |= exact_point(inside.unknown, logs)
    rest = _at(problem, chosen)
    last = best_seed(oracle_of(rest), [[level] * len(rest.unknown) for level in _LEVELS])
    chosen |= exact_point(rest.unknown, last or [0.0] * len(rest.unknown))
    return chosen if holds(_at(problem, chosen), {}) else None


def _at(problem: Problem, point: Mapping[str, Fraction]) -> Problem:
    """The problem with some unknowns at exact values."""
    known = {name: fmpq(v.numerator, v.denominator) for name, v in point.items()}
    unknown = tuple(n for n in problem.unknown if n not in point)
    return replace(problem, leaves=dict(problem.leaves) | known, unknown=unknown)


def _beyond(problem: Problem, target: str, value: Decimal) -> Decimal | None:
    """The nearest decimal above from which on no value of the target satisfies the claims; proved."""
    for gap in _GAPS:
        least = above(Fraction(value) * (1 + Fraction(gap)), DIGITS)
        if none_beyond(problem, target, Fraction(least)):
            return least
    return None
