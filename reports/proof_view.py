"""Proof steps: the sections of an audit report."""

from collections.abc import Sequence

from checker.proofs.putting import failing_sides
from checker.records import AuditReport, ProofStepRecord
from reports.glossary import follows_from, letters_section, skipped
from reports.numbers import NOTHING, clean
from reports.parts import claim_cell, count_statuses, said, tagged
from reports.view import Cell, Section, Table
from reports.words import status_tag


def _step_rows(steps: Sequence[ProofStepRecord]) -> tuple[tuple[Cell, ...], ...]:
    """A row for each step, numbered as in the file."""
    sources = follows_from(steps)
    return tuple(_step_row(k, step, sources[k - 1]) for k, step in enumerate(steps, 1))


def _step_row(k: int, step: ProofStepRecord, source: str) -> tuple[Cell, ...]:
    return (
        said(f"({k}) {step.name}", source),
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


_ORDER = "They are numbered in the order of the file; what a step is about is its name."
_MANY = 12
"""More steps than this are folded."""

_STEP_COLUMNS = ("Step", "From", "To", "Status")


def failed_steps(report: AuditReport) -> tuple[Section, ...]:
    """The steps that do not follow, if any: they come first."""
    rows = zip(report.proof, _step_rows(report.proof), strict=True)
    failed = tuple(row for step, row in rows if step.status == "fails")
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


def proof_sections(report: AuditReport) -> tuple[Section, ...]:
    """Every step with its status and what it follows from, then the letters of the steps."""
    steps = report.proof
    if not steps:
        return (Section("proof", "Proof steps", ("The file states no proof steps.",)),)
    text = f"Steps over the reals: {count_statuses(step.status for step in steps)}. {_ORDER}"
    gap = skipped(step.name for step in steps)
    folded = len(steps) > _MANY
    table = Table(_STEP_COLUMNS, _step_rows(steps))
    proof = Section("proof", "Proof steps", (text, *((gap,) if gap else ())), (table,), folded=folded)
    letters = letters_section(report.theorem, steps, folded)
    return (proof,) if letters is None else (proof, letters)
