"""Report files are all there or not at all, and stay in their directory."""

import msgspec
import pytest
from check_samples import APPLIES, HOSTILE_CHECK
from report_samples import SUPPORTED

from checker.errors import UsageError
from reports.files import prepare, stem, write_atomically, write_reports
from reports.jsonfile import to_json


def test_every_format_stands_side_by_side(tmp_path):
    """
    One report makes four files named by the theorem and the command.
    """
    written = write_reports(APPLIES, tmp_path / "new" / "folder")

    expected = {f"gd-least-squares.check.{ending}" for ending in ("html", "json", "md", "tex")}
    assert {path.name for path in written} == expected
    assert {path.name for path in (tmp_path / "new" / "folder").iterdir()} == expected
    assert (tmp_path / "new/folder/gd-least-squares.check.json").read_text(encoding="utf-8") == to_json(
        APPLIES
    )


def test_the_same_report_makes_the_same_files(tmp_path):
    """
    Two writes give the same bytes, also over old files.
    """
    first = {path.name: path.read_bytes() for path in write_reports(SUPPORTED, tmp_path / "a")}
    write_reports(SUPPORTED, tmp_path / "b")

    second = {path.name: path.read_bytes() for path in write_reports(SUPPORTED, tmp_path / "b")}

    assert first == second


def test_a_theorem_id_cannot_leave_the_directory():
    """
    File names hold nothing but plain characters.
    """
    header = msgspec.structs.replace(APPLIES.theorem, id="../../etc/passwd")
    report = msgspec.structs.replace(APPLIES, theorem=header)

    assert stem(report) == "etc-passwd.check"
    assert "/" not in stem(HOSTILE_CHECK)
    assert (
        stem(msgspec.structs.replace(APPLIES, theorem=msgspec.structs.replace(header, id="..")))
        == "theorem.check"
    )


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    """
    Half a file is never seen.
    """
    path = tmp_path / "report.json"
    path.write_text("old")

    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "new \ud800")

    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_a_directory_that_cannot_be_is_one_line(tmp_path):
    """
    Where a file stands in the way, the error names the option.
    """
    (tmp_path / "file").write_text("")

    with pytest.raises(UsageError) as error:
        prepare(tmp_path / "file")

    assert str(error.value) == f"--out {tmp_path / 'file'}: cannot write there (File exists)"


def test_a_file_that_cannot_be_replaced_is_one_line(tmp_path):
    """
    A directory named like the report is an error of the user, not of ours.
    """
    (tmp_path / "gd-least-squares.check.html").mkdir()

    with pytest.raises(UsageError, match=r"cannot write gd-least-squares\.check\.html"):
        write_reports(APPLIES, tmp_path)
