"""The second code path, numbers: the claim language over plain mpmath numbers and Python lists.

Nothing here is rigorous, and nothing is shared with the enclosures: a mistake in one of
the two would have to be made twice. Vectors are lists, matrices lists of rows. The
precision is mpmath's ambient one.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final, Protocol, TypeAlias, cast

from mpmath import mp

from checker.expression.tree import Binary, Call, Name, Negate, Node, Number, Pi
from checker.replay_limits import (
    MOST_ENTRIES,
    MOST_EXPONENT,
    MOST_MAGNITUDE,
    MOST_PRODUCTS,
    MOST_ROWS,
    MOST_ROWS_OF_ANY,
    NotReplayed,
    Undefined,
    of_rows,
    of_size,
)

Real: TypeAlias = Any
"""An mpmath number; the library has no types of its own."""
Vector: TypeAlias = list[Real]
Matrix: TypeAlias = list[list[Real]]
Value: TypeAlias = Any
"""A number, a vector or a matrix."""


class Names(Protocol):
    """Where names and setting functions get their values."""

    def name(self, name: str) -> Value: ...

    def call(self, node: Call) -> Value: ...


def number(value: Fraction | int) -> Real:
    """An exact rational as a number of the ambient precision."""
    exact = Fraction(value)
    return mp.mpf(exact.numerator) / mp.mpf(exact.denominator)


def tiny() -> Real:
    """What counts as zero next to 1: half the working digits."""
    return mp.mpf(10) ** (-(mp.dps // 2))


def is_array(value: Value) -> bool:
    """A vector or a matrix?"""
    return isinstance(value, list)


def is_matrix(value: Value) -> bool:
    """A list of rows?"""
    return isinstance(value, list) and isinstance(value[0], list)


def entries(value: Value) -> Vector:
    """Every entry of an array, row by row."""
    return [x for row in value for x in row] if is_matrix(value) else cast(Vector, value)


def mapped(function: Callable[[Real], Real], value: Value) -> Value:
    """The function of every entry, or of the number."""
    if isinstance(value, list):
        return [mapped(function, x) for x in cast(list[Value], value)]
    return function(value)


def joined(function: Callable[[Real, Real], Real], x: Value, y: Value) -> Value:
    """Entry by entry, of two values of one shape."""
    if isinstance(x, list):
        pairs = zip(cast(list[Value], x), cast(list[Value], y), strict=True)
        return [joined(function, a, b) for a, b in pairs]
    return function(x, y)


def transposed(A: Matrix) -> Matrix:
    """Rows as columns."""
    return [list(column) for column in zip(*A, strict=True)]


def dot(x: Vector, y: Vector) -> Real:
    """The inner product."""
    total = mp.mpf(0)
    for a, b in zip(x, y, strict=True):
        total += a * b
    return total


def times(A: Value, B: Value) -> Value:
    """A @ B for matrices and vectors; a vector on the left is a row."""
    if not is_matrix(A):
        return dot(A, B) if not is_matrix(B) else [dot(A, column) for column in transposed(B)]
    if not is_matrix(B):
        return [dot(row, B) for row in A]
    if len(A) * len(B[0]) > MOST_ENTRIES or len(A) * len(B) * len(B[0]) > MOST_PRODUCTS:
        raise NotReplayed("not available for a product of this size")
    columns = transposed(B)
    return [[dot(row, column) for column in columns] for row in A]


def euclidean(value: Value) -> Real:
    """The root of the sum of squares of all entries."""
    return mp.sqrt(dot(entries(value), entries(value)))


def solved(A: Matrix, b: Vector) -> Vector:
    """The solution of A x = b by mpmath's LU; Undefined where A is singular."""
    try:
        return list(mp.lu_solve(mp.matrix(A), mp.matrix(b)))
    except ZeroDivisionError:
        raise Undefined("a matrix is singular") from None


def inverse(A: Matrix) -> Matrix:
    """The inverse by mpmath's LU; Undefined where A is singular."""
    of_rows(A, MOST_ROWS)
    try:
        return mp.inverse(mp.matrix(A)).tolist()
    except ZeroDivisionError:
        raise Undefined("a matrix is singular") from None


def singular_values(A: Matrix) -> Vector:
    """All min(rows, columns) singular values, in no particular order."""
    if not any(entries(A)):
        return [mp.mpf(0)] * min(len(A), len(A[0]))
    of_rows(A, MOST_ROWS)
    tall = A if len(A) >= len(A[0]) else transposed(A)
    return list(mp.svd_r(mp.matrix(tall), compute_uv=False))


def _eigenvalues(A: Matrix) -> Vector:
    """Of a symmetric matrix."""
    of_rows(A, MOST_ROWS)
    scale = 1 + max(abs(x) for x in entries(A))
    for i, row in enumerate(A):
        if any(abs(row[j] - A[j][i]) > tiny() * scale for j in range(i)):
            raise Undefined("an eigenvalue of a matrix that is not symmetric")
    symmetric = [[(A[i][j] + A[j][i]) / 2 for j in range(len(A))] for i in range(len(A))]
    return list(mp.eigsy(mp.matrix(symmetric), eigvals_only=True))


def _radius(A: Matrix) -> Real:
    of_rows(A, MOST_ROWS_OF_ANY)
    values = mp.eig(mp.matrix(A), left=False, right=False)
    return max(abs(x) for x in values)


def _diagonal(A: Value) -> Value:
    if is_matrix(A):
        return [A[i][i] for i in range(len(A))]
    if len(A) ** 2 > MOST_ENTRIES:
        raise NotReplayed("not available for a matrix of this size")
    return [[x if i == j else mp.mpf(0) for j in range(len(A))] for i, x in enumerate(A)]


def _row_sums(A: Matrix) -> Vector:
    return [mp.fsum(abs(x) for x in row) for row in A]


def _largest(A: Value) -> Real:
    return max(abs(x) for x in entries(A))


def square_root(x: Real) -> Real:
    """The square root; 0 of what is negative by rounding only. Raises Undefined."""
    if x < 0:
        if x > -tiny():
            return mp.mpf(0)
        raise Undefined("square root of a negative number")
    return mp.sqrt(x)


def _logarithm(x: Real) -> Real:
    if x <= 0:
        raise Undefined("logarithm of a number that is not positive")
    return mp.log(x)


_ENTRYWISE: Final[Mapping[str, Callable[[Real], Real]]] = {
    "sqrt": square_root,
    "exp": lambda x: mp.exp(of_size(x, MOST_MAGNITUDE)),
    "log": _logarithm,
    "abs": abs,
    "sin": lambda x: mp.sin(of_size(x, MOST_MAGNITUDE)),
    "cos": lambda x: mp.cos(of_size(x, MOST_MAGNITUDE)),
    "tanh": lambda x: mp.tanh(of_size(x, MOST_MAGNITUDE)),
}
_OF_ONE: Final[Mapping[str, Callable[[Value], Value]]] = {
    "sum": lambda A: mp.fsum(entries(A)),
    "min": lambda A: min(entries(A)),
    "max": lambda A: max(entries(A)),
    "norm2": lambda A: max(singular_values(A)) if is_matrix(A) else euclidean(A),
    "norm_fro": euclidean,
    "norm_inf": lambda A: max(_row_sums(A)) if is_matrix(A) else _largest(A),
    "norm_1": lambda A: max(_row_sums(transposed(A))) if is_matrix(A) else mp.fsum(abs(x) for x in A),
    "sigma_min": lambda A: min(singular_values(A)),
    "lambda_min": lambda A: min(_eigenvalues(A)),
    "lambda_max": lambda A: max(_eigenvalues(A)),
    "spectral_radius": _radius,
    "trace": lambda A: mp.fsum(A[i][i] for i in range(len(A))),
    "diag": _diagonal,
    "transpose": transposed,
    "inv": inverse,
    "symmetric_part": lambda A: joined(lambda x, y: (x + y) / 2, A, transposed(A)),
}


def power(x: Real, y: Real) -> Real:
    """x**y with 0**0 = 1; a negative base needs a whole exponent."""
    of_size(y, MOST_EXPONENT)
    if x:
        of_size(mp.mpf(mp.mag(x)), MOST_EXPONENT)
    whole = mp.nint(y)
    if abs(y - whole) <= tiny():
        if x == 0 and whole < 0:
            raise Undefined("division by zero")
        return mp.mpf(1) if whole == 0 else x ** int(whole)
    if x < 0:
        raise Undefined("a negative number to a power that is no whole number")
    if x == 0 and y < 0:
        raise Undefined("division by zero")
    return x**y


def quotient(x: Real, y: Real) -> Real:
    """x / y; Undefined for y = 0."""
    if y == 0:
        raise Undefined("division by zero")
    return x / y


def evaluate(node: Node, names: Names) -> Value:
    """The value of an expression. Raises NotReplayed where there is none."""
    match node:
        case Number(value):
            return number(value)
        case Pi():
            return +mp.pi
        case Name(name):
            return names.name(name)
        case Negate(argument):
            return mapped(lambda x: -x, evaluate(argument, names))
        case Binary(operator, left, right):
            return _binary(operator, evaluate(left, names), evaluate(right, names))
        case Call():
            return _call(node, names)


def _binary(operator: str, x: Value, y: Value) -> Value:
    if operator == "+":
        return joined(lambda a, b: a + b, x, y)
    if operator == "-":
        return joined(lambda a, b: a - b, x, y)
    if operator == "@":
        return times(x, y)
    if operator == "**":
        return power(x, y)
    if operator == "/":
        return mapped(lambda a: quotient(a, y), x)
    return mapped(lambda b: x * b, y) if is_array(y) else mapped(lambda a: a * y, x)


def _call(node: Call, names: Names) -> Value:
    name = node.function
    if name in ("eye", "ones"):
        size = int(mp.nint(of_size(evaluate(node.arguments[0], names), MOST_EXPONENT)))
        if not 1 <= size <= 4096:
            raise Undefined(f"{name}({size}) has no entries, or too many")
        return _diagonal([mp.mpf(1)] * size) if name == "eye" else [mp.mpf(1)] * size
    if name not in _ENTRYWISE and name not in _OF_ONE and name != "hadamard":
        return names.call(node)
    values = [evaluate(argument, names) for argument in node.arguments]
    if name == "hadamard":
        return joined(lambda a, b: a * b, values[0], values[1])
    if name in ("min", "max") and len(values) > 1:
        return min(values) if name == "min" else max(values)
    if name in _ENTRYWISE:
        return mapped(_ENTRYWISE[name], values[0])
    return _OF_ONE[name](values[0])
