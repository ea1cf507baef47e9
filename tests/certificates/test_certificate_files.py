"""Files that are not certificates are refused with one line."""

import hashlib
import io
import json
import os
import pathlib
import re

import pytest
from certificate_samples import TESTS, document, half_rate, put, resealed

from checker.certificate import verify
from checker.certificate_format import MAX_FILE
from checker.errors import UsageError

GOOD = json.dumps(document(half_rate())).encode()

JSON, NONE = "x.json: is not JSON: ", "x.json: is not a certificate: "
KEYS = (
    "format, kind, theorem, claim, step, algorithm, precision, configuration, hypotheses, violation, digest"
)
STEP = NONE + "step: expected a whole number from 0 to 1000000, found "

FILES = {
    "empty": (b"", JSON + "line 1, column 1 is not as JSON has it"),
    "truncated": (GOOD[:40], JSON + "line 1, column 41 is not as JSON has it"),
    "trailing": (GOOD + b"{}", JSON + f"line 1, column {len(GOOD) + 1} is not as JSON has it"),
    "binary": (bytes(range(256)), JSON + "byte 128 is not UTF-8"),
    "not UTF-8": (b'{"format": "\xff"}', JSON + "byte 12 is not UTF-8"),
    "UTF-16": (GOOD.decode().encode("utf-16"), JSON + "byte 0 is not UTF-8"),
    "deep": (b"[" * 100_000, JSON + "it is nested too deeply"),
    "deep object": (b'{"format":' * 100_000, JSON + "it is nested too deeply"),
    "list": (b"[1, 2]", NONE + "expected an object, found a list"),
    "null": (b"null", NONE + "expected an object, found null"),
    "infinite number": (
        b"1e999",
        JSON + "the number 1e999; certificates have whole numbers only, and floats as text",
    ),
    "NaN": (GOOD.replace(b'"step": 1', b'"step": NaN'), JSON + "NaN is no number"),
    "minus infinity": (GOOD.replace(b'"step": 1', b'"step": -Infinity'), JSON + "-Infinity is no number"),
    "fraction": (
        GOOD.replace(b'"step": 1', b'"step": 1.0'),
        JSON + "the number 1.0; certificates have whole numbers only, and floats as text",
    ),
    "key twice": (GOOD[:-1] + b', "step": 2}', JSON + "the key 'step' stands twice in one object"),
    "many digits": (
        GOOD.replace(b'"step": 1', b'"step": 1' + b"0" * 10**7),
        JSON + "a number of 10000001 digits; certificates have at most 12",
    ),
    "another kind": (
        GOOD.replace(b'"certificate"', b'"audit-report"'),
        NONE + "kind: expected 'certificate', found the text 'audit-report'",
    ),
    "another format": (
        GOOD.replace(b'"format": 1', b'"format": 2'),
        NONE + "format: expected 1, the one that this version reads, found 2",
    ),
    "format true": (
        GOOD.replace(b'"format": 1', b'"format": true'),
        NONE + "format: expected 1, the one that this version reads, found true",
    ),
    "format as text": (
        GOOD.replace(b'"format": 1', b'"format": "1"'),
        NONE + "format: expected 1, the one that this version reads, found the text '1'",
    ),
    "unknown key": (GOOD[:-1] + b', "more": 1}', NONE + "more: there is no such key; there are " + KEYS),
    "missing key": (GOOD.replace(b'"step": 1, ', b""), NONE + "step: this key is missing"),
    "step as text": (GOOD.replace(b'"step": 1', b'"step": "1"'), STEP + "the text '1'"),
    "step as list": (GOOD.replace(b'"step": 1', b'"step": []'), STEP + "a list"),
    "step as object": (GOOD.replace(b'"step": 1', b'"step": {}'), STEP + "an object"),
    "step false": (GOOD.replace(b'"step": 1', b'"step": false'), STEP + "false"),
    "huge step": (GOOD.replace(b'"step": 1', b'"step": 10000000'), STEP + "10000000"),
    "negative step": (GOOD.replace(b'"step": 1', b'"step": -1'), STEP + "-1"),
    "negative size": (
        GOOD.replace(b'"n": 1', b'"n": -1'),
        NONE + "configuration.sizes.n: expected a whole number from 1 to 67108864, found -1",
    ),
    "huge precision": (
        GOOD.replace(b'"precision": 128', b'"precision": 999999999'),
        NONE + "precision: expected a whole number from 16 to 1048576, found 999999999",
    ),
    "unknown map": (
        GOOD.replace(b'"map": "plain"', b'"map": "pickle"', 1),
        NONE
        + "configuration.arrays.U.map: expected one of 'plain', 'columns', 'orthogonal', 'goe', 'constant', "
        "found the text 'pickle'",
    ),
    "long name": (
        GOOD.replace(b'"half-rate"', b'"' + b"x" * 300 + b'"'),
        NONE + "theorem.id: expected at most 200 characters, found 300",
    ),
    "half a pair": (
        GOOD.replace(b'"half-rate"', b'"\\ud800"'),
        NONE + "theorem.id: expected characters, found half of a surrogate pair",
    ),
    "shape of a cube": (
        GOOD.replace(b'"shape": [1, 1]', b'"shape": [1, 1, 1]', 1),
        NONE + "configuration.arrays.U.shape: expected at most 2 entries, found 3",
    ),
    "no shape": (
        GOOD.replace(b'"shape": [1, 1]', b'"shape": []', 1),
        NONE + "configuration.arrays.U.shape: expected one or two sizes, found none",
    ),
    "number as float": (
        GOOD.replace(b'"0x1.0000000000000p+0"', b"1", 1),
        NONE + "configuration.arrays.U.floats[0]: expected a text, found 1",
    ),
    "sizes as list": (
        GOOD.replace(b'"sizes": {', b'"sizes": [], "sizs": {'),
        NONE
        + "configuration.sizs: there is no such key; there are setting, sizes, activation, kink, trains, "
        "parameters, arrays",
    ),
    "text as object": (
        GOOD.replace(b'"lhs": {', b'"lhs": 7, "x": {'),
        NONE + "violation.x: there is no such key",
    ),
    "control characters": (
        GOOD[:-1] + b', "\\u001b[31m": 1}',
        NONE + "?[31m: there is no such key; there are " + KEYS,
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_certificate_is_refused_with_one_line(tmp_path, name):
    """
    A file that is not JSON, or JSON that is not a certificate, is refused in one printable line of our own
    that names the key and what was expected.
    """
    content, line = FILES[name]
    path = tmp_path / "x.json"
    path.write_bytes(content)

    with pytest.raises(UsageError) as error:
        verify(path)

    assert str(error.value)[: len(line)] == line
    assert str(error.value).isprintable() and len(str(error.value)) < 400


def test_the_digest_is_that_of_the_plain_json_text():
    """
    A stranger computes the digest with the standard library alone.
    """
    value = document(half_rate())
    value["theorem"]["text"] += '\u00e9 \x1b \x7f / \u2028 \U0001f600 " \\ \t'
    changed = resealed(value)
    del value["digest"]

    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert hashlib.sha256(text.encode()).hexdigest() == changed.digest


def test_the_digest_is_computed_as_the_documentation_says(tmp_path, monkeypatch):
    """
    The lines in docs/certificates.md hold for a certificate.
    """
    (code,) = re.findall(
        r"```python\n(.*?)```", (TESTS.parent / "docs" / "certificates.md").read_text(), re.DOTALL
    )
    put(tmp_path, half_rate(), "my.certificate.json")
    monkeypatch.chdir(tmp_path)
    scope = {
        "json": json,
        "hashlib": hashlib,
        "open": lambda *a, **k: io.StringIO(pathlib.Path(a[0]).read_text()),
    }

    exec(code, scope)  # noqa: S102 - our own documentation

    assert scope["sealed"] == half_rate().digest


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
