"""Random starts, random data and quantified inputs, as a theorem file states them."""

import re
from collections.abc import Mapping
from typing import Final, cast

from checker.errors import ExpressionError
from checker.expression.dims import dimension
from checker.expression.parse import parse_expression
from checker.expression.shapes import annotate, similar
from checker.expression.tree import Call, Dim, Shape
from checker.tables import Table
from checker.theorem import Draw, Law, Variable
from checker.vocabulary import Vocabulary

_ARGUMENTS: Final[dict[str, tuple[str, ...]]] = {
    "normal": ("mean", "variance"),
    "uniform": ("lo", "hi"),
    "rademacher": (),
    "orthogonal": ("scale",),
    "goe": ("variance",),
    "zeros": (),
    "constant": ("value",),
}


def read_laws(table: Table, arrays: Mapping[str, Shape], words: Vocabulary) -> dict[str, Draw]:
    """The law of each array in [initialization] or [data]. Raises TheoremError."""
    out: dict[str, Draw] = {}
    for name in table.data:
        if name not in arrays:
            raise table.error(name, f"no array of this name can be drawn; {similar(name, arrays)}")
        out[name] = _law(table, name, arrays[name], words)
    return out


def _law(table: Table, name: str, shape: Shape, words: Vocabulary) -> Draw:
    laws = ", ".join(f"{law}({', '.join(arguments)})" for law, arguments in _ARGUMENTS.items())
    text = table.text(name)
    try:
        node = parse_expression(text)
        if not isinstance(node, Call) or node.function not in _ARGUMENTS:
            raise ExpressionError(f"'{text.strip()[:60]}' is no law; write one of {laws}")
        expected = _ARGUMENTS[node.function]
        if len(node.arguments) != len(expected):
            raise ExpressionError(f"write {node.function}({', '.join(expected)})", node.column)
        where = words.scalar_where("a law")
        arguments = tuple(
            annotate(argument, words.scalar_names(), where=where) for argument in node.arguments
        )
        if any(argument.shape != () for argument in arguments):
            raise ExpressionError(f"the arguments of {node.function} are scalars", node.column)
    except ExpressionError as error:
        raise table.error(name, error.message, error.column) from None
    if node.function == "goe" and (len(shape) != 2 or shape[0] != shape[1]):
        raise table.error(name, "goe draws symmetric matrices, and this array is not square")
    if node.function == "orthogonal" and len(shape) != 2:
        raise table.error(name, "orthogonal draws matrices, and this array is a vector")
    return Draw(cast(Law, node.function), arguments)


def read_variables(table: Table, words: Vocabulary) -> dict[str, Variable]:
    """What claims about all inputs range over. Raises TheoremError."""
    out: dict[str, Variable] = {}
    for name in table.data:
        words.declare(name, table)
        quantifier, text = "forall", table.value(name)
        if isinstance(text, dict):
            entry = table.table(name)
            text = entry.text("shape")
            quantifier = entry.choice("quantifier", ("forall", "exists"), "forall")
            entry.finish()
        if not isinstance(text, str):
            raise table.error(name, 'must be a shape such as "vector(d)"')
        shape = _shape(table, name, text, words)
        out[name] = Variable(name, shape, "exists" if quantifier == "exists" else "forall")
        words.variables[name] = shape
    return out


def _shape(table: Table, name: str, text: str, words: Vocabulary) -> Shape:
    if re.fullmatch(r"\s*scalar\s*", text):
        return ()
    try:
        node = parse_expression(text)
        if isinstance(node, Call) and (node.function, len(node.arguments)) in (("vector", 1), ("matrix", 2)):
            dims: list[Dim] = [dimension(argument, words.sizes) for argument in node.arguments]
            return tuple(dims)
    except ExpressionError as error:
        raise table.error(name, error.message, error.column) from None
    raise table.error(name, f"'{text.strip()[:60]}' is no shape; write scalar, vector(d) or matrix(m, d)", 1)
