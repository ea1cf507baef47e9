"""Where arrays come from: seeded draws of stated laws, and families that reach into the corners."""

import zlib
from collections.abc import Generator
from contextlib import contextmanager

import numpy as np

from checker.configuration import Configuration, ExactArray, Floats, scalar
from checker.enclosure import outward
from checker.errors import NotEnclosed, UsageError
from checker.expression.tree import Node
from checker.theorem import Draw


def generator(seed: int, *path: int | str) -> np.random.Generator:
    """A generator for one declared purpose: the same seed and path give the same draws."""
    words = [part if isinstance(part, int) else zlib.crc32(part.encode()) for part in path]
    return np.random.default_rng([seed, *words])


def _finite(node: Node, frame: Configuration) -> float:
    lo, hi = outward(scalar(node, frame))
    if not (np.isfinite(lo) and np.isfinite(hi)):
        raise UsageError("a law of the start has an argument too large for a float; choose smaller scales")
    return (lo + hi) / 2


def draw(law: Draw, shape: tuple[int, ...], frame: Configuration, rng: np.random.Generator) -> ExactArray:
    """One draw of a declared law. Arguments may use sizes and parameters."""
    values = [_finite(node, frame) if law.law in {"normal", "uniform"} else 0.0 for node in law.arguments]
    if law.law == "normal":
        if values[1] < 0:
            raise UsageError("a normal law has a negative variance here")
        return ExactArray(values[0] + np.sqrt(values[1]) * rng.standard_normal(shape))
    if law.law == "uniform":
        return ExactArray(rng.uniform(values[0], values[1], shape))
    if law.law == "rademacher":
        return ExactArray(rng.choice([-1.0, 1.0], shape))
    if law.law in {"orthogonal", "goe"}:
        return ExactArray(rng.standard_normal(shape), law.law, law.arguments[0])
    if law.law == "constant":
        return ExactArray(np.zeros(shape), "constant", law.arguments[0])
    return ExactArray(np.zeros(shape))


def sizes_of(shape: tuple[str | int, ...], sizes: dict[str, int]) -> tuple[int, ...]:
    """A declared shape as numbers."""
    return tuple(sizes[k] if isinstance(k, str) else k for k in shape)


def dyadic(x: Floats, bits: int) -> Floats:
    """Every entry rounded to a few significant bits: a witness that a reader can redo."""
    mantissa, exponent = np.frexp(x)
    return np.ldexp(np.round(mantissa * 2**bits) / 2**bits, exponent)


def free_matrix(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """A matrix or vector from one of the families, of spectral size about 1; some mix scales."""
    base = _family(shape, rng)
    if rng.random() < 0.3:
        rows = 10 ** rng.uniform(-3, 0, shape[0])
        rows[int(rng.integers(shape[0]))] = 1.0
        base = base * (rows if len(shape) == 1 else rows[:, None])
    return base


def _family(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    if len(shape) == 1:
        kind = rng.integers(5)
        v = rng.standard_normal(shape)
        if kind == 0:
            return np.ones(shape)
        if kind == 1:
            return np.eye(1, shape[0], int(rng.integers(shape[0])))[0]
        return dyadic(v, 2) if kind == 2 else v
    rows, columns = shape
    g = rng.standard_normal(shape)
    kind = int(rng.integers(11))
    if kind == 0:
        base = np.eye(rows, columns)
    elif kind == 1:
        base = np.linalg.qr(rng.standard_normal((max(shape), max(shape))))[0][:rows, :columns]
    elif kind == 2:
        base = np.triu(g, 1) if rows == columns and rows > 1 else g
    elif kind == 3:
        base = np.outer(rng.standard_normal(rows), rng.standard_normal(columns))
    elif kind == 4:
        base = g * (rng.random(shape) < 0.4)
    elif kind == 5:
        base = np.ones(shape)
    elif kind == 6:
        base = (g + g.T) if rows == columns else np.abs(g)
    elif kind == 10:  # nilpotent, but full and far from normal
        q = np.linalg.qr(rng.standard_normal((rows, rows)))[0]
        base = q @ np.triu(g, 1) @ q.T if rows == columns and rows > 1 else g
    elif kind == 7:
        base = -np.eye(rows, columns)
    else:
        base = dyadic(g, 2) if kind == 8 else g
    norm = float(np.linalg.norm(base, 2))
    return base / norm if norm > 0 and kind not in {5} else base / max(shape)


@contextmanager
def made() -> Generator[None]:
    """Turns the lack of a parameter that data or start are made with into a UsageError that says so."""
    try:
        yield
    except NotEnclosed as error:
        raise UsageError(
            f"the data or the start cannot be made: {error.reason}; give it with --set NAME=VALUE"
        ) from None
