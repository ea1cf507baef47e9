"""The implicit network with a skip readout: quantities, exact gradients, training."""

import numpy as np
import pytest
import torch

from models.descent import Record, descend
from models.settings import MODELS, Problem
from models.training import gradient_descent

TRAINED = ("A", "W", "u", "v")


@pytest.fixture
def skip():
    """A batch whose gamma |A|/sqrt(m) is about 0.7."""

    def build(runs=3, m=7, d=4, n=5, trains=TRAINED, seed=0):
        generator = torch.Generator().manual_seed(seed)

        def draw(*shape: int) -> torch.Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        A = draw(runs, m, m)
        gamma = 0.7 * m**0.5 / torch.linalg.matrix_norm(A, ord=2)
        params = {"A": A, "W": draw(runs, m, d), "u": draw(runs, m), "v": draw(runs, m), "gamma": gamma}
        return Problem("implicit-skip", draw(runs, d, n), draw(runs, n), "relu", 0.0, trains), params

    return build


def _unrolled(problem, params):
    """The predictions by 400 iterations, as autograd sees them."""
    m = params["A"].shape[-1]
    Phi = torch.relu(params["W"] @ problem.X) / m**0.5
    Z = torch.zeros_like(Phi)
    for _ in range(400):
        Z = torch.relu(params["gamma"].reshape(-1, 1, 1) / m**0.5 * params["A"] @ Z + Phi)
    readouts = torch.cat([params["u"], params["v"]], 1)
    return (readouts.unsqueeze(1) @ torch.cat([Z, Phi], 1)).squeeze(1)


def test_gradients_and_kernel_are_those_of_a_long_unroll(skip):
    """
    Gradients, their norm and the tangent kernel agree with autograd through the iteration.
    """
    problem, params = skip()
    state = MODELS["implicit-skip"].estimate(problem, params)
    leaves = {name: value.clone().requires_grad_() for name, value in params.items()}
    yhat = _unrolled(problem, leaves)
    loss = ((yhat - problem.y) ** 2).sum() / 2
    found = torch.autograd.grad(loss, [leaves[name] for name in TRAINED], retain_graph=True)

    torch.testing.assert_close(state.value("yhat"), yhat.detach(), rtol=1e-11, atol=1e-12)
    for name, gradient in zip(TRAINED, found, strict=True):
        torch.testing.assert_close(state.gradients()[name], gradient, rtol=1e-9, atol=1e-11)
    rows = []
    for sample in range(5):
        parts = torch.autograd.grad(
            yhat[:, sample].sum(), [leaves[name] for name in TRAINED], retain_graph=True
        )
        rows.append(torch.cat([part.flatten(1) for part in parts], 1))
    jacobian = torch.stack(rows, 1)
    torch.testing.assert_close(state.value("NTK"), jacobian @ jacobian.mT, rtol=1e-9, atol=1e-11)


def test_names_mean_what_the_specification_says(skip):
    """
    Features are [Z; Phi], S their Gram matrix, G that of Phi alone.
    """
    problem, params = skip()
    state = MODELS["implicit-skip"].estimate(problem, params)
    Z, Phi = state.value("Z"), state.value("Phi")
    coupling = params["gamma"].reshape(-1, 1, 1) / 7**0.5 * params["A"]

    torch.testing.assert_close(torch.relu(coupling @ Z + Phi), Z)
    torch.testing.assert_close(state.value("S"), Z.mT @ Z + Phi.mT @ Phi)
    torch.testing.assert_close(state.value("G"), Phi.mT @ Phi)
    torch.testing.assert_close(state.call("predict", problem.X[:, :, 2]), state.value("yhat")[:, 2])
    torch.testing.assert_close(state.call("equilibrium", problem.X[:, :, 2]), Z[:, :, 2])
    assert state.value("well_posed").tolist() == [1, 1, 1]
    assert (state.value("loss_star") <= state.value("loss")).all()


@pytest.mark.parametrize("trains", [TRAINED, ("u", "v"), ("A",), ("W", "u")])
def test_the_core_trains_any_subset_exactly(skip, trains):
    """
    The core's trajectory is that of explicit steps; what is not trained stays as it was.
    """
    problem, params = skip(trains=trains)
    kernel = MODELS["implicit-skip"].estimate(problem, params).value("NTK")
    eta = 0.3 / torch.linalg.eigvalsh(kernel)[:, -1]

    found = descend(problem, params, eta, 20, tolerance=1e-12, record=Record(every=20))
    states = list(gradient_descent(problem, params, eta, 20))

    for name, value in states[-1].params.items():
        np.testing.assert_allclose(found.params[name], value, atol=1e-9)
        assert (name in trains) != torch.equal(value, params[name])
    np.testing.assert_allclose(found.values["grad_norm"][-1], states[-1].value("grad_norm"), rtol=1e-7)
    assert (found.values["loss"][-1] < found.values["loss"][0]).all()
    assert np.isfinite(found.values["error_bound"][0]).all()


def test_what_the_setting_does_not_have_is_refused() -> None:
    """
    Another activation, and training gamma: by the estimate and by training.
    """
    draw = torch.Generator().manual_seed(0)
    A, X = (torch.randn(1, 4, 4, generator=draw, dtype=torch.float64) for _ in range(2))
    params = {"A": A, "W": A, "u": A[:, 0], "v": A[:, 1], "gamma": 0.1 * torch.ones(1, dtype=torch.float64)}
    for activation, trains, message in (
        ("tanh", ("u",), "relu only"),
        ("relu", ("gamma",), "trains only A, W"),
    ):
        problem = Problem("implicit-skip", X, A[:, 2], activation, 0.0, trains)
        with pytest.raises(ValueError, match=message):
            MODELS["implicit-skip"].estimate(problem, params)
        with pytest.raises(ValueError, match=message):
            descend(problem, params, torch.ones(1, dtype=torch.float64), 1)
