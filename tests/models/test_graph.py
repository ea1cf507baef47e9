"""Replayed steps, here without a GPU: what is replayed are the same operations, one by one."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import models.descent
from models.activations import ACTIVATIONS
from models.core.descent import Chunk, Options
from models.core.gpu_steps import Ring, Steps
from models.core.graph import Replay, plain
from models.core.history import extrapolated
from models.descent import NotConverged, Record, descend
from models.settings import MODELS, NETWORKS, Problem

FOUND = ("loss", "residual", "grad_norm", "lambda_min", "distance", "norm2_W")


@pytest.fixture
def replayed(monkeypatch):
    """Makes `descend` replay, and lists what replayed."""
    made: list[Replay] = []

    def replay(chunk, engine):
        assert engine == "auto"
        made.append(Replay(chunk, plain))
        return made[-1]

    def start():
        monkeypatch.setattr(models.descent, "replay_for", replay)
        return made

    return start


def _eta(problem, params, share: float = 0.1) -> torch.Tensor:
    kernel = MODELS[problem.setting].estimate(problem, params).value("NTK")
    return share / torch.linalg.eigvalsh(kernel)[:, -1]


def _chunk(problem, params, eta, tolerance: float = 1e-10) -> Chunk:
    return Chunk(
        NETWORKS[problem.setting], ACTIVATIONS[problem.activation], problem.kink, problem.trains, params,
        (problem.X, problem.y, None), eta, Options(tolerance, 500, False),
    )  # fmt: skip


def _went(chunk: Chunk, steps: int) -> Chunk:
    for _ in range(steps):
        chunk.solve()
        chunk.move()
    return chunk


def _skip_batch(runs: int = 3, m: int = 9, d: int = 4, n: int = 8):
    generator = torch.Generator().manual_seed(3)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(runs, *shape, generator=generator, dtype=torch.float64)

    params = {"A": draw(m, m), "W": draw(m, d), "u": draw(m), "v": draw(m)}
    params["gamma"] = torch.tensor([0.2, 0.3, 0.1], dtype=torch.float64)
    return Problem("implicit-skip", draw(d, n), draw(n), "relu", 0.0, ("A", "W", "u", "v")), params


def _agree(found, expected) -> None:
    assert found.values.keys() == expected.values.keys()
    for name, value in expected.params.items():
        np.testing.assert_allclose(found.params[name], value, atol=1e-9)
    for name in set(FOUND) & expected.values.keys():
        np.testing.assert_allclose(found.values[name], expected.values[name], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("record", [None, Record(every=7)], ids=["bare", "recorded"])
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "leaky-relu"])
def test_replayed_descent_agrees_with_that_of_chunks(deq_batch, replayed, activation, record):
    """
    The same parameters to 1e-9, the same recorded quantities, and nearly all steps are replayed.
    """
    problem, params = deq_batch(activation, runs=4, m=9, n=6, size=0.4 / ACTIVATIONS[activation].lipschitz)
    eta = _eta(problem, params)
    expected = descend(problem, params, eta, 60, record=record)

    made = replayed()
    found = descend(problem, params, eta, 60, record=record)

    _agree(found, expected)
    assert made[0].replayed >= 40
    if record:
        assert (found.values["change"] <= 1e-10).all()
        assert np.isfinite(found.values["error_bound"]).all()
        assert (found.values["iterations"] >= 1).all()


@pytest.mark.parametrize("record", [None, Record()], ids=["bare", "recorded"])
def test_networks_with_a_skip_readout_are_replayed(replayed, record):
    """
    A coupling that is a multiple of a parameter, a second readout, and a parameter that is not trained.
    """
    problem, params = _skip_batch()
    eta = _eta(problem, params)
    expected = descend(problem, params, eta, 40, record=record)

    made = replayed()
    found = descend(problem, params, eta, 40, record=record)

    _agree(found, expected)
    assert np.array_equal(found.params["gamma"], params["gamma"])
    assert made[0].made  # steps or solves were repeated


def test_without_extrapolation_every_solve_starts_anew(deq_batch, replayed):
    """
    extrapolate=False is what it says also where steps are replayed.
    """
    problem, params = deq_batch("tanh", runs=2, m=8, n=8)
    eta = _eta(problem, params)
    expected = descend(problem, params, eta, 30, extrapolate=False)

    made = replayed()
    found = descend(problem, params, eta, 30, extrapolate=False)

    _agree(found, expected)
    assert made[0].replayed >= 20
    assert min(made[0].counts) > 8


def test_a_step_that_misses_the_tolerance_moves_nothing(deq_batch):
    """
    Neither that step nor those after it change a bit of the parameters or of the history.
    """
    problem, params = deq_batch("tanh", runs=3, m=8, n=8, size=0.9)
    chunk = _went(_chunk(problem, params, _eta(problem, params)), 5)
    work = Steps(chunk)
    work.load()
    before = {name: value.clone() for name, value in chunk.params.items()}
    history = [ring.values() for ring in work.rings]

    work.begin()
    for _ in range(3):
        work.step((2, 30))

    assert int(work.made) == 0
    assert (work.changes[0] > 1e-10).any()
    assert all(torch.equal(value, before[name]) for name, value in chunk.params.items())
    for ring, kept in zip(work.rings, history, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(ring.values(), kept, strict=True))

    work.begin()
    work.step((40, 40))
    assert int(work.made) == 1
    assert not any(torch.equal(value, before[name]) for name, value in chunk.params.items())
    assert all(
        torch.equal(now[1], kept[0])
        for now, kept in zip((r.values() for r in work.rings), history, strict=True)
    )


@pytest.mark.parametrize("where", ["W", "a"])
def test_a_solve_that_is_not_finite_moves_nothing(deq_batch, where):
    """
    NaN in one run, in the equilibrium or only in the adjoint, leaves every run as it is.
    """
    problem, params = deq_batch("relu", runs=3, m=8, n=8)
    chunk = _went(_chunk(problem, params, _eta(problem, params)), 3)
    chunk.params[where][1].fill_(torch.nan)
    before = {name: value.clone() for name, value in chunk.params.items()}
    work = Steps(chunk)
    work.load()
    work.begin()
    work.step((30, 30))

    assert int(work.made) == 0
    assert all(torch.equal(v.nan_to_num(7), before[k].nan_to_num(7)) for k, v in chunk.params.items())
    assert all(bool(torch.isfinite(ring.slots).all()) for ring in work.rings)


@pytest.mark.parametrize("points", [0, 1, 2, 4])
def test_a_ring_predicts_what_the_history_does(points):
    """
    Loaded, pushed and refused solutions give the start that the eager core extrapolates.
    """
    generator = torch.Generator().manual_seed(1)
    values = [torch.randn(2, 3, 4, generator=generator, dtype=torch.float64) for _ in range(9)]
    held = max(points, 1)
    ring = Ring(points, values[0])
    ring.load(list(reversed(values[:4])))
    for go, value in zip([True, False, True, True, True], values[4:], strict=True):
        ring.push(value, torch.tensor(go))
    kept = [values[k] for k in (8, 7, 6, 4, 3)][:held]
    out, expected = torch.empty_like(values[0]), torch.zeros_like(values[0])
    if points:
        extrapolated(kept, points - 1, expected)
    ring.predict(out)

    assert all(torch.equal(a, b) for a, b in zip(ring.values(), kept, strict=True))
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-13)


def test_runs_without_equilibrium_end_as_they_do_in_chunks(deq_batch, replayed):
    """
    An error that names run and step, or a status; the others go on and are replayed.
    """
    problem, params = deq_batch("relu", runs=3, m=6, n=8)
    params["W"][1] = 3 * torch.eye(6, dtype=torch.float64)
    problem = Problem("deq", problem.X.abs(), problem.y, "relu", 0.0, ("a", "W"))
    params["U"] = params["U"].abs()
    eta = torch.full((3,), 0.01, dtype=torch.float64)
    expected = descend(problem, params, eta, 30, unconverged="keep", record=Record(every=5))

    made = replayed()
    with pytest.raises(NotConverged, match="run 1 first, at step 0"):
        descend(problem, params, eta, 30)
    found = descend(problem, params, eta, 30, unconverged="keep", record=Record(every=5))

    assert found.lost_at.tolist() == expected.lost_at.tolist() == [-1, 0, -1]
    _agree(found, expected)
    assert made[-1].replayed >= 15


def test_a_run_that_is_lost_on_the_way_is_lost_at_the_same_step(deq_batch, replayed):
    """
    Training that makes a network lose its equilibrium is noticed at the step at which it happens.
    """
    problem, params = deq_batch("relu", runs=3, m=6, n=8)
    y = problem.y.clone()
    y[1] += 60
    problem = Problem("deq", problem.X.abs(), y, "relu", 0.0, ("W",))
    params |= {"U": params["U"].abs(), "a": params["a"].abs()}
    eta = 0.1 * _eta(problem, params)
    expected = descend(problem, params, eta, 60, unconverged="keep")

    replayed()
    found = descend(problem, params, eta, 60, unconverged="keep")

    assert 0 < expected.lost_at[1] < 60
    assert found.lost_at.tolist() == expected.lost_at.tolist()
    _agree(found, expected)


def test_what_iteration_cannot_solve_is_left_to_the_chunk(deq_batch, replayed):
    """
    Where Newton's method is needed no step is replayed, and the trajectory is right.
    """
    problem, params = deq_batch("tanh", runs=2, m=6, n=8)
    params["W"][0] = (1 - 1e-9) * torch.eye(6, dtype=torch.float64)
    eta = torch.full((2,), 1e-3, dtype=torch.float64)
    expected = descend(problem, params, eta, 12, cap=20, tolerance=1e-11)

    made = replayed()
    found = descend(problem, params, eta, 12, cap=20, tolerance=1e-11)

    for name in params:
        np.testing.assert_allclose(found.params[name], expected.params[name], atol=1e-7)
    assert made[0].failures > 0


def test_replayed_training_goes_on_after_an_interruption(deq_batch, replayed, tmp_path, monkeypatch):
    """
    What is kept on the way is a chunk's state at its step: going on from it ends where no stop would have.
    """
    problem, params = deq_batch("tanh", runs=3, m=8, n=8)
    eta = _eta(problem, params)
    whole = descend(problem, params, eta, 60, record=Record(every=20))
    made = replayed()
    steps, options = Replay.steps, {"checkpoint": tmp_path / "kept", "checkpoint_every": 16}

    def interrupted(self, most: int) -> int:
        if self.replayed > 40:
            raise KeyboardInterrupt
        return steps(self, most)

    monkeypatch.setattr(Replay, "steps", interrupted)
    with pytest.raises(KeyboardInterrupt):
        descend(problem, params, eta, 60, record=Record(every=20), **options)
    monkeypatch.setattr(Replay, "steps", steps)
    found = descend(problem, params, eta, 60, record=Record(every=20), **options)

    _agree(found, whole)
    assert made[-1].replayed < 40


def test_ragged_runs_are_replayed_with_their_weights(deq_batch, replayed):
    """
    Columns that fill up a run move nothing.
    """
    problem, params = deq_batch("tanh", runs=3, m=7, n=5)
    eta = _eta(problem, params)
    expected = descend(problem, params, eta, 40, record=Record(every=10))

    replayed()
    _agree(descend(problem, params, eta, 40, record=Record(every=10)), expected)


def test_what_is_not_finite_is_never_replayed(deq_batch):
    """
    With an infinite input, products with zero would not be zero: such chunks go by themselves.
    """
    problem, params = deq_batch("tanh", runs=2, m=6, n=8)
    problem.X[0, 0, 0] = torch.inf
    chunk = _chunk(problem, params, torch.ones(2, dtype=torch.float64))
    replay = Replay(chunk, plain)
    chunk.solve()

    assert not replay.able
    assert replay.steps(5) == 0


class _OnDevice(TorchDispatchMode):
    """Refuses tensors of the CPU: what reads them cannot be captured."""

    seen = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        found = [value for value in (*args, out) if isinstance(value, torch.Tensor)]
        assert all(value.device.type == "meta" for value in found), func
        type(self).seen += 1
        return out


@pytest.mark.parametrize("kink", [0.0, 0.5])
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_a_step_asks_the_device_nothing(activation, kink):
    """
    With tensors on a device from which no number can be read a whole step goes through, and no operation
    takes a tensor from anywhere else: it can be captured.
    """
    draw = [torch.empty(s, dtype=torch.float64, device="meta") for s in ((2, 8, 8), (2, 8, 3), (2, 8))]
    X, y, eta = (torch.empty(s, dtype=torch.float64, device="meta") for s in ((2, 3, 8), (2, 8), (2,)))
    problem = Problem("deq", X, y, activation, kink, ("W", "U", "a"))
    work = Steps(_chunk(problem, dict(zip("WUa", draw, strict=True)), eta))
    before = _OnDevice.seen
    with _OnDevice():
        work.begin()
        work.step((4, 3))
    assert _OnDevice.seen > before + 40


def test_a_step_of_a_skip_network_asks_the_device_nothing():
    """
    The same for the other setting.
    """
    problem, params = _skip_batch()
    moved = {name: torch.empty_like(value, device="meta") for name, value in params.items()}
    X, y = (torch.empty_like(t, device="meta") for t in (problem.X, problem.y))
    eta = torch.empty(3, dtype=torch.float64, device="meta")
    work = Steps(_chunk(Problem("implicit-skip", X, y, "relu", 0.0, problem.trains), moved, eta))
    before = _OnDevice.seen
    with _OnDevice():
        work.begin()
        work.step((4, 3))
    assert _OnDevice.seen > before + 40
