"""An assumption of a theorem that does not hold: as claims for a search, and as a verdict in balls."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from flint import arb_mat, ctx

from checker.configuration import Configuration, exact, scalar
from checker.enclosure import frobenius, to_arb
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.enclose import compare
from checker.expression.tree import Atom, Binary, Claim, Comparison, Node, Number
from checker.hypotheses import Judged, gates, judge_hypotheses
from checker.names import claim_dependencies
from checker.necessity.without import SCOPE
from checker.theorem import NamedClaim, Scope, Theorem
from checker.ties import settled_gates
from checker.verdict import Verdict

OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": ">"}
"""What holds where a comparison does not; an equation is broken from above."""

_BITS: Final = 256
_ROUNDING: Final = Fraction(1, 10**13)


@dataclass(frozen=True)
class Breach:
    """An assumption judged where it is left out: does it certainly fail, and by what factor at least?

    `factor` (larger side / smaller side, at least 1) is None where a side is not positive, or where the
    assumption compares no numbers.
    """

    verdict: Verdict
    factor: float | None = None
    sides: str = ""


def claim_of(theorem: Theorem, name: str) -> Claim | None:
    """The claim of a hypothesis or of a size in the scope; None for the other entries of the scope."""
    if name.startswith(SCOPE):
        return theorem.scope.sizes.get(name.removeprefix(SCOPE))
    return next(h.claim for h in theorem.hypotheses if h.name == name)


def searched(theorem: Theorem, bare: Theorem, name: str, cap: Fraction | None, turn: int) -> Theorem:
    """The theorem to search in: the others' claims, and that this assumption fails, by `cap` at most.

    A search takes a step size at its bound, so where the assumption bounds it, the cap alone is asked
    for. Of a claim with several parts, one is broken, in turn.
    """
    claim = claim_of(theorem, name)
    parts = [part for part in claim.parts if isinstance(part, Comparison)] if claim is not None else []
    if not parts:
        return bare
    part = parts[turn % len(parts)]
    step = theorem.step is not None and theorem.step in claim_dependencies(
        Claim("", (part,)), theorem.definitions
    )
    zero = _is_number(part.left, 0) or _is_number(part.right, 0)
    asked: list[Comparison] = []
    if not step:
        asked.append(_opposite(part))
    if cap is not None and not zero:
        asked.append(_widened(part, cap))
    if not asked:
        return bare
    broken = Claim(f"not {name}", tuple(asked))
    if name.startswith(SCOPE):
        sizes = dict(bare.scope.sizes) | {name.removeprefix(SCOPE): broken}
        return replace(bare, scope=Scope(bare.scope.activation, bare.scope.data_norm, sizes))
    return replace(bare, hypotheses=(*bare.hypotheses, NamedClaim(f"not-{name}", broken)))


def _opposite(part: Comparison) -> Comparison:
    """What holds where the comparison fails; against zero, up to the rounding of an estimate."""
    operator = OPPOSITE[part.operator]
    sign = 1 if operator in ("<", "<=") else -1
    if _is_number(part.right, 0):
        return Comparison(operator, part.left, Number(sign * _ROUNDING))
    if _is_number(part.left, 0):
        return Comparison(operator, Number(-sign * _ROUNDING), part.right)
    return Comparison(operator, part.left, part.right)


def capped(theorem: Theorem, bare: Theorem, name: str, cap: Fraction) -> Theorem:
    """The theorem without the assumption, with the weaker claim that it is exceeded by `cap` at most."""
    claim = claim_of(theorem, name)
    if claim is None or name.startswith(SCOPE):
        return bare
    parts = tuple(part if isinstance(part, Atom) else _widened(part, cap) for part in claim.parts)
    return replace(bare, hypotheses=(*bare.hypotheses, NamedClaim(f"nearly-{name}", Claim("", parts))))


def _widened(part: Comparison, cap: Fraction) -> Comparison:
    """The comparison with the side that has to be larger multiplied."""
    if part.operator in (">", ">="):
        return Comparison(part.operator, _times(cap, part.left), part.right)
    operator = "<=" if part.operator == "==" else part.operator
    return Comparison(operator, part.left, _times(cap, part.right))


def _times(factor: Fraction, node: Node) -> Node:
    return Binary("*", Number(factor), node, 1, ())


def _is_number(node: Node, value: int) -> bool:
    return isinstance(node, Number) and node.value == value


def breach(theorem: Theorem, configuration: Configuration, name: str) -> Breach:
    """Does the assumption certainly fail at this configuration?"""
    if name == SCOPE + "activation":
        outside = configuration.activation not in (theorem.scope.activation or ())
        return Breach(Verdict.FAILS if outside else Verdict.HOLDS, None, f"{configuration.activation}")
    if name == SCOPE + "data_norm":
        return _norm_breach(theorem, configuration)
    skip = frozenset(gate.name for gate in gates(theorem, configuration) if gate.name != name)
    judged = settled_gates(theorem, configuration, judge_hypotheses(theorem, configuration, skip=skip))
    return _judged_breach(judged)


def _judged_breach(judged: Sequence[Judged]) -> Breach:
    if len(judged) != 1:
        return Breach(Verdict.UNDECIDED)
    found = judged[0].judgement
    if found.lhs is None or found.rhs is None:
        return Breach(found.verdict, None, found.reason)
    left, right = (f"{float(to_arb(side).mid()):.6g}" for side in (found.lhs, found.rhs))
    factor = None if found.margin is None else 10.0**-found.margin
    return Breach(found.verdict, factor, f"left side {left}, right side {right}")


def _norm_breach(theorem: Theorem, configuration: Configuration) -> Breach:
    """Does some column of X certainly have another norm than the scope says?"""
    norm = theorem.scope.data_norm
    with ctx.workprec(_BITS):
        try:
            X = exact(configuration.arrays["X"], configuration)
            wanted = scalar(norm or Number(Fraction(0)), configuration)
        except (NotEnclosed, CertainlyUndefined) as error:
            return Breach(Verdict.UNDECIDED, None, error.reason)
        for j, entries in enumerate(zip(*X.tolist(), strict=True)):
            size = frobenius(arb_mat(len(entries), 1, list(entries)))
            if compare("==", size, wanted) is Verdict.FAILS:
                return Breach(Verdict.FAILS, None, f"column {j + 1} of X has norm {float(size.mid()):.6g}")
    return Breach(Verdict.UNDECIDED)
