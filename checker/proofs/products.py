"""Products of assumptions as further facts, and monomials named: a nonlinear step as linear arithmetic.

Where p >= 0 and q >= 0 also p*q >= 0; squares are nonnegative. With enough such facts linear arithmetic over
named monomials often suffices (Positivstellensatz of low degree, as in Lean's nlinarith). Nothing is lost but
the link between a monomial and its factors, so that a proof stays a proof.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, combinations_with_replacement
from typing import Final

from checker.expression.tree import Atom, Binary, Call, Claim, Comparison, Node, Number
from checker.proofs.polynomials import (
    Monomial,
    Polynomial,
    TooLargeError,
    added,
    multiplied,
    polynomial,
    primitive,
    scaled,
    to_node,
)

_ZERO: Final = Number(Fraction(0))
_MAX_FACTS: Final = 400
MAX_PAIRS: Final = 300


@dataclass(frozen=True)
class _Fact:
    """A polynomial that is > 0 (strict), >= 0, or == 0 (equal)."""

    terms: Polynomial
    strict: bool = False
    equal: bool = False


def with_products(
    assume: tuple[Claim, ...], show: Claim, pairs: int = MAX_PAIRS
) -> Iterator[tuple[tuple[Claim, ...], Claim]]:
    """For each way the conclusion may fail, linear facts over named monomials and the claim 0 > 1.

    `pairs` is how many products of two facts are added. Yields nothing where the step grows too large.
    """
    try:
        known = [fact for claim in assume for part in claim.parts for fact in _facts(part)]
        failures = [fact for part in show.parts for fact in _failures(part)]
        cases = [_facts_with_products([fact, *known], pairs) for fact in failures]
    except TooLargeError:
        return
    for facts in cases:
        yield _linear(facts)


def _facts(part: Comparison | Atom) -> Iterator[_Fact]:
    if isinstance(part, Atom):
        raise TooLargeError
    small, large = part.left, part.right
    if part.operator in (">", ">="):
        small, large = large, small
    gap = primitive(polynomial(Binary("-", large, small)))
    yield _Fact(gap, part.operator in ("<", ">"), part.operator == "==")


def _failures(part: Comparison | Atom) -> Iterator[_Fact]:
    """How one comparison may be false, one fact a way."""
    for fact in _facts(part):
        opposite = scaled(fact.terms, Fraction(-1))
        if fact.equal:
            yield _Fact(fact.terms, strict=True)
        yield _Fact(opposite, strict=not fact.strict)


def _facts_with_products(facts: list[_Fact], most: int) -> list[_Fact]:
    out = list(facts)
    pairs = 0
    for a, b in combinations_with_replacement(facts, 2):
        if pairs >= most or len(out) >= _MAX_FACTS:
            break
        try:
            terms = multiplied(a.terms, b.terms)
        except TooLargeError:
            continue
        pairs += 1
        out.append(_Fact(terms, a.strict and b.strict, a.equal or b.equal))
    return [*out, *_squares(out), *_signs(out)]


def _squares(facts: list[_Fact]) -> list[_Fact]:
    """(p - q)**2 >= 0 and (p + q)**2 >= 0 for monomials p and q whose squares and product occur."""
    seen = {monomial for fact in facts for monomial in fact.terms}
    halves = [
        tuple((factor, k // 2) for factor, k in monomial)
        for monomial in dict.fromkeys(monomial for fact in facts for monomial in fact.terms)
        if monomial and all(k % 2 == 0 for _, k in monomial)
    ]
    out: list[_Fact] = []
    for p, q in combinations([(), *halves], 2):
        with contextlib.suppress(TooLargeError):
            product = multiplied({p: Fraction(1)}, {q: Fraction(2)})
            if not product.keys() <= seen:
                continue
            ends = added(_square(p), _square(q))
            out += [_Fact(added(ends, product)), _Fact(added(ends, scaled(product, Fraction(-1))))]
        if len(out) >= _MAX_FACTS:
            break
    return out


def _square(monomial: Monomial) -> Polynomial:
    return {tuple((factor, 2 * k) for factor, k in monomial): Fraction(1)}


def _signs(facts: list[_Fact]) -> list[_Fact]:
    """Monomials that are nonnegative by their form: even powers, roots, factors known to be so."""
    nonnegative: set[Node] = set()
    positive: set[Node] = set()
    for fact in facts:
        if len(fact.terms) == 1 and not fact.equal:
            ((monomial, c),) = fact.terms.items()
            if c > 0 and len(monomial) == 1 and monomial[0][1] == 1:
                nonnegative.add(monomial[0][0])
                if fact.strict:
                    positive.add(monomial[0][0])
    out: list[_Fact] = []
    for monomial in dict.fromkeys(monomial for fact in facts for monomial in fact.terms if monomial):
        if all(k % 2 == 0 or factor in nonnegative or _root(factor) for factor, k in monomial):
            strict = all(factor in positive for factor, _ in monomial)
            out.append(_Fact({monomial: Fraction(1)}, strict))
    return out


def _root(factor: Node) -> bool:
    return isinstance(factor, Call) and factor.function in ("sqrt", "abs", "exp")


def _linear(facts: list[_Fact]) -> tuple[tuple[Claim, ...], Claim]:
    monomials = dict.fromkeys(monomial for fact in facts for monomial in fact.terms if monomial)
    names: dict[Monomial, str] = {monomial: f"m{i}" for i, monomial in enumerate(monomials)}
    claims = tuple(
        Claim(
            "", (Comparison("==" if f.equal else "<" if f.strict else "<=", _ZERO, to_node(f.terms, names)),)
        )
        for f in facts
    )
    return claims, Claim("", (Comparison(">", _ZERO, Number(Fraction(1))),))
