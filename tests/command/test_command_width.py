"""deqaudit width and deqaudit show --latex, as a user meets them."""

import json
import sys
from types import SimpleNamespace

import msgspec
import pytest
from conftest import HEADER

from checker.records import Predicted
from checker.width_records import WidthReport, WidthRow
from reports.width_view import width_view

THEOREM = "deq-gd"


def width_report() -> WidthReport:
    """A report of two rows, one of them empty."""
    full = WidthRow(
        2, Predicted(96, "certified"), Predicted(260000, "on events"), Predicted(16, "32 draws"), 32,
        0.84, 6.0, 16250.0,
    )  # fmt: skip
    none = Predicted(None, "not tried")
    return WidthReport(
        HEADER, {"data": "digits", "d": 64}, (full, WidthRow(16, none, none, none, 0, None, None, None)),
        0.99, ("cut by the budget: the simulated width at n = 16, at width 32",), {"seed": 0},
        {"budget": 60.0},
    )  # fmt: skip


@pytest.fixture
def asked(monkeypatch):
    """What the table was asked for, with a stand-in that answers at once and prints."""
    calls = []

    def widths(*arguments, **options):
        calls.append((arguments, options))
        sys.stdout.write("noise of a library\n")
        return width_report()

    monkeypatch.setitem(sys.modules, "checker.solving.widths", SimpleNamespace(widths=widths))
    return calls


def test_the_table_fits_80_columns_and_the_status_is_0(command, asked):
    """
    One line a row, absent widths as a dash, what was cut listed.
    """
    outcome = command("width", THEOREM)

    lines = outcome.out.splitlines()
    assert outcome.status == 0
    assert lines[0] == "WIDTHS"
    assert all(len(line) <= 80 for line in lines)
    assert any(line.split() == ["2", "96", "260000", "16", "6", "16250"] for line in lines)
    assert any(line.split() == ["16", "–", "–", "–", "–", "–"] for line in lines)
    assert "- cut by the budget: the simulated width at n = 16, at width 32" in lines
    assert any("ASSUMED" in line for line in lines)


def test_json_is_alone_and_has_its_kind(command, asked):
    """
    One document, field for field the record.
    """
    outcome = command("width", THEOREM, "--json")

    document = json.loads(outcome.out)
    assert outcome.status == 0
    assert (document["format"], document["kind"]) == (1, "width-report")
    assert document["rows"][0]["by_draw"] == {"value": 96, "reason": "certified"}
    assert document["rows"][1]["ratio"] is None


def test_what_is_not_comparable_and_the_events_are_explained():
    """
    A width by a draw below the simulated one says so; the events stand once, with their failure in total.
    """
    row = WidthRow(
        2, Predicted(3, "certified"), Predicted(400, "on events"), Predicted(16, "32 draws"), 32, 0.78,
        None, 25.0,
    )  # fmt: skip
    report = WidthReport(HEADER, {}, (row, row), 0.99, (), {}, {"failure_probability": 0.05})

    text = json.dumps(msgspec.to_builtins(width_view(report)))

    assert text.count("not comparable") == 2
    assert "not comparable" not in json.dumps(msgspec.to_builtins(width_view(width_report())))
    assert text.count("|W|_2 <= sqrt(A/m)*(2*sqrt(m) + t)") == 1
    assert text.count("at most 0.05 in total") == 1
    assert "for all widths that may be tried together" in text


def test_out_writes_every_format(command, asked, tmp_path):
    """
    The JSON file is what --json prints.
    """
    outcome = command("width", THEOREM, "--json", "--out", str(tmp_path))

    names = {path.name for path in tmp_path.iterdir()}
    assert names == {f"gd-least-squares.width.{ending}" for ending in ("html", "json", "md", "tex")}
    assert (tmp_path / "gd-least-squares.width.json").read_text(encoding="utf-8") == outcome.out
    assert "260000" in (tmp_path / "gd-least-squares.width.html").read_text(encoding="utf-8")
    assert r"\begin{longtable}" in (tmp_path / "gd-least-squares.width.tex").read_text(encoding="utf-8")


def test_options_arrive(command, asked):
    """
    Lists of samples stay text; seed and budget are passed on.
    """
    command(
        "width", THEOREM, "--set", "n=2,4", "--set", "data=sphere", "--seed", "7", "--budget", "5", "--quiet"
    )

    (((theorem, settings), options),) = asked
    assert theorem.id == THEOREM
    assert settings == {"n": "2,4", "data": "sphere"}
    assert (options["seed"], options["budget"]) == (7, 5.0)


@pytest.mark.parametrize(
    ("tokens", "line"),
    [
        (("width", THEOREM, "--set", "m=8"), "--set m: the width is what is sought; remove this --set"),
        (("width", THEOREM, "--set", "n=2,x"), "--set n=x: write a whole number, as in n=4"),
        (
            ("width", "gd-least-squares"),
            "gd-least-squares: the setting least-squares has no width of its own",
        ),
        (("width", THEOREM, "--budget", "nan"), "--budget nan: write a number of seconds, 0 for no limit"),
        (("width", THEOREM, "--runs", "3"), "Unknown option: --runs"),
    ],
)
def test_a_mistake_is_one_clear_line(tokens, line, command):
    """
    The status is 2, standard output stays empty.
    """
    outcome = command(*tokens)

    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith(f"deqaudit: {line}")
    assert outcome.err.count("\n") == 1


def test_show_prints_a_theorem_in_latex(command):
    """
    The environment alone, with what it needs from the preamble as comments.
    """
    outcome = command("show", THEOREM, "--latex")

    assert outcome.status == 0
    assert outcome.out.startswith("% needs in the preamble:\n")
    assert (
        r"\begin{theorem}[{Gradient descent on a deep equilibrium model with a small readout" in outcome.out
    )
    assert outcome.out.endswith("\\end{proof}\n")
    assert r"\checkmark" not in outcome.out
