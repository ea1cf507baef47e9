"""Training of deep equilibrium models: descent, flow and the equilibrium iteration."""

import pytest
import torch

from models.flow import gradient_flow
from models.settings import MODELS, Problem
from models.training import gradient_descent, picard


def _eta(*values):
    return torch.tensor(values, dtype=torch.float64)


def _pick(problem, params, run):
    one = slice(run, run + 1)
    alone = Problem("deq", problem.X[one], problem.y[one], problem.activation, problem.kink, problem.trains)
    return alone, {name: value[one] for name, value in params.items()}


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("m", [6, 36])
def test_a_run_alone_is_the_same_run_in_a_batch(deq_batch, activation, m):
    """
    Training does not depend on the batch-mates, to 1e-12.
    """
    problem, params = deq_batch(activation, m=m)
    eta = _eta(0.01, 0.03, 0.002)

    *_, together = gradient_descent(problem, params, eta, 25)

    for run in range(3):
        *_, alone = gradient_descent(*_pick(problem, params, run), eta[run : run + 1], 25)
        for name in ("W", "U", "a", "T", "NTK", "loss", "grad_norm"):
            assert torch.allclose(together.value(name)[run], alone.value(name)[0], rtol=1e-12, atol=1e-12), (
                name
            )


def test_a_step_is_the_parameters_minus_eta_times_the_gradient(deq_batch):
    """
    Updates are simultaneous, touch the trained parameters only, and start from what was given.
    """
    problem, params = deq_batch(trains=("W", "a"))
    eta = _eta(0.1, 0.2, 0.3)

    first, second = gradient_descent(problem, params, eta, 1)

    assert all(torch.equal(params[name], first.params[name]) for name in params)
    assert torch.equal(params["U"], second.params["U"])
    for name, gradient in first.gradients().items():
        scale = eta.reshape(-1, *[1] * (gradient.ndim - 1))
        assert torch.allclose(params[name] - scale * gradient, second.params[name], rtol=1e-13, atol=1e-13)


def test_warm_starts_do_not_change_a_trajectory(deq_batch):
    """
    At every step the quantities are those computed afresh from the parameters, up to the tolerance.
    """
    problem, params = deq_batch("tanh", size=0.8)

    for state in gradient_descent(problem, params, _eta(0.05, 0.05, 0.05), 10):
        fresh = MODELS["deq"].estimate(problem, state.params)
        assert torch.allclose(fresh.value("T"), state.value("T"), rtol=1e-10, atol=1e-10)


def test_a_run_that_leaves_the_well_posed_region_is_lost_alone(deq_batch):
    """
    It is NaN from the next step on, and the others are as they would have been.
    """
    problem, params = deq_batch("relu", runs=3)
    broken = {name: value.clone() for name, value in params.items()}
    broken["W"][1] = 3 * torch.eye(6, dtype=torch.float64)
    broken["U"][1] = broken["U"][1].abs()
    problem = Problem("deq", problem.X.abs(), problem.y, "relu", 0.0, ("a",))
    eta = _eta(0.01, 0.01, 0.01)

    states = list(gradient_descent(problem, broken, eta, 5))
    *_, whole = gradient_descent(problem, params, eta, 5)

    assert all(state.converged.tolist() == [True, False, True] for state in states)
    assert torch.isfinite(states[0].params["W"]).all()
    assert states[-1].params["W"][1].isnan().all()
    assert states[-1].value("loss")[1].isnan()
    assert torch.equal(whole.value("a")[[0, 2]], states[-1].value("a")[[0, 2]])


def test_one_step_for_each_run_is_needed(deq_batch):
    """
    A step of another shape is refused rather than broadcast.
    """
    with pytest.raises(ValueError, match=r"eta \(1,\) is not one step size for each of 3 runs"):
        next(gradient_descent(*deq_batch(), _eta(0.1), 3))


def test_the_iterates_of_the_equilibrium_map_are_recorded(deq_batch):
    """
    T, features and yhat are the iterate's, gap the distance to the next, and the last is the equilibrium.
    """
    problem, params = deq_batch("sigmoid", size=3.0)
    states = list(picard(problem, params, 60))
    T = torch.zeros(3, 6, 5, dtype=torch.float64)

    for state in states:
        following = torch.sigmoid(params["W"] @ T + params["U"] @ problem.X)
        assert torch.allclose(T, state.value("T"), rtol=1e-13, atol=1e-15)
        assert torch.equal(state.value("T"), state.value("features"))
        assert torch.allclose((params["a"][:, :, None] * T).sum(1), state.value("yhat"), atol=1e-13)
        gap = (following - T).flatten(1).norm(dim=1)
        assert torch.allclose(gap, state.value("gap"), rtol=1e-9, atol=1e-15)
        T = following

    assert torch.equal(states[0].value("gap"), MODELS["deq"].estimate(problem, params).value("gap"))
    assert torch.allclose(MODELS["deq"].estimate(problem, params).value("T"), T, atol=1e-13)
    assert states[3].value("well_posed").tolist() == [1, 1, 1]


def test_the_flow_is_the_limit_of_gradient_descent(deq_batch):
    """
    Extrapolated descent with tiny steps ends where the flow does, within the accuracy of both.
    """
    problem, params = deq_batch("tanh", runs=1, m=4, n=3)
    time = 0.5

    flow = gradient_flow(problem, params, [0.0, time], rtol=1e-7, atol=1e-10)
    *_, coarse = gradient_descent(problem, params, _eta(time / 100), 100)
    *_, fine = gradient_descent(problem, params, _eta(time / 200), 200)

    assert torch.equal(params["W"], flow.params[0]["W"])
    assert (flow.error < 1e-6).all()
    for name in params:
        limit = 2 * fine.params[name] - coarse.params[name]
        assert torch.allclose(limit, flow.params[1][name], rtol=0, atol=2e-4)
    assert flow.estimates[1].value("loss").item() < flow.estimates[0].value("loss").item()


def test_a_run_that_cannot_be_followed_is_undefined_with_an_undefined_error(deq_batch):
    """
    Without an equilibrium the state is known at time 0 only, and the other runs go on.
    """
    problem, params = deq_batch("relu", runs=2, m=3, n=2, trains=("a",))
    params["W"][0] = 3 * torch.eye(3, dtype=torch.float64)
    params["U"][0] = params["U"][0].abs()
    problem = Problem("deq", problem.X.abs(), problem.y, "relu", 0.0, ("a",))

    flow = gradient_flow(problem, params, [0.0, 0.1], rtol=1e-6, atol=1e-9)

    assert flow.error[1].isnan().tolist() == [True, False]
    assert flow.params[1]["a"].isnan().any(1).tolist() == [True, False]


def test_a_stationary_or_frozen_flow_stays_where_it_is(deq_batch):
    """
    With nothing trained, or at a zero of the gradient, nothing moves.
    """
    problem, params = deq_batch("tanh", trains=())
    still = Problem("deq", 0 * problem.X, 0 * problem.y, "tanh", 0.0, ("W", "U", "a"))

    for case in (problem, still):
        flow = gradient_flow(case, params, [0.0, 1.0])
        assert all(torch.equal(params[name], flow.params[1][name]) for name in params)
        assert (flow.error[1] < 1e-8).all()


@pytest.mark.parametrize(
    ("times", "rtol", "message"),
    [
        ([], 1e-6, "times must be increasing and not negative"),
        ([-1.0], 1e-6, "times must be increasing and not negative"),
        ([0.0, 0.0], 1e-6, "times must be increasing and not negative"),
        ([1.0], 1e-14, "rtol = 1e-14 or atol = 1e-12 is out of range; write rtol >= 1e-13 and atol > 0"),
    ],
)
def test_impossible_requests_are_refused(deq_batch, times, rtol, message):
    """
    Times run forwards and tolerances are within reach of float64.
    """
    with pytest.raises(ValueError, match=message):
        gradient_flow(*deq_batch(), times, rtol=rtol)
