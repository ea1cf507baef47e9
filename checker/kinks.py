"""Where phi' is open along a run: a preactivation that may lie on either side of a kink, or on it."""

from dataclasses import dataclass

from checker.enclosure import decimal_bounds
from checker.errors import NotEnclosed
from checker.settings.base import State


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
            f"at step {self.step} the preactivation of neuron {self.neuron} on sample {self.sample} "
            f"is within {self.within} of the kink of {self.activation}"
        )


def kink_at(state: State, step: int) -> Kink | None:
    """The first open sign at this state; None where there is none, or no equilibrium is known."""
    try:
        places = state.kink_open
        if not places:
            return None
        row, column = places[0]
        size = abs(state.value("preactivation")[row, column]).upper()  # type: ignore[index]
    except NotEnclosed:
        return None
    within = f"{float(decimal_bounds(size)[1] or 'inf'):.1e}"
    return Kink(step, row + 1, column + 1, within, state.instance.activation or "phi")
