"""Extended real intervals with float ends: outward rounded, open to infinity. For subdivision only.

An interval is a pair (lo, hi) of floats, lo <= hi, either end may be infinite; it contains
every value that the true expression can take. Division by an interval around zero gives the
whole line, so nothing is ever lost.
"""

import math
from fractions import Fraction

Interval = tuple[float, float]

WHOLE: Interval = (-math.inf, math.inf)


def _down(x: float) -> float:
    """One step down; a lower end that overflowed becomes the largest float."""
    return math.nextafter(x, -math.inf)


def _up(x: float) -> float:
    """One step up; an upper end that overflowed to -inf becomes the least float."""
    return math.nextafter(x, math.inf)


def _ends(values: list[float]) -> Interval:
    """The hull of computed end values, one step outward; a nan (0*inf, inf-inf) is the whole line."""
    if any(math.isnan(v) for v in values):
        return WHOLE
    return _down(min(values)), _up(max(values))


def number(value: Fraction) -> Interval:
    """A rational constant."""
    try:
        near = float(value)
    except OverflowError:
        near = math.inf if value > 0 else -math.inf
    if math.isfinite(near) and Fraction(near) == value:
        return near, near
    return _down(near), _up(near)


def add(a: Interval, b: Interval) -> Interval:
    return _ends([a[0] + b[0], a[1] + b[1]])


def negate(a: Interval) -> Interval:
    return -a[1], -a[0]


def subtract(a: Interval, b: Interval) -> Interval:
    return add(a, negate(b))


def _product(x: float, y: float) -> float:
    return 0.0 if x == 0 or y == 0 else x * y


def multiply(a: Interval, b: Interval) -> Interval:
    return _ends([_product(x, y) for x in a for y in b])


def reciprocal(a: Interval) -> Interval:
    lo, hi = a
    if lo > 0 or hi < 0:
        return _ends([1 / lo, 1 / hi])
    if lo == 0 and hi > 0:
        return _down(1 / hi), math.inf
    if hi == 0 and lo < 0:
        return -math.inf, _up(1 / lo)
    return WHOLE


def divide(a: Interval, b: Interval) -> Interval:
    return multiply(a, reciprocal(b))


def absolute(a: Interval) -> Interval:
    if a[0] >= 0:
        return a
    return negate(a) if a[1] <= 0 else (0.0, max(-a[0], a[1]))


def least(a: Interval, b: Interval) -> Interval:
    return min(a[0], b[0]), min(a[1], b[1])


def greatest(a: Interval, b: Interval) -> Interval:
    return max(a[0], b[0]), max(a[1], b[1])


def root(a: Interval) -> Interval:
    """Square roots of the part that has them; the rest is undefined and cannot satisfy a claim."""
    if a[1] < 0:
        return WHOLE
    hi = math.inf if math.isinf(a[1]) else _up(math.sqrt(a[1]))
    return max(0.0, _down(math.sqrt(max(a[0], 0.0)))), hi


def power(a: Interval, exponent: Fraction) -> Interval:
    """Small whole and half powers; the whole line for others."""
    if exponent.denominator == 2:
        return power(root(a), Fraction(exponent.numerator))
    if exponent.denominator != 1 or abs(exponent.numerator) > 64:
        return WHOLE
    k = exponent.numerator
    if k < 0:
        return reciprocal(power(a, -exponent))
    base = absolute(a) if k % 2 == 0 else a
    out: Interval = (1.0, 1.0)
    for _ in range(k):
        out = multiply(out, base)
    return (max(out[0], 0.0), out[1]) if base[0] >= 0 else out
