"""What an audit concludes from what its parts found."""

from checker.asymptotic import Grown
from checker.findings import (
    Findings,
    closest_text,
)
from checker.records import Counterexample
from checker.theorem import Theorem
from checker.verdict import Basis, Verdict


def concluded(
    theorem: Theorem, findings: Findings, counterexample: Counterexample | None, runs: int
) -> tuple[str, Basis, str]:
    """Verdict, basis and reason, in one sentence."""
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
        few = findings.satisfying
        small = f"; {few} run{'s' if few > 1 else ''} of narrow networks satisfied them" if few else ""
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
        miss = closest_text(findings.closest)
        return (
            "inconclusive",
            Basis.SAMPLE,
            why or f"no configuration was found that satisfies the hypotheses{miss}",
        )
    return (
        "inconclusive",
        Basis.SAMPLE,
        (
            f"{held} runs with certified hypotheses held at every step, and {runs} are asked for; "
            f"{findings.satisfying} configurations satisfied the hypotheses, and no conclusion failed"
        ),
    )


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
        f"in {len(sampled)} configurations the interval does not exclude the claimed probability; "
        f"the tightest: "
        f"claimed {worst.claimed[0]:.6g}, interval [{worst.record.lower:.6g}, {worst.record.upper:.6g}]"
    )
    return "supported", Basis.SAMPLE, text


def _grown_verdict(grown: Grown) -> tuple[str, Basis, str]:
    if grown.supported:
        return "supported", Basis.SAMPLE, f"the needed constant does not grow ({grown.reason})"
    why = "the needed constant grows" if grown.supported is False else "no trend was decided"
    return "inconclusive", Basis.SAMPLE, f"{why} ({grown.reason})"
