"""Counterexamples looked for in float64 and confirmed exactly; seeded: the same step gives the same point.

A search proves nothing when it finds nothing. What it finds is rounded to short rationals and judged on the
step's own trees, so that no float takes part in the answer.
"""

import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from checker.expression.tree import Claim, Comparison
from checker.proofs.equations import Solved, TooLargeError
from checker.proofs.exact import Found, refutes, satisfies
from checker.proofs.floats import at_points, gaps
from checker.proofs.subdivision import bounds_of
from checker.proofs.tape import NotOnTapeError, Tape, to_tape

_COUNT: Final = 4096
_FEW: Final = 200
_NUMBERS: Final = 2**22  # values kept of one kind of points
_KEPT: Final = 128
_ROUNDS: Final = 40
_CONFIRMED: Final = 60
_DENOMINATORS: Final = (1, 2, 4, 10, 100, 10**4, 10**8)
_PLAIN: Final = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 8.0, 10.0, 0.5, 0.25, 0.75, 1.5, 0.1, 0.01, 100.0)

Values = NDArray[np.float64]


def search(
    assume: Sequence[Claim], show: Claim | None, solved: Solved, deadline: float, seed: int = 0
) -> Found | None:
    """A point that satisfies the assumptions and violates the claim (with None: satisfies them only).

    The point is confirmed exactly; None says nothing. `deadline` is of time.monotonic.
    """
    try:
        tape = _reduced(assume, show, solved)
    except (NotOnTapeError, TooLargeError):
        return None
    for point in _candidates(tape, show is not None, assume, deadline, seed):
        if time.monotonic() > deadline:
            return None
        if confirmed(assume, show, point, solved):
            return Found(point, solved)
    return None


def confirmed(
    assume: Sequence[Claim], show: Claim | None, point: dict[str, Fraction], solved: Solved
) -> bool:
    """The exact judgement of one point, of a counterexample or, without a claim, of the assumptions."""
    return satisfies(assume, point, solved) if show is None else refutes(assume, show, point, solved)


def _reduced(assume: Sequence[Claim], show: Claim | None, solved: Solved) -> Tape:
    """The claims in the free variables, without the equations that hold by construction."""
    done = solved.equations
    claims: list[Claim] = []
    for claim in (*assume, *(() if show is None else (show,))):
        parts = tuple(
            Comparison(part.operator, solved.applied(part.left), solved.applied(part.right))
            if isinstance(part, Comparison)
            else part
            for part in claim.parts
            if id(part) not in done
        )
        if parts or claim is show:
            claims.append(Claim(claim.text, parts))
    names = [name for each in solved.definitions for name in _names(each.equation)]
    free = tuple(name for name in dict.fromkeys(names) if name not in solved.names)
    return to_tape(claims, free)


def _names(part: Comparison) -> tuple[str, ...]:
    return to_tape([Claim("", (part,))]).variables


def _candidates(
    tape: Tape, with_claim: bool, assume: Sequence[Claim], deadline: float, seed: int
) -> Iterator[dict[str, Fraction]]:
    """Points worth an exact look, the plainest first."""
    count = len(tape.variables)
    if count == 0:
        yield {}
        return
    generator = np.random.default_rng(seed)
    low, high = (ends[:, 0] for ends in bounds_of(assume, tape.variables))
    many = max(64, min(_COUNT, _NUMBERS // max(1, len(tape.instructions))))
    seen: set[tuple[Fraction, ...]] = set()
    few = np.concatenate([_equal_points(low, high), _plain_points(low, high, _FEW, generator)], axis=1)
    yield from _rounded(tape, with_claim, few[:, _score(tape, with_claim, few) >= 0], seen)
    kinds = (few, _plain_points(low, high, many, generator), _spread_points(low, high, many, generator))
    points = np.concatenate(kinds, axis=1)
    score = _score(tape, with_claim, points)
    yield from _rounded(tape, with_claim, points[:, score >= 0], seen)
    best = points[:, np.argsort(-score, kind="stable")[:_KEPT]]
    score = _score(tape, with_claim, best)
    size = 0.5
    for _ in range(_ROUNDS):
        if time.monotonic() > deadline:
            return
        moved = best * (1 + size * generator.standard_normal(best.shape))
        moved += np.where(generator.random(best.shape) < 0.2, size * generator.standard_normal(best.shape), 0)
        moved = np.clip(moved, low[:, None], high[:, None])
        found = _score(tape, with_claim, moved)
        better = found > score
        best = np.where(better, moved, best)
        score = np.where(better, found, score)
        size *= 0.85
    yield from _rounded(tape, with_claim, best[:, np.argsort(-score, kind="stable")], seen)


def _score(tape: Tape, with_claim: bool, points: Values) -> Values:
    """Positive where every assumption holds and the claim fails, in floats; larger is clearer."""
    values = at_points(tape, points)
    worst = np.full(points.shape[1], np.inf)
    last = len(tape.claims) - int(with_claim)
    for k in range(last):
        if tape.claims[k]:
            worst = np.minimum(worst, gaps(tape, values, k).min(axis=0))
    if with_claim:
        worst = np.minimum(worst, -gaps(tape, values, last).min(axis=0))
    return worst


def _equal_points(low: Values, high: Values) -> Values:
    """Every variable the same plain number, as far as its bounds let it."""
    plain = np.array([*_PLAIN, *(-x for x in _PLAIN)])
    return np.clip(np.broadcast_to(plain, (low.size, plain.size)), low[:, None], high[:, None])


def _plain_points(low: Values, high: Values, many: int, generator: np.random.Generator) -> Values:
    """Combinations of plain numbers, and of plain fractions of the way between bounds."""
    columns: list[Values] = []
    for a, b in zip(low.tolist(), high.tolist(), strict=True):
        choice = np.array([*_PLAIN, *(-x for x in _PLAIN)])
        if np.isfinite(a) and np.isfinite(b):
            share = np.array([0, 1, 0.5, 0.25, 0.75, 0.1, 0.9, 0.01, 0.99])
            choice = np.concatenate([choice, a + (b - a) * share])
        elif np.isfinite(a):
            choice = np.concatenate([choice, a + np.array(_PLAIN)])
        elif np.isfinite(b):
            choice = np.concatenate([choice, b - np.array(_PLAIN)])
        choice = choice[(choice >= a) & (choice <= b)]
        if not choice.size:
            choice = np.array([a if np.isfinite(a) else 0.0])
        weights = 1.0 / (1 + np.arange(choice.size))
        columns.append(generator.choice(choice, many, p=weights / weights.sum()))
    return np.stack(columns)


def _spread_points(low: Values, high: Values, many: int, generator: np.random.Generator) -> Values:
    """Points of all magnitudes."""
    shape = (low.size, many)
    size = 10.0 ** generator.uniform(-4, 4, shape)
    points = np.where(generator.random(shape) < 0.5, size, -size)
    inside = low[:, None] + (np.minimum(high, 1e300) - np.maximum(low, -1e300))[:, None] * generator.random(
        shape
    )
    bounded = (np.isfinite(low) & np.isfinite(high))[:, None]
    points = np.where(bounded, inside, points)
    points = np.where(points < low[:, None], low[:, None] + size, points)
    return np.where(points > high[:, None], np.clip(high[:, None] - size, low[:, None], None), points)


def _rounded(
    tape: Tape, with_claim: bool, points: Values, seen: set[tuple[Fraction, ...]]
) -> Iterator[dict[str, Fraction]]:
    """Each point rounded to short rationals, where the floats still like it; few in all."""
    given = 0
    for column in range(min(points.shape[1], 4 * _CONFIRMED)):
        values = points[:, column].tolist()
        if not all(np.isfinite(values)):
            continue
        options = [tuple(Fraction(x).limit_denominator(d) for x in values) for d in _DENOMINATORS]
        options = [option for option in dict.fromkeys(options) if option not in seen]
        if not options:
            continue
        seen.update(options)
        rows = np.array([[float(x) for x in option] for option in options]).T
        liked = _score(tape, with_claim, rows) >= -1e-9
        for option, like in zip(options, liked.tolist(), strict=True):
            if like and given < _CONFIRMED:
                given += 1
                yield dict(zip(tape.variables, option, strict=True))
