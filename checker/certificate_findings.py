"""What one check of a certificate came to."""

from dataclasses import dataclass

from checker.expression.enclose import Judgement
from checker.verdict import Verdict


@dataclass(frozen=True)
class Finding:
    """One check: its name, what came out, and why where it did not hold.

    `judgement` has both sides of the conclusion, where the check is about the violation.
    """

    name: str
    verdict: Verdict
    reason: str
    judgement: Judgement | None = None

    @classmethod
    def of(cls, name: str, holds: bool, reason: str) -> "Finding":
        """A check that is decided; the reason counts where it fails."""
        return cls(name, Verdict.HOLDS if holds else Verdict.FAILS, "" if holds else reason)
