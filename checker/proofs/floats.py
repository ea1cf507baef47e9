"""A tape at many points in float64: for searching only, never for a verdict."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from checker.proofs.tape import Instruction, Tape

Values = NDArray[np.float64]


def at_points(tape: Tape, points: Values) -> list[Values]:
    """The value of every instruction at each of (variables, count) points; NaN where there is none."""
    out: list[Values] = []
    with np.errstate(all="ignore"):
        for instruction in tape.instructions:
            out.append(_value(instruction, out, points))
    return out


def gaps(tape: Tape, values: list[Values], claim: int) -> Values:
    """(parts, count): how far each comparison of a claim is from failing, against the size of its sides.

    Positive where it holds with room; for an equation minus the distance; NaN counts as -inf.
    """
    rows: list[Values] = []
    for gap in tape.claims[claim]:
        value = values[gap.at]
        scale = np.ones_like(value)
        instruction = tape.instructions[gap.at]
        for argument in instruction.arguments:
            scale = scale + np.abs(values[argument])
        with np.errstate(all="ignore"):
            row = (-np.abs(value) if gap.equal else value) / scale
        rows.append(np.where(np.isnan(row), -np.inf, row))
    return np.stack(rows)


_UNARY: Final[dict[str, Callable[[Values], Values]]] = {
    "negate": np.negative,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": lambda x: np.where(x > 0, np.log(x), np.nan),
    "tanh": np.tanh,
    "sin": np.sin,
    "cos": np.cos,
    "abs": np.abs,
}
_BINARY: Final[dict[str, Callable[[Values, Values], Values]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": lambda x, y: np.where(y == 0, np.nan, x / y),
    "min": np.minimum,
    "max": np.maximum,
    "real power": lambda x, y: np.where((x > 0) | ((x == 0) & (y > 0)), np.power(x, y), np.nan),
}


def _value(instruction: Instruction, known: list[Values], points: Values) -> Values:
    count = points.shape[1]
    match instruction.operator:
        case "number":
            try:
                return np.full(count, float(instruction.value))
            except OverflowError:
                return np.full(count, np.inf if instruction.value > 0 else -np.inf)
        case "pi":
            return np.full(count, np.pi)
        case "variable":
            return points[instruction.index]
        case "power":
            exponent = int(instruction.value)
            base = known[instruction.arguments[0]]
            result = np.power(base, float(exponent))
            return np.where((base == 0) & (exponent < 0), np.nan, result)
        case operator if operator in _UNARY:
            return _UNARY[operator](known[instruction.arguments[0]])
        case operator:
            first, second = instruction.arguments
            return _BINARY[operator](known[first], known[second])
