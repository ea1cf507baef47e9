"""Text to tree: the only way from a theorem file's text to something that can be evaluated.

Reading never evaluates: sizes of constants are bounded in bits before anything is
computed, and trees are bounded in height and number of nodes, so that every fold may
recurse. Every error is an ExpressionError with the column where it was met.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from importlib.resources import files
from typing import Final, cast

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, UnexpectedToken

from checker.expression.mistakes import inspect, unreadable
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
)

MAX_HEIGHT: Final = 128
MAX_NODES: Final = 1500
MAX_EXPONENT: Final = 10_000
MAX_CONSTANT_BITS: Final = 40_000

_PI: Final = frozenset({"pi"})


@dataclass(frozen=True)
class _Built:
    """A tree under construction: its height, its nodes, and what is known where it is a rational constant.

    `bits` bounds log2 of numerator and denominator; None where it is no rational constant.
    """

    node: Node
    height: int
    nodes: int
    bits: float | None = None


def _bits(value: Fraction) -> float:
    return float(max(value.numerator.bit_length(), value.denominator.bit_length()))


def _constant(node: Node) -> Fraction | None:
    """The value of a rational constant whose bits are already bounded; None where it has none."""
    match node:
        case Number(value):
            return value
        case Negate(argument):
            inner = _constant(argument)
            return None if inner is None else -inner
        case Binary(operator, left, right):
            a, b = _constant(left), _constant(right)
            if a is None or b is None:
                return None
            if operator == "/":
                return a / b if b else None
            if operator == "**":
                return Fraction(a**b) if b.denominator == 1 and (a != 0 or b >= 0) else None
            return {"+": a + b, "-": a - b, "*": a * b}.get(operator)
        case _:
            return None


class _RefusedError(Exception):
    """Raised while building: where, and what to write instead."""

    def __init__(self, column: int, advice: str) -> None:
        super().__init__(advice)
        self.column = column
        self.advice = advice


@v_args(inline=True)
class _Builder(Transformer[Token, _Built]):
    """Builds the tree bottom-up while the text is read, which takes no recursion."""

    def _join(self, node: Node, parts: tuple[_Built, ...], bits: float | None = None) -> _Built:
        height = 1 + max((part.height for part in parts), default=0)
        nodes = 1 + sum(part.nodes for part in parts)
        if height > MAX_HEIGHT:
            raise _RefusedError(
                node.column, f"operations nest at most {MAX_HEIGHT} deep; name a part in [definitions]"
            )
        if nodes > MAX_NODES:
            raise _RefusedError(
                node.column, f"an expression has at most {MAX_NODES} parts; name a part in [definitions]"
            )
        if bits is not None and bits > MAX_CONSTANT_BITS:
            raise _RefusedError(node.column, f"a constant may have at most {MAX_CONSTANT_BITS} bits")
        return _Built(node, height, nodes, bits)

    def number(self, token: Token) -> _Built:
        value = Fraction(str(token))
        return self._join(Number(value, (token.start_pos or 0) + 1), (), _bits(value))

    def name(self, token: Token) -> _Built:
        column = (token.start_pos or 0) + 1
        return self._join(Pi(column) if str(token) in _PI else Name(str(token), column), ())

    def call(self, token: Token, *arguments: _Built) -> _Built:
        column = (token.start_pos or 0) + 1
        return self._join(Call(str(token), tuple(a.node for a in arguments), column), arguments)

    def negate(self, token: Token, argument: _Built) -> _Built:
        return self._join(Negate(argument.node, (token.start_pos or 0) + 1), (argument,), argument.bits)

    def binary(self, left: _Built, token: Token, right: _Built) -> _Built:
        operator, column = str(token), (token.start_pos or 0) + 1
        node = Binary(operator, left.node, right.node, column)
        if operator == "**":
            return self._join(node, (left, right), self._power_bits(left, right, column))
        bits = None
        if left.bits is not None and right.bits is not None and operator != "@":
            bits = left.bits + right.bits + 1
        return self._join(node, (left, right), bits)

    def _power_bits(self, left: _Built, right: _Built, column: int) -> float | None:
        exponent = None if right.bits is None else _constant(right.node)
        if exponent is None:
            return None
        if abs(exponent) > MAX_EXPONENT:
            raise _RefusedError(
                column, f"a constant exponent lies between -{MAX_EXPONENT} and {MAX_EXPONENT}"
            )
        return None if left.bits is None else left.bits * max(1.0, float(abs(exponent)))

    def chain(self, first: _Built, *rest: _Built | Token) -> tuple[Comparison | Atom, ...]:
        if not rest:
            if not isinstance(first.node, Name | Call):
                raise _RefusedError(1, "a claim is a comparison; write one of < <= > >= == between two sides")
            return (Atom(first.node),)
        parts: list[Comparison | Atom] = []
        left = first
        for token, right in zip(rest[::2], rest[1::2], strict=True):
            side = cast(_Built, right)  # the grammar alternates
            parts.append(Comparison(str(token), left.node, side.node))
            left = side
        return tuple(parts)

    def conjunction(self, *chains: tuple[Comparison | Atom, ...]) -> tuple[Comparison | Atom, ...]:
        return tuple(part for chain in chains for part in chain)

    def whole(self, built: _Built) -> Node:
        return built.node


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    text = files("checker.expression").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", start=["expression", "claim"], transformer=_Builder())


_EXPECTED: Final = {
    "COMPARE": "a comparison goes between two sides",
    "RPAR": "a ')' too many or an operand too few",
    "COMMA": "commas only separate the arguments of a function",
    "PLUS": "leave out the '+'",
}


def _advice(error: UnexpectedInput, start: str) -> str:
    if not isinstance(error, UnexpectedToken):
        return "write an expression such as 'norm2(W) + 1'"
    token = error.token
    if token.type == "$END":
        return "something is missing at the end"
    if token.type == "COMPARE" and start == "expression":
        return "a number or an array is expected here, not a comparison"
    if token.type == "_AND":
        return "'and' joins two comparisons"
    operand = {"NAME", "NUMBER"} & set(error.accepts or error.expected)
    if token.type in _EXPECTED and operand:
        return _EXPECTED[token.type]
    if operand:
        return f"a name, a number or '(' is expected before '{token}'"
    return f"'{token}' is not expected here; write an operator before it"


def _read(text: str, start: str) -> object:
    inspect(text)
    try:
        return _grammar().parse(text, start=start)
    except UnexpectedInput as error:
        column = len(text.rstrip()) + 1
        if not (isinstance(error, UnexpectedToken) and error.token.type == "$END"):
            column = (error.pos_in_stream or 0) + 1
        raise unreadable(text, column, _advice(error, start)) from None
    except _RefusedError as error:
        raise unreadable(text, error.column, error.advice) from None


def parse_expression(text: str) -> Node:
    """The tree of an expression, without shapes. Raises ExpressionError."""
    return cast(Node, _read(text, "expression"))


def parse_claim(text: str) -> Claim:
    """The comparisons of a claim, in order, without shapes. Raises ExpressionError.

    A chain `a < b <= c` is two comparisons that share the tree of `b`.
    """
    parts = cast(tuple[Comparison | Atom, ...], _read(text, "claim"))
    return Claim(" ".join(text.split()), parts)
