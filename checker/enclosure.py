"""Balls and what a verdict may read of them: directed conversions, norms, exact matrices.

A ball (python-flint's `arb`) encloses a real number; `fmpq` is an exact rational. Traps that
these helpers avoid: `float(ball)` rounds to nearest and forgets the radius; `ball**2` is NaN on
balls around 0; Python's `max` and `sorted` are wrong on overlapping balls.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from math import floor, inf, nextafter
from typing import Final, TypeAlias

import numpy as np
from flint import arb, arb_mat, ctx, fmpq
from numpy.typing import NDArray

from checker.errors import NotEnclosed

Ball: TypeAlias = arb | fmpq
"""A scalar: an exact rational, or an enclosure of a real number."""


class NearFloats(ABC):
    """A matrix known up to a distance from floats, as in `checker.blas`; a vector is one column."""

    @abstractmethod
    def nrows(self) -> int:
        """The number of rows."""

    @abstractmethod
    def ncols(self) -> int:
        """The number of columns."""

    @abstractmethod
    def frobenius_squared(self) -> arb:
        """The sum of the squares of all entries."""

    @abstractmethod
    def __getitem__(self, index: tuple[int, int]) -> arb: ...


Enclosure: TypeAlias = arb | fmpq | arb_mat | NearFloats
"""A ball, or a matrix of balls or near floats; a vector is one column."""


ARRAYS: Final = (arb_mat, NearFloats)
"""For isinstance: what is a matrix or a vector, not a number."""

_DIGITS = 17
"""Significant digits of a bound in decimal."""

_MOST_BITS = 2**48
"""No decimal is written of numbers with a longer exponent."""

_SHORT = 400
"""Exact decimals are looked for where numerator and denominator stay below this many bits."""


def to_arb(value: Ball) -> arb:
    """The value as a ball; a rational is rounded outward at the ambient precision."""
    return value if isinstance(value, arb) else arb(value)


def is_finite(value: arb | fmpq | arb_mat) -> bool:
    """Are all entries balls of finite numbers?"""
    if isinstance(value, fmpq):
        return True
    if isinstance(value, arb):
        return bool(value.is_finite())
    return all(entry.is_finite() for entry in value.entries())


def is_exact(value: arb | fmpq | arb_mat) -> bool:
    """Are all entries single numbers?"""
    if isinstance(value, fmpq):
        return True
    if isinstance(value, arb):
        return bool(value.is_exact())
    return all(entry.is_exact() for entry in value.entries())


def outward(ball: Ball) -> tuple[float, float]:
    """Doubles `(lo, hi)` with `lo <= x <= hi` for every `x` in `ball`; `hi` may be inf, `lo` -inf.

    Raises NotEnclosed for a ball that is NaN.
    """
    if isinstance(ball, fmpq):
        with ctx.workprec(80):
            return outward(arb(ball))
    if ball.is_nan():
        raise NotEnclosed("the ball is NaN: some step left the domain of its function")
    lo, hi = ball.lower(), ball.upper()
    x, y = float(lo), float(hi)
    return (x if arb(x) <= lo else nextafter(x, -inf)), (y if arb(y) >= hi else nextafter(y, inf))


def decimal_bounds(ball: Ball) -> tuple[str | None, str | None]:
    """Decimal strings below and above every number in the ball, about 17 digits each.

    A number that is a short decimal is given exactly. None where the ball is unbounded, and for an end
    of more than 2**_MOST_BITS in size, or less than 2**-_MOST_BITS and not 0.
    """
    if isinstance(ball, fmpq):
        return _decimal(ball, up=False), _decimal(ball, up=True)
    if not ball.is_finite():
        return None, None
    lo, hi = ball.lower(), ball.upper()
    return (
        _decimal(lo, up=False) if _written_out(lo) else None,
        _decimal(hi, up=True) if _written_out(hi) else None,
    )


def _written_out(x: arb) -> bool:
    """Is the exponent of an exact ball short enough for a decimal?"""
    mantissa, exponent = x.man_exp()
    return mantissa == 0 or abs(exponent) + int(mantissa).bit_length() <= _MOST_BITS


def _decimal(x: Ball, *, up: bool) -> str:
    """A decimal at most (`up`: at least) the exact number x."""
    if x == 0:
        return "0"
    exact = _short_rational(x)
    text = None if exact is None else _exact_decimal(exact)
    return text or _rounded_decimal(x, up=up)


def _short_rational(x: Ball) -> fmpq | None:
    if isinstance(x, fmpq):
        value = x
    else:
        if x.bits() > _SHORT or not 2.0**-_SHORT < abs(x) < 2.0**_SHORT:
            return None
        value = x.fmpq()
    return value if max(value.p.bit_length(), value.q.bit_length()) <= _SHORT else None


def _exact_decimal(value: fmpq) -> str | None:
    """The decimal expansion of a rational that has one of at most 17 digits."""
    rest, twos, fives = int(value.q), 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    shift = max(twos, fives)
    if rest != 1 or shift > 40:
        return None
    digits = int(value.p) * 10**shift // int(value.q)
    while digits % 10 == 0 and digits:
        digits, shift = digits // 10, shift - 1
    return _written(digits, -shift) if len(str(abs(digits))) <= _DIGITS else None


def _rounded_decimal(x: Ball, *, up: bool) -> str:
    with ctx.workprec(192):
        ball = to_arb(x)
        digits = floor(float((abs(ball).log() / arb(10).log()).mid()))
        shift = _DIGITS - 1 - digits
        scaled = ball * _power_of_ten(shift)
        whole = scaled.upper().ceil() if up else scaled.lower().floor()
        return _written(_whole(whole), -shift)


def _whole(x: arb) -> int:
    """The integer that an exact ball is."""
    return int(x.fmpq().p)


def _power_of_ten(k: int) -> arb:
    power = arb(10) ** abs(k)
    return power if k >= 0 else 1 / power


def _written(digits: int, exponent: int) -> str:
    """digits * 10**exponent, plainly where that is short."""
    sign, text = ("-" if digits < 0 else ""), str(abs(digits))
    stripped = text.rstrip("0") or "0"
    exponent += len(text) - len(stripped)
    text = stripped
    lead = len(text) + exponent - 1
    if exponent >= 0 and lead <= 16:
        return sign + text + "0" * exponent
    if exponent < 0 and -5 <= lead <= 16:
        if lead >= 0:
            return f"{sign}{text[: lead + 1]}.{text[lead + 1 :]}"
        return f"{sign}0.{'0' * (-lead - 1)}{text}"
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{sign}{text[0]}{fraction}e{lead:+03d}"


def matrix(array: NDArray[np.float64]) -> arb_mat:
    """The array as an exact matrix; a vector becomes one column.

    Raises NotEnclosed for entries that are not finite.
    """
    if not np.isfinite(array).all():
        raise NotEnclosed("an entry is not a finite number")
    columns = array.reshape(-1, 1) if array.ndim == 1 else array
    return arb_mat(columns.shape[0], columns.shape[1], columns.astype(np.float64).ravel().tolist())


def midpoints(A: arb_mat) -> NDArray[np.float64]:
    """The midpoints in float64, to nearest: a guess, never a bound."""
    return np.array(list(map(float, A.entries())), dtype=np.float64).reshape(A.nrows(), A.ncols())


def add_radius(A: arb_mat, radii: Sequence[arb]) -> arb_mat:
    """The matrix with column j widened by `radii[j] >= 0`."""
    balls = [arb(0, radius.abs_upper()) for radius in radii]
    return A + arb_mat(A.nrows(), A.ncols(), balls * A.nrows())


def columns_of(A: arb_mat) -> list[arb_mat]:
    """The columns, each (k, 1)."""
    entries, n = A.entries(), A.ncols()
    return [arb_mat(A.nrows(), 1, entries[j::n]) for j in range(n)]


def from_columns(columns: Sequence[Sequence[arb]]) -> arb_mat:
    """The matrix with these columns."""
    rows = len(columns[0])
    return arb_mat(rows, len(columns), [column[i] for i in range(rows) for column in columns])


def square(x: arb) -> arb:
    """x*x (a power operator would be NaN on balls around 0)."""
    return x * x


def root(x: Ball) -> arb:
    """The square root of a quantity known to be nonnegative: what a ball has below 0 is dropped.

    Raises NotEnclosed for NaN and for a ball that is certainly negative.
    """
    ball = to_arb(x)
    if ball.is_zero() or ball > 0:
        return ball.sqrt()
    if not ball.is_finite() or ball < 0:
        raise NotEnclosed("a square root was taken of something that is not certainly nonnegative")
    return hull(arb(0), ball.upper().sqrt())


def hull(x: arb, y: arb) -> arb:
    """The smallest ball around both (exactly x where both are the same exact number)."""
    return x if x == y else x.union(y)


def frobenius_squared(A: arb_mat | NearFloats) -> arb:
    """The sum of the squares of all entries."""
    if isinstance(A, NearFloats):
        return A.frobenius_squared()
    entries = A.entries()
    if not entries:
        return arb(0)
    return (arb_mat(1, len(entries), entries) * arb_mat(len(entries), 1, entries))[0, 0]


def frobenius(A: arb_mat | NearFloats) -> arb:
    """The Frobenius norm (of a vector: the Euclidean norm)."""
    return root(frobenius_squared(A))


def total(balls: Iterable[arb]) -> arb:
    """The sum."""
    out = arb(0)
    for ball in balls:
        out += ball
    return out


def greatest(balls: Iterable[arb]) -> arb:
    """The maximum of nonnegative numbers, as a ball (0 for none)."""
    out = arb(0)
    for ball in balls:
        out = out.max(ball)
    return out
