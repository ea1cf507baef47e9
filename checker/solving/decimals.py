"""Short decimal numbers below and above a positive real: the grids on which answers are reported."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction


def below(value: float | Fraction, digits: int) -> Decimal:
    """The largest decimal of so many digits that is at most the number."""
    return _rounded(value, digits, ROUND_FLOOR)


def above(value: float | Fraction, digits: int) -> Decimal:
    """The least decimal of so many digits that is at least the number."""
    return _rounded(value, digits, ROUND_CEILING)


def following(value: Decimal, digits: int) -> Decimal:
    """The next larger decimal of so many digits."""
    unit = Decimal(1).scaleb(value.adjusted() - digits + 1)
    return value + unit


def _rounded(value: float | Fraction, digits: int, rounding: str) -> Decimal:
    exact = Fraction(value)
    context = Context(prec=digits, rounding=rounding)
    return context.divide(Decimal(exact.numerator), Decimal(exact.denominator))


def text(value: Decimal) -> str:
    """Plain notation for everyday sizes, scientific otherwise."""
    plain = value.normalize()
    return format(plain, "f") if -6 <= plain.adjusted() < 16 else format(plain, "e")
