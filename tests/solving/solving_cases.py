"""Configurations and scenes for the tests of solving."""

from collections.abc import Mapping
from dataclasses import replace

from checker.configuration import Configuration, ExactArray
from checker.configure import configure
from checker.enclosure import Enclosure
from checker.hypotheses import Scenes
from checker.names import of_quantifier
from checker.reading import load
from checker.request import Request, read_request
from checker.scene import Scene
from checker.solving.oracle import Problem
from checker.solving.rewrite import all_gates, open_names, problem_of
from checker.theorem import Theorem

BITS = 128


def case(theorem_id: str, settings: Mapping[str, str]) -> tuple[Theorem, Request, Configuration]:
    """A built-in theorem, a request and its configuration, with what the tool chooses left open."""
    theorem = load(theorem_id)
    request = read_request(theorem, settings)
    configuration = configure(theorem, request)
    chosen = of_quantifier(theorem, "exists") | {theorem.step}
    kept = {k: v for k, v in configuration.parameters.items() if k not in chosen}
    return theorem, request, replace(configuration, parameters=kept)


def scene(theorem: Theorem, configuration: Configuration) -> Scene[Enclosure]:
    """The start in balls; call it inside `ctx.workprec`."""
    return Scenes(theorem).at(configuration, BITS)


def with_labels_times(configuration: Configuration, factor: float) -> Configuration:
    """The same with every label times a factor."""
    y = configuration.arrays["y"]
    return replace(configuration, arrays={**configuration.arrays, "y": ExactArray(y.floats * factor)})


def whole_problem(theorem: Theorem, configuration: Configuration) -> Problem:
    """All gates over measured leaves, the labels as they are."""
    unknown = open_names(theorem, configuration.parameters)
    claims = all_gates(theorem, configuration, unknown)
    return problem_of(theorem, claims, scene(theorem, configuration), unknown)
