"""Axioms of any array: how its norms, singular values, eigenvalues and entries are ordered.

Instances are made for the arrays that a theorem's hypotheses mention, and for those of a setting's axioms:
orders between the functions of one array, and norms of sums, multiples, products and transposes.
Sources: Horn & Johnson, Matrix Analysis, 2nd ed. (2013), sections 2.6, 4.2, 5.4 to 5.6.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from checker.expression.signs import is_nonnegative, is_psd, is_symmetric
from checker.expression.text import to_text
from checker.expression.tree import Binary, Call, Negate, Node, Shape
from checker.settings.axioms import HORN_JOHNSON

_H = HORN_JOHNSON


@dataclass(frozen=True)
class Order:
    """An inequality between functions of one array A of shape (k, l), or (k,): `text` in {A}, {k}, {l}.

    It is made for arrays of which every function in `needs` occurs.
    """

    name: str
    text: str
    source: str
    needs: frozenset[str]


def _order(name: str, text: str, source: str, *needs: str) -> Order:
    return Order(name, text, source, frozenset(needs))


VECTOR: Final = (
    _order("norm is nonnegative", "norm2({A}) >= 0", f"{_H}, 5.1.1", "norm2"),
    _order("largest entry against norm", "norm_inf({A}) <= norm2({A})", f"{_H}, 5.4.P3", "norm2", "norm_inf"),
    _order("norm against largest entry", "norm2({A}) <= sqrt({k})*norm_inf({A})", f"{_H}, 5.4.P3",
           "norm2", "norm_inf"),
    _order("norm against sum", "norm2({A}) <= norm_1({A})", f"{_H}, 5.4.P3", "norm2", "norm_1"),
    _order("sum against norm", "norm_1({A}) <= sqrt({k})*norm2({A})", "Cauchy-Schwarz", "norm2", "norm_1"),
    _order("largest entry", "0 <= norm_inf({A})", f"{_H}, 5.1.1", "norm_inf"),
    _order("sum of entries' sizes", "norm_1({A}) >= 0", f"{_H}, 5.1.1", "norm_1"),
    _order("largest entry against sum", "norm_inf({A}) <= norm_1({A})", f"{_H}, 5.4.P3",
           "norm_inf", "norm_1"),
)  # fmt: skip
"""Orders of a vector's norms."""

MATRIX: Final = (
    _order("spectral norm is nonnegative", "norm2({A}) >= 0", f"{_H}, 5.1.1", "norm2"),
    _order("Frobenius norm is nonnegative", "norm_fro({A}) >= 0", f"{_H}, 5.1.1", "norm_fro"),
    _order("spectral against Frobenius norm", "norm2({A}) <= norm_fro({A})", f"{_H}, 5.6.P23",
           "norm2", "norm_fro"),
    _order("Frobenius against spectral norm", "norm_fro({A})**2 <= min({k}, {l})*norm2({A})**2",
           f"{_H}, 5.6.P23", "norm2", "norm_fro"),
    _order("least singular value is nonnegative", "sigma_min({A}) >= 0", f"{_H}, 2.6.3", "sigma_min"),
    _order("least against largest singular value", "sigma_min({A}) <= norm2({A})", f"{_H}, 2.6.3",
           "sigma_min", "norm2"),
    _order("least singular value against Frobenius norm",
           "min({k}, {l})*sigma_min({A})**2 <= norm_fro({A})**2", f"{_H}, 2.6.3", "sigma_min", "norm_fro"),
    _order("row sums against spectral norm", "norm_inf({A}) <= sqrt({l})*norm2({A})", f"{_H}, 5.6.P23",
           "norm_inf", "norm2"),
    _order("column sums against spectral norm", "norm_1({A}) <= sqrt({k})*norm2({A})", f"{_H}, 5.6.P23",
           "norm_1", "norm2"),
    _order("spectral norm against row sums", "norm2({A}) <= sqrt({k})*norm_inf({A})", f"{_H}, 5.6.P23",
           "norm_inf", "norm2"),
    _order("spectral norm against column sums", "norm2({A}) <= sqrt({l})*norm_1({A})", f"{_H}, 5.6.P23",
           "norm_1", "norm2"),
    _order("spectral norm against row and column sums", "norm2({A})**2 <= norm_1({A})*norm_inf({A})",
           f"{_H}, 5.6.P21", "norm_1", "norm_inf", "norm2"),
    _order("row sums are nonnegative", "norm_inf({A}) >= 0", f"{_H}, 5.1.1", "norm_inf"),
    _order("column sums are nonnegative", "norm_1({A}) >= 0", f"{_H}, 5.1.1", "norm_1"),
)  # fmt: skip
"""Orders of a matrix's norms and singular values."""

SQUARE: Final = (
    _order("spectral radius is nonnegative", "spectral_radius({A}) >= 0", f"{_H}, 1.2.9", "spectral_radius"),
    _order("spectral radius against spectral norm", "spectral_radius({A}) <= norm2({A})", f"{_H}, 5.6.9",
           "spectral_radius", "norm2"),
    _order("spectral radius against row sums", "spectral_radius({A}) <= norm_inf({A})", f"{_H}, 5.6.9",
           "spectral_radius", "norm_inf"),
    _order("spectral radius against column sums", "spectral_radius({A}) <= norm_1({A})", f"{_H}, 5.6.9",
           "spectral_radius", "norm_1"),
    _order("trace against spectral radius", "abs(trace({A})) <= {k}*spectral_radius({A})",
           f"{_H}, 1.2.12: the trace is the sum of the eigenvalues", "trace", "spectral_radius"),
    _order("trace against spectral norm", "abs(trace({A})) <= {k}*norm2({A})", f"{_H}, 5.6.9",
           "trace", "norm2"),
    _order("trace against Frobenius norm", "trace({A})**2 <= {k}*norm_fro({A})**2", "Cauchy-Schwarz",
           "trace", "norm_fro"),
)  # fmt: skip
"""Orders of a square matrix."""

SYMMETRIC: Final = (
    _order("least against largest eigenvalue", "lambda_min({A}) <= lambda_max({A})", f"{_H}, 4.2.2",
           "lambda_min", "lambda_max"),
    _order("least eigenvalue against trace", "{k}*lambda_min({A}) <= trace({A})",
           f"{_H}, 1.2.12: the trace is the sum of the eigenvalues", "lambda_min", "trace"),
    _order("largest eigenvalue against trace", "{k}*lambda_max({A}) >= trace({A})",
           f"{_H}, 1.2.12: the trace is the sum of the eigenvalues", "lambda_max", "trace"),
    _order("largest eigenvalue against spectral norm", "lambda_max({A}) <= norm2({A})", f"{_H}, 5.6.9",
           "lambda_max", "norm2"),
    _order("least eigenvalue against spectral norm", "lambda_min({A}) >= -norm2({A})", f"{_H}, 5.6.9",
           "lambda_min", "norm2"),
)  # fmt: skip
"""Orders of a symmetric matrix."""

SEMIDEFINITE: Final = (
    _order("semidefinite", "lambda_min({A}) >= 0", f"{_H}, 4.1.8", "lambda_min"),
    _order("largest eigenvalue of a semidefinite matrix", "lambda_max({A}) >= 0", f"{_H}, 4.1.8",
           "lambda_max"),
    _order("trace of a semidefinite matrix", "trace({A}) >= 0", f"{_H}, 4.1.8", "trace"),
    _order("largest eigenvalue against the trace, semidefinite", "lambda_max({A}) <= trace({A})",
           f"{_H}, 4.1.8", "lambda_max", "trace"),
    _order("spectral norm of a semidefinite matrix", "norm2({A}) == lambda_max({A})", f"{_H}, 4.1.8",
           "lambda_max", "norm2"),
)  # fmt: skip
"""Orders of a positive semidefinite matrix."""

ENTRIES: Final = (
    _order("least against largest entry", "min({A}) <= max({A})", "definition", "min", "max"),
    _order("sum against largest entry", "sum({A}) <= {e}*max({A})", "definition", "sum", "max"),
    _order("sum against least entry", "sum({A}) >= {e}*min({A})", "definition", "sum", "min"),
)  # fmt: skip
"""Orders of the entries of any array."""

NORM_OF: Final = ("norm2", "norm_fro", "norm_inf", "norm_1")


def orders(array: Node, functions: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """(name, claim text, source) of every order between the given functions of one array."""
    found, shape = frozenset(functions), array.shape or ()
    families = [*ENTRIES, *(VECTOR if len(shape) == 1 else MATRIX)]
    if len(shape) == 2 and shape[0] == shape[1]:
        families += SQUARE
        families += SYMMETRIC if is_symmetric(array) else ()
        families += SEMIDEFINITE if is_psd(array) else ()
    text, sizes = to_text(array), _sizes(shape)
    for order in families:
        if order.needs <= found:
            yield f"{order.name}, {text}", order.text.format(A=text, **sizes), order.source
    if "min" in found and is_nonnegative(array):
        yield f"nonnegative entries, {text}", f"min({text}) >= 0", "every entry is nonnegative"


def _sizes(shape: Shape) -> dict[str, str]:
    k, l = (f"({part})" for part in (shape[0], shape[-1]))  # noqa: E741  # the letters of the templates
    return {"k": k, "l": l, "e": k if len(shape) == 1 else f"{k}*{l}"}


def compositions(function: str, array: Node) -> Iterator[tuple[str, str, str]]:
    """(name, claim text, source) of what relates a norm of a sum, multiple, product, ... to its parts'."""
    if function not in NORM_OF:
        return
    whole, vector = f"{function}({to_text(array)})", len(array.shape or ()) == 1
    match array:
        case Binary("+" | "-", left, right):
            a, b = (f"{function}({to_text(side)})" for side in (left, right))
            source = f"{_H}, 5.1.1 (triangle inequality)"
            yield f"triangle inequality, {whole}", f"{whole} <= {a} + {b}", source
            yield f"reverse triangle inequality, {whole}", f"abs({a} - {b}) <= {whole}", source
        case Binary("*", left, right):
            scalar, inner = (left, right) if left.shape == () else (right, left)
            text = f"{whole} == abs({to_text(scalar)})*{function}({to_text(inner)})"
            yield f"norm of a multiple, {whole}", text, f"{_H}, 5.1.1"
        case Binary("/", left, right):
            text = f"{whole}*abs({to_text(right)}) == {function}({to_text(left)})"
            yield f"norm of a multiple, {whole}", text, f"{_H}, 5.1.1"
        case Negate(inner):
            yield f"norm of a negative, {whole}", f"{whole} == {function}({to_text(inner)})", f"{_H}, 5.1.1"
        case Call("transpose", (inner,)) if function in ("norm2", "norm_fro"):
            text = f"{whole} == {function}({to_text(inner)})"
            yield f"norm of a transpose, {whole}", text, f"{_H}, 5.6.P24"
        case Binary("@", left, right) if function in ("norm2", "norm_fro") and not vector:
            a, b = f"norm2({to_text(left)})", f"{function}({to_text(right)})"
            yield f"norm of a product, {whole}", f"{whole} <= {a}*{b}", f"{_H}, 5.6.P20"
        case Binary("@", left, right) if function == "norm2":
            a, b = f"norm2({to_text(left)})", f"norm2({to_text(right)})"
            yield f"norm of a product, {whole}", f"{whole} <= {a}*{b}", f"{_H}, 5.6.1"
        case _:
            return
