"""Is a hypothesis implied by the others? Two solvers are asked, over the real numbers.

Assumed are the other hypotheses, the scope, the domains, the stated start and the axioms of the setting;
definitions only as far as these use them, so that a definition without a value proves nothing.
"""

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from checker.expression.simplify import free_names, roots, substitute_claim
from checker.expression.text import to_text
from checker.expression.tree import Atom, Claim, Comparison, Name, Node
from checker.names import claim_dependencies, of_quantifier
from checker.necessity.breach import claim_of
from checker.records import ProofStepRecord
from checker.satisfiability.premises import Premise, Premises
from checker.symbolic import CUT, decide_steps
from checker.theorem import ProofStep, Theorem

PATIENCE: Final = 3.0
"""Seconds for a question about a few premises; one about all of them may take twice as long."""

_QUESTIONS = 8  # that may take all the time there is for one, for a hypothesis
_TOGETHER = 8  # questions for one pair of solver processes
_FEW = 2
_STRONG = frozenset({"hypothesis", "scope"})
_NAMED = frozenset({"hypothesis", "scope", "domain", "value", "start"})

_Set = tuple[Premise, ...]


@dataclass(frozen=True)
class Implied:
    """A hypothesis proved from others: `by` names premises, `axioms` those of the setting.

    None of them can be left out where they are the `fewest`; of what could have been, the first ones stay.
    """

    by: tuple[str, ...]
    axioms: tuple[str, ...]
    engine: str
    fewest: bool = True


class _Question:
    """One hypothesis, and all that may imply it, over variables and leaves."""

    def __init__(self, theorem: Theorem, name: str, claim: Claim, patience: float, within: float) -> None:
        self.patience = patience
        self._deadline = time.monotonic() + min(_QUESTIONS * patience, within)
        self._theorem = theorem
        self._known = known = Premises(theorem)
        everything = (*known.stated(), *known.starts())
        self.stated: _Set = tuple(p for p in everything if p.kind in _NAMED and p.name != name)
        self._show = self._flat(claim)
        self._flat_definitions = {
            name: known.flat(node) for name, node in theorem.definitions.items() if node.shape == ()
        }
        self._of_show = claim_dependencies(claim, theorem.definitions)
        self._axioms: _Set = tuple(known.axioms())

    def spent(self) -> bool:
        """Has this hypothesis had its share of the solvers' time?"""
        return time.monotonic() > self._deadline

    def asked(self, sets: Iterable[_Set]) -> tuple[ProofStepRecord, ...]:
        """Do these sets of premises imply it? One record a set; what time does not allow is cut."""
        left = max(self._deadline - time.monotonic(), 0.0)
        return decide_steps([self.step(kept) for kept in sets], seconds=self.patience, total=left)

    @property
    def strong(self) -> _Set:
        """The other hypotheses, and the sizes of the scope."""
        return tuple(p for p in self.stated if p.kind in _STRONG)

    def beside(self, few: Iterable[Premise]) -> _Set:
        """Other premises and axioms about nothing but what these hypotheses and the conclusion mention."""
        used = self._used(few) | self._of_show
        flat = [self._show, *(p.flat for p in few)]
        flat += [
            Claim("", (Comparison("==", Name(name, shape=()), node),))
            for name, node in self._flat_definitions.items()
            if name in used
        ]
        mentioned = frozenset(self._known.setting.sizes).union(*map(_variables, flat))
        plain = (*(p for p in self.stated if p.kind not in _STRONG), *self._axioms)
        return tuple(p for p in plain if _variables(p.flat) <= mentioned)

    def _used(self, premises: Iterable[Premise]) -> frozenset[str]:
        return frozenset[str]().union(
            *(claim_dependencies(p.claim, self._theorem.definitions) for p in premises if p.kind in _NAMED)
        )

    def step(self, premises: Iterable[Premise]) -> ProofStep:
        """Do these premises imply it? Definitions are equations where a premise uses them, else inlined."""
        premises = tuple(premises)
        used = self._used(premises)
        defined = {name: node for name, node in self._flat_definitions.items() if name in used}
        rest = {name: node for name, node in self._flat_definitions.items() if name not in used}
        show = self._show
        for _ in rest:
            show = substitute_claim(show, rest)
        assume = [p.flat for p in premises]
        assume += [
            Claim("", (Comparison("==", Name(name, shape=()), node),)) for name, node in defined.items()
        ]
        return _readable(assume, show)

    def _flat(self, claim: Claim) -> Claim:
        parts = [part for part in claim.parts if isinstance(part, Comparison)]
        flat = self._known.flat
        return Claim(claim.text, tuple(Comparison(p.operator, flat(p.left), flat(p.right)) for p in parts))


def implications(
    theorem: Theorem, names: Sequence[str], patience: float = PATIENCE, within: float = math.inf
) -> dict[str, Implied]:
    """Those of the hypotheses (or sizes of the scope) that are proved from all others, and from which.

    `patience` is in seconds, for one question to the solvers; `within` for all about one hypothesis, about.
    """
    questions: dict[str, _Question] = {}
    hidden = of_quantifier(theorem, "hidden")
    for name in names:
        claim = claim_of(theorem, name)
        if claim is None or any(isinstance(part, Atom) for part in claim.parts):
            continue
        if not claim_dependencies(claim, theorem.definitions) & hidden:
            questions[name] = _Question(theorem, name, claim, patience, within)
    found = {name: _proof(question) for name, question in questions.items()}
    return {name: proof for name, proof in found.items() if proof is not None}


def _proof(question: _Question) -> Implied | None:
    """A proof from one hypothesis where one serves, else from two or all of them.

    Pairs are tried where all of them prove it, or where next to no question about one was too hard.
    """
    few = [(*one, *question.beside(one)) for size in (0, 1) for one in combinations(question.strong, size)]
    found, too_hard = _first(question, few)
    if found is not None:
        return _least(question, *found)
    everything = (*question.strong, *question.beside(question.strong))
    whole = decide_steps([question.step(everything)], seconds=2 * question.patience)[0]
    if whole.status == "fails" or (whole.status != "holds" and too_hard > _FEW):
        return None
    pairs = [(*two, *question.beside(two)) for two in combinations(question.strong, 2)]
    found, _ = _first(question, pairs)
    if found is None and whole.status == "holds":
        found = everything, whole.engine
    return None if found is None else _least(question, *found)


def _first(question: _Question, sets: Sequence[_Set]) -> tuple[tuple[_Set, str] | None, int]:
    """The first set that proves it, with the engine; and how many questions were left undecided."""
    too_hard = 0
    for at in range(0, len(sets), _TOGETHER):
        if question.spent():
            return None, len(sets)
        some = sets[at : at + _TOGETHER]
        records = question.asked(some)
        for kept, record in zip(some, records, strict=True):
            if record.status == "holds":
                return (kept, record.engine), too_hard
            too_hard += record.status == "undecided"
    return None, too_hard


def _least(question: _Question, kept: _Set, engine: str) -> Implied:
    """The proof without what it can do without: of what may go, as few of the first as serve stay."""
    spare, cut = kept, False
    while spare and not cut and not question.spent():
        records = question.asked(_all_but(kept, p) for p in kept)
        cut = any(record.reason == CUT for record in records)
        spare = tuple(p for p, record in zip(kept, records, strict=True) if record.status == "holds")
        if spare:
            core = tuple(p for p in kept if p not in spare)
            found, _ = _first(question, [(*core, *spare[:count]) for count in range(len(spare))])
            kept = _all_but(kept, spare[-1]) if found is None else found[0]
    named = tuple(p.name for p in kept if p.kind in _NAMED)
    return Implied(named, tuple(p.name for p in kept if p.kind not in _NAMED), engine, not spare and not cut)


def _all_but(premises: _Set, one: Premise) -> _Set:
    return tuple(p for p in premises if p is not one)


def _variables(claim: Claim) -> frozenset[str]:
    return frozenset[str]().union(*(free_names(root) for root in roots(claim)))


def _readable(assume: Sequence[Claim], show: Claim) -> ProofStep:
    """A step in names that the solvers can read."""
    names = frozenset[str]().union(*map(_variables, (*assume, show)))
    leaf = "leaf"
    while any(name.startswith(leaf) for name in names):
        leaf += "_"
    new: Mapping[str, Node] = {
        name: Name(f"{leaf}{name}", shape=()) for name in sorted(names) if not name[0].isalpha()
    }
    assumed = tuple(_texted(substitute_claim(claim, new)) for claim in assume)
    return ProofStep("", assumed, _texted(substitute_claim(show, new)))


def _texted(claim: Claim) -> Claim:
    parts = [part for part in claim.parts if isinstance(part, Comparison)]
    text = " and ".join(f"{to_text(p.left)} {p.operator} {to_text(p.right)}" for p in parts)
    return Claim(text, claim.parts)
