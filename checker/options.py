"""Names and values as a user writes them, on the command line or in a file: kept as text, so kept exact."""

import re
import stat
from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import inf
from pathlib import Path

from checker.errors import UsageError
from checker.tables import Decimal, kind_of, parse_toml

MAX_FILE = 256 * 1024
"""The largest configuration file read, in bytes."""

MAX_SEED = 2**32 - 1
"""The largest seed."""

MAX_RUNS, MAX_STEPS = 10**6, 10**6
"""The largest numbers of runs and of steps."""

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
                both = f"--set {name}={found[name][:40]} and {name} = {value[:40]} in --config"
                raise UsageError(f"{both} differ; give one of them")
    check_seed(found, seed)
    return found


def check_seed(settings: Mapping[str, str], seed: int | None) -> None:
    """`--seed` and `--set seed` are one. Raises UsageError where both are given and differ."""
    if seed is not None and not 0 <= seed <= MAX_SEED:
        raise UsageError(f"--seed {seed}: write a whole number between 0 and {MAX_SEED}")
    text = settings.get("seed", "")
    if seed is not None and text.isascii() and text.isdigit() and len(text) < 20 and int(text) != seed:
        raise UsageError(f"--set seed={text} and --seed {seed} differ; give one of them")


def texts_of(values: Mapping[str, str | int | float | Fraction], seed: int | None) -> dict[str, str]:
    """Values given from Python as texts; a float counts as the decimal it prints. Raises UsageError."""
    texts: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, bool):
            raise UsageError(f"--set {name}: write a number or a text, not {value}")
        texts[name] = str(value)
    check_seed(texts, seed)
    return texts


def check_device(device: str) -> None:
    """Raises UsageError for a device that is unknown or not there; nothing falls back silently."""
    if device not in {"cpu", "cuda"}:
        raise UsageError(f"--device {device[:40]}: choose one of cpu, cuda")
    if device == "cuda":
        from torch import cuda

        if not cuda.is_available():
            raise UsageError("--device cuda: no CUDA device can be used here; write --device cpu")


def check_effort(budget: float, runs: int, steps: int | None, confidence: float) -> None:
    """Raises UsageError for an audit's options out of range."""
    if not 0 <= budget < inf:
        raise UsageError(f"--budget {budget}: write a number of seconds, 0 for no limit")
    if not 1 <= runs <= MAX_RUNS:
        raise UsageError(f"--runs {runs}: write a whole number between 1 and {MAX_RUNS}")
    if steps is not None and not 0 <= steps <= MAX_STEPS:
        raise UsageError(f"--steps {steps}: write a whole number between 0 and {MAX_STEPS}")
    if not 0 < confidence < 1:
        raise UsageError(f"--confidence {confidence}: write a number between 0 and 1, as in 0.999")
