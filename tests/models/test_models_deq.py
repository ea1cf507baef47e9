"""The deep equilibrium model: every quantity against an independent computation."""

import math

import pytest
import torch
from torch.nn import functional

from models.settings import MODELS, Problem
from models.settings.deq import DEQ

TORCH = {
    "relu": functional.relu,
    "leaky-relu": lambda z: functional.leaky_relu(z, 0.01),
    "identity": lambda z: z,
    "tanh": torch.tanh,
    "erf": torch.erf,
    "sigmoid": torch.sigmoid,
    "softplus": lambda z: functional.softplus(z, threshold=1e3),
    "sin": torch.sin,
    "abs": torch.abs,
    "gelu": functional.gelu,
    "elu": functional.elu,
    "swish": functional.silu,
}


def _unrolled(activation, W, U, a, X):
    """yhat (n,) of one run by plain iteration, differentiable by autograd."""
    T = torch.zeros(W.shape[0], X.shape[1], dtype=torch.float64)
    for _ in range(200):
        T = TORCH[activation](W @ T + U @ X)
    return T.T @ a


@pytest.mark.parametrize("activation", TORCH)
def test_gradients_agree_with_an_unrolled_network(deq_batch, activation):
    """
    The implicit gradients are those of autograd through the iteration.
    """
    problem, params = deq_batch(activation)
    gradients = DEQ.estimate(problem, params).gradients()

    for run in range(3):
        leaves = [params[name][run].clone().requires_grad_(True) for name in ("W", "U", "a")]
        errors = _unrolled(activation, *leaves, problem.X[run]) - problem.y[run]
        expected = torch.autograd.grad((errors @ errors) / 2, leaves)

        for name, gradient in zip(("W", "U", "a"), expected, strict=True):
            assert torch.allclose(gradient, gradients[name][run], rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("activation", TORCH)
def test_gradients_agree_with_central_differences(deq_batch, activation):
    """
    The slope of the loss along a random direction is the gradient's.
    """
    problem, params = deq_batch(activation)
    gradients = DEQ.estimate(problem, params).gradients()
    generator = torch.Generator().manual_seed(7)
    h = 1e-6

    for name, value in params.items():
        direction = torch.randn(value.shape, generator=generator, dtype=torch.float64)
        ahead = DEQ.estimate(problem, params | {name: value + h * direction}).loss
        behind = DEQ.estimate(problem, params | {name: value - h * direction}).loss
        slope = (gradients[name] * direction).flatten(1).sum(1)

        assert torch.allclose((ahead - behind) / (2 * h), slope, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("trains", [("a",), ("W",), ("U", "a"), ("W", "U", "a"), ()])
@pytest.mark.parametrize("activation", ["relu", "swish"])
def test_the_tangent_kernel_is_the_gram_matrix_of_the_jacobian(deq_batch, activation, trains):
    """
    NTK = J J' with J the autograd Jacobian of the predictions by the trained parameters.
    """
    problem, params = deq_batch(activation, trains=trains)
    kernel = DEQ.estimate(problem, params).value("NTK")

    for run in range(3):
        leaves = tuple(params[name][run] for name in ("W", "U", "a"))

        def predict(W, U, a, X=problem.X[run]):
            return _unrolled(activation, W, U, a, X)

        blocks = dict(zip("WUa", torch.autograd.functional.jacobian(predict, leaves), strict=True))
        J = torch.cat(
            [torch.zeros(5, 1, dtype=torch.float64), *(blocks[p].flatten(1) for p in trains)], dim=1
        )
        assert torch.allclose(J @ J.T, kernel[run], rtol=1e-10, atol=1e-11)


def test_the_named_quantities_are_what_they_say(deq_batch):
    """
    Each name has the meaning of the specification.
    """
    problem, params = deq_batch("sigmoid")
    state = DEQ.estimate(problem, params)
    T = state.value("T")
    Z = params["W"] @ T + params["U"] @ problem.X
    errors = torch.einsum("bmn,bm->bn", T, params["a"]) - problem.y
    squares = sum((g**2).flatten(1).sum(1) for g in state.gradients().values())

    expected = {
        "preactivation": Z,
        "features": torch.sigmoid(Z),
        "G": torch.einsum("bmi,bmj->bij", T, T),
        "yhat": errors + problem.y,
        "residual": errors.norm(dim=1),
        "loss": errors.norm(dim=1) ** 2 / 2,
        "grad_norm": squares.sqrt(),
        "grad_U": state.gradients()["U"],
        "gap": torch.sigmoid(params["U"] @ problem.X).flatten(1).norm(dim=1),
        "L_phi": torch.full((3,), 0.25),
        "L_dphi": torch.full((3,), 1 / (6 * math.sqrt(3))),
        "phi_0": torch.full((3,), 0.5),
        "well_posed": torch.ones(3),
        "n": torch.full((3,), 5.0),
        "d": torch.full((3,), 4.0),
        "m": torch.full((3,), 6.0),
        "X": problem.X,
        "a": params["a"],
    }
    for name, value in expected.items():
        assert value.shape == state.value(name).shape
        assert torch.allclose(value.double(), state.value(name), rtol=1e-7 if name[0] in "Lp" else 1e-12)


def test_every_declared_name_has_a_float64_value_for_each_run(deq_batch):
    """
    No quantity is missing, of another type, or without the batch axis.
    """
    problem, params = deq_batch("relu", n=7)
    state = MODELS["deq"].estimate(problem, params)

    for name in state.quantities():
        value = state.value(name)
        assert (torch.float64, 3) == (value.dtype, value.shape[0]), name
    with pytest.raises(KeyError):
        state.value("K")
    with pytest.raises(KeyError):
        state.value("converged")


def test_the_best_readout_bounds_the_least_loss(deq_batch):
    """
    loss_star is 0 at full rank, else what least squares leaves, and the loss if a is frozen.
    """
    wide, params = deq_batch("tanh", m=6, n=5)
    tall, others = deq_batch("tanh", m=4, n=9)
    frozen, same = deq_batch("tanh", m=4, n=9, trains=("W",))
    T = DEQ.estimate(tall, others).value("T")
    left = tall.y[..., None] - T.mT @ torch.linalg.lstsq(T.mT, tall.y[..., None]).solution

    assert DEQ.estimate(wide, params).value("loss_star").tolist() == [0, 0, 0]
    assert torch.allclose(
        left.flatten(1).norm(dim=1) ** 2 / 2, DEQ.estimate(tall, others).value("loss_star"), rtol=1e-10
    )
    state = DEQ.estimate(frozen, same)
    assert torch.equal(state.value("loss"), state.value("loss_star"))


def test_functions_of_an_input_agree_with_the_training_set(deq_batch):
    """
    equilibrium(x), predict(x) and well_posed(x) at a sample are its column, prediction and 1.
    """
    problem, params = deq_batch("gelu")
    state = DEQ.estimate(problem, params)
    x = problem.X[:, :, 2]

    assert torch.allclose(state.value("T")[:, :, 2], state.call("equilibrium", x), rtol=1e-12, atol=1e-14)
    assert torch.allclose(state.value("yhat")[:, 2], state.call("predict", x), rtol=1e-12, atol=1e-14)
    assert state.call("well_posed", x).tolist() == [1, 1, 1]
    with pytest.raises(KeyError):
        state.call("sin", x)


def test_the_slope_chosen_at_a_kink_is_used():
    """
    At a preactivation of exactly 0 the gradient takes the stated selection.
    """
    one = torch.ones(1, 1, 1, dtype=torch.float64)
    params = {"W": 0.5 * one, "U": 0 * one, "a": one[0]}

    for kink in (0.0, 0.5):
        problem = Problem("deq", one, one[0], "relu", kink, ("U",))
        # v = kink*(a + W*v), grad_U = v*(yhat - y)*x with yhat = 0
        expected = -kink / (1 - 0.5 * kink)
        assert DEQ.estimate(problem, params).gradients()["U"].item() == pytest.approx(expected)


def test_a_run_without_equilibrium_is_undefined_and_alone_in_that(deq_batch):
    """
    Its quantities are NaN, including those that need factorisations, and no other run's are.
    """
    problem, params = deq_batch("relu", runs=2, n=3)
    params["W"][0] = 3 * torch.eye(6, dtype=torch.float64)
    params["U"][0] = params["U"][0].abs()
    problem = Problem("deq", problem.X.abs(), problem.y, "relu", 0.0, ("W", "U", "a"))
    state = DEQ.estimate(problem, params)

    assert state.converged.tolist() == [False, True]
    for name in ("T", "G", "NTK", "loss", "loss_star", "grad_norm", "grad_W", "grad_a", "preactivation"):
        defined = torch.isfinite(state.value(name)).reshape(2, -1).all(1).tolist()
        assert defined == [False, True], name


def test_what_does_not_fit_is_refused(deq_batch):
    """
    Wrong parameters, types and shapes are errors, never broadcast.
    """
    problem, params = deq_batch()

    with pytest.raises(ValueError, match="deq has the parameters W, U, a"):
        DEQ.estimate(problem, {"W": params["W"]})
    with pytest.raises(ValueError, match="U: a float64 tensor with 3 runs is needed"):
        DEQ.estimate(problem, params | {"U": params["U"].float()})
    with pytest.raises(ValueError, match="deq needs an activation"):
        DEQ.estimate(Problem("deq", problem.X, problem.y), params)
    with pytest.raises(ValueError, match="unknown activation step"):
        Problem("deq", problem.X, problem.y, "step")
    with pytest.raises(ValueError, match=r"are not \(B, d, n\) and \(B, n\)"):
        Problem("deq", problem.X, problem.y[:, :2], "relu")
