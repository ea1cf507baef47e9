"""What the form of an expression proves: that it is nonnegative, symmetric, positive semidefinite.

Sound and purely structural: False means "not seen", never "not so".
"""

from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from checker.expression.tree import Atom, Binary, Call, Claim, Comparison, Name, Negate, Node, Number, Pi
from checker.expression.words import NORMS, TEMPORAL

GRAM_NAMES: Final = frozenset({"G", "NTK"})
"""Names that every trained setting has (so that no file can redefine them) and that are Gram matrices."""

_NONNEGATIVE_CALLS: Final = NORMS | {"abs", "sqrt", "exp", "sigma_min", "spectral_radius", "eye", "ones"}


def is_nonnegative(node: Node) -> bool:
    """Is every entry of the value nonnegative, wherever it is defined?"""
    match node:
        case Number(value):
            return value >= 0
        case Pi():
            return True
        case Binary("+" | "/", left, right):
            return is_nonnegative(left) and is_nonnegative(right)
        case Binary("*", left, right):
            same = left == right and left.shape == ()
            return same or (is_nonnegative(left) and is_nonnegative(right))
        case Binary("@", left, right):
            dot = left == right and len(left.shape or ()) == 1
            return dot or (is_nonnegative(left) and is_nonnegative(right))
        case Binary("**", left, right):
            even = (
                isinstance(right, Number) and right.value.denominator == 1 and right.value.numerator % 2 == 0
            )
            return even or is_nonnegative(left)
        case Call(function, arguments):
            return _nonnegative_call(function, arguments)
        case _:
            return False


def _nonnegative_call(function: str, arguments: tuple[Node, ...]) -> bool:
    if function in _NONNEGATIVE_CALLS:
        return True
    if function in ("lambda_min", "lambda_max", "trace"):
        return is_psd(arguments[0])
    if function == "max":
        return any(is_nonnegative(argument) for argument in arguments)
    if function == "hadamard" and arguments[0] == arguments[1]:
        return True
    if function in TEMPORAL or function in ("min", "sum", "diag", "transpose", "hadamard", "symmetric_part"):
        return all(is_nonnegative(argument) for argument in arguments)
    return False


def is_symmetric(node: Node, names: AbstractSet[str] = frozenset()) -> bool:
    """Is the value a symmetric matrix? `names` are further names known to be symmetric."""
    match node:
        case Name(name):
            return name in GRAM_NAMES or name in names
        case Negate(argument):
            return is_symmetric(argument, names)
        case Binary("+" | "-", left, right):
            return is_symmetric(left, names) and is_symmetric(right, names)
        case Binary("*" | "/", left, right):
            return any(side.shape != () and is_symmetric(side, names) for side in (left, right))
        case Binary("@", left, right):
            return left == _transposed(right)
        case Call("symmetric_part" | "eye", _):
            return True
        case Call("diag", arguments):
            return len(arguments[0].shape or ()) == 1
        case Call(
            "next" | "transpose" | "inv" | "abs" | "exp" | "sin" | "cos" | "tanh" | "sqrt" | "log", arguments
        ):
            return is_symmetric(arguments[0], names)
        case Call("hadamard", arguments):
            return all(is_symmetric(argument, names) for argument in arguments)
        case _:
            return False


def is_psd(node: Node) -> bool:
    """Is the value a positive semidefinite matrix?"""
    match node:
        case Name(name):
            return name in GRAM_NAMES
        case Binary("+", left, right):
            return is_psd(left) and is_psd(right)
        case Binary("*", left, right):
            scalar, matrix = (left, right) if left.shape == () else (right, left)
            return is_nonnegative(scalar) and is_psd(matrix)
        case Binary("/", left, right):
            return is_psd(left) and is_nonnegative(right)
        case Binary("@", left, right):
            return left == _transposed(right)
        case Call("eye", _):
            return True
        case Call("diag", arguments):
            return len(arguments[0].shape or ()) == 1 and is_nonnegative(arguments[0])
        case Call("next" | "transpose" | "inv" | "symmetric_part", arguments):
            return is_psd(arguments[0])
        case _:
            return False


def _transposed(node: Node) -> Node | None:
    """The transpose of a matrix, written without a double transpose; None for anything else."""
    if isinstance(node, Call) and node.function == "transpose":
        return node.arguments[0]
    return Call("transpose", (node,), node.column, node.shape) if len(node.shape or ()) == 2 else None


def with_symmetry_shown(node: Node, names: AbstractSet[str]) -> Node:
    """The same value with `symmetric_part` around eigenvalue arguments that are symmetric only by `names`.

    What a definition hides is seen here once, where definitions are known, so that the
    evaluation of `lambda_min(G_0)` needs the form of its argument alone.
    """
    match node:
        case Negate(argument):
            return replace(node, argument=with_symmetry_shown(argument, names))
        case Binary(_, left, right):
            left, right = with_symmetry_shown(left, names), with_symmetry_shown(right, names)
            return replace(node, left=left, right=right)
        case Call(function, arguments):
            arguments = tuple(with_symmetry_shown(argument, names) for argument in arguments)
            if function in ("lambda_min", "lambda_max") and not is_symmetric(arguments[0]):
                matrix = arguments[0]
                if is_symmetric(matrix, names):
                    arguments = (Call("symmetric_part", (matrix,), matrix.column, matrix.shape),)
            return replace(node, arguments=arguments)
        case _:
            return node


def claim_with_symmetry_shown(claim: Claim, names: AbstractSet[str]) -> Claim:
    """The same for both sides of every comparison; the text stays."""
    parts: list[Comparison | Atom] = []
    for part in claim.parts:
        if isinstance(part, Comparison):
            left, right = with_symmetry_shown(part.left, names), with_symmetry_shown(part.right, names)
            part = Comparison(part.operator, left, right)
        parts.append(part)
    return Claim(claim.text, tuple(parts))
