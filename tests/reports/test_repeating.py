"""The command in a report makes the same report again."""

import os
import shlex
from pathlib import Path

import msgspec
import pytest
from check_samples import APPLIES, HOSTILE, HOSTILE_CHECK
from report_samples import EMPTY_VERIFY, REFUTED, SUPPORTED, VALID

import deqaudit
from checker.records import Bounds, TheoremHeader
from reports.html import to_html
from reports.markdown import to_markdown
from reports.repeating import ON_PATH, audit_command, check_command
from reports.text import to_text
from reports.views import view

OWN = """
format = 1
[theorem]
id      = "own"
title   = "Gradient descent on least squares descends"
setting = "least-squares"
kind    = "deterministic"
[theorem.source]
fidelity = "derived"
[dynamics]
algorithm = "gradient-descent"
step      = "eta"
[parameters]
eta = { domain = "0 < eta", quantifier = "forall" }
[hypotheses]
step_size = "eta <= 1/lambda_max(G)"
[conclusions]
descent = "next(loss) <= loss"
"""


def _printed(page: str) -> list[str]:
    """The command in a Markdown report, as the words a shell would make of it."""
    return shlex.split(page.split("```sh\n")[1].split("\n")[0])


def _written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("tokens", "own"),
    [
        (["gd-least-squares", "--set", "n=2", "--set", "d=3", "--set", "data=sphere", "--seed", "7"], False),
        (["gd-least-squares", "--config", "c.toml"], False),
        (
            ["folder/mine.toml", "--set", "n=2", "--set", "d=3", "--set", "data=sphere", "--set", "seed=3"],
            True,
        ),
    ],
    ids=["built in", "from a file of settings", "a theorem of one's own"],
)
def test_the_command_of_a_check_writes_the_same_bytes(tokens, own, tmp_path, monkeypatch, capsys):
    """
    Copied from the report and run in another folder, it makes every file again.
    """
    first, again = tmp_path / "first", tmp_path / "again"
    (first / "folder").mkdir(parents=True)
    again.mkdir()
    (first / "c.toml").write_text('n = 2\nd = 3\ndata = "sphere"\neta = 0.125\n')
    (first / "folder" / "mine.toml").write_text(OWN)
    (again / "own.theorem.toml").write_text(OWN)

    monkeypatch.chdir(first)
    status = deqaudit.run(["check", *tokens, "--out", "report"])
    (page,) = (text for name, text in _written(first / "report").items() if name.endswith(".md"))
    program, *copied = _printed(page.decode())
    monkeypatch.chdir(again)
    same = deqaudit.run(copied)

    assert (program, status) == ("deqaudit", same)
    assert _written(first / "report") == _written(again / "report")
    assert ("own.theorem.toml stands for" in page.decode()) is own
    assert "## Names in the claims" in page.decode()
    assert str(tmp_path) not in page.decode()
    assert os.linesep + ON_PATH.split(":")[0] in page.decode()
    capsys.readouterr()


def test_the_command_stands_in_the_page():
    """
    HTML shows it as text to be copied; a report that does not know what was set prints no command.
    """
    report = msgspec.structs.replace(APPLIES, options={"data": "my data.npz", "s_y": "1/256"})

    assert (
        check_command(report)
        == "deqaudit check gd-least-squares --set 'data=my data.npz' --set s_y=1/256 --out report"
    )
    assert "--set &#39;data=my data.npz&#39; --set s_y=1/256" in to_html(view(report))
    assert ON_PATH.split(":")[0] in to_html(view(report))
    assert check_command(APPLIES) == ""
    assert "How to repeat" not in to_html(view(APPLIES))


def test_the_command_of_an_audit_names_its_effort_and_the_folder_of_its_certificate():
    """
    Options, settings, seed and device are there; the folder is part of the certificate's name.
    """
    report = msgspec.structs.replace(
        SUPPORTED,
        options={"budget": 20.0, "runs": 8, "steps": 60, "confidence": 0.99, "m": "4", "seed": "2"},
        environment={"seed": 2, "device": "cuda"},
    )
    certificate = msgspec.structs.replace(REFUTED.counterexample, certificate="some where/x.certificate.json")
    refuted = msgspec.structs.replace(REFUTED, counterexample=certificate)

    assert audit_command(report) == (
        "deqaudit audit gd-least-squares --set m=4 --set seed=2 --budget 20.0 --runs 8 --steps 60 "
        "--confidence 0.99 --device cuda --out report"
    )
    assert audit_command(refuted).endswith("--out 'some where'")
    assert audit_command(msgspec.structs.replace(SUPPORTED, options={})) == ""


def test_hostile_settings_are_one_word_each():
    """
    What a file or a user wrote reaches a shell as text only.
    """
    words = shlex.split(check_command(HOSTILE_CHECK))

    assert "\x1b" not in check_command(HOSTILE_CHECK)
    assert words[:2] == ["deqaudit", "check"]
    assert words[-2:] == ["--out", "report"]
    assert len([word for word in words if word == "--set"]) == 1
    assert "\x1b" in HOSTILE


def test_reasons_are_sentences_and_headings_are_not_shouted():
    """
    The headline starts with a capital unless it starts with a name, and ends with a full stop.
    """
    named = msgspec.structs.replace(SUPPORTED, reason="rate fails at step 3")

    assert view(SUPPORTED).reason.endswith(".")
    assert view(named).reason == "rate fails at step 3."
    assert view(msgspec.structs.replace(SUPPORTED, reason="a run fails")).reason == "A run fails."
    assert view(msgspec.structs.replace(SUPPORTED, reason="rho_w < 1 fails")).reason == "rho_w < 1 fails."
    assert "\nConclusions\n" in to_text(view(SUPPORTED))
    assert "CONCLUSIONS" not in to_text(view(SUPPORTED))
    assert "text-transform" not in to_html(view(SUPPORTED))


def test_a_verified_certificate_shows_both_sides_and_the_step():
    """
    In the terminal and in Markdown, with what should stand between them.
    """
    text = " ".join(to_text(view(VALID)).split())

    assert "The violated inequality" in text
    assert "step 3 left side 0.5 right side [0.31999, 0.32001] should be left <= right" in text
    assert "[0.31999, 0.32001]" in to_markdown(view(VALID)).replace("\\", "")
    assert "inequality" not in to_text(view(EMPTY_VERIFY))
    tie = msgspec.structs.replace(VALID, lhs=Bounds("0.4", "0.6"), rhs=Bounds("0.4", "0.6"))
    assert "rational numbers decided" in to_html(view(tie))
    assert "rational numbers decided" not in to_html(view(VALID))
    assert "violated inequality" not in to_text(view(msgspec.structs.replace(VALID, status="invalid")))


def test_a_theorem_that_is_not_built_in_is_named_by_its_id():
    """
    No path reaches a report.
    """
    report = msgspec.structs.replace(APPLIES, theorem=TheoremHeader("mine", "M", {}), options={})

    assert check_command(report) == "deqaudit check mine.theorem.toml --out report"
