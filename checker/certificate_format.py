"""The certificate as a document: strict records, canonical bytes, a digest, and reading what is not trusted.

A certificate names a theorem (its whole text), a configuration (floats in hexadecimal and
the maps that make them exact), one conclusion and the step at which it fails.
"""

import hashlib
import math
import os
import re
import stat
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from checker.errors import UsageError

MAX_FILE: Final = 64 * 2**20
"""The largest certificate that is read, in bytes."""

_FLOAT: Final = re.compile(r"-?0x[01](\.[0-9a-f]{1,13})?p[+-]\d{1,4}")

Short: TypeAlias = Annotated[str, msgspec.Meta(max_length=200)]
Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=4000)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**26)]


class TheoremPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The theorem: its id and the whole text of its file."""

    id: Short
    text: Annotated[str, msgspec.Meta(max_length=2**18)]


class ClaimPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The violated conclusion: its name and what it says."""

    name: Short
    text: Text


class ArrayPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Stored floats by rows, in hexadecimal, and the exact map applied to them."""

    shape: Annotated[tuple[Count, ...], msgspec.Meta(min_length=1, max_length=2)]
    map: Literal["plain", "columns", "orthogonal", "goe", "constant"]
    scale: Text | None
    floats: list[str]


class ConfigurationPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a run needs, exactly. Parameters are expressions of the claim language."""

    setting: Short
    sizes: dict[Short, Count]
    activation: Short | None
    kink: Short
    trains: Annotated[tuple[Short, ...], msgspec.Meta(max_length=32)]
    parameters: Annotated[dict[Short, Text], msgspec.Meta(max_length=200)]
    arrays: Annotated[dict[Short, ArrayPart], msgspec.Meta(max_length=64)]


class BoundsPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Decimal strings below and above a number; null where unbounded."""

    lo: Short | None
    hi: Short | None


class ViolationPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The violated comparison with enclosures of its sides (null for a claim by itself)."""

    operator: Literal["<", "<=", ">", ">=", "==", ""]
    lhs: BoundsPart | None
    rhs: BoundsPart | None


class Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One violated conclusion of one theorem at one configuration."""

    format: Literal[1]
    kind: Literal["certificate"]
    theorem: TheoremPart
    claim: ClaimPart
    step: Annotated[int, msgspec.Meta(ge=0, le=10**6)]
    algorithm: Short
    precision: Annotated[int, msgspec.Meta(ge=16, le=2**20)]
    configuration: ConfigurationPart
    hypotheses: Annotated[tuple[Short, ...], msgspec.Meta(max_length=1000)]
    violation: ViolationPart
    digest: Short


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
        raise UsageError(f"{shown(path.name)}: cannot be written: {_reason(error)}") from None


def read_certificate(path: Path) -> Certificate:
    """The certificate in a file. Raises UsageError, one line, for anything that is not one."""
    name = shown(path.name or str(path))
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{name}: is not a regular file; give the path of one certificate")
        if status.st_size > MAX_FILE:
            raise UsageError(f"{name}: is larger than {MAX_FILE // 2**20} MiB, the most that is read")
        with path.open("rb") as file:
            content = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"{name}: cannot be read: {_reason(error)}") from None
    if len(content) > MAX_FILE:
        raise UsageError(f"{name}: is larger than {MAX_FILE // 2**20} MiB, the most that is read")
    try:
        return msgspec.json.decode(content, type=Certificate)
    except msgspec.ValidationError as error:
        raise UsageError(f"{name}: is not a certificate: {shown(str(error), 300)}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{name}: is not JSON: {shown(str(error), 200)}") from None


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


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "not a usable path"
