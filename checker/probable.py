"""Claimed probabilities against seeded draws of the declared law: sampling, never search.

The configuration (data, sizes, parameters) is fixed before the draws; a pilot picks the
hardest one with draws of its own, and the final draws are fresh.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from flint import ctx, fmpq

from checker.campaign_record import certified, hidden_gates
from checker.candidates import activations, propose, shapes
from checker.clock import Clock
from checker.completing import complete
from checker.configuration import Configuration
from checker.enclosure import ARRAYS, outward, to_arb
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.families import draw, generator, sizes_of
from checker.hypotheses import Judged, judge_hypotheses, start_scene
from checker.outcomes import Run
from checker.records import Probability
from checker.request import Request
from checker.runs import run
from checker.settings import SETTINGS
from checker.simulating import simulate
from checker.statistics import binomial_interval
from checker.theorem import Theorem
from checker.verdict import Verdict

PILOT = 64
"""Estimated draws for each candidate of the pilot."""

TESTED = 3
"""Configurations tested with fresh draws; the confidence is shared among them."""

DRAWS = {"static": 800, "moving": 120}
"""Judged draws for each tested configuration."""


@dataclass
class Sampled:
    """The outcome for one tested configuration."""

    configuration: Configuration
    claimed: tuple[float, float]
    record: Probability
    satisfying: int
    excluded: bool
    runs: list[Run]
    hypotheses: list[Judged]
    held: int
    failed: int


def redraw(theorem: Theorem, base: Configuration, rng: np.random.Generator) -> Configuration:
    """A fresh draw of everything random in the theorem; the rest of the configuration stays."""
    setting = SETTINGS[theorem.setting]
    arrays = dict(base.arrays)
    for name, law in theorem.data.items():
        shape = (base.sizes["d"], base.sizes["n"]) if name == "X" else (base.sizes["n"],)
        drawn = draw(law, shape, base, rng)
        scaled = name == "X" and theorem.scope.data_norm is not None
        arrays[name] = replace(drawn, map="columns", scale=theorem.scope.data_norm) if scaled else drawn
    for name, law in theorem.initialization.items():
        arrays[name] = draw(law, sizes_of(setting.parameters[name], dict(base.sizes)), base, rng)
    return replace(base, arrays=arrays)


def _candidates(theorem: Theorem, request: Request) -> list[Configuration]:
    kinds = activations(theorem, request)
    out: list[Configuration] = []
    for index, sizes in enumerate(shapes(theorem, request, most=8)):
        for k in range(3):
            rng = generator(request.seed, "probable", index, k)
            out.append(propose(theorem, request, sizes, kinds[(index + k) % len(kinds)], rng))
    return out


def _with_step(theorem: Theorem, base: Configuration, rng: np.random.Generator) -> Configuration:
    """Fix the step size before the draws: half the least of its bounds over pilot draws."""
    step = theorem.step
    if step is None or step not in theorem.parameters or step in base.parameters:
        return base
    from checker.expression.tree import Number

    pilot = complete(
        theorem, [redraw(theorem, base, rng) for _ in range(16)], rng, fractions=(Fraction(1, 2),)
    )
    sizes = [a.configuration.parameters[step].value for a in pilot if step in a.configuration.parameters]  # type: ignore[union-attr]
    value = float(np.min([float(s) for s in sizes])) if sizes else 0.1
    mantissa, exponent = np.frexp(value)
    short = Fraction(float(np.ldexp(np.round(mantissa * 2**12) / 2**12, exponent)))
    return replace(base, parameters=dict(base.parameters) | {step: Number(short)})


def claimed_probability(theorem: Theorem, configuration: Configuration) -> tuple[float, float]:
    """The claimed probability as an outward pair of floats."""
    if theorem.probability is None:
        return (0.0, 1.0)
    with ctx.workprec(128):
        scene = start_scene(theorem, configuration)
        value = scene.algebra.evaluate(theorem.probability.holds, scene)
        if isinstance(value, ARRAYS):
            raise NotEnclosed("a probability is a number")
        return outward(to_arb(value)) if not isinstance(value, fmpq) else outward(value)


def _pilot(theorem: Theorem, base: Configuration, steps: int, rng: np.random.Generator) -> float:
    """The estimated frequency of the event; draws that miss the hypotheses count as the event."""
    draws = [redraw(theorem, strip_exists(theorem, base), rng) for _ in range(PILOT)]
    assessed = complete(theorem, draws, rng)
    inside = [a for a in assessed if a.hypotheses >= 0]
    if not inside:
        return 1.0
    broken = sum(1 for a in simulate(theorem, inside, min(steps, 60)) if a.conclusion < 0)
    return 1 - broken / PILOT


def strip_exists(theorem: Theorem, configuration: Configuration) -> Configuration:
    """Forget `exists` parameters: they may be chosen anew for every draw."""
    kept = {
        name: node
        for name, node in configuration.parameters.items()
        if theorem.parameters[name].quantifier != "exists"
    }
    return replace(configuration, parameters=kept)


def sample(
    theorem: Theorem,
    request: Request,
    clock: Clock,
    *,
    runs: int,
    steps: int,
    confidence: float,
    progress: Callable[[str], None],
) -> list[Sampled]:
    """Test the hardest configurations of a pilot with fresh draws, the hardest first."""
    ranked: list[tuple[float, int, Configuration]] = []
    for index, base in enumerate(_candidates(theorem, request)):
        if clock.cuts("further pilot configurations", needs=2.0):
            break
        rng = generator(request.seed, "pilot", index)
        fixed = _with_step(theorem, base, rng)
        try:
            claimed = claimed_probability(theorem, redraw(theorem, fixed, rng))
        except (NotEnclosed, CertainlyUndefined):
            continue
        frequency = _pilot(theorem, fixed, steps, rng)
        trivial = claimed[1] <= 0
        ranked.append((frequency - claimed[0] + (2 if trivial else 0), index, fixed))
    ranked.sort(key=lambda item: item[:2])
    tests = min(TESTED, len(ranked))
    share = 1 - (1 - Fraction(str(confidence))) / max(tests, 1)
    found: list[Sampled] = []
    for _, index, base in ranked[:tests]:
        progress(f"sampling configuration {len(found) + 1} of {tests}")
        rng = generator(request.seed, "sample", index)
        found.append(_test(theorem, base, clock, rng, runs, steps, share))
        if found[-1].excluded:
            break
    return found


def _test(
    theorem: Theorem,
    base: Configuration,
    clock: Clock,
    rng: np.random.Generator,
    runs: int,
    steps: int,
    confidence: Fraction,
) -> Sampled:
    static = theorem.algorithm == "none"
    wanted = max(runs, DRAWS["static" if static else "moving"])
    events = undecided = satisfying = held = failed = done = 0
    kept: list[Run] = []
    hypotheses: list[Judged] = []
    claimed = (0.0, 1.0)
    for k in range(wanted):
        if k >= runs and k % 20 == 0 and clock.cuts(f"draws beyond {k} of {wanted}", needs=0.5):
            break
        drawn = complete(theorem, [strip_exists(theorem, redraw(theorem, base, rng))], rng)[0].configuration
        if k == 0:
            claimed = claimed_probability(theorem, drawn)
        done += 1
        outcome, result, judged = _event(theorem, drawn, steps)
        satisfying += result is not None
        hypotheses = hypotheses or judged
        if result is not None and len(kept) < 40:
            kept.append(result)
        events += outcome is Verdict.HOLDS
        undecided += outcome is Verdict.UNDECIDED
        held += result is not None and outcome is Verdict.HOLDS
        failed += outcome is Verdict.FAILS
    lower, _ = binomial_interval(events, done, confidence)
    _, upper = binomial_interval(events + undecided, done, confidence)
    record = Probability(
        claimed=claimed[0], estimate=events / done, lower=lower, upper=upper, confidence=float(confidence),
        runs=done, undecided=undecided, config=base.summary(),
    )  # fmt: skip
    return Sampled(base, claimed, record, satisfying, upper < claimed[0], kept, hypotheses, held, failed)


def _event(theorem: Theorem, drawn: Configuration, steps: int) -> tuple[Verdict, Run | None, list[Judged]]:
    """Did the event occur: some hypothesis fails, or every conclusion holds at every step?"""
    try:
        judged = judge_hypotheses(
            theorem, drawn, skip=hidden_gates(theorem, drawn), precisions=(64, 128), stop_at_failure=True
        )
        if any(j.verdict is Verdict.FAILS for j in judged):
            return Verdict.HOLDS, None, judged
        if certified(theorem, drawn) is None:
            return Verdict.UNDECIDED, None, judged
        result = run(theorem, drawn, steps, curves=False)
    except (NotEnclosed, CertainlyUndefined):
        return Verdict.UNDECIDED, None, []
    return result.verdict, result, judged
