"""Premises over real numbers as inequalities between products of positive numbers.

Every premise is brought to rows `c * (product of powers of atoms) <= 1`. What a row takes for granted (that
an atom is positive, that one sum is at most another) is a fact of its own, which names the premises and the
facts that it follows from; `checker.contradictions` asks two solvers whether it does.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import permutations

from flint import ctx

from checker.enclosure import ARRAYS, Enclosure, outward
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.enclose import enclose
from checker.expression.simplify import free_names, substitute, walk
from checker.expression.smt import constant
from checker.expression.tree import Binary, Call, Claim, Comparison, Name, Node, Number
from checker.linear_facts import Known, Sums
from checker.monomials import ONE, Atoms, Monomial, NotAMonomial, Polynomial, monomial_node, plus, times

ZERO = Number(Fraction(0))
_MOST_PAIRS = 60
_ROUNDS = 5
_BITS = 128
_SCALE = 10**6
_SIMPLE = 10**4


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
    """What premises say of positive atoms: `facts` in the order they were found, and `rows`."""

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

    def fact(self, claim: Claim, premises: frozenset[int], facts: frozenset[int]) -> int:
        """Note a fact; its index."""
        self.facts.append(Fact(claim, premises, facts))
        return len(self.facts) - 1


def comparison(left: Node, operator: str, right: Node) -> Claim:
    """One comparison as a claim."""
    return Claim("", (Comparison(operator, left, right),))


def rows_of(premises: Sequence[Claim], late: frozenset[int] = frozenset()) -> Rows:
    """Everything the premises, claims over real variables, say of products of positive numbers.

    Signs are first read off the premises that are not `late`.
    """
    out = Rows()
    sides = list(_sides(premises))
    _polynomials(out, sides)  # finds the atoms
    sides += [(*pair, False, frozenset[int]()) for pair in _extremes(out.atoms)]
    sides += list(_constants(out))
    out.inequalities = _polynomials(out, sides)
    for inequality in out.inequalities:
        out.atoms.single(inequality.left)
        out.atoms.single(inequality.right)
    out.divisors = list(_divisors(out, sides))
    every = out.inequalities
    if late:
        out.inequalities = [each for each in every if not each.premises & late]
        _signs(out)
        out.inequalities = every
    _signs(out)
    for inequality in out.inequalities:
        _product_rows(out, inequality)
    _ordered_sums(out)
    return out


def _sides(premises: Sequence[Claim]) -> Iterator[tuple[Node, Node, bool, frozenset[int]]]:
    """Every comparison as small <= big, with the constants among the variables put in."""
    parts = [(i, p) for i, c in enumerate(premises) for p in c.parts if isinstance(p, Comparison)]
    values: dict[str, tuple[Number, int]] = {}
    for index, part in parts:
        value = constant(part.right)
        if part.operator == "==" and isinstance(part.left, Name) and value is not None:
            values.setdefault(part.left.name, (Number(value), index))
    mapping: dict[str, Node] = {name: number for name, (number, _) in values.items()}
    for index, part in parts:
        used = (free_names(part.left) | free_names(part.right)) & values.keys()
        needs = frozenset({index} | {values[name][1] for name in used})
        left, right = substitute(part.left, mapping), substitute(part.right, mapping)
        small, big = (right, left) if part.operator in {">", ">="} else (left, right)
        yield small, big, part.operator in {"<", ">"}, needs
        if part.operator == "==":
            yield big, small, False, needs


def _polynomials(out: Rows, sides: Sequence[tuple[Node, Node, bool, frozenset[int]]]) -> list[Inequality]:
    found: list[Inequality] = []
    for small, big, strict, needs in sides:
        try:
            both = plus(out.atoms.polynomial(big), out.atoms.polynomial(small), Fraction(-1))
        except (NotAMonomial, ArithmeticError):
            continue
        if both:
            left = {m: -c for m, c in both.items() if c < 0}
            found.append(Inequality(left, {m: c for m, c in both.items() if c > 0}, strict, needs))
    return found


def _divisors(
    out: Rows, sides: Sequence[tuple[Node, Node, bool, frozenset[int]]]
) -> Iterator[tuple[str, frozenset[int]]]:
    """Atoms that a premise divides by: they are not zero where it is true."""
    for small, big, _, needs in sides:
        for node in (*walk(small), *walk(big)):
            if not isinstance(node, Binary) or node.operator != "/" or not needs:
                continue
            try:
                monomial, _ = out.atoms.single(out.atoms.polynomial(node.right))
            except (NotAMonomial, ArithmeticError):
                continue
            for atom, exponent in monomial:
                if exponent > 0:
                    yield atom, needs


def _extremes(atoms: Atoms) -> Iterator[tuple[Node, Node]]:
    """min(...) is at most each argument, max(...) at least."""
    for call in list(atoms.opaque.values()):
        if call.function in {"min", "max"} and len(call.arguments) > 1:
            for argument in call.arguments:
                yield (call, argument) if call.function == "min" else (argument, call)


def _constants(out: Rows) -> Iterator[tuple[Node, Node, bool, frozenset[int]]]:
    """Irrational constants between two short decimals."""
    for name, node in list(out.atoms.nodes.items()):
        if free_names(node):
            continue
        with ctx.workprec(_BITS):
            try:
                ball = enclose(node, _NoNames())
            except (NotEnclosed, CertainlyUndefined):
                continue
            if isinstance(ball, ARRAYS):
                continue
            low, high = (Fraction(end) for end in outward(ball))
        low, high = Fraction(low * _SCALE // 1, _SCALE), Fraction(-(-high * _SCALE // 1), _SCALE)
        if low > 0:
            index = out.fact(comparison(node, ">", ZERO), frozenset(), frozenset())
            out.positive[name] = out.nonnegative[name] = index
            yield Number(low), node, False, frozenset()
            yield node, Number(high), False, frozenset()


class _NoNames:
    """Constants only."""

    def __init__(self) -> None:
        self.memo: dict[Node, Enclosure] = {}

    def name(self, name: str) -> Enclosure:
        raise NotEnclosed(f"{name} has no value here")

    def call(self, node: Call) -> Enclosure:
        raise NotEnclosed(f"{node.function} has no value here")


def _sums(out: Rows) -> Sums:
    """The inequalities, and the sums that are atoms, ready for adding up."""
    known = [
        Known(plus(each.right, each.left, Fraction(-1)), index, each.strict)
        for index, each in enumerate(out.inequalities)
    ]
    for name, polynomial in out.atoms.sums.items():
        whole: Polynomial = {((name, Fraction(1)),): Fraction(1)}
        known.append(Known(plus(whole, polynomial, Fraction(-1)), -1, equal=True))
    monomials = {m for k in known for m in k.polynomial if m != ONE}
    return Sums(known, [m for m in monomials if _signed(out, m)])


def _added(out: Rows, claim: Claim, used: frozenset[int], names: frozenset[str]) -> int:
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


def _signs(out: Rows) -> None:
    """The signs that the inequalities give: read off one first, by adding several where that is needed."""
    for _ in range(_ROUNDS):
        before = len(out.positive) + len(out.nonnegative)
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
        if len(each.right) != 1 or not all(_signed(out, m) for m in each.left):
            continue
        ((monomial, _),) = each.right.items()
        if len(monomial) != 1 or monomial[0][1] != 1 or monomial[0][0] in out.positive:
            continue
        name = monomial[0][0]
        strict = each.strict or any(all(a in out.positive for a, _ in m) for m in each.left)
        if strict or name not in out.nonnegative:
            claim = comparison(out.atoms.nodes[name], ">" if strict else ">=", ZERO)
            index = out.fact(claim, each.premises, _sign_facts(out, each.left))
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
    """Which differences that are atoms are positive, or not negative, by a combination of the inequalities."""
    open_ = [name for name in out.atoms.sums if name not in out.positive]
    differences = [name for name in open_ if any(c < 0 for c in out.atoms.sums[name].values())]
    for name in open_:
        terms = out.atoms.sums[name]
        if name not in differences and all(_signed(out, m) for m in terms):
            strict = any(all(a in out.positive for a, _ in m) for m in terms)
            if strict or name not in out.nonnegative:
                claim = comparison(out.atoms.nodes[name], ">" if strict else ">=", ZERO)
                index = out.fact(claim, frozenset(), _sign_facts(out, terms))
                out.nonnegative.setdefault(name, index)
                if strict:
                    out.positive[name] = index
    sums = _sums(out) if differences else None
    for name in differences if sums is not None else ():
        found = sums.follows({((name, Fraction(1)),): Fraction(1)}) if sums is not None else None
        if found is None:
            continue
        claim = comparison(out.atoms.nodes[name], ">" if found[1] else ">=", ZERO)
        if found[1]:
            out.positive[name] = _added(out, claim, found[0], frozenset({name}))
            out.nonnegative.setdefault(name, out.positive[name])
        elif name not in out.nonnegative:
            out.nonnegative[name] = _added(out, claim, found[0], frozenset({name}))


def _signs_by_multiplying(out: Rows) -> None:
    """Atoms of a product that is at least something positive are positive, if none is negative."""
    for each in out.inequalities:
        right, _ = out.atoms.single(each.right)
        open_ = [atom for atom, _ in right if atom not in out.positive]
        if not open_ or any(atom not in out.nonnegative for atom in open_):
            continue
        terms = {m: all(a in out.positive for a, _ in m) for m in each.left}
        if not all(_signed(out, m) for m in each.left) or not (
            any(terms.values()) or (each.strict and not each.left)
        ):
            continue
        facts = _sign_facts(out, [*each.left, *each.right, right])
        for atom in open_:
            claim = comparison(out.atoms.nodes[atom], ">", ZERO)
            out.positive[atom] = out.fact(claim, each.premises, facts)


def _signed(out: Rows, monomial: Monomial) -> bool:
    """Is the monomial certainly not negative?"""
    return all(atom in out.nonnegative or (e.denominator == 1 and e % 2 == 0) for atom, e in monomial)


def _sign_facts(out: Rows, monomials: Iterable[Monomial]) -> frozenset[int]:
    """The facts about the signs of the atoms of monomials."""
    atoms = {atom for m in monomials for atom, _ in m}
    found = {out.positive.get(atom, out.nonnegative.get(atom, -1)) for atom in atoms}
    return frozenset(found - {-1})


def _product_rows(out: Rows, each: Inequality) -> None:
    """Each term of the smaller side, and the whole of it, against the larger side."""
    if not each.left or not each.right:
        return
    big = out.atoms.single(each.right)
    terms = list(each.left.items())
    if len(terms) == 1:
        _add_row(out, terms[0], big, each.strict, each.premises)
        return
    _add_row(out, out.atoms.single(each.left), big, each.strict, each.premises)
    if not all(_signed(out, m) for m in each.left):
        return
    for term in terms:
        rest = [m for m, _ in terms if m != term[0]]
        uneven = [m for m in rest if any(e.denominator > 1 or e % 2 for _, e in m)]
        _add_row(out, term, big, each.strict, each.premises, _sign_facts(out, uneven))
        if not each.strict and any(all(a in out.positive for a, _ in m) for m in rest):
            _add_row(out, term, big, True, each.premises, _sign_facts(out, rest))


def _add_row(
    out: Rows,
    small: tuple[Monomial, Fraction],
    big: tuple[Monomial, Fraction],
    strict: bool,
    premises: frozenset[int],
    facts: frozenset[int] = frozenset(),
) -> None:
    """small <= big as a row, where every atom in them is positive."""
    ratio = times(small[0], big[0], Fraction(-1))
    atoms = {a for a, _ in (*small[0], *big[0])}
    if not ratio or any(a not in out.positive for a in atoms) or small[1] <= 0 or big[1] <= 0:
        return
    above: Monomial = tuple((a, e) for a, e in ratio if e > 0)
    below: Monomial = tuple((a, -e) for a, e in ratio if e < 0)
    nodes = out.atoms.nodes
    claim = comparison(
        monomial_node(above, small[1], nodes), "<" if strict else "<=", monomial_node(below, big[1], nodes)
    )
    needs = facts | {out.positive[a] for a in atoms}
    for name in atoms:  # the terms of a sum must have their signs
        for m in out.atoms.sums.get(name, {}):
            needs |= {out.positive.get(a, out.nonnegative.get(a, -1)) for a, _ in m} - {-1}
    out.rows.append(Row(ratio, small[1] / big[1], strict, out.fact(claim, premises, frozenset(needs))))


def _ordered_sums(out: Rows) -> None:
    """Which sums that are atoms are at most others, or at most a number; each term is at most its sum."""
    sums = _sums(out)
    names = [name for name in out.atoms.sums if name in out.positive]
    differences = [name for name in names if any(c < 0 for c in out.atoms.sums[name].values())]
    for name in names:
        whole: Polynomial = {((name, Fraction(1)),): Fraction(1)}
        most = sums.largest(whole) if name in differences else None
        number = None if most is None else Fraction(most).limit_denominator(_SIMPLE)
        if number is not None and number > 0:
            _ordered(out, sums, whole, {ONE: number})
        if name not in differences:
            _terms(out, name)
    for left, right in list(permutations(differences, 2))[:_MOST_PAIRS]:
        _ordered(out, sums, {((left, Fraction(1)),): Fraction(1)}, {((right, Fraction(1)),): Fraction(1)})


def _terms(out: Rows, name: str) -> None:
    """Each term of a sum of positive terms is at most the sum; it is less where another is positive."""
    terms, nodes = out.atoms.sums[name], out.atoms.nodes
    if not all(_signed(out, m) for m in terms):
        return
    for m, c in terms.items():
        facts = _sign_facts(out, terms)
        claim = comparison(monomial_node(m, c, nodes), "<=", nodes[name])
        index = out.fact(claim, frozenset(), facts)
        _add_row(out, (m, c), (((name, Fraction(1)),), Fraction(1)), False, frozenset(), frozenset({index}))


def _ordered(out: Rows, sums: Sums, small: Polynomial, big: Polynomial) -> None:
    """Note that a monomial is at most another, where it follows by adding."""
    found = sums.follows(plus(big, small, Fraction(-1)))
    if found is None:
        return
    used, strict = found
    (left, c), (right, e) = next(iter(small.items())), next(iter(big.items()))
    nodes, names = out.atoms.nodes, frozenset(a for m in (*small, *big) for a, _ in m)
    operator = "<" if strict else "<="
    claim = comparison(monomial_node(left, c, nodes), operator, monomial_node(right, e, nodes))
    index = _added(out, claim, used, names)
    _add_row(out, (left, c), (right, e), strict, frozenset(), frozenset({index}))
