"""Bad input is exit status 2 and one line on standard error that says what to write instead."""

import re
import sys

import pytest

THEOREM = "gd-least-squares"


@pytest.mark.parametrize(
    ("tokens", "line"),
    [
        (
            (),
            "a command is needed: one of list, show, check, audit, width, verify, new (see deqaudit --help)",
        ),
        (
            ("chek", "x"),
            'Unknown command "chek". Did you mean "check"? '
            "Available commands: list, show, check, audit, width, verify, new (see deqaudit --help)",
        ),
        (("check",), 'Command "check" parameter THEOREM requires an argument (see deqaudit check --help)'),
        (("check", THEOREM, "x"), "unexpected argument 'x' (see deqaudit check --help)"),
        (("check", THEOREM, "--frob"), "Unknown option: --frob (see deqaudit check --help)"),
        (
            ("check", THEOREM, "--seed", "q"),
            'Invalid value for --seed: unable to convert "q" into int (see deqaudit check --help)',
        ),
        (
            ("check", THEOREM, "--device", "tpu"),
            'Invalid value "tpu" for --device. Choose from: "cpu", "cuda". Did you mean "cpu"?'
            " (see deqaudit check --help)",
        ),
        (
            ("check", THEOREM, "--set"),
            'Command "check" parameter --set requires an argument (see deqaudit check --help)',
        ),
        (("check", THEOREM, "--set", "m"), "--set m: write NAME=VALUE, as in --set m=64"),
        (("check", THEOREM, "--set", "m="), "--set m=: write NAME=VALUE, as in --set m=64"),
        (("check", THEOREM, "--set", "=3"), "--set =3: write NAME=VALUE, as in --set m=64"),
        (("check", THEOREM, "--set", "a b=3"), "--set a b=3: write NAME=VALUE, as in --set m=64"),
        (
            ("check", THEOREM, "--set", "m=1", "--set", "m=2"),
            "--set m: given as 1 and as 2; give one of them",
        ),
        (
            ("check", THEOREM, "--seed", "1", "--set", "seed=2"),
            "--set seed=2 and --seed 1 differ; give one of them",
        ),
        (("check", THEOREM, "--seed", "-1"), "--seed -1: write a whole number between 0 and 4294967295"),
        (("audit", THEOREM, "--budget", "nan"), "--budget nan: write a number of seconds, 0 for no limit"),
        (("audit", THEOREM, "--budget", "-1"), "--budget -1.0: write a number of seconds, 0 for no limit"),
        (("audit", THEOREM, "--budget", "inf"), "--budget inf: write a number of seconds, 0 for no limit"),
        (("audit", THEOREM, "--runs", "0"), "--runs 0: write a whole number between 1 and 1000000"),
        (("audit", THEOREM, "--steps", "-1"), "--steps -1: write a whole number between 0 and 1000000"),
        (
            ("audit", THEOREM, "--confidence", "1"),
            "--confidence 1.0: write a number between 0 and 1, as in 0.999",
        ),
        (
            ("audit", THEOREM, "--confidence", "nan"),
            "--confidence nan: write a number between 0 and 1, as in 0.999",
        ),
        (("new", "x"), 'Command "new" parameter --setting requires an argument (see deqaudit new --help)'),
        (("check", "\udcff"), "the command line is not valid UTF-8"),
        (
            ("check", THEOREM, "--config", "nowhere.toml"),
            "--config nowhere.toml: cannot be read (No such file or directory)",
        ),
        (("check", THEOREM, "--config", "/dev/null"), "--config /dev/null: is not a regular file"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_clear_line(tokens, line, command, checker):
    """
    The line names the mistake and the way out; standard output stays empty.
    """
    outcome = command(*tokens)

    assert (2, "", f"deqaudit: {line}\n") == (outcome.status, outcome.out, outcome.err)
    assert checker.asked == []


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("m = true", "m must be a number or a text, not a boolean"),
        ("m = [1]", "m must be a number or a text, not a list"),
        ("[m]\na = 1", "m must be a number or a text, not a table"),
        ("m = 1979-05-27", "m must be a number or a text, not a date or time"),
        ('m = " "', "m: write NAME = VALUE, as in m = 64"),
        ('"a b" = 1', "a b: write NAME = VALUE, as in m = 64"),
        ("m = ", "not TOML: Invalid value (at end of document)"),
        (b"\xff", "is not UTF-8 text"),
        ("#" * 300_000, "is larger than 262144 bytes"),
    ],
    ids=["boolean", "list", "table", "date", "empty", "name", "syntax", "bytes", "large"],
)
def test_a_configuration_file_that_cannot_be_used_is_one_line(content, line, command, checker, tmp_path):
    """
    Every mistake in a file names the file.
    """
    path = tmp_path / "c.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    outcome = command("check", THEOREM, "--config", str(path))

    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith(f"deqaudit: --config {path}: ")
    assert outcome.err.endswith(f"{line}\n")
    assert outcome.err.count("\n") == 1


def test_a_file_and_an_option_that_differ_are_one_line(command, checker, tmp_path):
    """
    Nothing wins silently.
    """
    (tmp_path / "c.toml").write_text("m = 8")

    outcome = command("check", THEOREM, "--config", str(tmp_path / "c.toml"), "--set", "m=4")

    assert (outcome.status, outcome.err) == (
        2,
        "deqaudit: --set m=4 and m = 8 in --config differ; give one of them\n",
    )


@pytest.mark.parametrize(
    "tokens", [("show", "no-such-theorem"), ("check", "no-such"), ("audit", "no-such.toml")]
)
def test_an_unknown_theorem_is_one_line(tokens, command, checker):
    """
    The line names what was looked for.
    """
    outcome = command(*tokens)

    assert (outcome.status, outcome.out) == (2, "")
    assert re.fullmatch(r"deqaudit: .*no-such.*\n", outcome.err)


def test_text_of_an_error_cannot_break_the_line(command, checker):
    """
    Line breaks and escape sequences in a message are made harmless.
    """
    from checker.errors import UsageError

    def refuse():
        raise UsageError("one\ntwo \x1b[31m three")

    checker.check = refuse

    outcome = command("check", THEOREM)

    assert (outcome.status, outcome.err) == (2, "deqaudit: one two \\u001b[31m three\n")


def test_no_device_is_taken_for_another(command, checker, monkeypatch):
    """
    Where there is no CUDA device, asking for one is an error.
    """
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    outcome = command("check", THEOREM, "--device", "cuda")

    line = "deqaudit: --device cuda: no CUDA device can be used here; write --device cpu\n"
    assert (2, line) == (outcome.status, outcome.err)


def test_a_directory_that_cannot_be_written_is_found_before_the_work(command, checker, tmp_path):
    """
    An audit of a minute is not lost to a mistyped path.
    """
    (tmp_path / "file").write_text("")

    outcome = command("audit", THEOREM, "--out", str(tmp_path / "file"))

    assert (2, f"deqaudit: --out {tmp_path / 'file'}: cannot write there (File exists)\n") == (
        outcome.status,
        outcome.err,
    )
    assert checker.asked == []


def test_our_own_bug_says_so_and_how_to_report_it(command, checker):
    """
    A bug is status 70 with its traceback and the command line.
    """
    checker.check = lambda: 1 / 0

    outcome = command("check", THEOREM, "--set", "data=a b.csv")

    assert (outcome.status, outcome.out) == (70, "")
    assert "Traceback (most recent call last)" in outcome.err
    assert outcome.err.endswith(
        "command line: deqaudit check gd-least-squares --set 'data=a b.csv'\n"
        "deqaudit: this is a bug in deqaudit; please report it with the command line above\n"
    )


def test_an_interrupt_is_one_line(command, checker):
    """
    Ctrl-C is no traceback.
    """

    def interrupt():
        raise KeyboardInterrupt

    checker.check = interrupt

    outcome = command("check", THEOREM)

    assert (outcome.status, outcome.err) == (130, "deqaudit: interrupted\n")


def test_a_full_disk_is_one_line(command, checker, monkeypatch):
    """
    Standard output that cannot be written is the user's to mend.
    """

    class Full:
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

        def isatty(self) -> bool:
            return False

        def fileno(self) -> int:
            raise OSError

    monkeypatch.setattr(sys, "stdout", Full())

    outcome = command("check", THEOREM, "--json")

    assert outcome.status == 2
    assert outcome.err.endswith("deqaudit: cannot write to standard output (No space left on device)\n")
