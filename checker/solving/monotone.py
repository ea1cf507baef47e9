"""Proofs that nothing lies beyond a value: unknowns are removed where claims only get harder in them.

Directions are read off the trees: sums, products, quotients and powers of what is nonnegative. A
difference `large - small` counts as nonnegative where a claim says `small <= large`: wherever that claim
fails there is nothing to prove.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from flint import fmpq

from checker.enclosure import Ball
from checker.expression.simplify import free_names, gaps, parts_of, sides
from checker.expression.tree import Binary, Call, Claim, Comparison, Name, Negate, Node, Number, Pi
from checker.solving.oracle import Problem, none_at_all, verdict, without
from checker.solving.rewrite import replaced
from checker.verdict import Verdict

UP, DOWN, FLAT = 1, -1, 0


@dataclass(frozen=True)
class Signs:
    """What is known to be nonnegative: leaves by their balls, unknowns, and gaps that claims speak of."""

    leaves: Mapping[str, Ball]
    unknown: frozenset[str]
    gaps: frozenset[Node]
    known: frozenset[str]

    def nonnegative(self, node: Node) -> bool:
        """Is the value certainly at least 0, wherever the claims hold?"""
        if node in self.gaps:
            return True
        match node:
            case Number(value):
                return value >= 0
            case Pi():
                return True
            case Name(name):
                if name in self.unknown or name in self.known:
                    return True
                return name in self.leaves and bool(self.leaves[name] >= 0)
            case Binary("+" | "*" | "/", left, right):
                return self.nonnegative(left) and self.nonnegative(right)
            case Binary("**", left, Number(exponent)):
                even = exponent.denominator == 1 and exponent.numerator % 2 == 0
                return even or self.nonnegative(left)
            case Call("sqrt" | "exp" | "abs"):
                return True
            case Call("min" | "max", arguments):
                return all(map(self.nonnegative, arguments))
            case _:
                return False


def signs_of(problem: Problem) -> Signs:
    """What the problem's leaves and claims say of signs."""
    known = frozenset(problem.unknown)
    return Signs(problem.leaves, known, gaps(parts_of(problem.reduced.claims)), problem.nonnegative)


def direction(node: Node, name: str, signs: Signs) -> int | None:
    """How the value moves when the unknown `name` grows: UP, DOWN, FLAT; None where that is not seen."""
    if name not in free_names(node):
        return FLAT
    match node:
        case Name():
            return UP
        case Negate(argument):
            return _turned(direction(argument, name, signs))
        case Binary("+", left, right):
            return _joined(direction(left, name, signs), direction(right, name, signs))
        case Binary("-", left, right):
            return _joined(direction(left, name, signs), _turned(direction(right, name, signs)))
        case Binary("*" | "/" as operator, left, right):
            if not (signs.nonnegative(left) and signs.nonnegative(right)):
                return None
            second = direction(right, name, signs)
            return _joined(direction(left, name, signs), second if operator == "*" else _turned(second))
        case Binary("**", left, Number(exponent)) if signs.nonnegative(left):
            found = direction(left, name, signs)
            return found if exponent >= 0 else _turned(found)
        case Call("sqrt", (argument,)):
            return direction(argument, name, signs)
        case Call("min" | "max", arguments) if len(arguments) > 1:
            out: int | None = FLAT
            for argument in arguments:
                out = _joined(out, direction(argument, name, signs))
            return out
        case _:
            return None


def _turned(found: int | None) -> int | None:
    return None if found is None else -found


def _joined(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return None
    return one or other if one * other >= 0 else None


def hardens(part: Comparison, name: str, signs: Signs) -> bool:
    """Does the comparison certainly not get easier as the unknown grows?"""
    if part.operator == "==":
        return False
    small, large = sides(part)
    return direction(small, name, signs) in (UP, FLAT) and direction(large, name, signs) in (DOWN, FLAT)


def _floor(part: Comparison, name: str, signs: Signs) -> Node | None:
    """The e of a comparison that says e <= name, where it has the form `small <= name*rest`."""
    small, large = sides(part)
    if part.operator == "==" or name in free_names(small):
        return None
    rest = _without_factor(large, name)
    if rest is None or name in free_names(rest) or not signs.nonnegative(rest):
        return None
    return small if rest == Number(Fraction(1)) else Binary("/", small, rest, shape=())


def _without_factor(node: Node, name: str) -> Node | None:
    """The other factors of a product that has the name as a factor once."""
    one = Number(Fraction(1))
    match node:
        case Name(own) if own == name:
            return one
        case Binary("*", left, right):
            for here, other in ((left, right), (right, left)):
                rest = _without_factor(here, name)
                if rest is not None:
                    return other if rest == one else Binary("*", rest, other, shape=())
            return None
        case _:
            return None


def none_beyond(problem: Problem, target: str, least: Fraction, step: str | None = None) -> bool:
    """True only if no values of the unknowns, with `target` >= `least`, satisfy all claims.

    Leaving out claims only makes this harder to prove, so those that stand in the way are left out.
    """
    here = _fewer(problem, step, target)
    kept = _hardening(here, target)
    if not any(target in free_names(side) for part in kept for side in (part.left, part.right)):
        return False
    exact = fmpq(least.numerator, least.denominator)
    fixed = replace(
        _with(here, kept),
        leaves=dict(here.leaves) | {target: exact},
        unknown=tuple(n for n in here.unknown if n != target),
    )
    return _none(fixed)


def none_now(problem: Problem, step: str | None = None) -> bool:
    """True only if no positive values of the unknowns satisfy all claims."""
    return _none(_fewer(problem, step, ""))


def _fewer(problem: Problem, step: str | None, target: str) -> Problem:
    here = problem if step is None or step not in problem.unknown else without(problem, step)
    for name in here.unknown:
        if name != target:
            here = _removed(here, name)
    return here


def _none(problem: Problem) -> bool:
    if not problem.unknown:
        return verdict(problem, {}) is Verdict.FAILS
    positive = [Comparison("<", Number(Fraction(0)), Name(name, shape=())) for name in problem.unknown]
    return none_at_all(_with(problem, [*parts_of(problem.reduced.claims), *positive]))


def _hardening(problem: Problem, target: str) -> list[Comparison]:
    """The comparisons that only harden in the target, seen with the gaps of these comparisons alone."""
    kept = parts_of(problem.reduced.claims)
    while True:
        signs = signs_of(_with(problem, kept))
        left = [part for part in kept if hardens(part, target, signs)]
        if len(left) == len(kept):
            return kept
        kept = left


def _removed(problem: Problem, name: str) -> Problem:
    """The problem with an unknown at its lower bound, where one claim gives it and the rest only hardens."""
    signs = signs_of(problem)
    parts = parts_of(problem.reduced.claims)
    domain = [p for p in parts if _is_domain(p, name)]
    floors = [(part, floor) for part in parts if part not in domain and (floor := _floor(part, name, signs))]
    for part, floor in floors:
        others = [p for p in parts if p is not part and p not in domain]
        if not signs.nonnegative(floor):
            continue
        if all(hardens(p, name, signs) for p in others):
            swap: dict[Node, Node] = {Name(name): floor}
            moved = [Comparison(p.operator, replaced(p.left, swap), replaced(p.right, swap)) for p in others]
            return replace(_with(problem, moved), unknown=tuple(n for n in problem.unknown if n != name))
    return problem


def _is_domain(part: Comparison, name: str) -> bool:
    small, large = sides(part)
    return small == Number(Fraction(0)) and large == Name(name)


def _with(problem: Problem, parts: Sequence[Comparison]) -> Problem:
    claims = tuple(Claim("", (part,)) for part in parts)
    return replace(problem, reduced=replace(problem.reduced, claims=claims), names=("",) * len(claims))
