"""Equilibria and adjoints of float layers: how far they are from the true ones."""

from dataclasses import replace

import numpy as np
import pytest
from flint import arb, arb_mat, ctx, fmpq
from float_models import Floats, certainly_beyond, drawn, in_floats, layer_of, lipschitz, moved, reference

from checker.activations import BALL_ACTIVATIONS
from checker.blas import layer as layers
from checker.blas.adjoint import enclosed_adjoint, float_adjoint
from checker.blas.equilibrium import enclosed, float_equilibrium, slopes
from checker.blas.layer import preactivation
from checker.blas.matrix import FloatMatrix
from checker.blas.uniqueness import BANACH, MONOTONE, PERRON, contraction
from checker.enclosure import frobenius, matrix
from checker.errors import NotEnclosed
from tests.benchmarks import equilibrium as benchmark

SMOOTH = sorted(name for name, phi in BALL_ACTIVATIONS.items() if not phi.has_kink)
NONE: dict[str, float] = {}


def graded(m: int, seed: int) -> Floats:
    """W with |W| of spectral radius about 0.6 and |W|_2 far above 1: only weights make it a contraction."""
    rng = np.random.default_rng(seed)
    sizes, units = rng.random((m, m)), 10.0 ** rng.uniform(-1, 1, m)
    return np.sign(rng.standard_normal((m, m))) * sizes * (0.6 / sizes.sum(axis=1) * units)[:, None] / units


def skewed(m: int, seed: int) -> Floats:
    """W with I - W strongly monotone and |W|_2 far above 1."""
    rng = np.random.default_rng(seed)
    S, P = rng.standard_normal((m, m)), rng.standard_normal((m, m)) / np.sqrt(m)
    return 0.7 * np.eye(m) - P.T @ P + 0.3 * (S - S.T)


ROUTES = [
    ("banach", "tanh", lambda m, s: drawn(m, 1, 1, s, norm=0.95)["W"], BANACH),
    ("banach", "relu", lambda m, s: drawn(m, 1, 1, s, norm=0.95)["W"], BANACH),
    ("perron", "relu", graded, PERRON),
    ("perron", "gelu", graded, PERRON),
    ("perron", "abs", graded, PERRON),
    ("monotone", "tanh", skewed, MONOTONE),
    ("monotone", "softplus", skewed, MONOTONE),
    ("monotone", "leaky-relu", skewed, MONOTONE),
]


@pytest.mark.parametrize("slack", [NONE, {"W": 1e-6, "U": 1e-6, "X": 1e-6, "a": 1e-6}])
@pytest.mark.parametrize("m", [3, 12, 40])
@pytest.mark.parametrize(("route", "name", "make", "reason"), ROUTES)
def test_every_route_encloses_the_equilibrium(route, name, make, reason, m, slack) -> None:
    """
    Each proof of uniqueness gives bounds of T, the preactivation and V that hold for all parameters meant.
    """
    arrays = drawn(m, 2, 3, 1) | {"W": np.asarray(make(m, 5))}
    instance = in_floats(arrays, name, slack)
    layer = layer_of(instance)
    proof = contraction(layer.W, layer.activation)
    assert proof is not None
    assert reason == proof.reason

    found = enclosed(layer, float_equilibrium(layer), proof)
    D = slopes(layer, found.at, found.zeros, fmpq(0))
    a = instance.params["a"]
    V = enclosed_adjoint(layer, D, a, float_adjoint(layer, D, a), proof)

    assert (found.unique, found.reason) == ("globally", reason)
    assert slack or found.errors.max() < 1e-8 * np.abs(found.T).max()
    open_samples = {j for _, j in D.open}
    with ctx.workprec(300):
        for seed in range(4):
            truth = moved(arrays, name, slack, seed)
            for j in range(2):
                t, z, v = reference(truth, j, found.T[:, j])
                assert not certainly_beyond(found.T[:, j], t, found.errors[j])
                assert not certainly_beyond(found.at.Z[:, j], z, found.at.norms[j])
                off = [abs(x - arb(y)) for x, y in zip(z.entries(), found.at.Z[:, j].tolist(), strict=True)]
                assert not any(x > arb(y) for x, y in zip(off, found.at.errors[:, j].tolist(), strict=True))
                if j not in open_samples:
                    assert not certainly_beyond(V.V[:, j], v, V.errors[j])


@pytest.mark.parametrize("name", ["tanh", "relu"])
def test_floats_far_from_the_equilibrium_get_a_bound_that_says_so(name: str) -> None:
    """
    Any floats may be given: the bound covers the distance to the true equilibrium.
    """
    arrays = drawn(6, 2, 2, 10)
    layer = layer_of(in_floats(arrays, name))
    proof = contraction(layer.W, layer.activation)
    assert proof is not None
    T = float_equilibrium(layer)

    found = enclosed(layer, T + 0.25, proof)

    assert (np.linalg.norm(np.full((6, 2), 0.25), axis=0) <= found.errors).all()
    assert (found.errors < 5).all()


def test_what_is_not_finite_is_refused() -> None:
    """
    Overflowing preactivations, NaN among the floats and solvers that diverge raise NotEnclosed.
    """
    arrays = drawn(3, 2, 2, 11)
    layer = layer_of(in_floats(arrays, "relu"))
    proof = contraction(layer.W, layer.activation)
    assert proof is not None
    huge = replace(layer, U=FloatMatrix(arrays["U"] * 1e300), X=FloatMatrix(arrays["X"] * 1e300))

    for T in (np.full((3, 2), np.nan), np.full((3, 2), 1e308)):
        with pytest.raises(NotEnclosed):
            enclosed(layer, T, proof)
    with pytest.raises(NotEnclosed, match="beyond float64"):
        float_equilibrium(huge)
    with pytest.raises(NotEnclosed):
        enclosed(huge, np.zeros((3, 2)), proof)
    with pytest.raises(NotEnclosed, match="did not reach"):
        float_equilibrium(replace(layer, W=FloatMatrix(3 * np.eye(3)), U=FloatMatrix(np.ones((3, 2)))))
    with pytest.raises(NotEnclosed, match="no finite enclosure"):
        D = slopes(layer, preactivation(layer, np.zeros((3, 2))), np.zeros((3, 2), dtype=np.bool_), fmpq(0))
        enclosed_adjoint(layer, D, FloatMatrix(np.ones((3, 1))), np.full((3, 2), 1e308), proof)


def test_nothing_is_claimed_where_the_self_test_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Products that cannot be trusted leave no proof and no preactivation.
    """
    layer = layer_of(in_floats(drawn(3, 2, 2, 12), "relu"))
    monkeypatch.setattr(layers, "trusted", lambda: False)

    with pytest.raises(NotEnclosed, match="self-test"):
        contraction(layer.W, layer.activation)
    with pytest.raises(NotEnclosed, match="self-test"):
        preactivation(layer, np.zeros((3, 2)))


@pytest.mark.parametrize("m", [16, 256])
def test_rounding_alone_is_within_the_bound(m: int) -> None:
    """
    The float preactivations differ from exact products by no more than their bounds, entry by entry.
    """
    arrays = drawn(m, 2, 7, 13)
    arrays["W"] *= 10.0 ** np.random.default_rng(1).integers(-8, 8, (m, 1))
    layer = layer_of(in_floats(arrays, "identity"))
    T = np.random.default_rng(2).standard_normal((m, 2)) * 1e5

    found = preactivation(layer, T)

    with ctx.workprec(400):
        exact = (matrix(arrays["W"]) * matrix(T) + matrix(arrays["U"]) * matrix(arrays["X"])).entries()
        off = [abs(x - arb(y)) for x, y in zip(exact, found.Z.ravel().tolist(), strict=True)]
        assert all(x <= arb(y) for x, y in zip(off, found.errors.ravel().tolist(), strict=True))
        assert any(x > 0 for x in off)
        for j in range(2):
            truth = arb_mat(m, 1, exact[j::2])
            assert frobenius(truth - matrix(found.Z[:, j].copy())) <= arb(float(found.norms[j]))


@pytest.mark.parametrize("name", SMOOTH)
def test_uncertain_slopes_widen_the_adjoint(name: str) -> None:
    """
    Slopes known to 1e-4 give an adjoint whose bound covers every D within that, and is not empty of meaning.
    """
    arrays = drawn(8, 2, 3, 14, norm=0.5 / lipschitz(name))
    instance = in_floats(arrays, name)
    layer, a = layer_of(instance), instance.params["a"]
    proof = contraction(layer.W, layer.activation)
    assert proof is not None
    found = enclosed(layer, float_equilibrium(layer), proof)
    D = slopes(layer, found.at, found.zeros, fmpq(0))
    wide = replace(D, errors=D.errors + 1e-4)

    V = enclosed_adjoint(layer, wide, a, float_adjoint(layer, D, a), proof)

    rng = np.random.default_rng(0)
    for _ in range(5):
        other = np.clip(D.floats + rng.uniform(-1e-4, 1e-4, D.floats.shape), None, lipschitz(name))
        exact = np.stack(
            [
                np.linalg.solve(np.eye(8) - np.diag(other[:, j]) @ arrays["W"].T, other[:, j] * arrays["a"])
                for j in range(2)
            ],
            axis=1,
        )
        assert (np.linalg.norm(exact - V.V, axis=0) < V.errors + 1e-12).all()
    assert (V.errors < 0.1).all()


def test_an_adjoint_that_floats_cannot_solve_is_refused() -> None:
    """
    A singular adjoint equation raises NotEnclosed.
    """
    arrays = drawn(4, 1, 2, 16) | {"W": np.eye(4)}
    layer = layer_of(in_floats(arrays, "identity"))
    D = slopes(layer, preactivation(layer, np.zeros((4, 1))), np.zeros((4, 1), dtype=np.bool_), fmpq(0))

    with pytest.raises(NotEnclosed, match="did not reach an adjoint"):
        float_adjoint(layer, D, FloatMatrix(np.ones((4, 1))))


def test_the_rate_of_a_slope_that_jumps_is_infinite() -> None:
    """
    L_dphi is inf for relu, and at least that of tanh for tanh.
    """
    assert layer_of(in_floats(drawn(2, 1, 1, 18), "relu")).steepness == np.inf
    assert 0.7698 < layer_of(in_floats(drawn(2, 1, 1, 18), "tanh")).steepness < 0.76981


def test_the_benchmark_measures_an_enclosed_model() -> None:
    """
    A small round of the benchmark gives narrow bounds, no open sign and every time it names.
    """
    row = benchmark.measured("tanh", 24, 3, repeats=2)

    assert (row.activation, row.m, row.n, row.repeats, row.open_signs) == ("tanh", 24, 3, 2, 0)
    assert 0 < row.error < 1e-12
    assert 0 < row.adjoint_error < 1e-11
    assert 0 < row.gradient_error < 1e-10
    assert row.ratio == row.enclose / row.solve
