"""A theorem in, an audit report out: consistent with simulation, with its proof steps, and with itself?"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import torch

from checker.asymptotic import grow
from checker.campaign import conduct
from checker.campaign_flow import conduct_flow
from checker.candidates import activations, shapes
from checker.clock import Clock
from checker.conditions import header, record
from checker.counterexample import certify
from checker.environment import environment
from checker.families import generator
from checker.findings import (
    Findings,
    probability_record,
    satisfiability_record,
    sharpness_record,
    simulation_record,
)
from checker.illustration import instance
from checker.names import claim_dependencies, of_quantifier
from checker.necessity.unused import unused
from checker.necessity.use import SHARE, hypothesis_use
from checker.outcomes import Run
from checker.probable import sample
from checker.records import AuditReport, Satisfiability, Value
from checker.request import Request, read_request
from checker.satisfiability.misses import miss_table
from checker.satisfiability.vacuity import (
    DRAWING,
    LEAST_WIDTH,
    NOT_EXCLUDED,
    Vacuity,
    by_sampling,
    proved,
    proved_for_start,
)
from checker.search import Effort, evolve
from checker.symbolic import CUT, decide_steps
from checker.theorem import Theorem
from checker.verdicts import concluded

FIRST_LOOK = Effort(16, 1)
"""The search that decides whether a proof that nothing satisfies the hypotheses is looked for first."""

FAVOURABLE = 2.0
"""Seconds that the search for the most favourable data may take."""

PROOFS = 1 / 4
"""The most of the budget that goes to proof steps; the step at which it ends is decided all the same."""

STEPS = 200
"""Steps of a run where the user asks for no other number."""


def audit(
    theorem: Theorem,
    settings: Mapping[str, str],
    *,
    seed: int | None = None,
    device: str = "cpu",
    budget: float = 60.0,
    runs: int = 32,
    steps: int | None = None,
    confidence: float = 0.999,
    out: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> AuditReport:
    """Audit a theorem. A certificate of a violation is written to `out` (or the current folder).

    `settings` are the names of --set with their texts; what they fix stays fixed. Raises
    UsageError for what cannot be.
    """
    request = read_request(theorem, settings, seed)
    tell = progress or _silent
    clock = Clock(budget)
    first = clock.before(SHARE) if theorem.hypotheses else clock
    taken = steps if steps is not None else (request.steps if request.steps is not None else STEPS)
    tell("proof steps")
    proof = decide_steps(theorem.proof, total=PROOFS * budget if budget > 0 else math.inf)
    if cut := [step.name for step in proof if step.reason == CUT]:
        clock.not_done.append(f"cut by the budget: {len(cut)} proof steps, from {cut[0]!r} on")
    where = torch.device(device)
    if theorem.kind == "high-probability":
        findings = _probable(theorem, request, first, runs, taken, confidence, tell)
    elif theorem.kind == "asymptotic":
        findings = _asymptotic(theorem, request, first, taken, tell)
    else:
        findings = _deterministic(theorem, request, clock, runs, taken, tell, where)
    if _open_satisfiability(theorem, findings):
        findings.missed = miss_table(theorem, request, first, tell)
    counterexample = None
    if findings.violation is not None:
        tell("shrinking and certifying the counterexample")
        counterexample = certify(
            theorem, findings.violation, taken, out or Path(), clock, findings.violation_basis
        )
    verdict, basis, reason = concluded(theorem, findings, counterexample, runs)
    over = f"the theorem is {verdict}" if verdict in ("refuted", "vacuous") else ""
    use = hypothesis_use(theorem, request, clock, steps=taken, passed_over=over, folder=out, progress=tell)
    options: dict[str, Value] = {
        "budget": budget, "runs": runs, "steps": taken, "confidence": confidence,
        **{k: str(v) for k, v in settings.items()},
    }  # fmt: skip
    return AuditReport(
        theorem=header(theorem),
        verdict=verdict,
        basis=str(basis),
        reason=reason,
        satisfiability=_with_numbers(theorem, settings, seed, satisfiability_record(findings)),
        proof=proof,
        simulation=simulation_record(theorem, findings, taken, runs),
        probability=probability_record(findings),
        hidden=findings.grown.rows if findings.grown else findings.hidden,
        hypothesis_use=use,
        sharpness=sharpness_record(theorem, findings.runs),
        counterexample=counterexample,
        not_done=_not_done(theorem, clock, over),
        environment=environment(request.seed, device),
        options=options,
        hypotheses=tuple(record(j) for j in findings.hypotheses),
        unused=unused(theorem),
    )


def _with_numbers(
    theorem: Theorem, settings: Mapping[str, str], seed: int | None, found: Satisfiability
) -> Satisfiability:
    """Beside a proof by a product of inequalities the same inequalities at one start."""
    if not found.factors:
        return found
    return msgspec.structs.replace(found, instance=instance(theorem, settings, found.factors, seed))


def _open_satisfiability(theorem: Theorem, findings: Findings) -> bool:
    """Is there neither a configuration that satisfies the hypotheses nor a proof that there is none?"""
    proved_so = findings.vacuity is not None and findings.vacuity.proof is not None
    return theorem.kind != "asymptotic" and not findings.satisfying and not proved_so


def _silent(_: str) -> None:
    """No progress."""


def _deterministic(
    theorem: Theorem,
    request: Request,
    clock: Clock,
    runs: int,
    steps: int,
    tell: Callable[[str], None],
    where: torch.device,
) -> Findings:
    asked = not _seems_satisfiable(theorem, request, tell)
    if asked and (cannot := proved(theorem, clock)) is not None:
        return Findings([], [], 0, 0, vacuity=cannot)
    if theorem.algorithm == "gradient-flow":
        campaign = conduct_flow(theorem, request, clock, runs=runs, progress=tell)
    else:
        campaign = conduct(
            theorem, request, clock, runs=runs, steps=steps, progress=tell, device=where,
            keep=SHARE if theorem.hypotheses else 0.0,
        )  # fmt: skip
    findings = Findings(
        campaign.runs, campaign.hypotheses, campaign.satisfying, campaign.tried,
        campaign.violation, campaign.basis, campaign.closest, hidden=campaign.hidden_rows(theorem),
        hidden_supported=campaign.hidden_supported(), swept=campaign.swept.record(),
    )  # fmt: skip
    if campaign.violation is None and not campaign.satisfying and not asked:
        findings.vacuity = proved(theorem, clock)
    if campaign.violation is None and theorem.random_start and not _wide(campaign.runs):
        findings.vacuity = findings.vacuity or _vacuous_start(theorem, request, clock, tell)
    if campaign.violation is None and hidden_in_conclusions(theorem):
        findings.grown = grow(theorem, request, clock, steps=steps, progress=tell)
        findings.hidden_supported = findings.hidden_supported and findings.grown.supported
    return findings


def _wide(runs: list[Run]) -> bool:
    """Did some run with satisfied hypotheses have a width that counts against vacuity?"""
    return any(r.configuration.sizes.get("m", 0) >= LEAST_WIDTH for r in runs)


def hidden_in_conclusions(theorem: Theorem) -> bool:
    """Does a conclusion mention a hidden constant?"""
    hidden = of_quantifier(theorem, "hidden")
    return any(claim_dependencies(c.claim, theorem.definitions) & hidden for c in theorem.conclusions)


def _seems_satisfiable(theorem: Theorem, request: Request, tell: Callable[[str], None]) -> bool:
    """Does a short search in float64 find a configuration that satisfies the hypotheses? No verdict.

    A random start is not searched: a proof that it cannot serve costs no more than that.
    """
    kinds = activations(theorem, request)
    if theorem.random_start or not kinds:
        return False
    for index, sizes in enumerate(shapes(theorem, request)[1:4:2]):
        tell("a first look for configurations")
        rng = generator(request.seed, "first look", index)
        found = evolve(theorem, request, sizes, kinds[0], rng, steps=0, effort=FIRST_LOOK, conclusions=False)
        if any(a.hypotheses >= 0 for a in found):
            return True
    return False


def _vacuous_start(
    theorem: Theorem, request: Request, clock: Clock, tell: Callable[[str], None]
) -> Vacuity | None:
    """The stated random start hardly ever satisfies the hypotheses: proved, or seen in draws."""
    tell("a proof about the stated start")
    return proved_for_start(theorem, clock) or _sampled_vacuity(theorem, request, clock, tell)


def _sampled_vacuity(
    theorem: Theorem, request: Request, clock: Clock, tell: Callable[[str], None]
) -> Vacuity | None:
    fitting = [s for s in shapes(theorem, request, most=9) if s["n"] >= 2] or shapes(theorem, request, most=1)
    kinds = activations(theorem, request)
    if not fitting or not kinds or "m" not in fitting[0]:
        return None
    if clock.cuts("draws of the stated start", needs=FAVOURABLE + DRAWING):
        return Vacuity(None, NOT_EXCLUDED)
    sizes = dict(fitting[0]) | {"m": request.sizes.get("m", 32)}
    tell("looking for the most favourable data")
    found = evolve(
        theorem, request, sizes, kinds[0], generator(request.seed, "favourable"),
        steps=0, effort=Effort(32, 6), conclusions=False,
    )  # fmt: skip
    best = max(found, key=lambda a: a.hypotheses if math.isfinite(a.hypotheses) else -math.inf)
    return by_sampling(theorem, request, best, clock, tell)


def _probable(
    theorem: Theorem,
    request: Request,
    clock: Clock,
    runs: int,
    steps: int,
    confidence: float,
    tell: Callable[[str], None],
) -> Findings:
    if not _seems_satisfiable(theorem, request, tell) and (cannot := proved(theorem, clock)) is not None:
        return Findings([], [], 0, 0, vacuity=cannot)
    found = sample(theorem, request, clock, runs=runs, steps=steps, confidence=confidence, progress=tell)
    kept = [r for s in found for r in s.runs]
    hypotheses = next((s.hypotheses for s in found if s.hypotheses), [])
    drawn = sum(s.record.runs for s in found)
    findings = Findings(kept, hypotheses, sum(s.satisfying for s in found), drawn, sampled=found)
    if not findings.satisfying and theorem.random_start:
        findings.vacuity = _vacuous_start(theorem, request, clock, tell)
    return findings


def _asymptotic(
    theorem: Theorem, request: Request, clock: Clock, steps: int, tell: Callable[[str], None]
) -> Findings:
    grown = grow(theorem, request, clock, steps=steps, progress=tell)
    return Findings([], [], grown.draws, grown.draws, grown=grown)


def _not_done(theorem: Theorem, clock: Clock, over: str) -> tuple[str, ...]:
    out = list(clock.not_done)
    if theorem.hypotheses and over:
        out.append(f"whether each hypothesis is needed was not examined: {over}")
    if of_quantifier(theorem, "exists"):
        out.append("for `exists` parameters one admissible choice was judged in every run")
    if any(c.tight for c in theorem.conclusions):
        out.append("tight = true is reported as slack, and changes no verdict")
    return tuple(out)
