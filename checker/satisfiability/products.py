"""Contradictions found by multiplying inequalities between positive numbers, as a reader would do it.

Powers of rows `c * (product of powers of atoms) <= 1` are multiplied until every atom cancels. What is left,
a rational number, exceeds 1: the rows contradict each other. The powers come from a linear program in
floats (Farkas' lemma for the logarithms) and are found again, and checked, in exact rationals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm, log

import numpy as np
from scipy.optimize import linprog  # pyright: ignore[reportMissingTypeStubs]

from checker.satisfiability.monomials import Monomial, times
from checker.satisfiability.product_facts import Row, Rows

_TINY = 1e-7
_LARGEST_POWER = 10**4


@dataclass(frozen=True)
class Product:
    """Rows with whole powers whose product reads `constant <= 1`, and yet constant > 1 (or = 1, strictly)."""

    rows: tuple[tuple[Row, int], ...]
    constant: Fraction


def contradictory_product(found: Rows) -> Product | None:
    """A product of rows that is false, one that rests on few premises; None where there is none."""
    costs = [1.0 + 0.1 * len(found.premises_of(frozenset({row.fact}))) for row in found.rows]
    for strict in (False, True):
        support = _support(found.rows, costs, strict=strict)
        if support is not None:
            exact = _exactly([found.rows[k] for k in support])
            if exact is not None:
                return exact
    return None


def _support(rows: Sequence[Row], costs: Sequence[float], *, strict: bool) -> list[int] | None:
    """Which rows a false product needs; with `strict` one may say 1 < 1."""
    if not rows:
        return None
    atoms = sorted({atom for row in rows for atom, _ in row.monomial})
    index = {atom: i for i, atom in enumerate(atoms)}
    matrix = np.zeros((len(atoms), len(rows)))
    for j, row in enumerate(rows):
        for atom, exponent in row.monomial:
            matrix[index[atom], j] = float(exponent)
    gain = np.array([log(row.coefficient.numerator) - log(row.coefficient.denominator) for row in rows])
    demands = [(-gain, 0.0 if strict else -1.0)]
    if strict:
        demands.append((np.array([-1.0 if row.strict else 0.0 for row in rows]), -1.0))
    answer = linprog(
        np.array(costs), A_ub=np.array([d[0] for d in demands]), b_ub=np.array([d[1] for d in demands]),
        A_eq=matrix, b_eq=np.zeros(len(atoms)), bounds=(0, None), method="highs-ds",
    )  # fmt: skip
    if answer.status != 0:
        return None
    return [j for j, weight in enumerate(answer.x) if weight > _TINY * max(1.0, float(np.max(answer.x)))]


def _exactly(rows: Sequence[Row]) -> Product | None:
    """The whole powers of rows that cancel every atom, checked in exact rationals."""
    atoms = sorted({atom for row in rows for atom, _ in row.monomial})
    table = [[dict(row.monomial).get(atom, Fraction(0)) for row in rows] for atom in atoms]
    powers = _one_solution(table, len(rows))
    if powers is None:
        return None
    if powers[0] < 0:
        powers = [-p for p in powers]
    if any(p <= 0 for p in powers):
        return None
    scale = lcm(*(p.denominator for p in powers))
    whole = [int(p * scale) for p in powers]
    if max(whole) > _LARGEST_POWER:
        return None
    product, left = Fraction(1), ()
    for row, power in zip(rows, whole, strict=True):
        product *= row.coefficient**power
        left: Monomial = times(left, row.monomial, Fraction(power))
    false = product > 1 or (product == 1 and any(row.strict for row in rows))
    if left or not false:
        return None
    return Product(tuple(zip(rows, whole, strict=True)), product)


def _one_solution(table: list[list[Fraction]], count: int) -> list[Fraction] | None:
    """The solution of table * x = 0, unique up to a factor, with one entry 1; None where there is no such."""
    rows = [list(row) for row in table]
    pivots: list[int] = []
    for column in range(count):
        at = next((r for r in range(len(pivots), len(rows)) if rows[r][column]), None)
        if at is None:
            continue
        top = len(pivots)
        rows[top], rows[at] = rows[at], rows[top]
        rows[top] = [x / rows[top][column] for x in rows[top]]
        for r in range(len(rows)):
            if r != top and rows[r][column]:
                rows[r] = [x - rows[r][column] * y for x, y in zip(rows[r], rows[top], strict=True)]
        pivots.append(column)
    free = [column for column in range(count) if column not in pivots]
    if len(free) != 1:
        return None
    found = [Fraction(0)] * count
    found[free[0]] = Fraction(1)
    for r, column in enumerate(pivots):
        found[column] = -rows[r][free[0]]
    return found
