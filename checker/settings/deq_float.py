"""The deep equilibrium model in floats with proved error bounds: the names of `checker.settings.deq`.

Every value means what it means there. Matrices are `FloatMatrix`: floats and the Frobenius distance within
which the true matrix lies. What this engine cannot enclose raises NotEnclosed and is left to balls.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast, final

import numpy as np
from flint import arb, arb_mat, fmpq

from checker.activations import BALL_ACTIVATIONS
from checker.blas import extremes
from checker.blas.adjoint import Adjoint, enclosed_adjoint, float_adjoint, weighted
from checker.blas.arrays import hadamard
from checker.blas.columns import column_norms, grown, joint
from checker.blas.directed import Floats
from checker.blas.equilibrium import (
    Enclosed,
    Mask,
    Slopes,
    enclosed,
    float_equilibrium,
    locally_enclosed,
    slopes,
    zeros_at,
)
from checker.blas.images import phi_of
from checker.blas.layer import Layer, Preactivation, preactivation, require_engine
from checker.blas.matrix import FloatMatrix, above, nearest, quiet
from checker.blas.uniqueness import Contraction, contraction
from checker.enclosure import Ball, Enclosure, frobenius, frobenius_squared, hull
from checker.errors import NotEnclosed
from checker.settings.base import Instance
from checker.settings.deq_names import DeqNames
from checker.verdict import Verdict

UNDECIDED = "no sufficient condition for a unique equilibrium is certain in float64"

_LOCAL_WORK = 10**9
"""Multiplications that a local proof, which decides nothing, may take."""


@dataclass(frozen=True, eq=False)
class _Proof:
    """What was found about uniqueness; None where no condition is certain."""

    found: Contraction | None


@final
class DeqFloatState(DeqNames):
    """A deep equilibrium model whose X (d, n), y (n, 1), W (m, m), U (m, d), a (m, 1) are FloatMatrix.

    Given `iterate` (m, n), T and what is computed from it are those of this iterate of the equilibrium
    map; `well_posed` and the functions of an input stay those of the model. `proof` is that of a state
    with the same W and activation, where one is at hand.
    """

    def __init__(
        self, instance: Instance, iterate: FloatMatrix | None = None, proof: _Proof | None = None
    ) -> None:
        super().__init__(instance)
        self._activation = BALL_ACTIVATIONS[str(instance.activation)]
        self._iterate = iterate
        if proof is not None:
            self._proof = proof

    def _find(self, name: str) -> Enclosure:
        require_engine()
        return super()._find(name)

    def _parameter(self, name: str) -> FloatMatrix:
        return cast(FloatMatrix, self.instance.params[name])

    @cached_property
    def _layer(self) -> Layer:
        require_engine()
        X = cast(FloatMatrix, self.instance.X)
        return Layer(self._activation, self._parameter("W"), self._parameter("U"), X)

    @cached_property
    def _proof(self) -> _Proof:
        hint = self.instance.norm_hint
        bound = None if hint is None or not hint.is_finite() else above(hint)
        return _Proof(contraction(self._layer.W, self._activation, bound))

    @property
    def _contraction(self) -> Contraction:
        found = self._proof.found
        if found is None:
            raise NotEnclosed(UNDECIDED)
        return found

    @cached_property
    def _enclosed(self) -> Enclosed:
        proof = self._contraction
        return enclosed(self._layer, float_equilibrium(self._layer, self.instance.start), proof)

    @cached_property
    def _at(self) -> tuple[Preactivation, Mask]:
        """The preactivations and which of them are exactly 0."""
        if self._iterate is None:
            return self._enclosed.at, self._enclosed.zeros
        T, W = self._iterate, self._layer.W
        at = preactivation(self._layer, T.mid)
        if T.slack:
            off = np.full(T.ncols(), T.slack)
            at = at.moved(grown(self._layer.rows + W.slack), off, float(grown(W.norm + W.slack)))
        return at, zeros_at(self._layer, T, at)

    @cached_property
    def T(self) -> FloatMatrix:
        """The equilibrium, or the iterate, (m, n)."""
        if self._iterate is not None:
            return self._iterate
        return FloatMatrix(self._enclosed.T, joint(self._enclosed.errors))

    @cached_property
    def preactivation(self) -> FloatMatrix:
        """W T + U X, (m, n)."""
        at, _ = self._at
        return FloatMatrix(at.Z, joint(at.norms))

    def image(self) -> FloatMatrix:
        """phi(W T + U X), (m, n): the next iterate."""
        return _image(self._layer, self._at[0])

    def warm_start(self) -> Floats | None:
        """The equilibrium in float64, for a neighbour."""
        return self._enclosed.T

    def features(self) -> arb_mat:
        return cast(arb_mat, self.T)

    @cached_property
    def yhat(self) -> arb_mat:
        return cast(arb_mat, self.T.transpose() * self._parameter("a"))

    @cached_property
    def _slopes(self) -> Slopes:
        at, zeros = self._at
        return slopes(self._layer, at, zeros, self.instance.kink)

    @property
    def kink_open(self) -> tuple[tuple[int, int], ...]:
        return self._slopes.open if self._activation.has_kink else ()

    @cached_property
    def _adjoint(self) -> Adjoint:
        a, D, proof = self._parameter("a"), self._slopes, self._contraction
        return enclosed_adjoint(self._layer, D, a, float_adjoint(self._layer, D, a), proof)

    @cached_property
    def adjoint(self) -> FloatMatrix:
        """V (m, n), column i the derivative of yhat_i by the preactivation of sample i."""
        return FloatMatrix(self._adjoint.V, joint(self._adjoint.errors))

    @cached_property
    def _weighted_adjoint(self) -> FloatMatrix:
        """V diag(yhat - y), (m, n)."""
        return weighted(self._adjoint, cast(FloatMatrix, self.errors))

    def gradients(self) -> dict[str, arb_mat]:
        return self._gradients

    @cached_property
    def _gradients(self) -> dict[str, arb_mat]:
        require_engine()
        out: dict[str, arb_mat] = {}
        for name in self.instance.trains:
            if name == "a":
                out[name] = cast(arb_mat, self.T * cast(FloatMatrix, self.errors))
            else:
                right = self.T if name == "W" else self._layer.X
                out[name] = cast(arb_mat, self._weighted_adjoint * right.transpose())
        return out

    def loss_star(self) -> Ball:
        """0 where a trained readout certainly fits every label (G is positive definite); else [0, loss]."""
        if "a" in self.instance.trains and extremes.lambda_min_of_gram(self.T.mid, self.T.slack).lo > 0:
            return fmpq(0)
        loss = frobenius_squared(self.errors) / 2
        return arb(0) if loss.is_zero() else hull(arb(0), loss.upper())

    def tangent_kernel(self) -> arb_mat:
        """[a] T'T + [W] (V'V) o (T'T) + [U] (V'V) o (X'X), over the trained ones."""
        X, trains = self._layer.X, self.instance.trains
        kernels: list[FloatMatrix] = []
        if "a" in trains:
            kernels.append(cast(FloatMatrix, self.gram))
        if "W" in trains or "U" in trains:
            inner = self.adjoint.transpose() * self.adjoint
            if "W" in trains:
                kernels.append(hadamard(inner, cast(FloatMatrix, self.gram)))
            if "U" in trains:
                kernels.append(hadamard(inner, X.transpose() * X))
        if not kernels:
            return cast(arb_mat, FloatMatrix(np.zeros((X.ncols(), X.ncols())), symmetric=True))
        return cast(arb_mat, sum(kernels[1:], kernels[0]))

    def gap(self) -> arb:
        """The Frobenius distance of the iterate (of 0 where there is none) from its image."""
        if self._iterate is None:
            origin = preactivation(self._layer, np.zeros_like(self._layer.source))
            return frobenius(_image(self._layer, origin))
        return frobenius(self.image() - self._iterate)

    def well_posed(self) -> tuple[Verdict, str]:
        """Is there exactly one equilibrium at the training inputs? With the condition that shows it."""
        try:
            return Verdict.HOLDS, self._contraction.reason
        except NotEnclosed as error:
            return Verdict.UNDECIDED, self._nearby or error.reason

    @cached_property
    def _nearby(self) -> str:
        """What a local proof says, which is not that the equilibrium is the only one; "" for nothing."""
        try:
            if self._layer.source.size * self._layer.W.nrows() ** 2 > _LOCAL_WORK:
                return ""
            start = float_equilibrium(self._layer, self.instance.start)
            found, _ = locally_enclosed(self._layer, start)
        except NotEnclosed:
            return ""
        return (
            f"there is an equilibrium within {float(found.errors.max()):.1e} of a computed one and no other "
            "that near (Newton-Kantorovich); that there is no other at all is not shown"
        )

    def call(self, function: str, argument: Enclosure) -> Enclosure:
        if isinstance(argument, arb_mat):
            argument = nearest(argument)
        if not isinstance(argument, FloatMatrix):
            raise NotEnclosed(f"{function} needs a vector")
        return self.at(function, cast(arb_mat, argument))

    def at_input(self, x: arb_mat) -> "DeqFloatState":
        """The same model at one input x (d, 1)."""
        y = cast(arb_mat, FloatMatrix(np.zeros((1, 1))))
        instance = replace(self.instance, X=x, y=y, start=None)
        return DeqFloatState(instance, proof=self._proof)


def _image(layer: Layer, at: Preactivation) -> FloatMatrix:
    """phi at the preactivations: off by its evaluation, and by L times their errors."""
    values, off = phi_of(layer.activation.name, at.Z)
    with quiet():
        known = column_norms(np.broadcast_to(off, values.shape)) if off.any() else 0.0
        return FloatMatrix(values, joint(grown(known + layer.lipschitz * at.norms)))
