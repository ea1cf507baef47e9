"""Numbers as a person reads them. Bounds are rounded outward, margins towards zero: nothing shown overstates.

Every input is a decimal string or a float of a report record; nothing here decides anything.
"""

import math
import re
from collections.abc import Collection
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    InvalidOperation,
    localcontext,
)

import msgspec

from checker.records import ArrayBounds, Bounds, Value

NOTHING = "–"
"""Stands where a record holds null."""

_PLAIN_FROM, _PLAIN_TO = -4, 7


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return None if value.is_nan() else value


def _written(value: Decimal) -> str:
    """Plain notation for everyday sizes, scientific otherwise; no trailing zeros."""
    if value.is_infinite():
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    sign, digits, _ = value.as_tuple()
    kept = "".join(map(str, digits)).rstrip("0")
    exponent = value.adjusted()
    mark = "-" if sign else ""
    if not _PLAIN_FROM <= exponent < _PLAIN_TO:
        fraction = f".{kept[1:]}" if len(kept) > 1 else ""
        return f"{mark}{kept[0]}{fraction}e{exponent}"
    if exponent < 0:
        return f"{mark}0.{'0' * (-exponent - 1)}{kept}"
    whole, fraction = kept[: exponent + 1].ljust(exponent + 1, "0"), kept[exponent + 1 :]
    return mark + whole + (f".{fraction}" if fraction else "")


def rounded(text: str, rounding: str, digits: int) -> str:
    """A decimal string at so many significant digits, rounded the way asked; other text as it is."""
    value = _decimal(text)
    if value is None or value.is_infinite():
        return clean(text) if value is None else _written(value)
    return _written(Context(prec=digits, rounding=rounding).plus(value))


def bounds_text(bounds: Bounds | None, digits: int = 5) -> str:
    """An enclosure as `[lo, hi]`, rounded outward; one number where both ends are one short number."""
    if bounds is None or (bounds.lo is None and bounds.hi is None):
        return NOTHING
    if bounds.hi is None:
        return f"≥ {rounded(str(bounds.lo), ROUND_FLOOR, digits)}"
    if bounds.lo is None:
        return f"≤ {rounded(bounds.hi, ROUND_CEILING, digits)}"
    lo, hi = rounded(bounds.lo, ROUND_FLOOR, digits), rounded(bounds.hi, ROUND_CEILING, digits)
    return lo if lo == hi else f"[{lo}, {hi}]"


def sides_text(lhs: Bounds | None, rhs: Bounds | None) -> tuple[str, str]:
    """Both sides of a comparison, with as many digits as it takes to tell them apart (up to 30)."""
    left, right = bounds_text(lhs), bounds_text(rhs)
    for digits in (9, 14, 20, 30):
        if left != right or lhs == rhs:
            break
        left, right = bounds_text(lhs, digits), bounds_text(rhs, digits)
    return left, right


def definition_text(value: Bounds | ArrayBounds) -> str:
    """A definition's value: a number's bounds, or an array's shape and norm."""
    if isinstance(value, Bounds):
        return bounds_text(value)
    shape = " × ".join(map(str, value.shape)) or "scalar"
    return f"{shape} array, Frobenius norm {bounds_text(_nonnegative(value.norm_fro))}"


def _nonnegative(bounds: Bounds) -> Bounds:
    """Bounds of a norm, whose lower end is never below 0: rounding alone takes it there."""
    lo = _decimal(bounds.lo) if bounds.lo is not None else None
    return msgspec.structs.replace(bounds, lo="0") if lo is not None and lo < 0 else bounds


def margin_text(margin: float | None) -> str:
    """A margin in decades with its sign, towards zero at three digits."""
    if margin is None or margin != margin:
        return NOTHING
    if abs(margin) == float("inf"):
        return "+∞" if margin > 0 else "-∞"
    if margin == 0:
        return "0"
    return ("+" if margin > 0 else "") + rounded(repr(margin), ROUND_DOWN, 3)


def factor_text(margin: float | None) -> str:
    """What a margin means: by which factor a claim holds or is missed. Empty where nothing is known."""
    if margin is None or margin != margin or abs(margin) == float("inf"):
        return ""
    if margin == 0:
        return "exactly equal"
    size = abs(margin)
    if size > 6:
        by = f"a factor 10^{rounded(repr(size), ROUND_DOWN, 3)}"
    else:
        with localcontext(prec=40):
            factor = Decimal(10) ** Decimal(size)
        if factor < Decimal("1.01"):
            by = f"{rounded(str((factor - 1) * 100), ROUND_DOWN, 2)} %"
        else:
            by = f"a factor {rounded(str(factor), ROUND_DOWN, 3)}"
    return f"holds by {by}" if margin > 0 else f"missed by {by}"


def value_text(value: Value) -> str:
    """A small value of a record; floats with all their digits."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return repr(value) if isinstance(value, float) else clean(str(value))


def estimate_text(value: Value) -> str:
    """A value that is only an estimate: floats at four digits."""
    if isinstance(value, float) and math.isfinite(value):
        return rounded(repr(value), ROUND_HALF_EVEN, 4)
    return value_text(value)


def step_text(step: float) -> str:
    """A step or a time, without a needless `.0`."""
    return str(int(step)) if float(step).is_integer() else repr(float(step))


def share_text(value: float, rounding: str) -> str:
    """A probability at five digits, rounded the way asked."""
    return rounded(repr(value), rounding, 5)


def many(count: int, word: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def short_text(value: Value) -> str:
    """A value for a narrow place: long numbers at six digits, long texts cut; the JSON has them whole."""
    text = value_text(value)
    if len(text) <= 24:
        return text
    number = _decimal(text)
    if number is not None and number.is_finite():
        return f"≈{rounded(text, ROUND_HALF_EVEN, 6)}"
    return f"{text[:22]}…"


def pairs_text(values: dict[str, Value]) -> str:
    """A small table in one line: `m=4, n=2`. Values are shortened and arrays left out; the JSON has them."""
    shown = {clean(name): short_text(value) for name, value in values.items() if "[" not in value_text(value)}
    return ", ".join(
        f"{name}{text}" if text.startswith("≈") else f"{name}={text}" for name, text in shown.items()
    )


_PLAIN_WORD = re.compile(r"[a-z]+[,:]?")


def sentence_case(text: str) -> str:
    """The text with a capital at its start, where that is a plain word and no name such as `rho_w`."""
    first, _, rest = text.partition(" ")
    known = (_PLAIN_WORD.fullmatch(first) is not None and len(first) > 1) or first == "a"
    return f"{first[:1].upper()}{first[1:]}{' ' if rest else ''}{rest}" if known else text


def sentence(text: str, names: Collection[str] = ()) -> str:
    """One sentence: a capital at its start unless it starts with one of `names`, and a mark at its end."""
    first = text.partition(" ")[0].rstrip(",:;")
    cased = text if first in names else sentence_case(text)
    return cased if not cased or cased.endswith((".", "!", "?", ":")) else f"{cased}."


_HIDDEN_MARKS = frozenset("\u061c\u200b\u200e\u200f\u2028\u2029\u2060\ufeff") | frozenset(
    map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
)


def clean(text: str, keep_lines: bool = False) -> str:
    """The text with every control and direction mark made visible, so that no file can dress up a report."""
    out: list[str] = []
    for character in text:
        code = ord(character)
        if character == "\n" and keep_lines:
            out.append(character)
        elif character in "\n\t\r":
            out.append(" ")
        elif code < 32 or 127 <= code < 160 or character in _HIDDEN_MARKS or 0xD800 <= code < 0xE000:
            out.append(f"\\u{code:04x}")
        else:
            out.append(character)
    return "".join(out)
