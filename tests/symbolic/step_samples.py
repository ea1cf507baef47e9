"""Proof steps with known answers, and how they are asked."""

from checker.expression.parse import parse_claim
from checker.records import ProofStepRecord
from checker.symbolic import decide_steps
from checker.theorem import ProofStep

Text = tuple[list[str], str]


def step(assume: list[str], show: str, name: str = "step") -> ProofStep:
    """A step from texts."""
    return ProofStep(name, tuple(map(parse_claim, assume)), parse_claim(show))


def decide(assume: list[str], show: str, seconds: float = 10.0) -> ProofStepRecord:
    """One step, decided."""
    (record,) = decide_steps([step(assume, show)], seconds=seconds)
    return record


def decide_all(steps: dict[str, Text], seconds: float) -> dict[str, ProofStepRecord]:
    """Named steps, decided with one pair of solvers."""
    made = [step(assume, show, name) for name, (assume, show) in steps.items()]
    return {record.name: record for record in decide_steps(made, seconds=seconds)}


def signs(names: str) -> list[str]:
    """Each name is at least 0."""
    return [f"{name} >= 0" for name in names.split()]
