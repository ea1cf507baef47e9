"""The exact path, expressions: the claim language over rationals and real algebraic numbers.

A value is a number, a vector (a list of numbers) or a matrix (a list of rows). Eigenvalues and
norms are algebraic numbers, exactly. What has no such value (exp, log, pi, an eigenvalue of a
matrix with irrational entries) raises NotRational.
"""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, Final, Protocol, TypeAlias, cast

from flint import fmpq, fmpq_mat

from checker.expression.tree import Binary, Call, Name, Negate, Node, Number
from checker.rational_polynomials import MOST_DEGREE, NotRational
from checker.rational_roots import (
    Real,
    absolute,
    compare,
    eigenvalues,
    inverse,
    minus,
    plus,
    power,
    root,
    sign,
    spectral_radius,
    times,
)

Vector: TypeAlias = list[Real]
Matrix: TypeAlias = list[list[Real]]
Value: TypeAlias = Any
"""A number, a vector or a matrix."""

_MOST_EXPONENT: Final = 4096
_MOST_ENTRIES: Final = 64


class Names(Protocol):
    """Where names and setting functions get their values."""

    def name(self, name: str) -> Value: ...

    def call(self, node: Call) -> Value: ...


def is_matrix(value: Value) -> bool:
    """A list of rows?"""
    return isinstance(value, list) and isinstance(value[0], list)


def entries(value: Value) -> Vector:
    """Every entry of an array, row by row."""
    return [x for row in value for x in row] if is_matrix(value) else cast(Vector, value)


def mapped(function: Callable[[Any], Real], value: Value) -> Value:
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


def total(numbers: Vector) -> Real:
    """The sum."""
    return reduce(plus, numbers, fmpq(0))


def dot(x: Vector, y: Vector) -> Real:
    """The inner product."""
    return total([times(a, b) for a, b in zip(x, y, strict=True)])


def product(A: Value, B: Value) -> Value:
    """A @ B for matrices and vectors; a vector on the left is a row."""
    if not is_matrix(A):
        return [dot(A, column) for column in transposed(B)] if is_matrix(B) else dot(A, B)
    if not is_matrix(B):
        return [dot(row, B) for row in A]
    columns = transposed(B)
    return [[dot(row, column) for column in columns] for row in A]


def squares(value: Value) -> Real:
    """The sum of squares of all entries."""
    return dot(entries(value), entries(value))


def over_q(A: Matrix) -> fmpq_mat:
    """The matrix over the rationals. Raises NotRational for an irrational entry."""
    numbers = [x for x in entries(A) if isinstance(x, fmpq)]
    if len(numbers) != len(A) * len(A[0]):
        raise NotRational("a matrix with irrational entries")
    return fmpq_mat(len(A), len(A[0]), numbers)


def rows_of(A: fmpq_mat) -> Matrix:
    """The rows of a matrix over the rationals."""
    return [[A[i, j] for j in range(A.ncols())] for i in range(A.nrows())]


def least(numbers: Vector) -> Real:
    """The least of some numbers."""
    return reduce(lambda x, y: x if compare(x, y) <= 0 else y, numbers)


def greatest(numbers: Vector) -> Real:
    """The greatest of some numbers."""
    return reduce(lambda x, y: x if compare(x, y) >= 0 else y, numbers)


def quotient(x: Real, y: Real) -> Real:
    """x / y. Raises NotRational where y is zero."""
    if sign(y) == 0:
        raise NotRational("a division by zero")
    return times(x, inverse(y))


def _spectrum(A: Matrix) -> list[Real]:
    S = over_q(A)
    if S.transpose() != S:
        raise NotRational("an eigenvalue of a matrix that is not symmetric")
    return eigenvalues(S)


def _singular(A: Matrix, *, largest: bool) -> Real:
    """The largest or the least of the min(rows, columns) singular values."""
    M = over_q(A)
    small = M * M.transpose() if len(A) <= len(A[0]) else M.transpose() * M
    return root(eigenvalues(small)[-1 if largest else 0], 2)


def _radius(A: Matrix) -> Real:
    M = over_q(A)
    if M.transpose() == M:
        values = eigenvalues(M)
        return greatest([absolute(values[0]), absolute(values[-1])])
    return spectral_radius(M)


def _inverse(A: Matrix) -> Matrix:
    try:
        return rows_of(over_q(A).inv())
    except ZeroDivisionError:
        raise NotRational("the inverse of a singular matrix") from None


def _diagonal(A: Value) -> Value:
    if is_matrix(A):
        return [A[i][i] for i in range(len(A))]
    return [[x if i == j else fmpq(0) for j in range(len(A))] for i, x in enumerate(A)]


def _row_sums(A: Matrix) -> Vector:
    return [total([absolute(x) for x in row]) for row in A]


def _square_root(x: Real) -> Real:
    if sign(x) < 0:
        raise NotRational("the square root of a negative number")
    return root(x, 2)


def _only_at(point: int, value: int) -> Callable[[Real], Real]:
    """A function that is rational at one number only, as far as this path knows."""

    def function(x: Real) -> Real:
        if compare(x, fmpq(point)) != 0:
            raise NotRational("a transcendental number")
        return fmpq(value)

    return function


_ENTRYWISE: Final[Mapping[str, Callable[[Real], Real]]] = {
    "sqrt": _square_root,
    "abs": absolute,
    "exp": _only_at(0, 1),
    "log": _only_at(1, 0),
    "sin": _only_at(0, 0),
    "cos": _only_at(0, 1),
    "tanh": _only_at(0, 0),
}
_OF_ONE: Final[Mapping[str, Callable[[Value], Value]]] = {
    "sum": lambda A: total(entries(A)),
    "min": lambda A: least(entries(A)),
    "max": lambda A: greatest(entries(A)),
    "norm2": lambda A: _singular(A, largest=True) if is_matrix(A) else root(squares(A), 2),
    "norm_fro": lambda A: root(squares(A), 2),
    "norm_inf": lambda A: greatest(_row_sums(A) if is_matrix(A) else [absolute(x) for x in A]),
    "norm_1": lambda A: greatest(_row_sums(transposed(A) if is_matrix(A) else [A])),
    "sigma_min": lambda A: _singular(A, largest=False),
    "lambda_min": lambda A: _spectrum(A)[0],
    "lambda_max": lambda A: _spectrum(A)[-1],
    "spectral_radius": _radius,
    "trace": lambda A: total([A[i][i] for i in range(len(A))]),
    "diag": _diagonal,
    "transpose": transposed,
    "inv": _inverse,
    "symmetric_part": lambda A: joined(lambda x, y: times(plus(x, y), fmpq(1, 2)), A, transposed(A)),
}


def raised(x: Real, y: Real) -> Real:
    """x**y with 0**0 = 1, for a rational exponent; a negative base needs a whole one."""
    if not isinstance(y, fmpq):
        raise NotRational("an irrational exponent")
    p, q = int(y.p), int(y.q)
    if abs(p) > _MOST_EXPONENT or q > MOST_DEGREE:
        raise NotRational("too large an exponent")
    if p < 0 and sign(x) == 0:
        raise NotRational("a division by zero")
    if q > 1 and sign(x) < 0:
        raise NotRational("a negative number to a power that is not whole")
    return power(x if q == 1 else root(x, q), p)


def evaluate(node: Node, names: Names) -> Value:
    """The value of an expression. Raises NotRational where there is none."""
    match node:
        case Number(value):
            return fmpq(value.numerator, value.denominator)
        case Name(name):
            return names.name(name)
        case Negate(argument):
            return mapped(lambda x: times(x, fmpq(-1)), evaluate(argument, names))
        case Binary(operator, left, right):
            return _binary(operator, evaluate(left, names), evaluate(right, names))
        case Call():
            return _call(node, names)
        case _:
            raise NotRational("a transcendental number")


def _binary(operator: str, x: Value, y: Value) -> Value:
    if operator == "+":
        return joined(plus, x, y)
    if operator == "-":
        return joined(minus, x, y)
    if operator == "@":
        return product(x, y)
    if operator == "**":
        return raised(x, y)
    if operator == "/":
        return mapped(lambda a: quotient(a, y), x)
    return mapped(lambda b: times(x, b), y) if isinstance(y, list) else mapped(lambda a: times(a, y), x)


def _call(node: Call, names: Names) -> Value:
    name = node.function
    if name in ("eye", "ones"):
        size = evaluate(node.arguments[0], names)
        if not isinstance(size, fmpq) or size.q != 1 or not 1 <= size <= _MOST_ENTRIES:
            raise NotRational(f"{name} of too large a size")
        ones: Vector = [fmpq(1)] * int(size.p)
        return _diagonal(ones) if name == "eye" else ones
    if name not in _ENTRYWISE and name not in _OF_ONE and name != "hadamard":
        return names.call(node)
    values = [evaluate(argument, names) for argument in node.arguments]
    if name == "hadamard":
        return joined(times, values[0], values[1])
    if name in ("min", "max") and len(values) > 1:
        return least(values) if name == "min" else greatest(values)
    if name in _ENTRYWISE:
        return mapped(_ENTRYWISE[name], values[0])
    return _OF_ONE[name](values[0])
