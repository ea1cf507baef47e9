"""One conclusion judged in balls at one step of one run, whatever the other conclusions do."""

from collections.abc import Iterator
from dataclasses import replace

from flint import ctx, fmpq

from checker.configuration import Configuration, instantiate
from checker.enclosure import Enclosure, to_arb
from checker.errors import NotEnclosed
from checker.expression.enclose import Judgement
from checker.expression.simplify import next_depth_of_claim, same_at_start
from checker.expression.tree import Atom, Claim, Comparison
from checker.hypotheses import start_scene, undecided
from checker.judging import MOVES_IN_PICARD, ball_states, distance, judge_at, judged_conclusions
from checker.names import claim_dependencies
from checker.scene import Path, State, dependencies
from checker.theorem import Theorem


def judge_step(
    theorem: Theorem, configuration: Configuration, conclusion_name: str, step: int, precision: int
) -> Judgement:
    """Judge the conclusion at `step` of the run in balls with `precision` bits.

    A conclusion that needs a constant without a value is undecided. Gradient flow is
    known in balls at its start only (step 0).
    """
    claims = judged_conclusions(theorem, configuration)
    if conclusion_name not in claims:
        return undecided("the conclusion has a constant without a value")
    claim = claims[conclusion_name]
    if step > 0 and theorem.algorithm not in ("gradient-descent", "picard"):
        return undecided(f"{theorem.algorithm} has no step {step} in balls")
    depth = next_depth_of_claim(claim)
    with ctx.workprec(precision):
        try:
            instance = instantiate(configuration)
            states = ball_states(theorem, configuration, instance, step + depth)
            path: Path[Enclosure] = Path(start_scene(theorem, configuration), depth + 2, _time)
            follow = "path_length" in claim_dependencies(claim, theorem.definitions)
            lengths = _pushed(path, states, configuration.trains if follow else None)
            judgement = undecided("no step was judged")
            for tau in range(step + 1):
                while path.length <= tau + depth and next(lengths, None) is not None:
                    pass
                if path.length <= tau:
                    return undecided(f"the trajectory is not determined beyond step {tau - 1}")
                judgement = judge_at(theorem, {conclusion_name: claim}, path.at(tau))[conclusion_name]
            return judgement
        except NotEnclosed as error:
            return undecided(error.reason)


def claim_at(theorem: Theorem, configuration: Configuration, conclusion_name: str, step: int) -> Claim | None:
    """The conclusion as it is judged at a step: sides that are one expression at the start are left out.

    None where it has a constant without a value.
    """
    claim = judged_conclusions(theorem, configuration).get(conclusion_name)
    if claim is None or step > 0:
        return claim
    return replace(claim, parts=tuple(part for part in claim.parts if not _tied(part, theorem)))


def _tied(part: Comparison | Atom, theorem: Theorem) -> bool:
    if isinstance(part, Atom):
        return False
    if theorem.algorithm == "picard":
        names = dependencies(part.left, theorem.definitions) | dependencies(part.right, theorem.definitions)
        if names & MOVES_IN_PICARD:
            return False
    return same_at_start(part, theorem.definitions)


def _time(tau: int) -> Enclosure:
    """The time of a flow, which is known at its start only."""
    return fmpq(tau)


def _pushed(
    path: Path[Enclosure], states: Iterator[State[Enclosure]], trains: tuple[str, ...] | None
) -> Iterator[State[Enclosure]]:
    """Push the states one by one, with the length travelled where `trains` says by what."""
    length: Enclosure = fmpq(0)
    before: State[Enclosure] | None = None
    for state in states:
        if before is not None and trains is not None:
            length = to_arb(length) + distance(before, state, trains)
        path.push(state, length if trains is not None else None)
        before = state
        yield state
