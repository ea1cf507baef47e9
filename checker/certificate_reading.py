"""Reading a certificate that nobody vouches for: JSON, its keys and the kinds of its values.

Whatever is wrong is said in one line that names the key and what was expected there.
"""

import json
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar, cast

from checker.certificate_format import (
    FORMAT,
    MAPS,
    MAX_FILE,
    OPERATORS,
    ArrayPart,
    BoundsPart,
    Certificate,
    ClaimPart,
    ConfigurationPart,
    TheoremPart,
    ViolationPart,
    reason_of,
    shown,
)
from checker.errors import UsageError

T = TypeVar("T")

_SHORT: Final = 200
_LONG: Final = 4000
_THEOREM: Final = 2**18
_MOST_DIGITS: Final = 12


class Malformed(Exception):
    """The document is no certificate; `reason` is one line that names the key."""

    def __init__(self, key: str, wrong: str) -> None:
        super().__init__(key, wrong)
        self.reason = shown(f"{key}: {wrong}" if key else wrong, 300)


class NotJson(Exception):
    """The text is not the JSON that certificates are written in."""


def read_certificate(path: Path) -> Certificate:
    """The certificate in a file. Raises UsageError, one line, for anything that is not one."""
    name = shown(path.name or str(path))
    content = _content(path, name)
    try:
        value = parsed(content)
    except NotJson as error:
        raise UsageError(f"{name}: is not JSON: {error}") from None
    try:
        return certificate_of(value)
    except Malformed as error:
        raise UsageError(f"{name}: is not a certificate: {error.reason}") from None


def _content(path: Path, name: str) -> bytes:
    too_large = UsageError(f"{name}: is larger than {MAX_FILE // 2**20} MiB, the most that is read")
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{name}: is not a regular file; give the path of one certificate")
        if status.st_size > MAX_FILE:
            raise too_large
        with path.open("rb") as file:
            content = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"{name}: cannot be read: {reason_of(error)}") from None
    if len(content) > MAX_FILE:
        raise too_large
    return content


def parsed(content: bytes) -> object:
    """The JSON value: no key twice, no fractions, no number of more than twelve digits. Raises NotJson."""
    try:
        return json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_once_each,
            parse_int=_whole_number,
            parse_float=_no_fraction,
            parse_constant=_no_constant,
        )
    except json.JSONDecodeError as error:
        raise NotJson(f"line {error.lineno}, column {error.colno} is not as JSON has it") from None
    except UnicodeDecodeError as error:
        raise NotJson(f"byte {error.start} is not UTF-8") from None
    except RecursionError:
        raise NotJson("it is nested too deeply") from None


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))
        raise NotJson(f"the key {shown(twice, 40)!r} stands twice in one object")
    return found


def _whole_number(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise NotJson(f"a number of {len(text)} digits; certificates have at most {_MOST_DIGITS}")
    return int(text)


def _no_fraction(text: str) -> float:
    raise NotJson(f"the number {shown(text, 40)}; certificates have whole numbers only, and floats as text")


def _no_constant(text: str) -> float:
    raise NotJson(f"{text} is no number")


def certificate_of(value: object) -> Certificate:
    """The certificate that a JSON value is. Raises Malformed."""
    document = _object(value, "")
    kind = document.get("kind")
    if kind != "certificate":
        raise Malformed("kind", f"expected 'certificate', found {_named(kind)}")
    version = document.get("format")
    if version != FORMAT or isinstance(version, bool):
        raise Malformed(
            "format", f"expected {FORMAT}, the one that this version reads, found {_named(version)}"
        )
    fields = _fields(document, "", Certificate.__struct_fields__)
    return Certificate(
        format=FORMAT,
        kind="certificate",
        theorem=_theorem(fields["theorem"], "theorem"),
        claim=_claim(fields["claim"], "claim"),
        step=_whole(fields["step"], "step", 0, 10**6),
        algorithm=_text(fields["algorithm"], "algorithm"),
        precision=_whole(fields["precision"], "precision", 16, 2**20),
        configuration=_configuration(fields["configuration"], "configuration"),
        hypotheses=tuple(_list(fields["hypotheses"], "hypotheses", _text, 1000)),
        violation=_violation(fields["violation"], "violation"),
        digest=_text(fields["digest"], "digest"),
    )


def _theorem(value: object, key: str) -> TheoremPart:
    fields = _fields(value, key, TheoremPart.__struct_fields__)
    return TheoremPart(_text(fields["id"], f"{key}.id"), _text(fields["text"], f"{key}.text", _THEOREM))


def _claim(value: object, key: str) -> ClaimPart:
    fields = _fields(value, key, ClaimPart.__struct_fields__)
    return ClaimPart(_text(fields["name"], f"{key}.name"), _text(fields["text"], f"{key}.text", _LONG))


def _configuration(value: object, key: str) -> ConfigurationPart:
    fields = _fields(value, key, ConfigurationPart.__struct_fields__)
    return ConfigurationPart(
        setting=_text(fields["setting"], f"{key}.setting"),
        sizes=_table(fields["sizes"], f"{key}.sizes", _size, 16),
        activation=_or_null(fields["activation"], f"{key}.activation", _text),
        kink=_text(fields["kink"], f"{key}.kink", 2 * _LONG),
        trains=tuple(_list(fields["trains"], f"{key}.trains", _text, 32)),
        parameters=_table(fields["parameters"], f"{key}.parameters", _expression, 200),
        arrays=_table(fields["arrays"], f"{key}.arrays", _array, 64),
    )


def _array(value: object, key: str) -> ArrayPart:
    fields = _fields(value, key, ArrayPart.__struct_fields__)
    shape = _list(fields["shape"], f"{key}.shape", _size, 2)
    if not shape:
        raise Malformed(f"{key}.shape", "expected one or two sizes, found none")
    return ArrayPart(
        shape=tuple(shape),
        map=_one_of(fields["map"], f"{key}.map", MAPS),
        scale=_or_null(fields["scale"], f"{key}.scale", _expression),
        floats=_list(fields["floats"], f"{key}.floats", _text, 2**26),
    )


def _violation(value: object, key: str) -> ViolationPart:
    fields = _fields(value, key, ViolationPart.__struct_fields__)
    return ViolationPart(
        operator=_one_of(fields["operator"], f"{key}.operator", OPERATORS),
        lhs=_or_null(fields["lhs"], f"{key}.lhs", _bounds),
        rhs=_or_null(fields["rhs"], f"{key}.rhs", _bounds),
    )


def _bounds(value: object, key: str) -> BoundsPart:
    fields = _fields(value, key, BoundsPart.__struct_fields__)
    return BoundsPart(
        lo=_or_null(fields["lo"], f"{key}.lo", _text),
        hi=_or_null(fields["hi"], f"{key}.hi", _text),
    )


def _object(value: object, key: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Malformed(key, f"expected an object, found {_named(value)}")
    return cast(dict[str, object], value)


def _fields(value: object, key: str, names: tuple[str, ...]) -> Mapping[str, object]:
    """The object, which has these keys and no others."""
    found, start = _object(value, key), f"{key}." if key else ""
    for name in names:
        if name not in found:
            raise Malformed(f"{start}{name}", "this key is missing")
    for name in found:
        if name not in names:
            raise Malformed(
                f"{start}{shown(name, 40)}", f"there is no such key; there are {', '.join(names)}"
            )
    return found


def _table(value: object, key: str, read: Callable[[object, str], T], most: int) -> dict[str, T]:
    found = _object(value, key)
    if len(found) > most:
        raise Malformed(key, f"expected at most {most} entries, found {len(found)}")
    out: dict[str, T] = {}
    for name, inner in found.items():
        place = f"{key}.{shown(name, 40)}"
        out[_text(name, place)] = read(inner, place)
    return out


def _list(value: object, key: str, read: Callable[[object, str], T], most: int) -> list[T]:
    if not isinstance(value, list):
        raise Malformed(key, f"expected a list, found {_named(value)}")
    found = cast(list[object], value)
    if len(found) > most:
        raise Malformed(key, f"expected at most {most} entries, found {len(found)}")
    return [read(inner, f"{key}[{k}]") for k, inner in enumerate(found)]


def _text(value: object, key: str, most: int = _SHORT) -> str:
    if not isinstance(value, str):
        raise Malformed(key, f"expected a text, found {_named(value)}")
    if len(value) > most:
        raise Malformed(key, f"expected at most {most} characters, found {len(value)}")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise Malformed(key, "expected characters, found half of a surrogate pair")
    return value


def _expression(value: object, key: str) -> str:
    return _text(value, key, _LONG)


def _size(value: object, key: str) -> int:
    return _whole(value, key, 1, 2**26)


def _whole(value: object, key: str, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Malformed(key, f"expected a whole number from {least} to {most}, found {_named(value)}")
    return value


def _one_of(value: object, key: str, words: tuple[str, ...]) -> str:
    if value not in words or not isinstance(value, str):
        raise Malformed(key, f"expected one of {', '.join(map(repr, words))}, found {_named(value)}")
    return value


def _or_null(value: object, key: str, read: Callable[[object, str], T]) -> T | None:
    return None if value is None else read(value, key)


def _named(value: object) -> str:
    """A value as a person would name it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return f"the text {shown(value, 40)!r}"
        case list():
            return "a list"
        case _:
            return "an object"
