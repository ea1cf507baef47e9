"""Facts about positive numbers that products of inequalities rest on, and the signs of atoms.

A fact names the premises and the earlier facts that it follows from; `checker.satisfiability.clash` asks two
solvers whether it does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from checker.clock import Clock
from checker.expression.tree import Claim, Comparison, Node, Number
from checker.satisfiability.linear_facts import Known, Sums
from checker.satisfiability.monomials import ONE, Atoms, Monomial, Polynomial, plus

ZERO = Number(Fraction(0))
_ROUNDS = 5


@dataclass(frozen=True)
class Fact:
    """A claim over variables that follows from premises (by index) and from earlier facts (by index)."""

    claim: Claim
    premises: frozenset[int]
    facts: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Row:
    """coefficient * monomial <= 1 (< 1 where strict), for positive atoms; `fact` says so without division."""

    monomial: Monomial
    coefficient: Fraction
    strict: bool
    fact: int


@dataclass(frozen=True)
class Inequality:
    """left <= right (< where strict), both with positive coefficients only, from these premises."""

    left: Polynomial
    right: Polynomial
    strict: bool
    premises: frozenset[int]


@dataclass
class Rows:
    """What premises say of positive atoms: `facts` in the order they were found, and `rows`.

    Once the time of `clock` is over nothing more is looked for; what was found stands.
    """

    clock: Clock
    atoms: Atoms = field(default_factory=Atoms)
    facts: list[Fact] = field(default_factory=list[Fact])
    rows: list[Row] = field(default_factory=list[Row])
    positive: dict[str, int] = field(default_factory=dict[str, int])
    nonnegative: dict[str, int] = field(default_factory=dict[str, int])
    inequalities: list[Inequality] = field(default_factory=list[Inequality])
    divisors: list[tuple[str, frozenset[int]]] = field(default_factory=list[tuple[str, frozenset[int]]])

    def closure(self, facts: frozenset[int]) -> list[int]:
        """The facts and those they rest on, in the order in which they were found."""
        seen: set[int] = set()
        todo = list(facts)
        while todo:
            index = todo.pop()
            if index not in seen:
                seen.add(index)
                todo.extend(self.facts[index].facts)
        return sorted(seen)

    def premises_of(self, facts: frozenset[int]) -> frozenset[int]:
        """Every premise that the facts rest on."""
        return frozenset[int]().union(*(self.facts[index].premises for index in self.closure(facts)))

    def over(self) -> bool:
        """Is there no time to look for more?"""
        return self.clock.left() <= 0

    def fact(self, claim: Claim, premises: frozenset[int], facts: frozenset[int]) -> int:
        """Note a fact; its index."""
        self.facts.append(Fact(claim, premises, facts))
        return len(self.facts) - 1


def comparison(left: Node, operator: str, right: Node) -> Claim:
    """One comparison as a claim."""
    return Claim("", (Comparison(operator, left, right),))


def sums_of(out: Rows) -> Sums:
    """The inequalities, and the sums that are atoms, ready for adding up."""
    known = [
        Known(plus(each.right, each.left, Fraction(-1)), index, each.strict)
        for index, each in enumerate(out.inequalities)
    ]
    for name, polynomial in out.atoms.sums.items():
        whole: Polynomial = {((name, Fraction(1)),): Fraction(1)}
        known.append(Known(plus(whole, polynomial, Fraction(-1)), -1, equal=True))
    monomials = {m for k in known for m in k.polynomial if m != ONE}
    return Sums(known, [m for m in monomials if is_signed(out, m)])


def added(out: Rows, claim: Claim, used: frozenset[int], names: frozenset[str]) -> int:
    """The fact that a claim follows by adding the used inequalities, given the signs of their atoms."""
    premises = frozenset[int]().union(*(out.inequalities[i].premises for i in used if i >= 0))
    atoms = set(names)
    for index in used:
        if index >= 0:
            each = out.inequalities[index]
            atoms |= {atom for m in (*each.left, *each.right) for atom, _ in m}
    for name in list(atoms):
        atoms |= {atom for m in out.atoms.sums.get(name, {}) for atom, _ in m}
    facts = {out.nonnegative[a] for a in atoms if a in out.nonnegative}
    facts |= {out.positive[a] for a in atoms if a in out.positive}
    return out.fact(claim, premises, frozenset(facts))


def find_signs(out: Rows) -> None:
    """The signs that the inequalities give: read off one first, by adding several where that is needed."""
    for _ in range(_ROUNDS):
        before = len(out.positive) + len(out.nonnegative)
        if out.over():
            return
        _signs_said(out)
        _signs_by_multiplying(out)
        _signs_by_adding(out)
        if len(out.positive) + len(out.nonnegative) == before:
            _signs_of_divisors(out)
        if len(out.positive) + len(out.nonnegative) == before:
            return


def _signs_said(out: Rows) -> None:
    """An atom that is at least a sum of what is not negative, is not; it is positive if a part of that is."""
    for each in out.inequalities:
        if len(each.right) != 1 or not all(is_signed(out, m) for m in each.left):
            continue
        ((monomial, _),) = each.right.items()
        if len(monomial) != 1 or monomial[0][1] != 1 or monomial[0][0] in out.positive:
            continue
        name = monomial[0][0]
        strict = each.strict or any(all(a in out.positive for a, _ in m) for m in each.left)
        if strict or name not in out.nonnegative:
            claim = comparison(out.atoms.nodes[name], ">" if strict else ">=", ZERO)
            index = out.fact(claim, each.premises, sign_facts(out, each.left))
            out.nonnegative.setdefault(name, index)
            if strict:
                out.positive[name] = index


def _signs_of_divisors(out: Rows) -> None:
    """What is divided by is not zero: it is positive where it is not negative."""
    for name, needs in out.divisors:
        if name not in out.positive and name in out.nonnegative:
            claim = comparison(out.atoms.nodes[name], ">", ZERO)
            out.positive[name] = out.fact(claim, needs, frozenset({out.nonnegative[name]}))


def _signs_by_adding(out: Rows) -> None:
    """Which atoms that are differences are positive, or not negative, by adding inequalities."""
    open_ = [name for name in out.atoms.sums if name not in out.positive]
    differences = [name for name in open_ if any(c < 0 for c in out.atoms.sums[name].values())]
    for name in open_:
        terms = out.atoms.sums[name]
        if name not in differences and all(is_signed(out, m) for m in terms):
            strict = any(all(a in out.positive for a, _ in m) for m in terms)
            if strict or name not in out.nonnegative:
                claim = comparison(out.atoms.nodes[name], ">" if strict else ">=", ZERO)
                index = out.fact(claim, frozenset(), sign_facts(out, terms))
                out.nonnegative.setdefault(name, index)
                if strict:
                    out.positive[name] = index
    sums = sums_of(out) if differences else None
    for name in differences if sums is not None else ():
        if out.over():
            return
        found = sums.follows({((name, Fraction(1)),): Fraction(1)}) if sums is not None else None
        if found is None:
            continue
        claim = comparison(out.atoms.nodes[name], ">" if found[1] else ">=", ZERO)
        if found[1]:
            out.positive[name] = added(out, claim, found[0], frozenset({name}))
            out.nonnegative.setdefault(name, out.positive[name])
        elif name not in out.nonnegative:
            out.nonnegative[name] = added(out, claim, found[0], frozenset({name}))


def _signs_by_multiplying(out: Rows) -> None:
    """Atoms of a product that is at least something positive are positive, if none is negative."""
    for each in out.inequalities:
        right, _ = out.atoms.single(each.right)
        open_ = [atom for atom, _ in right if atom not in out.positive]
        if not open_ or any(atom not in out.nonnegative for atom in open_):
            continue
        terms = {m: all(a in out.positive for a, _ in m) for m in each.left}
        if not all(is_signed(out, m) for m in each.left) or not (
            any(terms.values()) or (each.strict and not each.left)
        ):
            continue
        facts = sign_facts(out, [*each.left, *each.right, right])
        for atom in open_:
            claim = comparison(out.atoms.nodes[atom], ">", ZERO)
            out.positive[atom] = out.fact(claim, each.premises, facts)


def is_signed(out: Rows, monomial: Monomial) -> bool:
    """Is the monomial certainly not negative?"""
    return all(atom in out.nonnegative or (e.denominator == 1 and e % 2 == 0) for atom, e in monomial)


def sign_facts(out: Rows, monomials: Iterable[Monomial]) -> frozenset[int]:
    """The facts about the signs of the atoms of monomials."""
    atoms = {atom for m in monomials for atom, _ in m}
    found = {out.positive.get(atom, out.nonnegative.get(atom, -1)) for atom in atoms}
    return frozenset(found - {-1})
