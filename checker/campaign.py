"""The simulated part of an audit: find configurations, certify their hypotheses, judge their runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

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
from checker.request import Request
from checker.runs import run
from checker.satisfiability.corners import favourable
from checker.search import ATTACK, Effort, evolve
from checker.suspects import suspects
from checker.sweep import counts
from checker.sweeping import Job, Setup, Sweeper, sweeper
from checker.theorem import Theorem
from checker.tie_search import has_strict_claims, plain_neighbours
from checker.ties import TIE_STEPS, settled
from checker.verdict import Verdict

Plan = list[tuple[dict[str, int], str | None]]
"""Shapes with their activations, in the order in which they are gone through."""

ROUNDS = 4
"""How often the shapes are gone through before giving up."""

KEPT_BACK = 0.4
"""The share of the budget kept, while nothing satisfies the hypotheses, to say how far they miss."""

PASSES = 2
"""How often the shapes are swept: what the clock cuts then leaves some runs in every shape."""

LARGE = ((4, 8, 48), (16, 16, 128))
"""Shapes (n, d, m) judged at the points that a float64 run visits."""


@dataclass(frozen=True)
class _Work:
    """What every part of a campaign needs."""

    theorem: Theorem
    request: Request
    campaign: Campaign
    plan: Plan
    clock: Clock
    steps: int
    tell: Callable[[str], None]
    device: torch.device


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
    plan = units(theorem, request)
    if theorem.random_start:  # whether wide starts can serve is asked separately
        plan = [plan[k] for k in (0, 2, 7) if k < len(plan)]
    campaign = Campaign()
    work = _Work(theorem, request, campaign, plan, clock, steps, progress, device)
    with sweeper(Setup(theorem, request, steps, str(device)), clock) as sweeps:
        _search(work, runs, sweeps)
        if theorem.random_start or campaign.violation is not None:
            return campaign
        work = replace(work, clock=clock.before(keep))
        _collect(work, sweeps)
    if campaign.satisfying and campaign.violation is None:
        _attack(work)
    if campaign.violation is None and campaign.satisfying and has_strict_claims(theorem):
        _look_for_ties(work)
    if campaign.violation is None:
        _support_large(work)
    return campaign


def _search(work: _Work, runs: int, sweeps: Sweeper) -> None:
    """Go through the shapes until enough runs held or a violation stands; sweeps of each begin beside."""
    theorem, request, campaign, clock = work.theorem, work.request, work.campaign, work.clock
    shares = _shares([sizes for sizes, _ in work.plan], runs)
    numbers = counts([sizes for sizes, _ in work.plan], work.steps)
    kept_back = max(1.0, KEPT_BACK * clock.budget)
    sweeping = theorem.algorithm == "gradient-descent" and not theorem.random_start
    waiting: list[Job] = []  # other passes over a shape come after the first over the next
    for turn in range(1 if theorem.random_start else ROUNDS):
        for index, (sizes, activation) in enumerate(work.plan):
            if campaign.held() >= runs and turn > 0:
                break
            if clock.cuts("further configurations", needs=1.0 if campaign.satisfying else kept_back):
                return
            kind = turned(theorem, request, activation, turn)
            rng = generator(request.seed, "search", turn, index)
            work.tell(f"searching {words(sizes, kind)}")
            steps = min(work.steps, 40)
            found = evolve(theorem, request, sizes, kind, rng, steps=steps, device=work.device)
            none = not campaign.satisfying and not any(a.hypotheses >= 0 for a in found)
            if none and not theorem.random_start:
                found = [*favourable(theorem, request, sizes, kind, steps, (turn, index)), *found]
            campaign.tried += len(found)
            note_closest(campaign, found)
            if sweeping and turn == 0 and any(a.hypotheses >= 0 for a in found):
                job = Job(0, index, -(-numbers[index] // PASSES), tuple(found))
                for ready in (job, *waiting):
                    sweeps.submit(ready)
                waiting = [replace(job, turn=number) for number in range(1, PASSES)]
            if _violated(work, suspects(theorem, found)):
                return
            _support(work, found, rng, min(shares[index], runs - campaign.held()))
            if campaign.violation is not None:
                return
        for job in waiting:
            sweeps.submit(job)
        waiting = []


def _shares(plan: Sequence[dict[str, int]], runs: int) -> list[int]:
    """How many runs each shape gives: small shapes cost less and give more; every shape gives one."""
    weights = [1 / (1 + sizes["n"] * sizes["m"] ** 2 / 8) for sizes in plan]
    return [max(1, round(runs * weight / sum(weights))) for weight in weights]


def _collect(work: _Work, sweeps: Sweeper) -> None:
    """Count thousands of float64 runs near what was found in each shape; suspects go into balls."""
    campaign = work.campaign
    for job, found in sweeps.lots(work.clock, "sweeps of float64 runs"):
        campaign.tried += job.count
        campaign.swept.add(found)
        if found is None:
            continue
        work.tell(f"swept {found.shape}")
        before = campaign.dismissed
        violated = _violated(work, found.again)
        campaign.swept.dismissed += campaign.dismissed - before
        campaign.swept.rerun += campaign.dismissed - before + violated
        if violated:
            return


def _attack(work: _Work) -> None:
    """A longer search for a violation, in a few small shapes."""
    theorem, request, plan = work.theorem, work.request, work.plan
    for index, (sizes, activation) in enumerate([*plan[1:2], *plan[1:4]] or plan[:1]):
        if work.clock.cuts("a longer search for violations", needs=14.0):
            return
        work.tell(f"attacking {words(sizes, activation)}")
        rng = generator(request.seed, "attack", index)
        found = evolve(
            theorem, request, sizes, activation, rng,
            steps=min(work.steps, 30), effort=ATTACK, device=work.device,
        )  # fmt: skip
        work.campaign.tried += len(found)
        if _violated(work, suspects(theorem, found)):
            return


def _look_for_ties(work: _Work) -> None:
    """Strict claims, at plain configurations where both sides may be equal."""
    theorem, campaign = work.theorem, work.campaign
    rng = generator(work.request.seed, "ties")
    for configuration in plain_neighbours(theorem, [r.configuration for r in campaign.runs], rng):
        if work.clock.cuts("strict claims at plain configurations", needs=1.0):
            return
        work.tell("looking for ties")
        judged = certified(theorem, configuration)
        if judged is None:
            continue
        result = settled(theorem, run(theorem, configuration, min(work.steps, TIE_STEPS)))
        if result.verdict is Verdict.FAILS and campaign.keep_violation(theorem, result, judged):
            return


def _violated(work: _Work, again: Sequence[Assessed]) -> bool:
    """Re-run in balls what looks violated; keep the first violation that stands, and say whether one does."""
    theorem, campaign = work.theorem, work.campaign
    for a in again:
        if work.clock.cuts("a suspected violation was not re-run in balls", needs=0.5):
            return False
        work.tell(f"re-running a suspected violation of {a.name or 'uniqueness'} in balls")
        judged = certified(theorem, a.configuration)
        if judged is None:
            continue
        result = settled(theorem, run(theorem, a.configuration, work.steps, stop_at=a.step))
        if result.verdict is not Verdict.FAILS:
            campaign.dismissed += 1
        elif campaign.keep_violation(theorem, result, judged):
            return True
    return False


def _support(work: _Work, found: Sequence[Assessed], rng: np.random.Generator, wanted: int) -> None:
    """Judge some of the satisfying candidates in balls: the hardest first, then others by lot."""
    theorem, campaign = work.theorem, work.campaign
    good = [a for a in found if a.hypotheses >= 0]
    if not good or wanted <= 0:
        return
    hardest = good[: max(1, wanted // 2)]
    rest = [good[i] for i in rng.permutation(len(good)) if good[i] not in hardest]
    held = attempts = 0
    for a in [*hardest, *rest]:
        if held >= wanted or attempts >= 2 * wanted + 2:
            return
        if work.clock.cuts("further runs in balls", needs=1.0):
            return
        attempts += 1
        judged = certified(theorem, a.configuration)
        if judged is None:
            continue
        result = settled(theorem, run(theorem, a.configuration, work.steps))
        if result.verdict is Verdict.FAILS:
            if campaign.keep_violation(theorem, result, judged):
                return
            continue
        campaign.satisfying += 1
        campaign.hypotheses = campaign.hypotheses or judged
        campaign.runs.append(result)
        work.tell(f"{campaign.held()} runs held")
        held += result.verdict is Verdict.HOLDS


def _support_large(work: _Work) -> None:
    """A few wider networks, judged at the points a float64 run computes."""
    theorem, request, campaign, clock = work.theorem, work.request, work.campaign, work.clock
    if theorem.algorithm != "gradient-descent" or theorem.setting != "deq":
        return
    for index, (n, d, m) in enumerate(LARGE):
        sizes = {"n": n, "d": d, "m": m} | dict(request.sizes)
        if clock.cuts("wider networks in float64", needs=10.0):
            return
        rng = generator(request.seed, "large", index)
        kinds = activations(theorem, request)
        work.tell(f"searching {words(sizes, kinds[index % len(kinds)])}")
        found = evolve(
            theorem, request, sizes, kinds[index % len(kinds)], rng,
            steps=20, effort=Effort(16, 3), conclusions=False, device=work.device,
        )  # fmt: skip
        for a in [a for a in found if a.hypotheses >= 0][:1]:
            if clock.cuts("wider networks in float64", needs=5.0):
                return
            judged = certified(theorem, a.configuration)
            if judged is not None:
                campaign.satisfying += 1
                campaign.runs.append(demoted(run(theorem, a.configuration, work.steps, mode="float")))
