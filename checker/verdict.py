"""Three answers, and how we know: the vocabulary of every judgement."""

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """The answer to one question. Undecided is neither of the others, ever."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"


class Basis(StrEnum):
    """How an answer is known, from strongest to weakest."""

    PROOF = "proof"
    WITNESS = "witness"
    SAMPLE = "sample"
    ASSUMED = "assumed"


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a conjunction: one failure fails it, one open part leaves it open."""
    seen = set(verdicts)
    if Verdict.FAILS in seen:
        return Verdict.FAILS
    return Verdict.UNDECIDED if Verdict.UNDECIDED in seen else Verdict.HOLDS
