"""Sweeps in a process of their own: the same as here, and none is lost with the process."""

import pickle
from dataclasses import replace

import pytest
import torch

from checker import sweeping
from checker.clock import Clock
from checker.families import generator
from checker.reading import load
from checker.request import read_request
from checker.search import Effort, evolve
from checker.sweeping import Job, Setup, made, sweeper


@pytest.fixture(autouse=True)
def _beside(monkeypatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(sweeping, "BESIDE", True)


@pytest.fixture(scope="module")
def work() -> tuple[Setup, list[Job]]:
    """Three small sweeps of one shape."""
    theorem = load("deq-gd")
    request = read_request(theorem, {}, 1)
    sizes = {"n": 2, "d": 2, "m": 3}
    found = evolve(theorem, request, sizes, "tanh", generator(1, "test"), steps=5, effort=Effort(16, 2))
    job = Job(0, 3, 30, tuple(found))
    return Setup(theorem, request, 30, "cpu"), [job, replace(job, index=1), replace(job, turn=1)]


def _told(lots):
    return [
        (job.turn, job.index, lot.shape, lot.runs, lot.run_steps, lot.suspects, lot.closest.conclusion)
        for job, lot in lots
    ]


def test_a_process_gives_the_same_lots_by_turn_and_index(work) -> None:
    """
    Wherever they are made and however they were ordered; afterwards the process has ended.
    """
    setup, jobs = work
    with sweeper(setup, Clock(0)) as beside:
        if beside._process is None and not beside._beside:
            pytest.skip("there is one core")
        for job in jobs:
            beside.submit(job)
        process = beside._process
        found = _told(beside.lots(Clock(0), "sweeps"))

    here = [(job, made(setup, job)) for job in (jobs[1], jobs[0], jobs[2])]
    assert process is not None
    assert process.poll() is not None
    assert found == _told(here)
    assert len({row[3:] for row in found}) == 3


def test_what_a_lost_process_leaves_is_made_here(work) -> None:
    """
    A process that dies, or cannot start, loses no sweep.
    """
    setup, jobs = work
    beside = sweeping.Sweeper(setup, beside=True)
    try:
        beside.submit(jobs[0])
        assert beside._process is not None
        beside._process.kill()
        beside.submit(jobs[1])
        found = _told(beside.lots(Clock(0), "sweeps"))
    finally:
        beside.stop()

    assert found == _told((job, made(setup, job)) for job in (jobs[1], jobs[0]))


@pytest.mark.parametrize("beside", [False, True])
def test_the_clock_cuts_sweeps_and_says_so(work, beside) -> None:
    """
    Without time left nothing is waited for or begun, and the cut goes on record.
    """
    setup, jobs = work
    made_here = sweeping.Sweeper(setup, beside=beside)
    clock = Clock(1e-9)
    try:
        made_here.submit(jobs[0])
        assert list(made_here.lots(clock, "sweeps")) == []
    finally:
        made_here.stop()

    assert clock.not_done == ["cut by the budget: sweeps"]


def test_a_pickled_tree_leaves_its_hash_behind(work) -> None:
    """
    Hashes of texts differ from process to process; equal trees must be equal keys in each.
    """
    node = work[0].theorem.hypotheses[0].claim.parts[0].left
    hash(node)
    copied = pickle.loads(pickle.dumps(node))  # noqa: S301  # what was pickled in this line

    assert "_hash" in vars(node)
    assert "_hash" not in vars(copied)
    assert (copied, hash(copied)) == (node, hash(node))
