"""Gradient flow on the core's solver: right within its estimate, run by run, and honest where it ends."""

import numpy as np
import pytest
import torch

from models.flow import gradient_flow
from models.runge_kutta import STEPS, WINDOW, integrate
from models.settings import MODELS, Problem

TIMES = [0.0, 0.125, 0.5]


def _skip_batch(runs=3, m=6, d=4, n=5, trains=("A", "W", "u", "v")):
    generator = torch.Generator().manual_seed(3)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    A = draw(runs, m, m)
    gamma = 0.5 * m**0.5 / torch.linalg.matrix_norm(A, ord=2)
    params = {"A": A, "W": draw(runs, m, d), "u": draw(runs, m), "v": draw(runs, m), "gamma": gamma}
    return Problem("implicit-skip", draw(runs, d, n), draw(runs, n), "relu", 0.0, trains), params


def _picked(problem, params, rows):
    chosen = Problem(
        problem.setting, problem.X[rows], problem.y[rows], problem.activation, problem.kink, problem.trains
    )
    return chosen, {name: value[rows] for name, value in params.items()}


def _distance(flow, other, k=-1):
    parts = [(flow.params[k][p] - other.params[k][p]).flatten(1) for p in flow.params[k]]
    return torch.linalg.vector_norm(torch.cat([part for part in parts if part.ndim == 2], 1), dim=1)


@pytest.mark.parametrize("activation", ["tanh", "gelu", "elu"])
def test_the_error_estimate_covers_what_a_finer_integration_changes(deq_batch, activation):
    """
    At every time the distance to a run with a thousandth of the tolerance is below the estimate.
    """
    problem, params = deq_batch(activation, runs=2, m=3, n=2)

    flow = gradient_flow(problem, params, TIMES, rtol=1e-5, atol=1e-8)
    finer = gradient_flow(problem, params, TIMES, rtol=1e-8, atol=1e-11)

    for k in range(len(TIMES)):
        assert (_distance(flow, finer, k) <= flow.error[k]).all()
        assert ((flow.path[k] - finer.path[k]).abs() <= flow.path_error[k]).all()
    assert (flow.error[1:] < 1e-3).all()
    assert (flow.error[0] == 0).all()


def test_equilibria_that_are_solved_badly_show_in_the_error_estimate(deq_batch, monkeypatch):
    """
    The solver's tolerance is part of the estimate: a loose one makes it large.
    """
    problem, params = deq_batch("tanh", runs=2, m=3, n=2, size=0.9)
    finer = gradient_flow(problem, params, TIMES, rtol=1e-10, atol=1e-13)
    monkeypatch.setattr("models.flow._SOLVED", 1e2)

    flow = gradient_flow(problem, params, TIMES, rtol=1e-7, atol=1e-9)

    assert (_distance(flow, finer) <= flow.error[-1]).all()
    assert (flow.error[-1] > 1e-7).all()


@pytest.mark.parametrize("trains", [("W", "U", "a"), ("W",), ("a", "U")])
def test_a_run_has_the_same_bits_alone_and_in_any_order(deq_batch, trains):
    """
    Neither the company nor the order changes a bit of the parameters, paths or errors.
    """
    problem, params = deq_batch("tanh", runs=3, n=3, trains=trains)
    scale = torch.tensor([1.0, 0.25, 2.0], dtype=torch.float64)
    order, accuracy = [2, 0, 1], {"rtol": 1e-6, "atol": 1e-9}

    whole = gradient_flow(problem, params, TIMES, scale=scale, **accuracy)
    shuffled = gradient_flow(*_picked(problem, params, order), TIMES, scale=scale[order], **accuracy)

    for place, run in enumerate(order):
        alone = gradient_flow(*_picked(problem, params, [run]), TIMES, scale=scale[[run]], **accuracy)
        for k in range(len(TIMES)):
            for name in params:
                assert torch.equal(whole.params[k][name][run], alone.params[k][name][0])
                assert torch.equal(whole.params[k][name][run], shuffled.params[k][name][place])
        assert torch.equal(whole.path[:, run], alone.path[:, 0])
        assert torch.equal(whole.error[:, run], shuffled.error[:, place])


@pytest.mark.parametrize("trains", [("A", "W", "u", "v"), ("u", "v"), ("A",)])
def test_the_other_setting_flows_down_its_loss(trains):
    """
    Along the flow of implicit-skip the loss falls by the integral of the squared gradient norm.
    """
    problem, params = _skip_batch(trains=trains)
    times = np.linspace(0, 0.02, 9)

    flow = gradient_flow(problem, params, times.tolist(), rtol=1e-6, atol=1e-9)

    losses = torch.stack([state.value("loss") for state in flow.estimates]).numpy()
    squares = torch.stack([state.value("grad_norm") ** 2 for state in flow.estimates]).numpy()
    weights = np.array([1, 4, 2, 4, 2, 4, 2, 4, 1]) * (times[1] / 3)  # Simpson's rule
    np.testing.assert_allclose(losses[0] - losses[-1], weights @ squares, rtol=1e-3)
    for name, value in params.items():
        assert (name in trains) != torch.equal(value, flow.params[-1][name])


def test_a_run_that_slides_along_a_kink_is_given_up_alone(monkeypatch):
    """
    Where the gradient points to a kink from both sides the run is undefined; the other is followed.
    """
    monkeypatch.setattr("models.runge_kutta.WINDOW", 50)
    one = torch.ones(2, 1, 1, dtype=torch.float64)
    # yhat = |u|: with the label -1 descent drives u to 0 and holds it there, with the label 2 it does not
    problem = Problem("deq", one, torch.tensor([[-1.0], [2.0]], dtype=torch.float64), "abs", 0.0, ("U",))
    params = {"W": 0 * one, "U": 0.5 * one, "a": one[:, 0]}

    flow = gradient_flow(problem, params, [0.0, 0.1, 5.0], rtol=1e-6, atol=1e-9)

    assert flow.error[1].isfinite().all()
    assert flow.error[2].isnan().tolist() == [True, False]
    exact = 2 - 1.5 * np.exp(-5.0)  # |u| flows to the label 2
    assert flow.params[2]["U"][1].item() == pytest.approx(exact, abs=float(flow.error[2, 1]))


class _Circle:
    """y' = (-y2, y1), undefined beyond a radius of the second run."""

    def __init__(self, bound: torch.Tensor) -> None:
        self.bound, self.calls = bound, 0

    def __call__(self, states):
        self.calls += 1
        outside = (states.abs() > self.bound).any(1, keepdim=True)
        return torch.where(outside, torch.nan, torch.stack([-states[:, 1], states[:, 0]], 1))

    def accept(self, mask) -> None:
        del mask

    def rewind(self) -> None:
        pass

    def keep(self, mask) -> None:
        self.bound = self.bound[torch.from_numpy(mask)]


def test_the_method_has_order_eight_and_stops_at_the_times_asked_for():
    """
    A rotation is followed to the tolerance; a run that leaves its domain is NaN from then on.
    """
    field = _Circle(torch.tensor([[2.0], [0.5], [2.0]], dtype=torch.float64))
    start = torch.tensor([[1.0, 0.0], [0.4, 0.0], [0.0, 1.0]], dtype=torch.float64)
    start[1] = torch.tensor([0.45, -0.4], dtype=torch.float64)
    times = [0.1, 1.0, 6.0]
    rtol = np.array([1e-10, 1e-8, 1e-4])

    found = integrate(field, start, times, np.full(3, 0.1), rtol, rtol)

    for k, t in enumerate(times):
        turned = torch.tensor([np.cos(t), np.sin(t)])
        assert (found[k, 0] - turned).abs().max() < 1e-8
        assert (found[k, 2] - torch.tensor([-np.sin(t), np.cos(t)])).abs().max() < 1e-2
    assert found[:, 1].isnan().all(1).tolist() == [False, True, True]
    assert WINDOW < STEPS
    assert field.calls < 12 * 200


def test_the_plain_setting_flows_exactly():
    """
    Least squares has a closed form: the exponential of -X X' t.
    """
    X = torch.tensor([[[1.0, 0.5], [0.0, 2.0]]], dtype=torch.float64)
    y, w = torch.tensor([[1.0, -1.0]], dtype=torch.float64), torch.tensor([[0.3, 0.7]], dtype=torch.float64)

    flow = gradient_flow(Problem("least-squares", X, y, None, 0.0, ("w",)), {"w": w}, [0.0, 0.7])

    best = torch.linalg.solve(X[0].T, y[0])
    decay = torch.matrix_exp(-0.7 * X[0] @ X[0].T)
    expected = best + decay @ (w[0] - best)
    assert (flow.params[1]["w"][0] - expected).norm() <= flow.error[1, 0] < 1e-6
    assert MODELS["least-squares"].has_equilibrium is False
