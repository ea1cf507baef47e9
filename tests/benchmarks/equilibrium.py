"""Equilibria: what certainty costs beside the float solve of the same model, at default threads.

The float solve runs to rounding level; the enclosures take its result. Times are medians of interleaved
repeats, in seconds; errors are bounds, relative to the Frobenius norm.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import TypeVar

import numpy as np
from flint import fmpq

from checker.activations import BALL_ACTIVATIONS
from checker.blas import extremes
from checker.blas.adjoint import Adjoint, enclosed_adjoint, float_adjoint, weighted
from checker.blas.columns import vector_norm
from checker.blas.equilibrium import Enclosed, enclosed, float_equilibrium, slopes
from checker.blas.layer import Layer
from checker.blas.matrix import FloatMatrix
from checker.blas.uniqueness import contraction

SIZES = ((256, 50), (1024, 200), (2048, 500))
QUICK = ((256, 50),)
INPUTS = 64
V = TypeVar("V")


@dataclass(frozen=True)
class Row:
    """One model. Every field but the first four is a time in seconds, a relative bound or a count.

    `solve` and `adjoint_solve` are float iterations; `norm` proves the contraction, `enclose` bounds T and
    the signs, `gram` bounds lambda_min(T'T), `adjoint` and `gradients` bound V and the gradient by W.
    `ratio` is enclose/solve, `whole_ratio` (norm + enclose)/solve.
    """

    activation: str
    m: int
    n: int
    repeats: int
    solve: float
    norm: float
    enclose: float
    ratio: float
    whole_ratio: float
    gram: float
    adjoint_solve: float
    adjoint: float
    gradients: float
    error: float
    adjoint_error: float
    gradient_error: float
    open_signs: int


class _Stopwatch:
    """Times by name."""

    def __init__(self) -> None:
        self.seen: dict[str, list[float]] = {}

    def run(self, name: str, work: Callable[[], V]) -> V:
        start = perf_counter()
        found = work()
        self.seen.setdefault(name, []).append(perf_counter() - start)
        return found

    def median(self, name: str) -> float:
        return median(self.seen[name])


def gaussian_layer(activation: str, m: int, n: int, norm: float = 0.8, seed: int = 0) -> Layer:
    """A Gaussian layer with |W|_2 about `norm` and unit Gaussian inputs."""
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((m, m)) * (norm / (2 * np.sqrt(m)))
    U = rng.standard_normal((m, INPUTS)) / np.sqrt(INPUTS)
    X = rng.standard_normal((INPUTS, n))
    return Layer(BALL_ACTIVATIONS[activation], FloatMatrix(W), FloatMatrix(U), FloatMatrix(X))


def rows(*, quick: bool = False) -> list[Row]:
    """All models; `quick` takes the smallest."""
    return [
        measured(activation, m, n, repeats=3 if m > 1000 else 5)
        for m, n in (QUICK if quick else SIZES)
        for activation in ("relu", "tanh")
    ]


def measured(activation: str, m: int, n: int, repeats: int) -> Row:
    """One model, after a first round that is not counted: tables and thread pools are made there."""
    layer = gaussian_layer(activation, m, n)
    rng = np.random.default_rng(1)
    a, y = FloatMatrix(rng.standard_normal((m, 1)) / np.sqrt(m)), FloatMatrix(rng.standard_normal((n, 1)))
    found, adjoint, gradient, signs = _round(layer, a, y, _Stopwatch())  # every round finds the same
    watch = _Stopwatch()
    for _ in range(repeats):
        _round(layer, a, y, watch)
    seconds = {name: watch.median(name) for name in watch.seen}
    return Row(
        activation,
        m,
        n,
        repeats,
        **seconds,
        ratio=seconds["enclose"] / seconds["solve"],
        whole_ratio=(seconds["norm"] + seconds["enclose"]) / seconds["solve"],
        error=vector_norm(found.errors) / float(np.linalg.norm(found.T)),
        adjoint_error=vector_norm(adjoint.errors) / float(np.linalg.norm(adjoint.V)),
        gradient_error=gradient.slack / gradient.size,
        open_signs=signs,
    )


def _round(
    layer: Layer, a: FloatMatrix, y: FloatMatrix, watch: _Stopwatch
) -> tuple[Enclosed, Adjoint, FloatMatrix, int]:
    T = watch.run("solve", lambda: float_equilibrium(layer))
    proof = watch.run("norm", lambda: contraction(layer.W, layer.activation))
    if proof is None:
        raise ValueError("the model is not a contraction")

    def signed() -> tuple[Enclosed, int]:
        found = enclosed(layer, T, proof)
        return found, len(slopes(layer, found.at, found.zeros, fmpq(0)).open)

    found, signs = watch.run("enclose", signed)
    features = FloatMatrix(found.T, vector_norm(found.errors))
    watch.run("gram", lambda: extremes.lambda_min_of_gram(features.mid, features.slack))
    D = slopes(layer, found.at, found.zeros, fmpq(0))
    V = watch.run("adjoint_solve", lambda: float_adjoint(layer, D, a))
    adjoint = watch.run("adjoint", lambda: enclosed_adjoint(layer, D, a, V, proof))

    def gradient() -> FloatMatrix:
        return weighted(adjoint, features.transpose() * a - y) * features.transpose()

    return found, adjoint, watch.run("gradients", gradient), signs
