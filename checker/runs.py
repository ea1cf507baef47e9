"""One run judged: hypotheses at its start, every conclusion at every step.

A run in balls is exact mathematics from exact parameters, so what it decides is
proved (or witnessed). A run in float64 is judged at the computed points, each an
exact start of its own; it supports, and never refutes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

import torch
from flint import arb, arb_mat, ctx, fmpq

from checker.algebras import BALLS
from checker.batch import stack
from checker.configuration import Configuration, instantiate
from checker.dynamics import descend, picard, planned_precision
from checker.enclosure import Ball, Enclosure, frobenius, matrix, root, to_arb
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.enclose import Judgement
from checker.expression.simplify import next_depth_of_claim, same_at_start
from checker.expression.tree import Atom, Binary, Call, Claim, Comparison, Number
from checker.hypotheses import given_values, judge_safely, start_scene, undecided
from checker.names import claim_dependencies, only_chosen, used_names
from checker.outcomes import Ledger, Outcome, Run, middle
from checker.scene import Moment, Path, Scene, State, dependencies
from checker.settings import SETTINGS
from checker.settings.base import Instance
from checker.theorem import NamedClaim, Theorem
from checker.verdict import Verdict
from models.training import gradient_descent

FLOAT_PRECISION = 128
"""The precision at which computed points are enclosed."""

PICARD_BITS = 128

EARLY_END = fmpq(1, 10**20)
"""A run ends once loss <= EARLY_END * loss_0, certifiably."""


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


MOVES_IN_PICARD = frozenset({"T", "features", "G", "NTK", "yhat", "residual", "loss", "preactivation"})
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
    if isinstance(value, arb_mat):
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


def float_states(
    theorem: Theorem, configuration: Configuration, instance: Instance, steps: int
) -> Iterator[State[Enclosure]]:
    """The computed points of a float64 run, each enclosed as an exact point of its own."""
    setting = SETTINGS[configuration.setting]
    problem, params = stack([configuration])
    size = step_size(theorem, start_scene(theorem, configuration))
    eta = torch.tensor([float(to_arb(size).mid())], dtype=torch.float64)
    for tau, point in enumerate(gradient_descent(problem, params, eta, steps)):
        if tau == 0:
            yield setting.enclose(instance)
            continue
        arrays: dict[str, arb_mat] = {}
        for name in instance.params:
            floats = point.params[name][0].numpy()
            arrays[name] = matrix(floats if floats.ndim == 2 else floats.reshape(-1, 1))
        yield setting.enclose(replace(instance, params=arrays))


def _distance(before: State[Enclosure], after: State[Enclosure], names: tuple[str, ...]) -> arb:
    total = arb(0)
    for name in names:
        old, new = before.value(name), after.value(name)
        if isinstance(old, arb_mat) and isinstance(new, arb_mat):
            size = frobenius(new - old)
            total += size * size
    return root(total)


def _planned(theorem: Theorem, mode: str, steps: int) -> int:
    """Bits enough for a first attempt; Picard's gaps shrink geometrically, so each step asks for more."""
    if mode != "balls" or theorem.algorithm == "none":
        return FLOAT_PRECISION
    return PICARD_BITS + 12 * steps if theorem.algorithm == "picard" else planned_precision(steps)


def run(
    theorem: Theorem,
    configuration: Configuration,
    steps: int,
    *,
    mode: str = "balls",
    precision: int | None = None,
    curves: bool = True,
    stop_at: int | None = None,
) -> Run:
    """Judge every conclusion at every step 0..steps of one run (or up to `stop_at`)."""
    static = theorem.algorithm == "none"
    steps = 0 if static else steps
    claims = judged_conclusions(theorem, configuration)
    depth = max((next_depth_of_claim(claim) for claim in claims.values()), default=0)
    bits = precision or _planned(theorem, mode, steps)
    ledgers = {name: Ledger(curves) for name in claims}
    losses: list[float | None] = []
    last = steps if stop_at is None else min(stop_at, steps)
    ended = ""
    with ctx.workprec(bits):
        instance = instantiate(configuration)
        make = ball_states if mode == "balls" else float_states
        states = make(theorem, configuration, instance, last + depth)
        first = next(states)
        start = SETTINGS[configuration.setting].enclose(instance) if theorem.algorithm == "picard" else first
        scene = Scene(theorem, BALLS, start, given_values(theorem, configuration))
        path: Path[Enclosure] = Path(scene, depth + 2)
        follow = "path_length" in used_names(theorem)
        length: Enclosure = fmpq(0)
        path.push(first, length)
        current = first
        judged = 0
        for tau in range(last + 1):
            while path.length <= tau + depth:
                following = next(states, None)
                if following is None:
                    break
                if follow:
                    length = to_arb(length) + _distance(current, following, configuration.trains)
                path.push(following, length if follow else None)
                current = following
            if path.length <= tau:
                ended = f"the trajectory is not determined beyond step {tau - 1}"
                for ledger in ledgers.values():
                    ledger.add(tau, undecided(ended))
                break
            moment = path.at(tau)
            for name, judgement in judge_at(theorem, claims, moment).items():
                ledgers[name].add(tau, judgement)
            judged = tau
            loss = _loss(moment)
            losses.append(middle(loss))
            if tau < last and theorem.algorithm == "gradient-descent" and _finished(loss, scene):
                ended = f"loss <= 1e-20*loss_0 at step {tau}"
                break
    outcomes = {name: ledger.outcome() for name, ledger in ledgers.items()}
    outcomes = {name: _for_the_choice(theorem, name, outcome) for name, outcome in outcomes.items()}
    return Run(configuration, mode, bits, judged, ended, outcomes, tuple(losses))


def middle_of_loss(moment: Moment[Enclosure]) -> float | None:
    """The loss at a moment as a float for plots, or None."""
    return middle(_loss(moment))


def _loss(moment: Moment[Enclosure]) -> Enclosure | None:
    try:
        return moment.name("loss")
    except (NotEnclosed, CertainlyUndefined):
        return None


def _finished(loss: Enclosure | None, scene: Scene[Enclosure]) -> bool:
    if loss is None or isinstance(loss, arb_mat):
        return False
    try:
        first = scene.state.value("loss")
    except (NotEnclosed, CertainlyUndefined):
        return False
    if isinstance(first, arb_mat):
        return False
    return bool(to_arb(loss) <= to_arb(first) * to_arb(EARLY_END))


def _for_the_choice(theorem: Theorem, name: str, outcome: Outcome) -> Outcome:
    """A conclusion that asks for a good choice is not refuted by one bad choice."""
    if outcome.verdict is not Verdict.FAILS:
        return outcome
    claim = next(c.claim for c in theorem.conclusions if c.name == name)
    chosen = sorted(only_chosen(theorem) & claim_dependencies(claim, theorem.definitions))
    if not chosen:
        return outcome
    reason = f"fails for the {', '.join(chosen)} tried; another choice may do"
    return replace(outcome, verdict=Verdict.UNDECIDED, reason=reason, failed_at=None, failure=None)
