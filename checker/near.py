"""The first rung of the ladder: a configuration as near floats, and its names by the float engine.

`checker.configuration` and `checker.hypotheses` make the same in balls.
"""

from dataclasses import replace
from typing import cast, final

import numpy as np
from flint import arb, arb_mat

from checker.algebras import BALLS
from checker.blas.arrays import FLOAT_ARRAYS
from checker.blas.directed import OMEGA, UNIT, Floats, norm_down, norm_up
from checker.blas.matrix import FloatMatrix, above, add_up, nearest, quiet, times_up
from checker.blas.selftest import trusted
from checker.configuration import Configuration, ExactArray, exact, instance_of, scalar
from checker.enclosure import Enclosure, to_arb
from checker.errors import NotEnclosed, UsageError
from checker.hypotheses import PRECISIONS, Scenes, given_values, start_scene
from checker.scene import Scene
from checker.settings.base import Instance, State
from checker.settings.floats import FLOAT_STATES
from checker.theorem import Theorem

FLOAT64 = 53
"""The precision that stands for the float engine in a list of precisions."""

FLOATS = replace(BALLS, arrays=FLOAT_ARRAYS)
"""How a theorem is read in near floats; its scalars are balls."""

_SMALL = 2**12
"""Up to this many numbers balls alone are as fast, and sharper."""

_MODERATE, _LARGE = 2**17, 2**19
"""Numbers up to which all, and the first two, precisions are affordable in balls."""

_IN_BALLS = 2**16
"""Arrays of up to this many entries may be made in balls first."""


def near(array: ExactArray, configuration: Configuration) -> FloatMatrix:
    """The exact array up to a distance; a vector becomes one column.

    Raises NotEnclosed for large orthogonal maps, and for what is beyond float64.
    """
    floats = array.floats if array.floats.ndim == 2 else array.floats.reshape(-1, 1)
    if array.map == "plain" or array.scale is None:
        return FloatMatrix(floats)
    scale = to_arb(scalar(array.scale, configuration))
    if array.map == "columns":
        return _scaled_columns(floats, scale)
    if array.map == "constant":
        return FloatMatrix(np.ones(floats.shape)) * scale
    if array.map == "goe":
        A = FloatMatrix(floats)
        both = A + A.transpose()  # x + y is y + x also in floats
        return FloatMatrix(both.mid, both.slack, symmetric=True) * (scale / 2).sqrt()
    if floats.size <= _IN_BALLS:
        return nearest(exact(array, configuration))
    raise NotEnclosed(f"an array of {floats.size} entries is too large for its map {array.map} in balls")


def _scaled_columns(floats: Floats, norm: arb) -> FloatMatrix:
    """norm*v/|v| for every column v: the float factor c_j is within dc_j of norm/|v_j|."""
    lows, highs = norm_down(floats.T, axes=1).tolist(), norm_up(floats.T, axes=1).tolist()
    factors: list[float] = []
    lost: list[float] = []
    for j, (low, high) in enumerate(zip(lows, highs, strict=True)):
        if not floats[:, j].any():
            raise UsageError(
                f"column {j + 1} of X is zero and cannot be scaled to a norm; remove that sample"
            )
        if not low > 0:
            raise NotEnclosed(f"column {j + 1} of X is beyond float64")
        factor = norm / arb(low).union(arb(high))
        middle = float(factor.mid())
        factors.append(middle)
        lost.append(times_up(above(abs(factor - middle)), high))
    with quiet():
        mid = floats * np.array(factors)
    rounding = times_up(UNIT, float(norm_up(mid)))
    underflow = times_up(OMEGA, float(mid.size))
    return FloatMatrix(mid, add_up(float(norm_up(np.array(lost), axes=1)), rounding, underflow))


def near_instance(configuration: Configuration) -> Instance:
    """The configuration as near floats, which answer to the same operations as balls."""
    arrays = {k: cast(arb_mat, near(v, configuration)) for k, v in configuration.arrays.items()}
    return instance_of(configuration, arrays)


def ladder(configuration: Configuration, balls: tuple[int, ...] = PRECISIONS) -> tuple[int, ...]:
    """The precisions to try for a configuration, cheapest first: the float engine's, then those in balls."""
    sizes = configuration.sizes
    m, n = sizes.get("m", sizes["d"]), sizes["n"]
    numbers = max(m * m if configuration.setting != "least-squares" else 0, m * n, n * n)
    if numbers <= _SMALL or configuration.setting not in FLOAT_STATES:
        return balls
    if numbers <= _LARGE:
        return (FLOAT64, *(balls if numbers <= _MODERATE else balls[:2]))
    return (FLOAT64,)


@final
class NearScenes(Scenes):
    """Scenes at every precision of a ladder, FLOAT64 too."""

    def fresh(self, configuration: Configuration, precision: int) -> Scene[Enclosure]:
        """Raises NotEnclosed where the machine's products failed their self-test."""
        if precision != FLOAT64:
            return super().fresh(configuration, precision)
        return near_scene(self.theorem, configuration)


def near_scene(
    theorem: Theorem, configuration: Configuration, state: State | None = None
) -> Scene[Enclosure]:
    """The state at initialization by the float engine; `state` is that one where it is at hand.

    Raises NotEnclosed where the machine's products failed their self-test.
    """
    if not trusted():
        raise NotEnclosed("float64 products failed the self-test on this machine")
    start = state or FLOAT_STATES[configuration.setting](near_instance(configuration))
    given: dict[str, Enclosure] = {
        name: nearest(value) if isinstance(value, arb_mat) else value
        for name, value in given_values(theorem, configuration).items()
    }
    return Scene(theorem, FLOATS, start, given)


def first_scene(theorem: Theorem, configuration: Configuration) -> Scene[Enclosure]:
    """The state at initialization on the first rung of the ladder; balls at the ambient precision."""
    if ladder(configuration)[0] == FLOAT64:
        return near_scene(theorem, configuration)
    return start_scene(theorem, configuration)
