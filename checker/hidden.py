"""Hidden constants: for which values a hypothesis holds, by certified bisection."""

from dataclasses import dataclass

from flint import arb, ctx, fmpq

from checker.admissible import Reduced, reduce
from checker.configuration import Configuration
from checker.enclosure import ARRAYS, Ball, outward
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.enclose import judge
from checker.expression.mathml import mathml
from checker.expression.tree import Call, Node
from checker.near import FLOAT64, first_scene, ladder
from checker.records import HypothesisRecord
from checker.theorem import NamedClaim, Theorem
from checker.verdict import Basis, Verdict

BITS = 128
EXPONENTS = range(-100, 101, 4)
"""Powers of two at which a hidden constant is tried before bisection."""


@dataclass(frozen=True)
class Threshold:
    """Where a claim holds as one constant varies: below or above `value`, everywhere, nowhere, or unclear."""

    side: str  # "at most", "at least", "every value", "no value", "unclear"
    value: float | None

    def text(self, name: str) -> str:
        """The set of values in words."""
        if self.value is None:
            return {
                "every value": f"holds for every {name} tried",
                "no value": f"holds for no {name} tried",
            }.get(self.side, f"the values of {name} for which it holds were not found")
        sign = "<=" if self.side == "at most" else ">="
        return f"holds for {name} {sign} {self.value:.6g}"


class _Env:
    def __init__(self, values: dict[str, Ball]) -> None:
        self._values = values
        self.memo: dict[Node, Ball] = {}

    def name(self, name: str) -> Ball:
        return self._values[name]

    def call(self, node: Call) -> Ball:
        raise NotEnclosed(node.function)


def leaf_values(theorem: Theorem, configuration: Configuration, reduced: Reduced) -> dict[str, Ball]:
    """Enclosures of a reduction's leaves at initialization, at the ambient precision; nan where none."""
    scene = first_scene(theorem, configuration)
    values: dict[str, Ball] = {}
    for name, node in reduced.leaves.items():
        try:
            value = scene.algebra.evaluate(node, scene)
        except (NotEnclosed, CertainlyUndefined):
            value = arb("nan")
        values[name] = arb("nan") if isinstance(value, ARRAYS) else value
    return values


def _verdict(reduced: Reduced, leaves: dict[str, Ball], name: str, value: fmpq) -> Verdict:
    env = _Env({**leaves, name: value})
    try:
        verdicts = [judge(claim, env).verdict for claim in reduced.claims]
    except (NotEnclosed, CertainlyUndefined):
        return Verdict.UNDECIDED
    if Verdict.FAILS in verdicts:
        return Verdict.FAILS
    return Verdict.UNDECIDED if Verdict.UNDECIDED in verdicts else Verdict.HOLDS


def threshold(
    theorem: Theorem, configuration: Configuration, claims: list[NamedClaim], name: str
) -> Threshold:
    """For which values of `name` all the claims certainly hold at this configuration."""
    reduced = reduce([c.claim for c in claims], theorem.definitions, frozenset({name}))
    if reduced.skipped:
        return Threshold("unclear", None)
    with ctx.workprec(BITS):
        leaves = leaf_values(theorem, configuration, reduced)
        return certified_threshold(reduced, leaves, name)


def certified_threshold(reduced: Reduced, leaves: dict[str, Ball], name: str) -> Threshold:
    """The same from leaves already enclosed, at the ambient precision."""
    tried = {k: _verdict(reduced, leaves, name, _two(k)) for k in EXPONENTS}
    holding = [k for k in EXPONENTS if tried[k] is Verdict.HOLDS]
    if not holding:
        return Threshold("no value", None)
    if len(holding) == len(EXPONENTS):
        return Threshold("every value", None)
    if holding == [k for k in EXPONENTS if k <= holding[-1]]:
        return Threshold("at most", _bisect(reduced, leaves, name, _two(holding[-1]), _two(holding[-1] + 4)))
    if holding == [k for k in EXPONENTS if k >= holding[0]]:
        return Threshold("at least", _bisect(reduced, leaves, name, _two(holding[0]), _two(holding[0] - 4)))
    return Threshold("unclear", None)


def _two(exponent: int) -> fmpq:
    return fmpq(2**exponent) if exponent >= 0 else fmpq(1, 2**-exponent)


def _bisect(reduced: Reduced, leaves: dict[str, Ball], name: str, inside: fmpq, outside: fmpq) -> float:
    for _ in range(40):
        middle = (inside + outside) / 2
        if _verdict(reduced, leaves, name, middle) is Verdict.HOLDS:
            inside = middle
        else:
            outside = middle
    lo, hi = outward(inside)
    return lo if inside < outside else hi


def hidden_record(
    theorem: Theorem, configuration: Configuration, claim: NamedClaim, names: list[str]
) -> HypothesisRecord:
    """A hypothesis with a hidden constant: undecided, assumed, with the values for which it holds."""
    if len(names) == 1:
        reason = threshold(theorem, configuration, [claim], names[0]).text(names[0])
    else:
        reason = f"it has several hidden constants: {', '.join(names)}"
    return HypothesisRecord(
        name=claim.name, claim=claim.claim.text, status=str(Verdict.UNDECIDED), basis=str(Basis.ASSUMED),
        lhs=None, rhs=None, margin=None, engine=_engine(configuration), why=claim.why, reason=reason,
        mathml=mathml(claim.claim),
    )  # fmt: skip


def _engine(configuration: Configuration) -> str:
    return "float64 with error bounds" if ladder(configuration)[0] == FLOAT64 else f"balls, {BITS} bits"
