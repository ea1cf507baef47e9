"""A closed form of the largest value: the hypotheses that bind, taken as equations and solved one by one.

At the largest value as many comparisons bind as there are unknowns in them. Each is made a polynomial and
solved for an unknown of degree one or two in it; roots are told apart by their values. The formula is then
enclosed in balls and compared with the certified value: what does not agree is not shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from flint import arb, ctx

from checker.enclosure import Ball, to_arb
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.simplify import free_names, parts_of
from checker.expression.tree import Call, Comparison, Name, Node
from checker.solving.algebra import NoFormula, Symbols, from_sympy, symbols_for, to_sympy
from checker.solving.oracle import BITS, Problem, margins, value

_BINDS = 1e-7  # the natural logarithm of the two sides' quotient, below which they count as equal
_MOST_OPERATIONS = 400
_NEAR = 1e-6


@dataclass(frozen=True)
class Formula:
    """A closed form, its enclosure here, the names of the claims that bind, and whether one is strict."""

    node: Node
    ball: arb
    binding: tuple[str, ...]
    strict: bool


def binding(problem: Problem, logs: Sequence[float]) -> list[tuple[str, Comparison]]:
    """The comparisons that are about equalities at a point and speak of an unknown, each with its claim."""
    found = margins(problem, logs)
    if found is None:
        return []
    owners = [n for n, c in zip(problem.names, problem.reduced.claims, strict=True) for _ in parts_of([c])]
    pairs = zip(owners, parts_of(problem.reduced.claims), found, strict=True)
    unknown = frozenset(problem.unknown)
    return [
        (name, part)
        for name, part, margin in pairs
        if abs(float(margin.mid())) < _BINDS and (free_names(part.left) | free_names(part.right)) & unknown
    ]


def formula(problem: Problem, logs: Sequence[float], target: str, definitions: Mapping[str, Node]) -> Formula:
    """The target at the point where the claims bind, in the theorem's own symbols.

    Raises NoFormula, in words, where there is none of this kind.
    """
    names = problem.reduced.leaves
    bound = binding(problem, logs)
    parts = [part for _, part in bound]
    used = frozenset[str]().union(*(free_names(p.left) | free_names(p.right) for p in parts))
    unknown = [n for n in problem.unknown if n in used]
    if target not in unknown or len(parts) != len(unknown):
        raise NoFormula(f"{len(parts)} hypotheses bind for {len(unknown)} unknowns")
    with ctx.workprec(BITS):
        here: dict[str, Ball] = dict(problem.leaves)
        here |= {n: arb(x).exp().mid() for n, x in zip(problem.unknown, logs, strict=True)}
        positive = {n: bool(here[n] > 0) for n in used}
        symbols = symbols_for(positive)
        related = _related(names, definitions, positive, symbols)
        equations = [_equation(part, symbols, here).subs(related) for part in parts]
        values = {symbols[n]: float(to_arb(here[n]).mid()) for n in used}
        solved = _solved(equations, [symbols[n] for n in unknown], symbols[target], values)
        node = from_sympy(_tidied(solved), {symbols[n]: names.get(n, Name(n, shape=())) for n in used})
        leaf = from_sympy(_tidied(solved), {symbols[n]: Name(n, shape=()) for n in used})
        strict = any(part.operator in "<>" for part in parts)
        return Formula(node, _enclosed(leaf, here), tuple(dict.fromkeys(n for n, _ in bound)), strict)


def _related(
    names: Mapping[str, Node], definitions: Mapping[str, Node], positive: Mapping[str, bool], symbols: Symbols
) -> dict[Any, Any]:
    """Leaves that are the square of another leaf by its definition, as such."""
    roots = {
        b: definitions[node.name]
        for b, node in names.items()
        if isinstance(node, Name) and node.name in definitions and positive.get(b)
    }
    return {
        symbols[a]: symbols[b] ** 2
        for a, square in names.items()
        for b, root in roots.items()
        if positive.get(a) and root == Call("sqrt", (square,))
    }


def _equation(part: Comparison, symbols: Symbols, here: Mapping[str, Ball]) -> Any:
    def pick(call: Call) -> Node:
        return _extreme(call, here)

    left, right = (to_sympy(side, symbols, pick) for side in (part.left, part.right))
    return left - right


def _extreme(call: Call, here: Mapping[str, Ball]) -> Node:
    """The argument that a min or max takes here, where that is certain."""
    if len(call.arguments) < 2:
        raise NoFormula("an extreme over an array")
    for node in call.arguments:
        own = value(node, here)
        others = [value(other, here) for other in call.arguments if other != node]
        if all(own <= o if call.function == "min" else own >= o for o in others):
            return node
    raise NoFormula("two arguments of a min or max are too close to tell which one counts")


def _numerator(e: Any) -> Any:
    top, _ = sympy.fraction(sympy.together(e))
    if top.count_ops() > _MOST_OPERATIONS:
        raise NoFormula("the equations grow too long")
    return sympy.expand(top)


def _solved(equations: list[Any], unknown: list[Any], target: Any, values: dict[Any, float]) -> Any:
    """The target by elimination: low degrees first, other orders where one leads nowhere."""
    found = _eliminated(
        [_numerator(e) for e in equations], [x for x in unknown if x != target], target, values
    )
    if found is None:
        raise NoFormula("the binding hypotheses have no closed form of low degree in it")
    return found


def _eliminated(todo: list[Any], left: list[Any], target: Any, values: dict[Any, float]) -> Any | None:
    if not left:
        return _root(todo[0], target, values) if len(todo) == 1 else None
    for most in (1, 2):
        for equation in todo:
            for x in left:
                root = _root(equation, x, values, most) if equation.has(x) else None
                if root is None:
                    continue
                try:
                    rest = [_numerator(e.subs(x, root)) for e in todo if e is not equation]
                except NoFormula:
                    continue
                found = _eliminated(rest, [y for y in left if y != x], target, values)
                if found is not None:
                    return found
    return None


def _root(equation: Any, x: Any, values: dict[Any, float], most: int = 2) -> Any | None:
    """The root of a polynomial in x that is the value of x here; None where the degree is beyond `most`."""
    if not equation.is_polynomial(x):
        return None
    polynomial = sympy.Poly(equation, x)
    degree = polynomial.degree()
    coefficients = polynomial.all_coeffs()
    if degree < 1:
        return None
    if all(c == 0 for c in coefficients[1:-1]):
        candidates = [_simple(-coefficients[-1] / coefficients[0]) ** sympy.Rational(1, degree)]
    elif degree > most or degree > 2:
        return None
    else:
        a, b, c = coefficients
        part = sympy.sqrt(sympy.factor(b * b - 4 * a * c))
        candidates = [(-b + part) / (2 * a), (-b - part) / (2 * a)]
    for candidate in (_signed(c, values) for c in candidates):
        number = complex(candidate.evalf(30, subs=values))
        if abs(number - values[x]) <= _NEAR * abs(values[x]):
            return _simple(candidate)
    return None


def _signed(e: Any, values: dict[Any, float]) -> Any:
    """Absolute values by the sign they have here; the formula is compared with a certified value anyway."""
    return e.replace(sympy.Abs, lambda a: a if float(a.evalf(subs=values)) >= 0 else -a)


def _simple(e: Any) -> Any:
    return sympy.factor(sympy.together(e)) if e.count_ops() <= _MOST_OPERATIONS else e


def _tidied(e: Any) -> Any:
    """The shortest of a few equal forms."""
    forms = [e, sympy.factor(sympy.together(e))]
    if e.count_ops() <= _MOST_OPERATIONS:
        forms.append(sympy.radsimp(e))
        whole: Any = sympy.together(e)
        forms.append(sympy.factor_terms(whole))
    return min(forms, key=lambda form: (form.count_ops(), str(form)))


def _enclosed(node: Node, here: Mapping[str, Ball]) -> arb:
    try:
        return to_arb(value(node, here))
    except (NotEnclosed, CertainlyUndefined) as error:
        raise NoFormula("the closed form cannot be enclosed here") from error


def agrees(found: Formula, low: Ball, high: Ball) -> bool:
    """Is the closed form certainly between two certified numbers?"""
    return bool(found.ball >= to_arb(low)) and bool(found.ball <= to_arb(high))
