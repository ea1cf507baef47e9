"""What a large batch takes: in a process of its own, since its peak is measured."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """
import resource, sys, torch
from models.descent import Record, descend
from models.settings import Problem

torch.set_num_threads(1)
B, m, d, n, every, steps = 1000, 64, 10, 16, int(sys.argv[1]), int(sys.argv[2])
g = torch.Generator().manual_seed(0)
draw = lambda *shape: torch.randn(*shape, generator=g, dtype=torch.float64)
params = {"W": draw(B, m, m).mul_(0.4 / m**0.5), "U": draw(B, m, d) / d**0.5, "a": draw(B, m) / m**0.5}
problem = Problem("deq", X=draw(B, d, n), y=draw(B, n), activation="tanh", trains=("W", "U", "a"))
eta = torch.full((B,), 0.01, dtype=torch.float64)
found = descend(problem, params, eta, steps=steps, record=Record(every=every))
assert found.finished.all() and found.values["loss"].shape == (steps // every + 1, B)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, sum(v.nbytes for v in found.values.values()))
"""
"""Prints the peak in KiB, and the bytes of the recorded table."""

GIGABYTE = 10**9


def _measured(every: int, steps: int) -> tuple[int, int]:
    """The peak of the process and the size of its table, in bytes."""
    command = [sys.executable, "-c", PROGRAM, str(every), str(steps)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=3000)  # noqa: S603
    peak, table = done.stdout.split()
    return int(peak) * 1024, int(table)


def test_a_thousand_runs_leave_room_for_a_thousand_recorded_steps():
    """
    After three recorded steps the peak is below 1 GB by more than the tables of a thousand could take.

    A step allocates nothing that lasts but a row of the table. That is made whole for each chunk, and copied
    twice where chunks are joined.
    """
    peak, table = _measured(1, 2)

    assert peak + 3 * table * (1000 / 3) < GIGABYTE


@pytest.mark.study
@pytest.mark.timeout(3000)
def test_a_thousand_runs_of_a_thousand_recorded_steps_take_less_than_a_gigabyte():
    """
    The whole run, every step recorded.
    """
    peak, table = _measured(1, 1000)

    assert table > 1000 * 1000 * 8
    assert peak < GIGABYTE
