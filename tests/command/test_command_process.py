"""The command as a process: start-up, pipes, encodings, exit status."""

import os
import subprocess
import sys

import pytest

THEOREM = "gd-least-squares"


def _run(*tokens: str, code: str = "", **options):
    start = ["-c", code] if code else ["-m", "deqaudit"]
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, *start, *tokens], capture_output=True, timeout=300, check=False, **options
    )


def test_the_process_exits_with_the_status():
    """
    Status 2 and one line for a mistake, 0 and text for a listing.
    """
    wrong, right = _run("check", THEOREM, "--frob"), _run("list")

    assert (wrong.returncode, wrong.stdout) == (2, b"")
    assert wrong.stderr == b"deqaudit: Unknown option: --frob (see deqaudit check --help)\n"
    assert (right.returncode, right.stderr) == (0, b"")


def test_the_command_loads_only_what_it_needs():
    """
    A mistake on the command line comes before torch is loaded, a listing before matplotlib and scikit-learn.
    """
    code = (
        "import sys, deqaudit; deqaudit.run(['audit', 'x', '--runs', '0']); mistake = set(sys.modules); "
        "deqaudit.run(['list']); listing = set(sys.modules); "
        "sys.exit(bool({'torch', 'flint', 'lark', 'sympy'} & mistake | {'matplotlib', 'sklearn'} & listing))"
    )

    assert _run(code=code).returncode == 0


def test_a_reader_that_leaves_is_no_error():
    """
    `deqaudit list | head -1` ends quietly.
    """
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "deqaudit", "list"],
            stdout=writing, stderr=subprocess.PIPE, timeout=300, check=False,
        )  # fmt: skip
    finally:
        os.close(writing)

    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no /dev/full")  # noqa: PTH110
def test_a_full_device_is_one_line():
    """
    A listing that cannot be written is status 2 and one line.
    """
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "deqaudit", "list"],
            stdout=full, stderr=subprocess.PIPE, timeout=300, check=False,
        )  # fmt: skip

    line = b"deqaudit: cannot write to standard output (No space left on device)\n"
    assert (2, line) == (done.returncode, done.stderr)


def test_an_old_terminal_still_gets_the_report():
    """
    What an encoding cannot show is written as an escape, never an error.
    """
    code = (
        "import sys; sys.path.insert(0, 'tests/command'); import conftest; "
        "from types import SimpleNamespace; "
        "fake = SimpleNamespace(check=lambda *a, **k: conftest.condition_report()); "
        "sys.modules['checker.conditions'] = fake; "
        f"import deqaudit; sys.argv = ['deqaudit', 'check', '{THEOREM}', '--quiet']; deqaudit.main()"
    )

    done = _run(code=code, env={**os.environ, "PYTHONIOENCODING": "ascii"})

    assert (done.returncode, done.stdout, done.stderr) == (0, b"\\u2713 APPLIES (basis: proof)\n", b"")


def test_bytes_that_are_no_text_are_one_line():
    """
    An argument that is not UTF-8 is refused.
    """
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "deqaudit", "check", b"\xff"], capture_output=True, timeout=300, check=False,
        env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (2, b"deqaudit: the command line is not valid UTF-8\n")
