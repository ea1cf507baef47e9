"""Claims as a list of instructions in which equal parts occur once; points and boxes are evaluated by it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from checker.expression.smt import constant
from checker.expression.tree import Atom, Binary, Call, Claim, Comparison, Name, Negate, Node, Number, Pi

MAX_WHOLE_POWER = 10**4
_UNARY = frozenset({"sqrt", "exp", "log", "tanh", "sin", "cos", "abs"})


class NotOnTapeError(Exception):
    """A claim that is no statement about real numbers."""


@dataclass(frozen=True)
class Instruction:
    """One operation on earlier results. `power` has a whole exponent; `real power` is exp(y*log(x)) with
    0**y = 0 for y > 0. `index` is the variable's number, `value` that of a constant."""

    operator: str
    arguments: tuple[int, ...] = ()
    value: Fraction = Fraction(0)
    index: int = -1


@dataclass(frozen=True)
class Gap:
    """One comparison as "gap > 0" (strict), "gap >= 0" or "gap == 0" (equal); `at` is its instruction."""

    at: int
    strict: bool
    equal: bool = False


@dataclass(frozen=True)
class Tape:
    """Instructions, the variables in order, and the gaps of each claim."""

    instructions: tuple[Instruction, ...]
    variables: tuple[str, ...]
    claims: tuple[tuple[Gap, ...], ...]


def to_tape(claims: Sequence[Claim], variables: tuple[str, ...] = ()) -> Tape:
    """The claims as a tape over `variables` and those that they name besides. Raises NotOnTapeError."""
    builder = _Builder({name: i for i, name in enumerate(variables)})
    gaps = tuple(tuple(builder.gap(part) for part in claim.parts) for claim in claims)
    return Tape(tuple(builder.instructions), tuple(builder.variables), gaps)


@dataclass
class _Builder:
    variables: dict[str, int]
    instructions: list[Instruction] = field(default_factory=list[Instruction])
    known: dict[Instruction, int] = field(default_factory=dict[Instruction, int])
    nodes: dict[Node, int] = field(default_factory=dict[Node, int])

    def gap(self, part: Comparison | Atom) -> Gap:
        if isinstance(part, Atom):
            raise NotOnTapeError
        small, large = part.left, part.right
        if part.operator in (">", ">="):
            small, large = large, small
        at = self.node(large) if small == Number(Fraction(0)) else self.node(Binary("-", large, small))
        return Gap(at, part.operator in ("<", ">"), part.operator == "==")

    def node(self, node: Node) -> int:
        if node not in self.nodes:
            self.nodes[node] = self._build(node)
        return self.nodes[node]

    def _put(self, operator: str, *arguments: int, value: Fraction = Fraction(0), index: int = -1) -> int:
        instruction = Instruction(operator, arguments, value, index)
        if instruction not in self.known:
            self.known[instruction] = len(self.instructions)
            self.instructions.append(instruction)
        return self.known[instruction]

    def _build(self, node: Node) -> int:
        value = constant(node)
        if value is not None:
            return self._put("number", value=value)
        match node:
            case Name(name=name):
                return self._put("variable", index=self.variables.setdefault(name, len(self.variables)))
            case Pi():
                return self._put("pi")
            case Negate(argument=argument):
                return self._put("negate", self.node(argument))
            case Binary(operator="**", left=left, right=right):
                return self._power(left, right)
            case Binary(operator=operator, left=left, right=right) if operator in ("+", "-", "*", "/"):
                first, second = self.node(left), self.node(right)
                if operator == "*" and first == second:
                    return self._put("power", first, value=Fraction(2))
                return self._put(operator, first, second)
            case Call(function=function, arguments=arguments):
                return self._call(function, arguments)
            case _:
                raise NotOnTapeError

    def _power(self, left: Node, right: Node) -> int:
        base, exponent = self.node(left), constant(right)
        if exponent is not None and exponent.denominator == 1:
            if abs(exponent) > MAX_WHOLE_POWER:
                raise NotOnTapeError
            return self._put("power", base, value=exponent)
        if exponent is not None and exponent.denominator == 2 and abs(exponent) <= MAX_WHOLE_POWER:
            root = self._put("sqrt", base)
            return self._put("power", root, value=Fraction(exponent.numerator))
        return self._put("real power", base, self.node(right))

    def _call(self, function: str, arguments: tuple[Node, ...]) -> int:
        if function in ("min", "max") and len(arguments) > 1:
            best = self.node(arguments[0])
            for other in arguments[1:]:
                best = self._put(function, best, self.node(other))
            return best
        if function not in _UNARY or len(arguments) != 1:
            raise NotOnTapeError
        return self._put(function, self.node(arguments[0]))
