"""Shapes before anything runs: every node gets one, or the reader gets both that do not fit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from checker.errors import ExpressionError
from checker.expression.dims import dimension, shape_text
from checker.expression.text import to_text
from checker.expression.tree import (
    Atom,
    Binary,
    Call,
    Claim,
    Comparison,
    Name,
    Negate,
    Node,
    Number,
    Pi,
    Shape,
)
from checker.expression.words import ENTRYWISE, EXTREMES, FILLED, FUNCTIONS, NORMS, SQUARE_ONLY, TEMPORAL

MAX_NEXT = 8
"""How many steps ahead `next` may look."""

_ARRAYS_KEEP = frozenset({"next"})


def _no_texts() -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class Where:
    """Where an expression stands, and so what it may use beyond names and functions.

    `place` names it in errors, as in "a definition". `sizes` maps what `eye` and `ones`
    accept to canonical dimensions (m to d where m = d). `temporal` are the allowed among
    next, total, least, greatest; `functions` those of an input, with argument and result
    shapes; `claims` the names and functions that are claims by themselves. `refused` maps
    names known elsewhere to the reason why not here.
    """

    place: str = "an expression"
    sizes: Mapping[str, str] = field(default_factory=lambda: {"n": "n", "d": "d", "m": "m"})
    temporal: frozenset[str] = frozenset()
    functions: Mapping[str, tuple[Shape, Shape]] = field(default_factory=dict[str, tuple[Shape, Shape]])
    claims: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=_no_texts)


def similar(name: str, known: Iterable[str]) -> str:
    """What to suggest for an unknown name: the nearest known ones, or all of them."""
    options = sorted(set(known))
    if not options:
        return "no names are known here"
    near = get_close_matches(name, options, n=1, cutoff=0.6)
    if not near:
        near = [option for option in options if option.lower() == name.lower()][:1]
    if near:
        return f"did you mean '{near[0]}'?"
    shown = ", ".join(options[:40])
    return f"known here: {shown}" + (", ..." if len(options) > 40 else "")


class _Annotator:
    def __init__(self, names: Mapping[str, Shape], where: Where) -> None:
        self._names = names
        self._where = where

    def node(self, node: Node, ahead: int = 0) -> Node:
        match node:
            case Number() | Pi():
                return node
            case Name(name, column):
                return replace(node, shape=self._name(name, column))
            case Negate(argument):
                inner = self.node(argument, ahead)
                return replace(node, argument=inner, shape=inner.shape)
            case Binary(_, left, right):
                a, b = self.node(left, ahead), self.node(right, ahead)
                fitted = replace(node, left=a, right=b)
                return replace(fitted, shape=_binary(fitted))
            case Call():
                return self._call(node, ahead)

    def _name(self, name: str, column: int) -> Shape:
        if name in self._names:
            return self._names[name]
        where = self._where
        if name in where.refused:
            raise ExpressionError(where.refused[name], column)
        if name in where.claims:
            raise ExpressionError(f"'{name}' is a claim by itself, not a number; join it with 'and'", column)
        if name in FUNCTIONS | TEMPORAL:
            raise ExpressionError(f"'{name}' is a function; write {name}(...)", column)
        raise ExpressionError(f"unknown name {_short(name)}; {similar(name, self._names)}", column)

    def _call(self, node: Call, ahead: int) -> Node:
        name, where = node.function, self._where
        if name in FILLED:
            if len(node.arguments) != 1:
                raise ExpressionError(f"{name} takes one argument, a dimension, as in {name}(n)", node.column)
            k = dimension(node.arguments[0], where.sizes)
            argument = self.node(node.arguments[0], ahead)
            return replace(node, arguments=(argument,), shape=(k, k) if name == "eye" else (k,))
        if name in TEMPORAL:
            return self._temporal(node, ahead)
        if name in where.claims:
            raise ExpressionError(
                f"'{name}' is a claim by itself, not a number; join it with 'and'", node.column
            )
        if name not in FUNCTIONS and name not in where.functions:
            if name in where.refused:
                raise ExpressionError(where.refused[name], node.column)
            if name in self._names:
                raise ExpressionError(f"'{name}' is not a function; write '*' for a product", node.column)
            known = FUNCTIONS | where.temporal | set(where.functions)
            raise ExpressionError(f"unknown function {_short(name)}; {similar(name, known)}", node.column)
        arguments = tuple(self.node(argument, ahead) for argument in node.arguments)
        fitted = replace(node, arguments=arguments)
        if name in where.functions:
            return replace(fitted, shape=_of_an_input(fitted, *where.functions[name]))
        return replace(fitted, shape=_function(fitted))

    def _temporal(self, node: Call, ahead: int) -> Node:
        name, where = node.function, self._where
        if name not in where.temporal:
            reason = where.refused.get(name, f"'{name}' appears in conclusions only, not in {where.place}")
            raise ExpressionError(reason, node.column)
        if len(node.arguments) != 1:
            raise ExpressionError(f"{name} takes one argument, not {len(node.arguments)}", node.column)
        ahead += name == "next"
        if ahead > MAX_NEXT:
            raise ExpressionError(f"'next' looks at most {MAX_NEXT} steps ahead", node.column)
        argument = self.node(node.arguments[0], ahead)
        if name not in _ARRAYS_KEEP and argument.shape != ():
            raise ExpressionError(f"{name} needs a scalar; {_is(argument)}", node.column)
        return replace(node, arguments=(argument,), shape=argument.shape)

    def part(self, part: Comparison | Atom) -> Comparison | Atom:
        if isinstance(part, Atom):
            return self._atom(part.node)
        left, right = self.node(part.left), self.node(part.right)
        for side in (left, right):
            if side.shape != ():
                raise ExpressionError(f"a comparison needs two scalars; {_is(side)}", side.column)
        return Comparison(part.operator, left, right)

    def _atom(self, node: Name | Call) -> Atom:
        name = node.name if isinstance(node, Name) else node.function
        where = self._where
        if isinstance(node, Name) and name in where.claims:
            return Atom(replace(node, shape=()))
        if isinstance(node, Call) and name in where.claims and name in where.functions:
            arguments = tuple(self.node(argument) for argument in node.arguments)
            fitted = replace(node, arguments=arguments)
            _of_an_input(fitted, *where.functions[name])
            return Atom(replace(fitted, shape=()))
        if name in where.refused:
            raise ExpressionError(where.refused[name], node.column)
        self.node(node)
        raise ExpressionError(
            f"{_short(to_text(node))} is no claim; write one of < <= > >= == between two sides", node.column
        )


def _short(text: str) -> str:
    return f"'{text}'" if len(text) <= 60 else f"'{text[:57]}...'"


def _is(node: Node) -> str:
    return f"{_short(to_text(node))} is {shape_text(node.shape or ())}"


def _both(left: Node, right: Node) -> str:
    return f"{_is(left)}, {_is(right)}"


def _binary(node: Binary) -> Shape:
    operator, left, right, column = node.operator, node.left, node.right, node.column
    a, b = left.shape or (), right.shape or ()
    if operator in "+-":
        if a != b:
            if a and b:
                raise ExpressionError(f"'{operator}' needs equal shapes; {_both(left, right)}", column)
            advice = "; write eye(k) or ones(k) times the scalar"
            raise ExpressionError(f"'{operator}' needs equal shapes; {_both(left, right)}{advice}", column)
        return a
    if operator == "*":
        if a and b:
            advice = "; write '@' for a matrix product, hadamard(A, B) for an entrywise one"
            raise ExpressionError(f"'*' needs a scalar on one side; {_both(left, right)}{advice}", column)
        return a or b
    if operator == "/":
        if b:
            advice = "; write inv(A) for an inverse" if len(b) == 2 else ""
            raise ExpressionError(f"'/' needs a scalar on its right; {_is(right)}{advice}", column)
        return a
    if operator == "**":
        if a or b:
            raise ExpressionError(
                f"'**' needs scalars; {_is(left if a else right)}; write '@' or hadamard(A, B)", column
            )
        return ()
    if not a or not b:
        raise ExpressionError(f"'@' needs arrays on both sides; {_both(left, right)}; write '*'", column)
    if a[-1] != b[0]:
        raise ExpressionError(f"'@' needs equal inner dimensions; {_both(left, right)}", column)
    return a[:-1] + b[1:]


def _of_an_input(node: Call, needed: Shape, result: Shape) -> Shape:
    if len(node.arguments) != 1:
        raise ExpressionError(f"{node.function} takes one argument, {shape_text(needed)}", node.column)
    if node.arguments[0].shape != needed:
        raise ExpressionError(
            f"{node.function} needs {shape_text(needed)}; {_is(node.arguments[0])}", node.column
        )
    return result


def _function(node: Call) -> Shape:
    name, arguments, column = node.function, node.arguments, node.column
    if name in EXTREMES:
        return _extreme(node)
    expected = 2 if name == "hadamard" else 1
    if len(arguments) != expected:
        raise ExpressionError(
            f"{name} takes {expected} argument{'s' * (expected > 1)}, not {len(arguments)}", column
        )
    first = arguments[0]
    shape = first.shape or ()
    if name in ENTRYWISE:
        return shape
    if name == "hadamard":
        second = arguments[1].shape or ()
        if shape != second or not shape:
            raise ExpressionError(f"hadamard needs two arrays of one shape; {_both(*arguments)}", column)
        return shape
    if not shape:
        advice = "; write abs" if name in NORMS else ""
        raise ExpressionError(f"{name} needs an array; {_is(first)}{advice}", column)
    if name in NORMS or name == "sum":
        return ()
    if name == "diag" and len(shape) == 1:
        return (shape[0], shape[0])
    if len(shape) != 2:
        advice = "; a vector stands on either side of '@' as it is" if name == "transpose" else ""
        raise ExpressionError(f"{name} needs a matrix; {_is(first)}{advice}", column)
    if name == "sigma_min":
        return ()
    if name == "transpose":
        return (shape[1], shape[0])
    if shape[0] != shape[1]:
        raise ExpressionError(f"{name} needs a square matrix; {_is(first)}", column)
    if name in SQUARE_ONLY:
        return ()
    return (shape[0],) if name == "diag" else shape


def _extreme(node: Call) -> Shape:
    arguments = node.arguments
    arrays = [argument for argument in arguments if argument.shape]
    if arrays and len(arguments) > 1:
        raise ExpressionError(
            f"{node.function} takes several scalars or one array; {_is(arrays[0])}", node.column
        )
    if not arrays and len(arguments) < 2:
        raise ExpressionError(f"{node.function} takes several scalars or one array", node.column)
    return ()


def annotate(node: Node, names: Mapping[str, Shape], *, where: Where) -> Node:
    """The same tree with every shape filled in.

    Raises ExpressionError naming both shapes that do not fit, or what is known instead.
    """
    return _Annotator(names, where).node(node)


def annotate_claim(claim: Claim, names: Mapping[str, Shape], *, where: Where) -> Claim:
    """The same claim with every shape filled in; its sides must be scalars. Raises ExpressionError."""
    annotator = _Annotator(names, where)
    return Claim(claim.text, tuple(annotator.part(part) for part in claim.parts))
