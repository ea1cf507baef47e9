"""The largest norm of the labels at which all hypotheses hold, everything else as it is.

Hypotheses see the labels through the residual |yhat - y| (and the loss, half its square), so the residual
is what is solved for. With y in its direction |yhat - y|**2 = |yhat|**2 - 2*c*|y| + |y|**2, where
c = <yhat, y>/|y|, which is at most r**2 up to |y| = c + sqrt(c**2 - |yhat|**2 + r**2). A zero readout has
yhat = 0, and then |y| = r.
"""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
from flint import arb, fmpq

from checker.configuration import Configuration
from checker.enclosure import ARRAYS, Enclosure, frobenius
from checker.errors import NotEnclosed
from checker.expression.tree import Binary, Call, Name, Node, Number
from checker.scene import Scene
from checker.solving.decimals import above, below
from checker.solving.largest import DIGITS, Largest
from checker.solving.oracle import Problem, outer
from checker.solving.rewrite import all_gates, problem_of
from checker.theorem import Theorem

RESIDUAL = "|yhat - y|"
"""The unknown: the residual at the start."""

_TWO = Number(Fraction(2))


def zero_readout(configuration: Configuration) -> bool:
    """Is the prediction at the start exactly zero, because the readout is?"""
    a = configuration.arrays.get("a")
    return a is not None and a.map == "plain" and not np.any(a.floats)


def label_problem(
    theorem: Theorem, configuration: Configuration, scene: Scene[Enclosure], choose: tuple[str, ...]
) -> Problem:
    """The gates with the residual and `choose` unknown.

    Raises NotEnclosed where a hypothesis sees the labels in another way, or they have no direction.
    """
    if not _norm(scene) > 0:
        raise NotEnclosed("the labels are not certainly nonzero, so they have no direction")
    residual = Name(RESIDUAL, shape=())
    half = Binary("/", Binary("**", residual, _TWO, shape=()), _TWO, shape=())
    mapping: dict[Node, Node] = {Name("residual"): residual, Name("loss"): half}
    if zero_readout(configuration):
        mapping |= {Call(norm, (Name("y"),)): residual for norm in ("norm2", "norm_fro")}
        mapping |= {Call(norm, (Name("a"),)): Number(Fraction(0)) for norm in ("norm2", "norm_fro")}
    gradients = {f"grad_{name}" for name in configuration.arrays}
    changing = frozenset({"y", "loss_star", "grad_norm"} | gradients) - set(theorem.definitions)
    claims = all_gates(theorem, configuration, choose)
    return problem_of(theorem, claims, scene, (RESIDUAL, *choose), mapping, None, changing)


def _norm(scene: Scene[Enclosure]) -> arb:
    y = scene.state.value("y")
    if not isinstance(y, ARRAYS):
        raise NotEnclosed("the labels are no vector here")
    return frobenius(y)


def in_labels(found: Largest, scene: Scene[Enclosure]) -> Largest | str:
    """The same for |y|, where `found` is about the residual and the readout is not zero."""
    yhat, y, norm = scene.state.value("yhat"), scene.state.value("y"), _norm(scene)
    if not isinstance(yhat, ARRAYS) or not isinstance(y, ARRAYS):
        raise NotEnclosed("the predictions are no vector here")
    # |yhat + y|**2 - |yhat - y|**2 = 4 <yhat, y>
    both, apart = frobenius(yhat + y), frobenius(yhat - y)  # type: ignore[operator]
    along = (both * both - apart * apart) / (4 * norm)
    size = frobenius(yhat)

    def labels(residual: Decimal) -> arb | None:
        exact = Fraction(residual)
        r = arb(fmpq(exact.numerator, exact.denominator))
        square = along * along - size * size + r * r
        return along + square.sqrt() if square > 0 else None

    low = labels(found.value)
    if low is None or not low > 0:
        return "the hypotheses hold at no norm of the labels in their direction"
    high = None if found.beyond is None else labels(found.beyond)
    value = below(Fraction(outer(low)[0]), DIGITS)
    beyond = None if high is None else above(Fraction(outer(high)[1]), DIGITS)
    return replace(found, value=value, beyond=beyond)


def current(scene: Scene[Enclosure]) -> float:
    """The residual as it is, in float64: where a search starts."""
    found = scene.state.value("residual")
    return outer(found)[1] if isinstance(found, arb | fmpq) else 1.0
