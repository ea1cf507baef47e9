"""One configuration: which network, which data, which numbers, all of them exact.

A configuration stores floats and, where the exact array is not a float array, the
map that makes it exact (columns scaled to a norm, orthonormalised, symmetrised,
constant). It can be instantiated at any precision, and written to a certificate.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from flint import arb, arb_mat, fmpq
from numpy.typing import NDArray

from checker.enclosure import ARRAYS, Ball, Enclosure, matrix, to_arb
from checker.errors import NotEnclosed, UsageError
from checker.expression.enclose import enclose
from checker.expression.tree import Call, Node
from checker.records import Value
from checker.settings import SETTINGS
from checker.settings.base import Instance

Floats = NDArray[np.float64]

LIMITS = {"n": 4096, "d": 65536, "m": 8192}
"""The largest sizes accepted, so that no input can exhaust the memory."""

ENTRIES = 2**26
"""The largest number of entries of one array."""


@dataclass(frozen=True, eq=False)
class ExactArray:
    """Stored floats and the exact map applied to them.

    `map` is "plain" (the floats themselves), "columns" (each column scaled to the
    norm `scale`), "orthogonal" (columns orthonormalised by Gram-Schmidt, or rows where
    the matrix is wide, times `scale`), "goe" (`sqrt(scale/2)*(A + A')`) or "constant"
    (every entry is `scale`). Vectors are stored with one axis.
    """

    floats: Floats
    map: str = "plain"
    scale: Node | None = None


@dataclass(frozen=True)
class Configuration:
    """Everything a run needs, exactly: sizes, arrays, parameters and where they came from."""

    setting: str
    sizes: Mapping[str, int]
    arrays: Mapping[str, ExactArray]
    parameters: Mapping[str, Node]
    activation: str | None = None
    kink: Fraction = Fraction(0)
    trains: tuple[str, ...] = ()
    note: Mapping[str, Value] = field(default_factory=dict)

    def summary(self) -> dict[str, Value]:
        """What a report says of the configuration: small values only."""
        head: dict[str, Value] = {"setting": self.setting, **self.sizes}
        if self.activation is not None:
            head["activation"] = self.activation
        return head | dict(self.note)


class ScalarEnv:
    """Sizes and parameter values, for expressions that may use nothing else."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self.memo: dict[Node, Enclosure] = {}

    def name(self, name: str) -> Enclosure:
        sizes = self._configuration.sizes
        if name in sizes:
            return fmpq(sizes[name])
        if name in self._configuration.parameters:
            return enclose(self._configuration.parameters[name], self)
        raise NotEnclosed(f"{name} has no value here")

    def call(self, node: Call) -> Enclosure:
        raise NotEnclosed(f"{node.function} has no value here")


def scalar(node: Node, configuration: Configuration) -> Ball:
    """The value of an expression in sizes and parameters, at the ambient precision."""
    value = enclose(node, ScalarEnv(configuration))
    if isinstance(value, ARRAYS):
        raise NotEnclosed("an array stands where a number is needed")
    return value


def _orthonormal_columns(floats: Floats) -> list[arb_mat]:
    columns: list[arb_mat] = []
    for j in range(floats.shape[1]):
        v = matrix(floats[:, j : j + 1])
        for _ in range(2):  # the second pass only narrows the balls
            for q in columns:
                v = v - q * (q.transpose() * v)
        norm = sum((x * x for x in v.entries()), arb(0)).sqrt()
        if not norm > 0:
            raise NotEnclosed("an orthogonal draw is not certified to have full rank")
        columns.append(v * (1 / norm))
    return columns


def _orthogonal(floats: Floats) -> arb_mat:
    wide = floats.shape[0] < floats.shape[1]
    columns = _orthonormal_columns(floats.T if wide else floats)
    rows = [list(column.entries()) for column in columns]
    stacked = arb_mat(rows)
    return stacked if wide else stacked.transpose()


def _scaled_columns(floats: Floats, norm: arb) -> arb_mat:
    rows, columns = floats.shape
    out = [[arb(0)] * columns for _ in range(rows)]
    for j in range(columns):
        entries = [arb(float(x)) for x in floats[:, j]]
        length = sum((x * x for x in entries), arb(0)).sqrt()
        if not length > 0:
            raise UsageError(
                f"column {j + 1} of X is zero and cannot be scaled to a norm; remove that sample"
            )
        factor = norm / length
        for i, x in enumerate(entries):
            out[i][j] = x * factor
    return arb_mat(out)


def exact(array: ExactArray, configuration: Configuration) -> arb_mat:
    """The array as balls at the ambient precision; a vector becomes one column."""
    floats = array.floats if array.floats.ndim == 2 else array.floats.reshape(-1, 1)
    if array.map == "plain" or array.scale is None:
        return matrix(floats)
    scale = to_arb(scalar(array.scale, configuration))
    if array.map == "columns":
        return _scaled_columns(floats, scale)
    if array.map == "constant":
        return arb_mat(floats.shape[0], floats.shape[1], [scale] * floats.size)
    if array.map == "orthogonal":
        return _orthogonal(floats) * scale
    if array.map == "goe":
        return (matrix(floats) + matrix(floats).transpose()) * (scale / 2).sqrt()
    raise NotEnclosed(f"unknown map {array.map}")


def approximate(array: ExactArray, configuration: Configuration) -> Floats:
    """The array as floats: for estimates and search only."""
    if array.map == "plain" or array.scale is None:
        return array.floats
    scale = float(to_arb(scalar(array.scale, configuration)).mid())
    if array.map == "columns":
        lengths = np.linalg.norm(array.floats, axis=0, keepdims=True)
        return scale * array.floats / np.where(lengths > 0, lengths, np.nan)
    if array.map == "constant":
        return np.full(array.floats.shape, scale)
    if array.map == "orthogonal":
        wide = array.floats.shape[0] < array.floats.shape[1]
        q, r = np.linalg.qr(array.floats.T if wide else array.floats)
        q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
        return scale * (q.T if wide else q)
    return np.sqrt(scale / 2) * (array.floats + array.floats.T)


def instantiate(configuration: Configuration) -> Instance:
    """The configuration as balls, at the ambient precision."""
    return instance_of(configuration, {k: exact(v, configuration) for k, v in configuration.arrays.items()})


def instance_of(configuration: Configuration, arrays: Mapping[str, arb_mat]) -> Instance:
    """The configuration with its arrays already enclosed."""
    kink = configuration.kink
    return Instance(
        sizes=dict(configuration.sizes),
        X=arrays["X"],
        y=arrays["y"],
        params={name: arrays[name] for name in SETTINGS[configuration.setting].parameters},
        activation=configuration.activation,
        kink=fmpq(kink.numerator, kink.denominator),
        trains=configuration.trains,
    )


def float_arrays(configuration: Configuration) -> dict[str, Floats]:
    """Every array as floats: for estimates and search only."""
    return {name: approximate(array, configuration) for name, array in configuration.arrays.items()}
