"""A violation made small: fewer samples, neurons and inputs, shorter numbers, an earlier step.

Greedy and deterministic. A neighbour is kept only if its hypotheses are certified and the
same conclusion certainly fails, no later than before. What a theorem draws at random is
never altered, and neither are parameters that its laws depend on.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import numpy as np

from checker.campaign_record import certified, hidden_gates
from checker.certificate_content import readable
from checker.configuration import Configuration, ExactArray, Floats
from checker.errors import CertainlyUndefined, NotEnclosed, UsageError
from checker.expression.simplify import free_names
from checker.expression.tree import Dim, Node, Number, Shape
from checker.runs import run
from checker.settings import SETTINGS
from checker.theorem import EXACT_LAWS, Theorem
from checker.ties import settled
from checker.verdict import Verdict

_BITS: Final = (1, 2, 3, 5, 8, 13, 21)
"""Significant bits that entries are rounded to, fewest first."""

_SMALL: Final = 12
"""Arrays with at most this many entries are also simplified entry by entry."""

_PASSES: Final = 4


def shrink(
    theorem: Theorem,
    configuration: Configuration,
    conclusion_name: str,
    step: int,
    steps: int,
    budget_trials: int,
    cuts: Callable[[], bool] = lambda: False,
) -> tuple[Configuration, int]:
    """A smaller configuration that violates the same conclusion, and the first step at which it does.

    At most `budget_trials` neighbours are tried; `cuts` stops early. With hidden constants
    in the hypotheses, which no single run can certify, nothing is changed.
    """
    if hidden_gates(theorem, configuration):
        return configuration, step
    search = _Search(theorem, conclusion_name, steps, budget_trials, cuts, configuration, step)
    for _ in range(_PASSES):
        before = search.kept
        for propose in (_fewer, _rounded_arrays, _rounded_parameters, _simpler_entries):
            propose(search)
        if search.kept == before or search.spent():
            break
    return (_without_minus_zero(search), search.step) if search.kept else (configuration, step)


def _without_minus_zero(search: "_Search") -> Configuration:
    """The same numbers, with 0 for -0 wherever entries may be chosen."""
    arrays = dict(search.best.arrays)
    for name in _free_arrays(search):
        arrays[name] = replace(arrays[name], floats=arrays[name].floats + 0.0)
    return replace(search.best, arrays=arrays)


@dataclass
class _Search:
    """The best configuration so far, and what trying another one costs."""

    theorem: Theorem
    name: str
    steps: int
    trials: int
    cuts: Callable[[], bool]
    best: Configuration
    step: int
    kept: int = 0

    def spent(self) -> bool:
        return self.trials <= 0 or self.cuts()

    def take(self, candidate: Configuration | None) -> bool:
        """Try a neighbour; keep it if it violates the conclusion too."""
        if candidate is None or self.spent():
            return False
        self.trials -= 1
        failed_at = _violated(self.theorem, candidate, self.name, self.step, self.steps)
        if failed_at is None:
            return False
        self.best, self.step = candidate, failed_at
        self.kept += 1
        return True


def _violated(theorem: Theorem, candidate: Configuration, name: str, step: int, steps: int) -> int | None:
    """The first step at which the conclusion certainly fails, hypotheses being certified; None if not so."""
    try:
        result = settled(theorem, run(theorem, candidate, steps, curves=False, stop_at=step))
        outcome = result.outcomes.get(name)
        if outcome is None or outcome.verdict is not Verdict.FAILS or outcome.failure is None:
            return None
        return None if certified(theorem, candidate, name) is None else outcome.failed_at
    except (NotEnclosed, CertainlyUndefined, UsageError, ZeroDivisionError):
        return None


def _drawn(theorem: Theorem) -> frozenset[str]:
    """The arrays that are drawn at random."""
    laws = {**theorem.initialization, **theorem.data}
    return frozenset(name for name, law in laws.items() if law.law not in EXACT_LAWS)


def _pinned(theorem: Theorem) -> frozenset[str]:
    """The arrays whose entries the theorem states, exactly or by a law."""
    return frozenset(theorem.initialization) | frozenset(theorem.data)


def _shapes(theorem: Theorem) -> dict[str, Shape]:
    setting = SETTINGS[theorem.setting]
    shapes: dict[str, Shape] = {"X": ("d", "n"), "y": ("n",), **setting.parameters}
    return shapes | {name: variable.shape for name, variable in theorem.variables.items()}


def _fewer(search: _Search) -> None:
    """Drop samples, neurons and inputs: halves first, then one by one, the last first."""
    for axis in ("n", "m", "d"):
        if not _droppable(search.theorem, axis):
            continue
        size = search.best.sizes[axis]
        count = size // 2
        while count >= 1:
            start = search.best.sizes[axis] - count
            while start >= 0 and not search.spent():
                candidate = _without(search.best, search.theorem, axis, start, start + count)
                search.take(candidate)
                start -= count
            count //= 2


def _droppable(theorem: Theorem, axis: str) -> bool:
    setting = SETTINGS[theorem.setting]
    if axis in setting.aliases or axis not in setting.sizes:
        return False
    for name, shape in _shapes(theorem).items():
        involved = [dim for dim in shape if _mentions(dim, axis)]
        if involved and (name in _drawn(theorem) or any(dim != axis for dim in involved)):
            return False
    return True


def _mentions(dim: Dim, axis: str) -> bool:
    return isinstance(dim, str) and axis in dim


def _without(
    configuration: Configuration, theorem: Theorem, axis: str, start: int, stop: int
) -> Configuration | None:
    """The configuration without the entries start..stop-1 along one size; None if nothing would be left."""
    size = configuration.sizes[axis]
    gone = list(range(start, min(stop, size)))
    if not gone or len(gone) >= size:
        return None
    arrays = dict(configuration.arrays)
    for name, shape in _shapes(theorem).items():
        floats = arrays[name].floats
        for k, dim in enumerate(shape):
            if dim == axis:
                floats = np.delete(floats, gone, axis=k)
        arrays[name] = replace(arrays[name], floats=floats)
    aliases = SETTINGS[theorem.setting].aliases
    left = size - len(gone)
    sizes = {k: left if aliases.get(k, k) == axis else v for k, v in configuration.sizes.items()}
    return replace(configuration, sizes=sizes, arrays=arrays)


def _free_arrays(search: _Search) -> list[str]:
    pinned = _pinned(search.theorem)
    return [name for name in search.best.arrays if name not in pinned]


def _with_floats(configuration: Configuration, name: str, floats: Floats) -> Configuration | None:
    """The configuration with other entries in one array; None if they are the same."""
    array: ExactArray = configuration.arrays[name]
    if np.array_equal(floats, array.floats) or not np.isfinite(floats).all():
        return None
    arrays = dict(configuration.arrays) | {name: replace(array, floats=floats + 0.0)}
    return replace(configuration, arrays=arrays)


def _rounded_arrays(search: _Search) -> None:
    """Every free array by fewer bits: all zero, then a grid common to its entries, then bits each."""
    for name in _free_arrays(search):
        for floats in _coarser(search.best.arrays[name].floats):
            if search.spent():
                return
            if search.take(_with_floats(search.best, name, floats)):
                break


def _coarser(floats: Floats) -> Iterator[Floats]:
    """Candidates with fewer bits than an array has, the plainest first."""
    used = _bits_used(floats)
    yield np.zeros_like(floats)
    largest = float(np.abs(floats).max())
    for bits in _BITS:
        if bits < used and largest > 0:
            unit = np.ldexp(1.0, int(np.frexp(largest)[1]) - bits)
            yield np.round(floats / unit) * unit
            yield _few_bits(floats, bits)


def _few_bits(floats: Floats, bits: int) -> Floats:
    """Every entry rounded to so many significant bits."""
    mantissa, exponent = np.frexp(floats)
    return np.ldexp(np.round(np.ldexp(mantissa, bits)), exponent - bits)


def _bits_used(floats: Floats) -> int:
    """The most significant bits of an entry."""
    return max((abs(float(x).as_integer_ratio()[0]) for x in floats.ravel()), default=0).bit_length()


def _simpler_entries(search: _Search) -> None:
    """Entries of small free arrays one by one: 0, 1, -1, or fewer bits."""
    for name in _free_arrays(search):
        for k in range(search.best.arrays[name].floats.size):
            floats = search.best.arrays[name].floats
            if floats.size > _SMALL:
                break
            for value in _simpler(float(floats.flat[k])):
                if search.spent():
                    return
                changed = search.best.arrays[name].floats.copy()
                changed.flat[k] = value
                if search.take(_with_floats(search.best, name, changed)):
                    break


def _simpler(x: float) -> Iterator[float]:
    """Values with fewer bits than x, the plainest first."""
    if x == 0:
        return
    used = _bits_used(np.array([x]))
    yield 0.0
    if abs(x) != 1:
        yield 1.0 if x > 0 else -1.0
    for bits in (1, 2, 3):
        if bits < used:
            yield float(_few_bits(np.array([x]), bits)[0])


def _rounded_parameters(search: _Search) -> None:
    """Numbers that the tool chose, as short decimals or fractions."""
    theorem = search.theorem
    laws: Mapping[str, tuple[Node, ...]] = {
        name: law.arguments for name, law in {**theorem.initialization, **theorem.data}.items()
    }
    fixed = {name for nodes in laws.values() for node in nodes for name in free_names(node)}
    for name, parameter in theorem.parameters.items():
        node = search.best.parameters.get(name)
        if parameter.value is not None or name in fixed or not isinstance(node, Number):
            continue
        for value in _shorter(node.value):
            if search.spent():
                return
            parameters = dict(search.best.parameters) | {name: Number(value)}
            if search.take(replace(search.best, parameters=parameters)):
                break


def _shorter(value: Fraction) -> list[Fraction]:
    """Numbers near a positive or negative number whose text is shorter, the shortest first."""
    found: set[Fraction] = set()
    size = abs(value)
    if size == 0:
        return []
    exponent = len(str(size.numerator)) - len(str(size.denominator))
    for digits in (1, 2, 3):
        for place in (exponent - digits, exponent - digits + 1):
            unit = Fraction(10) ** place
            found |= {(size // unit) * unit, (size // unit + 1) * unit}
    for most in (1, 2, 4, 8, 16, 64):
        found.add(size.limit_denominator(most))
        if size < 1:
            found.add(1 / (1 / size).limit_denominator(most))
    own = len(_text(size))
    near = [f for f in found if f > 0 and abs(f - size) <= size / 2 and len(_text(f)) < own]
    near.sort(key=lambda f: (len(_text(f)), abs(f - size), f))
    return [f if value > 0 else -f for f in near]


def _text(value: Fraction) -> str:
    try:
        return readable(Number(value))
    except UsageError:
        return "x" * 1000
