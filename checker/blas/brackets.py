"""What a certified bound looks like, and how it is widened by what is not known."""

import math
from dataclasses import dataclass

from checker.blas.scaling import Scaled, times_exactly

NOTHING = "float64, no bound"
"""The rung of a bracket that claims nothing."""


@dataclass(frozen=True)
class Bracket:
    """A number between `lo` and `hi` (never NaN; infinite where unknown), and what decided it."""

    lo: float
    hi: float
    rung: str


@dataclass(frozen=True)
class Found:
    """A bracket of a value of the floats themselves, before slack and scale, and what decided it."""

    lo: float
    hi: float
    rung: str

    def relatively_within(self, width: float) -> bool:
        """Is the bracket that narrow against its upper end?"""
        return self.lo >= self.hi - width * abs(self.hi)


def bracket(low: float, high: float, rung: str, *, least: float = -math.inf) -> Bracket:
    """The bracket; nothing but `least` is claimed where an end is NaN or the ends cross."""
    return Bracket(max(low, least), high, rung) if low <= high else Bracket(least, math.inf, NOTHING)


def widened(found: Found, unit: Scaled, *, least: float = -math.inf, power: int = 1) -> Bracket:
    """The bracket for all matrices within the slack, scaled back; that of its square for `power` 2.

    A square is one of a number that is not negative.
    """
    low, high = found.lo, found.hi
    if unit.slack:
        low = math.nextafter(low - unit.slack, -math.inf)
        high = math.nextafter(high + unit.slack, math.inf)
    if power == 2:
        low = max(low, 0.0)
        low, high = max(math.nextafter(low * low, -math.inf), 0.0), math.nextafter(high * high, math.inf)
    exponent = power * unit.exponent
    return bracket(
        times_exactly(low, exponent, upwards=False),
        times_exactly(high, exponent, upwards=True),
        found.rung,
        least=least,
    )
