"""The simulated part of an audit: find configurations, certify their hypotheses, judge their runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from checker.batch import CPU
from checker.candidates import activations, shapes
from checker.clock import Clock
from checker.configuration import Configuration
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.families import generator
from checker.flow import integrate, judge_flow, standing_violation
from checker.hidden import threshold
from checker.hypotheses import Judged, equilibrium_certified, gates, judge_hypotheses
from checker.names import (
    claim_dependencies,
    claims_well_posedness,
    is_about_well_posedness,
    of_quantifier,
)
from checker.near import NearScenes, ladder
from checker.outcomes import Run
from checker.records import Hidden
from checker.request import Request
from checker.runs import run
from checker.satisfiability.corners import favourable
from checker.search import ATTACK, Assessed, Effort, evolve
from checker.settings import SETTINGS
from checker.standing import standing_failures
from checker.sweep import Sweep, counts, sweep
from checker.theorem import Theorem
from checker.tie_search import has_strict_claims, plain_neighbours
from checker.ties import TIE_STEPS, settled, settled_gates
from checker.verdict import Basis, Verdict

ROUNDS = 4
"""How often the shapes are gone through before giving up."""

KEPT_BACK = 0.4
"""The share of the budget kept, while nothing satisfies the hypotheses, to say how far they miss."""

LARGE = ((4, 8, 48), (16, 16, 128))
"""Shapes (n, d, m) judged at the points that a float64 run visits."""

SEARCH_BITS = (64, 128, 256)
"""Precisions tried for a candidate's hypotheses; a candidate needing more is passed over."""

SUSPICIOUS = -1e-12
"""An estimated margin below this is worth a run in balls. No verdict depends on it."""


@dataclass
class Campaign:
    """What was found: judged runs in order, the violation if one stands, and the nearest miss."""

    runs: list[Run] = field(default_factory=list[Run])
    hypotheses: list[Judged] = field(default_factory=list[Judged])
    violation: tuple[Run, str] | None = None
    closest: Assessed | None = None
    basis: Basis = Basis.WITNESS
    tried: int = 0
    satisfying: int = 0
    dismissed: int = 0
    excluded: dict[str, float] = field(default_factory=dict[str, float])
    swept: Sweep = field(default_factory=Sweep)

    def held(self) -> int:
        """Runs in which every conclusion held at every step."""
        return sum(1 for r in self.runs if r.verdict is Verdict.HOLDS)

    def keep_violation(self, theorem: Theorem, result: Run, judged: list[Judged]) -> bool:
        """Record a run that violates a conclusion; True if it refutes the theorem.

        Where hypotheses have a hidden constant it excludes the values for which they
        hold at this run, and refutes only if those are all.
        """
        self.satisfying += 1
        self.hypotheses = self.hypotheses or judged
        failed = standing_failures(theorem, result)
        if not failed:
            return False
        for name in sorted(of_quantifier(theorem, "hidden")):
            about = [
                c for c in theorem.hypotheses if name in claim_dependencies(c.claim, theorem.definitions)
            ]
            found = threshold(theorem, result.configuration, about, name) if about else None
            if found is not None and found.side != "every value":
                if found.value is not None:
                    text = f"{name} {'<=' if found.side == 'at most' else '>='}"
                    keep = max if found.side == "at most" else min
                    self.excluded[text] = keep(self.excluded.get(text, found.value), found.value)
                return False
        self.runs.append(result)
        self.violation = (result, min(failed, key=lambda n: (result.outcomes[n].failed_at or 0, n)))
        return True

    def hidden_rows(self, theorem: Theorem) -> tuple[Hidden, ...]:
        """What the runs say of each hidden constant in the hypotheses."""
        rows: list[Hidden] = []
        for name in sorted(of_quantifier(theorem, "hidden")):
            texts = [
                f"{text} {value:.6g}" for text, value in self.excluded.items() if text.startswith(f"{name} ")
            ]
            value = next((v for t, v in self.excluded.items() if t.startswith(f"{name} ")), None)
            trend = (
                "no run needs any value"
                if value is None
                else "runs were violated below it; the trend was not fitted"
            )
            rows.append(Hidden(name, value, trend, "; ".join(texts)))
        return tuple(rows)

    def hidden_supported(self) -> bool:
        """Does no run exclude any value of a hidden constant?"""
        return not self.excluded


def hidden_gates(theorem: Theorem, configuration: Configuration) -> frozenset[str]:
    """Gates that mention a hidden constant; they gate no run."""
    hidden = of_quantifier(theorem, "hidden")
    return frozenset(
        c.name
        for c in gates(theorem, configuration)
        if claim_dependencies(c.claim, theorem.definitions) & hidden
    )


def certified(
    theorem: Theorem, configuration: Configuration, conclusion_name: str = ""
) -> list[Judged] | None:
    """The judged hypotheses if all of them certainly hold and the equilibrium is certified, else None.

    The equilibrium is waived where the named conclusion is about it; where none is named, where any is.
    """
    precisions, scenes = ladder(configuration, SEARCH_BITS), NearScenes(theorem)
    try:
        judged = judge_hypotheses(
            theorem,
            configuration,
            skip=hidden_gates(theorem, configuration),
            precisions=precisions,
            stop_at_failure=True,
            scenes=scenes,
        )
        judged = settled_gates(theorem, configuration, judged)
        if any(j.verdict is not Verdict.HOLDS for j in judged):
            return None
        about = [c.name for c in theorem.conclusions if claims_well_posedness(c.claim)]
        waived = conclusion_name in about if conclusion_name else bool(about)
        certain, _ = equilibrium_certified(
            theorem, configuration, waived=waived, precisions=precisions[:2], scenes=scenes
        )
        return judged if certain else None
    except (NotEnclosed, CertainlyUndefined):
        return None


def units(theorem: Theorem, request: Request) -> list[tuple[dict[str, int], str | None]]:
    """The fixed order of work: every shape, the activations taken in turn."""
    kinds = activations(theorem, request)
    return (
        [(sizes, kinds[k % len(kinds)]) for k, sizes in enumerate(shapes(theorem, request))] if kinds else []
    )


def conduct(
    theorem: Theorem,
    request: Request,
    clock: Clock,
    *,
    runs: int,
    steps: int,
    progress: Callable[[str], None],
    device: torch.device = CPU,
) -> Campaign:
    """Search, certify and judge until enough runs held, a violation stands, or the work is done."""
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
            kind = _turned(theorem, request, activation, turn)
            rng = generator(request.seed, "search", turn, index)
            progress(f"searching {_words(sizes, kind)}")
            found = evolve(theorem, request, sizes, kind, rng, steps=min(steps, 40), device=device)
            none = not campaign.satisfying and not any(a.hypotheses >= 0 for a in found)
            if none and not theorem.random_start:
                path = (turn, index)
                found = [*favourable(theorem, request, sizes, kind, min(steps, 40), path), *found]
            campaign.tried += len(found)
            parents.setdefault(index, found)
            _note_closest(campaign, found)
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
    """Thousands of full-length float64 runs near what was found in each shape; suspects go into balls."""
    sized = [found[0].configuration.sizes for found in parents.values()]
    for (index, found), count in zip(parents.items(), counts(sized, steps), strict=True):
        if clock.cuts("sweeps of float64 runs", needs=12.0):
            return
        first = found[0].configuration
        progress(f"sweeping {_words(dict(first.sizes), first.activation)}")
        rng = generator(request.seed, "sweep", index)
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
        progress(f"attacking {_words(sizes, activation)}")
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


def _turned(theorem: Theorem, request: Request, activation: str | None, turn: int) -> str | None:
    kinds = activations(theorem, request)
    return kinds[(kinds.index(activation) + turn * 5) % len(kinds)] if activation in kinds else activation


def _words(sizes: dict[str, int], activation: str | None) -> str:
    text = ", ".join(f"{k}={v}" for k, v in sizes.items())
    return text if activation is None else f"{text}, {activation}"


def _note_closest(campaign: Campaign, found: Sequence[Assessed]) -> None:
    for a in found:
        if np.isfinite(a.hypotheses) and (
            campaign.closest is None or a.hypotheses > campaign.closest.hypotheses
        ):
            campaign.closest = a


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
        progress(f"searching {_words(sizes, kinds[index % len(kinds)])}")
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
                campaign.runs.append(_demoted(run(theorem, a.configuration, steps, mode="float")))


def _demoted(result: Run) -> Run:
    """A float run never refutes: what looks violated at computed points stays undecided."""
    outcomes = {
        name: replace(
            o, verdict=Verdict.UNDECIDED, reason=f"violated at the computed point of step {o.failed_at}"
        )
        if o.verdict is Verdict.FAILS
        else o
        for name, o in result.outcomes.items()
    }
    return replace(result, outcomes=outcomes)


def conduct_flow(
    theorem: Theorem, request: Request, clock: Clock, *, runs: int, progress: Callable[[str], None]
) -> Campaign:
    """The same for gradient flow: recorded times, basis sample, except at the exact start."""
    campaign = Campaign()
    plan = units(theorem, request)
    for turn in range(ROUNDS):
        for index, (sizes, activation) in enumerate(plan):
            if campaign.held() >= runs and turn > 0:
                return campaign
            if clock.cuts("further configurations", needs=1.0):
                return campaign
            kind = _turned(theorem, request, activation, turn)
            rng = generator(request.seed, "flow", turn, index)
            progress(f"searching {_words(sizes, kind)}")
            found = evolve(
                theorem, request, sizes, kind, rng, steps=0, effort=Effort(24, 5), conclusions=False
            )
            campaign.tried += len(found)
            _note_closest(campaign, found)
            good = [a for a in found if a.hypotheses >= 0]
            share = max(6, -(-runs // max(1, len(plan))) + 2)
            chosen = [good[i].configuration for i in rng.permutation(len(good))[:share]]
            if chosen and _flows(theorem, campaign, chosen, clock, progress):
                return campaign
    return campaign


def _flows(
    theorem: Theorem,
    campaign: Campaign,
    chosen: Sequence[Configuration],
    clock: Clock,
    progress: Callable[[str], None],
) -> bool:
    """Integrate some configurations of one shape together and judge them; True once one refutes."""
    kept: list[tuple[Configuration, list[Judged]]] = []
    for configuration in chosen:
        judged = certified(theorem, configuration)
        if judged is not None:
            kept.append((configuration, judged))
    if not kept or clock.cuts("further flows", needs=2.0):
        return False
    flows = integrate([configuration for configuration, _ in kept])
    for index, (_, judged) in enumerate(kept):
        if clock.cuts("further flows", needs=0.5):
            return False
        result = judge_flow(theorem, flows, index)
        if result.verdict is Verdict.FAILS:
            at_start = any(o.failed_at == 0 for o in result.outcomes.values())
            standing = None if at_start else standing_violation(theorem, flows, index)
            if at_start or standing is not None:
                campaign.basis = Basis.WITNESS if at_start else Basis.SAMPLE
                if campaign.keep_violation(theorem, result if standing is None else standing[0], judged):
                    return True
            result = _demoted(result)
        campaign.satisfying += 1
        campaign.hypotheses = campaign.hypotheses or judged
        campaign.runs.append(result)
        progress(f"{campaign.held()} runs held")
    return False
