"""The second code path, arrays: exact parameters and the exact maps of stored floats, in mpmath."""

from mpmath import mp

from checker.configuration import Configuration, ExactArray
from checker.expression.tree import Call
from checker.replay_values import (
    Matrix,
    NotReplayed,
    Value,
    Vector,
    dot,
    euclidean,
    evaluate,
    joined,
    mapped,
    quotient,
    square_root,
    transposed,
)


class Scalars:
    """Sizes and parameters, for expressions that may use nothing else."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._known: dict[str, Value] = {}

    def name(self, name: str) -> Value:
        if name in self._configuration.sizes:
            return mp.mpf(self._configuration.sizes[name])
        if name in self._configuration.parameters:
            if name not in self._known:
                self._known[name] = evaluate(self._configuration.parameters[name], self)
            return self._known[name]
        raise NotReplayed(f"not available for {name}")

    def call(self, node: Call) -> Value:
        raise NotReplayed(f"not available for {node.function}")


def array_of(array: ExactArray, configuration: Configuration) -> Value:
    """The exact array behind stored floats: a vector or a matrix."""
    stored = mapped(mp.mpf, array.floats.tolist())
    if array.map == "plain":
        return stored
    if array.scale is None:
        raise NotReplayed(f"not available for the map {array.map} without a scale")
    scale = evaluate(array.scale, Scalars(configuration))
    if array.map == "constant":
        return mapped(lambda _: scale, stored)
    if array.map == "columns":
        columns = transposed(stored)
        return transposed([[quotient(scale * x, euclidean(c)) for x in c] for c in columns])
    if array.map == "goe":
        half = square_root(scale / 2)
        return joined(lambda a, b: half * (a + b), stored, transposed(stored))
    if array.map == "orthogonal":
        return mapped(lambda x: scale * x, _orthonormal(stored))
    raise NotReplayed(f"not available for the map {array.map}")


def _orthonormal(A: Matrix) -> Matrix:
    """Gram-Schmidt by columns, or by rows where the matrix is wide."""
    wide = len(A) < len(A[0])
    basis: list[Vector] = []
    for v in A if wide else transposed(A):
        for q in basis:
            c = dot(q, v)
            v = [a - c * b for a, b in zip(v, q, strict=True)]
        length = euclidean(v)
        basis.append([quotient(a, length) for a in v])
    return basis if wide else transposed(basis)
