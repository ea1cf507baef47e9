"""Models in near floats beside the same models in balls, for the tests of the float engine."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from flint import arb, arb_mat, ctx, fmpq
from numpy.typing import NDArray

from checker.activations import BALL_ACTIVATIONS
from checker.blas.layer import Layer
from checker.blas.matrix import FloatMatrix
from checker.enclosure import Enclosure, columns_of, frobenius, matrix, to_arb
from checker.settings import Instance

Floats = NDArray[np.float64]

NAMES = (
    "T",
    "preactivation",
    "yhat",
    "G",
    "NTK",
    "grad_W",
    "grad_U",
    "grad_a",
    "grad_norm",
    "loss",
    "residual",
    "gap",
    "loss_star",
)
"""What the float engine encloses besides its inputs."""


def drawn(m: int, n: int, d: int, seed: int, *, norm: float = 0.6, unit: float = 1.0) -> dict[str, Floats]:
    """A Gaussian model with |W|_2 about `norm`; `unit` scales inputs, readout and labels."""
    rng = np.random.default_rng([seed, m, n, d])
    W = rng.standard_normal((m, m))
    return {
        "W": W * (norm / np.linalg.norm(W, 2)),
        "U": rng.standard_normal((m, d)) / np.sqrt(d),
        "X": unit * rng.standard_normal((d, n)),
        "a": unit * rng.standard_normal(m),
        "y": unit * rng.standard_normal(n),
    }


def in_balls(arrays: Mapping[str, Floats], activation: str, kink: fmpq | int = 0) -> Instance:
    """The exact model of these floats."""
    (m, d), n = arrays["U"].shape, arrays["X"].shape[1]
    return Instance(
        sizes={"n": n, "d": d, "m": m},
        X=matrix(arrays["X"]),
        y=matrix(arrays["y"]),
        params={name: matrix(arrays[name]) for name in ("W", "U", "a")},
        activation=activation,
        kink=fmpq(kink),
        trains=("W", "U", "a"),
    )


def in_floats(
    arrays: Mapping[str, Floats],
    activation: str,
    slack: Mapping[str, float] | None = None,
    kink: fmpq | int = 0,
) -> Instance:
    """The same model in near floats, each array known up to its slack (0 where none is named)."""
    near = {
        name: FloatMatrix(array.reshape(len(array), -1), (slack or {}).get(name, 0.0))
        for name, array in arrays.items()
    }
    exact = in_balls(arrays, activation, kink)
    return replace(exact, X=near["X"], y=near["y"], params={name: near[name] for name in ("W", "U", "a")})


def moved(
    arrays: Mapping[str, Floats], activation: str, slack: Mapping[str, float], seed: int, kink: fmpq | int = 0
) -> Instance:
    """An exact model within the slacks: each array moved by nearly its slack, in a drawn direction.

    Odd seeds put all of it into one entry, even ones spread it.
    """
    rng = np.random.default_rng(seed)
    exact = in_balls(arrays, activation, kink)
    found: dict[str, arb_mat] = {"X": exact.X, "y": exact.y, **exact.params}
    for name, most in slack.items():
        array = arrays[name].reshape(len(arrays[name]), -1)
        direction = rng.standard_normal(array.shape)
        if seed % 2:
            direction = np.where(rng.permutation(array.size).reshape(array.shape) == 0, direction, 0.0)
        length = np.linalg.norm(direction)
        found[name] = found[name] + matrix(direction * (most * (1 - 1e-9) / length if length else 0.0))
    return replace(exact, X=found["X"], y=found["y"], params={name: found[name] for name in ("W", "U", "a")})


def holds(found: Enclosure, truth: Enclosure) -> bool:
    """May both enclose the same matrix or number? With a truth far narrower this is containment."""
    with ctx.workprec(500):
        if isinstance(found, FloatMatrix):
            assert isinstance(truth, arb_mat)
            assert (found.nrows(), found.ncols()) == (truth.nrows(), truth.ncols())
            return not frobenius(matrix(found.mid) - truth.mid()) > arb(found.slack) + _spread(truth)
        assert not isinstance(truth, arb_mat)
        assert isinstance(found, arb | fmpq)
        return bool(to_arb(found).overlaps(to_arb(truth)))


def _spread(truth: arb_mat) -> arb:
    """How far the truth may be from its middle."""
    radii = [entry.rad() for entry in truth.entries()]
    return frobenius(arb_mat(truth.nrows(), truth.ncols(), radii)).upper()


def layer_of(instance: Instance) -> Layer:
    """The layer of a model in near floats."""
    params = instance.params
    return Layer(BALL_ACTIVATIONS[str(instance.activation)], params["W"], params["U"], instance.X)


def lipschitz(name: str) -> float:
    """To nearest."""
    return float(to_arb(BALL_ACTIVATIONS[name].lipschitz()).mid())


def reference(instance: Instance, j: int, start: Floats) -> tuple[arb_mat, arb_mat, arb_mat]:
    """Equilibrium, preactivation and adjoint of sample j by Newton steps at 300 bits; not a proof."""
    activation = BALL_ACTIVATIONS[str(instance.activation)]
    W, a, kink = instance.params["W"], instance.params["a"], instance.kink
    m = W.nrows()
    u, t = columns_of(instance.params["U"] * instance.X)[j], matrix(start)
    for _ in range(9):
        z = W * t + u
        D = [activation.dphi(x, kink) for x in z.entries()]
        J = arb_mat(m, m, [int(i == c) - D[i] * W[i, c] for i in range(m) for c in range(m)])
        t = (t - J.solve(t - arb_mat(m, 1, [activation.phi(x) for x in z.entries()]))).mid()
    turned = arb_mat(m, m, [int(i == c) - D[i] * W[c, i] for i in range(m) for c in range(m)])
    return t, W * t + u, turned.solve(arb_mat(m, 1, [D[i] * a[i, 0] for i in range(m)])).mid()


def certainly_beyond(found: Floats, truth: arb_mat, bound: float) -> bool:
    """Is the truth farther from a column of floats than the bound?"""
    return bool(frobenius(matrix(found.copy()) - truth) > arb(bound) + arb(2) ** -200)
