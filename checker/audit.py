"""A theorem in, an audit report out: consistent with simulation, with its proof steps, and with itself?"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from checker.asymptotic import Grown, grow
from checker.campaign import conduct, conduct_flow
from checker.candidates import activations, generator, shapes
from checker.clock import Clock
from checker.conditions import header, record
from checker.counterexample import certify, describe
from checker.environment import environment
from checker.expression.mathml import mathml
from checker.names import claim_dependencies, of_quantifier
from checker.probable import Sampled, sample
from checker.records import (
    AuditReport,
    ConclusionRecord,
    Counterexample,
    Curve,
    Hidden,
    HypothesisUse,
    Probability,
    Satisfiability,
    Sharpness,
    Simulation,
    Value,
)
from checker.request import Request, read_request
from checker.runs import Judged, Run
from checker.search import Assessed, evolve
from checker.symbolic import decide_steps
from checker.theorem import Theorem
from checker.vacuity import LEAST_WIDTH, Vacuity, by_sampling, contradiction
from checker.verdict import Basis, Verdict

STEPS = 200
"""Steps of a run where the user asks for no other number."""


@dataclass
class Findings:
    """What the parts of an audit found, before they are put into words."""

    runs: list[Run]
    hypotheses: list[Judged]
    satisfying: int
    tried: int
    violation: tuple[Run, str] | None = None
    violation_basis: Basis = Basis.WITNESS
    closest: Assessed | None = None
    vacuity: Vacuity | None = None
    sampled: list[Sampled] | None = None
    grown: Grown | None = None
    hidden: tuple[Hidden, ...] = ()
    hidden_supported: bool | None = True


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
    taken = steps if steps is not None else (request.steps if request.steps is not None else STEPS)
    tell("proof steps")
    proof = decide_steps(theorem.proof, seconds=5.0)
    where = torch.device(device)
    if theorem.kind == "high-probability":
        findings = _probable(theorem, request, clock, runs, taken, confidence, tell)
    elif theorem.kind == "asymptotic":
        findings = _asymptotic(theorem, request, clock, taken, tell)
    else:
        findings = _deterministic(theorem, request, clock, runs, taken, tell, where)
    counterexample = None
    if findings.violation is not None:
        tell("shrinking and certifying the counterexample")
        counterexample = certify(
            theorem, findings.violation, taken, out or Path(), clock, findings.violation_basis
        )
    verdict, basis, reason = _verdict(theorem, findings, counterexample, runs)
    options: dict[str, Value] = {
        "budget": budget, "runs": runs, "steps": taken, "confidence": confidence, **{k: str(v) for k, v in settings.items()},
    }  # fmt: skip
    return AuditReport(
        theorem=header(theorem),
        verdict=verdict,
        basis=str(basis),
        reason=reason,
        satisfiability=_satisfiability(findings),
        proof=proof,
        simulation=_simulation(theorem, findings, taken),
        probability=_probability(findings),
        hidden=findings.grown.rows if findings.grown else findings.hidden,
        hypothesis_use=_hypothesis_use(theorem),
        sharpness=_sharpness(theorem, findings.runs),
        counterexample=counterexample,
        not_done=_not_done(theorem, clock),
        environment=environment(request.seed, device),
        options=options,
        hypotheses=tuple(record(j) for j in findings.hypotheses),
    )


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
    impossible = contradiction(theorem)
    if impossible.basis is not None:
        return Findings([], [], 0, 0, vacuity=impossible)
    if theorem.algorithm == "gradient-flow":
        campaign = conduct_flow(theorem, request, clock, runs=runs, progress=tell)
    else:
        campaign = conduct(theorem, request, clock, runs=runs, steps=steps, progress=tell, device=where)
    findings = Findings(
        campaign.runs, campaign.hypotheses, campaign.satisfying, campaign.tried,
        campaign.violation, campaign.basis, campaign.closest, hidden=campaign.hidden_rows(theorem),
        hidden_supported=campaign.hidden_supported(),
    )  # fmt: skip
    if campaign.violation is None and theorem.random_start and not _wide(campaign.runs):
        findings.vacuity = _sampled_vacuity(theorem, request, clock, tell)
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


def _sampled_vacuity(
    theorem: Theorem, request: Request, clock: Clock, tell: Callable[[str], None]
) -> Vacuity | None:
    fitting = [s for s in shapes(theorem, request, most=9) if s["n"] >= 2] or shapes(theorem, request, most=1)
    kinds = activations(theorem, request)
    if not fitting or not kinds or "m" not in fitting[0]:
        return None
    sizes = dict(fitting[0]) | {"m": request.sizes.get("m", 32)}
    tell("looking for the most favourable data")
    found = evolve(
        theorem, request, sizes, kinds[0], generator(request.seed, "favourable"),
        steps=0, population=32, generations=6, conclusions=False,
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
    impossible = contradiction(theorem)
    if impossible.basis is not None:
        return Findings([], [], 0, 0, vacuity=impossible)
    found = sample(theorem, request, clock, runs=runs, steps=steps, confidence=confidence, progress=tell)
    kept = [r for s in found for r in s.runs]
    hypotheses = next((s.hypotheses for s in found if s.hypotheses), [])
    drawn = sum(s.record.runs for s in found)
    findings = Findings(kept, hypotheses, sum(s.satisfying for s in found), drawn, sampled=found)
    if not findings.satisfying and theorem.random_start:
        findings.vacuity = _sampled_vacuity(theorem, request, clock, tell)
    return findings


def _asymptotic(
    theorem: Theorem, request: Request, clock: Clock, steps: int, tell: Callable[[str], None]
) -> Findings:
    grown = grow(theorem, request, clock, steps=steps, progress=tell)
    return Findings([], [], grown.draws, grown.draws, grown=grown)


def _verdict(
    theorem: Theorem, findings: Findings, counterexample: Counterexample | None, runs: int
) -> tuple[str, Basis, str]:
    if findings.violation is not None and counterexample is not None:
        run, name = findings.violation
        claim = next(c.claim.text for c in theorem.conclusions if c.name == name)
        if findings.violation_basis is Basis.WITNESS and not counterexample.certified:
            return (
                "inconclusive",
                Basis.SAMPLE,
                f"a violation of {name} was found, but its certificate did not re-check",
            )
        how = "in balls" if findings.violation_basis is Basis.WITNESS else "beyond 100 error estimates"
        text = (
            f"all hypotheses hold, and {name} ({claim}) certainly fails at step {counterexample.step}, {how}"
        )
        del run
        return "refuted", findings.violation_basis, text
    if findings.vacuity is not None and findings.vacuity.basis is not None:
        small = f"; {findings.satisfying} draws at smaller widths did" if findings.satisfying else ""
        return "vacuous", Basis(findings.vacuity.basis), findings.vacuity.reason + small
    if findings.sampled is not None:
        return _probable_verdict(findings, runs)
    if findings.grown is not None and theorem.kind == "asymptotic":
        return _grown_verdict(findings.grown)
    held = sum(1 for r in findings.runs if r.verdict is Verdict.HOLDS)
    if held >= runs and findings.hidden_supported is True:
        return (
            "supported",
            Basis.SAMPLE,
            f"in {held} runs with certified hypotheses every conclusion held at every step",
        )
    if held >= runs:
        return "inconclusive", Basis.SAMPLE, "every run held, but a hidden constant's required value may grow"
    if not findings.satisfying:
        why = findings.vacuity.reason if findings.vacuity is not None else ""
        miss = _closest_text(findings.closest)
        return (
            "inconclusive",
            Basis.SAMPLE,
            why or f"no configuration was found that satisfies the hypotheses{miss}",
        )
    return (
        "inconclusive",
        Basis.SAMPLE,
        (
            f"{held} of the {runs} runs asked for held at every step; {findings.satisfying} satisfied the hypotheses"
        ),
    )


def _closest_text(closest: Assessed | None) -> str:
    if closest is None or not math.isfinite(closest.hypotheses):
        return ""
    return f"; the closest one misses by a factor {10**-closest.hypotheses:.3g}"


def _probable_verdict(findings: Findings, runs: int) -> tuple[str, Basis, str]:
    sampled = findings.sampled or []
    for s in sampled:
        if s.excluded:
            text = (
                f"the claimed probability {s.claimed[0]:.6g} is excluded: at most {s.record.upper:.6g} "
                f"with confidence {s.record.confidence:.6g}, from {s.record.runs} draws"
            )
            return "refuted", Basis.SAMPLE, text
    if not sampled:
        return "inconclusive", Basis.SAMPLE, "no configuration could be sampled"
    if not findings.satisfying:
        return (
            "inconclusive",
            Basis.SAMPLE,
            "the hypotheses held in no draw, so every draw is an instance of nothing",
        )
    decided = min(s.record.runs - s.record.undecided for s in sampled)
    if decided < runs:
        return "inconclusive", Basis.SAMPLE, f"only {decided} draws were decided; {runs} are asked for"
    worst = min(sampled, key=lambda s: s.record.upper - s.claimed[0])
    text = (
        f"in {len(sampled)} configurations the interval does not exclude the claimed probability; the tightest: "
        f"claimed {worst.claimed[0]:.6g}, interval [{worst.record.lower:.6g}, {worst.record.upper:.6g}]"
    )
    return "supported", Basis.SAMPLE, text


def _grown_verdict(grown: Grown) -> tuple[str, Basis, str]:
    if grown.supported:
        return "supported", Basis.SAMPLE, f"the needed constant does not grow ({grown.reason})"
    why = "the needed constant grows" if grown.supported is False else "no trend was decided"
    return "inconclusive", Basis.SAMPLE, f"{why} ({grown.reason})"


def _satisfiability(findings: Findings) -> Satisfiability:
    if findings.vacuity is not None and findings.vacuity.basis is not None:
        engine = "z3+cvc5" if findings.vacuity.basis == "proof" else "seeded draws"
        return Satisfiability(
            "fails", findings.vacuity.basis, None, engine, findings.vacuity.reason, findings.vacuity.misses
        )
    witness = _witness(findings)
    if witness is not None:
        reason = "a configuration satisfies every hypothesis, certified in balls"
        return Satisfiability("holds", "witness", witness, "search, then balls", reason)
    if findings.grown is not None and findings.grown.draws:
        return Satisfiability("holds", "sample", None, "float64 draws", "draws satisfied the hypotheses")
    reason = f"no configuration was found among {findings.tried}{_closest_text(findings.closest)}"
    misses = findings.vacuity.misses if findings.vacuity is not None else ()
    return Satisfiability("undecided", "sample", None, "search", reason, misses)


def _witness(findings: Findings) -> dict[str, Value] | None:
    if not findings.runs:
        return None
    return describe(findings.runs[0].configuration)


def _simulation(theorem: Theorem, findings: Findings, steps: int) -> Simulation:
    runs = findings.runs
    curves = tuple(c for c in (_curve(theorem, name, runs) for name in _plotted(theorem)) if c is not None)
    return Simulation(
        runs=len(runs),
        steps=0 if theorem.algorithm == "none" else steps,
        configurations_satisfying_hypotheses=findings.satisfying,
        undecided=sum(1 for r in runs if r.verdict is Verdict.UNDECIDED),
        conclusions=tuple(_conclusion(theorem, c.name, runs) for c in theorem.conclusions),
        runs_in_balls=sum(1 for r in runs if r.mode == "balls"),
        runs_in_float=sum(1 for r in runs if r.mode != "balls"),
        ended_early=sum(1 for r in runs if r.ended),
        curves=curves,
        losses=tuple(r.losses for r in runs[:40]),
    )


def _conclusion(theorem: Theorem, name: str, runs: list[Run]) -> ConclusionRecord:
    named = next(c for c in theorem.conclusions if c.name == name)
    outcomes = [(k, r, r.outcomes[name]) for k, r in enumerate(runs) if name in r.outcomes]
    failed = sum(1 for _, _, o in outcomes if o.verdict is Verdict.FAILS)
    held = sum(1 for _, _, o in outcomes if o.verdict is Verdict.HOLDS)
    open_ = len(outcomes) - failed - held
    status = Verdict.FAILS if failed else (Verdict.HOLDS if held and not open_ else Verdict.UNDECIDED)
    basis = Basis.WITNESS if failed else (Basis.SAMPLE if outcomes else Basis.ASSUMED)
    rated = [(o.worst, k, r, o) for k, r, o in outcomes if o.worst is not None]
    worst = min(rated, key=lambda item: (item[0], item[1])) if rated else None
    reason = next((o.reason for _, _, o in outcomes if o.verdict is Verdict.UNDECIDED), "")
    return ConclusionRecord(
        name=name, claim=named.claim.text, status=str(status), basis=str(basis),
        worst_margin=None if worst is None else worst[0],
        worst_run=None if worst is None else describe(worst[2].configuration) | {"run": worst[1], "step": worst[3].at},
        held=held, failed=failed, undecided=open_, why=named.why, reason=reason, mathml=mathml(named.claim),
    )  # fmt: skip


def _plotted(theorem: Theorem) -> list[str]:
    """The conclusions worth a plot: those that bound the loss first."""
    names = [c.name for c in theorem.conclusions if "loss" in c.claim.text]
    return sorted(names, key=lambda n: n != "rate")[:2]


def _curve(theorem: Theorem, name: str, runs: list[Run]) -> Curve | None:
    rated = [
        (o.worst, k, r)
        for k, r in enumerate(runs)
        if (o := r.outcomes.get(name)) and o.worst is not None and o.lhs
    ]
    failing = [item for item in rated if item[2].outcomes[name].verdict is Verdict.FAILS]
    chosen = min(failing or rated, key=lambda item: (item[0], item[1]), default=None)
    if chosen is None:
        return None
    run = chosen[2]
    outcome = run.outcomes[name]
    times = run.times[: len(outcome.lhs)] or tuple(float(k) for k in range(len(outcome.lhs)))
    return Curve(name, outcome.operator, times, outcome.lhs, outcome.rhs)


def _probability(findings: Findings) -> Probability | None:
    if not findings.sampled:
        return None
    return min(findings.sampled, key=lambda s: (not s.excluded, s.record.upper - s.claimed[0])).record


def _hypothesis_use(theorem: Theorem) -> tuple[HypothesisUse, ...]:
    return tuple(
        HypothesisUse(h.name, None, "not examined: no run was made without it") for h in theorem.hypotheses
    )


def _sharpness(theorem: Theorem, runs: list[Run]) -> tuple[Sharpness, ...]:
    out: list[Sharpness] = []
    for conclusion in theorem.conclusions:
        rated = [
            (o.worst, k, o.at)
            for k, r in enumerate(runs)
            if (o := r.outcomes.get(conclusion.name)) and o.worst is not None and o.verdict is Verdict.HOLDS
        ]
        if rated:
            slack, k, at = min(rated)
            out.append(Sharpness(conclusion.name, slack, f"run {k}, step {at}"))
        else:
            out.append(Sharpness(conclusion.name, None, "no run with a certified margin"))
    return tuple(out)


def _not_done(theorem: Theorem, clock: Clock) -> tuple[str, ...]:
    out = list(clock.not_done)
    if theorem.hypotheses:
        out.append("whether each hypothesis is needed was not examined")
    if of_quantifier(theorem, "exists"):
        out.append("for `exists` parameters one admissible choice was judged in every run")
    if any(c.tight for c in theorem.conclusions):
        out.append("tight = true is reported as slack, and changes no verdict")
    return tuple(out)
