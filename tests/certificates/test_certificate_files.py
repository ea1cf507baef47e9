"""Files that are not certificates are refused with one line."""

import json
import os

import pytest
from certificate_samples import document, half_rate, put

from checker.certificate import verify
from checker.certificate_format import MAX_FILE
from checker.errors import UsageError

GOOD = json.dumps(document(half_rate())).encode()

FILES = {
    "empty": (b"", "is not JSON"),
    "truncated": (GOOD[: len(GOOD) // 2], "is not JSON"),
    "trailing": (GOOD + b"{}", "is not JSON"),
    "binary": (bytes(range(256)), "is not JSON"),
    "not UTF-8": (GOOD.replace(b"half-rate", b"half\xff"), "is not"),
    "deep": (b"[" * 100_000, "is not"),
    "deep object": (b'{"format":' * 100_000, "is not"),
    "list": (b"[1, 2]", "is not a certificate"),
    "null": (b"null", "is not a certificate"),
    "number": (b"1e999", "is not"),
    "another kind": (GOOD.replace(b'"certificate"', b'"audit-report"'), "is not a certificate"),
    "another format": (GOOD.replace(b'"format": 1', b'"format": 2'), "is not a certificate"),
    "format as text": (GOOD.replace(b'"format": 1', b'"format": "1"'), "is not a certificate"),
    "unknown field": (GOOD[:-1] + b', "more": 1}', "is not a certificate"),
    "step as text": (GOOD.replace(b'"step": 1', b'"step": "1"'), "is not a certificate"),
    "huge step": (GOOD.replace(b'"step": 1', b'"step": 1' + b"0" * 400), "is not"),
    "negative step": (GOOD.replace(b'"step": 1', b'"step": -1'), "is not a certificate"),
    "NaN": (GOOD.replace(b'"step": 1', b'"step": NaN'), "is not JSON"),
    "negative size": (GOOD.replace(b'"n": 1', b'"n": -1'), "is not a certificate"),
    "huge precision": (GOOD.replace(b'"precision": 128', b'"precision": 999999999'), "is not a certificate"),
    "unknown map": (GOOD.replace(b'"map": "plain"', b'"map": "pickle"'), "is not a certificate"),
    "long name": (GOOD.replace(b'"half-rate"', b'"' + b"x" * 300 + b'"'), "is not a certificate"),
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_certificate_is_refused_with_one_line(tmp_path, name):
    """
    A file that is not JSON, or JSON that is not a certificate, is named in one printable line.
    """
    content, fragment = FILES[name]
    path = tmp_path / "x.json"
    path.write_bytes(content)

    with pytest.raises(UsageError) as error:
        verify(path)

    assert str(error.value).startswith(f"x.json: {fragment}")
    assert str(error.value).isprintable() and len(str(error.value)) < 400


def test_a_file_larger_than_the_limit_is_not_read(tmp_path):
    """
    The size of a file is known before it is read.
    """
    path = tmp_path / "x.json"
    with path.open("wb") as file:
        file.truncate(MAX_FILE + 1)

    with pytest.raises(UsageError, match=r"^x\.json: is larger than 64 MiB, the most that is read$"):
        verify(path)


def test_a_folder_a_pipe_and_nothing_are_refused(tmp_path):
    """
    What is not a regular file is not opened, so that a pipe cannot block.
    """
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(UsageError, match=r"pipe: is not a regular file; give the path of one certificate$"):
        verify(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is not a regular file"):
        verify(tmp_path)
    with pytest.raises(UsageError, match=r"^none: cannot be read: No such file or directory$"):
        verify(tmp_path / "none")


def test_control_characters_of_a_name_are_not_printed(tmp_path):
    """
    A file name cannot write to the terminal.
    """
    with pytest.raises(UsageError) as error:
        verify(tmp_path / "a\x1b[31m\nb")

    assert str(error.value).isprintable()


def test_white_space_does_not_matter(tmp_path):
    """
    The digest is of the content, not of the layout.
    """
    path = put(tmp_path, half_rate())
    path.write_text(json.dumps(json.loads(path.read_text()), indent=7))

    assert verify(path).status == "valid"
