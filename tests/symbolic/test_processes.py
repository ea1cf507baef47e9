"""Solver processes keep their limits: a slow, dead or greedy one costs an answer, never the program."""

import time

import pytest

from checker.processes import SolverProcess, solver_pair

EASY = "(set-logic QF_NRA)\n(declare-fun x () Real)\n(assert (= (* 2.0 x) 3.0))\n"
HARD = (
    "(set-logic QF_NRA)\n"
    + "".join(f"(declare-fun {name} () Real)\n" for name in "abcdwxyz")
    + "(assert (> (* (+ (* a x) (* b y) (* c z) (* d w)) (+ (* a x) (* b y) (* c z) (* d w)))"
    + " (* (+ (* a a) (* b b) (* c c) (* d d)) (+ (* x x) (* y y) (* z z) (* w w)))))\n"
)


@pytest.fixture(params=["z3", "cvc5"])
def solver(request: pytest.FixtureRequest):
    process = SolverProcess(request.param)
    yield process
    process.stop()


def test_an_exact_model_comes_back(solver: SolverProcess) -> None:
    """
    2x = 3 is satisfied at exactly 3/2.
    """
    solver.send(EASY, time.monotonic() + 10)

    answer = solver.receive(time.monotonic() + 10)

    assert answer.status == "sat"
    lower, upper = answer.model["x"]
    assert lower == upper
    assert 2 * lower == 3


def test_a_slow_solver_is_killed_and_comes_back(solver: SolverProcess) -> None:
    """
    A question without an answer in time ends the process; the next question starts a new one.
    """
    solver.send(HARD, time.monotonic() + 3600)

    begun = time.monotonic()
    late = solver.receive(time.monotonic() + 0.3)
    waited = time.monotonic() - begun
    solver.send(EASY, time.monotonic() + 10)
    next_answer = solver.receive(time.monotonic() + 10)

    assert late.status == "none"
    assert waited < 3
    assert next_answer.status == "sat"


def test_a_script_that_cannot_be_read_is_an_open_question(solver: SolverProcess) -> None:
    """
    A parse error comes back as unknown with the solver's message.
    """
    solver.send("(assert (= x", time.monotonic() + 10)

    answer = solver.receive(time.monotonic() + 10)

    assert answer.status == "unknown"
    assert answer.note


@pytest.mark.parametrize("name", ["z3", "cvc5"])
def test_a_solver_without_memory_gives_no_answer(name: str) -> None:
    """
    Under a memory limit too small to load the library there is no answer, and no exception.
    """
    starved = SolverProcess(name, megabytes=40)

    starved.send(EASY, time.monotonic() + 5)
    answer = starved.receive(time.monotonic() + 5)
    starved.stop()

    assert answer.status == "none"


def test_both_are_asked_and_z3_answers_first() -> None:
    """
    The order of answers is fixed, and an abandoned question leaves the pair usable.
    """
    with solver_pair() as pair:
        deadline = time.monotonic() + 10
        both = [answer.solver for answer in pair.ask(EASY, deadline)]
        first = next(iter(pair.ask(EASY, deadline))).solver
        again = [answer.status for answer in pair.ask(EASY, deadline)]

    assert both == ["z3", "cvc5"]
    assert first == "z3"
    assert again == ["sat", "sat"]
