"""The words of a report: verdicts, bases and fidelities with a symbol, a tone and what they mean.

A tone is what colours are chosen by. Only `good` is ever green and only `bad` ever
red; what is not decided is `open` (amber) or `void` (grey), whatever it is called.
"""

from dataclasses import dataclass
from typing import Literal

from reports.numbers import clean

Tone = Literal["good", "bad", "open", "void", "loud", "plain"]


@dataclass(frozen=True)
class Tag:
    """A word with its symbol, its tone, and one sentence that says what it means."""

    word: str
    symbol: str
    tone: Tone
    meaning: str = ""


_VERDICTS = {
    "applies": Tag(
        "APPLIES", "✓", "good", "Every hypothesis of the theorem certifiably holds for this configuration."
    ),
    "does-not-apply": Tag(
        "DOES NOT APPLY",
        "✗",
        "bad",
        "A hypothesis certifiably fails for this configuration, so the theorem promises nothing here.",
    ),
    "undecided": Tag(
        "UNDECIDED",
        "?",
        "open",
        "No hypothesis certifiably fails, but not every one could be decided. This is not a yes.",
    ),
    "supported": Tag(
        "SUPPORTED", "✓", "good", "No violation was found in the runs made. This is evidence, not a proof."
    ),
    "refuted": Tag("REFUTED", "✗", "bad", "The theorem as stated in its file is false."),
    "vacuous": Tag(
        "VACUOUS",
        "∅",
        "void",
        "Nothing was found that satisfies the hypotheses: as stated, the theorem says nothing.",
    ),
    "inconclusive": Tag(
        "INCONCLUSIVE", "?", "open", "The theorem is neither supported nor refuted. This is not a pass."
    ),
    "valid": Tag("VALID", "✓", "good", "The certificate was re-checked on its own and shows what it claims."),
    "invalid": Tag("INVALID", "✗", "bad", "The certificate does not show what it claims."),
}

_EVIDENCE = {
    ("supported", "proof"): "The claim was proved outright.",
    (
        "refuted",
        "witness",
    ): "One configuration satisfies every hypothesis and violates a conclusion, both certified.",
    (
        "refuted",
        "sample",
    ): "The data exclude the claim at the stated confidence; no single witness is certified.",
    (
        "vacuous",
        "proof",
    ): "The hypotheses cannot hold, or at the stated start hardly ever for a wide network: see the chain.",
    (
        "vacuous",
        "sample",
    ): "No draw of the stated start satisfied the hypotheses, and wider models do not help.",
}

_STATUSES = {
    "holds": Tag("holds", "✓", "good", "certified to hold"),
    "fails": Tag("fails", "✗", "bad", "certified to fail"),
    "undecided": Tag("undecided", "?", "open", "neither could be certified"),
    "valid": Tag("valid", "✓", "good", ""),
    "invalid": Tag("invalid", "✗", "bad", ""),
}

_BASES = {
    "proof": Tag("proof", "■", "plain", "exact arithmetic, rigorous enclosures, or two solvers that agree"),
    "witness": Tag("witness", "●", "plain", "an explicit run, replayed by a second code path"),
    "sample": Tag("sample", "◌", "plain", "seeded runs: evidence for what was tried, not a proof"),
    "assumed": Tag("assumed", "!", "loud", "taken for granted, not checked: a hole in the argument"),
}

_FIDELITIES = {
    "verbatim": Tag("verbatim", "", "plain", "The statement stands as printed in its source."),
    "paraphrase": Tag("paraphrase", "", "plain", "The statement says in other words what its source says."),
    "derived": Tag(
        "derived", "", "plain", "The statement was derived by the author of the file, not quoted."
    ),
    "recalled": Tag(
        "RECALLED",
        "!",
        "loud",
        "Written from memory; the source was not read. A verdict is about this file only.",
    ),
    "reconstructed": Tag(
        "RECONSTRUCTED",
        "!",
        "loud",
        "Pieced together without the full source. A verdict is about this file only.",
    ),
}


def _unknown(word: str, tone: Tone = "open") -> Tag:
    return Tag(clean(word) or "not stated", "?", tone, "")


def verdict_tag(verdict: str, basis: str = "") -> Tag:
    """The verdict's tag; its meaning takes the basis into account."""
    tag = _VERDICTS.get(verdict) or _unknown(verdict)
    meaning = _EVIDENCE.get((verdict, basis), tag.meaning)
    return Tag(tag.word, tag.symbol, tag.tone, meaning)


def status_tag(status: str) -> Tag:
    """The tag of a hypothesis, conclusion or proof step."""
    return _STATUSES.get(status) or _unknown(status)


def basis_tag(basis: str) -> Tag:
    """How an answer is known; an assumption is loud."""
    return _BASES.get(basis) or _unknown(basis, "loud")


def fidelity_tag(fidelity: str) -> Tag:
    """How close a statement is to its source; recollections are loud, and so is silence."""
    return _FIDELITIES.get(fidelity) or Tag(
        "fidelity not stated", "!", "loud", "How close it is to its source is unknown."
    )


def need_tag(needed: bool | None) -> Tag:
    """Is a hypothesis needed? Only a witness says yes."""
    if needed is None:
        return Tag("not known", "?", "open", "nothing was found either way")
    if needed:
        return Tag("needed", "●", "plain", "without it a conclusion fails")
    return Tag("not needed", "○", "plain", "the conclusions follow without it")
