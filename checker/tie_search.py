"""Configurations at which the two sides of a strict claim may be equal: entries +-1, steps at their bound.

Floats cannot see a tie, and a draw hardly ever gives one. Where a claim is strict it is looked for
among plain entries, with the largest step that the hypotheses allow as a short fraction.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

import numpy as np

from checker.completing import WHOLE_BOUND, complete
from checker.configuration import Configuration, Floats
from checker.expression.tree import Comparison, Number
from checker.theorem import Theorem

_MOST: Final = 8
_LARGEST_DENOMINATOR: Final = 1000


def has_strict_claims(theorem: Theorem) -> bool:
    """Does a conclusion say < or >, so that equality refutes it?"""
    parts = [part for c in theorem.conclusions for part in c.claim.parts]
    return any(isinstance(part, Comparison) and part.operator in ("<", ">") for part in parts)


def plain_neighbours(
    theorem: Theorem, configurations: Sequence[Configuration], rng: np.random.Generator
) -> Iterator[Configuration]:
    """Up to eight configurations with plain entries near the given ones, the smallest first.

    What the theorem states or draws is kept; the step is taken at its bound.
    """
    if theorem.random_start or theorem.data:
        return
    seen: set[object] = set()
    for configuration in sorted(configurations, key=_size):
        plain = _plain(theorem, configuration)
        key = (plain.activation, *(array.floats.tobytes() for array in plain.arrays.values()))
        if key in seen or len(seen) == _MOST:
            continue
        seen.add(key)
        for assessed in complete(theorem, [plain], rng, fractions=WHOLE_BOUND):
            yield _short_step(theorem, assessed.configuration)


def _size(configuration: Configuration) -> int:
    return sum(array.floats.size for array in configuration.arrays.values())


def _plain(theorem: Theorem, configuration: Configuration) -> Configuration:
    """Signs for data and readouts, powers of two for weights, w = 0; the step is left open."""
    arrays = dict(configuration.arrays)
    for name, array in arrays.items():
        if name not in theorem.initialization and array.map == "plain":
            arrays[name] = replace(array, floats=_RULES.get(name, _signs)(array.floats))
    step = theorem.step
    own = step is not None and step in theorem.parameters and theorem.parameters[step].value is None
    parameters = {k: v for k, v in configuration.parameters.items() if not (own and k == step)}
    return replace(configuration, arrays=arrays, parameters=parameters)


def _signs(floats: Floats) -> Floats:
    return np.where(floats < 0, -1.0, 1.0)


def _powers(floats: Floats) -> Floats:
    """The nearest powers of two towards zero."""
    _, exponent = np.frexp(floats)
    return np.where(floats == 0, 0.0, np.copysign(np.ldexp(1.0, exponent - 1), floats))


_RULES: Final[Mapping[str, Callable[[Floats], Floats]]] = {"W": _powers, "U": _powers, "w": np.zeros_like}


def _short_step(theorem: Theorem, configuration: Configuration) -> Configuration:
    """The step as a short fraction where it is one, or just below one as strict bounds ask for."""
    node = configuration.parameters.get(theorem.step or "")
    if not isinstance(node, Number) or node.value <= 0:
        return configuration
    inverse = (1 / node.value).limit_denominator(_LARGEST_DENOMINATOR)
    value = Fraction(0) if inverse == 0 else 1 / inverse
    if value == 0 or abs(value - node.value) > node.value / 2**19:
        return configuration
    return replace(
        configuration, parameters=dict(configuration.parameters) | {theorem.step or "": Number(value)}
    )
