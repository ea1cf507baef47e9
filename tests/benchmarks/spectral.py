"""Certified eigenvalues beside the float ones, beside balls and beside intervals, in one run.

All ratios are to `numpy.linalg.eigvalsh` of the same matrix, a Wishart matrix of aspect 2, timed in
the same repeat; medians. `decide` is lambda_min >= 0.9*lambda_min (proved) and `refute` the same at
1.1; `value` brackets lambda_min on both sides, to the relative width `gap`; `all` brackets every
eigenvalue; `norm` decides |A|_2 against a bound 1e-8 above it. `flint` is acb_mat.eig at 64 bits
(clusters allowed), for n <= 200 only; `intervals` is an LDL' factorisation of mpmath.iv, for n <= 50
only: a decision, no value.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from flint import acb_mat, arb_mat, ctx
from mpmath import iv

from checker.blas import extremes
from checker.verdict import Verdict

SIZES = (10, 20, 50, 100, 200, 500, 1000, 2000)
QUICK = (10, 50, 200, 500)
LARGEST_FLINT, LARGEST_INTERVALS = 200, 50


@dataclass(frozen=True)
class Row:
    """One size. `eigvalsh` is in seconds, `gap` relative; all others are multiples of `eigvalsh`, None
    where not measured. `undecided` counts questions left open: all have answers."""

    n: int
    repeats: int
    eigvalsh: float
    decide: float
    refute: float
    value: float
    all: float
    norm: float
    flint: float | None
    intervals: float | None
    gap: float
    undecided: int


def rows(*, quick: bool = False) -> list[Row]:
    """One row a size; `quick` leaves out the large ones."""
    return [measured(n) for n in (QUICK if quick else SIZES)]


def wishart(n: int) -> np.ndarray:
    """T'T/2n for Gaussian T (2n, n), exactly symmetric."""
    T = np.random.default_rng(n).standard_normal((2 * n, n))
    A = np.tril(T.T @ T / (2 * n))
    return A + np.tril(A, -1).T


def measured(n: int) -> Row:
    """Contenders take turns; a first round is not counted."""
    A = wishart(n)
    found, norm = extremes.lambda_min(A), extremes.norm2(A).hi
    verdicts: list[Verdict] = []
    contenders: dict[str, Callable[[], object]] = {
        "eigvalsh": lambda: np.linalg.eigvalsh(A),
        "decide": lambda: verdicts.append(extremes.at_least(A, 0.9 * found.lo)),
        "refute": lambda: verdicts.append(extremes.at_least(A, 1.1 * found.hi)),
        "value": lambda: extremes.lambda_min(A),
        "all": lambda: extremes.eigenvalues(A),
        "norm": lambda: verdicts.append(extremes.norm_at_most(A, norm * (1 + 1e-8))),
    }
    repeats = max(3, min(60, 4000 // n))
    seconds = interleaved(contenders, repeats)
    slow: dict[str, Callable[[], object]] = {"eigvalsh": contenders["eigvalsh"]}
    if n <= LARGEST_FLINT:
        slow["flint"] = lambda: eigenvalues_in_balls(A)
    if n <= LARGEST_INTERVALS:
        slow["intervals"] = lambda: definite_in_intervals(A)
    also = interleaved(slow, 3 if n < LARGEST_FLINT else 1) if len(slow) > 1 else {}
    ratio = {k: ratios(seconds, k) for k in contenders if k != "eigvalsh"}
    return Row(
        n,
        repeats,
        median(seconds["eigvalsh"]),
        **ratio,
        flint=ratios(also, "flint") if "flint" in also else None,
        intervals=ratios(also, "intervals") if "intervals" in also else None,
        gap=(found.hi - found.lo) / found.hi,
        undecided=verdicts.count(Verdict.UNDECIDED),
    )


def interleaved(contenders: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Seconds of every contender in every repeat, in turns, after a round that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for work in contenders.values():
        work()
    for _ in range(repeats):
        for name, work in contenders.items():
            start = perf_counter()
            work()
            seconds[name].append(perf_counter() - start)
    return seconds


def ratios(seconds: dict[str, list[float]], name: str) -> float:
    """The median over the repeats of this contender against `eigvalsh`."""
    pairs = zip(seconds[name], seconds["eigvalsh"], strict=True)
    return median(mine / reference for mine, reference in pairs)


def eigenvalues_in_balls(A: np.ndarray) -> object:
    """FLINT's verified eigenvalues at 64 bits."""
    with ctx.workprec(64):
        return acb_mat(arb_mat(A.tolist())).eig(multiple=True)


def definite_in_intervals(A: np.ndarray) -> bool:
    """Are all pivots of LDL' certainly positive?"""
    rest: list[list[Any]] = [[iv.mpf(x) for x in row] for row in A.tolist()]  # mpmath has no types
    for k in range(len(rest)):
        if not rest[k][k] > 0:
            return False
        for i in range(k + 1, len(rest)):
            factor = rest[i][k] / rest[k][k]
            for j in range(k + 1, i + 1):
                rest[i][j] = rest[i][j] - factor * rest[j][k]
    return True
