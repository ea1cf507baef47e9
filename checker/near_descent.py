"""Gradient descent in float64 with every step's defect enclosed: one-step claims at any size.

From the visited point theta_k, exact floats, the float engine encloses the gradient and with it the
exact successor theta_k - eta*grad, within a small distance of floats. Those floats are the next
visited point, which is an exact start of its own: defects do not accumulate, and the run is not the
exact trajectory. Claims about one step, such as next(loss) <= loss, are certified at each visited
point, of the exact step from there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

from flint import arb_mat

from checker.blas.matrix import FloatMatrix
from checker.configuration import Configuration
from checker.enclosure import Ball, to_arb
from checker.errors import NotEnclosed
from checker.near import near_instance
from checker.settings.base import Instance, State
from checker.settings.floats import FLOAT_STATES


@dataclass(frozen=True)
class Visit:
    """The state at a visited point, and one that encloses the exact next iterate from there.

    `successor` is None at the last point, and where the gradient has no enclosure.
    """

    state: State
    successor: State | None


def near_descend(configuration: Configuration, eta: Ball, steps: int) -> Iterator[Visit]:
    """The visits at tau = 0, ..., steps; fewer where a gradient has no enclosure.

    At tau = 0 the point is the exact start, which need not be floats.
    """
    make, step = FLOAT_STATES[configuration.setting], to_arb(eta)
    instance = near_instance(configuration)
    for tau in range(steps + 1):
        state = make(instance)
        following = _successor(instance, state, step) if tau < steps else None
        yield Visit(state, None if following is None else make(following))
        if following is None:
            return
        instance = _visited(following)


def _successor(instance: Instance, state: State, step: Ball) -> Instance | None:
    """The exact next parameters, up to a distance."""
    try:
        params = dict(instance.params)
        for name, gradient in state.gradients().items():
            params[name] = params[name] - gradient * to_arb(step)
        return replace(instance, params=params, start=state.warm_start())
    except NotEnclosed:
        return None


def _visited(instance: Instance) -> Instance:
    """The floats in the middle, as exact parameters."""
    params = {
        name: cast(arb_mat, FloatMatrix(cast(FloatMatrix, value).mid))
        for name, value in instance.params.items()
    }
    return replace(instance, params=params)
