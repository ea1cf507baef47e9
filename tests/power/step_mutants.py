"""Wrong variants of proof steps, made mechanically, and an evaluation of claims that is not the checker's.

Claims are evaluated from their text with Python's own parser and exact fractions; values that are no
rationals, such as "sqrt(2)", with sympy. Nothing of `checker` takes part in that.
"""

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import sympy

from checker.expression.simplify import free_names, substitute
from checker.expression.text import to_text
from checker.expression.tree import Atom, Binary, Claim, Comparison, Name, Node, Number
from checker.reading import builtin_ids, load
from checker.theorem import ProofStep

MORE, LESS = Number(Fraction(9, 8)), Number(Fraction(8, 9))


@dataclass(frozen=True)
class Mutant:
    """A wrong variant: what was done to which step."""

    kind: str
    step: ProofStep


def distinct_steps() -> dict[str, ProofStep]:
    """Every proof step of every shipped theorem by "theorem: step"; steps that say the same come once."""
    seen: set[tuple[str, ...]] = set()
    out: dict[str, ProofStep] = {}
    for theorem_id in builtin_ids():
        for step in load(theorem_id).proof:
            said = (*(to_text(claim) for claim in step.assume), to_text(step.show))
            if said not in seen:
                seen.add(said)
                out[f"{theorem_id}: {step.name}"] = step
    return out


def mutants(step: ProofStep, dropped: int | None = None) -> Iterator[Mutant]:
    """Wrong variants of one step: the conclusion made stronger in several ways, an assumption dropped.

    `dropped` is how many assumptions are dropped, one at a time, from the last on; None means each.
    """
    for kind, change in CHANGES.items():
        for i, part in enumerate(step.show.parts):
            if isinstance(part, Atom):
                continue
            for changed in change(part):
                parts = (*step.show.parts[:i], changed, *step.show.parts[i + 1 :])
                yield Mutant(kind, replace(step, show=_claim(parts)))
    for i in reversed(range(len(step.assume))[-dropped if dropped else 0 :]):
        yield Mutant("an assumption dropped", replace(step, assume=step.assume[:i] + step.assume[i + 1 :]))


def _claim(parts: tuple[Comparison | Atom, ...]) -> Claim:
    claim = Claim("", parts)
    return replace(claim, text=to_text(claim))


def _sides(part: Comparison) -> tuple[str, Node, Node]:
    """The comparison as small (< or <= or ==) large."""
    if part.operator in (">", ">="):
        return part.operator.replace(">", "<"), part.right, part.left
    return part.operator, part.left, part.right


def _scaled(part: Comparison) -> Iterator[Comparison]:
    how, small, large = _sides(part)
    if free_names(small):
        yield Comparison(how, Binary("*", MORE, small), large)
    else:
        yield Comparison(how, small, Binary("*", LESS, large))


def _shifted(part: Comparison) -> Iterator[Comparison]:
    how, small, large = _sides(part)
    yield Comparison(how, Binary("+", small, Number(Fraction(1, 1000))), large)


def _strict(part: Comparison) -> Iterator[Comparison]:
    how, small, large = _sides(part)
    if how == "<=":
        yield Comparison("<", small, large)


def _reversed(part: Comparison) -> Iterator[Comparison]:
    how, small, large = _sides(part)
    if how != "==":
        yield Comparison(how, large, small)


def _swapped(part: Comparison) -> Iterator[Comparison]:
    names = sorted(free_names(part.left) | free_names(part.right))
    if len(names) > 1:
        mapping: dict[str, Node] = {names[0]: Name(names[-1]), names[-1]: Name(names[0])}
        yield Comparison(part.operator, substitute(part.left, mapping), substitute(part.right, mapping))


CHANGES: dict[str, Callable[[Comparison], Iterator[Comparison]]] = {
    "a constant times 9/8": _scaled,
    "shifted by 1/1000": _shifted,
    "called strict": _strict,
    "reversed": _reversed,
    "two variables swapped": _swapped,
}


def is_refuted(step: ProofStep, values: Mapping[str, str]) -> bool:
    """Do the assumptions hold and the conclusion fail at the point? By fractions and sympy alone."""
    point = {name: number(text) for name, text in values.items()}
    if not all(truth(to_text(claim), point) for claim in step.assume):
        return False
    return not truth(to_text(step.show), point)


def number(text: str) -> Any:
    """The exact value of a text: a Fraction, or a sympy number where it is no rational."""
    try:
        return Fraction(text)
    except ValueError:
        value = _value(ast.parse(text, mode="eval").body, {})
        return Fraction(int(value.p), int(value.q)) if isinstance(value, sympy.Rational) else value


def truth(text: str, point: Mapping[str, Any]) -> bool:
    """Is a claim true at a point? Raises where that is not clear to 60 digits."""
    return _truth(ast.parse(text, mode="eval").body, point)


def _truth(node: ast.expr, point: Mapping[str, Any]) -> bool:
    if isinstance(node, ast.BoolOp):
        return all(_truth(value, point) for value in node.values)
    assert isinstance(node, ast.Compare)
    sides = [_value(side, point) for side in (node.left, *node.comparators)]
    pairs = zip(node.ops, sides, sides[1:], strict=False)
    return all(_compare(how, left, right) for how, left, right in pairs)


_HOW: dict[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
}
_DO: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def _compare(how: ast.cmpop, left: Any, right: Any) -> bool:
    gap = left - right
    return _HOW[type(how)](_sign(gap), 0)


def _sign(gap: Any) -> int:
    if isinstance(gap, Fraction):
        return (gap > 0) - (gap < 0)
    gap = sympy.nsimplify(gap) if gap.is_Rational else sympy.expand(gap)
    if gap == 0 or sympy.simplify(gap) == 0:
        return 0
    near = gap.evalf(60)
    assert abs(near) > sympy.Float("1e-40")
    return 1 if near > 0 else -1


def _value(node: ast.expr, point: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return Fraction(str(value))
        case ast.Name(id=name):
            return sympy.pi if name == "pi" else point[name]
        case ast.UnaryOp(operand=operand):
            return -_value(operand, point)
        case ast.BinOp(left=left, op=op, right=right):
            return _apply(_DO[type(op)], _value(left, point), _value(right, point))
        case ast.Call(func=ast.Name(id=name), args=args):
            values = [_exact(_value(arg, point)) for arg in args]
            functions = {"min": sympy.Min, "max": sympy.Max, "abs": sympy.Abs}
            return functions.get(name, getattr(sympy, name))(*values)
        case _:
            raise ValueError(ast.dump(node))


def _exact(value: Any) -> Any:
    return sympy.Rational(value.numerator, value.denominator) if isinstance(value, Fraction) else value


def _apply(do: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
    if isinstance(x, Fraction) and isinstance(y, Fraction) and (do is not operator.pow or y.denominator == 1):
        return do(x, int(y)) if do is operator.pow else do(x, y)
    return do(_exact(x), _exact(y))
