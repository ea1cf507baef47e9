"""Least squares on near floats."""

from typing import cast, final

from flint import arb, arb_mat, fmpq

from checker.blas import extremes
from checker.blas.matrix import FloatMatrix
from checker.enclosure import Ball, frobenius_squared, hull
from checker.settings.least_squares import LeastSquaresState


@final
class LeastSquaresFloatState(LeastSquaresState):
    """`LeastSquaresState` with X, y and w as FloatMatrix."""

    def loss_star(self) -> Ball:
        """0 where the samples are certainly independent, the loss where w is not trained, else [0, loss]."""
        loss = frobenius_squared(self.errors) / 2
        if "w" not in self.instance.trains:
            return loss
        X = cast(FloatMatrix, self.instance.X)
        if X.ncols() <= X.nrows() and extremes.lambda_min_of_gram(X.mid, X.slack).lo > 0:
            return fmpq(0)
        return hull(arb(0), loss.upper())

    def tangent_kernel(self) -> arb_mat:
        if "w" in self.instance.trains:
            return self.gram
        return self.gram * 0
