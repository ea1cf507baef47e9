"""Hessian-vector products and tangent kernels of batches: each run's own, parts, refusals."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.derivatives import hvp, ntk, predictions
from models.implicit import NotConverged
from models.settings import MODELS, Problem


@pytest.fixture
def skip_batch():
    """Two runs of implicit-skip that contract."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    A, gamma = draw(2, 5, 5), torch.full((2,), 0.2, dtype=torch.float64)
    params = {"A": A, "W": draw(2, 5, 3), "u": draw(2, 5), "v": draw(2, 5), "gamma": gamma}
    return Problem("implicit-skip", draw(2, 3, 4), draw(2, 4), "relu", 0.0, ("A", "W", "u", "v")), params


def _ones(problem, params):
    return {name: torch.ones_like(params[name]) for name in problem.trains}


def test_every_run_has_its_own_derivatives(deq_batch):
    """
    Products and kernels of a run do not depend on the batch-mates.
    """
    problem, params = deq_batch("gelu", runs=3)
    whole, kernel = hvp(problem, params, _ones(problem, params)), ntk(problem, params)

    for run in range(3):
        one = Problem("deq", problem.X[[run]], problem.y[[run]], "gelu", 0.0, problem.trains)
        mine = {name: value[[run]] for name, value in params.items()}
        for name, value in hvp(one, mine, _ones(one, mine)).items():
            torch.testing.assert_close(value[0], whole[name][run], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(ntk(one, mine).whole[0], kernel.whole[run], rtol=1e-12, atol=1e-12)


def test_the_hessian_is_symmetric(skip_batch):
    """
    <v, H w> = <w, H v> for every run, also where only a part is trained.
    """
    problem, params = skip_batch
    for trains in (("A", "W", "u", "v"), ("A", "v"), ("W",)):
        part = replace(problem, trains=trains)
        v = _ones(part, params)
        w = {name: torch.sin(torch.arange(x.numel()).double()).reshape(x.shape) for name, x in v.items()}
        Hv, Hw = hvp(part, params, v), hvp(part, params, w)
        sums = [sum((a[k] * b[k]).flatten(1).sum(1) for k in trains) for a, b in ((w, Hv), (v, Hw))]
        torch.testing.assert_close(*sums, rtol=1e-11, atol=1e-11)


def test_the_kernel_has_the_parts_that_are_trained(deq_batch):
    """
    Readout and hidden weights each give their part, and what is not trained gives 0.
    """
    problem, params = deq_batch("tanh")
    whole = ntk(problem, params)
    readout = ntk(replace(problem, trains=("a",)), params)
    hidden = ntk(replace(problem, trains=("U", "W")), params)

    assert torch.equal(whole.readout, readout.whole)
    assert torch.equal(whole.hidden, hidden.whole)
    assert (readout.hidden == 0).all()
    assert (hidden.readout == 0).all()
    assert (ntk(replace(problem, trains=()), params).whole == 0).all()
    expected = MODELS["deq"].estimate(problem, params).value("NTK")
    torch.testing.assert_close(whole.whole, expected, rtol=1e-13, atol=1e-13)


def test_nothing_trained_has_no_product_and_no_graph_is_left(deq_batch):
    """
    Products come without a graph, inside no_grad too, and leave the arguments as they were.
    """
    problem, params = deq_batch("tanh")

    assert hvp(replace(problem, trains=()), params, {}) == {}
    with torch.no_grad():
        product = hvp(problem, params, _ones(problem, params))
    assert not any(value.requires_grad for value in (*product.values(), *params.values()))
    assert not predictions(problem, params).requires_grad


def test_a_run_without_an_equilibrium_raises_and_is_named(deq_batch):
    """
    Both say which run it was.
    """
    problem, params = deq_batch("relu")
    params["W"][1] = 3 * torch.eye(6, dtype=torch.float64)
    params["U"], problem = params["U"].abs(), replace(problem, X=problem.X.abs())

    for function in (lambda: ntk(problem, params), lambda: hvp(problem, params, _ones(problem, params))):
        with pytest.raises(NotConverged) as caught:
            function()
        assert caught.value.runs == (1,)


def test_what_does_not_fit_is_refused(deq_batch, skip_batch):
    """
    Vectors of other names or shapes, other settings, activations and parameters are named.
    """
    problem, params = deq_batch()
    with pytest.raises(ValueError, match="the vector has"):
        hvp(problem, params, {"W": params["W"]})
    with pytest.raises(ValueError, match="the vector has"):
        hvp(problem, params, params | {"a": params["a"][:, 1:]})
    with pytest.raises(
        ValueError, match="least-squares has no implicit derivatives; known: deq, implicit-skip"
    ):
        ntk(Problem("least-squares", problem.X, problem.y), params)
    with pytest.raises(ValueError, match="deq trains some of W, U, a"):
        ntk(replace(problem, trains=("b",)), params)
    problem, params = skip_batch
    with pytest.raises(ValueError, match="implicit-skip has the activation relu, not tanh"):
        ntk(replace(problem, activation="tanh"), params)
    with pytest.raises(ValueError, match="implicit-skip trains some of A, W, u, v"):
        hvp(replace(problem, trains=("gamma",)), params, {"gamma": params["gamma"]})


def test_the_code_in_the_documentation_runs():
    """
    docs/derivatives.md shows a program.
    """
    text = (Path(__file__).parents[2] / "docs" / "derivatives.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    names: dict[str, object] = {}

    exec(compile(code, "derivatives.md", "exec"), names)  # noqa: S102

    assert (torch.as_tensor(names["least"]) > 0).all()
