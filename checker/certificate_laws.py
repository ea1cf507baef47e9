"""May the arrays of a certificate be what the theorem's laws draw? Decided in balls, or in exact numbers.

Whether they were drawn cannot be seen; whether they lie in the support of their laws can.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final

import numpy as np
from flint import arb, ctx, fmpq

from checker.certificate_findings import Finding
from checker.configuration import Configuration, ExactArray, scalar
from checker.enclosure import Ball
from checker.errors import NotEnclosed
from checker.expression.enclose import compare
from checker.expression.tree import Node
from checker.hypotheses import PRECISIONS
from checker.rational_polynomials import NotRational
from checker.rational_roots import compare as compare_exactly
from checker.rational_story import exact_scalar
from checker.theorem import Draw, Theorem
from checker.verdict import Verdict, all_of

_SIGNS: Final = {"<": (-1,), "<=": (-1, 0), "==": (0,)}

Term = Node | fmpq


def check_laws(theorem: Theorem, configuration: Configuration) -> Finding:
    """Do the arrays lie in the support of their stated laws, certainly?"""
    unclear = ""
    for name, law in {**theorem.initialization, **theorem.data}.items():
        for verdict, wrong in _judged(law, configuration.arrays[name], configuration):
            if verdict is Verdict.FAILS:
                return Finding("start", Verdict.FAILS, f"{name} {wrong}")
            if verdict is Verdict.UNDECIDED:
                unclear = unclear or f"it is not clear whether {name} {wrong}"
    return Finding("start", Verdict.UNDECIDED if unclear else Verdict.HOLDS, unclear)


def _judged(law: Draw, array: ExactArray, configuration: Configuration) -> Iterator[tuple[Verdict, str]]:
    """Is the law one, and does the array lie in its support? Each with what is wrong where it fails."""
    entries, zero = array.floats.ravel(), fmpq(0)
    if law.law == "zeros":
        yield _decision(not entries.any()), "is zero in the theorem"
    if law.law == "rademacher":
        yield _decision(bool((np.abs(entries) == 1).all())), "has entries that are neither 1 nor -1"
    if law.law == "uniform":
        low, high = law.arguments
        outside = "has entries outside the range of its law"
        yield _decided(low, "<=", high, configuration), "has a law without a range"
        yield _decided(low, "<=", _exact(entries.min()), configuration), outside
        yield _decided(_exact(entries.max()), "<=", high, configuration), outside
    if law.law in ("normal", "goe"):
        variance = law.arguments[-1]
        yield _decided(zero, "<=", variance, configuration), "has a law of negative variance"
    if law.law == "normal":
        mean, variance = law.arguments
        spread = _decided(zero, "<", variance, configuration)
        same = all_of(_decided(_exact(x), "==", mean, configuration) for x in _ends(entries))
        if spread is not Verdict.HOLDS and same is not Verdict.HOLDS:
            constant = spread is Verdict.FAILS and same is Verdict.FAILS
            yield Verdict.FAILS if constant else Verdict.UNDECIDED, "is constant in the theorem"


def _decision(holds: bool) -> Verdict:
    return Verdict.HOLDS if holds else Verdict.FAILS


def _ends(entries: np.ndarray) -> Iterable[float]:
    return {float(entries.min()), float(entries.max())}


def _exact(x: float) -> fmpq:
    exact = Fraction(float(x))
    return fmpq(exact.numerator, exact.denominator)


def _decided(left: Term, operator: str, right: Term, configuration: Configuration) -> Verdict:
    """The comparison in balls of more and more bits, then in exact numbers."""
    for precision in PRECISIONS:
        with ctx.workprec(precision):
            try:
                verdict = compare(operator, _ball(left, configuration), _ball(right, configuration))
            except NotEnclosed:
                verdict = Verdict.UNDECIDED
        if verdict is not Verdict.UNDECIDED:
            return verdict
    try:
        x, y = (t if isinstance(t, fmpq) else exact_scalar(t, configuration) for t in (left, right))
        return Verdict.HOLDS if compare_exactly(x, y) in _SIGNS[operator] else Verdict.FAILS
    except NotRational:
        return Verdict.UNDECIDED


def _ball(term: Term, configuration: Configuration) -> Ball:
    value = term if isinstance(term, fmpq) else scalar(term, configuration)
    if isinstance(value, arb) and not value.is_finite():
        raise NotEnclosed("an argument of a law is not finite")
    return value
