"""Searches in a few positive unknowns: the best choice, and the largest value of one of them.

Successive linear programming, with a second-order correction, in the unknowns' logarithms, where the margins
of claims made of sums of products of powers are smooth; it converges quadratically where as many claims bind
as there are unknowns (Fletcher & Sainz de la Maza, Mathematical Programming 43 (1989) 235-256). Floats only:
proposals, not proofs.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import TypeAlias

import numpy as np
from flint import arb, ctx
from numpy.typing import NDArray
from scipy.optimize import OptimizeWarning, linprog  # pyright: ignore[reportMissingTypeStubs]

from checker.solving.oracle import BITS, FAR, Problem, margins

Floats = NDArray[np.float64]

Oracle: TypeAlias = Callable[[Sequence[float]], list[arb] | None]
"""Margins (natural logarithms) at the unknowns' logarithms; None where something is undefined."""

_ROUNDS = 80
_MOST_ROWS = 14  # of a linear program; the margins that cannot be the worst are left out
_MOST_VERTICES = 4000  # tried one by one; larger programs go to a solver
MOST_UNKNOWNS = 12
"""The most unknowns that a search takes on; each of its steps evaluates every claim once for each of them."""

_NARROW = 2.0**-46
_PENALTY = 50.0  # of a violated margin against the logarithm of the target; beyond usual multipliers
FINE, COARSE = 2.0**-30, 2.0**-16
"""Widths of difference quotients: where the oracle has BITS bits, and where it has a float's."""


def oracle_of(problem: Problem) -> Oracle:
    """The margins of a problem at its leaves' middles."""
    return lambda logs: margins(problem, logs)


def _slopes(oracle: Oracle, x: Floats, here: list[arb], width: float) -> Floats | None:
    """Derivatives of the margins, one row a comparison; None where a neighbour has no value."""
    rows = np.zeros((len(here), len(x)))
    for j in range(len(x)):
        moved = x.copy()
        moved[j] += width
        there = oracle(moved.tolist())
        if there is None:
            return None
        with ctx.workprec(BITS):
            rows[:, j] = [
                float(((b - a) / (moved[j] - x[j])).mid()) for a, b in zip(here, there, strict=True)
            ]
    return rows


def _worst(found: list[arb] | None) -> float:
    return -math.inf if found is None else min((float(m.mid()) for m in found), default=FAR)


def _program(cost: Floats, rows: Floats, right: Floats, scale: float) -> Floats | None:
    """The x with rows @ x <= right at which cost @ x is largest, None where none is found.

    The polytope must be bounded. Few vertices are all tried, else a solver is asked.
    `scale` is the size of x.
    """
    size = rows.shape[1]
    if math.comb(len(rows), size) > _MOST_VERTICES:
        return _solved(cost, rows, right, scale)
    chosen = np.array(list(combinations(range(len(rows)), size)))
    matrices = rows[chosen]
    regular = np.abs(np.linalg.det(matrices)) > 1e-12
    if not regular.any():
        return None
    vertices = np.linalg.solve(matrices[regular], right[chosen][regular][..., None])[..., 0]
    slack = right[None, :] - vertices @ rows.T
    feasible = (slack >= -1e-9 * scale * (1 + np.abs(rows).sum(axis=1))).all(axis=1)
    if not feasible.any():
        return None
    return vertices[feasible][int(np.argmax(vertices[feasible] @ cost))]


def _solved(cost: Floats, rows: Floats, right: Floats, scale: float) -> Floats | None:
    """The same by a solver, for more unknowns; the program is scaled to size one first."""
    if not all(np.isfinite(part).all() for part in (cost, rows, right)):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)
        found = linprog(-cost, A_ub=rows, b_ub=right / scale, bounds=(None, None), method="highs")
    return None if found.x is None else np.asarray(found.x, dtype=np.float64) * scale


def _step(m: Floats, slopes: Floats, radius: float, target: int | None) -> Floats:
    """The best step of the linearised problem within the radius."""
    k = slopes.shape[1]
    near = m <= radius * np.abs(slopes).sum(axis=1)  # the others hold anywhere within the radius
    ball = np.vstack([np.eye(k), -np.eye(k)])
    if target is not None:
        found = _program(
            np.eye(k)[target],
            np.vstack([-slopes[near], ball]),
            np.append(m[near], np.full(2 * k, radius)),
            radius,
        )
        if found is not None:
            return found
    few = max(_MOST_ROWS - 2 * k, k + 4)
    low = np.argsort(m + radius * np.abs(slopes).sum(axis=1))[:few]
    rows = np.hstack([-slopes[low], np.ones((len(low), 1))])
    box = np.hstack([ball, np.zeros((2 * k, 1))])
    found = _program(
        np.append(np.zeros(k), 1.0),
        np.vstack([rows, box]),
        np.append(m[low], np.full(2 * k, radius)),
        radius,
    )
    return np.zeros(k) if found is None else found[:k]


def climb(
    oracle: Oracle,
    start: Sequence[float],
    aim: int | None = None,
    *,
    radius: float = 2.0,
    width: float = FINE,
    narrow: float = _NARROW,
    enough: float = math.inf,
) -> tuple[list[float], float]:
    """Logarithms of the unknowns found from `start`, and the worst margin there.

    Without an aim the worst margin is made large; with one, the unknown of that index, while every margin
    stays about nonnegative. A search for a margin ends where it exceeds `enough`. A worst margin of -inf
    means that the start has no value. `width` is that of difference quotients; steps and gains below
    `narrow` end the search.
    """
    x = np.asarray(start, dtype=np.float64)

    def merit(point: Floats, worst: float) -> float:
        return worst if aim is None else float(point[aim]) + _PENALTY * min(worst, 0.0)

    here = oracle(x.tolist())
    worst = _worst(here)
    for _ in range(_ROUNDS if len(x) else 0):
        slopes = None if here is None else _slopes(oracle, x, here, width)
        if here is None or slopes is None or radius < narrow:
            break
        if aim is None and worst > enough:
            break
        m = np.array([float(v.mid()) for v in here])
        moved = False
        while radius >= narrow:
            step = _step(m, slopes, radius, aim)
            there = oracle((x + step).tolist())
            found = _worst(there)
            if aim is not None and there is not None and found < 0:  # follow curved bounds
                after = np.array([float(v.mid()) for v in there])
                bent = step + _step(after, slopes, radius, aim)
                other = oracle((x + bent).tolist())
                if merit(x + bent, _worst(other)) > merit(x + step, found):
                    step, there, found = bent, other, _worst(other)
            size = float(np.abs(step).max(initial=0.0))
            gain = merit(x + step, found) - merit(x, worst)
            if gain > 0:
                moved = gain > narrow
                x, here, worst = x + step, there, found
                radius = min(8.0, radius * 2) if size > radius / 2 else radius
                break
            radius = min(radius, size or radius) / 4
        if not moved:
            break
    return x.tolist(), worst


def best_seed(oracle: Oracle, seeds: Sequence[Sequence[float]]) -> list[float] | None:
    """The first seed with a positive worst margin, else the best; None where none has a value."""
    best, found = -math.inf, None
    for seed in seeds:
        worst = _worst(oracle(seed))
        if worst > best:
            best, found = worst, list(seed)
        if worst > 0:
            break
    return found
