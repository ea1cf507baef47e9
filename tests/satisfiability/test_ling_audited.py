"""The audit of Ling et al. 2023, Theorem 1, from end to end: vacuous, with its proof, also in numbers."""

import torch

from checker.audit import audit
from checker.reading import load


def test_the_audit_of_ling_2023_theorem_1_is_vacuous_by_proof_and_shows_the_factors_in_numbers() -> None:
    """
    The factors of the contradiction are listed, and stand beside their values at one start.
    """
    torch.set_num_threads(1)
    report = audit(load("ling-2023-theorem-1"), {}, seed=1)

    found = report.satisfiability
    assert (report.verdict, report.basis) == ("vacuous", "proof")
    assert found.product
    assert found.instance is not None
    assert [f.claim for f in found.instance.factors] == [f.claim for f in found.factors]
    assert "fails" in {f.status for f in found.instance.factors}
