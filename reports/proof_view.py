"""Proof steps: the sections of an audit report."""

from collections.abc import Sequence

from checker.proofs.putting import failing_sides
from checker.records import AuditReport, ProofStepRecord
from reports.numbers import NOTHING, clean
from reports.parts import claim_cell, count_statuses, said, tagged
from reports.view import Cell, Section, Table
from reports.words import status_tag


def _step_row(step: ProofStepRecord) -> tuple[Cell, ...]:
    return (
        said(step.name),
        Cell(clean(", ".join(step.assume)) or NOTHING, code=True),
        claim_cell(step.show, "", "", _failure(step), step.reason),
        tagged(status_tag(step.status), step.engine),
    )


def _failure(step: ProofStepRecord) -> str:
    """Where a step fails, and what a person gets who puts these numbers in."""
    if step.counterexample is None:
        return ""
    found = ", ".join(f"{clean(k)} = {clean(v)}" for k, v in step.counterexample.items())
    sides = failing_sides(step.show, step.counterexample)
    put = "" if sides is None else f": the left side is {sides.left}, the right side {sides.right}"
    return (f"fails at {found}" if found else "fails as it stands") + put


_STEP_COLUMNS = ("Step", "From", "To", "Status")


def failed_steps(report: AuditReport) -> tuple[Section, ...]:
    """The steps that do not follow, if any: they come first."""
    failed = tuple(_step_row(step) for step in report.proof if step.status == "fails")
    if not failed:
        return ()
    many = f"{len(failed)} proof steps do" if len(failed) > 1 else "One proof step does"
    text = f"{many} not follow as stated. This changes no verdict: the claim may hold for another reason."
    return (
        Section("failed-proof", "The proof has a gap", (text,), (Table(_STEP_COLUMNS, failed),), tone="bad"),
    )


def proof_fact(steps: Sequence[ProofStepRecord]) -> str:
    """`32 hold, 0 fail, 0 undecided (z3 and cvc5)`: the engines are those of the steps that hold."""
    engines = dict.fromkeys(clean(step.engine) for step in steps if step.status == "holds" and step.engine)
    counted = count_statuses(step.status for step in steps)
    return f"{counted} ({'; '.join(engines)})" if engines else counted


def proof_section(report: AuditReport) -> Section:
    """Every step with its status."""
    if not report.proof:
        return Section("proof", "Proof steps", ("The file states no proof steps.",))
    rows = tuple(_step_row(step) for step in report.proof)
    text = "Steps over the reals: " + count_statuses(step.status for step in report.proof) + "."
    return Section("proof", "Proof steps", (text,), (Table(_STEP_COLUMNS, rows),), folded=len(rows) > 12)
