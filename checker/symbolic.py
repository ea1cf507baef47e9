"""Proof steps: does each follow over the real numbers?

A step holds where z3 and cvc5 both prove it, or a subdivision in boxes does, its conclusion is certainly
defined, and some point certainly satisfies its assumptions. It fails where a point, re-checked on the step's
own trees in exact arithmetic, satisfies every assumption and violates the conclusion. All else is undecided.
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import Final

from checker.processes import solver_pair
from checker.proofs.decide import Outcome, decide
from checker.records import ProofStepRecord
from checker.theorem import ProofStep
from checker.verdict import Verdict

CUT: Final = "not examined: cut by the budget"
"""Why a step was not looked at."""


def decide_steps(
    steps: Sequence[ProofStep],
    *,
    seconds: float = 5.0,
    total: float = math.inf,
    on_step: Callable[[ProofStepRecord], None] | None = None,
) -> tuple[ProofStepRecord, ...]:
    """Decide each proof step, in order, over real variables; at most about `seconds` each.

    A record says "holds", "fails" or "undecided" with the reason. The engine says who proved it: "z3+cvc5"
    (both), with the rewriting that was needed if any, or "subdivision in balls, N boxes"; or who found the
    counterexample. A counterexample gives every variable an exact text: a rational "p/q", or, where an
    equation of the assumptions forces an irrational value, an expression of the claim language such as
    "sqrt(2)". Once `total` seconds are over the remaining steps are undecided, with the reason CUT.

    `on_step` hears of each record as it is done. The solvers run in child processes with time and memory
    limits, and are killed where they keep neither.
    """
    records: list[ProofStepRecord] = []
    if not steps:
        return ()
    end = time.monotonic() + total
    with solver_pair() as pair:
        for step in steps:
            over = time.monotonic() >= end
            outcome = Outcome(Verdict.UNDECIDED, "none", CUT) if over else decide(step, pair, seconds)
            record = ProofStepRecord(
                name=step.name,
                status=outcome.verdict.value,
                engine=outcome.engine,
                counterexample=outcome.counterexample,
                assume=tuple(claim.text for claim in step.assume),
                show=step.show.text,
                reason=outcome.reason,
            )
            records.append(record)
            if on_step is not None:
                on_step(record)
    return tuple(records)
