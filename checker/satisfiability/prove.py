"""Can the hypotheses hold at all? Proved impossible from the setting's axioms, always or nearly always.

A contradiction of hypotheses, scope, domains and stated start with the axioms holds for every configuration.
With a random start, tails join in: events that fail with a probability that tends to 0 as the network
grows. What contradicts every other premise on these events has at most that probability.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context
from fractions import Fraction

from flint import ctx

from checker.candidates import in_scope
from checker.clock import Clock
from checker.configuration import Configuration, ScalarEnv
from checker.enclosure import ARRAYS, outward
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.enclose import enclose
from checker.expression.latex import latex
from checker.expression.simplify import free_names, substitute_claim
from checker.expression.text import to_text
from checker.expression.tree import Claim, Comparison, Node
from checker.records import ChainLink, StartBound, Value
from checker.satisfiability.clash import (
    UNLIMITED,
    Clash,
    Factor,
    by_products,
    by_solvers,
    few_of_a_product,
    find_clash,
    product_clashes,
    z3_alone,
)
from checker.satisfiability.premises import Premise, Premises
from checker.theorem import EXACT_LAWS, Theorem

SECONDS = 10.0
"""The time limit of the search for a proof; a proof that was found is decided to its end."""

LEVELS = 64
"""The levels of the tails are multiples of 1/LEVELS."""

WIDTHS = (8, 16, 32, 64, 128, 256, 1024, 4096)
"""The widths at which a bound of the probability is shown."""

_FIRST_LEVELS = (Fraction(1, 16), Fraction(1, 64))
_LARGE = 2**14
_CUT_SEARCH = "the search for a proof that nothing satisfies the hypotheses"
_CUT_START = "the search for a proof that the stated start hardly ever satisfies the hypotheses"
_CUT_LEVELS = "a sharper bound of the probability that the stated start satisfies the hypotheses"
_FEW = (*range(1, 17), 32, 64)  # samples and inputs, among which the least in scope are looked for


@dataclass(frozen=True)
class Impossible:
    """A proof that the hypotheses cannot hold, or hold with the stated probability at most (`bound`)."""

    clash: tuple[str, ...]
    engine: str
    chain: tuple[ChainLink, ...]
    factors: tuple[ChainLink, ...] = ()
    product: str = ""
    bound: StartBound | None = None

    @property
    def reason(self) -> str:
        """One clause for the verdict."""
        names = ", ".join(self.clash)
        who = f"{names} contradict{'s' if len(self.clash) == 1 else ''}"
        if self.bound is None:
            return f"the hypotheses cannot hold: {who} {_what(self.chain)}"
        shown = [row for row in self.bound.values if row["at most"] != 1.0][:3] or list(self.bound.values[:1])
        numbers = ", ".join(
            f"{row['at most']:.4g} at "
            + ", ".join(f"{name} = {size}" for name, size in row.items() if name != "at most")
            for row in shown
        )
        return (
            f"at the stated {self.bound.over} the hypotheses hold with probability at most "
            f"{self.bound.formula}, which tends to 0 as {self.bound.grows} grows"
            f"{f' ({numbers})' if numbers else ''}: {who} {_what(self.chain)}"
        )


def _what(chain: Sequence[ChainLink]) -> str:
    kinds = {link.kind for link in chain}
    words = [
        word
        for kind, word in (
            ("scope", "the scope"), ("domain", "the domains"), ("start", "what is stated of the start"),
            ("axiom", "the setting's axioms"), ("tail", "the tails of the start"),
        )
        if kind in kinds
    ]  # fmt: skip
    return (
        "each other"
        if not words
        else " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
    )


def impossible(theorem: Theorem, seconds: float = SECONDS, clock: Clock = UNLIMITED) -> Impossible | None:
    """A proof that no configuration satisfies the hypotheses, or None where none was found.

    Nothing new is begun after `seconds`, nor after the end of `clock`, on whose record goes what it cuts.
    """
    premises = Premises(theorem)
    clash = find_clash(premises.asked(), time.monotonic() + min(seconds, clock.left()), clock)
    if clash is None:
        clock.cuts(_CUT_SEARCH)
        return None
    return _told(premises, clash, None)


def improbable(theorem: Theorem, seconds: float = SECONDS, clock: Clock = UNLIMITED) -> Impossible | None:
    """A proof that a stated random start satisfies the hypotheses with a probability that tends to 0.

    The bound holds for every X, y, size and parameter in the theorem's scope. None where no proof was found,
    or where the scope does not let the network grow. `seconds` and `clock` are as for `impossible`.
    """
    grows = "d" if theorem.setting == "least-squares" else "m"
    if not theorem.random_start or not _may_grow(theorem, grows):
        return None
    premises, deadline = Premises(theorem), time.monotonic() + min(seconds, clock.left())
    fixed = [*premises.stated(), *premises.starts()]
    for level in _FIRST_LEVELS:
        tails = [p for p in premises.tails(level) if p.tail is not None and grows in p.tail.sizes]
        if not tails:
            return None
        every = premises.relevant([*fixed, *tails, *premises.axioms()])
        kept = few_of_a_product(every, deadline, clock)
        clash = None
        if kept is not None:
            clash = by_products(
                _sharpened(premises, kept, level, lambda some: product_clashes(some, clock), clock)
            )
        if clash is None and clock.left() > 0 and (clash := by_solvers(every, deadline)) is not None:
            sharper = _sharpened(premises, clash.premises, level, z3_alone, clock)
            more = by_solvers(sharper, min(deadline + SECONDS, time.monotonic() + clock.left()))
            if more is None:
                clock.cuts(_CUT_LEVELS)
            clash = more or clash
        if clash is not None:
            return _told(premises, clash, _bound(premises, clash, grows))
        if clock.cuts(_CUT_START):
            break
    return None


def _may_grow(theorem: Theorem, grows: str) -> bool:
    """Does the scope admit a very wide network for some n and d?"""
    joined = theorem.setting == "least-squares"
    for n in (1, 2, 4, _LARGE):
        for d in (1, 4, _LARGE):
            sizes = {"n": n, "d": _LARGE if joined else d, "m": _LARGE}
            if in_scope(theorem, sizes, {}):
                return grows in sizes
    return False


def _at(premises: Premises, some: Sequence[Premise], level: Fraction) -> list[Premise] | None:
    """The premises with every tail at another level."""
    found: list[Premise] = []
    for p in some:
        moved = p if p.tail is None else premises.tail(p.tail, level)
        if moved is None:
            return None
        found.append(moved)
    return found


def _sharpened(
    premises: Premises,
    some: Sequence[Premise],
    level: Fraction,
    clashes: Callable[[Sequence[Premise]], bool],
    clock: Clock,
) -> list[Premise]:
    """The premises with their tails at the highest level at which they seem to clash, by bisection."""
    highest = min((p.tail.highest for p in some if p.tail is not None), default=level)
    low, high = int(level * LEVELS), int(highest * LEVELS)
    while high - low > 1 and not clock.cuts(_CUT_LEVELS):
        middle = (low + high) // 2
        trial = _at(premises, some, Fraction(middle, LEVELS))
        if trial is not None and clashes(trial):
            low = middle
        elif not clock.cuts(_CUT_LEVELS):  # a trial that was cut says nothing
            high = middle
    return _at(premises, some, Fraction(low, LEVELS)) or list(some)


def _bound(premises: Premises, clash: Clash, grows: str) -> StartBound | None:
    """The sum of the probabilities with which the tails used may fail; None where no tail is used."""
    theorem = premises.theorem
    events = {(p.tail.array, p.name): p.tail.failure(p.level) for p in clash.premises if p.tail is not None}
    counts = Counter(events.values())
    texts = [text if times == 1 else f"{times}*{text}" for text, times in counts.items()]
    part = premises.read(f"{' + '.join(texts)} >= 0").parts[0] if texts else None
    if not isinstance(part, Comparison):
        return None
    drawn = any(law.law not in EXACT_LAWS for law in theorem.data.values())
    others = sorted(free_names(part.left) & {"n", "d"} - {grows})
    rows: list[dict[str, Value]] = []
    for width in WIDTHS:
        fitting = _least_sizes(theorem, width) if others else [{"n": 1, "d": width, "m": width}]
        values = [(_most(part.left, theorem, sizes), sizes) for sizes in fitting]
        if values:
            worst, sizes = max(values, key=lambda value: value[0])
            rows.append({grows: width, **{name: sizes[name] for name in others}, "at most": worst})
    over = "initialization and data" if drawn else "initialization"
    return StartBound(to_text(part.left), latex(part.left), over, grows, tuple(rows))


def _least_sizes(theorem: Theorem, width: int) -> list[dict[str, int]]:
    """The sizes in scope at this width with few samples and inputs, where a tail weighs most."""
    joined = theorem.setting == "least-squares"
    fitting = [
        sizes
        for n in _FEW
        for d in ((width,) if joined else _FEW)
        if in_scope(theorem, sizes := {"n": n, "d": d, "m": width}, {})
    ]
    return [
        sizes
        for sizes in fitting
        if not any(o != sizes and o["n"] <= sizes["n"] and o["d"] <= sizes["d"] for o in fitting)
    ]


def _most(node: Node, theorem: Theorem, sizes: dict[str, int]) -> float:
    with ctx.workprec(64):
        try:
            value = enclose(node, ScalarEnv(Configuration(theorem.setting, sizes, {}, {})))
        except (NotEnclosed, CertainlyUndefined):
            return 1.0
        return 1.0 if isinstance(value, ARRAYS) else min(1.0, _four_digits_up(outward(value)[1]))


def _four_digits_up(value: float) -> float:
    """The value rounded up to four digits, so that what is shown is a bound too."""
    shown = float(Context(prec=4, rounding=ROUND_CEILING).create_decimal_from_float(value))
    return shown if shown >= value else math.nextafter(shown, math.inf)


def _told(premises: Premises, clash: Clash, bound: StartBound | None) -> Impossible:
    leaves = premises.scalars()
    order = ("hypothesis", "definition", "scope", "domain", "value", "start", "axiom", "tail")
    ranked = sorted(clash.premises, key=lambda p: order.index(p.kind))
    chain = tuple(ChainLink(p.kind, p.name, p.claim.text, latex(p.claim), p.source) for p in ranked)
    factors = tuple(_factor(f, leaves) for f in _telescoped(clash.factors))
    product = ""
    if clash.constant is not None:
        sign = "<" if clash.strict else "<="
        product = f"{to_text_of(clash.constant)} {sign} 1"
    names = tuple(p.name for p in ranked if p.kind == "hypothesis")
    return Impossible(
        names or tuple(p.name for p in ranked[:2]), clash.engine, chain, factors, product, bound
    )


def to_text_of(value: Fraction) -> str:
    """A rational as a reader writes it, or its size where it is long."""
    text = str(value)
    return text if len(text) <= 24 else f"{float(value):.6g} (rounded)"


def _factor(factor: Factor, leaves: Mapping[str, Node]) -> ChainLink:
    claim = substitute_claim(factor.claim, leaves)
    shown = Claim(to_text(claim), claim.parts)
    return ChainLink(
        "factor", ", ".join(p.name for p in factor.premises) or "the signs of its terms",
        shown.text, latex(shown), "", factor.power,
    )  # fmt: skip


def _telescoped(factors: Sequence[Factor]) -> list[Factor]:
    """The factors in an order in which each, where possible, cancels something of those before."""
    left = sorted(factors, key=lambda f: not any(p.kind == "hypothesis" for p in f.premises))
    found: list[Factor] = []
    seen: set[str] = set()
    while left:
        nearest = min(range(len(left)), key=lambda k: (not (_names(left[k]) & seen), k))
        factor = left.pop(nearest if found else 0)
        seen |= _names(factor)
        found.append(factor)
    return found


def _names(factor: Factor) -> set[str]:
    part = factor.claim.parts[0]
    if not isinstance(part, Comparison):
        return set()
    return set(free_names(part.left) | free_names(part.right))
