"""Sweeps: many float64 runs near what a search found, and what the audit says of them."""

from pathlib import Path

import pytest
import torch

from checker.families import generator
from checker.reading import load
from checker.request import read_request
from checker.search import Effort, evolve
from checker.sweep import GLANCE, Sweep, counts, lot, sweep

TWIN = Path(__file__).parent.parent / "power" / "twins" / "deq-gd-twin-rate.theorem.toml"
SIZES = {"n": 2, "d": 2, "m": 3}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def _swept(name: str):
    theorem = load(name)
    request = read_request(theorem, {}, 1)
    found = evolve(theorem, request, SIZES, "tanh", generator(1, "test"), steps=5, effort=Effort(16, 2))
    return sweep(theorem, request, found, generator(1, "sweep"), steps=30, count=60)


def _work(runs: int, steps: int) -> int:
    """Steps of a sweep: a glance at every run, and an eighth of them in full."""
    return GLANCE * runs + steps * -(-runs // 8)


def test_a_sweep_repeated_is_the_same_sweep() -> None:
    """
    The same seed gives the same runs, margins and steps.
    """
    (first, steps), (second, again) = _swept("deq-gd"), _swept("deq-gd")

    told = [[(a.hypotheses, a.conclusion, a.name, a.step) for a in found] for found in (first, second)]
    assert len(first) >= 20
    assert told[0] == told[1]
    assert steps == again == _work(len(first), 30)


def test_runs_of_a_sweep_satisfy_the_hypotheses_and_none_looks_violated() -> None:
    """
    Only what seems to satisfy the hypotheses is run, the closest first.
    """
    found, _ = _swept("deq-gd")

    assert all(a.hypotheses >= 0 for a in found)
    assert [a.conclusion for a in found] == sorted(a.conclusion for a in found)
    assert found[0].conclusion >= -1e-12


def test_a_sweep_of_a_false_theorem_suspects_it() -> None:
    """
    A twin whose rate is too fast looks violated in some run, which is counted and named.
    """
    (found, steps), told = _swept(str(TWIN)), Sweep()

    told.add(lot(load(str(TWIN)), found, steps))

    record = told.record()
    assert record is not None
    assert record.suspects > 0
    assert (record.runs, record.run_steps) == (len(found), _work(len(found), 30))
    assert (record.shapes, record.activations) == (("n=2, d=2, m=3",), ("tanh",))


def test_the_most_suspicious_runs_are_followed_to_the_end() -> None:
    """
    All are run for a glance, and an eighth of them in full.
    """
    theorem = load("deq-gd")
    request = read_request(theorem, {}, 1)
    found = evolve(theorem, request, SIZES, "tanh", generator(1, "test"), steps=5, effort=Effort(16, 2))

    ran, steps = sweep(theorem, request, found, generator(1, "sweep"), steps=GLANCE + 20, count=60)

    assert len(ran) >= 20
    assert steps == _work(len(ran), GLANCE + 20) < (GLANCE + 20) * len(ran)


def test_large_shapes_get_few_runs_and_every_shape_gets_one() -> None:
    """
    The work of a shape is bounded, however few shapes there are.
    """
    small, large = {"n": 1, "m": 1}, {"n": 100, "m": 1000}

    assert counts([small, large], 200)[0] > 1000
    assert counts([large], 200) == [1]
    assert Sweep().record() is None
