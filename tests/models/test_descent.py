"""Gradient descent in chunks: the same numbers as step by step, the same bits in any company."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from models.activations import ACTIVATIONS
from models.descent import Job, NotConverged, Record, descend, descend_all
from models.settings import MODELS, Problem
from models.training import gradient_descent
from models.trajectory import load_trajectory


def _eta(runs: int, size: float = 0.02) -> torch.Tensor:
    return size * (1 + torch.arange(runs, dtype=torch.float64) / runs)


def _stable(problem, params, share: float = 0.5) -> torch.Tensor:
    """Step sizes in units of the largest curvature at the start."""
    kernel = MODELS[problem.setting].estimate(problem, params).value("NTK")
    return share / torch.linalg.eigvalsh(kernel)[:, -1]


def _runs(problem, params, eta, rows):
    index = torch.as_tensor(rows)
    picked = Problem(
        problem.setting, problem.X[index], problem.y[index], problem.activation, problem.kink, problem.trains
    )
    return picked, {name: value[index] for name, value in params.items()}, eta[index]


def _same(a, b) -> bool:
    pairs = [(a.params[k], b.params[k]) for k in a.params] + [(a.values[k], b.values[k]) for k in a.values]
    return all(np.array_equal(x, y, equal_nan=True) for x, y in pairs)


@pytest.mark.parametrize("kink", [0.0, 0.5])
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_a_trajectory_is_that_of_steps_solved_to_rounding(deq_batch, activation, kink):
    """
    Parameters, losses and gradient norms agree with descent that solves every step afresh.
    """
    problem, params = deq_batch(activation, size=0.6 / ACTIVATIONS[activation].lipschitz, kink=kink)
    eta = _stable(problem, params)

    found = descend(problem, params, eta, 30, tolerance=1e-13, record=Record(every=10))
    states = list(gradient_descent(problem, params, eta, 30))

    assert found.steps.tolist() == [0, 10, 20, 30]
    assert found.finished.all()
    for row, tau in enumerate(found.steps):
        for name in ("loss", "residual", "grad_norm"):
            np.testing.assert_allclose(found.values[name][row], states[tau].value(name), rtol=1e-8)
        least = torch.linalg.eigvalsh(states[tau].value("G"))[:, 0]
        np.testing.assert_allclose(found.values["lambda_min"][row], least, atol=1e-10)
    for name, value in states[-1].params.items():
        np.testing.assert_allclose(found.params[name], value, atol=1e-10)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "softplus"])
@pytest.mark.parametrize("m", [5, 16, 33])
def test_a_run_has_the_same_bits_alone_permuted_and_in_a_batch(deq_batch, activation, m):
    """
    Neither the company nor the order of runs changes a bit of the parameters or of what is recorded.
    """
    problem, params = deq_batch(activation, runs=7, m=m, n=3, size=0.8)
    eta, order = _eta(7), [4, 0, 6, 2, 5, 1, 3]

    whole = descend(problem, params, eta, 25, record=Record())
    shuffled = descend(*_runs(problem, params, eta, order), 25, record=Record())

    for place, run in enumerate(order):
        alone = descend(*_runs(problem, params, eta, [run]), 25, record=Record())
        for name, value in alone.params.items():
            assert np.array_equal(value[0], whole.params[name][run]), name
            assert np.array_equal(value[0], shuffled.params[name][place]), name
        for name, value in alone.values.items():
            assert np.array_equal(value[:, 0], whole.values[name][:, run]), name
            assert np.array_equal(value[:, 0], shuffled.values[name][:, place]), name


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_jobs_of_different_sizes_go_through_together_without_a_changed_bit(deq_batch, activation):
    """
    Ragged jobs give what each gives by itself; runs that are filled up share chunks.
    """
    jobs = [
        Job(*deq_batch(activation, runs=runs, m=m, n=n, seed=seed), _eta(runs))
        for seed, (runs, m, n) in enumerate([(2, 6, 3), (3, 6, 8), (1, 9, 3), (2, 6, 5), (1, 6, 9)])
    ]

    together = descend_all(jobs, 15, record=Record(every=4))

    for job, found in zip(jobs, together, strict=True):
        assert _same(descend(job.problem, job.params, job.eta, 15, record=Record(every=4)), found)


def test_stragglers_do_not_change_the_others(deq_batch):
    """
    A run that needs many iterations, and goes on by itself, leaves the bits of the others alone.
    """
    problem, params = deq_batch("tanh", runs=6, m=8, size=0.4)
    slow = {name: value.clone() for name, value in params.items()}
    slow["W"][2] = 0.999 * torch.eye(8, dtype=torch.float64)

    quick = descend(problem, params, _eta(6), 10, record=Record())
    mixed = descend(problem, slow, _eta(6), 10, record=Record())

    others = [0, 1, 3, 4, 5]
    assert mixed.values["iterations"][0, 2] > 2 * quick.values["iterations"][0].max()
    assert all(np.array_equal(mixed.params[k][others], quick.params[k][others]) for k in params)


def test_the_modes_agree_to_the_tolerance(deq_batch):
    """
    Shared stops and starts without history give the same trajectory up to the solver's tolerance.
    """
    problem, params = deq_batch("tanh", runs=5, m=12)
    eta = _stable(problem, params)
    exact = descend(problem, params, eta, 40, tolerance=1e-13)

    for options in ({"reproducible": "shared"}, {"extrapolate": False}, {}):
        found = descend(problem, params, eta, 40, tolerance=1e-9, **options)
        for name in params:
            np.testing.assert_allclose(found.params[name], exact.params[name], atol=1e-8)


def test_extrapolation_saves_iterations(deq_batch):
    """
    Along a smooth trajectory the history replaces most of the iterations.
    """
    problem, params = deq_batch("tanh", runs=4, m=12, size=0.8)
    eta = _stable(problem, params, 0.1)
    warm = descend(problem, params, eta, 300, record=Record())
    cold = descend(problem, params, eta, 300, record=Record(), extrapolate=False)

    for name in ("iterations", "adjoint_iterations"):
        assert warm.values[name][-1].max() <= cold.values[name][-1].min() / 2


@pytest.mark.parametrize("activation", ["relu", "tanh", "softplus"])
def test_recorded_norms_and_distances_enclose_the_truth(deq_batch, activation):
    """
    Norms lie between the tracked and the proved value, the equilibrium within its bound.
    """
    problem, params = deq_batch(activation, m=14, d=11, size=0.8)
    eta = _stable(problem, params, 0.1)
    found = descend(problem, params, eta, 60, tolerance=1e-6, record=Record(bound_every=20))
    coarse = descend(problem, params, eta, 60, tolerance=1e-6)
    last = MODELS["deq"].estimate(problem, {k: torch.from_numpy(v) for k, v in coarse.params.items()})

    for name in ("W", "U"):
        true = np.linalg.svd(found.params[name], compute_uv=False)[:, 0]
        assert (found.values[f"norm2_{name}"][-1] <= true * (1 + 1e-13)).all()
        assert (found.values[f"norm2_{name}"][-1] >= true * (1 - 1e-4)).all()
        assert (found.values[f"norm2_{name}_upper"][-1] >= true).all()
        assert (found.values[f"norm2_{name}_upper"][0] <= true * 1.5).all()
    moved = sum(((found.params[k] - params[k].numpy()) ** 2).reshape(3, -1).sum(1) for k in params) ** 0.5
    np.testing.assert_allclose(found.values["distance"][-1], moved, rtol=1e-12)
    bound = found.values["error_bound"][-1]
    assert np.isfinite(bound).all()
    assert (bound < 1e-4).all()
    gap = np.abs(found.values["residual"][-1] - last.value("residual").numpy())
    assert (gap <= bound * np.linalg.norm(found.params["a"], axis=1) * (1 + 1e-9)).all()


def test_gradient_norms_survive_cancellation(deq_batch):
    """
    Where more samples than parameters leave a residual, the small gradient is still right.
    """
    problem, params = deq_batch("identity", m=2, d=2, n=30, trains=("a",))
    found = descend(problem, params, _eta(3, 0.01), 3000, record=Record(every=3000), tolerance=1e-13)
    state = MODELS["deq"].estimate(problem, {k: torch.from_numpy(v) for k, v in found.params.items()})

    assert (found.values["grad_norm"][-1] < 1e-3 * found.values["residual"][-1]).all()
    np.testing.assert_allclose(found.values["grad_norm"][-1], state.value("grad_norm"), rtol=1e-6, atol=1e-12)


def test_a_run_without_equilibrium_is_an_error_or_a_status(deq_batch):
    """
    By default it raises and names the run; kept, it is NaN from that step on and the others go on.
    """
    problem, params = deq_batch("relu", runs=3, m=6)
    broken = {name: value.clone() for name, value in params.items()}
    broken["W"][1] = 3 * torch.eye(6, dtype=torch.float64)
    broken["U"] = broken["U"].abs()
    problem = Problem("deq", problem.X.abs(), problem.y, "relu", 0.0, ("a", "W"))

    with pytest.raises(NotConverged, match="run 1 first, at step 0") as caught:
        descend(problem, broken, _eta(3), 5)
    found = descend(problem, broken, _eta(3), 5, unconverged="keep", record=Record())
    others = descend(*_runs(problem, broken, _eta(3), [0, 2]), 5, record=Record())

    assert caught.value.runs.tolist() == [1]
    assert found.lost_at.tolist() == [-1, 0, -1]
    assert np.isnan(found.params["a"][1]).all()
    assert np.isnan(found.values["loss"][:, 1]).all()
    assert all(np.array_equal(found.params[k][[0, 2]], others.params[k]) for k in others.params)


def test_the_step_at_which_a_run_stops_contracting_is_told(deq_batch):
    """
    `left_at` is the first recorded step at which the norm of W is seen to have reached 1/L.
    """
    problem, params = deq_batch("tanh", runs=2, m=6, size=0.97)
    problem = Problem("deq", problem.X, 30 * problem.y, "tanh", 0.0, ("W",))
    eta = torch.tensor([0.002, 1e-9], dtype=torch.float64)

    found = descend(problem, params, eta, 40, record=Record())

    norms = found.values["norm2_W"][:, 0]
    assert found.left_at[1] == -1
    assert found.left_at[0] == np.flatnonzero(norms >= 1)[0] > 0
    assert np.isinf(found.values["error_bound"][found.left_at[0], 0])


def test_what_picard_cannot_solve_newton_does(deq_batch):
    """
    At the edge of well-posedness the iteration is too slow, and the trajectory still right.
    """
    problem, params = deq_batch("tanh", runs=2, m=6, size=0.5)
    params["W"][0] = (1 - 1e-9) * torch.eye(6, dtype=torch.float64)
    found = descend(problem, params, _eta(2, 1e-3), 5, cap=20, tolerance=1e-11)
    *_, last = gradient_descent(problem, params, _eta(2, 1e-3), 5)

    for name in params:
        np.testing.assert_allclose(found.params[name], last.params[name], atol=1e-8)


def test_a_tolerance_below_rounding_is_refused(deq_batch):
    """
    The message says what to write, and that is accepted.
    """
    problem, params = deq_batch("tanh")
    with pytest.raises(ValueError, match=r"below what rounding allows here; write (\S+) or more") as caught:
        descend(problem, params, _eta(3), 3, tolerance=1e-17)

    least = float(str(caught.value).split("write ")[1].split(" ")[0])
    assert descend(problem, params, _eta(3), 3, tolerance=least).finished.all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reproducible": "yes"}, "reproducible is"),
        ({"unconverged": "ignore"}, "unconverged is"),
        ({"tolerance": 0.0}, "tolerance > 0"),
        ({"cap": 0}, "cap >= 1"),
    ],
)
def test_options_that_mean_nothing_are_refused(deq_batch, options, message):
    """
    No option is silently accepted.
    """
    with pytest.raises(ValueError, match=message):
        descend(*deq_batch(), _eta(3), 3, **options)
    with pytest.raises(TypeError):
        descend(*deq_batch(), _eta(3), 3, tolerence=1e-9)
    with pytest.raises(ValueError, match="accuracy is unknown"):
        Record(names=("accuracy",))


def test_problems_that_do_not_fit_are_refused(deq_batch):
    """
    Wrong types, step sizes and settings are named.
    """
    problem, params = deq_batch()
    with pytest.raises(ValueError, match="U: float64"):
        descend(problem, params | {"U": params["U"].float()}, _eta(3), 1)
    with pytest.raises(ValueError, match=r"eta \(2,\)"):
        descend(problem, params, _eta(2), 1)
    with pytest.raises(ValueError, match="least-squares cannot be trained here"):
        descend(Problem("least-squares", problem.X, problem.y), params, _eta(3), 1)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_interrupted_training_goes_on_to_the_same_bits(deq_batch, activation, tmp_path, monkeypatch):
    """
    After an interruption the same call ends with the bits of one that was never interrupted.
    """
    problem, params = deq_batch(activation, runs=5, m=8, size=0.8)
    params["W"][3] = 4 * torch.eye(8, dtype=torch.float64)
    options = {"record": Record(every=3, bound_every=4), "unconverged": "keep"}
    whole = descend(problem, params, _eta(5), 40, **options)
    kept = {"checkpoint": tmp_path / "kept", "checkpoint_every": 7}

    from models.core.descent import Chunk

    move, calls = Chunk.move, []

    def interrupted(self) -> None:
        calls.append(1)
        if len(calls) == 25:
            raise KeyboardInterrupt
        move(self)

    monkeypatch.setattr(Chunk, "move", interrupted)
    with pytest.raises(KeyboardInterrupt):
        descend(problem, params, _eta(5), 40, **options, **kept)
    resumed = descend(problem, params, _eta(5), 40, **options, **kept)

    assert len(calls) < 25 + 40
    assert _same(whole, resumed)
    assert np.array_equal(whole.lost_at, resumed.lost_at)
    with pytest.raises(ValueError, match="the checkpoint is of another run"):
        descend(problem, params, 2 * _eta(5), 40, **options, **kept)


def test_a_trajectory_is_saved_whole_and_without_pickle(deq_batch, tmp_path):
    """
    What is loaded is what was saved, equal runs give equal bytes, and other files are refused.
    """
    found = descend(*deq_batch(), _eta(3), 6, record=Record(every=2))
    found.save(tmp_path / "a.npz")
    descend(*deq_batch(), _eta(3), 6, record=Record(every=2)).save(tmp_path / "b.npz")
    loaded = load_trajectory(tmp_path / "a.npz")

    assert _same(found, loaded)
    assert np.array_equal(found.steps, loaded.steps)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]
    np.savez(tmp_path / "c.npz", steps=np.array([{}], dtype=object))
    (tmp_path / "d.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:200])
    for name in ("c.npz", "d.npz", "e.npz"):
        with pytest.raises(ValueError, match=name):
            load_trajectory(tmp_path / name)


def test_nothing_to_do_is_done():
    """
    No runs, and no steps.
    """
    empty = torch.zeros(0, 4, 4, dtype=torch.float64)
    problem = Problem("deq", torch.zeros(0, 2, 3).double(), torch.zeros(0, 3).double(), "tanh", 0.0, ("W",))
    params = {"W": empty, "U": torch.zeros(0, 4, 2).double(), "a": torch.zeros(0, 4).double()}

    found = descend(problem, params, torch.zeros(0).double(), 5, record=Record())

    assert found.params["W"].shape == (0, 4, 4)
    assert found.finished.shape == (0,)


def test_the_code_in_the_documentation_runs(tmp_path, monkeypatch):
    """
    docs/simulation.md shows a program that trains and leaves a file.
    """
    text = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    shorter = code.replace("steps=1000", "steps=20").replace("B, m, d, n = 100", "B, m, d, n = 3")
    assert shorter.count("20") and shorter != code
    monkeypatch.chdir(tmp_path)

    exec(compile(shorter, "simulation.md", "exec"), {})  # noqa: S102

    assert load_trajectory(tmp_path / "runs.npz").steps.tolist() == [0, 10, 20]
