"""The simulated part of an audit: find configurations, certify their hypotheses, judge their runs."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from checker.batch import CPU
from checker.campaign_record import (
    Campaign,
    certified,
    demoted,
    note_closest,
    turned,
    units,
    words,
)
from checker.candidates import activations
from checker.clock import Clock
from checker.completing import Assessed
from checker.families import generator
from checker.names import (
    is_about_well_posedness,
)
from checker.request import Request
from checker.runs import run
from checker.satisfiability.corners import favourable
from checker.search import ATTACK, Effort, evolve
from checker.settings import SETTINGS
from checker.sweep import counts, sweep
from checker.theorem import Theorem
from checker.tie_search import has_strict_claims, plain_neighbours
from checker.ties import TIE_STEPS, settled
from checker.verdict import Verdict

ROUNDS = 4
"""How often the shapes are gone through before giving up."""

KEPT_BACK = 0.4
"""The share of the budget kept, while nothing satisfies the hypotheses, to say how far they miss."""

PASSES = 2
"""How often the shapes are swept: what the clock cuts then leaves some runs in every shape."""

LARGE = ((4, 8, 48), (16, 16, 128))
"""Shapes (n, d, m) judged at the points that a float64 run visits."""


SUSPICIOUS = -1e-12
"""An estimated margin below this is worth a run in balls. No verdict depends on it."""


def conduct(
    theorem: Theorem,
    request: Request,
    clock: Clock,
    *,
    runs: int,
    steps: int,
    progress: Callable[[str], None],
    device: torch.device = CPU,
    keep: float = 0.0,
) -> Campaign:
    """Search, certify and judge until enough runs held, a violation stands, or the work is done.

    What is done beyond the runs asked for leaves the share `keep` of the budget to others.
    """
    campaign = Campaign()
    plan = units(theorem, request)
    if theorem.random_start:
        plan = [
            plan[k] for k in (0, 2, 7) if k < len(plan)
        ]  # whether wide starts can serve is asked separately
    shares = _shares([sizes for sizes, _ in plan], runs)
    kept_back = max(1.0, KEPT_BACK * clock.budget)
    parents: dict[int, list[Assessed]] = {}
    for turn in range(ROUNDS):
        for index, (sizes, activation) in enumerate(plan):
            if campaign.held() >= runs and turn > 0:
                break
            if clock.cuts("further configurations", needs=1.0 if campaign.satisfying else kept_back):
                return campaign
            kind = turned(theorem, request, activation, turn)
            rng = generator(request.seed, "search", turn, index)
            progress(f"searching {words(sizes, kind)}")
            found = evolve(theorem, request, sizes, kind, rng, steps=min(steps, 40), device=device)
            none = not campaign.satisfying and not any(a.hypotheses >= 0 for a in found)
            if none and not theorem.random_start:
                path = (turn, index)
                found = [*favourable(theorem, request, sizes, kind, min(steps, 40), path), *found]
            campaign.tried += len(found)
            parents.setdefault(index, found)
            note_closest(campaign, found)
            if _violated(theorem, campaign, found, steps, clock, progress):
                return campaign
            share = shares[index]
            _support(
                theorem, campaign, found, steps, clock, rng, min(share, runs - campaign.held()), progress
            )
            if campaign.violation is not None:
                return campaign
        if theorem.random_start:
            return campaign
    clock = clock.before(keep)
    if theorem.algorithm == "gradient-descent":
        _sweep(theorem, request, campaign, parents, clock, steps, progress, device)
    if campaign.satisfying and campaign.violation is None:
        _attack(theorem, request, campaign, plan, clock, steps, progress, device)
    if campaign.violation is None and campaign.satisfying and has_strict_claims(theorem):
        _look_for_ties(theorem, request, campaign, clock, steps, progress)
    if campaign.violation is None:
        _support_large(theorem, request, campaign, clock, steps, progress, device)
    return campaign


def _shares(plan: Sequence[dict[str, int]], runs: int) -> list[int]:
    """How many runs each shape gives: small shapes cost less and give more; every shape gives one."""
    weights = [1 / (1 + sizes["n"] * sizes["m"] ** 2 / 8) for sizes in plan]
    return [max(1, round(runs * weight / sum(weights))) for weight in weights]


def _sweep(
    theorem: Theorem,
    request: Request,
    campaign: Campaign,
    parents: dict[int, list[Assessed]],
    clock: Clock,
    steps: int,
    progress: Callable[[str], None],
    device: torch.device,
) -> None:
    """Thousands of float64 runs near what was found in each shape, in PASSES; suspects go into balls."""
    sized = [found[0].configuration.sizes for found in parents.values()]
    shapes = [
        (*item, -(-count // PASSES))
        for item, count in zip(parents.items(), counts(sized, steps), strict=True)
    ]
    for turn in range(PASSES):
        for index, found, count in shapes:
            if clock.cuts("sweeps of float64 runs", needs=4.0):
                return
            first = found[0].configuration
            progress(f"sweeping {words(dict(first.sizes), first.activation)}")
            rng = generator(request.seed, "sweep", turn, index)
            ran, run_steps = sweep(theorem, request, found, rng, steps=steps, count=count, device=device)
            campaign.tried += count
            campaign.swept.add(ran, run_steps, SUSPICIOUS)
            before = campaign.dismissed
            violated = _violated(theorem, campaign, ran, steps, clock, progress)
            campaign.swept.dismissed += campaign.dismissed - before
            campaign.swept.rerun += campaign.dismissed - before + violated
            if violated:
                return


def _attack(
    theorem: Theorem,
    request: Request,
    campaign: Campaign,
    plan: list[tuple[dict[str, int], str | None]],
    clock: Clock,
    steps: int,
    progress: Callable[[str], None],
    device: torch.device,
) -> None:
    """A longer search for a violation, in a few small shapes."""
    for index, (sizes, activation) in enumerate([*plan[1:2], *plan[1:4]] or plan[:1]):
        if clock.cuts("a longer search for violations", needs=14.0):
            return
        progress(f"attacking {words(sizes, activation)}")
        rng = generator(request.seed, "attack", index)
        found = evolve(
            theorem, request, sizes, activation, rng, steps=min(steps, 30), effort=ATTACK, device=device
        )
        campaign.tried += len(found)
        if _violated(theorem, campaign, found, steps, clock, progress):
            return


def _look_for_ties(
    theorem: Theorem,
    request: Request,
    campaign: Campaign,
    clock: Clock,
    steps: int,
    progress: Callable[[str], None],
) -> None:
    """Strict claims, at plain configurations where both sides may be equal."""
    rng = generator(request.seed, "ties")
    for configuration in plain_neighbours(theorem, [r.configuration for r in campaign.runs], rng):
        if clock.cuts("strict claims at plain configurations", needs=1.0):
            return
        progress("looking for ties")
        judged = certified(theorem, configuration)
        if judged is None:
            continue
        result = settled(theorem, run(theorem, configuration, min(steps, TIE_STEPS)))
        if result.verdict is Verdict.FAILS and campaign.keep_violation(theorem, result, judged):
            return


def _violated(
    theorem: Theorem,
    campaign: Campaign,
    found: Sequence[Assessed],
    steps: int,
    clock: Clock,
    progress: Callable[[str], None],
) -> bool:
    """Re-run in balls what looks violated; keep the first violation that stands."""
    suspects = sorted(
        (a for a in found if a.hypotheses >= 0 and a.conclusion < SUSPICIOUS), key=lambda a: a.conclusion
    )
    for a in [*suspects[:4], *_ill_posed(theorem, found)]:
        if clock.cuts("a suspected violation was not re-run in balls", needs=0.5):
            return False
        progress(f"re-running a suspected violation of {a.name or 'uniqueness'} in balls")
        judged = certified(theorem, a.configuration)
        if judged is None:
            continue
        result = settled(theorem, run(theorem, a.configuration, steps, stop_at=a.step))
        if result.verdict is not Verdict.FAILS:
            campaign.dismissed += 1
        elif campaign.keep_violation(theorem, result, judged):
            return True
    return False


def _ill_posed(theorem: Theorem, found: Sequence[Assessed]) -> list[Assessed]:
    """For claims of well-posedness: candidates with large weights, which floats cannot grade."""
    if not is_about_well_posedness(theorem) or "W" not in SETTINGS[theorem.setting].parameters:
        return []
    rated = [
        (-float(np.linalg.norm(a.configuration.arrays["W"].floats, 2)), k)
        for k, a in enumerate(found)
        if a.hypotheses >= 0
    ]
    return [replace(found[k], step=0) for size, k in sorted(rated)[:24] if size < -0.9]


def _support(
    theorem: Theorem,
    campaign: Campaign,
    found: Sequence[Assessed],
    steps: int,
    clock: Clock,
    rng: np.random.Generator,
    wanted: int,
    progress: Callable[[str], None],
) -> None:
    """Judge some of the satisfying candidates in balls: the hardest first, then others by lot."""
    good = [a for a in found if a.hypotheses >= 0]
    if not good or wanted <= 0:
        return
    hardest = good[: max(1, wanted // 2)]
    rest = [good[i] for i in rng.permutation(len(good)) if good[i] not in hardest]
    held = attempts = 0
    for a in [*hardest, *rest]:
        if held >= wanted or attempts >= 2 * wanted + 2:
            return
        if clock.cuts("further runs in balls", needs=1.0):
            return
        attempts += 1
        judged = certified(theorem, a.configuration)
        if judged is None:
            continue
        result = settled(theorem, run(theorem, a.configuration, steps))
        if result.verdict is Verdict.FAILS:
            if campaign.keep_violation(theorem, result, judged):
                return
            continue
        campaign.satisfying += 1
        campaign.hypotheses = campaign.hypotheses or judged
        campaign.runs.append(result)
        progress(f"{campaign.held()} runs held")
        held += result.verdict is Verdict.HOLDS


def _support_large(
    theorem: Theorem,
    request: Request,
    campaign: Campaign,
    clock: Clock,
    steps: int,
    progress: Callable[[str], None],
    device: torch.device,
) -> None:
    """A few wider networks, judged at the points a float64 run computes."""
    if theorem.algorithm != "gradient-descent" or theorem.setting != "deq":
        return
    for index, (n, d, m) in enumerate(LARGE):
        sizes = {"n": n, "d": d, "m": m} | dict(request.sizes)
        if clock.cuts("wider networks in float64", needs=10.0):
            return
        rng = generator(request.seed, "large", index)
        kinds = activations(theorem, request)
        progress(f"searching {words(sizes, kinds[index % len(kinds)])}")
        found = evolve(
            theorem, request, sizes, kinds[index % len(kinds)], rng,
            steps=20, effort=Effort(16, 3), conclusions=False, device=device,
        )  # fmt: skip
        for a in [a for a in found if a.hypotheses >= 0][:1]:
            if clock.cuts("wider networks in float64", needs=5.0):
                return
            judged = certified(theorem, a.configuration)
            if judged is not None:
                campaign.satisfying += 1
                campaign.runs.append(demoted(run(theorem, a.configuration, steps, mode="float")))
