"""Every solution of z = W phi(z) + u for piecewise linear phi and few neurons, by sign patterns.

On each orthant phi is linear, so z solves (I - W D) z = u; the orthants {z_i > 0} x {z_i <= 0}
partition the space, so solutions are counted once. Balls decide most patterns; those they leave
open are decided in rationals where W and u are exact.
"""

from dataclasses import dataclass
from itertools import product

from flint import arb, arb_mat, fmpq, fmpq_mat

from checker.activations import BallActivation
from checker.enclosure import columns_of, from_columns, is_exact
from checker.rationals import rational_matrix
from checker.verdict import Verdict

_WIDTH = 8
_PATTERNS = 4096
"""The most patterns, over all columns, that are enumerated."""


@dataclass(frozen=True)
class _Pattern:
    """One orthant: `found` solutions in it (None: not decided; 2 stands for infinitely many)."""

    found: int | None
    z: arb_mat | None = None


def countable(activation: BallActivation, m: int, n: int) -> bool:
    """Is enumeration affordable?"""
    return activation.slopes is not None and m <= _WIDTH and (n << m) <= _PATTERNS


def all_solutions(
    activation: BallActivation, W: arb_mat, source: arb_mat
) -> tuple[Verdict, str, arb_mat | None]:
    """Verdict, reason, and the preactivations where every column has exactly one solution."""
    left, right = activation.slopes or (fmpq(1), fmpq(1))
    unique: list[list[arb]] = []
    undecided = False
    for j, u in enumerate(columns_of(source)):
        patterns = _patterns_of(W, u, left, right)
        counts = [pattern.found for pattern in patterns]
        known = sum(count for count in counts if count is not None)
        if known > 1:
            many = "infinitely many" if max(c or 0 for c in counts) > 1 else f"at least {known}"
            return Verdict.FAILS, f"sample {j} has {many} equilibria (all sign patterns were examined)", None
        if None in counts:
            undecided = True
        elif known == 0:
            return Verdict.FAILS, f"sample {j} has no equilibrium (all sign patterns were examined)", None
        unique += [
            pattern.z.entries() for pattern in patterns if pattern.z is not None and pattern.found == 1
        ]
    if undecided:
        return (
            Verdict.UNDECIDED,
            "the sign of some preactivation is open, and so is the number of equilibria",
            None,
        )
    return (
        Verdict.HOLDS,
        "exactly one equilibrium per sample (all sign patterns were examined)",
        from_columns(unique),
    )


def _patterns_of(W: arb_mat, u: arb_mat, left: fmpq, right: fmpq) -> list[_Pattern]:
    m = W.nrows()
    if left == right:
        choices: list[tuple[bool, ...] | None] = [None]
    else:
        choices = list(product((False, True), repeat=m))
    out: list[_Pattern] = []
    exact = is_exact(W) and is_exact(u)
    for signs in choices:
        slopes = [right if signs is None or up else left for up in (signs or (True,) * m)]
        found = _in_balls(W, u, slopes, signs)
        if found.found is None and exact:
            found = _in_rationals(rational_matrix(W), rational_matrix(u), slopes, signs)
        out.append(found)
    return out


def _in_balls(W: arb_mat, u: arb_mat, slopes: list[fmpq], signs: tuple[bool, ...] | None) -> _Pattern:
    m = W.nrows()
    weights = W.entries()
    rows = [int(i == c) - weights[i * m + c] * slopes[c] for i in range(m) for c in range(m)]
    try:
        z = arb_mat(m, m, rows).solve(u)
    except ZeroDivisionError:
        return _Pattern(None)
    if signs is None:
        return _Pattern(1, z)
    open_sign = False
    for value, up in zip(z.entries(), signs, strict=True):
        if (value <= 0) if up else (value > 0):
            return _Pattern(0)
        open_sign = open_sign or not ((value > 0) if up else (value <= 0))
    return _Pattern(None) if open_sign else _Pattern(1, z)


def _in_rationals(W: fmpq_mat, u: fmpq_mat, slopes: list[fmpq], signs: tuple[bool, ...] | None) -> _Pattern:
    m = W.nrows()
    system = fmpq_mat(m, m + 1)
    for i in range(m):
        for c in range(m):
            system[i, c] = int(i == c) - W[i, c] * slopes[c]
        system[i, m] = u[i, 0]
    reduced, rank = system.rref()
    pivots = [next(c for c in range(m + 1) if reduced[i, c] != 0) for i in range(rank)]
    if m in pivots:
        return _Pattern(0)
    point = [fmpq(0)] * m
    for i, c in enumerate(pivots):
        point[c] = reduced[i, m]
    free = [c for c in range(m) if c not in pivots]
    if not free:
        return _Pattern(1, _column(point)) if _inside(point, signs) else _Pattern(0)
    if signs is None:
        return _Pattern(2)
    if len(free) > 1:
        return _Pattern(2) if _inside(point, signs) and _interior(point) else _Pattern(None)
    direction = [fmpq(0)] * m
    direction[free[0]] = fmpq(1)
    for i, c in enumerate(pivots):
        direction[c] = -reduced[i, free[0]]
    return _on_line(point, direction, signs)


def _column(point: list[fmpq]) -> arb_mat:
    return arb_mat(len(point), 1, [arb(x) for x in point])


def _inside(point: list[fmpq], signs: tuple[bool, ...] | None) -> bool:
    return signs is None or all((x > 0) if up else (x <= 0) for x, up in zip(point, signs, strict=True))


def _interior(point: list[fmpq]) -> bool:
    return all(x != 0 for x in point)


def _on_line(point: list[fmpq], direction: list[fmpq], signs: tuple[bool, ...]) -> _Pattern:
    """How many s put point + s*direction into the orthant: none, one or infinitely many."""
    low: fmpq | None = None
    high: fmpq | None = None
    low_open = high_open = False
    for x, v, up in zip(point, direction, signs, strict=True):
        if v == 0:
            if not ((x > 0) if up else (x <= 0)):
                return _Pattern(0)
            continue
        bound = -x / v
        if (v > 0) == up:
            if low is None or bound > low or (bound == low and up):
                low, low_open = bound, up
        elif high is None or bound < high or (bound == high and up):
            high, high_open = bound, up
    if low is None or high is None or low < high:
        return _Pattern(2)
    if low > high or low_open or high_open:
        return _Pattern(0)
    return _Pattern(1, _column([x + low * v for x, v in zip(point, direction, strict=True)]))
