"""Rewritings of a step that may be easier to prove; each that is proved proves the step.

A rewriting is a set of cases. Every point that satisfies the assumptions and violates the conclusion gives,
in some case, a point that satisfies its assumptions and violates its conclusion: equivalences, distinctions
of cases, and weaker assumptions. So "all cases proved" is sound; nothing is read off a case that is not.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import Final

from checker.expression.simplify import children, free_names_of_claim, replaced, roots, substitute, walk
from checker.expression.tree import Atom, Binary, Call, Claim, Comparison, Name, Negate, Node, Number
from checker.proofs.equations import Solved, known_signs, solutions
from checker.proofs.equations import TooLargeError as DefinitionsTooLargeError
from checker.proofs.polynomials import TooLargeError, polynomial, primitive, to_node
from checker.proofs.products import MAX_PAIRS, with_products

_ZERO: Final = Number(Fraction(0))
_MAX_CASES: Final = 16
_MAX_SIGNS: Final = 3


@dataclass(frozen=True)
class Case:
    """One implication."""

    assume: tuple[Claim, ...]
    show: Claim


@dataclass(frozen=True)
class Rewriting:
    """What was done, in a few words for a report, and what has to be proved instead."""

    words: str
    cases: tuple[Case, ...]
    sharp: bool = False


def rewritings(assume: tuple[Claim, ...], show: Claim) -> Iterator[Rewriting]:
    """The rewritings of a step, in the order in which they are worth trying."""
    case = Case(assume, show)
    if _calls(case) & {"exp", "log", "tanh"}:
        yield Rewriting("sharper bounds of exp, log and tanh", (case,), sharp=True)
    tries: tuple[tuple[str, Callable[[Case], Sequence[Case] | None]], ...] = (
        ("equations substituted", _substituted),
        ("monomials named", lambda case: _named(0, case)),
        ("products of assumptions named", lambda case: _named(MAX_PAIRS, case)),
        ("cases of min, max and abs", _split),
        ("assumptions far from the conclusion dropped", _near),
        ("only assumptions about the conclusion's variables", _close),
        ("scaled to whole coefficients", _scaled),
        ("cases of signs", _signed),
    )
    for words, rewrite in tries:
        cases = rewrite(case)
        if cases is not None:
            yield Rewriting(words, tuple(cases))
    solved = _substituted(case)
    if solved is not None:
        cases = _named(MAX_PAIRS, *solved)
        if cases is not None:
            yield Rewriting("equations substituted, products of assumptions named", tuple(cases))


def _calls(case: Case) -> frozenset[str]:
    claims = (*case.assume, case.show)
    nodes = (node for claim in claims for root in roots(claim) for node in walk(root))
    return frozenset(node.function for node in nodes if isinstance(node, Call))


def _substituted(case: Case) -> Sequence[Case] | None:
    rewritten = substituted(case)
    return None if rewritten is case else [rewritten]


def substituted(case: Case) -> Case:
    """Variables that an equation fixes are replaced by what it says; the equation is dropped.

    Every point that satisfies the assumptions is kept, because equations imply the definitions used.
    The case itself comes back where there are none, or it would grow too large.
    """
    (solved,) = solutions(case.assume, only_equivalent=True)
    if not solved.definitions:
        return case
    try:
        return _with_definitions(case, solved)
    except DefinitionsTooLargeError:
        return case


def _with_definitions(case: Case, solved: Solved) -> Case:
    done = solved.equations
    assume: list[Claim] = []
    for claim in case.assume:
        parts = tuple(_applied(part, solved.applied) for part in claim.parts if id(part) not in done)
        if parts:
            assume.append(replace(claim, parts=parts))
    show = replace(case.show, parts=tuple(_applied(part, solved.applied) for part in case.show.parts))
    return Case(tuple(assume), show)


def _applied(part: Comparison | Atom, change: Callable[[Node], Node]) -> Comparison | Atom:
    if isinstance(part, Atom):
        return part
    return Comparison(part.operator, change(part.left), change(part.right))


def _near(case: Case) -> Sequence[Case] | None:
    """Assumptions that are linked to the conclusion through shared variables; the others cannot matter."""
    names = set(free_names_of_claim(case.show))
    kept: set[int] = set()
    grown = True
    while grown:
        grown = False
        for i, claim in enumerate(case.assume):
            if i not in kept and names & free_names_of_claim(claim):
                kept.add(i)
                names |= free_names_of_claim(claim)
                grown = True
    return _with(case, kept)


def _close(case: Case) -> Sequence[Case] | None:
    """Assumptions about the conclusion's variables alone."""
    names = free_names_of_claim(case.show)
    return _with(case, {i for i, claim in enumerate(case.assume) if free_names_of_claim(claim) <= names})


def _with(case: Case, kept: set[int]) -> Sequence[Case] | None:
    if len(kept) == len(case.assume):
        return None
    return [replace(case, assume=tuple(claim for i, claim in enumerate(case.assume) if i in kept))]


def _scaled(case: Case) -> Sequence[Case] | None:
    """Every comparison as polynomial `>= 0` with whole coefficients without a common factor."""
    try:
        claims = [_plain(claim) for claim in (*case.assume, case.show)]
    except TooLargeError:
        return None
    return [Case(tuple(claims[:-1]), claims[-1])]


def _plain(claim: Claim) -> Claim:
    parts: list[Comparison | Atom] = []
    for part in claim.parts:
        if isinstance(part, Comparison):
            small, large, operator = part.left, part.right, part.operator
            if operator in (">", ">="):
                small, large, operator = large, small, "<" if operator == ">" else "<="
            part = Comparison(operator, _ZERO, to_node(primitive(polynomial(Binary("-", large, small)))))
        parts.append(part)
    return replace(claim, parts=tuple(parts))


def _named(pairs: int, *cases: Case) -> Sequence[Case] | None:
    """Linear arithmetic over named monomials, with the products of pairs of assumptions added."""
    out: list[Case] = []
    for case in cases:
        for assume, show in with_products(case.assume, case.show, pairs):
            out.append(Case(assume, show))
    return out or None


def _split(case: Case) -> Sequence[Case] | None:
    """min, max and abs replaced by one of their arguments, in each case with what makes it the right one."""
    todo, done = [case], list[Case]()
    while todo:
        here = todo.pop()
        found = _choice(here)
        if found is None:
            done.append(here)
            continue
        for condition, value in _options(found):
            assume = (*(_replaced(claim, found, value) for claim in here.assume), *condition)
            todo.append(Case(assume, _replaced(here.show, found, value)))
        if len(todo) + len(done) > _MAX_CASES:
            return None
    return done if len(done) > 1 else None


def _choice(case: Case) -> Call | None:
    """An innermost min, max or abs."""
    for claim in (*case.assume, case.show):
        for root in roots(claim):
            for node in walk(root):
                if isinstance(node, Call) and node.function in ("min", "max", "abs"):
                    inside = (inner for child in children(node) for inner in walk(child))
                    names = {inner.function for inner in inside if isinstance(inner, Call)}
                    if not names & {"min", "max", "abs"}:
                        return node
    return None


def _options(node: Call) -> Iterator[tuple[tuple[Claim, ...], Node]]:
    if node.function == "abs":
        (argument,) = node.arguments
        yield (_claim("<=", _ZERO, argument),), argument
        yield (_claim("<=", argument, _ZERO),), Negate(argument)
        return
    for i, chosen in enumerate(node.arguments):
        others = [other for j, other in enumerate(node.arguments) if j != i]
        if node.function == "min":
            yield tuple(_claim("<=", chosen, other) for other in others), chosen
        else:
            yield tuple(_claim("<=", other, chosen) for other in others), chosen


def _claim(operator: str, left: Node, right: Node) -> Claim:
    return Claim("", (Comparison(operator, left, right),))


def _replaced(claim: Claim, old: Node, new: Node) -> Claim:
    return replace(
        claim, parts=tuple(_applied(part, lambda node: replaced(node, {old: new})) for part in claim.parts)
    )


def _signed(case: Case) -> Sequence[Case] | None:
    """Cases x >= 0 and x <= 0 (there with -x for x) for variables of unknown sign."""
    known = known_signs(case.assume)
    names = dict.fromkeys(
        node.name
        for claim in (case.show, *case.assume)
        for root in roots(claim)
        for node in walk(root)
        if isinstance(node, Name)
    )
    unknown = [name for name in names if name not in known][:_MAX_SIGNS]
    if not unknown:
        return None
    out: list[Case] = []
    for signs in product((1, -1), repeat=len(unknown)):
        swapped: dict[str, Node] = {n: Negate(Name(n)) for n, s in zip(unknown, signs, strict=True) if s < 0}
        claims = [_renamed(claim, swapped) for claim in (*case.assume, case.show)]
        facts = tuple(_claim("<=", _ZERO, Name(name)) for name in unknown)
        out.append(Case((*claims[:-1], *facts), claims[-1]))
    return out


def _renamed(claim: Claim, mapping: Mapping[str, Node]) -> Claim:
    parts = tuple(_applied(part, lambda node: substitute(node, mapping)) for part in claim.parts)
    return replace(claim, parts=parts)
