"""Where phi' is open along a run: a preactivation that may lie on either side of a kink, or on it.

There the gradient is a hull, and a trajectory in balls is lost a few steps later, whatever the
precision. A preactivation that is exactly 0 is no open kink: phi' is then what the theorem says.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Context

from flint import arb, arb_mat

from checker.enclosure import NearFloats, decimal_bounds
from checker.errors import NotEnclosed
from checker.settings.base import State

_TWO_DIGITS = Context(prec=2, rounding=ROUND_CEILING)

_READOUT = frozenset({"a"})
"""The trained parameters outside phi: their gradients do not use phi'."""


@dataclass(frozen=True)
class Kink:
    """The first open sign of a run: neuron and sample are counted from 1, `within` bounds |preactivation|."""

    step: int
    neuron: int
    sample: int
    within: str
    activation: str

    @property
    def place(self) -> tuple[int, int, int]:
        """Step, neuron and sample."""
        return self.step, self.neuron, self.sample

    def __str__(self) -> str:
        return (
            f"the gradient is open at step {self.step}, where the preactivation of neuron {self.neuron} "
            f"on sample {self.sample} is within {self.within} of the kink of {self.activation}"
        )


def kink_at(state: State, step: int) -> Kink | None:
    """The first open sign at this state, row by row.

    None where every sign is certain, where no gradient uses phi', or where no equilibrium is known.
    """
    if _READOUT.issuperset(state.instance.trains):
        return None
    try:
        places = state.kink_open
        if not places:
            return None
        row, column = places[0]
        values = state.value("preactivation")
    except NotEnclosed:
        return None
    if not isinstance(values, arb_mat | NearFloats):
        return None
    within = _rounded_up(abs(values[row, column]).upper())
    return Kink(step, row + 1, column + 1, within, state.instance.activation or "phi")


def _rounded_up(size: arb) -> str:
    """Two digits of a decimal not below the size."""
    above = decimal_bounds(size)[1]
    return "inf" if above is None else f"{_TWO_DIGITS.create_decimal(above):.1e}"
