"""What the README shows works: its theorem loads, its Python runs, its commands exist."""

import re
from pathlib import Path

import torch

import deqaudit
from checker.reading import read_theorem

README = (Path(__file__).parent.parent / "README.md").read_text()


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_theorem_file_shown_is_read() -> None:
    """
    The declaration in the README is a theorem file.
    """
    (text,) = _blocks("toml")

    theorem = read_theorem(text, "README.md")

    assert theorem.id == "picard-rate"


def test_the_python_shown_runs() -> None:
    """
    The README's Python gives a verdict with its hypotheses.
    """
    torch.set_num_threads(1)
    (code,) = _blocks("python")
    scope: dict[str, object] = {}

    exec(compile(code.replace("print", "shown = "), "README.md", "exec"), scope)  # noqa: S102

    report = scope["report"]
    assert isinstance(report, deqaudit.ConditionReport)
    assert report.verdict == "applies"


def test_both_commands_are_single_lines() -> None:
    """
    Setting up and running is one line, and so is testing.
    """
    commands = [block.strip() for block in _blocks("") if "venv" in block]

    assert len(commands) == 2
    assert all("\n" not in command for command in commands)
