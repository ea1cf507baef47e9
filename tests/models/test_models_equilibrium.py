"""The fixed-point solvers: accurate, independent of the batch, honest about failure."""

import math

import pytest
import torch

from models.activations import ACTIVATIONS
from models.equilibrium import solve_adjoint, solve_equilibrium


def _one(*rows):
    return torch.tensor([rows], dtype=torch.float64)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("size", [0.0, 0.5, 0.99])
def test_the_equilibrium_is_reached_to_rounding_level(deq_batch, name, size):
    """
    A contraction is solved, and its solution is a fixed point up to rounding.
    """
    problem, params = deq_batch(name, size=size / ACTIVATIONS[name].lipschitz)
    source = params["U"] @ problem.X

    found = solve_equilibrium(params["W"], source, ACTIVATIONS[name])

    again = ACTIVATIONS[name].phi(params["W"] @ found.value + source)
    assert found.converged.all()
    assert (again - found.value).abs().max() < 1e-14


def test_a_run_alone_is_the_same_run_in_a_batch(deq_batch):
    """
    Slow and fast batch-mates do not change a run.
    """
    problem, params = deq_batch("tanh", runs=4, n=3)
    scale = torch.tensor([0.1, 1.0, 1.9, 3.0], dtype=torch.float64)[:, None, None]
    W, source = params["W"] * scale, params["U"] @ problem.X
    tanh = ACTIVATIONS["tanh"]

    together = solve_equilibrium(W, source, tanh)
    alone = [solve_equilibrium(W[k : k + 1], source[k : k + 1], tanh) for k in range(4)]

    assert torch.allclose(together.value, torch.cat([s.value for s in alone]), rtol=1e-12, atol=1e-12)
    assert together.iterations.tolist() == [int(s.iterations) for s in alone]
    assert together.converged.all()


@pytest.mark.parametrize("start", [None, 0.0, 1e6])
def test_a_map_without_an_equilibrium_is_not_converged(start):
    """
    z = relu(1.01 z + 1) has no solution, and none is reported.
    """
    begin = None if start is None else torch.full((1, 1, 1), start, dtype=torch.float64)

    found = solve_equilibrium(_one([1.01]), _one([1.0]), ACTIVATIONS["relu"], start=begin)

    assert found.converged.tolist() == [False]
    assert found.value.isnan().all()
    assert not found.residual.item() <= 1e-10


@pytest.mark.parametrize("slope", [1.0, 1.0 - 1e-9])
def test_a_solution_out_of_reach_is_not_invented(slope):
    """
    z = relu(z + 1) has no solution; with slope 1 - 1e-9 it is 1e9, and nothing else is accepted.
    """
    found = solve_equilibrium(_one([slope]), _one([1.0]), ACTIVATIONS["relu"])

    assert found.converged.item() is (slope < 1)
    if slope < 1:
        assert found.value.item() == pytest.approx(1e9, rel=1e-6)


def test_an_equilibrium_that_picard_cycles_around_is_found():
    """
    z = relu(1 - 2 z) is solved by 1/3 although the iteration alternates between 0 and 1.
    """
    found = solve_equilibrium(_one([-2.0]), _one([1.0]), ACTIVATIONS["relu"])

    assert found.converged.item()
    assert found.value.item() == pytest.approx(1 / 3, abs=1e-15)


def test_runs_that_are_not_finite_do_not_disturb_the_others(deq_batch):
    """
    NaN and infinite parameters give unconverged runs; their neighbours stay as they were.
    """
    problem, params = deq_batch("elu", runs=4)
    source, elu = params["U"] @ problem.X, ACTIVATIONS["elu"]
    W = params["W"].clone()
    W[1, 0, 0], source[2, 0, 0] = math.nan, math.inf
    whole = solve_equilibrium(params["W"], params["U"] @ problem.X, elu)

    found = solve_equilibrium(W, source, elu)

    assert found.converged.tolist() == [True, False, False, True]
    assert found.value[1:3].isnan().all()
    assert torch.equal(whole.value[[0, 3]], found.value[[0, 3]])


def test_a_poisoned_start_is_forgotten(deq_batch):
    """
    A warm start of NaN costs nothing but the warmth.
    """
    problem, params = deq_batch("sin")
    source = params["U"] @ problem.X

    cold = solve_equilibrium(params["W"], source, ACTIVATIONS["sin"])
    warm = solve_equilibrium(params["W"], source, ACTIVATIONS["sin"], start=torch.full_like(source, math.nan))

    assert torch.equal(cold.value, warm.value)


@pytest.mark.parametrize("m", [6, 40])
def test_the_adjoint_solves_its_linear_system(deq_batch, m):
    """
    v = D (I - W' D)^{-1} a for narrow and wide layers, as a dense inverse gives it.
    """
    _, params = deq_batch("tanh", m=m, size=0.9)
    W, a = params["W"], params["a"]
    D = torch.rand(3, m, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    found = solve_adjoint(W, D, a)

    eye = torch.eye(m, dtype=torch.float64)
    for j in range(5):
        inverse = torch.linalg.inv(eye - W.mT * D[:, None, :, j])
        expected = D[:, :, j] * (inverse @ a[:, :, None])[:, :, 0]
        assert torch.allclose(expected, found.value[:, :, j], rtol=1e-12, atol=1e-13)
    assert found.converged.all()


@pytest.mark.parametrize("m", [1, 40])
def test_a_singular_adjoint_is_not_converged(m):
    """
    W' D = I has no adjoint solution, and none is reported.
    """
    eye = torch.eye(m, dtype=torch.float64)[None]

    found = solve_adjoint(
        eye, torch.ones(1, m, 2, dtype=torch.float64), torch.ones(1, m, dtype=torch.float64)
    )

    assert found.converged.tolist() == [False]
    assert found.value.isnan().all()


def test_a_zero_readout_has_a_zero_adjoint(deq_batch):
    """
    With a = 0 the adjoint is 0, exactly.
    """
    _, params = deq_batch("tanh")

    found = solve_adjoint(params["W"], torch.ones(3, 6, 5, dtype=torch.float64), 0 * params["a"])

    assert found.converged.all()
    assert (found.value == 0).all()


@pytest.mark.parametrize("m", [6, 40])
def test_an_adjoint_has_a_source_for_every_column_or_one_for_all(deq_batch, m):
    """
    V = D o (G + W'V) for any G, and a source without columns is one that is repeated.
    """
    _, params = deq_batch("tanh", m=m, size=0.9)
    W, a = params["W"], params["a"]
    generator = torch.Generator().manual_seed(1)
    D, G = (torch.rand(3, m, 5, generator=generator, dtype=torch.float64) for _ in range(2))

    found = solve_adjoint(W, D, G)
    same = solve_adjoint(W, D, a)
    repeated = solve_adjoint(W, D, a.unsqueeze(-1).expand(3, m, 5))

    assert found.converged.all()
    assert torch.allclose(D * (G + W.mT @ found.value), found.value, rtol=1e-13, atol=1e-13)
    assert torch.equal(same.value, repeated.value)


@pytest.mark.parametrize("m", [3, 40])
def test_an_adjoint_that_rounding_alone_makes_regular_is_not_converged(m):
    """
    W with the eigenvalue 1, turned: I - W' is singular, though not in floating point.
    """
    Q = torch.linalg.qr(torch.randn(m, m, generator=torch.Generator().manual_seed(0), dtype=torch.float64))[0]
    W = (Q @ torch.diag(torch.linspace(0.1, 1.0, m, dtype=torch.float64)) @ Q.mT).expand(2, m, m).clone()
    W[1] *= 0.5

    found = solve_adjoint(W, torch.ones(2, m, 1, dtype=torch.float64), torch.ones(2, m, dtype=torch.float64))

    assert found.converged.tolist() == [False, True]
    assert found.value[0].isnan().all()
