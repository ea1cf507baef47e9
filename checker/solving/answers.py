"""Solved values as a report's predictions: value, reason, formula as text and as LaTeX."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from flint import fmpq

from checker.expression.latex import latex
from checker.expression.text import to_text
from checker.expression.tree import Claim, Comparison, Node
from checker.records import Predicted
from checker.solving.algebra import NoFormula
from checker.solving.decimals import text
from checker.solving.formula import agrees, formula
from checker.solving.largest import Largest
from checker.solving.oracle import Problem, without

_NEAR = Fraction(1, 10**6)


def answer(
    problem: Problem,
    target: str,
    shown: Node,
    found: Largest | str,
    definitions: Mapping[str, Node],
    chosen: tuple[str, ...] = (),
    step: str | None = None,
) -> Predicted:
    """The largest value of `target`, which stands for the expression `shown`; `chosen` are named in words.

    A `step` was left out of the search, and so it is of the formula.
    """
    if isinstance(found, str):
        return Predicted(None, found)
    reason = in_words(found, chosen)
    free = problem if step is None or step == target else without(problem, step)
    claim, words = _formula(free, target, shown, found, definitions)
    if claim is None:
        return Predicted(text(found.value), f"{reason}; no formula: {words}")
    return Predicted(text(found.value), f"{reason}; {words}", to_text(claim), latex(claim))


def in_words(found: Largest, chosen: tuple[str, ...] = ()) -> str:
    """What is certified of a largest value, and what is proved beyond it."""
    reason = f"certified for some {', '.join(chosen)}" if chosen else "certified"
    if found.beyond is None:
        return f"{reason}; that larger values are impossible is not proved"
    return f"{reason}; proved impossible from {text(found.beyond)} on"


def _formula(
    problem: Problem, target: str, shown: Node, found: Largest, definitions: Mapping[str, Node]
) -> tuple[Claim | None, str]:
    """The closed form as a claim, where it lies between the certified ends; else why not."""
    try:
        closed = formula(problem, found.logs, target, definitions)
    except NoFormula as error:
        return None, str(error)
    high = found.value * Decimal(1) if found.beyond is None else found.beyond
    upper = Fraction(high) * (1 + _NEAR) if found.beyond is None else Fraction(high)
    if not agrees(closed, _ball(Fraction(found.value)), _ball(upper)):
        return None, "the closed form found does not lie between the certified ends"
    part = Comparison("<" if closed.strict else "<=", shown, closed.node)
    return Claim("", (part,)), f"limited by {', '.join(closed.binding)}"


def _ball(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)
