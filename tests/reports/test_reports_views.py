"""Every record has a view, and a view never looks surer than its record."""

import dataclasses

import msgspec
import pytest
from check_samples import APPLIES, DOES_NOT_APPLY, HOSTILE, UNDECIDED
from report_samples import AUDITS, EVERY, REFUTED, SATISFIABLE, SUPPORTED, VACUOUS

from checker.records import ConditionReport
from reports.parts import least_margin, paragraphs, source_line
from reports.view import ReportView, Section
from reports.views import Report, view
from reports.words import basis_tag, fidelity_tag, need_tag, status_tag, verdict_tag


def _section(shown: ReportView, key: str) -> Section:
    return next(section for section in shown.sections if section.key == key)


@pytest.mark.parametrize("report", EVERY.values(), ids=EVERY.keys())
def test_every_table_has_a_cell_for_every_column(report: Report):
    """
    Every record, also an empty or a hostile one, becomes a view whose tables are complete.
    """
    shown = view(report)

    for section in (*shown.urgent, *shown.sections):
        assert section.paragraphs or section.tables or section.plots or section.items
        for table in section.tables:
            assert {len(table.columns)} >= {len(row) for row in table.rows}


@pytest.mark.parametrize("verdict", ["undecided", "inconclusive", "vacuous", "unheard-of", ""])
def test_what_is_not_decided_is_never_green_or_red(verdict: str):
    """
    Undecided, inconclusive, vacuous and unknown words are amber or grey.
    """
    assert verdict_tag(verdict).tone in {"open", "void"}


@pytest.mark.parametrize(
    ("verdict", "tone", "symbol"),
    [
        ("applies", "good", "✓"),
        ("does-not-apply", "bad", "✗"),
        ("supported", "good", "✓"),
        ("refuted", "bad", "✗"),
        ("vacuous", "void", "∅"),
        ("inconclusive", "open", "?"),
    ],
)
def test_verdicts_have_colour_word_and_symbol(verdict: str, tone: str, symbol: str):
    """
    A verdict is told by its word and its symbol too, for who sees no colours.
    """
    tag = verdict_tag(verdict)

    assert (tone, symbol) == (tag.tone, tag.symbol)
    assert tag.word.replace(" ", "-").lower() == verdict


def test_assumptions_recollections_and_silence_are_loud():
    """
    An assumed basis, a recalled source and an unstated fidelity stand out.
    """
    assert basis_tag("assumed").tone == "loud"
    assert {fidelity_tag(f).tone for f in ("recalled", "reconstructed", "", "whatever")} == {"loud"}
    assert {fidelity_tag(f).tone for f in ("verbatim", "paraphrase", "derived")} == {"plain"}


def test_only_a_witness_says_that_a_hypothesis_is_needed():
    """
    null reads as not known, and nothing about need is green or red.
    """
    assert [need_tag(n).word for n in (True, False, None)] == ["needed", "not needed", "not known"]
    assert {need_tag(n).tone for n in (True, False, None)} <= {"plain", "open"}


def test_a_status_that_is_unknown_stays_open():
    """
    A status outside the three answers is shown as open.
    """
    assert status_tag("maybe").tone == "open"


def _with_bases(report: ConditionReport, *bases: str) -> ConditionReport:
    hypotheses = tuple(
        msgspec.structs.replace(h, basis=b) for h, b in zip(report.hypotheses, bases, strict=True)
    )
    return msgspec.structs.replace(report, hypotheses=hypotheses)


def test_a_report_that_applies_is_as_sure_as_its_weakest_hypothesis():
    """
    One assumed hypothesis makes the whole verdict an assumption.
    """
    assert view(_with_bases(APPLIES, "proof", "assumed")).basis == basis_tag("assumed")
    assert view(_with_bases(APPLIES, "proof", "proof")).basis == basis_tag("proof")


def test_one_proved_failure_is_enough():
    """
    A theorem that does not apply is known by its failing hypotheses only.
    """
    assert view(DOES_NOT_APPLY).basis == basis_tag("proof")
    assert view(UNDECIDED).basis is None


def test_a_failed_proof_step_comes_right_after_the_verdict():
    """
    The gap in a proof is urgent, and says that it changes no verdict.
    """
    gap = view(REFUTED).urgent

    assert [section.key for section in gap] == ["failed-proof"]
    assert "changes no verdict" in gap[0].paragraphs[0]
    assert view(SUPPORTED).urgent == ()


def test_the_order_of_an_audit_is_fixed():
    """
    Hypotheses, runs, conclusions, satisfiability, proof and the rest follow in one order.
    """
    expected = [
        "hypotheses", "plots", "conclusions", "satisfiability", "proof", "letters", "probability", "hidden",
        "use", "sharpness",
        "counterexample", "not-done", "options", "again", "environment",
    ]  # fmt: skip

    assert [section.key for section in view(SUPPORTED).sections] == expected


def test_no_draw_found_is_not_called_impossible():
    """
    Only a proof says that hypotheses cannot hold.
    """
    text = _section(view(VACUOUS), "satisfiability").paragraphs[0]

    assert "not proved" in text
    assert _section(view(SUPPORTED), "satisfiability").paragraphs == ("They can.",)
    assert SATISFIABLE.basis == "witness"


def test_the_command_that_re_checks_a_counterexample_is_exact():
    """
    A certificate's name is quoted for the shell.
    """
    hostile = _section(view(AUDITS["hostile"]), "counterexample").command

    assert (
        _section(view(REFUTED), "counterexample").command
        == "deqaudit verify ling-2023-theorem-1.counterexample.json"
    )
    assert hostile.startswith("deqaudit verify '")
    assert "\x1b" not in hostile


def test_wrapped_lines_are_joined_and_points_are_kept():
    """
    A statement's line breaks count only where a sentence ends or a numbered point begins.
    """
    text = "Let q < 1 and\nlet r > 0.\nThen\n(7) q < r,\n(8) r < q:\n- so\n\nend \x07"

    assert paragraphs(text) == (
        "Let q < 1 and let r > 0.",
        "Then",
        "(7) q < r,",
        "(8) r < q:",
        "- so",
        "end \\u0007",
    )


def test_a_source_names_what_it_knows():
    """
    Authors, year, locator and arXiv number appear where given, and silence is said.
    """
    assert (
        source_line({"authors": "Banach", "year": 1922, "where": "p. 160", "arxiv": ""})
        == "Banach (1922), p. 160"
    )
    assert source_line({"authors": "", "year": None, "arxiv": "2205.13814"}) == "arXiv:2205.13814"
    assert source_line({}) == "source not stated"


def test_the_least_margin_is_named():
    """
    The tightest claim stands on the first screen.
    """
    assert (
        least_margin([(0.5, "a"), (None, "b"), (-0.301029995, "c")])
        == "c: -0.301 decades, missed by a factor 1.99"
    )
    assert least_margin([(None, "b")]) == "–"


@pytest.mark.parametrize("name", ["check-hostile", "audit-hostile", "verify-hostile"])
def test_no_raw_control_character_reaches_a_view(name: str):
    """
    Text of files is cleaned before any renderer sees it.
    """
    assert "\x1b" in HOSTILE

    text = repr(dataclasses.astuple(view(EVERY[name])))

    assert "\\x1b" not in text
    assert "\\u202e" not in text.replace("\\\\u202e", "")
