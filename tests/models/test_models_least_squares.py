"""Least squares: its quantities and the closed forms of its training."""

import pytest
import torch

from models.flow import gradient_flow
from models.settings import MODELS, Problem
from models.training import gradient_descent, picard


def _problem(runs=3, d=4, n=6, trains=("w",)):
    generator = torch.Generator().manual_seed(3)
    X = torch.randn(runs, d, n, generator=generator, dtype=torch.float64)
    y = torch.randn(runs, n, generator=generator, dtype=torch.float64)
    w = torch.randn(runs, d, generator=generator, dtype=torch.float64)
    return Problem("least-squares", X, y, trains=trains), {"w": w}


def _apply(matrix, vector):
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)


def test_the_named_quantities_are_what_they_say():
    """
    Each name has the meaning of the specification, with features X and m = d.
    """
    problem, params = _problem()
    state = MODELS["least-squares"].estimate(problem, params)
    X, y, w = problem.X, problem.y, params["w"]
    errors = _apply(X.mT, w) - y
    best = torch.linalg.lstsq(X.mT, y.unsqueeze(-1)).solution.squeeze(-1)

    expected = {
        "w": w,
        "features": X,
        "G": X.mT @ X,
        "NTK": X.mT @ X,
        "yhat": errors + y,
        "residual": errors.norm(dim=1),
        "loss": errors.norm(dim=1) ** 2 / 2,
        "loss_star": (_apply(X.mT, best) - y).norm(dim=1) ** 2 / 2,
        "grad_w": _apply(X, errors),
        "grad_norm": _apply(X, errors).norm(dim=1),
        "n": torch.full((3,), 6.0, dtype=torch.float64),
        "d": torch.full((3,), 4.0, dtype=torch.float64),
        "m": torch.full((3,), 4.0, dtype=torch.float64),
    }
    for name, value in expected.items():
        assert torch.allclose(value, state.value(name), rtol=1e-12, atol=1e-13), name
    assert torch.equal(_apply(X.mT, w)[:, 1], state.call("predict", X[:, :, 1]))
    assert state.equilibrium is None
    assert state.converged.all()


@pytest.mark.parametrize("name", ["T", "L_phi", "well_posed", "gap", "grad_W"])
def test_names_of_other_settings_are_unknown(name):
    """
    Least squares has no activation and no equilibrium.
    """
    state = MODELS["least-squares"].estimate(*_problem())

    with pytest.raises(KeyError):
        state.value(name)
    with pytest.raises(KeyError):
        state.call("equilibrium", torch.zeros(3, 4, dtype=torch.float64))


def test_frozen_weights_have_no_gradient_and_no_kernel():
    """
    With nothing trained the kernel and the gradient norm are 0 and the loss is its own infimum.
    """
    state = MODELS["least-squares"].estimate(*_problem(trains=()))

    assert state.gradients() == {}
    assert (state.value("NTK") == 0).all()
    assert (state.value("grad_norm") == 0).all()
    assert torch.equal(state.value("loss"), state.value("loss_star"))


def test_gradient_descent_follows_the_closed_form():
    """
    w(tau) - w* = (I - eta X X')^tau (w(0) - w*), for each run with its own step.
    """
    problem, params = _problem()
    X, w = problem.X, params["w"]
    best = torch.linalg.lstsq(X.mT, problem.y.unsqueeze(-1)).solution.squeeze(-1)
    eta = torch.tensor([0.01, 0.02, 0.05], dtype=torch.float64)
    contraction = torch.eye(4, dtype=torch.float64) - eta[:, None, None] * (X @ X.mT)

    states = list(gradient_descent(problem, params, eta, 30))

    assert list(range(31)) == [state.tau for state in states]
    for tau in (0, 1, 7, 30):
        expected = best + _apply(torch.linalg.matrix_power(contraction, tau), w - best)
        assert torch.allclose(expected, states[tau].value("w"), rtol=1e-10, atol=1e-12)


def test_a_run_that_overflows_is_lost_alone():
    """
    A step far too large ends in NaN for its run and changes nothing for the others.
    """
    problem, params = _problem()
    eta = torch.tensor([0.01, 1e30, 0.01], dtype=torch.float64)
    calm = torch.full((3,), 0.01, dtype=torch.float64)

    *_, wild = gradient_descent(problem, params, eta, 40)
    *_, same = gradient_descent(problem, params, calm, 40)

    assert wild.value("w")[1].isnan().all()
    assert torch.equal(same.value("w")[[0, 2]], wild.value("w")[[0, 2]])


@pytest.mark.parametrize("rtol", [1e-5, 1e-6, 1e-7, 1e-8])
def test_gradient_flow_follows_the_closed_form_within_its_error_estimate(rtol):
    """
    w(t) - w* = exp(-t X X') (w(0) - w*), and the estimate of the error covers the error.
    """
    problem, params = _problem()
    X, w = problem.X, params["w"]
    best = torch.linalg.lstsq(X.mT, problem.y.unsqueeze(-1)).solution.squeeze(-1)
    times = [0.0, 0.01, 0.05, 0.1, 0.5, 2.0]

    flow = gradient_flow(problem, params, times, rtol=rtol, atol=1e-3 * rtol)

    assert (flow.error[0] == 0).all()
    assert (flow.error < 20 * rtol).all()
    for k, t in enumerate(times):
        exact = best + _apply(torch.linalg.matrix_exp(-t * (X @ X.mT)), w - best)
        rounding = 1e-15  # of the closed form
        assert ((flow.params[k]["w"] - exact).norm(dim=1) <= flow.error[k] + rounding).all()


def test_there_is_no_equilibrium_to_iterate_to():
    """
    The equilibrium iteration is refused where the setting has none.
    """
    with pytest.raises(ValueError, match="least-squares has no equilibrium to iterate to"):
        next(picard(*_problem(), 3))


def test_an_activation_is_refused():
    """
    Least squares with an activation is not least squares.
    """
    problem, params = _problem()

    with pytest.raises(ValueError, match="least-squares has no activation"):
        MODELS["least-squares"].estimate(Problem("least-squares", problem.X, problem.y, "relu"), params)
