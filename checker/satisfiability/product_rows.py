"""Premises over real numbers as inequalities between products of positive numbers.

Every premise is brought to rows `c * (product of powers of atoms) <= 1`. What a row takes for granted (that
an atom is positive, that one sum is at most another) is a fact of its own, which names the premises and the
facts that it follows from; `checker.satisfiability.clash` asks two solvers whether it does.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import permutations

from flint import ctx

from checker.clock import Clock
from checker.enclosure import ARRAYS, Enclosure, outward
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.enclose import enclose
from checker.expression.simplify import free_names, substitute, walk
from checker.expression.smt import constant
from checker.expression.tree import Binary, Call, Claim, Comparison, Name, Node, Number
from checker.satisfiability.linear_facts import Sums
from checker.satisfiability.monomials import (
    ONE,
    Atoms,
    Monomial,
    NotAMonomial,
    Polynomial,
    monomial_node,
    plus,
    times,
)
from checker.satisfiability.product_facts import (
    ZERO,
    Inequality,
    Row,
    Rows,
    added,
    comparison,
    find_signs,
    is_signed,
    sign_facts,
    sums_of,
)

_MOST_PAIRS = 60
_BITS = 128
_SCALE = 10**6
_SIMPLE = 10**4


def rows_of(premises: Sequence[Claim], late: frozenset[int], clock: Clock) -> Rows:
    """Everything the premises, claims over real variables, say of products of positive numbers.

    Signs are first read off the premises that are not `late`. What is not found in the time of `clock` is
    left out, which only weakens what is known.
    """
    out = Rows(clock)
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
        find_signs(out)
        out.inequalities = every
    find_signs(out)
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
        if out.over():
            break
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
    if not all(is_signed(out, m) for m in each.left):
        return
    for term in terms:
        rest = [m for m, _ in terms if m != term[0]]
        uneven = [m for m in rest if any(e.denominator > 1 or e % 2 for _, e in m)]
        _add_row(out, term, big, each.strict, each.premises, sign_facts(out, uneven))
        if not each.strict and any(all(a in out.positive for a, _ in m) for m in rest):
            _add_row(out, term, big, True, each.premises, sign_facts(out, rest))


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
    sums = sums_of(out)
    names = [name for name in out.atoms.sums if name in out.positive]
    differences = [name for name in names if any(c < 0 for c in out.atoms.sums[name].values())]
    for name in names:
        if out.over():
            return
        whole: Polynomial = {((name, Fraction(1)),): Fraction(1)}
        most = sums.largest(whole) if name in differences else None
        number = None if most is None else Fraction(most).limit_denominator(_SIMPLE)
        if number is not None and number > 0:
            _ordered(out, sums, whole, {ONE: number})
        if name not in differences:
            _terms(out, name)
    for left, right in list(permutations(differences, 2))[:_MOST_PAIRS]:
        if out.over():
            return
        _ordered(out, sums, {((left, Fraction(1)),): Fraction(1)}, {((right, Fraction(1)),): Fraction(1)})


def _terms(out: Rows, name: str) -> None:
    """Each term of a sum of positive terms is at most the sum; it is less where another is positive."""
    terms, nodes = out.atoms.sums[name], out.atoms.nodes
    if not all(is_signed(out, m) for m in terms):
        return
    for m, c in terms.items():
        facts = sign_facts(out, terms)
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
    index = added(out, claim, used, names)
    _add_row(out, (left, c), (right, e), strict, frozenset(), frozenset({index}))
