"""What the commands print, write and answer."""

import json
import sys

import pytest
from conftest import Checker, audit_report, condition_report, verify_report

import deqaudit
from checker.reading import builtin_ids

THEOREM = "gd-least-squares"


@pytest.mark.parametrize(
    ("tokens", "name", "report", "status"),
    [
        (("check", THEOREM), "check", condition_report("applies"), 0),
        (("check", THEOREM), "check", condition_report("does-not-apply"), 1),
        (("check", THEOREM), "check", condition_report("undecided"), 3),
        (("audit", THEOREM), "audit", audit_report("supported"), 0),
        (("audit", THEOREM), "audit", audit_report("refuted"), 1),
        (("audit", THEOREM), "audit", audit_report("vacuous"), 3),
        (("audit", THEOREM), "audit", audit_report("inconclusive"), 3),
        (("verify", "c.json"), "verify", verify_report("valid"), 0),
        (("verify", "c.json"), "verify", verify_report("invalid"), 1),
        (("verify", "c.json"), "verify", verify_report("undecided"), 3),
    ],
)
@pytest.mark.parametrize("flags", [(), ("--json",), ("--quiet",)], ids=["text", "json", "quiet"])
def test_the_exit_status_is_the_verdict(tokens, name, report, status, flags, command, checker):
    """
    0 is a yes, 1 a no, 3 neither, whatever is printed.
    """
    setattr(checker, name, lambda: report)

    assert status == command(*tokens, *flags).status


@pytest.mark.parametrize(
    ("tokens", "kind"),
    [
        (("check", THEOREM), "condition-report"),
        (("audit", THEOREM), "audit-report"),
        (("verify", "c.json"), "verify-report"),
        (("list",), "listing"),
    ],
)
def test_json_is_alone_on_standard_output(tokens, kind, command, checker):
    """
    One document and nothing else, even where a library prints.
    """
    outcome = command(*tokens, "--json")

    assert json.loads(outcome.out)["kind"] == kind
    assert outcome.out.endswith("}\n")
    assert "noise of a library" not in outcome.out


def test_text_starts_with_verdict_and_basis_and_says_where_the_rest_is(command, checker):
    """
    The first line is the answer, the last says how to have the whole report.
    """
    outcome = command("check", THEOREM)

    lines = outcome.out.splitlines()
    assert lines[0] == "✓ APPLIES (basis: proof)"
    assert lines[-1] == "Give --out DIR for the whole report as HTML, JSON, Markdown and LaTeX."
    assert all(len(line) <= 80 for line in lines)


def test_quiet_is_the_verdict_alone(command, checker):
    """
    --quiet prints one line.
    """
    assert command("audit", THEOREM, "--quiet").out == "✓ SUPPORTED (basis: sample)\n"


def test_out_writes_every_format_and_json_matches_standard_output(command, checker, tmp_path):
    """
    The file and the printed document are the same bytes.
    """
    outcome = command("check", THEOREM, "--json", "--out", str(tmp_path))

    names = {path.name for path in tmp_path.iterdir()}
    assert names == {f"gd-least-squares.check.{ending}" for ending in ("html", "json", "md", "tex")}
    assert (tmp_path / "gd-least-squares.check.json").read_text(encoding="utf-8") == outcome.out


def test_the_written_files_are_named(command, checker, tmp_path):
    """
    The summary says where the report lies.
    """
    outcome = command("audit", THEOREM, "--out", str(tmp_path))

    assert f"  {tmp_path / 'gd-least-squares.audit.html'}\n" in outcome.out


def test_what_was_set_reaches_the_checker_as_text(command, checker: Checker, tmp_path):
    """
    Numbers stay as written, from the command line, from a file, and where both agree.
    """
    (tmp_path / "c.toml").write_text('m = 8\ns_w = 0.10\ndata = "sphere"\nn = 2\n')

    command(
        "check", THEOREM, "--set", "eta=0.1", "--set", "n=2", "--set", "labels=a=b",
        "--config", str(tmp_path / "c.toml"), "--seed", "3", "--set", "seed=3",
    )  # fmt: skip

    ((_, (theorem, settings), options),) = checker.asked
    assert theorem.id == THEOREM
    assert settings == {
        "eta": "0.1", "n": "2", "labels": "a=b", "seed": "3", "m": "8", "s_w": "0.10", "data": "sphere",
    }  # fmt: skip
    assert options == {"seed": 3, "device": "cpu"}


def test_the_options_of_an_audit_reach_the_checker(command, checker: Checker, tmp_path):
    """
    Every option arrives, and unset ones have the defaults of the contract.
    """
    command("audit", THEOREM, "--budget", "5", "--runs", "7", "--steps", "9", "--confidence", "0.9",
            "--out", str(tmp_path))  # fmt: skip
    command("audit", THEOREM)

    first, second = (options for _, _, options in checker.asked)
    assert (first["budget"], first["runs"], first["steps"], first["confidence"]) == (5.0, 7, 9, 0.9)
    assert (first["out"], first["progress"]) == (tmp_path, None)
    assert (second["budget"], second["runs"], second["steps"]) == (60.0, 32, None)
    assert (second["confidence"], second["out"], second["seed"], second["device"]) == (
        0.999,
        None,
        None,
        "cpu",
    )


def test_list_names_theorems_and_settings(command):
    """
    The listing holds every built-in id.
    """
    outcome = command("list")

    assert (outcome.status, outcome.err) == (0, "")
    assert all(f"  {theorem_id}\n" in outcome.out for theorem_id in builtin_ids())


def test_show_renders_one_theorem(command):
    """
    `show` prints the statement and the hypotheses.
    """
    outcome = command("show", THEOREM)

    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith("Gradient descent on least squares\n")
    assert "\nHypotheses\n" in outcome.out


def test_new_writes_a_file_that_loads(command, tmp_path, monkeypatch):
    """
    The template is a theorem file at once, and a second one does not overwrite it.
    """
    monkeypatch.chdir(tmp_path)

    first, second = command("new", "mine", "--setting", "deq"), command("new", "mine", "--setting", "deq")

    assert (first.status, first.out) == (
        0,
        "Wrote mine.theorem.toml. Next: deqaudit show mine.theorem.toml\n",
    )
    assert deqaudit.load(tmp_path / "mine.theorem.toml").id == "mine"
    assert second.status == 2


@pytest.mark.parametrize("tokens", [("--help",), ("check", "--help"), ("audit", "-h"), ("--version",)])
def test_help_and_version_are_no_errors(tokens, command):
    """
    Asking for help is status 0.
    """
    outcome = command(*tokens)

    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out


def test_progress_goes_to_standard_error_and_only_to_a_terminal(command, checker: Checker, monkeypatch):
    """
    With a terminal there is a progress function, quiet or not a terminal there is none.
    """
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    checker.audit = lambda: (
        ((checker.asked[-1][2]["progress"] or len)("running [bold]") and None) or audit_report()
    )

    loud, quiet = command("audit", THEOREM), command("audit", THEOREM, "--quiet")

    assert callable(checker.asked[0][2]["progress"])
    assert checker.asked[1][2]["progress"] is None
    assert loud.out.startswith("✓ SUPPORTED")
    assert "\x1b" not in loud.out + quiet.out


def test_colours_are_for_terminals_that_want_them(command, checker, monkeypatch):
    """
    A terminal gets colours, unless NO_COLOR is set.
    """
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)

    coloured = command("check", THEOREM).out
    monkeypatch.setenv("NO_COLOR", "1")
    plain = command("check", THEOREM).out

    assert coloured.startswith("\x1b[1;32m✓ APPLIES")
    assert "\x1b" not in plain
