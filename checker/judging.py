"""The claims of a theorem at the steps of one run in balls: nothing here searches or estimates."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import cast

from flint import arb, arb_mat

from checker.configuration import Configuration
from checker.dynamics import descend, picard
from checker.enclosure import ARRAYS, Ball, Enclosure, frobenius, root
from checker.errors import NotEnclosed
from checker.expression.enclose import Judgement
from checker.expression.simplify import same_at_start
from checker.expression.tree import Atom, Binary, Call, Claim, Comparison, Number
from checker.hypotheses import judge_safely, start_scene
from checker.names import claim_dependencies
from checker.scene import Moment, Scene, State, dependencies
from checker.settings import SETTINGS
from checker.settings.base import Instance
from checker.theorem import NamedClaim, Theorem
from checker.verdict import Verdict


def conclusion_claim(theorem: Theorem, conclusion: NamedClaim) -> Claim:
    """The claim as it is judged: `==` within its stated tolerance."""
    tolerance = theorem.tolerances.get(conclusion.name)
    if tolerance is None:
        return conclusion.claim
    parts: list[Comparison | Atom] = []
    for part in conclusion.claim.parts:
        if isinstance(part, Comparison) and part.operator == "==":
            gap = Call("abs", (Binary("-", part.left, part.right, 1, ()),), 1, ())
            parts.append(Comparison("<=", gap, Number(Fraction(tolerance))))
        else:
            parts.append(part)
    return Claim(conclusion.claim.text, tuple(parts))


def judged_conclusions(theorem: Theorem, configuration: Configuration) -> dict[str, Claim]:
    """The conclusions that can be judged here: those without a constant that has no value."""
    open_names = frozenset(theorem.parameters) - frozenset(configuration.parameters)
    return {
        c.name: conclusion_claim(theorem, c)
        for c in theorem.conclusions
        if not claim_dependencies(c.claim, theorem.definitions) & open_names
    }


def judge_at(
    theorem: Theorem, claims: Mapping[str, Claim], moment: Moment[Enclosure]
) -> dict[str, Judgement]:
    """Every conclusion at one step; at the start, sides that are the same number hold."""
    out: dict[str, Judgement] = {}
    for name, claim in claims.items():
        if moment.tau == 0:
            claim = _without_ties(claim, theorem)
        if not claim.parts:
            out[name] = Judgement(
                Verdict.HOLDS, "", None, None, None, "both sides are the same number at the start"
            )
        else:
            out[name] = judge_safely(claim, moment, hypothesis=False)
    return out


_FEATURES = frozenset({"T", "features", "preactivation", "G", "NTK"})
_ERRORS = frozenset({"yhat", "residual", "loss", "loss_star"})
_GRADIENTS = frozenset({"grad_norm", "grad_W", "grad_U", "grad_a"})

MOVES_IN_PICARD = _FEATURES | _ERRORS | _GRADIENTS
"""Names that mean the equilibrium at initialization and the iterate in a conclusion of a picard theorem."""


def _without_ties(claim: Claim, theorem: Theorem) -> Claim:
    parts = tuple(part for part in claim.parts if isinstance(part, Atom) or not _tied(part, theorem))
    return replace(claim, parts=parts)


def _tied(part: Comparison, theorem: Theorem) -> bool:
    if theorem.algorithm == "picard":
        names = dependencies(part.left, theorem.definitions) | dependencies(part.right, theorem.definitions)
        if names & MOVES_IN_PICARD:
            return False
    return same_at_start(part, theorem.definitions)


def step_size(theorem: Theorem, scene: Scene[Enclosure]) -> Ball:
    """The step size: a parameter, or a definition that binds it."""
    value = scene.name(theorem.step or "eta")
    if isinstance(value, ARRAYS):
        raise NotEnclosed("the step size is not a number")
    return value


def ball_states(
    theorem: Theorem, configuration: Configuration, instance: Instance, steps: int
) -> Iterator[State[Enclosure]]:
    """The states of a run in balls, tau = 0, 1, ..., steps, at the ambient precision."""
    setting = SETTINGS[configuration.setting]
    if theorem.algorithm == "gradient-descent":
        eta = step_size(theorem, start_scene(theorem, configuration))
        yield from descend(setting, instance, eta, steps)
    elif theorem.algorithm == "picard":
        yield from picard(setting, instance, steps)
    else:
        yield setting.enclose(instance)


def distance(before: State[Enclosure], after: State[Enclosure], names: tuple[str, ...]) -> arb:
    """The joint Euclidean distance of the named parameters of two states."""
    total = arb(0)
    for name in names:
        old, new = cast(arb_mat, before.value(name)), cast(arb_mat, after.value(name))
        size = frobenius(new - old)
        total += size * size
    return root(total)
