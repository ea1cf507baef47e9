"""Every shipped theorem has broken twins; each must be refuted, with a certificate that re-checks."""

from pathlib import Path

import pytest
import torch

from checker.audit import audit
from checker.certificate import verify
from checker.reading import builtin_ids, load

TWINS = sorted((Path(__file__).parent / "twins").glob("*.theorem.toml"))


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_every_shipped_theorem_has_a_broken_twin() -> None:
    """
    No theorem is shipped whose error the audit was never shown to see.
    """
    names = [path.name for path in TWINS]

    missing = [i for i in builtin_ids() if not any(name.startswith(f"{i}-twin") for name in names)]

    assert missing == []


@pytest.mark.parametrize("path", TWINS, ids=lambda p: p.name.removesuffix(".theorem.toml"))
def test_a_broken_twin_is_refuted_with_a_certificate_that_verifies(path: Path, tmp_path: Path) -> None:
    """
    The audit refutes the twin by a witness, and the certificate re-checks from its file.
    """
    report = audit(load(str(path)), {}, budget=0, out=tmp_path)

    assert (report.verdict, report.basis) == ("refuted", "witness"), report.reason
    assert report.counterexample is not None
    assert report.counterexample.certified
    assert report.counterexample.certificate is not None
    assert verify(Path(report.counterexample.certificate)).status == "valid"
