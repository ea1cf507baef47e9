"""The largest scale of the initial W at which the hypotheses hold, everything else as it is.

Each scale costs a new equilibrium, so the crossing is found by a secant method on the worst margin, and
the two ends are certified at the scale reported and at the next one on a grid of four digits. The scales
that satisfy the hypotheses may form several intervals: larger ones are tried on a grid, and not excluded.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
from flint import ctx, fmpq

from checker.activations import BALL_ACTIVATIONS
from checker.configuration import Configuration, ExactArray, approximate, scalar
from checker.configure import SCALE_DEFAULTS, constant
from checker.enclosure import to_arb
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.tree import Binary, Node, Number
from checker.near import NearScenes
from checker.request import Request
from checker.solving.climb import MOST_UNKNOWNS, best_seed, climb, oracle_of
from checker.solving.decimals import below, following
from checker.solving.largest import exact_point, starts
from checker.solving.monotone import none_now
from checker.solving.oracle import Problem, holds
from checker.solving.rewrite import all_gates, open_names, problem_of
from checker.theorem import Theorem
from checker.verdict import Verdict

DIGITS = 4
_MOST = 2**19  # entries of an array, beyond which a scale costs too much
_DOUBLINGS = 10
_ROUNDS = 14
_CLOSE = 2e-5
_CAP = 3.0
_LARGER = (4.0, 2.0, 1.4, 1.15, 1.04, 0.998, 0.97, 0.92, 0.86, 0.8, 0.72, 0.62, 0.5, 0.36, 0.25, 0.12)
"""Larger scales tried, from the largest down, as the product of the activation's constant and |W|_2."""


@dataclass(frozen=True)
class Scale:
    """`value` is certified; `next_fails`: at the following number of four digits they certainly do not hold.
    `is_factor` says that it is a factor on the drawn W, and not a value of s_w; `tried` counts the larger
    scales tried beyond the first interval.
    """

    value: Decimal
    next_value: Decimal
    next_fails: bool
    is_factor: bool
    tried: int


@dataclass
class _Scaled:
    """The hypotheses as W is scaled; what was chosen last is where the next choice starts."""

    theorem: Theorem
    configuration: Configuration
    precision: int
    unknown: tuple[str, ...]
    parameter: bool
    _logs: list[float] | None = field(default=None)

    def problem(self, factor: Fraction) -> Problem:
        """The claims at a factor on W. Raises NotEnclosed."""
        here = scaled(self.configuration, factor, self.parameter)
        scene = NearScenes(self.theorem).at(here, self.precision)
        return problem_of(self.theorem, all_gates(self.theorem, here, self.unknown), scene, self.unknown)

    def worst(self, factor: float) -> float:
        """The worst margin with the other unknowns chosen well; -inf where something has no value."""
        try:
            return self._choice(self.problem(Fraction(factor)))[1]
        except (NotEnclosed, CertainlyUndefined):
            return -math.inf

    def _choice(self, problem: Problem) -> tuple[list[float], float]:
        oracle = oracle_of(problem)
        seeds = starts(self.unknown, {}) if self._logs is None else [self._logs]
        start = best_seed(oracle, seeds)
        if start is None:
            return [], -math.inf
        self._logs, worst = climb(oracle, start, enough=_CAP)  # far enough: more would underflow
        return self._logs, worst

    def verdict(self, factor: Fraction) -> Verdict:
        """Holds for some choice of the other unknowns, fails for every one, or neither is certified."""
        try:
            problem = self.problem(factor)
            logs, _ = self._choice(problem)
            if len(logs) == len(self.unknown) and holds(problem, exact_point(self.unknown, logs)):
                return Verdict.HOLDS
            return Verdict.FAILS if none_now(problem, self.theorem.step) else Verdict.UNDECIDED
        except CertainlyUndefined:
            return Verdict.FAILS
        except NotEnclosed:
            return Verdict.UNDECIDED


def scaled(configuration: Configuration, factor: Fraction, parameter: bool) -> Configuration:
    """The configuration with W times a factor and, where it is a parameter, s_w times it."""
    W = configuration.arrays["W"]
    if W.map == "plain" or W.scale is None:
        grown = ExactArray(W.floats * float(factor))
    else:
        power = 2 if W.map == "goe" else 1
        grown = replace(W, scale=Binary("*", W.scale, Number(factor**power), shape=()))
    out = replace(configuration, arrays=dict(configuration.arrays) | {"W": grown})
    if not parameter:
        return out
    s_w = Binary("*", configuration.parameters["s_w"], Number(factor), shape=())
    return replace(out, parameters=dict(configuration.parameters) | {"s_w": s_w})


def current_scale(
    theorem: Theorem, request: Request, configuration: Configuration
) -> tuple[Fraction | None, bool]:
    """The s_w of the configuration and whether it is a parameter; None where W's spread is not s_w's."""
    law = theorem.initialization.get("W")
    if law is None:
        node: Node = request.scales.get("s_w", constant(SCALE_DEFAULTS["s_w"]))
        return _exact(node, configuration), False
    if law.law != "normal" or "s_w" not in configuration.parameters:
        return None, False
    one, two = (
        [scalar(node, scaled(configuration, factor, True)) for node in law.arguments]
        for factor in (Fraction(1), Fraction(2))
    )
    linear = one[0] == 0 and isinstance(one[1], fmpq) and isinstance(two[1], fmpq) and two[1] == 4 * one[1]
    found = _exact(configuration.parameters["s_w"], configuration)
    return (found, True) if linear and found else (None, False)


def _exact(node: Node, configuration: Configuration) -> Fraction | None:
    found = scalar(node, configuration)
    return Fraction(int(found.p), int(found.q)) if isinstance(found, fmpq) and found > 0 else None


def largest_scale(
    theorem: Theorem, request: Request, configuration: Configuration, precision: int
) -> Scale | str:
    """The largest scale found, or why there is none; `configuration` leaves open what is to be chosen."""
    sizes = configuration.sizes
    if "W" not in configuration.arrays or theorem.setting == "least-squares":
        return "the setting has no W"
    if not np.any(configuration.arrays["W"].floats) and configuration.arrays["W"].map == "plain":
        return "W starts at zero"
    if max(sizes["m"] ** 2, sizes["m"] * sizes["n"], sizes["n"] ** 2) > _MOST:
        return f"not sought above {_MOST} entries: every scale costs a new equilibrium"
    base, parameter = current_scale(theorem, request, configuration)
    unknown = open_names(theorem, configuration.parameters)
    if len(unknown) > MOST_UNKNOWNS:
        return f"not sought: too many unknowns, {len(unknown)}, and at most {MOST_UNKNOWNS} are searched"
    family = _Scaled(theorem, configuration, precision, unknown, parameter)
    with ctx.workprec(precision):
        ends = _bracket(family.worst)
        least = 0.0 if isinstance(ends, str) else ends[1]
        grid = _grid(configuration)
        if grid and grid[0] > least and family.verdict(Fraction(grid[0])) is Verdict.HOLDS:
            return f"the hypotheses still hold at {grid[0]:.3g} times this W, the largest tried"
        larger, tried = _larger(family.worst, grid, least)
        for pair in (larger, ends):  # an estimate that is not certified does not hide the first interval
            found = None if pair is None or isinstance(pair, str) else _certified(family, pair, base, tried)
            if found is not None:
                return found
    return ends if isinstance(ends, str) else "no scale was certified near the largest one found"


def _certified(family: _Scaled, ends: tuple[float, float], base: Fraction | None, tried: int) -> Scale | None:
    """The largest certified scale of four digits near the crossing between two factors; None without one."""
    unit = base or Fraction(1)
    value = below(Fraction(_crossing(family.worst, *ends)) * unit, DIGITS)
    for _ in range(3):
        if family.verdict(Fraction(value) / unit) is Verdict.HOLDS:
            break
        value = below(Fraction(value) * (1 - Fraction(1, 10**DIGITS)), DIGITS)
    else:
        return None
    after = following(value, DIGITS)
    found = family.verdict(Fraction(after) / unit)
    for _ in range(3):
        if found is not Verdict.HOLDS:
            break
        value, after = after, following(after, DIGITS)
        found = family.verdict(Fraction(after) / unit)
    return Scale(value, after, found is Verdict.FAILS, base is None, tried)


def _bracket(worst: Callable[[float], float]) -> tuple[float, float] | str:
    """A factor at which the claims seem to hold, and a larger one at which they do not."""
    low, high = 1.0, 1.0
    if worst(1.0) > 0:
        for _ in range(_DOUBLINGS):
            low, high = high, high * 2
            if not worst(high) > 0:
                return low, high
        return f"the hypotheses still hold at {2**_DOUBLINGS} times this W"
    if worst(2.0**-_DOUBLINGS) > 0:
        while low > 2.0**-_DOUBLINGS:
            high, low = low, low / 2
            if worst(low) > 0:
                return low, high
    return f"the hypotheses were found to hold neither at this W nor at 1/{2**_DOUBLINGS} of it"


def _grid(configuration: Configuration) -> list[float]:
    """Factors on W to try, from the largest down, around the one at which the model is no contraction."""
    W, slope = approximate(configuration.arrays["W"], configuration), 1.0
    if configuration.activation is not None:
        slope = float(to_arb(BALL_ACTIVATIONS[configuration.activation].lipschitz()).mid())
    size = slope * float(np.linalg.norm(W, 2)) if np.isfinite(W).all() else math.nan
    return [level / size for level in _LARGER] if math.isfinite(size) and size > 0 else []


def _larger(
    worst: Callable[[float], float], grid: Sequence[float], least: float
) -> tuple[tuple[float, float] | None, int]:
    """The largest factor of a descending grid, above `least`, where the claims seem to hold, with the next
    one, where they do not; and how many were tried. At the first of the grid they do not hold.
    """
    tried = [factor for factor in grid if factor > least]
    for k, (above, factor) in enumerate(pairwise(tried)):
        if worst(factor) > 0:
            return (factor, above), k + 2
    return None, len(tried)


def _crossing(worst: Callable[[float], float], low: float, high: float) -> float:
    """A factor just where the worst margin changes its sign: the Illinois method in the logarithm."""
    a, b = math.log(low), math.log(high)
    fa, fb = (max(-_CAP, min(_CAP, worst(x))) for x in (low, high))
    side = 0
    for _ in range(_ROUNDS):
        if b - a < _CLOSE:
            break
        c = (a * fb - b * fa) / (fb - fa) if fb < fa else (a + b) / 2
        if not a < c < b:
            c = (a + b) / 2
        fc = max(-_CAP, min(_CAP, worst(math.exp(c))))
        if abs(fc) < _CLOSE / 10:
            return math.exp(c)
        if fc > 0:
            a, fa = c, fc
            fb = fb / 2 if side == 1 else fb
            side = 1
        else:
            b, fb = c, fc
            fa = fa / 2 if side == -1 else fa
            side = -1
    return math.exp(a)
