"""Newton-Kantorovich balls: an equilibrium beyond every condition on W, unique near the floats only."""

from dataclasses import replace

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from float_models import certainly_beyond, drawn, in_floats, layer_of, lipschitz, moved, reference

from checker.activations import BALL_ACTIVATIONS
from checker.blas import local
from checker.blas.adjoint import enclosed_adjoint, float_adjoint
from checker.blas.equilibrium import float_equilibrium, locally_enclosed, slopes
from checker.blas.layer import Layer
from checker.blas.matrix import FloatMatrix
from checker.blas.uniqueness import contraction
from checker.enclosure import matrix
from checker.errors import NotEnclosed

NAMES = sorted(BALL_ACTIVATIONS)
NONE: dict[str, float] = {}


@pytest.mark.parametrize("slack", [NONE, {"W": 1e-8, "U": 1e-7, "X": 1e-7, "a": 1e-7}])
@pytest.mark.parametrize("name", NAMES)
def test_newton_kantorovich_balls_hold_an_equilibrium(name: str, slack: dict[str, float]) -> None:
    """
    Beyond the contraction threshold each ball holds the equilibrium near the floats, and says only locally.
    """
    held = 0
    with ctx.workprec(300):
        for seed in range(12):
            m = (1, 2, 5, 12)[seed % 4]
            arrays = drawn(m, 2, 3, seed, norm=1.6 / lipschitz(name))
            instance = in_floats(arrays, name, slack)
            layer, a = layer_of(instance), instance.params["a"]
            try:
                found, proof = locally_enclosed(layer, float_equilibrium(layer))
            except NotEnclosed:
                continue
            held += 1
            assert found.unique == "locally"
            assert slack or proof.radii.max() < 1e-10 * max(1.0, np.abs(found.T).max())
            D = slopes(layer, found.at, found.zeros, fmpq(0))
            V = enclosed_adjoint(layer, D, a, float_adjoint(layer, D, a), proof)
            truth = moved(arrays, name, slack, seed)
            for j in range(2):
                t, z, v = reference(truth, j, found.T[:, j])
                off = t - matrix(found.T[:, j].copy())
                assert not any(abs(x) > arb(proof.radii[j]) for x in off.entries())
                assert not certainly_beyond(found.at.Z[:, j], z, found.at.norms[j])
                if not any(j == sample for _, sample in D.open):
                    assert not certainly_beyond(V.V[:, j], v, V.errors[j])
    assert held >= 4


def test_both_of_two_equilibria_have_their_balls() -> None:
    """
    t = tanh(2 t) has three equilibria: the outer two lie in disjoint balls, and no global proof is found.
    """
    layer = Layer(
        BALL_ACTIVATIONS["tanh"],
        FloatMatrix(2 * np.eye(1)),
        FloatMatrix(np.eye(1)),
        FloatMatrix(np.zeros((1, 1))),
    )

    balls = [locally_enclosed(layer, np.array([[sign * 0.9575040240772687]])) for sign in (-1, 1)]

    assert contraction(layer.W, layer.activation) is None
    for (found, proof), sign in zip(balls, (-1, 1), strict=True):
        assert found.T[0, 0] == sign * 0.9575040240772687
        assert 0 < proof.radii[0] < 1e-14
    with pytest.raises(NotEnclosed):
        locally_enclosed(layer, np.array([[0.5]]))


def test_balls_are_refused_where_newton_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Singular, too wide and unsettled systems, and floats far from any equilibrium, raise NotEnclosed.
    """
    arrays = drawn(4, 1, 2, 15)
    layer = layer_of(in_floats(arrays, "tanh"))
    T = float_equilibrium(layer)
    wide = Layer(
        layer.activation, FloatMatrix(np.zeros((1025, 1025))), FloatMatrix(np.zeros((1025, 2))), layer.X
    )
    identity = replace(layer, activation=BALL_ACTIVATIONS["identity"], W=FloatMatrix(np.eye(4)))

    with pytest.raises(NotEnclosed, match="too wide"):
        locally_enclosed(wide, np.zeros((1025, 1)))
    with pytest.raises(NotEnclosed, match="singular"):
        locally_enclosed(identity, T)
    for far in (T + 10.0, np.full((4, 1), 1e308), np.full((4, 1), np.nan)):
        with pytest.raises(NotEnclosed):
            locally_enclosed(layer, far)
    assert locally_enclosed(layer, T + 1e-3)[0].errors.max() > 1e-3
    monkeypatch.setattr(local, "_TRIALS", 1)
    with pytest.raises(NotEnclosed, match="no ball"):
        locally_enclosed(layer, T + 1e-3)
