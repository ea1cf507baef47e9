"""What every state of a deep equilibrium model has in common: its names, and functions of an input."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property

from flint import arb, arb_mat, fmpq

from checker.activations import BallActivation
from checker.enclosure import Ball, Enclosure, NearFloats
from checker.errors import NotEnclosed
from checker.settings.base import State
from checker.verdict import Verdict


class DeqNames(State):
    """The names of the setting `deq`, however its arrays are enclosed.

    `_activation` is that of the model; `T` and `preactivation` (m, n) are those of the equilibrium, or of
    an iterate.
    """

    _activation: BallActivation

    @cached_property
    @abstractmethod
    def T(self) -> arb_mat | NearFloats:
        """The equilibrium, or the iterate, (m, n)."""

    @cached_property
    @abstractmethod
    def preactivation(self) -> arb_mat | NearFloats:
        """W T + U X, (m, n)."""

    @abstractmethod
    def gap(self) -> arb:
        """The Frobenius distance of the iterate (of 0 where there is none) from its image."""

    @abstractmethod
    def at_input(self, x: arb_mat) -> "DeqNames":
        """The same model at one input x (d, 1)."""

    def names(self) -> Mapping[str, Callable[[], Enclosure]]:
        return {
            **super().names(),
            "T": lambda: self.T,
            "preactivation": lambda: self.preactivation,
            "gap": self.gap,
            "L_phi": self._activation.lipschitz,
            "L_dphi": self._slope_of_slope,
            "phi_0": self._activation.at_zero,
            "well_posed": self._well_posed_number,
        }

    def _slope_of_slope(self) -> Ball:
        constant = self._activation.lipschitz_derivative()
        if constant is None:
            raise NotEnclosed(f"phi' of {self._activation.name} jumps: L_dphi is infinite")
        return constant

    def _well_posed_number(self) -> Ball:
        verdict, reason = self.well_posed()
        if verdict is Verdict.UNDECIDED:
            raise NotEnclosed(reason)
        return fmpq(int(verdict is Verdict.HOLDS))

    def at(self, function: str, argument: arb_mat) -> Enclosure:
        state = self.at_input(argument)
        if function == "equilibrium":
            return state.value("T")
        if function == "predict":
            return state.yhat[0, 0]
        if function == "well_posed":
            return state.value("well_posed")
        raise KeyError(function)
