"""Runs per second of CPU time in an audit of `deq-gd`: in the search, and where they are judged.

`search` is run-steps a second of a sweep as an audit makes it: neighbours of what a short search found,
parameters chosen, runs simulated to step 40, an eighth of them to step 200, every conclusion estimated.
`stepwise` is that of the same candidates where parameters are chosen from scratch and every equilibrium is
solved to rounding level, step by step, in batches of 32 and to step 40, as before there were sweeps.
`times` is their quotient, for run-steps and for runs (`times_runs`). `judged` is steps a second of a run in
balls, `planned` the same at the number of bits that suffices in nearly every case, `times_judged` their
quotient.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import process_time
from typing import TypeVar

from checker import simulating
from checker.campaign_record import certified
from checker.completing import Assessed, complete, strip
from checker.dynamics import planned_precision
from checker.families import generator
from checker.reading import load
from checker.request import Request, read_request
from checker.runs import run
from checker.search import evolve
from checker.simulating import simulate
from checker.sweep import counts, sweep
from checker.theorem import Theorem
from tests.benchmarks.workload import one_thread
from tests.models.stepwise_descent import stepwise_descent

Found = TypeVar("Found")

STEPS, BATCH, SHORT = 200, 32, 40
UNITS = (
    ({"n": 1, "d": 1, "m": 1}, "relu"),
    ({"n": 2, "d": 2, "m": 3}, "tanh"),
    ({"n": 2, "d": 3, "m": 4}, "sigmoid"),
    ({"n": 3, "d": 4, "m": 6}, "abs"),
)


@dataclass(frozen=True)
class Row:
    """One shape; rates are per second of CPU time."""

    shape: str
    phi: str
    runs: int
    search: int
    stepwise: int
    times: float
    times_runs: float
    judged: float
    planned: float
    times_judged: float


def rows(*, quick: bool = False) -> list[Row]:
    """One row a shape."""
    with one_thread():
        return [measured(sizes, phi) for sizes, phi in (UNITS[1:2] if quick else UNITS)]


def measured(sizes: dict[str, int], activation: str) -> Row:
    """A sweep, the same as it was made before, and one judged run."""
    theorem = load("deq-gd")
    request = read_request(theorem, {}, 1)
    found = evolve(theorem, request, sizes, activation, generator(1, "audits"), steps=SHORT)
    count = counts([units for units, _ in UNITS], STEPS)[[units for units, _ in UNITS].index(sizes)]
    (ran, run_steps), fast = timed(
        lambda: sweep(theorem, request, found, generator(1, "sweep"), steps=STEPS, count=count)
    )
    few = [a for a in ran if a.hypotheses >= 0][: 2 * BATCH]
    with stepwise():
        slow = timed(lambda: before(theorem, request, few))[1]
    configuration = next(a.configuration for a in ran if certified(theorem, a.configuration) is not None)
    short, first = timed(lambda: run(theorem, configuration, STEPS))
    _, planned = timed(lambda: run(theorem, configuration, STEPS, precision=planned_precision(STEPS)))
    search_rate, slow_rate = run_steps / fast, len(few) * SHORT / slow
    return Row(
        "x".join(str(size) for size in sizes.values()), activation, len(ran), round(search_rate),
        round(slow_rate), search_rate / slow_rate, (len(ran) / fast) / (len(few) / slow),
        (short.steps + 1) / first, (short.steps + 1) / planned, planned / first,
    )  # fmt: skip


def before(theorem: Theorem, request: Request, assessed: Sequence[Assessed]) -> None:
    """The same candidates in small batches, from scratch, step by step."""
    for at in range(0, len(assessed), BATCH):
        candidates = [strip(theorem, request, a.configuration) for a in assessed[at : at + BATCH]]
        chosen = complete(theorem, candidates, generator(1, "before"))
        simulate(theorem, chosen, SHORT)


@contextmanager
def stepwise() -> Generator[None]:
    """The search follows gradient descent step by step, for a while."""
    usual = simulating.gradient_descent
    simulating.gradient_descent = stepwise_descent
    try:
        yield
    finally:
        simulating.gradient_descent = usual


def timed(work: Callable[[], Found]) -> tuple[Found, float]:
    """What the work gives, and its seconds of CPU time."""
    begin = process_time()
    out = work()
    return out, process_time() - begin
