"""Proof steps for a reader who sees them for the first time: letters, numbers, and what follows from what."""

import msgspec
import pytest
from report_samples import SUPPORTED

from checker.conditions import header
from checker.reading import load
from checker.records import ProofStepRecord, TheoremHeader
from reports.glossary import follows_from, letters_of, letters_section, meaning, skipped
from reports.view import ReportView, Section
from reports.views import view

EMPTY = TheoremHeader("any", "Any", {}, setting="deq")


def _step(name: str, assume: tuple[str, ...], show: str) -> ProofStepRecord:
    return ProofStepRecord(name, "holds", "z3+cvc5", None, assume, show)


def _section(shown: ReportView, key: str) -> Section:
    return next(section for section in shown.sections if section.key == key)


def _rows(section: Section | None) -> dict[str, tuple[str, str]]:
    assert section is not None
    return {row[0].text: (row[1].text, row[2].text) for row in section.tables[0].rows}


def test_a_letter_that_the_file_defines_stands_for_that():
    """
    Definitions first, then parameters, then the setting's own names.
    """
    head = header(load("deq-gd"))

    assert meaning("l", head) == "l = sqrt(lambda_0), as the file defines it"
    assert meaning("eta", head) == "the parameter eta: for every value; with 0 < eta"
    assert meaning("n", head) == "the number of samples"
    assert meaning("Q", head) == ""
    assert meaning("l", EMPTY) == ""


def test_a_letter_that_nothing_explains_is_a_real_number_with_its_assumptions():
    """
    What every step assumes of it is listed, and whether there is more.
    """
    steps = (_step("a", ("0 < x", "x < y"), "0 < y"), _step("b", ("0 < x", "x*q < 1"), "q < 1/x"))

    rows = _rows(letters_section(EMPTY, steps, folded=False))

    assert rows["x"] == ("a real number, assumed 0 < x, and what else its steps state", "1-2")
    assert rows["y"] == ("a real number, assumed x < y", "1")
    assert rows["q"] == ("a real number, assumed x*q < 1", "2")


def test_a_letter_without_a_common_assumption_says_so():
    """
    Nothing is claimed of a letter that each step uses in its own way.
    """
    steps = (_step("a", ("0 < x",), "0 <= x"), _step("b", ("x < 0",), "x <= 0"), _step("c", (), "x == x"))

    rows = _rows(letters_section(EMPTY, steps, folded=False))

    assert rows["x"] == ("a real number; what is assumed of it stands in each step", "1-3")


@pytest.mark.parametrize("theorem_id", ["deq-gd", "deq-gd-smooth", "ling-2023-theorem-1", "deq-gd-no-kink"])
def test_every_letter_of_a_shipped_proof_has_a_row(theorem_id: str):
    """
    No letter of a step is left without words.
    """
    theorem = load(theorem_id)
    steps = [_step(s.name, tuple(c.text for c in s.assume), s.show.text) for s in theorem.proof]

    rows = _rows(letters_section(header(theorem), steps, folded=False))

    used = letters_of(claim for step in steps for claim in (*step.assume, step.show))
    assert set(rows) == used
    assert all(text and numbers for text, numbers in rows.values())


def test_text_that_is_no_claim_has_no_letters():
    """
    A hostile step neither breaks the glossary nor gets a row.
    """
    assert letters_of(["=< {", "a < b"]) == {"a", "b"}
    assert letters_section(EMPTY, (_step("x", ("<script>",), "=<"),), folded=False) is None


def test_a_step_says_which_others_show_what_it_assumes():
    """
    Word for word, also a part of what another step shows; never itself.
    """
    steps = (
        _step("first", ("0 < a",), "0 < b and b < 1"),
        _step("second", ("0 < a", "b < 1"), "0 < c"),
        _step("third", (), "c == c"),
        _step("fourth", ("0 < b", "0 < c"), "0 < b"),
    )

    assert follows_from(steps) == (
        "from its assumptions alone",
        "from its assumptions, some of which (1) shows",
        "from nothing but the real numbers",
        "from its assumptions, some of which (1), (2) show",
    )


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["S01 a", "S02a b", "S02 c", "S03 d", "S05 e"], "S04"),
        (["S1 a", "S2 b", "S4 c", "S6 d", "S7 e"], "S3 and S5"),
        (["S01 a", "S02 b", "S03 c"], ""),
        (["a", "b", "c"], ""),
        (["C1 a", "C90 b", "C91 c"], ""),
    ],
)
def test_labels_that_the_names_pass_over_are_named(names: list[str], expected: str):
    """
    A gap in the file's own numbers is said, since a reader looks for the step.
    """
    found = skipped(names)

    assert found == (
        f"The names pass over {expected}: the file states no proof step under that label, so none was "
        "checked."
        if expected
        else ""
    )


def test_the_steps_of_deq_gd_are_numbered_and_their_gaps_named():
    """
    S04 and S18 stand nowhere in the file, and the report says so.
    """
    theorem = load("deq-gd")
    steps = tuple(_step(s.name, tuple(c.text for c in s.assume), s.show.text) for s in theorem.proof)

    section = _section(view(msgspec.structs.replace(SUPPORTED, proof=steps)), "proof")

    assert "pass over S04 and S18" in section.paragraphs[1]
    first = [row[0] for row in section.tables[0].rows]
    assert [cell.text.split()[0] for cell in first] == [f"({k})" for k in range(1, len(steps) + 1)]
    assert all(cell.notes[0].startswith("from ") for cell in first)


def test_names_in_the_claims_are_told():
    """
    A report with definitions shows what each name is; one without shows no empty section.
    """
    head = header(load("gd-least-squares"))
    named = _section(view(msgspec.structs.replace(SUPPORTED, theorem=head)), "names")

    text = [cell.text for table in named.tables for row in table.rows for cell in row]
    assert "lambda_min(G)" in text
    assert "names" not in {section.key for section in view(SUPPORTED).sections}
