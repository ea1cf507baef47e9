"""Data and labels: handwritten digits, points on a sphere, and files. The same seed gives the same arrays.

Arrays are numpy float64; `X` is (d, n) with one sample a column, `y` is (n,).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.data_files import DataError, read_file

Floats = NDArray[np.float64]

_ANGLE = re.compile(r"[0-9]+\.?[0-9]*(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?")
_DATA_STREAM, _LABEL_STREAM = 1, 2
_KINDS = ("data", "random", "constant", "worst")
_ZEROS_AND_ONES = 360
"""The images of the digits 0 and 1."""

_SPECS = "digits, digits:A,B, digits:all, sphere, near-parallel:ANGLE, orthogonal, or a .npz or .csv file"

__all__ = ["DataError", "Dataset", "labels", "load_data", "load_dataset", "normalise"]


@dataclass(frozen=True)
class Dataset:
    """Samples and, where the data have them, labels.

    `X` (d, n); `y` (n,) or None; `classes` are the digits chosen from, if any.
    """

    X: Floats
    y: Floats | None
    name: str
    classes: tuple[int, ...] = ()


def _generator(seed: int, stream: int) -> np.random.Generator:
    if seed < 0:
        raise DataError(f"seed = {seed} is negative")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, stream])))


def _sizes(name: str, n: int | None, d: int | None, least_n: int = 1, least_d: int = 1) -> tuple[int, int]:
    if n is None or d is None:
        raise DataError(f"{name} data need a value for {'n' if n is None else 'd'}")
    if n < least_n or d < least_d:
        raise DataError(f"{name} data need n >= {least_n} and d >= {least_d}, not n = {n}, d = {d}")
    return n, d


def _directions(generator: np.random.Generator, d: int, n: int) -> Floats:
    """n columns uniform on the unit sphere in d dimensions."""
    draws = generator.standard_normal((n, d)).T
    return draws / np.linalg.norm(draws, axis=0)


def _sphere(n: int | None, d: int | None, seed: int) -> Dataset:
    count, size = _sizes("sphere", n, d)
    return Dataset(_directions(_generator(seed, _DATA_STREAM), size, count), None, "sphere")


def _near_parallel(text: str, n: int | None, d: int | None, seed: int) -> Dataset:
    """Columns 1 and 2, 3 and 4, ... at the given angle; an odd last column is uniform."""
    angle = float(text) if _ANGLE.fullmatch(text) else math.inf
    if not angle <= math.pi:
        raise DataError(f"near-parallel:{text} needs an angle in radians, 0 to pi; write near-parallel:0.01")
    count, size = _sizes("near-parallel", n, d, 2, 2)
    generator = _generator(seed, _DATA_STREAM)
    X, across = _directions(generator, size, count), _directions(generator, size, count // 2)
    first = X[:, 0 : 2 * (count // 2) : 2]
    for _ in range(2):  # the second pass removes what rounding left of the first
        across = across - first * (first * across).sum(0)
        across = across / np.linalg.norm(across, axis=0)
    X[:, 1::2] = math.cos(angle) * first + math.sin(angle) * across
    return Dataset(X, None, f"near-parallel:{text}")


def _orthogonal(n: int | None, d: int | None, seed: int) -> Dataset:
    count, size = _sizes("orthogonal", n, d)
    if count > size:
        raise DataError(f"orthogonal data need n <= d, not n = {count}, d = {size}")
    q, r = np.linalg.qr(_generator(seed, _DATA_STREAM).standard_normal((size, count)))
    return Dataset(q * np.where(np.diag(r) < 0, -1.0, 1.0), None, "orthogonal")


def _classes(text: str) -> tuple[int, ...]:
    if text == "all":
        return tuple(range(10))
    if not re.fullmatch(r"[0-9],[0-9]", text) or text[0] == text[2]:
        raise DataError(f"digits:{text} is not known; write digits, digits:3,8 or digits:all")
    return int(text[0]), int(text[2])


def _balanced(available: Sequence[int], n: int) -> list[int]:
    """How many of each class, as equal as the supply allows; earlier classes get the remainder."""
    taken = [0] * len(available)
    while sum(taken) < n:
        least = min(t for t, a in zip(taken, available, strict=True) if t < a)
        chosen = next(i for i, (t, a) in enumerate(zip(taken, available, strict=True)) if least == t < a)
        taken[chosen] += 1
    return taken


def _digits(text: str, n: int | None, d: int | None, seed: int) -> Dataset:
    """Images of 8 x 8 pixels from 0 to 1; labels -1 and 1, or for all digits v/4.5 - 1."""
    from sklearn.datasets import load_digits  # slow to import, and needed only here

    classes = _classes(text)
    if d not in (None, 64):
        raise DataError(f"the digits have d = 64 pixels, not d = {d}")
    images, targets = (np.asarray(part, dtype=np.float64) for part in load_digits(return_X_y=True))
    members = [np.flatnonzero(targets == c) for c in classes]
    total = sum(len(group) for group in members)
    count = total if n is None else n
    if not 1 <= count <= total:
        raise DataError(f"digits:{text} has {total} images, so n = {count} is not between 1 and {total}")
    generator = _generator(seed, _DATA_STREAM)
    shares = _balanced([len(group) for group in members], count)
    picked = [generator.permutation(group)[:share] for group, share in zip(members, shares, strict=True)]
    order = generator.permutation(np.concatenate(picked))
    digit = targets[order]
    y = np.where(digit == classes[0], -1.0, 1.0) if text != "all" else digit / 4.5 - 1
    return Dataset(np.ascontiguousarray(images[order].T / 16), y, f"digits:{text}", classes)


def _file(spec: str, n: int | None, d: int | None, seed: int) -> Dataset:
    """n samples of the file, drawn without replacement and kept in its order; all of them if n is None."""
    name = Path(spec).name
    rows, y = read_file(Path(spec))
    count = len(rows) if n is None else n
    if not 1 <= count <= len(rows):
        raise DataError(f"{name} has {len(rows)} samples, so n = {count} is not between 1 and {len(rows)}")
    if d not in (None, rows.shape[1]):
        raise DataError(f"{name} has d = {rows.shape[1]} columns of X, not d = {d}")
    chosen = np.sort(_generator(seed, _DATA_STREAM).permutation(len(rows))[:count])
    return Dataset(np.ascontiguousarray(rows[chosen].T), None if y is None else y[chosen], name)


def load_dataset(spec: str, *, n: int | None, d: int | None, seed: int) -> Dataset:
    """The data a user names; see `load_data`."""
    kind, colon, text = spec.partition(":")
    if spec in ("digits", "digits:"):
        return _digits("0,1" if n is None or n <= _ZEROS_AND_ONES else "all", n, d, seed)
    if kind == "digits":
        return _digits(text, n, d, seed)
    if spec == "sphere":
        return _sphere(n, d, seed)
    if kind == "near-parallel" and colon:
        return _near_parallel(text, n, d, seed)
    if spec == "orthogonal":
        return _orthogonal(n, d, seed)
    if Path(spec).suffix.lower() in (".npz", ".csv"):
        return _file(spec, n, d, seed)
    raise DataError(f"data = {spec!r} is not known; write {_SPECS}")


def load_data(spec: str, *, n: int | None, d: int | None, seed: int) -> tuple[Floats, Floats | None]:
    """X (d, n) and y (n,), or None where the data have no labels.

    `spec` is "digits" (classes 0 and 1, or all ten where n is more than their 360),
    "digits:3,8", "digits:all", "sphere", "near-parallel:ANGLE" (radians), "orthogonal", or a
    .npz or .csv file. `n` None means all there are, `d` None what the data have (drawn data
    need both). DataError is one line.
    """
    data = load_dataset(spec, n=n, d=d, seed=seed)
    return data.X, data.y


def normalise(X: Floats, norm: float) -> Floats:
    """Every column of X (d, n) scaled to Euclidean length `norm`; DataError for a zero column."""
    largest: Floats = np.abs(X).max(axis=0)
    zero = np.flatnonzero(largest == 0)
    if zero.size:
        raise DataError(f"sample {zero[0] + 1} is zero and cannot be scaled to a norm; leave it out")
    balanced = X / largest  # so that squares neither overflow nor vanish
    return norm * (balanced / np.linalg.norm(balanced, axis=0))


def labels(
    kind: str, X: Floats, y_data: Floats | None, G: Floats, yhat0: Floats, seed: int, scale: float = 1.0
) -> Floats:
    """The labels (n,) a user names, for data X (d, n).

    "data": those of the data; "random": standard normal; "constant": ones; "worst": `yhat0`
    (the predictions at the start) plus `scale` times a unit eigenvector of the least
    eigenvalue of G (n, n), its largest entry positive, so that the residual lies along it.
    DataError for an unknown kind, or "data" where there are none.
    """
    n = X.shape[1]
    if kind == "data":
        if y_data is None:
            raise DataError(f"these data have no labels; set labels to one of {', '.join(_KINDS[1:])}")
        return np.array(y_data, dtype=np.float64)
    if kind == "random":
        return _generator(seed, _LABEL_STREAM).standard_normal(n)
    if kind == "constant":
        return np.ones(n)
    if kind == "worst":
        if not (np.isfinite(G).all() and np.isfinite(yhat0).all()):
            raise DataError("labels = worst need a finite Gram matrix and finite predictions at the start")
        least = np.linalg.eigh(G)[1][:, 0]
        return yhat0 + scale * math.copysign(1.0, least[np.argmax(np.abs(least))]) * least
    raise DataError(f"labels = {kind!r} is not known; write one of {', '.join(_KINDS)}")
