"""Arithmetic of one number: exact rationals while they stay small, balls otherwise.

Every function raises CertainlyUndefined or NotEnclosed instead of returning a value
that is not finite. The precision is the ambient one.
"""

from typing import Final

from flint import arb, fmpq

from checker.enclosure import Ball, hull, to_arb
from checker.errors import CertainlyUndefined, NotEnclosed

MAX_BITS: Final = 100_000
"""Exact rationals with a longer numerator or denominator become balls."""

_MAX_WHOLE_POWER: Final = 10**9


def small(value: fmpq) -> Ball:
    """The exact rational, or a ball around it where it has grown too long."""
    return value if value.height_bits() <= MAX_BITS else arb(value)


def finite(value: arb, what: str) -> arb:
    """The ball, refused where it is not finite."""
    if not value.is_finite():
        raise NotEnclosed(f"{what} is not enclosed")
    return value


def is_exactly(value: Ball, number: int) -> bool:
    """Is the value certainly this whole number, without any width?"""
    return value == number if isinstance(value, fmpq) else value.is_exact() and value == number


def add(x: Ball, y: Ball) -> Ball:
    """x + y."""
    return small(x + y) if isinstance(x, fmpq) and isinstance(y, fmpq) else to_arb(x) + to_arb(y)


def subtract(x: Ball, y: Ball) -> Ball:
    """x - y."""
    return small(x - y) if isinstance(x, fmpq) and isinstance(y, fmpq) else to_arb(x) - to_arb(y)


def multiply(x: Ball, y: Ball) -> Ball:
    """x * y; an exact zero stays exact."""
    if is_exactly(x, 0) or is_exactly(y, 0):
        return fmpq(0)
    return small(x * y) if isinstance(x, fmpq) and isinstance(y, fmpq) else to_arb(x) * to_arb(y)


def divide(x: Ball, y: Ball) -> Ball:
    """x / y; certainly undefined for an exact zero, not enclosed for a ball around zero."""
    if is_exactly(y, 0):
        raise CertainlyUndefined("division by zero")
    if isinstance(x, fmpq) and isinstance(y, fmpq):
        return small(x / y)
    divisor = to_arb(y)
    if divisor.contains(0):
        raise NotEnclosed("a divisor may be zero")
    return finite(to_arb(x) / divisor, "a quotient")


def negate(x: Ball) -> Ball:
    """-x."""
    return -x


def absolute(x: Ball) -> Ball:
    """|x|."""
    if isinstance(x, fmpq):
        return abs(x)
    if x >= 0:
        return x
    if x <= 0:
        return -x
    return hull(arb(0), x.abs_upper())


def least(x: Ball, y: Ball) -> Ball:
    """The smaller of two; exact where the order is certain and that one is exact."""
    if x <= y:
        return x
    return y if y <= x else to_arb(x).min(to_arb(y))


def greatest(x: Ball, y: Ball) -> Ball:
    """The larger of two; exact where the order is certain and that one is exact."""
    if x >= y:
        return x
    return y if y >= x else to_arb(x).max(to_arb(y))


def nonnegative_part(x: Ball) -> Ball:
    """The same number, known to be nonnegative: what lies below zero is cut off."""
    if isinstance(x, fmpq) or x >= 0:
        return x
    return hull(arb(0), x.upper().max(arb(0)))


def root(x: Ball, nonnegative: bool = False) -> Ball:
    """The square root; `nonnegative` says that x is known not to be negative."""
    if x < 0:
        raise CertainlyUndefined("square root of a negative number")
    if isinstance(x, fmpq):
        p, q = x.p.sqrtrem()
        r, s = x.q.sqrtrem()
        return fmpq(p, r) if q == 0 and s == 0 else arb(x).sqrt()
    if x.lower() > 0:
        return finite(x.sqrt(), "a square root")
    if x >= 0 or nonnegative:
        return hull(arb(0), x.upper().max(arb(0)).sqrt())
    raise NotEnclosed("a square root may be of a negative number")


def logarithm(x: Ball) -> Ball:
    """The natural logarithm."""
    if x <= 0:
        raise CertainlyUndefined("logarithm of a number that is not positive")
    if is_exactly(x, 1):
        return fmpq(0)
    if not x > 0:
        raise NotEnclosed("a logarithm may be of a number that is not positive")
    return finite(to_arb(x).log(), "a logarithm")


def exponential(x: Ball) -> Ball:
    """e to the power x."""
    return fmpq(1) if is_exactly(x, 0) else finite(to_arb(x).exp(), "an exponential")


def sine(x: Ball) -> Ball:
    """sin x."""
    return fmpq(0) if is_exactly(x, 0) else finite(to_arb(x).sin(), "a sine")


def cosine(x: Ball) -> Ball:
    """cos x."""
    return fmpq(1) if is_exactly(x, 0) else finite(to_arb(x).cos(), "a cosine")


def hyperbolic_tangent(x: Ball) -> Ball:
    """tanh x."""
    if is_exactly(x, 0):
        return fmpq(0)
    ball = to_arb(x)
    return finite(hull(ball.lower().tanh(), ball.upper().tanh()), "a hyperbolic tangent")


def _whole(y: Ball) -> int | None:
    """The value of an exponent that is certainly one whole number; None otherwise."""
    if isinstance(y, fmpq):
        return int(y.p) if y.q == 1 else None
    if not y.is_exact() or not y.is_integer() or not abs(y) < _MAX_WHOLE_POWER:
        return None
    number = y.unique_fmpz()
    return None if number is None else int(number)


def power(x: Ball, y: Ball, nonnegative: bool = False) -> Ball:
    """x**y: whole exponents for every base, others for x >= 0; x**0 is 1, also for x = 0.

    `nonnegative` says that x is known not to be negative.
    """
    k = _whole(y)
    if k is not None:
        return _whole_power(x, k, nonnegative)
    if isinstance(y, fmpq) and y.q == 2 and abs(y.p) <= MAX_BITS:
        if x < 0:
            raise CertainlyUndefined("a negative number to a power that is no whole number")
        return _whole_power(root(x, nonnegative), int(y.p), nonnegative=True)
    return _real_power(x, y, nonnegative)


def _whole_power(x: Ball, k: int, nonnegative: bool) -> Ball:
    if k == 0:
        return fmpq(1)
    if k < 0:
        return divide(fmpq(1), _whole_power(x, -k, nonnegative))
    if isinstance(x, fmpq):
        if x == 0 or abs(x) == 1 or x.height_bits() * k <= MAX_BITS:
            return x**k if abs(x) != 1 else (x if k % 2 else fmpq(1))
        x = arb(x)
    if k > _MAX_WHOLE_POWER:
        raise NotEnclosed("a power is too large to be enclosed")
    if k % 2 == 0:
        x = to_arb(absolute(x))
        nonnegative = True
    low, high = x.lower(), x.upper()
    if nonnegative:
        low = low.max(arb(0))
    return finite(hull(_exact_power(low, k), _exact_power(high, k)), "a power")


def _exact_power(x: arb, k: int) -> arb:
    """x**k of a ball without width, by repeated squaring: flint's own power gives nan around zero."""
    result: arb | None = None
    square = x
    while k:
        if k % 2:
            result = square if result is None else result * square
        k //= 2
        if k:
            square = square * square
    return arb(1) if result is None else result


def _real_power(x: Ball, y: Ball, nonnegative: bool) -> Ball:
    exponent = to_arb(y)
    if x < 0:
        if isinstance(y, fmpq) or not exponent.contains_integer():
            raise CertainlyUndefined("a negative number to a power that is no whole number")
        raise NotEnclosed("a negative number to a power that may not be whole")
    if is_exactly(x, 0):
        if exponent > 0:
            return fmpq(0)
        if exponent < 0:
            raise CertainlyUndefined("division by zero")
        raise NotEnclosed("zero to a power that may be zero")
    if is_exactly(x, 1):
        return fmpq(1)
    base = to_arb(x)
    if base > 0:
        return finite((exponent * base.log()).exp(), "a power")
    if not (nonnegative or base >= 0):
        raise NotEnclosed("a power may be of a negative number")
    high = base.upper()
    if exponent > 0 and high > 0:
        ends = (exponent.lower() * high.log()).exp().max((exponent.upper() * high.log()).exp())
        return finite(hull(arb(0), ends), "a power")
    raise NotEnclosed("a power of a number that may be zero")
