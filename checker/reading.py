"""Theorem files: found, read once, checked whole. Every mistake is one line with file, key and column."""

import re
import stat
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Final

from checker.declaration import read_theorem
from checker.errors import TheoremError
from checker.theorem import Theorem

MAX_FILE: Final = 256 * 1024
SUFFIX: Final = ".theorem.toml"

__all__ = ["builtin_ids", "load", "load_library", "read_file", "read_theorem"]


def builtin_ids() -> tuple[str, ...]:
    """The ids of the theorems that ship with the tool, in alphabetical order."""
    folder = files("checker").joinpath("theorems")
    names = (entry.name for entry in folder.iterdir() if entry.is_file())
    return tuple(sorted(name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)))


def load(path_or_id: str) -> Theorem:
    """A built-in theorem by id, or a theorem file by path. Raises TheoremError."""
    known = builtin_ids()
    if path_or_id in known:
        return _builtin(path_or_id)
    looks_like_path = path_or_id.endswith(".toml") or re.search(r"[/\\]", path_or_id) is not None
    if not looks_like_path and not _exists(path_or_id):
        near = get_close_matches(path_or_id, known, n=1, cutoff=0.5)
        advice = f"did you mean '{near[0]}'? " if near else ""
        listed = ", ".join(known) or "none"
        raise TheoremError(
            f"no theorem '{_shown(path_or_id)}'; {advice}built in: {listed}; or give a path to a file"
        )
    return read_file(path_or_id)


def load_library(folder: str) -> dict[str, Theorem]:
    """Every *.theorem.toml of a folder, by id, in order of the file names. Raises TheoremError.

    Two files that state the same id are refused, both named.
    """
    try:
        paths = sorted(path for path in Path(folder).iterdir() if path.name.endswith(SUFFIX))
    except (OSError, ValueError) as error:
        raise TheoremError(f"{_shown(folder)}: {_reason(error)}") from None
    found: dict[str, Theorem] = {}
    for path in paths:
        theorem = read_file(str(path))
        if theorem.id in found:
            other = found[theorem.id].origin
            raise TheoremError(
                f"{path.name}: theorem.id: '{theorem.id}' is the id of {other} too; ids are unique"
            )
        found[theorem.id] = theorem
    return found


def read_file(path: str) -> Theorem:
    """One theorem file. The origin shown in errors is the file's name without its folders."""
    name = _shown(Path(path).name or path or "(no name)")
    try:
        status = Path(path).stat()
        if stat.S_ISDIR(status.st_mode):
            raise TheoremError(f"{name}: is a directory; give the path of one {SUFFIX} file")
        if not stat.S_ISREG(status.st_mode):
            raise TheoremError(f"{name}: is not a regular file")
        if status.st_size > MAX_FILE:
            raise _too_large(name)
        with Path(path).open("rb") as file:
            content = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        raise TheoremError(f"{name}: {_reason(error)}") from None
    if len(content) > MAX_FILE:
        raise _too_large(name)
    return read_theorem(_decoded(content, name), name)


def _builtin(theorem_id: str) -> Theorem:
    name = theorem_id + SUFFIX
    content = files("checker").joinpath("theorems", name).read_bytes()
    theorem = read_theorem(_decoded(content, name), name)
    if theorem.id != theorem_id:
        raise TheoremError(f"{name}: theorem.id: must be '{theorem_id}', as the file is named")
    return theorem


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise TheoremError(f"{name}: is not UTF-8 text (line {line})") from None


def _too_large(name: str) -> TheoremError:
    return TheoremError(f"{name}: is larger than {MAX_FILE // 1024} KiB, the most that is read")


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file; built-in theorems: " + (", ".join(builtin_ids()) or "none")
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    return "cannot be read: not a usable path"


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def _shown(text: str) -> str:
    plain = "".join(c if c.isprintable() else "?" for c in text)
    return plain if len(plain) <= 80 else plain[:77] + "..."
