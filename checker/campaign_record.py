"""What a campaign of runs found, its fixed order of work, and the certified gate of every run."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from checker.candidates import activations, shapes
from checker.configuration import Configuration
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.hidden import threshold
from checker.hypotheses import Judged, equilibrium_certified, gates, judge_hypotheses
from checker.names import (
    claim_dependencies,
    claims_well_posedness,
    of_quantifier,
)
from checker.near import NearScenes, ladder
from checker.outcomes import Run
from checker.records import Hidden
from checker.request import Request
from checker.search import Assessed
from checker.standing import standing_failures
from checker.sweep import Sweep
from checker.theorem import Theorem
from checker.ties import settled_gates
from checker.verdict import Basis, Verdict

SEARCH_BITS = (64, 128, 256)


"""Precisions tried for a candidate's hypotheses; a candidate needing more is passed over."""


@dataclass
class Campaign:
    """What was found: judged runs in order, the violation if one stands, and the nearest miss."""

    runs: list[Run] = field(default_factory=list[Run])
    hypotheses: list[Judged] = field(default_factory=list[Judged])
    violation: tuple[Run, str] | None = None
    closest: Assessed | None = None
    basis: Basis = Basis.WITNESS
    tried: int = 0
    satisfying: int = 0
    dismissed: int = 0
    excluded: dict[str, float] = field(default_factory=dict[str, float])
    swept: Sweep = field(default_factory=Sweep)

    def held(self) -> int:
        """Runs in which every conclusion held at every step."""
        return sum(1 for r in self.runs if r.verdict is Verdict.HOLDS)

    def keep_violation(self, theorem: Theorem, result: Run, judged: list[Judged]) -> bool:
        """Record a run that violates a conclusion; True if it refutes the theorem.

        Where hypotheses have a hidden constant it excludes the values for which they
        hold at this run, and refutes only if those are all.
        """
        self.satisfying += 1
        self.hypotheses = self.hypotheses or judged
        failed = standing_failures(theorem, result)
        if not failed:
            return False
        for name in sorted(of_quantifier(theorem, "hidden")):
            about = [
                c for c in theorem.hypotheses if name in claim_dependencies(c.claim, theorem.definitions)
            ]
            found = threshold(theorem, result.configuration, about, name) if about else None
            if found is not None and found.side != "every value":
                if found.value is not None:
                    text = f"{name} {'<=' if found.side == 'at most' else '>='}"
                    keep = max if found.side == "at most" else min
                    self.excluded[text] = keep(self.excluded.get(text, found.value), found.value)
                return False
        self.runs.append(result)
        self.violation = (result, min(failed, key=lambda n: (result.outcomes[n].failed_at or 0, n)))
        return True

    def hidden_rows(self, theorem: Theorem) -> tuple[Hidden, ...]:
        """What the runs say of each hidden constant in the hypotheses."""
        rows: list[Hidden] = []
        for name in sorted(of_quantifier(theorem, "hidden")):
            texts = [
                f"{text} {value:.6g}" for text, value in self.excluded.items() if text.startswith(f"{name} ")
            ]
            value = next((v for t, v in self.excluded.items() if t.startswith(f"{name} ")), None)
            trend = (
                "no run needs any value"
                if value is None
                else "runs were violated below it; the trend was not fitted"
            )
            rows.append(Hidden(name, value, trend, "; ".join(texts)))
        return tuple(rows)

    def hidden_supported(self) -> bool:
        """Does no run exclude any value of a hidden constant?"""
        return not self.excluded


def hidden_gates(theorem: Theorem, configuration: Configuration) -> frozenset[str]:
    """Gates that mention a hidden constant; they gate no run."""
    hidden = of_quantifier(theorem, "hidden")
    return frozenset(
        c.name
        for c in gates(theorem, configuration)
        if claim_dependencies(c.claim, theorem.definitions) & hidden
    )


def certified(
    theorem: Theorem, configuration: Configuration, conclusion_name: str = ""
) -> list[Judged] | None:
    """The judged hypotheses if all of them certainly hold and the equilibrium is certified, else None.

    The equilibrium is waived where the named conclusion is about it; where none is named, where any is.
    """
    precisions, scenes = ladder(configuration, SEARCH_BITS), NearScenes(theorem)
    try:
        judged = judge_hypotheses(
            theorem,
            configuration,
            skip=hidden_gates(theorem, configuration),
            precisions=precisions,
            stop_at_failure=True,
            scenes=scenes,
        )
        judged = settled_gates(theorem, configuration, judged)
        if any(j.verdict is not Verdict.HOLDS for j in judged):
            return None
        about = [c.name for c in theorem.conclusions if claims_well_posedness(c.claim)]
        waived = conclusion_name in about if conclusion_name else bool(about)
        certain, _ = equilibrium_certified(
            theorem, configuration, waived=waived, precisions=precisions[:2], scenes=scenes
        )
        return judged if certain else None
    except (NotEnclosed, CertainlyUndefined):
        return None


def units(theorem: Theorem, request: Request) -> list[tuple[dict[str, int], str | None]]:
    """The fixed order of work: every shape, the activations taken in turn."""
    kinds = activations(theorem, request)
    return (
        [(sizes, kinds[k % len(kinds)]) for k, sizes in enumerate(shapes(theorem, request))] if kinds else []
    )


def turned(theorem: Theorem, request: Request, activation: str | None, turn: int) -> str | None:
    kinds = activations(theorem, request)
    return kinds[(kinds.index(activation) + turn * 5) % len(kinds)] if activation in kinds else activation


def words(sizes: dict[str, int], activation: str | None) -> str:
    text = ", ".join(f"{k}={v}" for k, v in sizes.items())
    return text if activation is None else f"{text}, {activation}"


def note_closest(campaign: Campaign, found: Sequence[Assessed]) -> None:
    for a in found:
        if np.isfinite(a.hypotheses) and (
            campaign.closest is None or a.hypotheses > campaign.closest.hypotheses
        ):
            campaign.closest = a


def demoted(result: Run) -> Run:
    """A float run never refutes: what looks violated at computed points stays undecided."""
    outcomes = {
        name: replace(
            o, verdict=Verdict.UNDECIDED, reason=f"violated at the computed point of step {o.failed_at}"
        )
        if o.verdict is Verdict.FAILS
        else o
        for name, o in result.outcomes.items()
    }
    return replace(result, outcomes=outcomes)
