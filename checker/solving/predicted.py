"""The predictions that are solved for: the largest step, label norm and scale of the start, and a width."""

from checker.configuration import Configuration, scalar
from checker.configure import default_law
from checker.enclosure import Enclosure, to_arb
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.tree import Call, Name
from checker.names import claim_dependencies
from checker.records import Predicted
from checker.request import Request
from checker.scene import Scene
from checker.solving.answers import answer, in_words
from checker.solving.bounded_width import bounded_width
from checker.solving.decimals import text
from checker.solving.labels import RESIDUAL, current, in_labels, label_problem, zero_readout
from checker.solving.largest import largest
from checker.solving.rewrite import all_gates, problem_of
from checker.solving.start_scale import largest_scale
from checker.solving.tails import ASSUMED
from checker.theorem import Theorem


def _hints(theorem: Theorem, configuration: Configuration) -> dict[str, float]:
    """The values of the parameters, in floats: where a search starts."""
    out: dict[str, float] = {}
    for name in theorem.parameters:
        if name in configuration.parameters:
            found = scalar(configuration.parameters[name], configuration)
            out[name] = float(to_arb(found).mid())
    return out


def largest_step(theorem: Theorem, configuration: Configuration, scene: Scene[Enclosure]) -> Predicted:
    """The largest step size for which the hypotheses about it hold, at the ambient precision of the scene."""
    step = theorem.step
    if not step:
        return Predicted(None, "the dynamics have no step size")
    if step not in theorem.parameters:
        return Predicted(None, f"the theorem fixes {step}")
    claims = all_gates(theorem, configuration, (step,))
    about = [c for c in claims if step in claim_dependencies(c.claim, theorem.definitions)]
    if not about:
        return Predicted(None, f"no hypothesis bounds {step}")
    try:
        problem = problem_of(theorem, about, scene, (step,))
    except NotEnclosed as error:
        return Predicted(None, error.reason)
    found = largest(problem, step, _hints(theorem, configuration))
    return answer(problem, step, Name(step, shape=()), found, theorem.definitions)


def largest_label_norm(
    theorem: Theorem, configuration: Configuration, scene: Scene[Enclosure], choose: tuple[str, ...]
) -> Predicted:
    """The largest |y|, y in its direction, for which all hypotheses hold with `choose` chosen anew."""
    try:
        problem = label_problem(theorem, configuration, scene, choose)
        residual = current(scene)
    except (NotEnclosed, CertainlyUndefined) as error:
        return Predicted(None, error.reason)
    hints = _hints(theorem, configuration) | {RESIDUAL: residual}
    found = largest(problem, RESIDUAL, hints, theorem.step)
    zero = zero_readout(configuration)
    norm = Call("norm2", (Name("y", shape=("n",)),), shape=())
    shown = norm if zero else Name("residual", shape=())
    out = answer(problem, RESIDUAL, shown, found, theorem.definitions, choose, theorem.step)
    if zero or isinstance(found, str):
        return out
    labels = in_labels(found, scene)
    if isinstance(labels, str):
        return Predicted(None, labels)
    return Predicted(text(labels.value), in_words(labels, choose), out.formula, out.latex)


def largest_init_scale(
    theorem: Theorem, request: Request, configuration: Configuration, precision: int
) -> Predicted:
    """The largest s_w, or factor on the drawn W, for which all hypotheses hold."""
    try:
        found = largest_scale(theorem, request, configuration, precision)
    except (NotEnclosed, CertainlyUndefined) as error:
        return Predicted(None, error.reason)
    if isinstance(found, str):
        return Predicted(None, found)
    what = "a factor on W as it was drawn" if found.is_factor else "s_w, the drawn W scaled with it"
    rest = "proved to fail" if found.next_fails else "neither certified nor proved to fail"
    reason = (
        f"{what}: certified; {rest} at {text(found.next_value)} (to four digits); larger scales were tried "
        f"at {found.tried} points and are not excluded, since the hypotheses need not be monotone in it"
    )
    return Predicted(text(found.value), reason)


def width_by_bounds(theorem: Theorem, request: Request, configuration: Configuration) -> Predicted:
    """A width at which high-probability bounds of a Gaussian start satisfy the hypotheses."""
    if "m" not in configuration.sizes or theorem.setting == "least-squares":
        return Predicted(None, "the setting has no width of its own")
    laws = {name: theorem.initialization.get(name) or default_law(name, request) for name in ("W", "U", "a")}
    found = bounded_width(theorem, configuration, laws)
    if found.width is None:
        return Predicted(None, found.reason)
    return Predicted(found.width, bounds_reason(found.failure, found.events))


def bounds_reason(failure: float, events: tuple[str, ...]) -> str:
    """What a width by bounds rests on."""
    return (
        f"for every start of the stated laws with {', '.join(events)} within their bounds, which fails with "
        f"probability at most {failure:g} in total; ASSUMED, because no explicit bound is known: {ASSUMED}"
    )
