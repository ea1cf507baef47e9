"""The recorded bounds of a violation: decimals around each side, and whether what is found again fits them.

Forty digits are recorded, so that a change of the last bit of an entry that matters shows.
"""

import re
from fractions import Fraction
from math import inf, log10
from typing import Final

from flint import arb, ctx, fmpq
from mpmath import mp

from checker.certificate_format import BoundsPart, ViolationPart
from checker.enclosure import Ball, to_arb
from checker.expression.enclose import Judgement
from checker.rational_roots import Real, compare

_DIGITS: Final = 40
_DECIMAL: Final = re.compile(r"-?\d{1,60}(\.\d{1,60})?(e[+-]?\d{1,5})?")
_BITS: Final = 256
_MOST_EXPONENT: Final = 2**18
"""Sides of more than this many bits before or after the point are recorded as unbounded."""

_PLACES: Final = 46
_SHORT_BITS: Final = 8192

Interval = tuple[Fraction | float, Fraction | float]


def bounds_of(ball: Ball | None) -> BoundsPart | None:
    """Decimals below and above every number in the ball; null where it is unbounded, or its exponent long."""
    if ball is None:
        return None
    ends = _ends(ball)
    if ends is None:
        return BoundsPart(None, None)
    return BoundsPart(_decimal(ends[0], up=False), _decimal(ends[1], up=True))


def _ends(ball: Ball) -> tuple[Fraction, Fraction] | None:
    """The ends of the ball; None where they are infinite, or too large or small to be written out."""
    if isinstance(ball, fmpq) and ball.height_bits() <= _MOST_EXPONENT:
        value = Fraction(int(ball.p), int(ball.q))
        return value, value
    if isinstance(ball, fmpq):
        with ctx.workprec(_BITS):
            return _ends(arb(ball))
    if not ball.is_finite():
        return None
    with ctx.workprec(_BITS):
        ends = (ball.lower(), ball.upper())
    if not all(_moderate(end) for end in ends):
        return None
    lo, hi = (end.fmpq() for end in ends)
    return Fraction(int(lo.p), int(lo.q)), Fraction(int(hi.p), int(hi.q))


def _moderate(end: arb) -> bool:
    mantissa, exponent = end.man_exp()
    return mantissa == 0 or abs(exponent) + abs(mantissa).bit_length() <= _MOST_EXPONENT


def _elsewhere(ball: Ball, bounds: Interval) -> bool:
    """Do ball and bounds certainly have no number in common?"""
    lo, hi = bounds
    ends = _ends(ball)
    if ends is not None:
        return max(ends[0], lo) > min(ends[1], hi)
    with ctx.workprec(_BITS):
        value = to_arb(ball)
        below = not isinstance(lo, float) and bool(value < arb(fmpq(lo.numerator, lo.denominator)))
        above = not isinstance(hi, float) and bool(value > arb(fmpq(hi.numerator, hi.denominator)))
        return below or above


def _decimal(x: Fraction, *, up: bool) -> str:
    """A decimal of at most 40 digits, at most (`up`: at least) x; x itself where it is so short."""
    if x < 0:
        return "-" + _decimal(-x, up=not up)
    if x == 0:
        return "0"
    exponent = _length(x.numerator) - _length(x.denominator) - _DIGITS
    scaled = x / Fraction(10) ** exponent
    digits = -(-scaled.numerator // scaled.denominator) if up else scaled.numerator // scaled.denominator
    while digits % 10 == 0:
        digits, exponent = digits // 10, exponent + 1
    if -_PLACES <= exponent < 0:
        text = str(digits).rjust(-exponent + 1, "0")
        return f"{text[:exponent]}.{text[exponent:]}"
    if 0 <= exponent < 12:
        return f"{digits * 10**exponent}"
    first, rest = str(digits)[0], str(digits)[1:]
    return f"{first}{'.' if rest else ''}{rest}e{exponent + len(rest)}"


def _length(n: int) -> int:
    """The number of decimal digits, of long numbers to within one."""
    bits = n.bit_length()
    return len(str(n)) if bits <= _SHORT_BITS else int(bits * log10(2))


def read_bounds(bounds: BoundsPart) -> Interval | None:
    """The two numbers, infinite for null; None where they are no bounds."""
    texts = (bounds.lo, bounds.hi)
    if any(text is not None and not _DECIMAL.fullmatch(text) for text in texts):
        return None
    lo = -inf if bounds.lo is None else Fraction(bounds.lo)
    hi = inf if bounds.hi is None else Fraction(bounds.hi)
    return (lo, hi) if lo <= hi else None


def misfit(recorded: ViolationPart, judgement: Judgement) -> str:
    """Why the recorded bounds are not those of what balls found again; empty where they overlap."""
    if recorded.operator != judgement.operator:
        return "the violated comparison is another one"
    for side, bounds, ball in (("left", recorded.lhs, judgement.lhs), ("right", recorded.rhs, judgement.rhs)):
        if bounds is None or ball is None:
            if (bounds is None) != (ball is None):
                return f"the {side} side is recorded otherwise"
            continue
        found = read_bounds(bounds)
        if found is None:
            return f"the bounds of the {side} side are no bounds"
        if _elsewhere(ball, found):
            return f"the {side} side lies elsewhere"
    return ""


def holds_exactly(x: Real | None, bounds: BoundsPart | None) -> bool:
    """Does an exact number lie within recorded bounds?"""
    if x is None or bounds is None:
        return x is None and bounds is None
    found = read_bounds(bounds)
    if found is None:
        return False
    lo, hi = found
    above = isinstance(lo, float) or compare(x, fmpq(lo.numerator, lo.denominator)) >= 0
    below = isinstance(hi, float) or compare(x, fmpq(hi.numerator, hi.denominator)) <= 0
    return above and below


def holds_nearly(x: object, bounds: BoundsPart | None) -> bool:
    """Does an mpmath number lie within recorded bounds, to a third of the ambient digits?"""
    if x is None or bounds is None:
        return x is None and bounds is None
    found = read_bounds(bounds)
    if found is None:
        return False
    value = mp.mpf(x)
    slack = abs(value) * mp.mpf(10) ** (-(mp.dps // 3))
    lo, hi = (mp.mpf(b) if isinstance(b, float) else mp.mpf(b.numerator) / b.denominator for b in found)
    return bool(lo - slack <= value <= hi + slack)
