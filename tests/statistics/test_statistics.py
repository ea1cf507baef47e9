"""Intervals that must cover: every case here is enumerated exactly or known from elsewhere."""

import math
from fractions import Fraction
from math import comb

import numpy as np
import pytest

from checker.errors import UsageError
from checker.statistics import binomial_interval, slope_interval


def _mass(count: int, runs: int, p: Fraction) -> Fraction:
    return comb(runs, count) * p**count * (1 - p) ** (runs - count)


@pytest.mark.parametrize("runs", [1, 2, 5, 12, 31])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_the_interval_covers_every_probability_often_enough(runs: int, confidence: float) -> None:
    """
    Summed exactly over all counts, no probability is missed more often than the confidence allows.
    """
    intervals = [binomial_interval(count, runs, confidence) for count in range(runs + 1)]
    ends = {end for interval in intervals for end in interval}
    probabilities = {Fraction(i, 97) for i in range(98)}
    probabilities |= {Fraction(math.nextafter(end, end + side)) for end in ends for side in (-1, 1)}

    for p in (p for p in probabilities if 0 <= p <= 1):
        covered = sum(
            (_mass(count, runs, p) for count, (lo, hi) in enumerate(intervals) if lo <= p <= hi), Fraction(0)
        )

        assert covered >= Fraction(str(confidence))


@pytest.mark.parametrize(("count", "runs"), [(0, 5), (3, 5), (17, 40), (40, 40), (99, 100)])
def test_each_end_has_exactly_its_tail(count: int, runs: int) -> None:
    """
    At the two ends the binomial tails are at most half the error, and not by more than rounding.
    """
    tail = (1 - Fraction("0.99")) / 2

    lower, upper = (Fraction(end) for end in binomial_interval(count, runs, 0.99))

    above = sum((_mass(k, runs, lower) for k in range(count, runs + 1)), Fraction(0))
    below = sum((_mass(k, runs, upper) for k in range(count + 1)), Fraction(0))
    assert count == 0 or tail * (1 - Fraction(1, 10**10)) <= above <= tail
    assert count == runs or tail * (1 - Fraction(1, 10**10)) <= below <= tail


def test_zero_in_a_million_is_not_too_short() -> None:
    """
    The end that scipy's binomtest puts below the true one lies above it here, by less than 1e-12 of it.
    """
    truth = 4.605159582208148e-6  # 1 - 0.01**(1/10**6), one-sided 0.99

    lower, upper = binomial_interval(0, 10**6, 0.98)

    assert lower == 0.0
    assert truth <= upper <= truth * (1 + 1e-12)
    assert upper > 4.605159175e-6


def test_all_and_none_reach_the_ends() -> None:
    """
    No success gives the lower end 0, no failure the upper end 1.
    """
    assert binomial_interval(0, 7, 0.9)[0] == 0.0
    assert binomial_interval(7, 7, 0.9)[1] == 1.0


def test_the_interval_is_symmetric() -> None:
    """
    Counting failures instead of successes mirrors the interval.
    """
    lower, upper = binomial_interval(9, 50, 0.95)
    mirrored_lower, mirrored_upper = binomial_interval(41, 50, 0.95)

    assert mirrored_lower == pytest.approx(1 - upper, rel=1e-12)
    assert mirrored_upper == pytest.approx(1 - lower, rel=1e-12)


@pytest.mark.parametrize(("successes", "runs"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(successes: int, runs: int) -> None:
    """
    Counts that cannot occur are a usage error.
    """
    with pytest.raises(UsageError, match="cannot be: write 0 <= successes <= runs"):
        binomial_interval(successes, runs, 0.9)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 1.5, math.nan, math.inf, Fraction(3, 2)])
def test_a_confidence_outside_the_unit_interval_is_refused(confidence: float | Fraction) -> None:
    """
    A confidence must lie strictly between 0 and 1.
    """
    with pytest.raises(UsageError, match="write a number between 0 and 1"):
        binomial_interval(1, 5, confidence)


def test_a_power_law_is_found_exactly() -> None:
    """
    Values C*m**s without noise give the slope s and an interval of rounding width.
    """
    sizes = [8, 16, 32, 64]

    found = slope_interval(sizes, [[3.0 * m**-0.5] * 5 for m in sizes], 0.99)

    assert found is not None
    assert found == pytest.approx((-0.5, -0.5, -0.5), abs=1e-7)
    assert found[1] <= found[0] <= found[2]


def test_the_slope_interval_covers_at_its_rate() -> None:
    """
    With Gaussian noise the 90 % interval contains the true slope in about 90 % of 2000 seeded studies.
    """
    rng = np.random.default_rng(7)
    sizes = [8, 16, 32, 64, 128]

    hits = 0
    for _ in range(2000):
        rows = [(m**0.25 * np.exp(rng.normal(0, 0.3, 6))).tolist() for m in sizes]
        found = slope_interval(sizes, rows, 0.9)
        assert found is not None
        hits += found[1] <= 0.25 <= found[2]

    lower, upper = binomial_interval(hits, 2000, 0.9999)
    assert lower <= 0.9 <= upper


@pytest.mark.parametrize("bad", [0.0, -1.0, math.inf, math.nan])
def test_values_without_a_logarithm_give_no_slope(bad: float) -> None:
    """
    A zero, negative or infinite needed constant is not fitted.
    """
    assert slope_interval([2, 4, 8], [[1.0], [1.0, bad], [1.0]], 0.99) is None


def test_too_little_data_gives_no_slope() -> None:
    """
    One size, or two draws in all, carry no interval.
    """
    assert slope_interval([4, 4], [[1.0, 2.0], [1.0, 3.0]], 0.99) is None
    assert slope_interval([4, 8], [[1.0], [2.0]], 0.99) is None


def test_rows_must_match_sizes() -> None:
    """
    One row of values a size, or a usage error.
    """
    with pytest.raises(UsageError, match="write one row a size"):
        slope_interval([4, 8], [[1.0]], 0.99)
