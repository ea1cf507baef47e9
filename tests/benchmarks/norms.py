"""Is |W|_2 <= b? One decision beside the float product W'W of the same matrix.

W is Gaussian with |W|_2 about 0.8; the bounds lie a relative 1e-8 above and below the norm, which was
bracketed first.
"""

from dataclasses import dataclass
from statistics import median

import numpy as np

from checker.blas import extremes
from checker.verdict import Verdict
from tests.benchmarks.spectral import interleaved

SIZES = (1024, 2048, 4096)
QUICK = (256, 1024)
MARGIN = 1e-8


@dataclass(frozen=True)
class Row:
    """One size. Times are medians in seconds; `gap` is the relative width of the bracket."""

    m: int
    repeats: int
    product: float
    prove: float
    refute: float
    prove_ratio: float
    refute_ratio: float
    gap: float
    undecided: int


def rows(*, quick: bool = False) -> list[Row]:
    """One row a size; `quick` leaves out the large ones."""
    return [measured(m) for m in (QUICK if quick else SIZES)]


def measured(m: int) -> Row:
    """The two decisions and the product take turns."""
    W = np.random.default_rng(m).standard_normal((m, m)) * (0.4 / np.sqrt(m))
    found = extremes.norm2(W)
    verdicts: list[Verdict] = []
    repeats = 3 if m < 4096 else 1
    seconds = interleaved(
        {
            "product": lambda: W.T @ W,
            "prove": lambda: verdicts.append(extremes.norm_at_most(W, found.hi * (1 + MARGIN))),
            "refute": lambda: verdicts.append(extremes.norm_at_most(W, found.lo * (1 - MARGIN))),
        },
        repeats,
    )
    times = {name: median(values) for name, values in seconds.items()}
    return Row(
        m,
        repeats,
        **times,
        prove_ratio=times["prove"] / times["product"],
        refute_ratio=times["refute"] / times["product"],
        gap=(found.hi - found.lo) / found.hi,
        undecided=verdicts.count(Verdict.UNDECIDED),
    )
