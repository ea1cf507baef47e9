"""What a theorem predicts for one configuration: rate, steps, largest step, smallest width."""

import math
from dataclasses import replace

from flint import arb, ctx, fmpq

from checker.configuration import Configuration, scalar
from checker.configure import configure
from checker.enclosure import ARRAYS, Ball, Enclosure, decimal_bounds, outward, to_arb
from checker.errors import CertainlyUndefined, NotEnclosed, UsageError
from checker.expression.enclose import enclose
from checker.expression.tree import Call, Comparison, Name, Node
from checker.families import generator
from checker.hypotheses import Scenes, gates, judge_hypotheses
from checker.names import claim_dependencies
from checker.near import NearScenes, ladder
from checker.records import Predicted
from checker.request import Request
from checker.scene import Scene
from checker.search import WHOLE_BOUND, complete
from checker.theorem import Theorem
from checker.verdict import Verdict

WIDTHS = tuple(2**k for k in range(11))
"""The widths tried for `smallest_width`."""


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


def _upper(value: Ball) -> str | None:
    return decimal_bounds(value)[1]


def predictions(
    theorem: Theorem,
    request: Request,
    configuration: Configuration,
    step_was_open: bool,
    scenes: Scenes,
    precision: int,
) -> dict[str, Predicted]:
    """The four predictions of a condition report; null values say why."""
    with ctx.workprec(precision):
        try:
            rate, reason = _rate(theorem, scenes.at(configuration, precision))
        except NotEnclosed as error:
            rate, reason = None, error.reason
        out = {"rate_per_step": Predicted(_upper(rate) if rate is not None else None, reason)}
        out["steps_to_1e-6"] = _steps(rate)
    out["largest_step"] = _largest_step(theorem, request, configuration, step_was_open, scenes, precision)
    out["smallest_width"] = _smallest_width(theorem, request, configuration)
    return out


def _steps(rate: arb | None) -> Predicted:
    if rate is None:
        return Predicted(None, "no rate is predicted")
    if not (rate > 0 and rate < 1):
        return Predicted(None, "the predicted factor is not certainly between 0 and 1")
    count = (arb(10).log() * -6 / rate.log()).upper()
    return Predicted(math.ceil(outward(count)[1]), "from the predicted factor, rounded up")


def _largest_step(
    theorem: Theorem,
    request: Request,
    configuration: Configuration,
    step_was_open: bool,
    scenes: Scenes,
    precision: int,
) -> Predicted:
    step = theorem.step
    if not step:
        return Predicted(None, "the dynamics have no step size")
    about = [
        c for c in gates(theorem, configuration) if step in claim_dependencies(c.claim, theorem.definitions)
    ]
    if len(about) <= 1 and not theorem.hypotheses:
        return Predicted(None, f"no hypothesis bounds {step}")
    candidate = configuration
    if not step_was_open:
        kept = {k: v for k, v in configuration.parameters.items() if k != step}
        candidate = replace(configuration, parameters=kept)
        found = complete(theorem, [candidate], generator(request.seed, "step"), fractions=WHOLE_BOUND)[0]
        candidate = found.configuration
    if step not in candidate.parameters:
        return Predicted(None, f"no admissible {step} was found")
    names = {c.name for c in about}
    judged = judge_hypotheses(
        theorem, candidate, precisions=(precision,), skip=_others(theorem, candidate, names), scenes=scenes
    )
    if not judged or any(j.verdict is not Verdict.HOLDS for j in judged):
        return Predicted(None, f"no {step} was certified to satisfy {', '.join(sorted(names))}")
    value = start_value(candidate, step)
    reason = f"certified: {', '.join(sorted(names))} hold at it; the largest found, to 9 digits"
    return Predicted(decimal_bounds(value)[0], reason)


def _others(theorem: Theorem, configuration: Configuration, names: set[str]) -> frozenset[str]:
    return frozenset(c.name for c in gates(theorem, configuration) if c.name not in names)


def start_value(configuration: Configuration, name: str) -> Ball:
    """The value of a parameter, at 128 bits."""
    with ctx.workprec(128):
        return scalar(configuration.parameters[name], configuration)


def _smallest_width(theorem: Theorem, request: Request, configuration: Configuration) -> Predicted:
    if "m" not in configuration.sizes or theorem.setting == "least-squares":
        return Predicted(None, "the setting has no width of its own")
    for width in WIDTHS:
        wider = replace(
            request, sizes={**configuration.sizes, "m": width}, data=str(configuration.note.get("data"))
        )
        if wider.data == "drawn":
            wider = replace(wider, data=None)
        try:
            candidate = configure(theorem, wider)
            found = complete(
                theorem, [candidate], generator(request.seed, "width", width), fractions=WHOLE_BOUND
            )[0]
        except (UsageError, NotEnclosed, RuntimeError):
            continue
        if found.hypotheses < 0:
            continue
        wide = found.configuration
        judged = judge_hypotheses(theorem, wide, precisions=ladder(wide, (64,)), scenes=NearScenes(theorem))
        if all(j.verdict is Verdict.HOLDS for j in judged):
            return Predicted(
                width, "certified at this width for one draw of the same seed; powers of two were tried"
            )
    return Predicted(
        None, f"the hypotheses hold at no power of two up to {WIDTHS[-1]}, for one draw of the same seed each"
    )
