"""Sweeps in single precision help double precision along, and leave no trace in it."""

import numpy as np
import pytest
import torch

from models.activations import ACTIVATIONS
from models.core import picard
from models.descent import Record, descend
from models.settings import MODELS, Problem

ROWS = ("iterations", "sweeps", "adjoint_iterations", "adjoint_sweeps")


def _eta(runs: int) -> torch.Tensor:
    return 0.02 * (1 + torch.arange(runs, dtype=torch.float64) / runs)


def _only(problem, params, eta, rows):
    index = torch.as_tensor(rows)
    picked = Problem(
        problem.setting, problem.X[index], problem.y[index], problem.activation, problem.kink, problem.trains
    )
    return picked, {name: value[index] for name, value in params.items()}, eta[index]


@pytest.fixture(autouse=True)
def swept_from_32(monkeypatch):
    """Small networks are swept too."""
    monkeypatch.setattr(picard, "WIDE", 32)


@pytest.fixture
def wide_batch(deq_batch):
    """Six runs of width 48 that contract at very different rates; one hardly does."""

    def build(activation):
        problem, params = deq_batch(activation, runs=6, m=48, n=8, size=1 / ACTIVATIONS[activation].lipschitz)
        params["W"] *= torch.tensor([0.95, 0.5, 0.05, 0.8, 0.3, 1.0], dtype=torch.float64).view(-1, 1, 1)
        params["W"][5] = 0.9 / ACTIVATIONS[activation].lipschitz * torch.eye(48, dtype=torch.float64)
        kernel = MODELS["deq"].estimate(problem, params).value("NTK")
        return problem, params, 0.2 / torch.linalg.eigvalsh(kernel)[:, -1]

    return build


@pytest.mark.parametrize("kink", [0.0, 0.5])
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_sweeps_change_the_way_and_not_the_end(wide_batch, activation, kink, monkeypatch):
    """
    With them runs end where they end without, up to the tolerance, after fewer iterations in float64.
    """
    problem, params, eta = wide_batch(activation)
    problem = Problem("deq", problem.X, problem.y, activation, kink, problem.trains)
    options = {"tolerance": 1e-11, "record": Record(), "cap": 3000}
    with_them = descend(problem, params, eta, 12, **options)
    monkeypatch.setattr(picard, "WIDE", 10**9)
    without = descend(problem, params, eta, 12, **options)

    assert (without.values["sweeps"] == 0).all()
    assert (without.values["adjoint_sweeps"] == 0).all()
    assert with_them.values["adjoint_sweeps"].sum() > 0
    spent, plain = (t.values["iterations"] + t.values["adjoint_iterations"] for t in (with_them, without))
    assert spent.sum() < plain.sum() / 2
    assert (with_them.values["change"] <= 1e-11).all()
    for name, value in without.params.items():
        np.testing.assert_allclose(with_them.params[name], value, rtol=0, atol=1e-8)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_with_sweeps_a_run_has_the_same_bits_alone_and_in_a_batch(wide_batch, activation):
    """
    How often a run is swept, too, depends on nothing but itself.
    """
    problem, params, eta = wide_batch(activation)
    whole = descend(problem, params, eta, 10, record=Record())
    turned = descend(*_only(problem, params, eta, [3, 5, 0, 2, 4, 1]), 10, record=Record())

    assert whole.values["adjoint_sweeps"].max(0).min() < whole.values["adjoint_sweeps"].max()
    for place, run in enumerate([3, 5, 0, 2, 4, 1]):
        alone = descend(*_only(problem, params, eta, [run]), 10, record=Record())
        for name, value in alone.params.items():
            assert np.array_equal(value[0], whole.params[name][run]), name
            assert np.array_equal(value[0], turned.params[name][place]), name
        for name, value in alone.values.items():
            assert np.array_equal(value[:, 0], whole.values[name][:, run]), name
            assert np.array_equal(value[:, 0], turned.values[name][:, place]), name


@pytest.mark.parametrize("size", [1e3, 1e30, 1e60, 1e200])
def test_what_single_precision_cannot_hold_is_lost_or_solved_and_harms_nobody(deq_batch, size):
    """
    Weights beyond float32, too: the other runs keep their bits.
    """
    problem, params = deq_batch("relu", runs=3, m=40, n=8, size=0.8)
    wild = {name: value.clone() for name, value in params.items()}
    wild["W"][1] *= size
    found = descend(problem, wild, _eta(3) / 40, 4, record=Record(), unconverged="keep")
    others = descend(*_only(problem, params, _eta(3) / 40, [0, 2]), 4, record=Record())

    assert found.lost_at[1] >= 0 or (found.values["change"][:, 1] <= 1e-10).all()
    assert all(np.array_equal(found.params[k][[0, 2]], others.params[k]) for k in params)
    assert all(np.array_equal(found.values[k][:, [0, 2]], others.values[k]) for k in ROWS)


@pytest.mark.parametrize("size", [1e12, 1e30, 1e60])
def test_large_data_are_solved(deq_batch, size):
    """
    States far above what float32 holds are found as well.
    """
    problem, params = deq_batch("relu", runs=2, m=40, n=8, size=0.8)
    scaled = Problem("deq", problem.X * size, problem.y, "relu", 0.0, ("a",))
    found = descend(scaled, params, _eta(2) * 0, 1, tolerance=1e-10 * size, record=Record())

    plain = descend(
        Problem("deq", problem.X, problem.y, "relu", 0.0, ("a",)), params, _eta(2) * 0, 1, record=Record()
    )
    np.testing.assert_allclose(
        found.values["lambda_min"] / size / size, plain.values["lambda_min"], rtol=1e-6, atol=1e-9
    )
