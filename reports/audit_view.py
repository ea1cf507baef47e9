"""Audit reports as views."""

import shlex
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN

from checker.records import AuditReport, ConclusionRecord, Counterexample, Probability, Swept, Value
from reports.curves import plots
from reports.numbers import NOTHING, clean, many, sentence, share_text, step_text, value_text
from reports.parts import (
    MARGIN_NOTE,
    basis_cell,
    claim_cell,
    count_statuses,
    definitions_section,
    environment_section,
    hypotheses_table,
    least_margin,
    margin_cell,
    not_done_section,
    said,
    tagged,
    theorem_view,
    values_table,
)
from reports.proof_view import failed_steps, proof_fact, proof_sections
from reports.repeating import audit_again
from reports.runs_view import runs_table, worst_run
from reports.satisfiability_view import satisfiability_section
from reports.use_view import need_fact, use_sections
from reports.view import Cell, ReportView, Section, Table
from reports.words import Tone, basis_tag, status_tag, verdict_tag


def _counts(c: ConclusionRecord) -> str:
    return f"{c.held} held, {c.failed} failed, {c.undecided} undecided"


def _conclusions(report: AuditReport) -> Section:
    s = report.simulation
    satisfied = many(s.configurations_satisfying_hypotheses, "configuration")
    facts = [
        f"{many(s.runs, 'run')} of up to {many(s.steps, 'step')}.",
        f"{satisfied} certifiably satisfied the hypotheses; "
        f"{many(s.undecided, 'run')} had an undecided conclusion and count for nothing.",
    ]
    if s.runs_in_balls or s.runs_in_float:
        facts.append(
            f"{many(s.runs_in_balls, 'run')} in rigorous enclosures, which decide; "
            f"{many(s.runs_in_float, 'run')} in float64, every step enclosed from the point visited, "
            "which support and never refute."
        )
    if s.ended_early:
        facts.append(
            f"{many(s.ended_early, 'run')} ended early, the loss certified below 1e-20 of its start."
        )
    if s.lost:
        facts.append(f"{many(s.lost, 'run')} stopped where the trajectory was not determined further.")
    if s.searched is not None:
        facts.append(_searched(s.searched))
    rows = tuple(
        (
            said(c.name, c.why),
            claim_cell(c.claim, c.mathml, report.theorem.latex.get(c.name, ""), c.reason),
            Cell(_counts(c)),
            margin_cell(c.worst_margin),
            worst_run(c.worst_run),
            tagged(status_tag(c.status)),
            basis_cell(c.basis),
        )
        for c in s.conclusions
    )
    columns = ("Conclusion", "Claim", "Runs", "Worst margin", "Worst run", "Status", "Basis")
    tables = (Table(columns, rows), *runs_table(s.conclusions)) if rows else ()
    none = () if rows else ("No conclusion was judged.",)
    return Section("conclusions", "Conclusions", (" ".join(facts), *none), tables)


def _searched(found: Swept) -> str:
    """What the float64 runs beside the judged ones did: a search, which no verdict rests on."""
    text = (
        f"Besides, {many(found.runs, 'run')} in float64 over {many(len(found.shapes), 'shape')}, a search: "
    )
    if not found.suspects:
        text += "no violation was suspected."
    else:
        kept = "all dismissed" if found.dismissed == found.rerun else "not all dismissed"
        again = f"{found.rerun} re-run in rigorous enclosures, {kept}" if found.rerun else "none re-run"
        text += f"{many(found.suspects, 'suspected violation')}, {again}."
    closest = found.closest
    if closest is not None:
        text += (
            f" The closest approach: {closest['conclusion']} by an estimated {closest['margin']:.2g} decades "
            f"at step {closest['step']}."
        )
    return text


def _plot_section(report: AuditReport) -> Section:
    drawn = plots(report.simulation)
    none = () if drawn else ("No run was recorded, so there is nothing to plot.",)
    note = ("Plots are drawn from floating-point middles of the enclosures; no verdict is read off them.",)
    return Section("plots", "The runs", none or note, plots=drawn)


def _probability(p: Probability | None) -> Section:
    if p is None:
        return Section("probability", "Probability", ("The theorem claims no probability.",))
    rows = (
        (said("claimed"), Cell(share_text(p.claimed, ROUND_HALF_EVEN))),
        (said("observed"), Cell(share_text(p.estimate, ROUND_HALF_EVEN))),
        (
            said("confidence interval", f"at confidence {p.confidence!r}, exact binomial"),
            Cell(f"[{share_text(p.lower, ROUND_FLOOR)}, {share_text(p.upper, ROUND_CEILING)}]"),
        ),
        (said("draws", f"{p.undecided} undecided" if p.undecided else ""), Cell(str(p.runs))),
    )
    tables = [Table(("Quantity", "Value"), rows)]
    if p.config:
        tables.append(values_table(p.config, "Drawn at", "Drawn at:"))
    return Section("probability", "Probability", tables=tuple(tables))


def _hidden(report: AuditReport) -> Section:
    if not report.hidden:
        return Section("hidden", "Hidden constants", ("The theorem hides no constant.",))
    rows = tuple(
        (said(h.name), Cell(value_text(h.needed)), said(h.trend or NOTHING), said(h.excluded or NOTHING))
        for h in report.hidden
    )
    return Section(
        "hidden",
        "Hidden constants",
        tables=(Table(("Constant", "Needed by the runs", "Trend", "Excluded"), rows),),
    )


def verify_command(counterexample: Counterexample | None) -> str:
    """The command that re-checks a counterexample, or nothing where no certificate was written."""
    if counterexample is None or counterexample.certificate is None:
        return ""
    return f"deqaudit verify {shlex.quote(clean(counterexample.certificate))}"


def _counterexample(x: Counterexample | None) -> Section:
    title = "Counterexample"
    if x is None:
        return Section("counterexample", title, ("None was found.",))
    command = verify_command(x)
    text = [
        f"At step {step_text(x.step)} of one run this conclusion is violated: {clean(x.claim)}.",
        "Hypotheses and violation are certified." if x.certified else "The violation is NOT certified.",
    ]
    text.append("Re-check it with:" if command else "No certificate was written; give --out DIR to have one.")
    tables = (values_table(x.config, "Configuration", "Configuration:"),) if x.config else ()
    tone: Tone = "bad" if x.certified else "open"
    return Section("counterexample", title, tuple(text), tables, command=command, tone=tone)


def _options(options: dict[str, Value]) -> tuple[Section, ...]:
    if not options:
        return ()
    return (Section("options", "Options", tables=(values_table(options, "Name"),), folded=True),)


def audit_view(report: AuditReport) -> ReportView:
    """An audit report in words."""
    s = report.simulation
    facts = [
        ("Hypotheses certified in", f"{s.configurations_satisfying_hypotheses} of {s.runs} runs"),
        ("Worst margin", least_margin((c.worst_margin, c.name) for c in s.conclusions)),
        ("Conclusions", count_statuses(c.status for c in s.conclusions)),
    ]
    if report.proof:
        facts.append(("Proof steps", proof_fact(report.proof)))
    if report.hypothesis_use:
        facts.append(("Needed", need_fact(report.hypothesis_use)))
    command = verify_command(report.counterexample)
    if command:
        facts.append(("Re-check with", command))
    definitions = definitions_section(report.theorem)
    hypotheses = Section(
        "hypotheses",
        "Hypotheses",
        (MARGIN_NOTE,) if report.hypotheses else ("None were recorded.",),
        (hypotheses_table(report.hypotheses, report.theorem.latex),) if report.hypotheses else (),
    )
    return ReportView(
        kind=report.kind,
        label="Audit report",
        verdict=verdict_tag(report.verdict, report.basis),
        basis=basis_tag(report.basis),
        reason=sentence(clean(report.reason), {r.name for r in (*report.hypotheses, *s.conclusions)}),
        facts=tuple(facts),
        theorem=theorem_view(report.theorem),
        urgent=failed_steps(report),
        sections=(
            hypotheses,
            *definitions,
            _plot_section(report),
            _conclusions(report),
            satisfiability_section(report.satisfiability),
            *proof_sections(report),
            _probability(report.probability),
            _hidden(report),
            *use_sections(report),
            _counterexample(report.counterexample),
            not_done_section(report.not_done),
            *_options(report.options),
            *audit_again(report),
            environment_section(report.environment),
        ),
    )
