"""A configuration as the checker sees it, and comparisons of its balls with independent numbers."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import mpmath as mp
import numpy as np
from flint import arb, arb_mat, ctx
from hypothesis import Phase, find, settings
from hypothesis.strategies import SearchStrategy
from numpy.typing import NDArray

from checker.activations import BALL_ACTIVATIONS
from checker.configuration import Configuration, float_arrays, instantiate
from checker.settings import SETTINGS, State
from properties.evidence import recording
from properties.independent import NUMPY_PHI, exact_matrix

V = TypeVar("V")

BITS = 128
"""The precision at which properties enclose."""


@contextmanager
def enclosed(configuration: Configuration, bits: int = BITS) -> Iterator[State]:
    """The state of a configuration in balls; the precision holds inside."""
    with ctx.workprec(bits):
        yield SETTINGS[configuration.setting].enclose(instantiate(configuration))


def ball(x: mp.mpf, slack: mp.mpf) -> arb:
    """A ball around x that contains every number within `slack`, at the ambient precision."""
    digits = mp.mp.dps + 5
    return arb(
        mp.nstr(x, digits), mp.nstr(slack + abs(x) * mp.mpf(10) ** (4 - mp.mp.dps) + mp.mpf(10) ** -300, 8)
    )


def disagreement(balls: Iterable[arb], numbers: Iterable[mp.mpf], slack: mp.mpf) -> str:
    """The first entry whose ball certainly misses the number by more than `slack`, or ""."""
    for k, (found, x) in enumerate(zip(balls, numbers, strict=True)):
        with ctx.workprec(max(ctx.prec, 400)):
            near = ball(x, slack)
            if not found.overlaps(near):
                return f"entry {k}: {found.str(30)} against {mp.nstr(x, 30)}"
    return ""


def decades_inside(balls: Iterable[arb], numbers: Iterable[float], allowed: float) -> tuple[float, str]:
    """log10(allowed/deviation) of the worst entry, and that entry; negative where one is too far off.

    The deviation is the distance of the number from the ball; at most 20 decades are reported.
    """
    worst, where = 20.0, ""
    for k, (found, x) in enumerate(zip(balls, numbers, strict=True)):
        if not np.isfinite(x):
            return -20.0, f"entry {k}: {x}"
        distance = float(abs(found - arb(x)).lower())
        decades = 20.0 if distance <= 0 else float(np.log10(allowed / distance))
        if decades < worst:
            worst, where = min(decades, 20.0), f"entry {k}: {found.str(20)} against {x!r}"
    return worst, where


def near_a_kink(state: State) -> bool:
    """May a preactivation be so close to a kink that a float, or a short step, crosses it?"""
    activation = BALL_ACTIVATIONS[str(state.instance.activation)] if state.instance.activation else None
    if activation is None or not activation.has_kink:
        return False
    return not all(abs(z) > 2.0**-20 for z in entries(state.value("preactivation")))


def floats_of(configuration: Configuration) -> dict[str, NDArray[np.float64]]:
    """The arrays to nearest: starts of iterations, never a reference."""
    return float_arrays(configuration)


def picard_start(configuration: Configuration, seed: int) -> mp.matrix:
    """A start for Newton's method: float Picard steps from a drawn point, unless they diverge."""
    found = floats_of(configuration)
    phi = NUMPY_PHI[str(configuration.activation)]
    source = found["U"] @ found["X"]
    T = np.random.default_rng(seed).standard_normal(source.shape)
    for _ in range(400):
        following = phi(found["W"] @ T + source)
        if not np.abs(following).max() < 1e6:
            break
        T = following
    return exact_matrix(T)


def entries(value: object) -> list[arb]:
    """A scalar, vector or matrix of balls as a flat list."""
    if isinstance(value, arb_mat):
        return list(value.entries())
    return [value if isinstance(value, arb) else arb(value)]


def caught(
    strategy: SearchStrategy[V], body: Callable[[V], None], examples: int = 200, *, shrink: bool = False
) -> V:
    """A drawn case on which `body` fails an assertion: a property that cannot fail is worth nothing.

    Raises hypothesis.errors.NoSuchExample where none was found.
    """

    def fails(case: V) -> bool:
        try:
            body(case)
        except AssertionError:
            return True
        return False

    # What is drawn here says nothing about the unbroken property: it is recorded apart.
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    chosen = settings(derandomize=True, max_examples=examples, database=None, deadline=None, phases=phases)
    with recording():
        return find(strategy, fails, settings=chosen)
