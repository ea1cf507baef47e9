"""Theorem files that follow the format but were written apart from the tool, and files to be refused."""

from pathlib import Path

import pytest
import torch

from checker.audit import audit
from checker.errors import TheoremError
from checker.reading import load

HERE = Path(__file__).parent
VALID = sorted((HERE / "valid").glob("*.theorem.toml"))
HOSTILE = sorted(path for path in (HERE / "hostile").iterdir() if path.is_file())


def _first_comment(path: Path, key: str) -> str:
    line = path.read_bytes().split(b"\n", 1)[0].decode(errors="replace")
    return line.removeprefix(f"# {key}:").strip() if line.startswith(f"# {key}:") else ""


@pytest.mark.parametrize("path", VALID, ids=lambda p: p.name.removesuffix(".theorem.toml"))
def test_a_file_that_follows_the_format_loads(path: Path) -> None:
    """
    Every valid file is read, and says what verdict is honest for it.
    """
    theorem = load(str(path))

    assert theorem.conclusions
    assert _first_comment(path, "expect") != ""


@pytest.mark.parametrize("path", HOSTILE, ids=lambda p: p.name)
def test_a_bad_file_is_refused_in_one_line(path: Path) -> None:
    """
    Every hostile file is refused with one line that names it and what is wrong.
    """
    with pytest.raises(TheoremError) as refused:
        load(str(path))

    text = str(refused.value)
    assert "\n" not in text
    assert _first_comment(path, "expect-error") in text


@pytest.mark.study
@pytest.mark.parametrize("path", VALID, ids=lambda p: p.name.removesuffix(".theorem.toml"))
def test_an_audit_says_what_is_true(path: Path, tmp_path: Path) -> None:
    """
    The audit's verdict is among those that are honest for the file.
    """
    torch.set_num_threads(1)

    report = audit(load(str(path)), {}, budget=120, out=tmp_path)

    assert report.verdict in _first_comment(path, "expect").split("|"), report.reason
