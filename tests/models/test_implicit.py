"""The equilibrium as a function: right derivatives of every order and kind, and no silent failure."""

from functools import partial

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vmap

from models.activations import ACTIVATIONS
from models.implicit import NotConverged, adjoint, equilibrium

# torch's own forward mode compiles its formulas with it when first used
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")

BATCHES = [(None, None), (2, 2), (None, 2), (2, None)]
RUNS = 3
F64 = torch.float64


def _draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def _layer(runs_W=None, runs_C=None, m=3, n=2, size=0.4, seed=0) -> tuple[Tensor, Tensor]:
    """W of spectral norm `size` and C, far from the kinks with the seeds used here."""
    W = _draw(*([runs_W] if runs_W else []), m, m, seed=seed)
    C = _draw(*([runs_C] if runs_C else []), m, n, seed=seed + 100)
    return size * W / torch.linalg.matrix_norm(W, ord=2, keepdim=True), C


def _unrolled(W: Tensor, C: Tensor, name: str, steps: int = 50) -> Tensor:
    T = torch.zeros_like(C)
    for _ in range(steps):
        T = ACTIVATIONS[name].phi(W @ T + C)
    return T


def _scalar(solve, name: str = "tanh"):
    """A smooth scalar function of W and C through `solve`."""
    return lambda W, C: torch.sin(2 * solve(W, C, name)).square().sum()


def _assert_close(expected, actual, rtol: float = 1e-10) -> None:
    torch.testing.assert_close(actual, expected, rtol=rtol, atol=rtol)


@pytest.mark.parametrize(("runs_W", "runs_C"), BATCHES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_value_is_a_fixed_point_of_the_shape_of_its_batch(name, runs_W, runs_C):
    """
    T = phi(W T + C) to rounding level, with a batch axis where an argument has one.
    """
    W, C = _layer(runs_W, runs_C)

    T = equilibrium(W, C, name)

    _assert_close(ACTIVATIONS[name].phi(W @ T + C), T, 1e-14)
    assert T.shape == ((2, 3, 2) if runs_W or runs_C else (3, 2))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_first_and_second_derivatives_agree_with_finite_differences(name):
    """
    Backward and forward mode, and both over backward mode, are right for every activation.
    """
    runs = BATCHES[sorted(ACTIVATIONS).index(name) % len(BATCHES)]
    arguments = [a.requires_grad_() for a in _layer(*runs, m=2, n=1)]
    layer = partial(equilibrium, activation=name)

    assert gradcheck(layer, arguments, check_forward_ad=True)
    assert gradgradcheck(layer, arguments, check_fwd_over_rev=True)


@pytest.mark.parametrize(("runs_W", "runs_C"), BATCHES)
def test_derivatives_for_every_kind_of_batch_agree_with_finite_differences(runs_W, runs_C):
    """
    A matrix shared by runs, or a source shared by matrices, gets the sum of the derivatives.
    """
    arguments = [a.requires_grad_() for a in _layer(runs_W, runs_C, m=2)]
    layer = partial(equilibrium, activation="swish")

    assert gradcheck(layer, arguments, check_forward_ad=True)
    assert gradgradcheck(layer, arguments, check_fwd_over_rev=True)


@pytest.mark.parametrize(("runs_W", "runs_C"), BATCHES)
def test_the_adjoint_is_differentiable_in_all_its_arguments(runs_W, runs_C):
    """
    S = D o (G + W'S), and its first and second derivatives agree with finite differences.
    """
    W, G = _layer(runs_W, runs_C, m=2)
    D = torch.rand(2, 2, generator=torch.Generator().manual_seed(7), dtype=F64)
    arguments = [a.requires_grad_() for a in (W, D, G)]

    S = adjoint(*arguments)

    _assert_close(D * (G + W.mT @ S), S, 1e-14)
    assert gradcheck(adjoint, arguments, check_forward_ad=True)
    assert gradgradcheck(adjoint, arguments, check_fwd_over_rev=True)


@pytest.mark.parametrize("outer", [jacrev, jacfwd])
@pytest.mark.parametrize("inner", [jacrev, jacfwd])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_nesting_of_modes_gives_the_hessian_of_a_long_unroll(name, inner, outer):
    """
    Forward and backward mode nest in every order: the Hessian is that of 50 unrolled iterations.
    """
    W, C = _layer(m=2)

    def derivative(solve):
        return outer(inner(_scalar(solve, name), (0, 1)), (0, 1))(W, C)

    _assert_close(derivative(_unrolled), derivative(equilibrium))


@pytest.mark.parametrize("mode", ["forward", "backward"])
@pytest.mark.parametrize("name", ["relu", "tanh", "softplus", "swish", "gelu", "sin"])
def test_third_derivatives_are_those_of_a_long_unroll(name, mode):
    """
    Three nested derivatives along a direction are right in either mode.
    """
    W, C = _layer(m=2)
    V = _draw(2, 2, seed=5)

    def along(f):
        return (lambda w: jvp(f, (w,), (V,))[1]) if mode == "forward" else (lambda w: (grad(f)(w) * V).sum())

    def third(solve):
        return along(along(along(lambda w: _scalar(solve, name)(w, C))))(W)

    _assert_close(third(_unrolled), third(equilibrium))


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "swish"])
def test_third_derivatives_hold_where_the_preactivation_is_zero_or_huge(name):
    """
    Slopes computed through |z| or exp(-z) would lose derivatives at 0 and give NaN far from it.
    """
    C = torch.tensor([[0.0, -1e3, 1e3]], dtype=F64)
    W = torch.zeros(1, 1, dtype=F64)
    phi = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "softplus": torch.nn.functional.softplus}
    phi["swish"] = torch.nn.functional.silu

    def third(f):
        return grad(lambda c: grad(lambda c: grad(lambda c: f(c).sum())(c).sum())(c).sum())(C)

    _assert_close(third(phi[name]), third(lambda c: equilibrium(W, c, name)))


@pytest.mark.parametrize("axes", [(None, 0), (0, None), (0, 0), (1, 2)])
@pytest.mark.parametrize("transform", [grad, hessian, jacfwd])
def test_derivatives_for_each_sample_are_those_of_each_sample_alone(transform, axes):
    """
    vmap over W, C or both, at any axis, changes no derivative.
    """
    single = _layer(m=2)
    f = transform(_scalar(equilibrium), (0, 1))
    scales = torch.tensor([0.3, 1.0, -1.5], dtype=F64)
    stacked = [
        a if axis is None else torch.stack([s * a for s in scales], dim=axis)
        for a, axis in zip(single, axes, strict=True)
    ]

    together = vmap(f, axes)(*stacked)

    for k in range(RUNS):
        arguments = [a if x is None else a.select(x, k) for a, x in zip(stacked, axes, strict=True)]
        _assert_close(f(*arguments), torch.utils._pytree.tree_map(lambda t, k=k: t[k], together))


@pytest.mark.parametrize(("runs_W", "runs_C"), BATCHES)
def test_vmap_over_a_batch_flattens_both_axes(runs_W, runs_C):
    """
    vmap over arguments that have a batch axis themselves, twice nested, changes nothing.
    """
    W, C = _layer(runs_W, runs_C)
    Ws, Cs = torch.stack([W, 0.5 * W]), torch.stack([C, 2 * C, 3 * C])

    together = vmap(vmap(partial(equilibrium, activation="tanh"), (None, 0)), (0, None))(Ws, Cs)

    for i in range(2):
        for j in range(3):
            _assert_close(equilibrium(Ws[i], Cs[j], "tanh"), together[i, j])


@pytest.mark.parametrize("size", [0.5, 0.98, -3.0])
@pytest.mark.parametrize("name", ["tanh", "relu"])
def test_wide_layers_have_the_same_derivatives(name, size):
    """
    Where the linear equation is iterated, given up and solved directly, the gradient stays the dense one.
    """
    W, C = _layer(None, 3, m=40, n=2, size=0.01, seed=3)
    W = W + size * torch.eye(40, dtype=F64)
    G = _draw(3, 40, 2, seed=4)

    dW, dC = grad(lambda W, C: (G * equilibrium(W, C, name)).sum(), (0, 1))(W, C)

    T = equilibrium(W, C, name)
    D = ACTIVATIONS[name].dphi(W @ T + C, 0.0)
    for b in range(3):
        for j in range(2):
            slope = torch.diag(D[b, :, j])
            expected = slope @ torch.linalg.solve(torch.eye(40, dtype=F64) - W.mT @ slope, G[b, :, j])
            _assert_close(expected, dC[b, :, j], 1e-9)
    _assert_close(torch.einsum("bin,bjn->ij", dC, T), dW)


@pytest.mark.parametrize("m", [2, 40])
def test_an_adjoint_that_iteration_reaches_slowly_is_solved(m):
    """
    A small part that converges at the rate 0.9999 is not left out once the rest has converged.
    """
    rates = torch.full((m, 1), 0.1, dtype=F64)
    G = torch.ones_like(rates)
    rates[0], G[0] = 0.9999, 1e-6

    _assert_close(G / (1 - rates), adjoint(rates.diagflat(), torch.ones_like(G), G))


@pytest.mark.parametrize("kink", [0.0, 0.25, 1.0])
def test_the_slope_at_a_kink_is_the_one_asked_for(kink):
    """
    At a preactivation of exactly 0 the derivative of relu is `kink`.
    """
    W, C = torch.full((1, 1), 0.5, dtype=F64), torch.zeros(1, 1, dtype=F64)

    slope = grad(lambda c: equilibrium(W, c, "relu", kink=kink).sum())(C)

    assert slope.item() == pytest.approx(kink / (1 - kink / 2), abs=1e-15)


def test_what_has_no_equilibrium_raises_and_names_the_runs():
    """
    z = relu(2 z + 1) has no solution; its batch-mates have, and are not named.
    """
    W = torch.tensor([0.5, 2.0, 0.5, 2.0], dtype=F64).reshape(4, 1, 1)
    C = torch.ones(1, 1, dtype=F64)

    with pytest.raises(NotConverged, match="equilibrium not found for 2 of 4 runs: 1 ") as caught:
        equilibrium(W, C, "relu")

    assert caught.value.runs == (1, 3)
    assert caught.value.residual.shape == (4,)
    assert (caught.value.residual[[0, 2]] <= 1e-10).all()


def test_one_sample_without_an_equilibrium_is_found_among_those_that_share_a_matrix():
    """
    z = relu(2 z + c) is solved by 0 for c = -1, and by nothing for c = 1 or NaN.
    """
    C = torch.tensor([-1.0, 1.0, -1.0, torch.nan], dtype=F64).reshape(4, 1, 1)

    with pytest.raises(NotConverged) as caught:
        equilibrium(torch.full((1, 1), 2.0, dtype=F64), C, "relu")

    assert caught.value.runs == (1, 3)


@pytest.mark.parametrize("m", [2, 40])
@pytest.mark.parametrize("rotated", [False, True])
def test_a_singular_derivative_raises(m, rotated):
    """
    Where I - W' D is singular there is no adjoint, also if rounding hides that.
    """
    W = torch.diag(torch.linspace(0.1, 1.0, m, dtype=F64))
    if rotated:
        Q = torch.linalg.qr(_draw(m, m))[0]
        W = Q @ W @ Q.mT
    one = torch.ones(2, m, 1, dtype=F64)

    with pytest.raises(NotConverged, match="derivative of the equilibrium not found for 2 of 2 runs"):
        adjoint(W, one, one)


def test_a_backward_pass_without_a_derivative_raises():
    """
    T = sin(T) at 0 has an equilibrium, but no derivative there.
    """
    W = torch.ones(1, 1, dtype=F64, requires_grad=True)

    T = equilibrium(W, torch.zeros(1, 1, dtype=F64), "sin")

    with pytest.raises(NotConverged):
        T.sum().backward()


@pytest.mark.parametrize(
    ("W", "C", "activation", "options", "error"),
    [
        ((2, 2), (2, 1), "rleu", {}, ValueError),
        ((2, 2), (2, 1), "relu", {"kink": float("nan")}, ValueError),
        ((2, 2), (2, 1), "tanh", {"kink": 0.5}, ValueError),
        ((2, 2), (2, 1), "tanh", {"tolerance": 1e-3}, TypeError),
        ((2, 3), (2, 1), "tanh", {}, ValueError),
        ((2, 2), (3, 1), "tanh", {}, ValueError),
        ((2, 2), (2,), "tanh", {}, ValueError),
        ((2, 2, 2), (3, 2, 1), "tanh", {}, ValueError),
    ],
)
def test_what_does_not_fit_or_is_unknown_raises(W, C, activation, options, error):
    """
    No argument is ignored, broadcast by accident or misread.
    """
    with pytest.raises(error):
        equilibrium(torch.zeros(W, dtype=F64), torch.zeros(C, dtype=F64), activation, **options)


@pytest.mark.parametrize("types", [(torch.float32, F64), (torch.float16,) * 2, (torch.int64,) * 2])
def test_types_are_not_mixed_or_guessed(types):
    """
    Both arguments are float32 or both are float64.
    """
    with pytest.raises(TypeError, match="float32 and float64"):
        equilibrium(torch.zeros(1, 1, dtype=types[0]), torch.zeros(1, 1, dtype=types[1]), "tanh")


def test_float32_is_solved_in_float64_and_rounded():
    """
    In float32 the value and the gradients are the float64 ones, rounded once.
    """
    W, C = (a.float() for a in _layer(None, 2))

    single = torch.func.vjp(partial(equilibrium, activation="tanh"), W, C)
    double = torch.func.vjp(partial(equilibrium, activation="tanh"), W.double(), C.double())

    assert torch.equal(double[0].float(), single[0])
    G = _draw(2, 3, 2).float()
    for expected, actual in zip(double[1](G.double()), single[1](G), strict=True):
        assert torch.equal(expected.float(), actual)


@pytest.mark.parametrize(("runs", "n"), [(0, 2), (2, 0)])
def test_nothing_gives_nothing(runs, n):
    """
    An empty batch and a batch of no samples have empty equilibria and zero gradients.
    """
    W, C = torch.eye(3, dtype=F64, requires_grad=True), torch.zeros(runs, 3, n, dtype=F64)

    T = equilibrium(W, C, "tanh")
    T.sum().backward()

    assert T.shape == (runs, 3, n)
    assert (W.grad == 0).all()
