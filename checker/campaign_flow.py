"""The simulated part of an audit of gradient flow."""

from collections.abc import Callable, Sequence

from checker.campaign import ROUNDS
from checker.campaign_record import Campaign, certified, demoted, note_closest, turned, units, words
from checker.clock import Clock
from checker.configuration import Configuration
from checker.families import generator
from checker.flow import integrate, judge_flow, standing_violation
from checker.hypotheses import Judged
from checker.request import Request
from checker.search import Effort, evolve
from checker.theorem import Theorem
from checker.verdict import Basis, Verdict


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
            kind = turned(theorem, request, activation, turn)
            rng = generator(request.seed, "flow", turn, index)
            progress(f"searching {words(sizes, kind)}")
            found = evolve(
                theorem, request, sizes, kind, rng, steps=0, effort=Effort(24, 5), conclusions=False
            )
            campaign.tried += len(found)
            note_closest(campaign, found)
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
            result = demoted(result)
        campaign.satisfying += 1
        campaign.hypotheses = campaign.hypotheses or judged
        campaign.runs.append(result)
        progress(f"{campaign.held()} runs held")
    return False
