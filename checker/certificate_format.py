"""The certificate as a document: records, canonical bytes, a digest, floats in hexadecimal.

A certificate names a theorem (its whole text), a configuration (floats in hexadecimal and
the maps that make them exact), one conclusion and the step at which it fails.
"""

import hashlib
import math
import os
import re
from pathlib import Path
from typing import Final

import msgspec

from checker.errors import UsageError

MAX_FILE: Final = 64 * 2**20
"""The largest certificate that is read, in bytes."""

_FLOAT: Final = re.compile(r"-?0x[01](\.[0-9a-f]{1,13})?p[+-]\d{1,4}")

FORMAT: Final = 1
"""The version of the document; another one is refused."""

MAPS: Final = ("plain", "columns", "orthogonal", "goe", "constant")
"""The exact maps of stored floats."""

OPERATORS: Final = ("<", "<=", ">", ">=", "==", "")
"""The comparisons; none for a claim by itself."""


class TheoremPart(msgspec.Struct, frozen=True):
    """The theorem: its id and the whole text of its file."""

    id: str
    text: str


class ClaimPart(msgspec.Struct, frozen=True):
    """The violated conclusion: its name and what it says."""

    name: str
    text: str


class ArrayPart(msgspec.Struct, frozen=True):
    """Stored floats by rows, in hexadecimal, and the exact map applied to them."""

    shape: tuple[int, ...]
    map: str
    scale: str | None
    floats: list[str]


class ConfigurationPart(msgspec.Struct, frozen=True):
    """Everything a run needs, exactly. Parameters are expressions of the claim language."""

    setting: str
    sizes: dict[str, int]
    activation: str | None
    kink: str
    trains: tuple[str, ...]
    parameters: dict[str, str]
    arrays: dict[str, ArrayPart]


class BoundsPart(msgspec.Struct, frozen=True):
    """Decimal strings below and above a number; null where unbounded."""

    lo: str | None
    hi: str | None


class ViolationPart(msgspec.Struct, frozen=True):
    """The violated comparison with enclosures of its sides (null for a claim by itself)."""

    operator: str
    lhs: BoundsPart | None
    rhs: BoundsPart | None


class Certificate(msgspec.Struct, frozen=True):
    """One violated conclusion of one theorem at one configuration."""

    format: int
    kind: str
    theorem: TheoremPart
    claim: ClaimPart
    step: int
    algorithm: str
    precision: int
    configuration: ConfigurationPart
    hypotheses: tuple[str, ...]
    violation: ViolationPart
    digest: str


def digest_of(certificate: Certificate) -> str:
    """sha256 over the canonical content without the digest itself."""
    content: dict[str, object] = msgspec.to_builtins(certificate)
    del content["digest"]
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()


def sealed(certificate: Certificate) -> Certificate:
    """The certificate with its own digest."""
    return msgspec.structs.replace(certificate, digest=digest_of(certificate))


def canonical_bytes(certificate: Certificate) -> bytes:
    """The same certificate gives the same bytes."""
    compact = msgspec.json.encode(msgspec.to_builtins(certificate), order="sorted")
    return msgspec.json.format(compact, indent=1) + b"\n"


def write_bytes(path: Path, content: bytes) -> None:
    """Write whole or not at all: to a neighbour first, flushed, then renamed. Raises UsageError."""
    neighbour = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            with neighbour.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            neighbour.replace(path)
        finally:
            neighbour.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise UsageError(f"{shown(path.name)}: cannot be written: {reason_of(error)}") from None


def read_floats(array: ArrayPart) -> list[float]:
    """The stored floats. Raises ValueError for one that `float.hex` would not have written."""
    out: list[float] = []
    for text in array.floats:
        if not _FLOAT.fullmatch(text):
            raise ValueError(f"{shown(text, 40)!r} is not a float in hexadecimal")
        try:
            value = float.fromhex(text)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value) or value.hex() != text:
            raise ValueError(f"{text!r} is not how a finite float is written in hexadecimal")
        out.append(value)
    return out


def shown(text: str, most: int = 80) -> str:
    """The text on one line, cut where it is long."""
    plain = "".join(c if c.isprintable() else "?" for c in text[: most + 1])
    return plain if len(plain) <= most else plain[: most - 3] + "..."


def reason_of(error: Exception) -> str:
    """Why a file could not be opened, without its path."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "not a usable path"
