"""The property suite's evidence and its guard, in sessions of their own."""

import subprocess
import sys
from os import environ
from pathlib import Path

import pytest

from properties.evidence import Tally, collected, excess, recording, table, trial

ROOT = Path(__file__).parent.parent.parent

SUITE = """
import pytest
from properties.evidence import trial

def cases(title, decided, undecided, rejected=0):
    for status, count in (("decided", decided), ("undecided", undecided), ("rejected", rejected)):
        for k in range(count):
            with trial(title) as case:
                case.margin(1.5 - k / 8, f"case {k}")
                if status != "decided":
                    getattr(case, status)()

@pytest.mark.undecided(at_most=0.25)
def test_within():
    cases("beta", 3, 1)

@pytest.mark.undecided(at_most=0.25)
def test_beyond():
    cases("alpha", 2, 1, 1)

def test_without_a_declared_share():
    cases("gamma", 9, 1)

def test_without_evidence():
    pass

def test_failing():
    with trial("beta"):
        assert False
"""


def _session(folder: Path, *options: str) -> str:
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    undecided(at_most): the share tolerated\n")
    (folder / "test_suite.py").write_text(SUITE)
    done = subprocess.run(  # noqa: S603 - pytest itself, on the file above
        [sys.executable, "-m", "pytest", "-p", "properties.plugin", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env={**environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def _evidence(output: str) -> list[str]:
    lines = output.splitlines()
    first = next(k for k, line in enumerate(lines) if " evidence " in line)
    rows = [
        line for line in lines[first + 1 :] if line.split("  ")[0] in {"property", "alpha", "beta", "gamma"}
    ]
    return [" ".join(line.split()) for line in rows]


EXPECTED = [
    "property tried decided undecided rejected failed worst margin where",
    "alpha 4 2 1 1 0 1.38 case 1",
    "beta 5 3 1 0 1 1.25 case 2",
    "gamma 10 9 1 0 0 0.5 case 8",
]


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_evidence_is_summed_up_with_and_without_workers(tmp_path: Path, workers: tuple[str, ...]) -> None:
    """
    The summary names every property in order, whatever the number of processes.
    """
    output = _session(tmp_path, *workers)

    assert _evidence(output) == EXPECTED


def test_the_guard_fails_a_property_that_shows_too_little(tmp_path: Path) -> None:
    """
    A share of open cases above the declared one fails the test with one line that names the counts.
    """
    output = _session(tmp_path)

    assert "3 failed, 2 passed" in output
    assert (
        "alpha: 2 of 4 cases were undecided (1) or rejected (1), more than the declared share 0.25" in output
    )
    assert "gamma: 1 of 10 cases were undecided (1) or rejected (0), more than the declared share 0" in output


def test_a_share_at_its_bound_is_tolerated() -> None:
    """
    Only a share above the declared one is complained about.
    """
    tally = Tally(tried=4, decided=3, undecided=1)

    assert excess({"x": tally}, 0.25) == ""
    assert excess({"x": tally}, 0.24) != ""


def test_other_exceptions_count_no_case() -> None:
    """
    An error that is no failed assertion says nothing of the property and is not counted.
    """
    with recording() as recorder, pytest.raises(KeyError), trial("x"):
        raise KeyError("a bug")

    assert recorder.tallies == {}


def test_trials_outside_a_recorded_test_count_nowhere() -> None:
    """
    A property's body may be called on its own.
    """
    with trial("x") as case:
        case.margin(None)

    assert case.status == "decided"


def test_nothing_collected_gives_an_empty_summary() -> None:
    """
    Without evidence there is a heading and no row.
    """
    assert len(table(collected([]))) == 1
