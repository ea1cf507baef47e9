"""The equilibrium layer as a module: the same derivatives in every mode, files, refusals."""

import sys

import pytest
import torch
from torch import Tensor
from torch.func import functional_call, grad, hessian, jvp, vmap

from models.layer import DEQ

# torch's own forward mode compiles its formulas with it when first used
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")

RUNS = 3
F64 = torch.float64


def _draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def _assert_close(expected, actual, rtol: float = 1e-10) -> None:
    torch.testing.assert_close(actual, expected, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 5)])
@pytest.mark.parametrize("training", [True, False])
def test_the_module_has_the_same_gradients_in_training_and_evaluation(shape, training):
    """
    yhat = T' a, with the gradients of the unrolled network in either mode.
    """
    net = DEQ(6, 4, "tanh", generator=torch.Generator().manual_seed(0)).train(training)
    X = _draw(*shape)

    def loss(values):
        T = torch.zeros(*shape[:-2], 6, 5, dtype=F64)
        for _ in range(50):
            T = torch.tanh(values["W"] @ T + values["U"] @ X)
        return (values["a"] @ T).square().sum()

    yhat = net(X)
    yhat.square().sum().backward()

    assert yhat.shape == (*shape[:-2], 5)
    expected = grad(loss)({k: v.detach() for k, v in net.named_parameters()})
    _assert_close(expected, {k: v.grad for k, v in net.named_parameters()})


def test_without_gradients_there_is_no_graph():
    """
    no_grad and inference mode give the same predictions, with nothing attached.
    """
    net, X = DEQ(6, 4), _draw(4, 5)
    expected = net(X).detach()

    with torch.no_grad():
        assert net(X).grad_fn is None
        assert torch.equal(expected, net(X))
    with torch.inference_mode():
        assert torch.equal(expected, net(X))


def test_the_hessian_of_a_small_network_agrees_with_finite_differences():
    """
    torch.func.hessian of a loss in all parameters equals central differences of its gradient.
    """
    net, X, y = DEQ(2, 2, "gelu", generator=torch.Generator().manual_seed(1)), _draw(2, 3), _draw(3, seed=1)
    shapes = {k: v.shape for k, v in net.named_parameters()}
    flat = torch.cat([v.detach().flatten() for v in net.parameters()])

    def loss(theta):
        parts = theta.split([s.numel() for s in shapes.values()])
        values = {k: p.reshape(s) for p, (k, s) in zip(parts, shapes.items(), strict=True)}
        return (functional_call(net, values, (X,)) - y).square().sum() / 2

    step = 1e-5 * torch.eye(len(flat), dtype=F64)
    differences = torch.stack([(grad(loss)(flat + e) - grad(loss)(flat - e)) / 2e-5 for e in step])

    _assert_close(differences, hessian(loss)(flat), 1e-8)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", ["tanh", "relu"])
def test_two_backward_passes_and_forward_mode_give_the_same_hessian(name, training):
    """
    In training and in evaluation, a double backward pass, jvp of grad and differences of gradients agree.
    """
    net = DEQ(4, 3, name, generator=torch.Generator().manual_seed(2)).train(training)
    X, y = _draw(2, 3, 5), _draw(2, 5, seed=1)
    values = {k: v.detach() for k, v in net.named_parameters()}
    way = {k: _draw(*v.shape, seed=3) for k, v in values.items()}

    def loss(at):
        return (functional_call(net, at, (X,)) - y).square().sum() / 2

    leaves = list(net.parameters())
    gradients = torch.autograd.grad((net(X) - y).square().sum() / 2, leaves, create_graph=True)
    along = sum((g * v).sum() for g, v in zip(gradients, way.values(), strict=True))
    twice = dict(zip(way, torch.autograd.grad(along, leaves), strict=True))
    there, back = ({k: v + h * way[k] for k, v in values.items()} for h in (1e-6, -1e-6))
    differences = {
        k: (a - b) / 2e-6
        for (k, a), b in zip(grad(loss)(there).items(), grad(loss)(back).values(), strict=True)
    }

    _assert_close(twice, jvp(grad(loss), (values,), (way,))[1])
    _assert_close(differences, twice, 1e-7)
    _assert_close(
        jvp(loss, (values,), (way,))[1], sum((g * way[k]).sum() for k, g in grad(loss)(values).items())
    )


def test_an_ensemble_and_the_samples_of_each_member_are_mapped_together():
    """
    vmap over stacked modules and over samples gives what each module gives for each sample.
    """
    nets = [DEQ(4, 3, "sin", generator=torch.Generator().manual_seed(k)) for k in range(RUNS)]
    stacked, _ = torch.func.stack_module_state(nets)
    X = _draw(3, 5)

    def predict(values, x):
        return functional_call(nets[0], values, (x.unsqueeze(-1),)).squeeze(-1)

    slopes = vmap(vmap(grad(predict), (None, 1)), (0, None))(stacked, X)

    for k, net in enumerate(nets):
        for j in range(5):
            net.zero_grad()
            net(X[:, j : j + 1]).sum().backward()
            for name, value in net.named_parameters():
                _assert_close(value.grad, slopes[name][k, j])


def test_the_parameters_are_drawn_as_documented_and_by_the_generator():
    """
    The variances are 2 s_w^2 / m, 2 / d and 1 / m, and a seed gives the same network again.
    """
    net, again = (DEQ(300, 200, generator=torch.Generator().manual_seed(0)) for _ in range(2))

    assert net.W.var().item() == pytest.approx(2 * 0.1**2 / 300, rel=0.05)
    assert net.U.var().item() == pytest.approx(2 / 200, rel=0.05)
    assert net.a.var().item() == pytest.approx(1 / 300, rel=0.3)
    assert all(torch.equal(p, q) for p, q in zip(net.parameters(), again.parameters(), strict=True))


def test_training_lowers_the_loss():
    """
    Plain gradient steps with torch's optimiser fit a few labels.
    """
    net, X, y = DEQ(32, 4, generator=torch.Generator().manual_seed(0)), _draw(4, 5), _draw(5, seed=1)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.02)
    losses = []

    for _ in range(60):
        optimiser.zero_grad()
        loss = (net(X) - y).square().sum() / 2
        loss.backward()
        optimiser.step()
        losses.append(loss.item())

    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize("readout", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, F64])
def test_a_saved_layer_is_read_back_exactly_and_its_file_is_reproducible(tmp_path, readout, dtype):
    """
    Reading gives the same parameters, activation, kink and bits, and leaves the random state alone.
    """
    net = DEQ(5, 3, "leaky-relu", kink=0.1, readout=readout, dtype=dtype)
    net.save(tmp_path / "one")
    state = torch.get_rng_state()

    back = DEQ.load(tmp_path / "one")
    back.save(tmp_path / "two")

    X = _draw(3, 4).to(dtype)
    assert torch.equal(state, torch.get_rng_state())
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert repr(net) == repr(back)
    assert repr(net) == f"DEQ(m=5, d=3, activation=leaky-relu, kink=0.1, readout={readout})"
    assert torch.equal(net(X), back(X))
    assert net(X).shape == ((4,) if readout else (5, 4))
    assert [n for n, _ in back.named_parameters()] == ["W", "U", "a"][: 3 if readout else 2]
    assert all(p.requires_grad for p in back.parameters())


def test_the_state_dictionary_moves_between_layers():
    """
    state_dict and load_state_dict carry a network over.
    """
    net, other = DEQ(5, 3), DEQ(5, 3)

    other.load_state_dict(net.state_dict())

    assert list(net.state_dict()) == ["W", "U", "a"]
    assert torch.equal(net(_draw(3, 4)), other(_draw(3, 4)))


def test_a_file_of_anything_else_is_refused(tmp_path):
    """
    Text, foreign safetensors and parameters that do not fit together are no layers.
    """
    from safetensors.torch import save_file

    path, about = tmp_path / "file", {"deqaudit.DEQ": '{"activation": "relu", "kink": 0.0}'}
    W, U = torch.zeros(2, 2, dtype=F64), torch.zeros(2, 3, dtype=F64)
    path.write_text("nothing")
    with pytest.raises(ValueError, match="is not a saved DEQ"):
        DEQ.load(path)
    bad = [
        ({"W": W, "U": U}, None),
        ({"W": U, "U": U}, about),
        ({"W": W}, about),
        ({"W": W, "U": W[0]}, about),
    ]
    bad += [({"W": W.float(), "U": U}, about), ({"W": W, "U": U, "b": W}, about)]
    bad += [
        ({"W": W, "U": U}, {"deqaudit.DEQ": text})
        for text in ("[", "[]", '{"activation": "rleu", "kink": 0}')
    ]
    for tensors, metadata in bad:
        save_file({k: v.clone() for k, v in tensors.items()}, path, metadata)
        with pytest.raises(ValueError, match="is not a saved DEQ"):
            DEQ.load(path)


def test_saving_without_safetensors_says_what_to_install(tmp_path, monkeypatch):
    """
    The optional package is named where it is missing.
    """
    monkeypatch.setitem(sys.modules, "safetensors", None)

    with pytest.raises(ImportError, match=r"pip install 'deqaudit\[safetensors\]'"):
        DEQ(2, 2).save(tmp_path / "file")


@pytest.mark.parametrize(
    "options", [{"activation": "rleu"}, {"m": 0}, {"d": 0}, {"dtype": torch.float16}, {"kink": float("inf")}]
)
def test_a_layer_that_cannot_be_is_refused(options):
    """
    Sizes, types and activations are checked when the layer is made.
    """
    with pytest.raises(ValueError, match=r"unknown activation|are needed|cannot have"):
        DEQ(**({"m": 2, "d": 2} | options))


@pytest.mark.parametrize("options", [{"tolerance": 1e-3}, {"f_solver": "anderson"}, {"bias": True}])
def test_options_that_do_not_exist_are_refused(options, tmp_path):
    """
    Nothing is swallowed, neither when a layer is made nor when it is called, saved or read.
    """
    net = DEQ(2, 2)
    net.save(tmp_path / "file")

    with pytest.raises(TypeError, match="unexpected keyword"):
        DEQ(2, 2, **options)
    with pytest.raises(TypeError, match="unexpected keyword"):
        net(torch.zeros(2, 1, dtype=F64), **options)
    with pytest.raises(TypeError, match="unexpected keyword"):
        net.save(tmp_path / "other", **options)
    with pytest.raises(TypeError, match="unexpected keyword"):
        DEQ.load(tmp_path / "file", **options)


@pytest.mark.parametrize("X", [torch.zeros(2, 1), torch.zeros(3, 1, dtype=F64), torch.zeros(2, dtype=F64)])
def test_samples_that_do_not_fit_are_refused(X):
    """
    Samples of another dimension, rank or type raise.
    """
    with pytest.raises(ValueError, match=r"it must be \(2, n\) or \(B, 2, n\), torch.float64"):
        DEQ(2, 2)(X)
