"""A tree folded into an enclosure that contains its exact value, and claims judged by enclosures alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Final, cast

from flint import arb, arb_mat, ctx, fmpq

from checker.enclosure import ARRAYS, Ball, Enclosure, outward, to_arb
from checker.errors import NotEnclosed
from checker.expression import arithmetic as number
from checker.expression.arrays import BALL_ARRAYS, Arrays
from checker.expression.env import Env, memo_of
from checker.expression.signs import is_nonnegative, is_psd, is_symmetric
from checker.expression.tree import Atom, Binary, Call, Claim, Comparison, Name, Negate, Node, Number, Pi
from checker.expression.words import ENTRYWISE, EXTREMES, FUNCTIONS
from checker.verdict import Verdict, all_of

_ENTRYWISE: Final[Mapping[str, Callable[[Ball], Ball]]] = {
    "exp": number.exponential,
    "log": number.logarithm,
    "abs": number.absolute,
    "sin": number.sine,
    "cos": number.cosine,
    "tanh": number.hyperbolic_tangent,
}
_SCALAR: Final[Mapping[str, Callable[[Ball, Ball], Ball]]] = {
    "+": number.add,
    "-": number.subtract,
    "*": number.multiply,
    "/": number.divide,
    "**": number.power,
    "min": number.least,
    "max": number.greatest,
}


_MARGIN_BITS: Final = 96
"""A margin is reported in float64; more bits than this add nothing to it."""


def enclose(node: Node, env: Env[Enclosure]) -> Enclosure:
    """An enclosure of the exact value at the ambient precision: fmpq where exact, else arb or arb_mat.

    The tree carries shapes. Raises CertainlyUndefined where a part has certainly no value,
    NotEnclosed where that is open or no enclosure was found.
    """
    return _Fold(env).node(node)


class _Fold:
    def __init__(self, env: Env[Enclosure]) -> None:
        self._env = env
        self._memo = memo_of(env)
        self._arrays: Arrays = getattr(env, "arrays", BALL_ARRAYS)
        self._rungs: dict[Node, str] | None = getattr(env, "rungs", None)

    def node(self, node: Node) -> Enclosure:
        if isinstance(node, Number):
            return fmpq(node.value.numerator, node.value.denominator)
        if isinstance(node, Pi):
            return arb.pi()
        if isinstance(node, Name):
            return self._env.name(node.name)
        known = self._memo.get(node)
        if known is None:
            known = self._memo[node] = self._operation(node)
        return known

    def _operation(self, node: Negate | Binary | Call) -> Enclosure:
        if isinstance(node, Negate):
            return -cast(arb_mat, self.node(node.argument))
        if isinstance(node, Binary):
            return self._binary(node)
        if node.function not in FUNCTIONS:
            return self._env.call(node)
        return self._call(node)

    def ball(self, node: Node) -> Ball:
        """The enclosure of a scalar."""
        value = self.node(node)
        if isinstance(value, ARRAYS):
            raise NotEnclosed("an array stands where a number is needed")
        return value if isinstance(value, fmpq) else number.finite(value, "a value")

    def array(self, node: Node) -> arb_mat:
        """The enclosure of an array; vectors as one column."""
        return cast(arb_mat, self.node(node))

    def _binary(self, node: Binary) -> Enclosure:
        left, right = node.left, node.right
        a, b = left.shape or (), right.shape or ()
        if node.operator == "@":
            return self._arrays.product(self.array(left), self.array(right), len(a), len(b))
        if not a and not b:
            x, y = self.ball(left), self.ball(right)
            if node.operator == "**":
                return number.power(x, y, is_nonnegative(left))
            square = node.operator == "*" and left == right
            return number.power(x, fmpq(2)) if square else _SCALAR[node.operator](x, y)
        if node.operator == "*":
            array, scalar = (left, right) if a else (right, left)
            return self.array(array) * to_arb(self.ball(scalar))
        if node.operator == "/":
            return self.array(left) * to_arb(number.divide(fmpq(1), self.ball(right)))
        x, y = self.array(left), self.array(right)
        return x + y if node.operator == "+" else x - y

    def _call(self, node: Call) -> Enclosure:
        name, first = node.function, node.arguments[0]
        if name in ("eye", "ones"):
            return self._arrays.filled(name, self.ball(first))
        if name in EXTREMES and not first.shape:
            return reduce(_SCALAR[name], (self.ball(argument) for argument in node.arguments))
        if name in ENTRYWISE:
            function = _ENTRYWISE.get(name) or _root_of(first)
            return (
                self._arrays.entrywise(self.array(first), function)
                if first.shape
                else function(self.ball(first))
            )
        A = self.array(first)
        if name == "hadamard":
            return self._arrays.hadamard(A, self.array(node.arguments[1]))
        axes = len(first.shape or ())
        if name not in self._arrays.extremes:
            return self._arrays.of_one[name](A, axes)
        symmetric = name in ("lambda_min", "lambda_max")
        B = self._arrays.symmetrised(A, known=is_symmetric(first)) if symmetric else A
        found = self._arrays.extremes[name](B, axes)
        if self._rungs is not None:
            self._rungs[node] = found.rung
        return number.nonnegative_part(found.value) if not symmetric or is_psd(first) else found.value


def _root_of(argument: Node) -> Callable[[Ball], Ball]:
    nonnegative = is_nonnegative(argument)
    return lambda x: number.root(x, nonnegative)


@dataclass(frozen=True)
class Judgement:
    """One claim judged: the verdict of the whole, and the part that decides it.

    `lhs` and `rhs` enclose the sides of the least-margin part (None for `well_posed`, and
    for a side without an enclosure). `margin` is certified: log10(larger side/smaller
    side), positive where the claim holds, negative where it fails; None where a side is not
    certainly positive or nothing is decided. `reason` says why it is undecided.
    """

    verdict: Verdict
    operator: str
    lhs: Ball | None
    rhs: Ball | None
    margin: float | None
    reason: str = ""


def judge(claim: Claim, env: Env[Enclosure]) -> Judgement:
    """Judge a claim by enclosures, at the ambient precision.

    Raises CertainlyUndefined where a part has certainly no value. What is not enclosed
    makes its part undecided.
    """
    fold = _Fold(env)
    parts = [_atom(part, env) if isinstance(part, Atom) else _comparison(part, fold) for part in claim.parts]
    verdict = all_of(part.verdict for part in parts)
    worst = min((part for part in parts if part.verdict is verdict), key=_key)
    return Judgement(verdict, worst.operator, worst.lhs, worst.rhs, worst.margin, worst.reason)


def _key(part: Judgement) -> tuple[bool, float]:
    return (part.margin is None, part.margin or 0.0)


def _atom(part: Atom, env: Env[Enclosure]) -> Judgement:
    try:
        truth = env.name(part.node.name) if isinstance(part.node, Name) else env.call(part.node)
    except NotEnclosed as error:
        return Judgement(Verdict.UNDECIDED, "", None, None, None, error.reason)
    if not isinstance(truth, ARRAYS):
        if number.is_exactly(truth, 1):
            return Judgement(Verdict.HOLDS, "", None, None, None)
        if number.is_exactly(truth, 0):
            return Judgement(Verdict.FAILS, "", None, None, None)
    return Judgement(Verdict.UNDECIDED, "", None, None, None, "it is not certified either way")


def _comparison(part: Comparison, fold: _Fold) -> Judgement:
    sides: list[Ball] = []
    try:
        for side in (part.left, part.right):
            sides.append(fold.ball(side))
    except NotEnclosed as error:
        lhs = sides[0] if sides else None
        return Judgement(Verdict.UNDECIDED, part.operator, lhs, None, None, error.reason)
    lhs, rhs = sides
    verdict = _same(part.operator) if part.left == part.right else compare(part.operator, lhs, rhs)
    reason = "the two sides are too close to tell apart" if verdict is Verdict.UNDECIDED else ""
    return Judgement(verdict, part.operator, lhs, rhs, _margin(verdict, part.operator, lhs, rhs), reason)


def _same(operator: str) -> Verdict:
    return Verdict.HOLDS if operator in ("<=", ">=", "==") else Verdict.FAILS


def compare(operator: str, lhs: Ball, rhs: Ball) -> Verdict:
    """The comparison of two enclosed numbers: certain either way, or undecided."""
    if operator in (">", ">="):
        return compare("<" if operator == ">" else "<=", rhs, lhs)
    a, b = _exact(lhs), _exact(rhs)
    if a is not None and b is not None:
        holds = a == b if operator == "==" else a < b if operator == "<" else a <= b
        return Verdict.HOLDS if holds else Verdict.FAILS
    if operator == "==":
        return Verdict.FAILS if lhs < rhs or lhs > rhs else Verdict.UNDECIDED
    if lhs < rhs or (operator == "<=" and lhs <= rhs):
        return Verdict.HOLDS
    fails = lhs >= rhs if operator == "<" else lhs > rhs
    return Verdict.FAILS if fails else Verdict.UNDECIDED


def _exact(value: Ball) -> fmpq | None:
    """The number itself where the enclosure has no width and is of moderate size."""
    if isinstance(value, fmpq):
        return value
    if not value.is_exact() or not value.is_finite():
        return None
    _, exponent = value.man_exp()
    return value.fmpq() if abs(int(exponent)) <= number.MAX_BITS else None


def _margin(verdict: Verdict, operator: str, lhs: Ball, rhs: Ball) -> float | None:
    if verdict is Verdict.UNDECIDED or not (lhs > 0 and rhs > 0):
        return None
    small, large = (rhs, lhs) if operator in (">", ">=") else (lhs, rhs)
    with ctx.workprec(min(ctx.prec, _MARGIN_BITS)):
        low, high = outward(((to_arb(large) / to_arb(small)).log()) / arb.const_log10())
    if verdict is Verdict.HOLDS:
        return 0.0 if operator == "==" else max(low, 0.0)
    if operator == "==" and low > 0:
        return -low
    return min(high, 0.0)
