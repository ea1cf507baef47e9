"""Arrays of intervals with float ends, rounded outward: the arithmetic of a subdivision in boxes.

An interval is a pair of arrays of one shape; it contains every value that the expression takes where it has
one. Ends may be infinite, which says nothing on that side. A NaN (0*inf, inf - inf) becomes the whole line.
Sums and products that are exact in float64 stay exact (error-free transformations: Knuth 1969; Dekker 1971),
so that ties at the corners of a box are seen. exp, log, tanh, sin and cos are evaluated in balls and rounded
outward.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Final, TypeAlias

import numpy as np
from flint import arb, ctx
from numpy.typing import NDArray

from checker import intervals
from checker.enclosure import outward

Ends: TypeAlias = NDArray[np.float64]
Interval: TypeAlias = tuple[Ends, Ends]

_SPLITTER: Final = 2.0**27 + 1
_SAFE_HIGH: Final = 2.0**450
_SAFE_LOW: Final = 2.0**-450
_BITS: Final = 64


def point(value: Fraction, shape: tuple[int, ...]) -> Interval:
    """A rational constant."""
    low, high = intervals.number(value)
    return np.full(shape, low), np.full(shape, high)


def whole(shape: tuple[int, ...]) -> Interval:
    """The whole line."""
    return np.full(shape, -np.inf), np.full(shape, np.inf)


def _widened(low: Ends, high: Ends, exact_low: NDArray[np.bool_], exact_high: NDArray[np.bool_]) -> Interval:
    """Computed ends one step outward where they are not exact; NaN and overflow say nothing."""
    low = np.where(exact_low, low, np.nextafter(low, -np.inf))
    high = np.where(exact_high, high, np.nextafter(high, np.inf))
    return np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)


def _sum(a: Ends, b: Ends) -> tuple[Ends, NDArray[np.bool_]]:
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t) == 0  # NaN where something is infinite: not exact


def add(a: Interval, b: Interval) -> Interval:
    """a + b."""
    low, exact_low = _sum(a[0], b[0])
    high, exact_high = _sum(a[1], b[1])
    return _widened(low, high, exact_low, exact_high)


def negate(a: Interval) -> Interval:
    """-a."""
    return -a[1], -a[0]


def _product(a: Ends, b: Ends) -> tuple[Ends, NDArray[np.bool_]]:
    """The float product, with 0*inf = 0, and where it is certainly exact."""
    zero = (a == 0) | (b == 0)
    p = np.where(zero, 0.0, a * b)
    c, d = _SPLITTER * a, _SPLITTER * b
    a1, b1 = c - (c - a), d - (d - b)
    a2, b2 = a - a1, b - b1
    error = a2 * b2 - (((p - a1 * b1) - a2 * b1) - a1 * b2)
    safe = np.ones_like(zero)
    for size in (np.abs(a), np.abs(b)):
        safe &= (size < _SAFE_HIGH) & (size > _SAFE_LOW)
    return p, zero | (safe & (error == 0))


def multiply(a: Interval, b: Interval) -> Interval:
    """a * b; products that are exact in float64 are not widened."""
    low, high = np.full_like(a[0], np.inf), np.full_like(a[0], -np.inf)
    exact_low = exact_high = np.ones(low.shape, dtype=bool)
    for x in a:
        for y in b:
            p, exact = _product(x, y)
            less, more = p < low, p > high
            exact_low = np.where(less, exact, np.where(p == low, exact_low & exact, exact_low))
            exact_high = np.where(more, exact, np.where(p == high, exact_high & exact, exact_high))
            low, high = np.minimum(low, p), np.maximum(high, p)
    return _signed(a, b, _widened(low, high, exact_low, exact_high))


def multiply_outward(a: Interval, b: Interval) -> Interval:
    """a * b, quicker: only products with an exact zero or with 1 or -1 are not widened."""
    zero = [(x == 0) | (y == 0) for x in a for y in b]
    products = [
        np.where(z, 0.0, x * y) for z, (x, y) in zip(zero, ((x, y) for x in a for y in b), strict=True)
    ]
    low, high = np.minimum.reduce(products), np.maximum.reduce(products)
    sure = ~np.logical_or.reduce([(p == 0) & ~z for p, z in zip(products, zero, strict=True)])  # no underflow
    unit = ((np.abs(a[0]) == 1) & (np.abs(a[1]) == 1)) | ((np.abs(b[0]) == 1) & (np.abs(b[1]) == 1))
    return _signed(a, b, _widened(low, high, unit | (sure & (low == 0)), unit | (sure & (high == 0))))


def _signed(a: Interval, b: Interval, product: Interval) -> Interval:
    """Rounding does not push a product of equal signs below 0."""
    positive = ((a[0] >= 0) & (b[0] >= 0)) | ((a[1] <= 0) & (b[1] <= 0))
    return np.where(positive, np.maximum(product[0], 0.0), product[0]), product[1]


def reciprocal(a: Interval) -> Interval:
    """1/a where a is not zero; the whole line where a has both signs."""
    low, high = a
    down, up = np.where(high == 0, -np.inf, 1 / high), np.where(low == 0, np.inf, 1 / low)
    down, up = _widened(down, up, np.abs(high) == 1, np.abs(low) == 1)
    down, up = np.where(low >= 0, np.maximum(down, 0.0), down), np.where(high <= 0, np.minimum(up, 0.0), up)
    unknown = ((low < 0) & (high > 0)) | ((low == 0) & (high == 0))
    return np.where(unknown, -np.inf, down), np.where(unknown, np.inf, up)


def least(a: Interval, b: Interval) -> Interval:
    """min(a, b)."""
    return np.minimum(a[0], b[0]), np.minimum(a[1], b[1])


def greatest(a: Interval, b: Interval) -> Interval:
    """max(a, b)."""
    return np.maximum(a[0], b[0]), np.maximum(a[1], b[1])


def absolute(a: Interval) -> Interval:
    """|a|."""
    low, high = np.maximum(a[0], -a[1]), np.maximum(-a[0], a[1])
    return np.maximum(low, 0.0), high


def meet(a: Interval, b: Interval) -> Interval:
    """What lies in both; a point of a where rounding left nothing."""
    low, high = np.maximum(a[0], b[0]), np.minimum(a[1], b[1])
    return np.where(low <= high, low, a[0]), np.where(low <= high, high, a[1])


def root(a: Interval) -> Interval:
    """Square roots of the part of a that has them."""
    low, high = np.maximum(a[0], 0.0), np.maximum(a[1], 0.0)
    r, s = np.sqrt(low), np.sqrt(high)
    exact_r, exact_s = _squares_to(r, low), _squares_to(s, high)
    r, s = _widened(r, s, exact_r, exact_s)
    return np.maximum(r, 0.0), s


def _squares_to(r: Ends, value: Ends) -> NDArray[np.bool_]:
    square, exact = _product(r, r)
    return exact & (square == value)


def whole_power(a: Interval, k: int) -> Interval:
    """a**k for a whole k."""
    if k < 0:
        return reciprocal(whole_power(a, -k))
    if k == 0:
        return np.ones_like(a[0]), np.ones_like(a[1])
    if k % 2 == 0:
        low, high = absolute(a)
        return _nonnegative_power((low, low), k)[0], _nonnegative_power((high, high), k)[1]
    size_low, size_high = np.abs(a[0]), np.abs(a[1])
    below = _nonnegative_power((size_low, size_low), k)
    above = _nonnegative_power((size_high, size_high), k)
    low = np.where(a[0] >= 0, below[0], -below[1])
    high = np.where(a[1] >= 0, above[1], -above[0])
    return low, high


def _nonnegative_power(a: Interval, k: int) -> Interval:
    """a**k of a nonnegative interval, k >= 1, by repeated squaring."""
    result = a
    for bit in bin(k)[3:]:
        square = multiply(result, result)
        result = multiply(square, a) if bit == "1" else square
    return result


_BALLS: Final[dict[str, Callable[[arb], arb]]] = {
    "exp": arb.exp,
    "log": arb.log,
    "tanh": arb.tanh,
}


_RANGES: Final[dict[str, tuple[float, float]]] = {
    "exp": (0.0, np.inf),
    "log": (-np.inf, np.inf),
    "tanh": (-1.0, 1.0),
}


def increasing(function: str, a: Interval) -> Interval:
    """exp, log or tanh of a, at its ends: each is increasing."""
    return _ends(function, a[0], 0), _ends(function, a[1], 1)


def _ends(function: str, values: Ends, side: int) -> Ends:
    """The lower (side 0) or upper (side 1) float of the function at each float."""
    smallest, largest = _RANGES[function]
    distinct, where = np.unique(values, return_inverse=True)
    out = np.empty_like(distinct)
    with ctx.workprec(_BITS):
        for i, x in enumerate(distinct.tolist()):
            if x == np.inf:
                out[i] = largest
            elif x == -np.inf or (function == "log" and x <= 0):
                out[i] = smallest
            else:
                out[i] = min(max(outward(_BALLS[function](arb(x)))[side], smallest), largest)
    return out[where.reshape(values.shape)]


def circle(a: Interval, shift: bool) -> Interval:
    """sin (or cos, with `shift`) of a: in balls on narrow intervals, [-1, 1] elsewhere."""
    low, high = np.full_like(a[0], -1.0), np.full_like(a[1], 1.0)
    narrow = np.nonzero((a[1] - a[0] < 1) & (np.abs(a[0]) < 2.0**40))
    with ctx.workprec(128):
        for index in zip(*narrow, strict=True):
            ball = arb(float(a[0][index])).union(arb(float(a[1][index])))
            ends = outward(ball.cos() if shift else ball.sin())
            low[index], high[index] = max(ends[0], -1.0), min(ends[1], 1.0)
    return low, high
