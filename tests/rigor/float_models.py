"""Models in near floats beside the same models in balls, for the tests of the float engine."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from flint import arb, arb_mat, ctx, fmpq
from numpy.typing import NDArray

from checker.blas.matrix import FloatMatrix
from checker.enclosure import Enclosure, frobenius, matrix, to_arb
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


def model(
    W: Floats, U: Floats, X: Floats, activation: str, *, kink: fmpq | int = 0, seed: int = 0, unit: float = 1.0
) -> dict[str, Floats]:
    """The arrays of a model with drawn readout and labels; `unit` scales those two."""
    rng = np.random.default_rng(seed)
    m, n = W.shape[0], X.shape[1]
    return {"W": W, "U": U, "X": X, "a": unit * rng.standard_normal(m), "y": unit * rng.standard_normal(n)}


def drawn(m: int, n: int, d: int, seed: int, *, norm: float = 0.6, unit: float = 1.0) -> dict[str, Floats]:
    """A Gaussian model with |W|_2 about `norm`; `unit` scales inputs, readout and labels."""
    rng = np.random.default_rng([seed, m, n, d])
    W = rng.standard_normal((m, m))
    U = rng.standard_normal((m, d)) / np.sqrt(d)
    found = model(W * (norm / np.linalg.norm(W, 2)), U, unit * rng.standard_normal((d, n)), "", seed=seed)
    return found | {"a": unit * found["a"], "y": unit * found["y"]}


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
    arrays: Mapping[str, Floats], activation: str, slack: Mapping[str, float] | None = None, kink: fmpq | int = 0
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
