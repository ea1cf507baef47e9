"""What a theorem predicts for one configuration: its rate, and the largest and smallest values it allows."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from flint import arb, ctx, fmpq

from checker.configuration import Configuration
from checker.enclosure import ARRAYS, Ball, Enclosure, decimal_bounds, outward, to_arb
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.enclose import enclose
from checker.expression.tree import Call, Comparison, Name, Node
from checker.hypotheses import Scenes
from checker.records import Predicted
from checker.request import Request
from checker.scene import Scene
from checker.solving.predicted import (
    largest_init_scale,
    largest_label_norm,
    largest_step,
    width_by_bounds,
)
from checker.solving.width import smallest_width
from checker.theorem import Theorem


class _Override:
    """A scene with some names replaced."""

    def __init__(self, scene: Scene[Enclosure], values: dict[str, Enclosure]) -> None:
        self._scene = scene
        self._values = values
        self.arrays = scene.arrays
        self.memo: dict[Node, Enclosure] = {}

    def name(self, name: str) -> Enclosure:
        return self._values[name] if name in self._values else self._scene.name(name)

    def call(self, node: Call) -> Enclosure:
        return self._scene.call(node)


def _at(scene: Scene[Enclosure], node: Node, values: dict[str, Enclosure]) -> arb:
    value = enclose(node, _Override(scene, values))
    if isinstance(value, ARRAYS):
        raise NotEnclosed("a rate is a number")
    return to_arb(value)


def _rate_of(scene: Scene[Enclosure], part: Comparison) -> arb | None:
    """The factor per step if the comparison bounds the loss geometrically."""
    if part.operator not in {"<", "<="}:
        return None
    left = part.left
    if isinstance(left, Call) and left.function == "next" and left.arguments == (Name("loss"),):
        if not _at(scene, part.right, {"loss": fmpq(0), "tau": fmpq(1)}).is_zero():
            return None
        return _at(scene, part.right, {"loss": fmpq(1), "tau": fmpq(1)})
    if left == Name("loss"):
        one, two, three = (_at(scene, part.right, {"tau": fmpq(k)}) for k in (1, 2, 3))
        first, second = two / one, three / two
        return first if first.overlaps(second) else None
    return None


def _rate(theorem: Theorem, scene: Scene[Enclosure]) -> tuple[arb | None, str]:
    if theorem.algorithm != "gradient-descent":
        return None, "the dynamics have no steps of training"
    for conclusion in sorted(theorem.conclusions, key=lambda c: c.name != "rate"):
        for part in conclusion.claim.parts:
            if isinstance(part, Comparison):
                try:
                    rate = _rate_of(scene, part)
                except (
                    NotEnclosed,
                    CertainlyUndefined,
                    ZeroDivisionError,
                    KeyError,
                ):  # KeyError: a hidden constant
                    continue
                if rate is not None and rate.is_finite():
                    return rate, f"read off the conclusion {conclusion.name}"
    return None, "no conclusion bounds the loss by a constant factor a step"


def _asked(ask: Callable[[], Predicted]) -> Predicted:
    """The prediction, or null with the reason: a check never ends because one was not found."""
    try:
        return ask()
    except (NotEnclosed, CertainlyUndefined) as error:
        return Predicted(None, error.reason)
    except (ArithmeticError, RuntimeError, np.linalg.LinAlgError) as error:  # of floats that guide a search
        return Predicted(None, f"the search for it ended early: {error or type(error).__name__}")


def _upper(value: Ball) -> str | None:
    return decimal_bounds(value)[1]


def predictions(
    theorem: Theorem,
    request: Request,
    configuration: Configuration,
    open_choices: tuple[str, ...],
    scenes: Scenes,
    precision: int,
) -> dict[str, Predicted]:
    """The predictions of a condition report; null values say why.

    `configuration` has a value for everything; `open_choices` are the parameters, the step among them, whose
    values the tool chose, so that another configuration may have others.
    """
    kept = {k: v for k, v in configuration.parameters.items() if k not in open_choices}
    frame = replace(configuration, parameters=kept)
    with ctx.workprec(precision):
        try:
            scene = scenes.at(configuration, precision)
            rate, reason = _rate(theorem, scene)
        except (NotEnclosed, CertainlyUndefined) as error:
            scene, rate, reason = None, None, error.reason
        out = {"rate_per_step": Predicted(_upper(rate) if rate is not None else None, reason)}
        out["steps_to_1e-6"] = _asked(lambda: _steps(rate))
        if scene is None:
            out["largest_step"] = Predicted(None, reason)
            out["largest_label_norm"] = Predicted(None, reason)
        else:
            out["largest_step"] = _asked(lambda: largest_step(theorem, configuration, scene))
            out["largest_label_norm"] = _asked(
                lambda: largest_label_norm(theorem, configuration, scene, open_choices)
            )
    out["largest_init_scale"] = _asked(lambda: largest_init_scale(theorem, request, frame, precision))
    out["smallest_width"] = _asked(lambda: _width(theorem, request, configuration))
    out["width_by_bounds"] = _asked(lambda: width_by_bounds(theorem, request, frame))
    return out


def _width(theorem: Theorem, request: Request, configuration: Configuration) -> Predicted:
    found = smallest_width(theorem, request, configuration)
    return Predicted(found.value, found.reason)


def _steps(rate: arb | None) -> Predicted:
    if rate is None:
        return Predicted(None, "no rate is predicted")
    if not (rate > 0 and rate < 1):
        return Predicted(None, "the predicted factor is not certainly between 0 and 1")
    count = (arb(10).log() * -6 / rate.log()).upper()
    return Predicted(math.ceil(outward(count)[1]), "from the predicted factor, rounded up")
