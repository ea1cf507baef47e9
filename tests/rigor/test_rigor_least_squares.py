"""Least squares: its names, and the exact infimum of its loss."""

from dataclasses import replace

import numpy as np
import pytest
from flint import arb, arb_mat, ctx, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.enclosure import add_radius, matrix, to_arb
from checker.errors import NotEnclosed
from checker.settings import SETTINGS, Instance
from checker.settings.projection import least_loss
from checker.verdict import Verdict

LEAST_SQUARES = SETTINGS["least-squares"]


def instance_of(X: np.ndarray, y: np.ndarray, w: np.ndarray) -> Instance:
    """A linear model with exact float64 data."""
    d, n = X.shape
    return Instance({"n": n, "d": d, "m": d}, matrix(X), matrix(y), {"w": matrix(w)}, trains=("w",))


def test_names_are_what_they_say() -> None:
    """
    yhat, loss, residual, gradient, G and NTK of a small integer model are the numbers on paper.
    """
    X, y, w = np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([1.0, 1.0]), np.array([3.0, -1.0])

    state = LEAST_SQUARES.enclose(instance_of(X, y, w))

    assert state.value("yhat").tolist() == [[3], [5]]
    assert state.value("loss") == 10
    assert to_arb(state.value("residual")).overlaps(arb(20).sqrt())
    assert state.value("grad_w").tolist() == [[10], [4]]
    assert [[1, 2], [2, 5]] == state.value("G").tolist() == state.value("NTK").tolist()
    assert fmpq(0) == state.value("loss_star")
    assert fmpq(2) == state.value("m")
    assert Verdict.HOLDS is state.well_posed()[0]
    assert state.call("predict", matrix(np.array([1.0, 4.0]))) == -1
    with pytest.raises(KeyError):
        state.call("equilibrium", matrix(np.array([1.0, 4.0])))


def test_frozen_weights_have_no_gradient_and_their_own_floor() -> None:
    """
    Where w is not trained the tangent kernel is 0 and loss_star is the loss.
    """
    state = LEAST_SQUARES.enclose(replace(instance_of(np.eye(2), np.ones(2), np.zeros(2)), trains=()))

    assert state.gradients() == {}
    assert state.value("loss_star") == 1
    assert state.value("grad_norm") == 0
    assert state.value("NTK").tolist() == [[0, 0], [0, 0]]


@settings(deadline=None)
@given(
    d=st.integers(1, 4),
    n=st.integers(1, 5),
    seed=st.integers(0, 10**6),
)
def test_the_floor_is_the_projection(d: int, n: int, seed: int) -> None:
    """
    loss_star of small integers, of any rank, is rational and agrees with float64 least squares.
    """
    rng = np.random.default_rng(seed)
    X, y = rng.integers(-2, 3, (d, n)).astype(float), rng.integers(-3, 4, n).astype(float)
    best = np.linalg.lstsq(X.T, y, rcond=None)[0]
    expected = float(((X.T @ best - y) ** 2).sum() / 2)

    with ctx.workprec(128):
        floor = least_loss(matrix(X), matrix(y))

    assert isinstance(floor, fmpq)
    assert abs(float(to_arb(floor).mid()) - expected) < 1e-10


def test_inexact_data_has_an_enclosed_floor() -> None:
    """
    With more samples than features and data in balls, the floor is enclosed by elimination.
    """
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((3, 6)), matrix(rng.standard_normal(6))
    with ctx.workprec(128):
        balls = add_radius(matrix(X), [arb(1e-20)] * 6)

        floor = to_arb(least_loss(balls, y))

        assert floor.overlaps(to_arb(least_loss(matrix(X), y)))
        assert floor.rad() < 1e-17


def test_an_open_rank_is_refused() -> None:
    """
    Balls that hold matrices of several ranks leave the floor open.
    """
    balls = add_radius(arb_mat(3, 3), [arb(1e-3)] * 3)

    with pytest.raises(NotEnclosed):
        least_loss(balls, matrix(np.ones(3)))
