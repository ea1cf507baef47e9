"""Samples and labels from untrusted files: .npz and .csv, numbers only, limited in size.

Both hold samples in rows: a .npz file the arrays `X` (samples, d) and, optionally, `y`
(samples,); a .csv file the d entries of a sample followed by its label, after an optional
header line. Nothing in a file is ever run.
"""

import csv
import io
import math
import re
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SIZE_LIMIT = 64 * 2**20
"""Bytes of a file, and of each array in it once unpacked."""

_NUMBER = re.compile(
    r"\s*[-+]?(?:[0-9]+\.?[0-9]*(?:e[-+]?[0-9]+)?|\.[0-9]+(?:e[-+]?[0-9]+)?|nan|inf(?:inity)?)\s*",
    re.IGNORECASE | re.ASCII,
)
_BROKEN = (
    *(ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, MemoryError),
    *(NotImplementedError, RuntimeError, SyntaxError, OverflowError, TypeError),
)


class DataError(ValueError):
    """Data that cannot be used; the text is one line for the user."""


def _npy(archive: zipfile.ZipFile, name: str) -> Floats | None:
    """One array of a .npz file; ValueError where it is too large or not of real numbers."""
    member = f"{name}.npy"
    if member not in archive.namelist():
        return None
    if archive.getinfo(member).file_size > SIZE_LIMIT:
        raise ValueError(f"{name} unpacks to more than {SIZE_LIMIT // 2**20} MiB")
    stream = io.BytesIO(archive.read(member))
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"{name} has an unknown format version")
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read_header(stream)
    if dtype.kind not in "fiub":
        raise ValueError(f"{name} has entries of type {dtype}; write real numbers")
    if any(size < 0 for size in shape) or math.prod(shape) * dtype.itemsize > len(stream.getvalue()):
        raise ValueError(f"{name} is cut short")
    stream.seek(0)
    with np.errstate(over="ignore"):
        return np.asarray(npy.read_array(stream, allow_pickle=False), dtype=np.float64)


def _read_npz(path: Path) -> tuple[Floats, Floats | None]:
    with zipfile.ZipFile(path) as archive:
        X, y = _npy(archive, "X"), _npy(archive, "y")
    if X is None:
        raise ValueError("there is no array X")
    if X.ndim != 2 or (y is not None and y.shape != X.shape[:1]):
        shapes = f"X {X.shape}" + ("" if y is None else f", y {y.shape}")
        raise ValueError(f"{shapes} do not fit; X is (samples, d), y is (samples,)")
    return X, y


def _row(cells: list[str], line: int) -> list[float]:
    for column, cell in enumerate(cells, 1):
        if not _NUMBER.fullmatch(cell):
            raise ValueError(f"line {line}, column {column}: {cell[:40]!r} is not a number")
    return [float(cell) for cell in cells]


def _read_csv(path: Path) -> tuple[Floats, Floats | None]:
    text = path.read_text(encoding="utf-8-sig")
    reader = csv.reader(text.splitlines())
    rows: list[list[float]] = []
    first = True
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        header = first and not all(_NUMBER.fullmatch(cell) for cell in cells)
        first = False
        if header:
            continue
        rows.append(_row(cells, reader.line_num))
        if len(rows[-1]) != len(rows[0]):
            raise ValueError(f"line {reader.line_num} has {len(rows[-1])} cells, not {len(rows[0])}")
    if not rows or len(rows[0]) < 2:
        raise ValueError("there is no sample; write the entries of X and then the label in each line")
    table = np.array(rows, dtype=np.float64)
    return table[:, :-1].copy(), table[:, -1].copy()


def read_file(path: Path) -> tuple[Floats, Floats | None]:
    """X (samples, d) and y (samples,), None if the file has none, from a .npz or .csv file.

    DataError, naming the file, where it is missing, larger than SIZE_LIMIT, malformed, empty,
    or holds a number that is not finite.
    """
    name = path.name if path.name.isprintable() else ascii(path.name)
    try:
        if not path.is_file():
            raise ValueError("there is no such file")
        if path.stat().st_size > SIZE_LIMIT:
            raise ValueError(f"the file is larger than {SIZE_LIMIT // 2**20} MiB")
        X, y = _read_npz(path) if path.suffix.lower() == ".npz" else _read_csv(path)
    except UnicodeDecodeError:
        raise DataError(f"{name}: the file is not UTF-8 text") from None
    except (*_BROKEN, csv.Error) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"{name}: {reason}") from None
    if X.size == 0:
        raise DataError(f"{name}: X {X.shape} is empty")
    if not np.isfinite(X).all() or (y is not None and not np.isfinite(y).all()):
        raise DataError(f"{name}: {'y' if np.isfinite(X).all() else 'X'} has an entry that is not finite")
    return X, y
