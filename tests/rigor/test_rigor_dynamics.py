"""Trajectories in balls: they contain the exact one and stay narrow."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat
from rigor_instances import deq_instance, entries_contained, one_input, widest

from checker.dynamics import descend, picard, planned_precision
from checker.enclosure import matrix, to_arb
from checker.errors import NotEnclosed
from checker.settings import SETTINGS, Instance

DEQ, LEAST_SQUARES = SETTINGS["deq"], SETTINGS["least-squares"]


def linear_instance(d: int, n: int, seed: int = 0) -> Instance:
    """Least squares on small integers over 8."""
    rng = np.random.default_rng(seed)
    return Instance(
        sizes={"n": n, "d": d, "m": d},
        X=matrix(rng.integers(-8, 9, (d, n)) / 8),
        y=matrix(rng.integers(-8, 9, n) / 8),
        params={"w": matrix(rng.integers(-8, 9, d) / 8)},
        trains=("w",),
    )


def test_least_squares_contains_the_rational_trajectory() -> None:
    """
    Thirty steps in balls contain the same steps in exact rationals, and stay narrow.
    """
    instance, eta = linear_instance(4, 3), fmpq(1, 50)
    X = fmpq_mat(4, 3, [e.fmpq() for e in instance.X.entries()])
    y = fmpq_mat(3, 1, [e.fmpq() for e in instance.y.entries()])
    w = fmpq_mat(4, 1, [e.fmpq() for e in instance.params["w"].entries()])

    with ctx.workprec(160):
        states = list(descend(LEAST_SQUARES, instance, eta, 30))

    assert len(states) == 31
    for state in states:
        with ctx.workprec(4000):
            assert entries_contained(arb_mat(w), state.instance.params["w"])
        assert widest(state.instance.params["w"]) < 1e-35
        w = w - X * (X.transpose() * w - y) * eta


@pytest.mark.parametrize("name", ["relu", "tanh", "abs"])
def test_more_precision_gives_the_same_trajectory(name: str) -> None:
    """
    The trajectory at 300 bits lies in the balls of the one at the planned precision.
    """
    instance, steps = deq_instance(4, 2, 3, name, seed=2), 20
    runs: list[list[arb_mat]] = []
    for bits in (planned_precision(steps), 300):
        with ctx.workprec(bits):
            runs.append([s.instance.params["W"] for s in descend(DEQ, instance, arb(1) / 20, steps)])

    for coarse, fine in zip(*runs, strict=True):
        assert coarse.overlaps(fine)
        assert widest(coarse) < 1e-12
        assert widest(fine) < 1e-60


@pytest.mark.parametrize(("name", "m"), [("relu", 8), ("relu", 30), ("tanh", 12)])
def test_the_planned_precision_outlasts_the_trajectory(name: str, m: int) -> None:
    """
    Radii grow by less than the two and a half bits a step that are planned for.
    """
    steps = 20
    with ctx.workprec(planned_precision(steps)):
        states = list(descend(DEQ, deq_instance(m, 3, 4, name, seed=3), arb(1) / 20, steps))

        lost = widest(states[-1].instance.params["W"]) * 2.0 ** planned_precision(steps)

        assert steps + 1 == len(states)
        assert lost < 2.0 ** (2.5 * steps)
        assert states[-1].kink_open == ()


def test_one_step_is_the_definition() -> None:
    """
    After one step every trained parameter has moved by minus eta times its gradient; others stay.
    """
    instance = replace(deq_instance(3, 2, 2, "softplus"), trains=("W", "a"))
    with ctx.workprec(128):
        first, second = descend(DEQ, instance, fmpq(1, 7), 1)

        for name, gradient in first.gradients().items():
            expected = instance.params[name] - gradient * (arb(1) / 7)
            assert expected.overlaps(second.instance.params[name])
        assert instance.params["U"] == second.instance.params["U"]
        assert to_arb(second.value("loss")) < to_arb(first.value("loss"))


def test_a_dead_row_stays_exact_with_the_convention_at_the_kink() -> None:
    """
    A neuron at an exact kink with phi' = 0 there keeps the trajectory as narrow as any other.
    """
    instance = deq_instance(4, 2, 3, "relu", seed=1)
    params = dict(instance.params)
    for key in ("W", "U"):
        rows = params[key].tolist()
        rows[0] = [arb(0)] * len(rows[0])
        params[key] = arb_mat(rows)
    with ctx.workprec(200):
        states = list(descend(DEQ, replace(instance, params=params), arb(1) / 20, 15))

    assert len(states) == 16
    assert widest(states[-1].instance.params["W"]) < 1e-40


def test_a_trajectory_stops_where_it_is_not_determined() -> None:
    """
    Without a certified equilibrium there is one state, whose parameters are known and whose T is not.
    """
    instance = one_input([[1.01]], [1.0], "relu").instance

    states = list(descend(DEQ, instance, fmpq(1, 10), 5))

    assert len(states) == 1
    assert instance.params["W"] == states[0].value("W")
    with pytest.raises(NotEnclosed):
        states[0].value("T")


def test_picard_starts_at_zero_and_contracts() -> None:
    """
    The iterates start at 0, each is the image of the one before, and their gaps shrink by q = L|W|_2.
    """
    instance = deq_instance(5, 3, 4, "tanh", norm=0.5)
    with ctx.workprec(planned_precision(25)):
        states = list(picard(DEQ, instance, 25))
        limit = DEQ.enclose(instance).value("T")

        gaps = [to_arb(state.value("gap")) for state in states]

        assert len(states) == 26
        assert all(entry.is_zero() for entry in states[0].value("T").entries())
        assert to_arb(DEQ.enclose(instance).value("gap")).overlaps(gaps[0])
        for before, after in pairwise(gaps):
            assert after <= arb("0.5000001") * before
        last = states[-1].value("T")
        assert isinstance(last, arb_mat)
        assert isinstance(limit, arb_mat)
        assert all(abs(x - t) < 1e-7 for x, t in zip(last.entries(), limit.entries(), strict=True))
        assert states[3].value("well_posed") == 1


def test_picard_names_are_those_of_the_iterate() -> None:
    """
    yhat, loss, G and preactivation come from the iterate, not from the equilibrium.
    """
    instance = deq_instance(3, 2, 2, "relu", seed=4)
    with ctx.workprec(128):
        state = list(picard(DEQ, instance, 2))[1]
        T = state.value("T")
        assert isinstance(T, arb_mat)

        expected = instance.params["W"] * T + instance.params["U"] * instance.X

        assert expected.overlaps(state.value("preactivation"))
        assert (T.transpose() * instance.params["a"]).overlaps(state.value("yhat"))
        assert (T.transpose() * T).overlaps(state.value("G"))
        source = instance.params["U"] * instance.X
        assert T.overlaps(arb_mat(3, 2, [x if x > 0 else arb(0) for x in source.entries()]))


def test_picard_needs_an_equilibrium_model() -> None:
    """
    Least squares has no equilibrium iteration.
    """
    with pytest.raises(KeyError):
        next(picard(LEAST_SQUARES, linear_instance(2, 2), 1))


@pytest.mark.parametrize(("steps", "bits"), [(0, 128), (10, 128), (200, 564), (201, 567)])
def test_precision_grows_with_the_steps(steps: int, bits: int) -> None:
    """
    At least 128 bits, and 2.5 bits a step on top of 64.
    """
    assert bits == planned_precision(steps)
