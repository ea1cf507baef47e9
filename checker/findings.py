"""What the parts of an audit found, put into the records of its report."""

import math
from dataclasses import dataclass

from checker.asymptotic import Grown
from checker.completing import Assessed
from checker.counterexample import describe
from checker.expression.mathml import mathml
from checker.hypotheses import Judged
from checker.outcomes import Run
from checker.probable import Sampled
from checker.records import (
    ConclusionRecord,
    Curve,
    Hidden,
    Probability,
    Satisfiability,
    Sharpness,
    Simulation,
    Swept,
    Value,
)
from checker.satisfiability.misses import Misses
from checker.satisfiability.vacuity import Vacuity
from checker.theorem import Theorem
from checker.verdict import Basis, Verdict


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
    swept: Swept | None = None
    missed: Misses | None = None


def closest_text(closest: Assessed | None) -> str:
    """How far the closest candidate missed, as a clause."""
    if closest is None or not math.isfinite(closest.hypotheses):
        return ""
    return f"; the closest one misses by a factor {10**-closest.hypotheses:.3g}"


def satisfiability_record(findings: Findings) -> Satisfiability:
    """Can the hypotheses hold? What the search, the solvers or the draws say."""
    if findings.vacuity is not None and findings.vacuity.basis is not None:
        return _cannot(findings.vacuity, findings.missed or Misses())
    found = witness(findings)
    if found is not None:
        reason = "a configuration satisfies every hypothesis, certified in balls"
        return Satisfiability("holds", "witness", found, "search, then balls", reason)
    if findings.grown is not None and findings.grown.draws:
        return Satisfiability("holds", "sample", None, "float64 draws", "draws satisfied the hypotheses")
    reason = f"no configuration was found among {findings.tried}{closest_text(findings.closest)}"
    misses = findings.vacuity.misses if findings.vacuity is not None else ()
    missed = findings.missed or Misses()
    return Satisfiability(
        "undecided", "sample", None, "search", reason, misses + missed.rows, trend=missed.trend
    )


def _cannot(vacuity: Vacuity, missed: Misses) -> Satisfiability:
    """No configuration, or hardly any draw, satisfies the hypotheses: with the proof where there is one."""
    proof, basis = vacuity.proof, vacuity.basis or ""
    if proof is None:
        rows = vacuity.misses + missed.rows
        return Satisfiability("fails", basis, None, "seeded draws", vacuity.reason, rows, trend=missed.trend)
    return Satisfiability(
        "fails", basis, None, proof.engine, proof.reason, vacuity.misses,
        proof.clash, proof.chain, proof.factors, proof.product, proof.bound,
    )  # fmt: skip


def witness(findings: Findings) -> dict[str, Value] | None:
    """The first satisfying configuration, described."""
    if not findings.runs:
        return None
    return describe(findings.runs[0].configuration)


def simulation_record(theorem: Theorem, findings: Findings, steps: int, wanted: int) -> Simulation:
    """The runs, counted, with each conclusion and its curves."""
    runs = findings.runs
    curves = tuple(c for c in (curve(theorem, name, runs) for name in plotted(theorem)) if c is not None)
    return Simulation(
        runs=len(runs),
        steps=0 if theorem.algorithm == "none" else steps,
        configurations_satisfying_hypotheses=findings.satisfying,
        undecided=sum(1 for r in runs if r.verdict is Verdict.UNDECIDED),
        conclusions=tuple(conclusion(theorem, c.name, runs, wanted) for c in theorem.conclusions),
        runs_in_balls=sum(1 for r in runs if r.mode == "balls"),
        runs_in_float=sum(1 for r in runs if r.mode != "balls"),
        ended_early=sum(1 for r in runs if r.ended and not r.lost),
        lost=sum(1 for r in runs if r.lost),
        curves=curves,
        losses=tuple(r.losses for r in runs[:40]),
        searched=findings.swept,
    )


def conclusion(theorem: Theorem, name: str, runs: list[Run], wanted: int) -> ConclusionRecord:
    """One conclusion over all runs: holds once `wanted` runs held, none failing."""
    named = next(c for c in theorem.conclusions if c.name == name)
    outcomes = [(k, r, r.outcomes[name]) for k, r in enumerate(runs) if name in r.outcomes]
    failed = sum(1 for _, _, o in outcomes if o.verdict is Verdict.FAILS)
    held = sum(1 for _, _, o in outcomes if o.verdict is Verdict.HOLDS)
    open_ = len(outcomes) - failed - held
    enough = held >= max(1, wanted) or (held and not open_)
    status = Verdict.FAILS if failed else (Verdict.HOLDS if enough else Verdict.UNDECIDED)
    basis = Basis.WITNESS if failed else (Basis.SAMPLE if outcomes else Basis.ASSUMED)
    rated = _decided([(o.worst, k, r) for k, r, o in outcomes if o.worst is not None], name)
    worst = min(rated, key=lambda item: (item[0], item[1]), default=None)
    reason = next((o.reason for _, _, o in outcomes if o.verdict is Verdict.UNDECIDED), "")
    return ConclusionRecord(
        name=name, claim=named.claim.text, status=str(status), basis=str(basis),
        worst_margin=None if worst is None else worst[0],
        worst_run=None
        if worst is None
        else describe(worst[2].configuration) | {"run": worst[1], "step": worst[2].outcomes[name].at},
        held=held, failed=failed, undecided=open_, why=named.why, reason=reason, mathml=mathml(named.claim),
    )  # fmt: skip


def _decided(rated: list[tuple[float, int, Run]], name: str) -> list[tuple[float, int, Run]]:
    """The runs worth showing: those that failed, else those that held, else the undecided ones."""
    for verdict in (Verdict.FAILS, Verdict.HOLDS):
        found = [item for item in rated if item[2].outcomes[name].verdict is verdict]
        if found:
            return found
    return rated


def plotted(theorem: Theorem) -> list[str]:
    """The conclusions worth a plot: those that bound the loss first."""
    names = [c.name for c in theorem.conclusions if "loss" in c.claim.text]
    return sorted(names, key=lambda n: n != "rate")[:2]


def curve(theorem: Theorem, name: str, runs: list[Run]) -> Curve | None:
    """A conclusion's two sides along its failing or tightest run."""
    rated = [
        (o.worst, k, r)
        for k, r in enumerate(runs)
        if (o := r.outcomes.get(name)) and o.worst is not None and o.lhs
    ]
    chosen = min(_decided(rated, name), key=lambda item: (item[0], item[1]), default=None)
    if chosen is None:
        return None
    run = chosen[2]
    outcome = run.outcomes[name]
    times = run.times[: len(outcome.lhs)] or tuple(float(k) for k in range(len(outcome.lhs)))
    return Curve(name, outcome.operator, times, outcome.lhs, outcome.rhs)


def probability_record(findings: Findings) -> Probability | None:
    """The tightest sampled configuration, if any was sampled."""
    if not findings.sampled:
        return None
    return min(findings.sampled, key=lambda s: (not s.excluded, s.record.upper - s.claimed[0])).record


def sharpness_record(theorem: Theorem, runs: list[Run]) -> tuple[Sharpness, ...]:
    """How close the tightest run came to equality, for every conclusion."""
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
