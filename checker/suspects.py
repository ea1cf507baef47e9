"""Which estimated runs look violated: proposals that are re-run in balls. No verdict depends on them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from checker.completing import Assessed
from checker.names import is_about_well_posedness
from checker.settings import SETTINGS
from checker.theorem import Theorem

SUSPICIOUS = -1e-12
"""An estimated margin below this is worth a run in balls."""

_RERUN = 4
"""Runs of one lot that are re-run where their margins look violated."""

_LARGE = 0.9  # the spectral norm from which on W may have several equilibria
_MOST_LARGE = 24  # so many of those are re-run


def suspects(theorem: Theorem, found: Sequence[Assessed]) -> list[Assessed]:
    """What to re-run of these candidates: the clearest violations first."""
    looks = sorted(
        (a for a in found if a.hypotheses >= 0 and a.conclusion < SUSPICIOUS), key=lambda a: a.conclusion
    )
    return [*looks[:_RERUN], *ill_posed(theorem, found)[::-1][:_MOST_LARGE]]


def ill_posed(theorem: Theorem, found: Sequence[Assessed]) -> list[Assessed]:
    """For claims of well-posedness, which floats cannot grade: candidates with large weights.

    The smallest weights come first.
    """
    if not is_about_well_posedness(theorem) or "W" not in SETTINGS[theorem.setting].parameters:
        return []
    rated = sorted(
        (float(np.linalg.norm(a.configuration.arrays["W"].floats, 2)), k)
        for k, a in enumerate(found)
        if a.hypotheses >= 0
    )
    return [replace(found[k], step=0) for size, k in rated if size >= _LARGE]
