"""Gradient descent in float64 with every step's defect enclosed: one-step claims at any size.

From the visited point theta_k, exact floats, the float engine encloses the gradient and with it
the exact successor theta_k - eta*grad within a distance of the next floats theta_{k+1}. The state
yielded there encloses both, every point within that distance: claims about one step, such as
next(loss) <= loss, are certified at each visited point. The run itself is not the exact
trajectory: it starts afresh from theta_{k+1}.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from flint import arb_mat

from checker.blas.matrix import FloatMatrix
from checker.configuration import Configuration
from checker.enclosure import Ball, to_arb
from checker.errors import NotEnclosed
from checker.near import near_instance
from checker.settings.base import Instance, State
from checker.settings.floats import FLOAT_STATES


def near_descend(configuration: Configuration, eta: Ball, steps: int) -> Iterator[State]:
    """The states at tau = 0, ..., steps, each around a visited point.

    Ends early, after a state whose gradients have no enclosure.
    """
    make, step = FLOAT_STATES[configuration.setting], to_arb(eta)
    instance = near_instance(configuration)
    state = make(instance)
    yield state
    for tau in range(steps):
        try:
            gradients = state.gradients()
            params = dict((_visited(instance) if tau else instance).params)
            for name, gradient in gradients.items():
                params[name] = params[name] - gradient * step
            instance = replace(instance, params=params, start=state.warm_start())
            state = make(instance)
        except NotEnclosed:
            return
        yield state


def _visited(instance: Instance) -> Instance:
    """The floats in the middle, as exact parameters."""
    params = {
        name: cast(arb_mat, FloatMatrix(cast(FloatMatrix, value).mid))
        for name, value in instance.params.items()
    }
    return replace(instance, params=params)
