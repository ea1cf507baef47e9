"""Runs without one assumption: searches for a violated conclusion, and the witness that is certified.

A search is made in float64 among configurations at which all other assumptions hold and this one fails. What
looks violated is judged in balls, as a theorem of its own that lacks the assumption.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from checker.batch import scene_of
from checker.campaign_record import Campaign, certified
from checker.candidates import activations, shapes
from checker.clock import Clock
from checker.completing import FRACTIONS, WHOLE_BOUND, Assessed
from checker.configuration import Configuration
from checker.expression.estimate import margin
from checker.families import generator
from checker.necessity.breach import Breach, breach, claim_of, searched
from checker.necessity.without import SCOPE
from checker.outcomes import Run
from checker.request import Request
from checker.runs import run
from checker.search import Effort, evolve
from checker.suspects import SUSPICIOUS, ill_posed
from checker.theorem import Theorem
from checker.ties import settled
from checker.verdict import Verdict

TURNS: Final = 4
"""Searches for a violation without one assumption."""

REFINEMENTS: Final = 2
"""Searches for a violation at which it is exceeded by less."""

_EFFORT = Effort(20, 3)
_LAST = Effort(48, 4)  # in the last turn
_STEPS = (12, 20, 20, 30)  # of the runs of a search, in turn
_CLOSE = 1.1  # no refinement is made below this factor
_CLEAR = -1e-3  # an estimated margin that rounding does not explain
_ORDER = (0, 2, 1, 3)  # the shapes, in turn
_CAPS = (Fraction(16), None, Fraction(16), None)  # by how much the assumption may be exceeded
_RERUN = 3  # suspects judged in balls, a turn


@dataclass(frozen=True)
class Witness:
    """A run without the assumption that certifiably violates a conclusion, and how it fails there."""

    run: Run
    conclusion: str
    step: int
    breach: Breach


@dataclass
class Case:
    """One assumption under examination: `bare` is the theorem without it.

    Of the `tried` configurations `runs` satisfied everything else, by estimates; `dismissed` looked violated
    and were not in balls. `standing` says that a certified violation satisfies the assumption too. `low` is
    the largest factor within which a refinement found nothing, `turns` the searches made.
    """

    name: str
    index: int
    bare: Theorem
    tried: int = 0
    runs: int = 0
    dismissed: int = 0
    standing: bool = False
    witness: Witness | None = None
    low: float = 1.0
    turns: int = 0


def examine(
    theorem: Theorem,
    case: Case,
    request: Request,
    turn: int,
    steps: int,
    clock: Clock,
    tell: Callable[[str], None],
) -> None:
    """One search for a violation, and its suspects judged in balls; a witness is kept in the case."""
    case.turns += 1
    target = searched(theorem, case.bare, case.name, _CAPS[turn % len(_CAPS)], turn)
    fitting = shapes(target, request, most=max(_ORDER) + 1)
    if not fitting:
        return
    sizes = fitting[_ORDER[turn % len(_ORDER)] % len(fitting)]
    for kind in _kinds(theorem, case, request, turn):
        tell(f"searching without {case.name}: {', '.join(f'{k}={v}' for k, v in sizes.items())}")
        found = evolve(
            target, request, sizes, kind, generator(request.seed, "without", case.index, turn, str(kind)),
            steps=min(steps, _STEPS[turn % len(_STEPS)]), effort=_EFFORT if turn < TURNS - 1 else _LAST,
            fractions=FRACTIONS[:2],
        )  # fmt: skip
        _judge(theorem, case, found, steps, clock)
        if case.witness is not None:
            return


def _kinds(theorem: Theorem, case: Case, request: Request, turn: int) -> tuple[str | None, ...]:
    """The activations of a turn: one of those in scope, or a share of those outside where that is dropped."""
    kinds = activations(case.bare, request)
    if case.name == SCOPE + "activation":
        outside = [kind for kind in kinds if kind not in (theorem.scope.activation or ())]
        return tuple(outside[turn % TURNS :: TURNS])
    return (kinds[(turn + case.index) % len(kinds)],) if kinds else ()


def can_be_refined(case: Case) -> bool:
    """May a smaller excess of the assumption violate a conclusion too?"""
    factor = case.witness.breach.factor if case.witness is not None else None
    return factor is not None and factor > _CLOSE * case.low


def refine(
    theorem: Theorem,
    case: Case,
    request: Request,
    turn: int,
    steps: int,
    clock: Clock,
    tell: Callable[[str], None],
) -> None:
    """One search for a violation at which the assumption is exceeded by less, in one shape or another."""
    if case.witness is None or case.witness.breach.factor is None:
        return
    before = case.witness.run.configuration
    cap = Fraction(math.sqrt(case.low * case.witness.breach.factor)).limit_denominator(1000)
    target = searched(theorem, case.bare, case.name, cap, turn)
    sizes, kind, near = dict(before.sizes), before.activation, [before]
    fitting = [s for s in shapes(target, request, most=max(_ORDER) + 1) if s != sizes]
    if turn % 2 and fitting:
        sizes, near = fitting[turn % len(fitting)], []
    tell(f"searching without {case.name}, exceeded by {float(cap):.4g} at most")
    found = evolve(
        target, request, sizes, kind, generator(request.seed, "nearly", case.index, turn),
        steps=min(steps, max(_STEPS)), effort=_EFFORT, fractions=WHOLE_BOUND, near=near,
    )  # fmt: skip
    old = case.witness
    _judge(theorem, case, found, steps, clock)
    if case.witness is old:
        case.low = float(cap)


def _judge(theorem: Theorem, case: Case, found: list[Assessed], steps: int, clock: Clock) -> None:
    """Count the candidates, and keep the first witness among their suspects that is better than before."""
    good = [a for a in found if a.hypotheses >= 0]
    case.tried += len(found)
    case.runs += len(good)
    for a in _suspects(theorem, case, good):
        if clock.cuts("suspected violations without a hypothesis were not re-run in balls", needs=0.3):
            return
        witness = _judged(theorem, case, a, steps)
        if witness is not None and _less(witness, case.witness):
            case.witness = witness
            return


def _less(new: Witness, old: Witness | None) -> bool:
    """Does the new witness exceed the assumption by less?"""
    if old is None:
        return True
    return new.breach.factor is not None and new.breach.factor < (old.breach.factor or math.inf)


def _suspects(theorem: Theorem, case: Case, good: list[Assessed]) -> list[Assessed]:
    """What looks violated: the least excess of the assumption first, then the clearest violation."""
    looks = [a for a in good if a.conclusion < SUSPICIOUS]
    claim = claim_of(theorem, case.name)
    excess = {id(a): 0.0 for a in looks}
    if looks and claim is not None:
        scene = scene_of(case.bare, [a.configuration for a in looks])
        margins = margin(claim, scene).cpu().expand(len(looks)).tolist()
        excess = {
            id(a): abs(m) if math.isfinite(m) else math.inf for a, m in zip(looks, margins, strict=True)
        }
    clear = sorted((a for a in looks if a.conclusion < _CLEAR), key=lambda a: excess[id(a)])
    strongest = sorted(looks, key=lambda a: a.conclusion)
    chosen = [*clear[: _RERUN - 1], *strongest[:1], *clear, *strongest]
    unique = {id(a): a for a in chosen}
    return [*list(unique.values())[:_RERUN], *ill_posed(case.bare, good)[:_RERUN]]


def _judged(theorem: Theorem, case: Case, a: Assessed, steps: int) -> Witness | None:
    """The suspect in balls: are all other assumptions certified, and does a conclusion certainly fail?"""
    found = violation(about(case.bare, a.name), a.configuration, steps, a.step)
    if found is None:
        case.dismissed += a.conclusion < SUSPICIOUS
        return None
    result, name = found
    broken = breach(theorem, a.configuration, case.name)
    if broken.verdict is Verdict.HOLDS:
        case.standing = True
    if broken.verdict is not Verdict.FAILS:
        case.dismissed += 1
        return None
    return Witness(result, name, result.outcomes[name].failed_at or 0, broken)


def about(bare: Theorem, conclusion: str) -> Theorem:
    """The theorem with this conclusion only, where it has one of this name."""
    kept = tuple(c for c in bare.conclusions if c.name == conclusion)
    return replace(bare, conclusions=kept) if kept else bare


def violation(
    bare: Theorem, configuration: Configuration, steps: int, stop_at: int
) -> tuple[Run, str] | None:
    """A run in balls that refutes this theorem, and the conclusion that fails; None where it does not."""
    judged = certified(bare, configuration)
    if judged is None:
        return None
    result = settled(bare, run(bare, configuration, steps, curves=False, stop_at=stop_at))
    campaign = Campaign()
    if result.verdict is Verdict.FAILS and campaign.keep_violation(bare, result, judged):
        return campaign.violation
    return None
