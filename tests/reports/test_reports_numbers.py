"""Numbers on a page never overstate what is known, and no text can dress up a report."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.records import ArrayBounds, Bounds
from reports.numbers import (
    bounds_text,
    clean,
    definition_text,
    estimate_text,
    factor_text,
    many,
    margin_text,
    pairs_text,
    short_text,
    sides_text,
    step_text,
    value_text,
)

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**9), max_value=10**9)


@given(one=DECIMALS, other=DECIMALS, digits=st.integers(1, 12), scale=st.integers(-60, 60))
def test_shown_bounds_enclose_the_recorded_bounds(one: Decimal, other: Decimal, digits: int, scale: int):
    """
    The interval that is shown contains the interval that was certified.
    """
    lo, hi = min(one, other).scaleb(scale), max(one, other).scaleb(scale)

    shown = bounds_text(Bounds(str(lo), str(hi)), digits)

    low, high = shown.strip("[]").split(", ") if shown.startswith("[") else (shown, shown)
    assert Decimal(low) <= lo
    assert hi <= Decimal(high)


@pytest.mark.parametrize(
    ("lo", "hi", "expected"),
    [
        ("0.123456789", "0.123456790", "[0.12345, 0.12346]"),
        ("3", "3", "3"),
        ("100000", "100000", "100000"),
        ("-0.0000123456", "0", "[-1.2346e-5, 0]"),
        ("1e-400", "2e400", "[1e-400, 2e400]"),
        ("0.99999999", "1.00000001", "[0.99999, 1.0001]"),
        (None, "2.00001234", "≤ 2.0001"),
        ("2.00001234", None, "≥ 2"),
        (None, None, "–"),
        ("-inf", "inf", "[-∞, ∞]"),
        ("-Infinity", "1", "[-∞, 1]"),
        ("junk\x1b", "1", "[junk\\u001b, 1]"),
        ("nan", "1", "[nan, 1]"),
    ],
)
def test_bounds_read_as_short_intervals(lo: str | None, hi: str | None, expected: str):
    """
    Bounds are five digits outward, one number where both ends are one short number.
    """
    assert expected == bounds_text(Bounds(lo, hi))


def test_two_sides_have_the_digits_that_tell_them_apart():
    """
    Sides that differ late are shown longer, equal ones and unknown ones are not.
    """
    left, right = Bounds("0.023516930523", "0.023516930524"), Bounds("0.023516930623", "0.023516930624")

    assert sides_text(left, right) == ("[0.0235169305, 0.0235169306]", "[0.0235169306, 0.0235169307]")
    assert sides_text(left, left) == ("[0.023516, 0.023517]", "[0.023516, 0.023517]")
    assert sides_text(None, None) == ("–", "–")


def test_no_bounds_are_shown_as_nothing():
    """
    A side that was never enclosed has a dash.
    """
    assert bounds_text(None) == "–"


def test_arrays_are_shown_by_shape_and_norm():
    """
    An array's definition names its shape and its Frobenius norm.
    """
    value = ArrayBounds((4, 2), Bounds("1.5", "1.5"))

    assert definition_text(value) == "4 × 2 array, Frobenius norm 1.5"


def test_a_norm_is_never_shown_below_zero():
    """
    A zero array's norm starts at 0, whatever rounding made of it; bounds of numbers stay as they are.
    """
    bounds = Bounds("-5.8e-162", "6.8e-153")

    assert definition_text(ArrayBounds((2,), bounds)) == "2 array, Frobenius norm [0, 6.8e-153]"
    assert definition_text(bounds) == "[-5.8e-162, 6.8e-153]"


@pytest.mark.parametrize(
    ("margin", "text", "factor"),
    [
        (None, "–", ""),
        (float("nan"), "–", ""),
        (float("inf"), "+∞", ""),
        (-float("inf"), "-∞", ""),
        (0.0, "0", "exactly equal"),
        (0.301029, "+0.301", "holds by a factor 1.99"),
        (-4.2371, "-4.23", "missed by a factor 17200"),
        (2.1e-6, "+2.1e-6", "holds by 0.00048 %"),
        (-12.348, "-12.3", "missed by a factor 10^12.3"),
    ],
)
def test_margins_are_rounded_towards_zero(margin: float | None, text: str, factor: str):
    """
    A margin never looks larger than it is, and says the factor it stands for.
    """
    assert text == margin_text(margin)
    assert factor == factor_text(margin)


@given(text=st.text())
def test_cleaned_text_holds_no_control_or_direction_marks(text: str):
    """
    Whatever a file says, what is shown has no escape sequences, no line breaks and no direction overrides.
    """
    shown = clean(text)

    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or "\u202a" <= c <= "\u202e" for c in shown)
    assert clean(shown) == shown


def test_marks_stay_visible_as_escapes():
    """
    A control character is shown by its code, and line breaks survive only where asked for.
    """
    assert clean("a\x1b[31m\u202eb\nc") == "a\\u001b[31m\\u202eb c"
    assert clean("a\nb", keep_lines=True) == "a\nb"


def test_small_values_read_as_themselves():
    """
    Values of reports have one plain form each.
    """
    assert [value_text(v) for v in (None, True, False, 3, 0.1, "1/8")] == [
        "–",
        "yes",
        "no",
        "3",
        "0.1",
        "1/8",
    ]
    assert [estimate_text(v) for v in (1.9100000000000001, 7, "x", None)] == ["1.91", "7", "x", "–"]
    assert [step_text(s) for s in (3, 3.0, 0.25)] == ["3", "3", "0.25"]
    assert pairs_text({"m": 4, "n": 2}) == "m=4, n=2"
    assert [many(k, "run") for k in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]


def test_long_values_are_shortened_in_one_line_and_say_so():
    """
    Long texts end in an ellipsis, long numbers carry an approximation sign, arrays are left out.
    """
    assert short_text("1.2427651248872280120849609375") == "≈1.24277"
    assert (
        pairs_text({"eta": "1.2427651248872280120849609375", "W": "[0.1, 0.2]", "n": 1}) == "eta≈1.24277, n=1"
    )
    assert short_text("near-parallel:0.38941234567890") == "near-parallel:0.389412…"
    assert short_text("1/3") == "1/3"
