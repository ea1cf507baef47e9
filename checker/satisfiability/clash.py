"""Do premises over real numbers contradict each other? A proof, and the fewest premises it needs.

Two ways are tried: a product of inequalities that is false (`checker.satisfiability.products`), whose
every step z3 and cvc5 must both confirm, the product itself being checked in exact rationals; and the two
solvers asked outright. What either finds is reduced premise by premise and decided again.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from checker.clock import Clock
from checker.expression.simplify import free_names_of_claim
from checker.expression.smt import BeyondSolversError, encode_step
from checker.expression.smt_text import consistency, refutation, side_question
from checker.expression.tree import Claim, Comparison, Number
from checker.processes import Pair, solver_pair
from checker.satisfiability.premises import Premise
from checker.satisfiability.product_facts import Fact, Rows
from checker.satisfiability.product_rows import rows_of
from checker.satisfiability.products import Product, contradictory_product

UNLIMITED = Clock(0)
NOTHING = Claim("1 > 0", (Comparison(">", Number(Fraction(1)), Number(Fraction(0))),))
_STEP_SECONDS = 2.0
_ROUNDS = 2
_CUT_SHORTENING = "further shortening of a proof about the hypotheses"
_SIGN_ORDER = ("tail", "hypothesis", "domain", "value", "definition", "scope", "start", "axiom")
_ORDER = ("tail", "axiom", "start", "domain", "value", "definition", "scope", "hypothesis")


@dataclass(frozen=True)
class Factor:
    """One inequality of a false product: over variables, its power, and the premises it comes from."""

    claim: Claim
    power: int
    premises: tuple[Premise, ...]


@dataclass(frozen=True)
class Clash:
    """Premises that contradict each other, none of which can be left out of the proof that was found.

    `factors` multiply to `constant <= 1` where the proof is a product; empty where solvers were asked.
    """

    premises: tuple[Premise, ...]
    engine: str
    factors: tuple[Factor, ...] = ()
    constant: Fraction | None = None
    strict: bool = False


def find_clash(premises: Sequence[Premise], deadline: float, clock: Clock = UNLIMITED) -> Clash | None:
    """A proved contradiction among the premises, or None where none was found by `deadline`.

    The deadline is one of time.monotonic, at most the end of `clock`; what that cuts of a proof that was
    found goes on its record. What is returned is proved, whatever the time.
    """
    kept = few_of_a_product(premises, deadline, clock)
    found = None if kept is None else by_products(kept)
    return by_solvers(premises, deadline) if found is None and clock.left() > 0 else found


def by_products(premises: Sequence[Premise]) -> Clash | None:
    """A false product of inequalities between positive numbers, its steps decided by both solvers."""
    found = _product(premises, UNLIMITED)
    return None if found is None else _decided(premises, *found)


def few_of_a_product(
    premises: Sequence[Premise], deadline: float, clock: Clock = UNLIMITED
) -> list[Premise] | None:
    """Those of the premises that a false product needs; not decided yet. None where there is no product."""
    kept, found = _without_hypotheses(list(premises), deadline, clock)
    if found is None:
        return None
    for _ in range(_ROUNDS):  # what one product needs only for signs, another may not need
        rows, product = found
        used = rows.premises_of(frozenset(row.fact for row, _ in product.rows))
        main = {i for row, _ in product.rows for i in rows.facts[row.fact].premises}
        named = [kept[i] for i in sorted(main)]
        kept = [kept[i] for i in sorted(used)]
        smaller = _without_signs(kept, named, deadline, clock)
        if len(smaller) == len(kept):
            break
        kept = smaller
        again = _product(kept, UNLIMITED)
        if again is None:
            return None
        found = again
    return kept


def _without_hypotheses(
    premises: list[Premise], deadline: float, clock: Clock
) -> tuple[list[Premise], tuple[Rows, Product] | None]:
    """The premises without the hypotheses that a false product can do without, and the product."""
    kept, found = premises, _product(premises, clock)
    if found is None:
        return kept, None
    rows, product = found
    used = {id(kept[i]) for i in rows.premises_of(frozenset(row.fact for row, _ in product.rows))}
    main = {id(kept[i]) for row, _ in product.rows for i in rows.facts[row.fact].premises}
    signs = [p for p in kept if p.kind == "hypothesis" and id(p) in used - main]
    kept = [p for p in kept if p.kind != "hypothesis" or id(p) in used]
    for hypothesis in signs:
        if not clock.cuts(_CUT_SHORTENING) and time.monotonic() < deadline:
            trial = [p for p in kept if p is not hypothesis]
            if product_clashes(trial, clock):
                kept = trial
            else:
                clock.cuts(_CUT_SHORTENING)  # a trial that was cut says nothing
    return kept, _product(kept, UNLIMITED)


def _product(premises: Sequence[Premise], clock: Clock) -> tuple[Rows, Product] | None:
    late = frozenset(
        k for k, p in enumerate(premises) if p.kind == "hypothesis" and len(free_names_of_claim(p.flat)) > 2
    )
    rows = rows_of([p.flat for p in premises], late, clock)
    product = contradictory_product(rows)
    return None if product is None else (rows, product)


def product_clashes(premises: Sequence[Premise], clock: Clock) -> bool:
    """Is a false product found in the time of `clock`? Its steps are not decided here."""
    return _product(premises, clock) is not None


def z3_alone(premises: Sequence[Premise]) -> bool:
    """Does z3 say that the premises contradict each other? Not yet a proof."""
    with solver_pair() as pair:
        return _z3(pair, premises, 1.0)


def _without_signs(
    premises: list[Premise], named: list[Premise], deadline: float, clock: Clock
) -> list[Premise]:
    """The premises without those that serve only to show a sign that follows without them."""
    kept = premises
    rest = sorted((p for p in premises if p not in named), key=lambda p: _SIGN_ORDER.index(p.kind))
    for premise in rest:
        if clock.cuts(_CUT_SHORTENING) or time.monotonic() >= deadline:
            break
        trial = [p for p in kept if p is not premise]
        if product_clashes(trial, clock):
            kept = trial
        elif clock.cuts(_CUT_SHORTENING):
            break
    return kept


def _decided(premises: Sequence[Premise], rows: Rows, product: Product) -> Clash | None:
    """The clash, where z3 and cvc5 both confirm every fact that the product rests on."""
    facts = rows.closure(frozenset(row.fact for row, _ in product.rows))
    with solver_pair() as pair:
        for k in facts:
            fact = rows.facts[k]
            known = [premises[i].flat for i in sorted(fact.premises)]
            known += [rows.facts[j].claim for j in sorted(fact.facts)]
            if not _says(premises, fact) and not _follows(pair, tuple(known), fact.claim):
                return None
    factors = tuple(
        Factor(rows.facts[row.fact].claim, power, tuple(premises[i] for i in sorted(_origin(rows, row.fact))))
        for row, power in product.rows
    )
    strict = any(row.strict for row, _ in product.rows)
    engine = "z3+cvc5 for every step, exact arithmetic for their product"
    return Clash(tuple(premises), engine, factors, product.constant, strict)


def _origin(rows: Rows, index: int) -> frozenset[int]:
    """The premises that a row comes from: its own, or those of the fact that says the same."""
    fact = rows.facts[index]
    same = [rows.facts[k] for k in fact.facts if rows.facts[k].claim.parts == fact.claim.parts]
    return fact.premises | frozenset[int]().union(*(each.premises for each in same))


def _follows(pair: Pair, assume: tuple[Claim, ...], show: Claim) -> bool:
    """Do both solvers prove that the claim follows, and is defined?"""
    try:
        script = encode_step(assume, show)
    except BeyondSolversError:
        return False
    deadline = time.monotonic() + _STEP_SECONDS
    questions = [refutation(script), *(side_question(script, side) for side in script.sides)]
    return all(
        all(answer.status == "unsat" for answer in pair.ask(question, deadline)) for question in questions
    )


def _says(premises: Sequence[Premise], fact: Fact) -> bool:
    """Is the fact, word for word, a part of one of its premises?"""
    return any(part in premises[i].flat.parts for i in fact.premises for part in fact.claim.parts)


def by_solvers(premises: Sequence[Premise], deadline: float) -> Clash | None:
    """z3 and cvc5 asked outright; reduced with z3, and decided again by both."""
    with solver_pair() as pair:
        if _answers(pair, premises, deadline)[:1] != ["unsat"]:
            return None
        short = min(deadline, time.monotonic() + 4.0)
        kept = _reduced(list(premises), lambda some: _z3(pair, some, 0.3), short)
        for some in (kept, list(premises)):
            if _answers(pair, some, max(deadline, time.monotonic() + 1.0)) == ["unsat", "unsat"]:
                return Clash(tuple(some), "z3+cvc5")
    return None


def _question(premises: Sequence[Premise]) -> str | None:
    try:
        return consistency(encode_step(tuple(p.flat for p in premises), NOTHING))
    except BeyondSolversError:
        return None


def _answers(pair: Pair, premises: Sequence[Premise], deadline: float) -> list[str]:
    """z3's answer and, where it says that they contradict each other, cvc5's."""
    question = _question(premises)
    if question is None:
        return []
    found: list[str] = []
    asked = pair.ask(question, deadline)
    for answer in asked:
        found.append(answer.status)
        if answer.status != "unsat":
            break
    asked.close()
    return found


def _z3(pair: Pair, premises: Sequence[Premise], seconds: float) -> bool:
    question = _question(premises)
    if question is None:
        return False
    deadline = time.monotonic() + seconds
    pair.z3.send(question, deadline)
    return pair.z3.receive(deadline + 0.5).status == "unsat"


def _reduced(
    premises: list[Premise], clashes: Callable[[list[Premise]], bool], deadline: float
) -> list[Premise]:
    """The premises without those that can be left out, tried in groups first, hypotheses last."""
    kept = sorted(premises, key=lambda p: (_ORDER.index(p.kind), -len(p.claim.text)))
    size = max(1, len(kept) // 4)
    while size >= 1:
        at = 0
        while at < len(kept) and time.monotonic() < deadline:
            trial = kept[:at] + kept[at + size :]
            if trial and clashes(trial):
                kept = trial
            else:
                at += size
        size = size // 2
    return [p for p in premises if p in kept]
