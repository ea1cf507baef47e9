"""One run judged: hypotheses at its start, every conclusion at every step.

A run in balls is exact mathematics from exact parameters, so what it decides is
proved (or witnessed). A run in float64 is judged at the computed points, each an
exact start of its own; it supports, and never refutes.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from flint import arb_mat, ctx, fmpq

from checker.algebras import BALLS
from checker.batch import stack
from checker.configuration import Configuration, instantiate
from checker.dynamics import planned_precision
from checker.enclosure import ARRAYS, Enclosure, matrix, to_arb
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.simplify import next_depth_of_claim
from checker.hypotheses import given_values, start_scene, undecided
from checker.judging import ball_states, distance, judge_at, judged_conclusions, step_size
from checker.names import claim_dependencies, only_chosen, used_names
from checker.outcomes import Ledger, Outcome, Run, middle
from checker.scene import Moment, Path, Scene, State
from checker.settings import SETTINGS
from checker.settings.base import Instance
from checker.theorem import Theorem
from checker.verdict import Verdict
from models.training import gradient_descent

FLOAT_PRECISION = 128
"""The precision at which computed points are enclosed."""

PICARD_BITS = 128

EARLY_END = fmpq(1, 10**20)
"""A run ends once loss <= EARLY_END * loss_0, certifiably."""


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
                    length = to_arb(length) + distance(current, following, configuration.trains)
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
    if loss is None or isinstance(loss, ARRAYS):
        return False
    try:
        first = scene.state.value("loss")
    except (NotEnclosed, CertainlyUndefined):
        return False
    if isinstance(first, ARRAYS):
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
