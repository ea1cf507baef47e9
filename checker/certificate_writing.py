"""Certificates written down: what an audit found, as a document that `verify` reads without it."""

from pathlib import Path

from checker.certificate_bounds import bounds_of
from checker.certificate_checks import gates_of
from checker.certificate_content import written
from checker.certificate_format import (
    MAX_FILE,
    Certificate,
    ClaimPart,
    TheoremPart,
    ViolationPart,
    canonical_bytes,
    sealed,
    shown,
    write_bytes,
)
from checker.configuration import Configuration
from checker.errors import UsageError
from checker.expression.enclose import Judgement
from checker.theorem import Theorem


def build_certificate(
    theorem: Theorem,
    configuration: Configuration,
    conclusion_name: str,
    step: int,
    precision: int,
    judgement: Judgement,
) -> Certificate:
    """The certificate of a violated conclusion, sealed. Raises UsageError for what has no text."""
    claim = next(c.claim.text for c in theorem.conclusions if c.name == conclusion_name)
    return sealed(
        Certificate(
            format=1,
            kind="certificate",
            theorem=TheoremPart(theorem.id, theorem.text),
            claim=ClaimPart(conclusion_name, claim),
            step=step,
            algorithm=theorem.algorithm,
            precision=precision,
            configuration=written(configuration),
            hypotheses=tuple(gate.name for gate in gates_of(theorem, configuration)),
            violation=ViolationPart(
                judgement.operator,
                bounds_of(judgement.lhs),
                bounds_of(judgement.rhs),
            ),
            digest="",
        )
    )


def write_certificate(
    theorem: Theorem,
    configuration: Configuration,
    conclusion_name: str,
    step: int,
    precision: int,
    judgement: Judgement,
    path: Path,
) -> None:
    """Write the certificate of a violated conclusion, whole or not at all. Raises UsageError.

    `judgement` is that of the conclusion at `step`, in balls of `precision` bits.
    """
    certificate = build_certificate(theorem, configuration, conclusion_name, step, precision, judgement)
    content = canonical_bytes(certificate)
    if len(content) > MAX_FILE:
        raise UsageError(f"{shown(path.name)}: the certificate is larger than {MAX_FILE // 2**20} MiB")
    write_bytes(path, content)
