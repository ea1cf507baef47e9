"""The driver of searches beside gradient descent as it is written down."""

import pytest
import torch
from stepwise_descent import stepwise_descent

from models.settings import Problem
from models.training import gradient_descent

NAMES = ("W", "U", "a", "T", "NTK", "yhat", "loss", "grad_norm")


def _eta(runs, value):
    return torch.full((runs,), value, dtype=torch.float64)


def _away(mine, other, run=slice(None)):
    """The largest difference of any quantity, relative to the largest entry."""
    found = 0.0
    for name in NAMES:
        x, y = mine.value(name)[run], other.value(name)[run]
        assert torch.equal(x.isnan(), y.isnan()), name
        found = max(found, float((x - y).nan_to_num().abs().max() / y.nan_to_num().abs().max().clamp(min=1)))
    return found


@pytest.mark.parametrize("activation", ["tanh", "relu", "softplus", "abs"])
@pytest.mark.parametrize(("m", "size"), [(1, 0.3), (6, 0.5), (20, 0.8)])
def test_it_goes_where_stepwise_descent_goes(deq_batch, activation, m, size):
    """
    At every step, for readouts and labels of very different sizes, all quantities agree to 1e-9.
    """
    problem, params = deq_batch(activation, runs=6, m=m, size=size, n=3)
    scale = torch.tensor([1e-5, 1e-3, 0.1, 1.0, 1.0, 0.0], dtype=torch.float64)
    params["a"] = params["a"] * scale[:, None]
    eta = _eta(6, 1e-3)

    pairs = zip(
        gradient_descent(problem, params, eta, 60), stepwise_descent(problem, params, eta, 60), strict=True
    )

    assert max(_away(mine, other) for mine, other in pairs) <= 1e-9


def test_the_implicit_network_with_a_skip_readout_goes_there_too():
    """
    Readout and skip readout are scaled together, which changes nothing.
    """
    generator = torch.Generator().manual_seed(1)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    params = {
        "A": draw(4, 6, 6) / 6, "W": draw(4, 6, 3), "u": 1e-4 * draw(4, 6), "v": draw(4, 6),
        "gamma": torch.full((4,), 0.3, dtype=torch.float64),
    }  # fmt: skip
    problem = Problem("implicit-skip", draw(4, 3, 5), draw(4, 5), "relu", 0.0, ("A", "W", "u", "v"))

    *_, mine = gradient_descent(problem, params, _eta(4, 0.01), 40)
    *_, other = stepwise_descent(problem, params, _eta(4, 0.01), 40)

    for name in ("A", "W", "u", "v", "Z", "NTK", "loss"):
        assert torch.allclose(mine.value(name), other.value(name), rtol=1e-9, atol=1e-12), name


def test_a_lost_run_does_not_disturb_the_others(deq_batch):
    """
    Where training blows up the run becomes NaN; the others keep the bits they have without it.
    """
    problem, params = deq_batch("relu", runs=4)
    calm, wild = _eta(4, 0.01), _eta(4, 0.01)
    wild[2] = 1e3

    with_it = list(gradient_descent(problem, params, wild, 30))
    without = list(gradient_descent(problem, params, calm, 30))

    rest = [0, 1, 3]
    assert with_it[-1].converged.tolist() == [True, True, False, True]
    assert with_it[-1].value("W")[2].isnan().all()
    for name in NAMES:
        assert torch.equal(with_it[-1].value(name)[rest], without[-1].value(name)[rest]), name


def test_a_run_whose_numbers_grow_is_followed(deq_batch):
    """
    Features that have grown a hundredfold ask for another tolerance, and the run goes on.
    """
    problem, params = deq_batch("relu", runs=3, size=0.2)
    problem = Problem("deq", problem.X, 1e4 * problem.y, "relu", 0.0, ("U",))
    eta = _eta(3, 2e-2)

    mine = list(gradient_descent(problem, params, eta, 40))
    other = list(stepwise_descent(problem, params, eta, 40))

    assert float(mine[-1].value("T").norm() / mine[0].value("T").norm()) > 100
    assert _away(mine[-1], other[-1]) <= 1e-9


def test_the_same_batch_gives_the_same_bits(deq_batch):
    """
    A walk repeated is the same walk.
    """
    problem, params = deq_batch("tanh", runs=5, size=0.9)

    first, second = (list(gradient_descent(problem, params, _eta(5, 0.02), 25))[-1] for _ in range(2))

    assert all(torch.equal(first.value(name), second.value(name)) for name in NAMES)
