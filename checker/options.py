"""Names and values as a user writes them, on the command line or in a file: kept as text, so kept exact."""

import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from checker.errors import UsageError
from checker.tables import Decimal, kind_of, parse_toml

MAX_FILE = 256 * 1024
"""The largest configuration file read, in bytes."""

MAX_SEED = 2**32 - 1
"""The largest seed."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def read_set(assignments: Iterable[str]) -> dict[str, str]:
    """`NAME=VALUE` texts as a table; the same name twice must have the same value. Raises UsageError."""
    found: dict[str, str] = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not _NAME.fullmatch(name) or not value:
            raise UsageError(f"--set {text[:60]}: write NAME=VALUE, as in --set m=64")
        if found.setdefault(name, value) != value:
            raise UsageError(
                f"--set {name}: given as {found[name][:40]} and as {value[:40]}; give one of them"
            )
    return found


def _content(path: Path) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"--config {path}: is not a regular file")
        if status.st_size > MAX_FILE:
            raise UsageError(f"--config {path}: is larger than {MAX_FILE} bytes")
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise UsageError(f"--config {path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UsageError(f"--config {path}: is not UTF-8 text") from None
    except ValueError:
        raise UsageError("--config: a path cannot hold a null character") from None


def read_config(path: Path) -> dict[str, str]:
    """A TOML file of names and values: texts, whole numbers and decimals, each kept as written."""
    found: dict[str, str] = {}
    for name, value in parse_toml(_content(path), f"--config {path}").items():
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise UsageError(f"--config {path}: {name[:60]} must be a number or a text, not {kind_of(value)}")
        text = str(value).strip()
        if not _NAME.fullmatch(name) or not text:
            raise UsageError(f"--config {path}: {name[:60]}: write NAME = VALUE, as in m = 64")
        found[name] = text
    return found


def collect(assignments: Iterable[str], config: Path | None, seed: int | None) -> dict[str, str]:
    """Everything the user set, each name with one value wherever it was given. Raises UsageError."""
    found = read_set(assignments)
    if config is not None:
        for name, value in read_config(config).items():
            if found.setdefault(name, value) != value:
                raise UsageError(
                    f"--set {name}={found[name][:40]} and {name} = {value[:40]} in --config differ; give one of them"
                )
    check_seed(found, seed)
    return found


def check_seed(settings: Mapping[str, str], seed: int | None) -> None:
    """`--seed` and `--set seed` are one. Raises UsageError where both are given and differ."""
    if seed is not None and not 0 <= seed <= MAX_SEED:
        raise UsageError(f"--seed {seed}: write a whole number between 0 and {MAX_SEED}")
    text = settings.get("seed", "")
    if seed is not None and text.isascii() and text.isdigit() and len(text) < 20 and int(text) != seed:
        raise UsageError(f"--set seed={text} and --seed {seed} differ; give one of them")
