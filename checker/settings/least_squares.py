"""Least squares: yhat = X' w, so that the features are X, m = d and the tangent kernel is X'X."""

from functools import cached_property

from flint import arb_mat

from checker.enclosure import Ball, Enclosure, frobenius_squared
from checker.settings.base import Instance, Setting, State, shared_names
from checker.settings.least_squares_axioms import LEAST_SQUARES_AXIOMS
from checker.settings.projection import least_loss


class LeastSquaresState(State):
    """A linear model with weights w (d, 1)."""

    def features(self) -> arb_mat:
        return self.instance.X

    @cached_property
    def yhat(self) -> arb_mat:
        return self.instance.X.transpose() * self.instance.params["w"]

    def loss_star(self) -> Ball:
        """The infimum over w by projection (the loss itself where w is not trained)."""
        if "w" not in self.instance.trains:
            return frobenius_squared(self.errors) / 2
        return least_loss(self.instance.X, self.instance.y)

    def tangent_kernel(self) -> arb_mat:
        n = self.instance.X.ncols()
        return self.gram if "w" in self.instance.trains else arb_mat(n, n)

    def gradients(self) -> dict[str, arb_mat]:
        if "w" not in self.instance.trains:
            return {}
        return {"w": self.instance.X * self.errors}

    def at(self, function: str, argument: arb_mat) -> Enclosure:
        """Only `predict`, the prediction w'x at x (d, 1)."""
        if function != "predict":
            raise KeyError(function)
        return (self.instance.params["w"].transpose() * argument)[0, 0]


def _enclose(instance: Instance) -> State:
    return LeastSquaresState(instance)


LEAST_SQUARES = Setting(
    name="least-squares",
    sizes=("n", "d", "m"),
    aliases={"m": "d"},
    parameters={"w": ("d",)},
    names=shared_names(("d", "n"), {"w": ("d",)}),
    enclose=_enclose,
    functions={"predict": ()},
    defaults={"w": "zeros"},
    axioms=LEAST_SQUARES_AXIOMS,
)
"""The declaration of least squares."""
