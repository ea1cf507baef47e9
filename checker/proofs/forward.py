"""A tape over boxes: enclosures of values, and of gradients by forward differentiation.

Boxes come as arrays: `boxes[0][i, k]` is the lower end of variable i in box k. Gradients have the shape
(variables, boxes). Facts that every admissible point satisfies (the signs of the assumptions' gaps) may
sharpen the values: they hold at the points that matter. Gradients must not use them, because the way from one
admissible point to another may leave the admissible set; `signs_of(tape, 0)` holds everywhere.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from checker.proofs import boxes as iv
from checker.proofs.boxes import Interval
from checker.proofs.tape import Instruction, Tape

_PI: Final = (3.141592653589793, float(np.nextafter(3.141592653589793, np.inf)))


@dataclass(frozen=True)
class Signs:
    """What every admissible point satisfies: instructions that are >= 0, those that are > 0."""

    nonnegative: frozenset[int]
    positive: frozenset[int]


def signs_of(tape: Tape, assumed: int) -> Signs:
    """The signs that the first `assumed` claims of a tape give its instructions, by their form."""
    nonnegative: set[int] = set()
    positive: set[int] = set()
    for claim in tape.claims[:assumed]:
        for gap in claim:
            if not gap.equal:
                nonnegative.add(gap.at)
                if gap.strict:
                    positive.add(gap.at)
    for at, instruction in enumerate(tape.instructions):
        if _is_positive(instruction, positive, nonnegative):
            positive.add(at)
        if at in positive or _is_nonnegative(instruction, nonnegative):
            nonnegative.add(at)
    return Signs(frozenset(nonnegative), frozenset(positive))


def _is_nonnegative(instruction: Instruction, known: set[int]) -> bool:
    arguments = instruction.arguments
    match instruction.operator:
        case "number":
            return instruction.value >= 0
        case "sqrt" | "exp" | "abs" | "pi":
            return True
        case "real power":
            return arguments[0] in known
        case "power":
            return instruction.value % 2 == 0 or arguments[0] in known
        case "+" | "*" | "/" | "min":
            return all(argument in known for argument in arguments)
        case "max":
            return any(argument in known for argument in arguments)
        case "tanh":
            return arguments[0] in known
        case _:
            return False


def _is_positive(instruction: Instruction, positive: set[int], nonnegative: set[int]) -> bool:
    arguments = instruction.arguments
    match instruction.operator:
        case "number":
            return instruction.value > 0
        case "exp" | "pi":
            return True
        case "sqrt" | "abs" | "power" | "tanh":
            return arguments[0] in positive
        case "real power":
            return arguments[0] in positive
        case "+":
            both = all(argument in nonnegative for argument in arguments)
            return both and any(argument in positive for argument in arguments)
        case "*" | "/" | "min":
            return all(argument in positive for argument in arguments)
        case "max":
            return any(argument in positive for argument in arguments)
        case _:
            return False


@dataclass(frozen=True)
class Folded:
    """Enclosures of every instruction over boxes, their gradients, and where each certainly has a value."""

    values: list[Interval]
    gradients: list[Interval]
    defined: list[NDArray[np.bool_]]


def over_boxes(tape: Tape, signs: Signs, boxes: Interval, *, gradients: bool = True) -> Folded:
    """Fold a tape over (variables, count) boxes."""
    values: list[Interval] = []
    slopes: list[Interval] = []
    defined: list[NDArray[np.bool_]] = []
    with np.errstate(all="ignore"):
        for at, instruction in enumerate(tape.instructions):
            value, has = _value(instruction, values, signs, boxes)
            for argument in instruction.arguments:
                has = has & defined[argument]
            if at in signs.nonnegative:
                zero = np.zeros_like(value[0])
                value = iv.meet(value, (zero, np.full_like(zero, np.inf)))
            values.append(value)
            defined.append(has)
            if gradients:
                slopes.append(_gradient(at, instruction, values, slopes, boxes))
    return Folded(values, slopes, defined)


def _value(
    instruction: Instruction, known: list[Interval], signs: Signs, boxes: Interval
) -> tuple[Interval, NDArray[np.bool_]]:
    shape = boxes[0].shape[1:]
    everywhere = np.ones(shape, dtype=bool)
    operator, arguments = instruction.operator, instruction.arguments
    first = known[arguments[0]] if arguments else iv.whole(shape)
    match operator:
        case "number":
            return iv.point(instruction.value, shape), everywhere
        case "pi":
            return (np.full(shape, _PI[0]), np.full(shape, _PI[1])), everywhere
        case "variable":
            return (boxes[0][instruction.index], boxes[1][instruction.index]), everywhere
        case "negate":
            return iv.negate(first), everywhere
        case "sqrt":
            return iv.root(first), first[0] >= 0
        case "exp" | "tanh":
            return iv.increasing(operator, first), everywhere
        case "log":
            return iv.increasing("log", first), everywhere if arguments[0] in signs.positive else first[0] > 0
        case "abs":
            return iv.absolute(first), everywhere
        case "sin" | "cos":
            return iv.circle(first, operator == "cos"), everywhere
        case "power":
            k = int(instruction.value)
            nonzero = (first[0] > 0) | (first[1] < 0) | (arguments[0] in signs.positive)
            return iv.whole_power(first, k), everywhere if k >= 0 else nonzero
        case _:
            return _binary(operator, arguments, known, signs)


def _binary(
    operator: str, arguments: tuple[int, ...], known: list[Interval], signs: Signs
) -> tuple[Interval, NDArray[np.bool_]]:
    first, second = known[arguments[0]], known[arguments[1]]
    everywhere = np.ones(first[0].shape, dtype=bool)
    match operator:
        case "+":
            return iv.add(first, second), everywhere
        case "-":
            return iv.add(first, iv.negate(second)), everywhere
        case "*":
            return iv.multiply(first, second), everywhere
        case "min":
            return iv.least(first, second), everywhere
        case "max":
            return iv.greatest(first, second), everywhere
        case "/":
            nonzero = (second[0] > 0) | (second[1] < 0) | (arguments[1] in signs.positive)
            return iv.multiply(first, iv.reciprocal(second)), nonzero
        case _:  # a real power: exp(y*log(x)), and 0 at x = 0 where y > 0
            positive = (first[0] > 0) | (arguments[0] in signs.positive)
            value = iv.increasing("exp", iv.multiply(second, iv.increasing("log", first)))
            some = (first[1] > 0) & (first[0] >= 0)  # whole exponents reach negative bases: nothing is known
            low, high = iv.whole(some.shape)
            return (np.where(some, value[0], low), np.where(some, value[1], high)), positive


def _gradient(
    at: int, instruction: Instruction, values: list[Interval], slopes: list[Interval], boxes: Interval
) -> Interval:
    """The chain rule; where a function has a kink in the box both its slopes count."""
    shape = boxes[0].shape
    arguments = instruction.arguments
    result = values[at]
    match instruction.operator:
        case "number" | "pi":
            return np.zeros(shape), np.zeros(shape)
        case "variable":
            unit = np.zeros(shape)
            unit[instruction.index] = 1.0
            return unit, unit.copy()
        case "+":
            return iv.add(slopes[arguments[0]], slopes[arguments[1]])
        case "-":
            return iv.add(slopes[arguments[0]], iv.negate(slopes[arguments[1]]))
        case "negate":
            return iv.negate(slopes[arguments[0]])
        case "min" | "max":
            return _of_choice(instruction, values, slopes)
        case "*":
            x, y = (values[argument] for argument in arguments)
            dx, dy = (slopes[argument] for argument in arguments)
            return iv.add(_scaled(dx, y), _scaled(dy, x))
        case "/":
            y = values[arguments[1]]
            dx, dy = (slopes[argument] for argument in arguments)
            above = iv.add(dx, iv.negate(_scaled(dy, result)))
            return _scaled(above, iv.reciprocal(y))
        case "real power":
            x, y = (values[argument] for argument in arguments)
            dx, dy = (slopes[argument] for argument in arguments)
            by_base = iv.multiply(result, iv.multiply(y, iv.reciprocal(x)))
            return iv.add(_scaled(dx, by_base), _scaled(dy, iv.multiply(result, iv.increasing("log", x))))
        case _:
            return _scaled(slopes[arguments[0]], _slope(instruction, values[arguments[0]], result))


def _scaled(slope: Interval, by: Interval) -> Interval:
    both = np.broadcast_to(by[0], slope[0].shape), np.broadcast_to(by[1], slope[1].shape)
    return iv.multiply_outward(slope, both)


def _of_choice(instruction: Instruction, values: list[Interval], slopes: list[Interval]) -> Interval:
    first, second = instruction.arguments
    x, y, dx, dy = values[first], values[second], slopes[first], slopes[second]
    if instruction.operator == "max":
        x, y = iv.negate(x), iv.negate(y)
    low, high = np.minimum(dx[0], dy[0]), np.maximum(dx[1], dy[1])
    left, right = x[1] < y[0], y[1] < x[0]
    low = np.where(left, dx[0], np.where(right, dy[0], low))
    return low, np.where(left, dx[1], np.where(right, dy[1], high))


def _slope(instruction: Instruction, x: Interval, result: Interval) -> Interval:
    """The derivative of a function of one argument."""
    one = iv.point(Fraction(1), x[0].shape)
    match instruction.operator:
        case "exp":
            return result
        case "log":
            return iv.reciprocal(iv.meet(x, (np.zeros_like(x[0]), np.full_like(x[0], np.inf))))
        case "tanh":
            inner = iv.add(one, iv.negate(iv.whole_power(result, 2)))
            return iv.meet(inner, (np.zeros_like(x[0]), np.ones_like(x[0])))
        case "sqrt":
            half = iv.point(Fraction(1, 2), x[0].shape)
            return iv.multiply(half, iv.reciprocal(result))
        case "abs":
            return np.where(x[0] > 0, 1.0, -1.0), np.where(x[1] < 0, -1.0, 1.0)
        case "sin":
            return iv.circle(x, True)
        case "cos":
            return iv.negate(iv.circle(x, False))
        case _:
            k = int(instruction.value)
            if k == 0:
                return np.zeros_like(x[0]), np.zeros_like(x[0])
            return iv.multiply(iv.point(Fraction(k), x[0].shape), iv.whole_power(x, k - 1))
