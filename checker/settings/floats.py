"""The model families that the float engine knows, by name."""

from collections.abc import Callable, Mapping
from typing import Final

from checker.settings.base import Instance, State
from checker.settings.deq_float import DeqFloatState
from checker.settings.least_squares_float import LeastSquaresFloatState

FLOAT_STATES: Final[Mapping[str, Callable[[Instance], State]]] = {
    "deq": DeqFloatState,
    "least-squares": LeastSquaresFloatState,
}
"""The state of an instance whose arrays are near floats."""
