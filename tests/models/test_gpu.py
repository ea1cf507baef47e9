"""Training on a GPU: what can be tested without one, by tensors that pretend, and what needs one."""

from importlib.util import find_spec

import numpy as np
import pytest
import torch

import models.descent
from models.activations import ACTIVATIONS
from models.core.descent import Chunk, Options
from models.core.gpu import (
    WrongArithmetic,
    check_float64,
    kernels_of,
    multiplies_float64,
    no_kernels,
    replay_for,
)
from models.core.gpu_steps import Steps
from models.core.graph import Graphs, Replay, plain
from models.descent import NotConverged, Record, descend
from models.settings import MODELS, NETWORKS, Problem
from tests.models.pretend import Elsewhere, there


def needs_gpu(test):
    """Marks a test that is skipped without a GPU; warnings of libraries on the way to it are no errors."""
    skip = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
    return skip(pytest.mark.filterwarnings("default::UserWarning")(test))


ENGINES = ["eager", "graph", "fused", "auto"]


def _eta(problem, params, share: float = 0.1) -> torch.Tensor:
    kernel = MODELS[problem.setting].estimate(problem, params).value("NTK")
    return share / torch.linalg.eigvalsh(kernel)[:, -1]


def _moved(problem, params, eta, to):
    X, y = to(problem.X), to(problem.y)
    there = Problem(problem.setting, X, y, problem.activation, problem.kink, problem.trains)
    return there, {name: to(value) for name, value in params.items()}, to(eta)


def _on_gpu(tensor):
    return tensor.to("cuda")


def _chunk(problem, params, eta) -> Chunk:
    return Chunk(
        NETWORKS["deq"], ACTIVATIONS[problem.activation], 0.0, problem.trains, params,
        (problem.X, problem.y, None), eta, Options(1e-10, 500, False),
    )  # fmt: skip


def _same(a, b) -> bool:
    pairs = [(a.params[k], b.params[k]) for k in a.params] + [(a.values[k], b.values[k]) for k in a.values]
    return all(np.array_equal(x, y, equal_nan=True) for x, y in pairs)


@pytest.mark.parametrize("activation", ["relu", "tanh", "elu"])
def test_the_core_never_mixes_devices(deq_batch, activation, tmp_path):
    """
    With tensors of a pretended device everything is computed there, recorded, kept and resumed, and the
    numbers are those of the CPU.
    """
    problem, params = deq_batch(activation, runs=5, m=6, n=5, size=0.8)
    params["W"][3] = 0.999 * torch.eye(6, dtype=torch.float64)
    if activation == "relu":
        params["W"][1] = 4 * torch.eye(6, dtype=torch.float64)
    eta = torch.full((5,), 0.01, dtype=torch.float64)
    options = {
        "record": Record(every=2, bound_every=2),
        "unconverged": "keep",
        "cap": 60,
    }  # of which run 3 needs more
    expected = descend(problem, params, eta, 6, **options)

    with Elsewhere():
        kept = {"checkpoint": tmp_path, "checkpoint_every": 4}
        found = descend(*_moved(problem, params, eta, there), 6, **options, **kept)
        again = descend(*_moved(problem, params, eta, there), 6, **options, **kept)

    assert _same(found, again)
    assert np.array_equal(found.lost_at, expected.lost_at)
    for name in params:
        np.testing.assert_allclose(found.params[name], expected.params[name], atol=1e-10)
    for name in ("loss", "grad_norm", "lambda_min", "norm2_W", "norm2_U_upper", "distance", "residual"):
        np.testing.assert_allclose(found.values[name], expected.values[name], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("record", [None, Record(every=20)], ids=["bare", "recorded"])
def test_replayed_steps_hardly_wait_for_the_device(deq_batch, monkeypatch, record):
    """
    On a pretended device they mix nothing either, and numbers are read far less often than at every step.
    """
    problem, params = deq_batch("tanh", runs=3, m=8, n=8)
    eta = _eta(problem, params)
    expected = descend(problem, params, eta, 100, record=record)
    monkeypatch.setattr(models.descent, "replay_for", lambda chunk, engine: Replay(chunk, plain))

    with Elsewhere():
        before = Elsewhere.waits
        found = descend(*_moved(problem, params, eta, there), 100, record=record)
        waits = Elsewhere.waits - before

    for name in params:
        np.testing.assert_allclose(found.params[name], expected.params[name], atol=1e-9)
    assert waits < (100 if record is None else 250), waits


def test_engines_that_cannot_be_had_are_refused(deq_batch):
    """
    Unknown names, and on the CPU what needs a GPU; the others are the same there.
    """
    problem, params = deq_batch("tanh", m=6)
    eta = _eta(problem, params)
    with pytest.raises(ValueError, match="engine is one of auto, eager, graph, fused"):
        descend(problem, params, eta, 1, engine="gpu")
    for engine in ("graph", "fused"):
        with pytest.raises(ValueError, match=f'engine="{engine}" needs CUDA tensors'):
            descend(problem, params, eta, 1, engine=engine)
    assert _same(descend(problem, params, eta, 9, engine="eager"), descend(problem, params, eta, 9))
    with pytest.raises(ValueError, match="engine is one of"):
        replay_for(_chunk(problem, params, eta), "gpu")


def test_emulated_float64_is_refused(monkeypatch):
    """
    Where the environment asks for it, and where products show it.
    """
    check_float64(torch.device("cpu"))
    check_float64.cache_clear()
    monkeypatch.setenv("CUBLAS_EMULATE_DOUBLE_PRECISION", "1")
    with pytest.raises(WrongArithmetic, match="unset it"):
        check_float64(torch.device("cpu"))

    def fixed_point(a, b):
        unit = a.abs().amax(-1, keepdim=True) * 2.0**-62
        return ((a / unit).round() * unit) @ b

    def pieces(a, b):
        high = a.to(torch.float32).to(torch.float64)
        rest = (a - high).to(torch.float32).to(torch.float64) * (high.abs() > 2.0**-60)
        return (high + rest) @ b

    cpu = torch.device("cpu")
    assert multiplies_float64(torch.matmul, 64, 16, cpu)
    assert not multiplies_float64(fixed_point, 64, 16, cpu)
    assert not multiplies_float64(pieces, 64, 16, cpu)
    assert not multiplies_float64(lambda a, b: (a.float() @ b.float()).double(), 64, 16, cpu)


@needs_gpu
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "activation", ["relu", "tanh", "erf", "sin", "sigmoid", "leaky-relu", "abs", "swish"]
)
def test_gpu_and_cpu_agree(deq_batch, activation, engine):
    """
    Parameters to 1e-9; at the start, where both have the same, residuals within the certified bounds.
    """
    if engine == "fused" and find_spec("triton") is None:
        pytest.skip("Triton is not installed")
    sizes = ((5, 3), (16, 8), (33, 21), (64, 16)) if activation in ("relu", "tanh") else ((5, 19),)
    for m, n in sizes:
        problem, params = deq_batch(
            activation, runs=4, m=m, n=n, size=0.5 / ACTIVATIONS[activation].lipschitz
        )
        eta = _eta(problem, params)
        expected = descend(problem, params, eta, 60, record=Record(every=7), tolerance=1e-11)

        moved = _moved(problem, params, eta, _on_gpu)
        found = descend(*moved, 60, record=Record(every=7), tolerance=1e-11, engine=engine)

        for name in params:
            np.testing.assert_allclose(found.params[name], expected.params[name], atol=1e-9)
        for name in ("loss", "grad_norm", "lambda_min", "norm2_W", "distance"):
            np.testing.assert_allclose(found.values[name], expected.values[name], rtol=1e-7, atol=1e-9)
        bounds = found.values["error_bound"][0] + expected.values["error_bound"][0]
        apart = np.abs(found.values["residual"][0] - expected.values["residual"][0])
        assert (apart <= bounds * np.linalg.norm(params["a"], axis=1) + 1e-14).all()


@needs_gpu
@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_on_the_gpu_is_the_same_alone_and_in_a_batch_to_the_tolerance(deq_batch, engine):
    """
    And the same call gives the same bits.
    """
    problem, params = deq_batch("tanh", runs=9, m=24, n=12, size=0.7)
    eta = _eta(problem, params)
    moved = _moved(problem, params, eta, _on_gpu)
    whole = descend(*moved, 80, record=Record(every=10), engine=engine)
    again = descend(*moved, 80, record=Record(every=10), engine=engine)
    for run in (0, 5):
        index = slice(run, run + 1)
        one = Problem("deq", problem.X[index], problem.y[index], "tanh", 0.0, problem.trains)
        alone = _moved(one, {name: value[index] for name, value in params.items()}, eta[index], _on_gpu)
        found = descend(*alone, 80, engine=engine)
        for name in params:
            np.testing.assert_allclose(found.params[name][0], whole.params[name][run], atol=1e-9)

    assert _same(whole, again)


@needs_gpu
@pytest.mark.parametrize("engine", ENGINES)
def test_runs_without_equilibrium_are_lost_on_the_gpu_too(deq_batch, engine):
    """
    At the same step, and the others agree with the CPU.
    """
    problem, params = deq_batch("relu", runs=3, m=6, n=8)
    y = problem.y.clone()
    y[1] += 60
    problem = Problem("deq", problem.X.abs(), y, "relu", 0.0, ("W",))
    params |= {"U": params["U"].abs(), "a": params["a"].abs()}
    eta = _eta(problem, params, 0.01)
    expected = descend(problem, params, eta, 60, unconverged="keep")

    moved = _moved(problem, params, eta, _on_gpu)
    found = descend(*moved, 60, unconverged="keep", engine=engine)
    with pytest.raises(NotConverged, match="run 1 first"):
        descend(*moved, 60, engine=engine)

    assert found.lost_at.tolist() == expected.lost_at.tolist()
    for name in params:
        np.testing.assert_allclose(found.params[name], expected.params[name], atol=1e-9)


@needs_gpu
@pytest.mark.parametrize("kernels", [False, True])
def test_a_graph_whose_solves_miss_moves_nothing(deq_batch, kernels):
    """
    Captured and replayed, it leaves every bit of the parameters.
    """
    problem, params = deq_batch("tanh", runs=3, m=8, n=8, size=0.9)
    chunk = _chunk(*_moved(problem, params, _eta(problem, params), _on_gpu))
    for _ in range(5):
        chunk.solve()
        chunk.move()
    if kernels:
        if no_kernels(chunk, 64):
            pytest.skip(no_kernels(chunk, 64))
        chunk.params["W"][1] = 100 * torch.eye(8, dtype=torch.float64)
        chunk.params["W"][1, 0, 1] = torch.nan
    before = {name: value.clone() for name, value in chunk.params.items()}
    work = Steps(chunk, kernels_of(chunk) if kernels else None)
    work.load()
    work.halt()
    repeat = Graphs(chunk.y.device)(lambda: work.step((2, 30)))
    work.begin()
    for _ in range(3):
        repeat()

    assert int(work.made) == 0
    assert all(torch.equal(v.nan_to_num(7), before[k].nan_to_num(7)) for k, v in chunk.params.items())


@needs_gpu
def test_the_gpu_multiplies_in_float64():
    """
    No emulation, at the sizes that are tried.
    """
    check_float64.cache_clear()
    check_float64(torch.device("cuda"))
