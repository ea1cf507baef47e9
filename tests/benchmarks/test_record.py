"""What benchmarks leave behind: tables that fit a page, and files without names of machines or people."""

import json
import platform
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import record
from tests.benchmarks.__main__ import SUBJECTS, measured
from tests.benchmarks.norms import Row


@dataclass(frozen=True)
class Made:
    """A row of a made-up benchmark."""

    n: int
    ratio: float | None


def test_tables_are_aligned_and_say_what_was_not_measured() -> None:
    """
    Columns are right-aligned, three digits are shown, and None is a dash.
    """
    lines = record.table(("n", "ratio"), [Made(10, 0.12345), Made(2000, None), Made(3, 1e-12)])

    assert lines == ["   n    ratio", "  10    0.123", "2000        -", "   3  1.0e-12"]


def test_files_name_the_machine_but_no_host_user_or_path(tmp_path: Path) -> None:
    """
    A result holds its rows and the versions, and nothing that tells where or by whom it was made.
    """
    path = record.write("made", [Made(1, None)], folder=tmp_path / "new")

    text = path.read_text(encoding="utf-8")
    content = json.loads(text)
    assert content["rows"] == [{"n": 1, "ratio": None}]
    assert {"cpu", "cores", "libraries", "python", "system", "threads"} == set(content["machine"])
    assert not platform.node() or platform.node() not in text
    assert str(Path.home()) not in text
    assert [path] == list(path.parent.iterdir())


def test_every_subject_names_columns_that_its_rows_have(monkeypatch) -> None:
    """
    The columns of a table are fields of the rows, and a table is made, with a file where sizes are not small.
    """
    for subject in SUBJECTS.values():
        assert set(subject.columns) <= set(subject.module.Row.__dataclass_fields__)

    row = Row(1024, 1, 0.1, 0.2, 0.3, 2.0, 3.0, 1e-11, 0)
    lines: list[str] = []
    written: list[str] = []
    monkeypatch.setattr(SUBJECTS["norms"].module, "rows", lambda *, quick: [row])
    monkeypatch.setattr(record, "write", lambda name, rows: written.append(name))
    measured("norms", quick=True, say=lines.append)
    assert written == []  # small sizes leave no file

    lines.clear()
    measured("norms", quick=False, say=lines.append)
    assert written == ["norms"]
    assert all(len(part) <= 80 for line in lines for part in line.splitlines())
    assert lines[-2].split() == ["1024", "0.1", "0.2", "0.3", "2", "3", "1.0e-11"]
