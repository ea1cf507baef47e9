"""What seeded draws say: exact binomial bounds, and the trend of a needed constant over sizes.

Sources: Clopper & Pearson, Biometrika 26 (1934) 404-413; the ends are found in floats and then moved
outward until ball arithmetic certifies the tail (a bare `binomtest` interval is seen to be too short).
"""

import math
from collections.abc import Sequence
from fractions import Fraction

from flint import arb, ctx, fmpq
from scipy.special import (  # pyright: ignore[reportMissingTypeStubs]
    betainccinv,
    betaincinv,
    stdtrit,
)

from checker.errors import UsageError

_BITS = 160  # the incomplete beta function to some 30 digits at 10**9 runs
_FIRST_NUDGE = 2.0**-52


def binomial_interval(successes: int, runs: int, confidence: Fraction | float) -> tuple[float, float]:
    """The exact two-sided interval for a probability, from `successes` among `runs` independent draws.

    Whatever the true probability, the interval contains it with at least the stated confidence. The ends
    are floats rounded outward: at each, the tail of the binomial law is certifiably at most
    (1 - confidence)/2. Zero successes give the lower end 0.0 exactly, no failure the upper end 1.0.

    Raises UsageError for counts that cannot occur or a confidence outside (0, 1).
    Source: Clopper & Pearson 1934.
    """
    if runs < 1 or not 0 <= successes <= runs:
        raise UsageError(f"{successes} successes in {runs} runs cannot be: write 0 <= successes <= runs")
    tail = (1 - _exact(confidence)) / 2
    lower = _upper_end(runs - successes, runs, tail, mirrored=True)
    upper = _upper_end(successes, runs, tail, mirrored=False)
    return lower, upper


def _exact(confidence: Fraction | float) -> Fraction:
    """The confidence as the decimal that was written: 0.999 is 999/1000."""
    if isinstance(confidence, float) and not math.isfinite(confidence):
        raise UsageError(f"the confidence is {confidence}: write a number between 0 and 1, such as 0.999")
    exact = Fraction(str(confidence))
    if not 0 < exact < 1:
        raise UsageError(f"the confidence is {confidence}: write a number between 0 and 1, such as 0.999")
    return exact


def _upper_end(count: int, runs: int, tail: Fraction, *, mirrored: bool) -> float:
    """The least float found at which `count` or fewer of `runs` has probability at most `tail`.

    `mirrored` answers for 1 minus the probability instead: the lower end of the mirrored count.
    """
    if count == runs:
        return 0.0 if mirrored else 1.0
    if mirrored:
        end = float(betaincinv(runs - count, count + 1, float(tail)))
    else:
        end = float(betainccinv(count + 1, runs - count, float(tail)))
    outermost = 0.0 if mirrored else 1.0
    nudge = _FIRST_NUDGE
    while end != outermost and not _certified(end, count, runs, tail, mirrored=mirrored):
        away = abs(end) * nudge
        end = max(math.nextafter(end - away, -math.inf), 0.0) if mirrored else end + away
        end = end if mirrored else min(math.nextafter(end, math.inf), 1.0)
        nudge *= 2
    return end


def _certified(end: float, count: int, runs: int, tail: Fraction, *, mirrored: bool) -> bool:
    """Is P(Binomial(runs, p) <= count) <= tail, certainly, at p = end (mirrored: at p = 1 - end)?"""
    if not 0.0 < end < 1.0:
        return False
    with ctx.workprec(_BITS):
        failure = arb(end) if mirrored else 1 - arb(end)
        # P(Binomial(runs, p) <= count) = I_{1-p}(runs - count, count + 1)
        mass = failure.beta_lower(arb(runs - count), arb(count + 1), True)
        return bool(mass <= fmpq(tail.numerator, tail.denominator))


def slope_interval(
    sizes: Sequence[int], values_per_size: Sequence[Sequence[float]], confidence: Fraction | float
) -> tuple[float, float, float] | None:
    """The slope of log(value) over log(size), with its two-sided t-interval: (slope, lower, upper).

    `values_per_size` holds one sequence of draws a size, in the order of `sizes`; every draw counts as one
    observation of an ordinary least-squares line. None where no such line exists: fewer than two distinct
    sizes or three draws, a size below 1, or a value that is zero, negative or not finite (a needed
    constant of zero, or one that no finite value satisfies, has no logarithm: say so, do not fit it).

    Raises UsageError where the two sequences differ in length or the confidence lies outside (0, 1).
    """
    if len(sizes) != len(values_per_size):
        raise UsageError(
            f"{len(sizes)} sizes and {len(values_per_size)} rows of values: write one row a size"
        )
    tail = (1 - _exact(confidence)) / 2
    pairs = [(size, value) for size, row in zip(sizes, values_per_size, strict=True) for value in row]
    if len(pairs) < 3 or len({size for size, _ in pairs}) < 2:
        return None
    if any(size < 1 or not (math.isfinite(value) and value > 0) for size, value in pairs):
        return None
    xs = [math.log(size) for size, _ in pairs]
    ys = [math.log(value) for _, value in pairs]
    x_mean, y_mean = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    spread = math.fsum((x - x_mean) ** 2 for x in xs)
    slope = math.fsum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / spread
    residual = math.fsum((y - y_mean - slope * (x - x_mean)) ** 2 for x, y in zip(xs, ys, strict=True))
    freedom = len(pairs) - 2
    half = -float(stdtrit(freedom, float(tail))) * math.sqrt(residual / freedom / spread)
    return slope, slope - half, slope + half
