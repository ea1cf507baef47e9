"""The smallest width at which the hypotheses are certified for one draw of the start."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from checker.completing import WHOLE_BOUND, complete
from checker.configuration import Configuration
from checker.configure import configure
from checker.errors import NotEnclosed, UsageError
from checker.families import generator
from checker.hypotheses import judge_hypotheses
from checker.near import NearScenes, ladder
from checker.request import Request
from checker.theorem import Theorem
from checker.verdict import Verdict

MOST = 1024
"""The largest width that a condition report tries."""


@dataclass(frozen=True)
class Width:
    """The smallest width found, `None` where there is none up to `tried`; a reason in words."""

    value: int | None
    reason: str
    tried: int


def certified_at(theorem: Theorem, request: Request, configuration: Configuration, width: int) -> bool:
    """Are all hypotheses certified at this width, for the draw that the request's seed gives?"""
    data = str(configuration.note.get("data"))
    wider = replace(
        request,
        sizes={**configuration.sizes, "m": width},
        data=request.data if data == "drawn" else data,
    )
    try:
        candidate = configure(theorem, wider)
        rng = generator(request.seed, "width", width)
        found = complete(theorem, [candidate], rng, fractions=WHOLE_BOUND)[0]
    except (UsageError, NotEnclosed, RuntimeError):
        return False
    if found.hypotheses < 0:
        return False
    wide = found.configuration
    judged = judge_hypotheses(theorem, wide, precisions=ladder(wide, (64,)), scenes=NearScenes(theorem))
    return all(j.verdict is Verdict.HOLDS for j in judged)


def smallest_width(
    theorem: Theorem,
    request: Request,
    configuration: Configuration,
    most: int = MOST,
    cut: Callable[[int], bool] = lambda width: False,
) -> Width:
    """Doubling, then bisection between the last failing and the first holding width.

    `cut` may end the search before a width is tried. What holds at a width need not at larger ones.
    """
    if "m" not in configuration.sizes or theorem.setting == "least-squares":
        return Width(None, "the setting has no width of its own", 0)
    low, high = 0, 1
    while True:
        if high > most:
            return Width(
                None, f"certified at no power of two up to {most}, for one draw of the same seed each", most
            )
        if cut(high):
            text = f"certified at no power of two up to {low}, for one draw of the same seed each"
            return Width(None, text if low else "not tried", low)
        if certified_at(theorem, request, configuration, high):
            break
        low, high = high, high * 2
    first = high
    while high > low + 1 and not cut(high):
        middle = (low + high) // 2
        if certified_at(theorem, request, configuration, middle):
            high = middle
        else:
            low = middle
    return Width(high, _reason(high, low, first), high)


def _reason(width: int, low: int, first: int) -> str:
    text = "certified at this width for one draw of the same seed"
    if width == 1:
        return text
    text += f"; not at {low}" if low else ""
    if first > 1:
        text += (
            f", nor at any power of two below {first}"
            if low != first // 2
            else ", nor at a smaller power of two"
        )
    return text + "; the smallest found, since it need not be monotone"
