"""TOML with exact decimals, and tables that refuse what they do not know, each error one clear line."""

import re
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from fractions import Fraction
from typing import Final, TypeAlias, cast

from checker.errors import TheoremError
from checker.expression.mistakes import MAX_TEXT
from checker.expression.shapes import similar

MAX_ENTRIES: Final = 200
MAX_KEY_PARTS: Final = 8
MAX_FORMULAS: Final = 50_000

Toml: TypeAlias = dict[str, object]


class Decimal(str):
    """A TOML float kept as its text, so that 0.1 stays one tenth."""

    __slots__ = ()


# tomllib takes time quadratic in the parts of a dotted key; atomic groups keep this search linear.
_PART = r"""(?>[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_LONG_KEY: Final = re.compile(rf"""(?<![A-Za-z0-9_"'-])(?:{_PART}[ \t]*+\.[ \t]*+){{{MAX_KEY_PARTS}}}""")


def parse_toml(text: str, origin: str) -> Toml:
    """The tables of a TOML text; floats as `Decimal`. Raises TheoremError for anything that is not TOML."""
    if _LONG_KEY.search(text):
        raise TheoremError(
            f"{origin}: a dotted key or text has more than {MAX_KEY_PARTS} parts without a space"
        )
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise TheoremError(f"{origin}: not TOML: {_one_line(str(error))}") from None
    except RecursionError:
        raise TheoremError(f"{origin}: not TOML we read: lists or tables nest too deeply") from None
    except ValueError:
        raise TheoremError(f"{origin}: a number has too many digits; at most 60 are read") from None


def _one_line(text: str, most: int = 160) -> str:
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain if len(plain) <= most else plain[: most - 3] + "..."


def refuse_long_formulas(data: Toml, origin: str) -> None:
    """Refuse a file whose claims and expressions are too long in all; prose does not count.

    A single text longer than MAX_TEXT is refused where it stands, with its key.
    """
    todo: list[tuple[str, object]] = [(key, value) for key, value in data.items() if key != "theorem"]
    total = 0
    while todo:
        key, value = todo.pop()
        if isinstance(value, dict):
            todo.extend(cast(Toml, value).items())
        elif isinstance(value, list):
            todo.extend((key, item) for item in cast(list[object], value))
        elif isinstance(value, str) and key not in ("why", "name") and len(value) <= MAX_TEXT:
            total += len(value)
    if total > MAX_FORMULAS:
        raise TheoremError(
            f"{origin}: claims and expressions have {total} characters in all, and may have {MAX_FORMULAS}"
        )


def kind_of(value: object) -> str:
    """What a TOML value is called in an error."""
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | Decimal):
        return "a number"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, dict):
        return "a table"
    return "a list" if isinstance(value, list) else "a date or time"


class Table:
    """One TOML table with its place in the file; every key must be asked for before `finish`."""

    def __init__(self, data: Toml, origin: str, path: str = "") -> None:
        self.data = data
        self.origin = origin
        self.path = path
        self._asked: set[str] = set()

    def place(self, key: str | None) -> str:
        """The dotted path of a key as errors show it."""
        shown = "" if key is None else _one_line(key, 60)
        return f"{self.path}.{shown}" if self.path and shown else self.path or shown

    def error(self, key: str | None, message: str, column: int | None = None) -> TheoremError:
        """The one line that says file, key, column and what is wrong."""
        at = self.place(key) + (f", column {column}" if column is not None else "")
        return TheoremError(f"{self.origin}: {at}: {message}" if at else f"{self.origin}: {message}")

    def value(self, key: str) -> object | None:
        """The raw value, None where the key is absent."""
        self._asked.add(key)
        return self.data.get(key)

    def finish(self) -> None:
        """Refuse the keys nobody asked for."""
        for key in self.data:
            if key not in self._asked:
                raise self.error(None, f"unknown key '{_one_line(key, 60)}'; {similar(key, self._asked)}")

    def _typed(self, key: str, wanted: str, value: object) -> TheoremError:
        return self.error(key, f"must be {wanted}, not {kind_of(value)}")

    def text(self, key: str, default: str | None = None) -> str:
        """A text; required where no default is given."""
        value = self.value(key)
        if value is None:
            if default is None:
                near = get_close_matches(key, self.data, n=1, cutoff=0.75)
                meant = f"; '{_one_line(near[0], 60)}' is unknown and may be meant" if near else ""
                raise self.error(key, f'is required; write {key} = "..."{meant}')
            return default
        if not isinstance(value, str) or isinstance(value, Decimal):
            raise self._typed(key, "a text", value)
        return value

    def choice(self, key: str, options: Iterable[str], default: str | None = None) -> str:
        """One of several words."""
        text, known = self.text(key, default), tuple(options)
        if text not in known:
            raise self.error(key, f"'{_one_line(text, 60)}' is none of: {', '.join(known)}")
        return text

    def flag(self, key: str) -> bool:
        """true or false; absent means false."""
        value = self.value(key)
        if value is not None and not isinstance(value, bool):
            raise self._typed(key, "true or false", value)
        return bool(value)

    def whole(self, key: str) -> int | None:
        """A whole number, None where absent."""
        value = self.value(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise self._typed(key, "a whole number", value)
        return value

    def texts(self, key: str) -> tuple[str, ...] | None:
        """A list of texts, None where absent."""
        value = self.value(key)
        if value is None:
            return None
        if not isinstance(value, list) or not all(_is_text(item) for item in value):
            raise self.error(key, "must be a list of texts")
        if len(value) > MAX_ENTRIES:
            raise self.error(key, f"has {len(value)} entries, more than the {MAX_ENTRIES} allowed")
        return tuple(str(item) for item in value)

    def formula(self, key: str) -> str | None:
        """The text of an expression, None where absent; a number stands for its own text."""
        value = self.value(key)
        return None if value is None else self.formula_of(key, value)

    def formula_of(self, key: str, value: object) -> str:
        """The text of an expression given as a text or a number."""
        if isinstance(value, Decimal):
            if value.lstrip("+-") in ("inf", "nan"):
                raise self.error(key, f"'{value}' is not a finite number")
            return value.replace("_", "").lstrip("+")
        if isinstance(value, str):
            return value
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._typed(key, "a text or a number", value)
        if abs(value) >= 10**60:
            raise self.error(key, "a number may have at most 60 digits")
        return str(value)

    def table(self, key: str) -> "Table":
        """A sub-table; an absent one is empty."""
        value = self.value(key)
        return self.table_of(key, {} if value is None else value)

    def table_of(self, key: str, value: object) -> "Table":
        """A sub-table from its value."""
        if not isinstance(value, dict):
            raise self._typed(key, "a table", value)
        if len(value) > MAX_ENTRIES:
            raise self.error(key, f"has {len(value)} entries, more than the {MAX_ENTRIES} allowed")
        return Table(value, self.origin, self.place(key))

    def tables(self, key: str) -> list["Table"]:
        """A list of tables, written [[key]]."""
        value = self.value(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.error(key, f"must be written as [[{key}]]")
        if len(value) > MAX_ENTRIES:
            raise self.error(key, f"has {len(value)} entries, more than the {MAX_ENTRIES} allowed")
        return [self.table_of(f"{key}[{i}]", item) for i, item in enumerate(value, 1)]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not isinstance(value, Decimal)


def exact_number(text: str) -> Fraction | None:
    """The rational a plain decimal text stands for; None for anything else."""
    match = re.fullmatch(
        r"\s*(-?(?:[0-9]{1,60}(?:\.[0-9]{0,60})?|\.[0-9]{1,60}))(?:[eE]([+-]?[0-9]{1,3}))?\s*", text
    )
    if match is None:
        quotient = re.fullmatch(r"\s*(-?[0-9]{1,60})\s*/\s*([0-9]{1,60})\s*", text)
        if quotient is None or int(quotient[2]) == 0:
            return None
        return Fraction(int(quotient[1]), int(quotient[2]))
    return Fraction(match[1]) * Fraction(10) ** int(match[2] or 0)
