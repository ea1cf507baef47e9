"""The sweeps of an audit, made in a process of their own while runs are judged here.

What a sweep finds follows from its job alone, so that it makes no difference where it is made. The process is
this file: it reads pickles of its parent, and of nobody else, from its standard input.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import torch

from checker.clock import Clock
from checker.completing import Assessed
from checker.families import generator
from checker.request import Request
from checker.sweep import Lot, lot, sweep
from checker.theorem import Theorem

BESIDE = True
"""May sweeps be made in a process of their own?"""

_WORTH: Final = 20.0
"""Seconds of a budget from which on a second process, which takes a few to start, is worth its while."""

_ONE_SWEEP: Final = 4.0  # seconds that a sweep may take here


@dataclass(frozen=True)
class Setup:
    """What all sweeps of an audit have in common; `device` as torch writes it."""

    theorem: Theorem
    request: Request
    steps: int
    device: str


@dataclass(frozen=True)
class Job:
    """A sweep near what a search `found` in the shape `index`: `count` neighbours, drawn for `turn`."""

    turn: int
    index: int
    count: int
    found: tuple[Assessed, ...]


def made(setup: Setup, job: Job) -> Lot | None:
    """The sweep itself."""
    rng = generator(setup.request.seed, "sweep", job.turn, job.index)
    ran, run_steps = sweep(
        setup.theorem, setup.request, job.found, rng,
        steps=setup.steps, count=job.count, device=torch.device(setup.device),
    )  # fmt: skip
    return lot(setup.theorem, ran, run_steps)


class Sweeper:
    """Takes jobs, and gives their lots."""

    def __init__(self, setup: Setup, *, beside: bool) -> None:
        self._setup = setup
        self._beside = beside
        self._jobs: list[tuple[Job, Future[Lot | None] | None]] = []
        self._thread = ThreadPoolExecutor(1)
        self._process: subprocess.Popen[bytes] | None = None

    def submit(self, job: Job) -> None:
        """Begin a sweep once those before it are done; without a process it is made when it is asked for."""
        if self._beside and self._process is None:
            self._process = _started()
            self._thread.submit(_put, self._process, self._setup)
        answer = None if self._process is None else self._thread.submit(_answer, self._process, job)
        self._jobs.append((job, answer))

    def lots(self, clock: Clock, what: str) -> Iterator[tuple[Job, Lot | None]]:
        """The jobs with their lots, by turn and index, but for those that the clock cuts: `what`.

        A lot is None where no run satisfied the hypotheses.
        """
        for job, answer in sorted(self._jobs, key=lambda pair: (pair[0].turn, pair[0].index)):
            if answer is None:
                if clock.cuts(what, needs=_ONE_SWEEP):
                    return
                yield job, made(self._setup, job)
                continue
            left = clock.left()
            try:
                found = answer.result(None if left == float("inf") else max(left, 0.0))
            except TooLate:
                clock.cuts(what, needs=float("inf"))
                continue
            except (OSError, EOFError, pickle.UnpicklingError):  # the process is gone: make it here
                found = made(self._setup, job)
            yield job, found

    def stop(self) -> None:
        """End the process and what waits for it."""
        if self._process is not None:
            self._process.kill()
        self._thread.shutdown(cancel_futures=True)
        if self._process is not None:
            self._process.communicate()


def _started() -> "subprocess.Popen[bytes]":
    """This module as a process, which finds the modules that are found here."""
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    return subprocess.Popen(  # noqa: S603  # our own module, no shell, no user text
        [sys.executable, "-P", "-m", __spec__.name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
    )


def _put(process: "subprocess.Popen[bytes]", what: Setup | Job) -> None:
    if process.stdin is None:
        raise EOFError
    pickle.dump(what, process.stdin)
    process.stdin.flush()


def _answer(process: "subprocess.Popen[bytes]", job: Job) -> Lot | None:
    """What the process answers; EOFError or OSError where it is gone."""
    _put(process, job)
    if process.stdout is None:
        raise EOFError
    answer: Lot | None = pickle.load(process.stdout)  # noqa: S301  # of our own process
    return answer


@contextmanager
def sweeper(setup: Setup, clock: Clock) -> Generator[Sweeper]:
    """A sweeper; it has a process of its own where there are a core and the time for one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    found = Sweeper(setup, beside=BESIDE and cores > 1 and not 0 < clock.left() < _WORTH)
    try:
        yield found
    finally:
        found.stop()


def _serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer jobs until there are no more."""
    torch.set_num_threads(1)
    setup: Setup = pickle.load(questions)  # noqa: S301  # of the process that started this one
    while True:
        try:
            job: Job = pickle.load(questions)  # noqa: S301  # the same
        except EOFError:
            return
        pickle.dump(made(setup, job), answers)
        answers.flush()


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
