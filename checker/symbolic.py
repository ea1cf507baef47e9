"""Proof steps: does each follow over the real numbers?

A step holds where z3 and cvc5 both prove it, or a subdivision in boxes does, its conclusion is certainly
defined, and some point certainly satisfies its assumptions. It fails where a point, re-checked on the step's
own trees in exact arithmetic, satisfies every assumption and violates the conclusion. All else is undecided.
"""

from collections.abc import Callable, Sequence

from checker.processes import solver_pair
from checker.proofs.decide import decide
from checker.records import ProofStepRecord
from checker.theorem import ProofStep


def decide_steps(
    steps: Sequence[ProofStep],
    *,
    seconds: float = 5.0,
    on_step: Callable[[ProofStepRecord], None] | None = None,
) -> tuple[ProofStepRecord, ...]:
    """Decide each proof step, in order, over real variables; at most about `seconds` each.

    A record says "holds", "fails" or "undecided" with the reason. The engine says who proved it: "z3+cvc5"
    (both), with the rewriting that was needed if any, or "subdivision in balls, N boxes"; or who found the
    counterexample. A counterexample gives every variable an exact text: a rational "p/q", or, where an
    equation of the assumptions forces an irrational value, an expression of the claim language such as
    "sqrt(2)".

    `on_step` hears of each record as it is done. The solvers run in child processes with time and memory
    limits, and are killed where they keep neither.
    """
    records: list[ProofStepRecord] = []
    if not steps:
        return ()
    with solver_pair() as pair:
        for step in steps:
            outcome = decide(step, pair, seconds)
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
