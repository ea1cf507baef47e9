"""The kernels that solve each run on the device, in Triton's interpreter: it needs no GPU, only Triton."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from models.activations import ACTIVATIONS
from models.core.descent import Chunk, Options
from models.core.gpu import no_kernels
from models.descent import Record, descend
from models.equilibrium import solve_adjoint, solve_equilibrium
from models.settings import NETWORKS, Problem

pytest.importorskip("triton")
ROOT = Path(__file__).parents[2]
PHIS = ("relu", "leaky-relu", "abs", "identity", "tanh", "erf", "sin", "sigmoid", "swish")
TOLERANCE, CAP = 1e-11, 60


def _case(phi: str, runs: int, m: int, n: int, sizes: list[float]) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(len(phi))
    M = generator.standard_normal((runs, m, m))
    M *= np.reshape(sizes, (-1, 1, 1)) / np.linalg.norm(M, 2, axis=(1, 2), keepdims=True)
    M /= ACTIVATIONS[phi].lipschitz
    given = {"M": M, "C": generator.standard_normal((runs, m, n)), "a": generator.standard_normal((runs, m))}
    return given | {"phi": np.asarray(phi), "tolerance": np.asarray(TOLERANCE), "cap": np.asarray(CAP)}


def _cases() -> dict[str, dict[str, np.ndarray]]:
    cases = {phi: _case(phi, 2, 5, 3, [0.2, 0.8]) for phi in PHIS}
    cases["tiles"] = _case("tanh", 2, 18, 37, [0.3, 0.7])
    broken = _case("relu", 4, 4, 5, [0.4, 0.4, 0.4, 0.4])
    broken["M"][1] = 1.5 * np.eye(4)
    broken["C"] = np.abs(broken["C"])
    broken["M"][2, 0, 0] = np.nan
    cases["broken"] = broken
    cases["alone"] = {k: v[3:] if v.ndim else v for k, v in broken.items()}
    turned = dict(cases["tanh"])
    turned["M"] = np.ascontiguousarray(turned["M"].transpose(0, 2, 1)).transpose(0, 2, 1)
    cases["turned"] = turned
    numbers = np.concatenate([[0.0], np.logspace(-12, 2.9, 15), np.linspace(0.6, 0.65, 16)])
    for phi in PHIS:
        given = {"M": np.zeros((1, 8, 8)), "C": np.concatenate([numbers, -numbers]).reshape(1, 8, 8)}
        cases[f"{phi}-values"] = _case(phi, 1, 8, 8, [0.5]) | given
    return cases


def _training() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(5)
    W = generator.standard_normal((3, 5, 5))
    W *= 0.5 / np.linalg.norm(W, 2, axis=(1, 2), keepdims=True)
    W[1] = 1e9 * np.eye(5)  # no tanh network of this kind is solved by iteration
    given = {"X": generator.standard_normal((3, 2, 8)), "y": generator.standard_normal((3, 8)), "W": W}
    given |= {"U": generator.standard_normal((3, 5, 2)), "a": generator.standard_normal((3, 5))}
    return given | {"eta": np.full(3, 0.01), "phi": np.asarray("tanh"), "steps": np.asarray(14)}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What the interpreter makes of every case, in a process of its own."""
    folder = tmp_path_factory.mktemp("kernels")
    for name, given in {**_cases(), "descent": _training()}.items():
        np.savez(folder / f"{name}.npz", **given)
    environment = os.environ | {"TRITON_INTERPRET": "1", "TRITON_CACHE_DIR": str(folder / "cache")}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "tests.models.interpreted", str(folder)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {path.name.split(".")[0]: dict(np.load(path)) for path in folder.glob("*.found.npz")}


def _exact(given, rows=slice(None)) -> tuple[np.ndarray, np.ndarray]:
    M, C, a = (torch.from_numpy(np.array(given[name][rows])) for name in ("M", "C", "a"))
    activation = ACTIVATIONS[str(given["phi"])]
    T = solve_equilibrium(M, C, activation).value
    V = solve_adjoint(M, activation.dphi(torch.baddbmm(C, M, T), 0.0), a).value
    return T.numpy(), V.numpy()


@pytest.mark.parametrize("name", [*PHIS, "tiles", "turned"])
def test_the_kernels_find_what_the_reference_solver_finds(found, name):
    """
    Equilibria and adjoints agree; every last change is within the tolerance; runs differ in iterations.
    """
    T, V = _exact(_cases()[name])
    np.testing.assert_allclose(found[name]["T"], T, atol=1e-10)
    np.testing.assert_allclose(found[name]["V"], V, atol=1e-9)
    assert (found[name]["changes"] <= TOLERANCE).all()
    counts = found[name]["counts"]
    assert (counts > 4).all()
    assert (counts[:, 1] > counts[:, 0]).all()


@pytest.mark.parametrize("phi", PHIS)
def test_the_activations_are_right_to_four_roundings(found, phi):
    """
    Tiny, large and usual arguments: without coupling the equilibrium is phi of the injection.
    """
    C = torch.from_numpy(_cases()[f"{phi}-values"]["C"])
    expected = ACTIVATIONS[phi].phi(C).numpy()
    off = np.abs(found[f"{phi}-values"]["T"] - expected)
    assert (off <= 4 * 2.0**-53 * np.abs(expected)).all()


def test_the_change_is_that_of_the_last_iteration(found):
    """
    With a tolerance that plain iteration reaches in k steps, the kernel makes k.
    """
    given = _cases()["tanh"]
    M, C = (torch.from_numpy(given[name]) for name in ("M", "C"))
    state, count, changes = torch.zeros_like(C), 0, []
    while count < int(found["tanh"]["counts"][0].max()):
        before, state, count = state, torch.tanh(M @ state + C), count + 1
        changes.append(torch.linalg.matrix_norm(state - before))
    for run, count in enumerate(found["tanh"]["counts"][0]):
        assert changes[count - 1][run] <= TOLERANCE < changes[count - 2][run]
        np.testing.assert_allclose(found["tanh"]["changes"][0, run], changes[count - 1][run], rtol=1e-3)


def test_a_second_solve_looks_no_later_than_it_has_to(found):
    """
    Started at the solution with what it knows from the first time, a run still ends within the tolerance.
    """
    assert (found["tanh"]["second"] <= found["tanh"]["counts"][0]).all()
    np.testing.assert_allclose(found["tanh"]["again"], found["tanh"]["T"], atol=1e-10)


def test_runs_that_diverge_or_are_nan_say_so_and_leave_the_others_alone(found):
    """
    One run grows until the cap, one is NaN and stops at once, and the last has the bits it has alone.
    """
    changes, counts = found["broken"]["changes"], found["broken"]["counts"]
    assert changes[0, 1] > 1
    assert counts[0, 1] == CAP
    assert not np.isfinite(changes[0, 2])
    assert counts[0, 2] < CAP
    assert (changes[:, [0, 3]] <= TOLERANCE).all()
    for name in ("T", "V"):
        assert np.array_equal(found["broken"][name][3], found["alone"][name][0])


def test_training_with_kernels_agrees_with_that_of_chunks(found):
    """
    Parameters and recorded losses agree, most steps are replayed, a run without equilibrium is lost.
    """
    given = _training()
    X, y, eta, W, U, a = (torch.from_numpy(given[name]) for name in ("X", "y", "eta", "W", "U", "a"))
    problem = Problem("deq", X, y, "tanh", 0.0, ("W", "U", "a"))
    params, options = {"W": W, "U": U, "a": a}, {"record": Record(every=5), "unconverged": "keep"}
    expected = descend(problem, params, eta, 14, **options)

    assert found["descent"]["lost_at"].tolist() == expected.lost_at.tolist()
    for name in params:
        np.testing.assert_allclose(found["descent"][name], expected.params[name], atol=1e-9)
    np.testing.assert_allclose(found["descent"]["loss"], expected.values["loss"], rtol=1e-8)
    assert found["descent"]["replayed"].sum() >= 6
    assert len(set(found["descent"]["iterations"][-1].tolist())) > 1


@pytest.mark.parametrize("phi", ["tanh", ""])
def test_the_kernels_compile_to_float64_matrix_instructions(phi, tmp_path, monkeypatch):
    """
    For a GPU that need not be there: no float32 anywhere, and products by its matrix units.
    """
    from triton import compile as compiled
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from models.core.fused import _iterate

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    kinds = dict.fromkeys(("matrix", "source", "slope", "start", "out", "change_out", "limit"), "*fp64")
    kinds |= dict.fromkeys(("expected", "count_out"), "*i32")
    constants = {"PHI": phi, "FORWARD": phi != "", "ROWS": 64, "COLUMNS": 16}
    kinds |= dict.fromkeys(constants, "constexpr")
    source = ASTSource(_iterate, {name: kinds.get(name, "i32") for name in _iterate.arg_names}, constants)
    options = {"num_warps": 4, "enable_fp_fusion": True}
    made = compiled(source, target=GPUTarget("cuda", 90, 32), options=options).asm

    assert "f32" not in made["ttir"]
    assert re.search(r"mma\.sync\S*\.f64\.f64\.f64\.f64", made["ptx"])


def test_kernels_are_for_narrow_networks_of_known_activations(deq_batch):
    """
    What cannot be fused is named.
    """
    for phi, m, reason in (
        ("softplus", 6, "no kernel for softplus"),
        ("tanh", 65, "m = 65"),
        ("relu", 64, ""),
    ):
        problem, params = deq_batch(phi, m=m, n=8)
        chunk = Chunk(
            NETWORKS["deq"], ACTIVATIONS[phi], 0.0, problem.trains, params, (problem.X, problem.y, None),
            torch.ones(3, dtype=torch.float64), Options(1e-10, 100, False),
        )  # fmt: skip
        assert reason in no_kernels(chunk, 64)
        assert bool(reason) == bool(no_kernels(chunk, 64))
