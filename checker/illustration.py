"""A proof by a product of inequalities, in numbers: each inequality at one configuration.

Since the product of all of them is false, at least one is false at every configuration with positive sides;
the numbers show which one it is there. They illustrate the proof and are no part of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Final

from flint import arb, ctx

from checker.conditions import bounds
from checker.configuration import Configuration
from checker.configure import configure
from checker.enclosure import Ball, to_arb
from checker.errors import CertainlyUndefined, CheckerError, NotEnclosed
from checker.expression.parse import parse_claim
from checker.expression.shapes import Where, annotate_claim
from checker.expression.text import to_text
from checker.expression.tree import Number, Shape
from checker.hypotheses import judge_safely, start_scene
from checker.records import ChainLink, FactorAt, Instance
from checker.request import read_request
from checker.settings import SETTINGS
from checker.theorem import Theorem

SIZES: Final = {"n": "2", "d": "4", "m": "64"}
"""The sizes of the illustration, where the user set no others."""

OPEN: Final = Number(Fraction(1, 10), shape=())
"""The value of every parameter that is the tool's to choose."""

_BITS: Final = 128


def instance(
    theorem: Theorem, settings: Mapping[str, str], factors: Iterable[ChainLink], seed: int | None = None
) -> Instance | None:
    """The factors of a product in numbers at one start of the theorem; None where there is no such start."""
    try:
        known = SETTINGS[theorem.setting].sizes
        sizes = {name: text for name, text in SIZES.items() if name in known and name not in settings}
        at = configure(theorem, read_request(theorem, {**settings, **sizes}, seed))
        chosen = {name: OPEN for name in theorem.parameters if name not in at.parameters}
        at = replace(at, parameters={**at.parameters, **chosen})
        with ctx.workprec(_BITS):
            found = _at(theorem, at, factors)
            products = _products(found)
    except (CheckerError, NotEnclosed, CertainlyUndefined):
        return None
    said = {name: to_text(node) for name, node in at.parameters.items() if name != theorem.step}
    rows = tuple(FactorAt(f.claim, f.power, bounds(a), bounds(b), s) for f, s, a, b in found)
    return Instance({**at.summary(), **said}, rows, *map(bounds, products))


_Found = tuple[ChainLink, str, Ball | None, Ball | None]


def _at(theorem: Theorem, at: Configuration, factors: Iterable[ChainLink]) -> list[_Found]:
    """Every factor judged, with both sides."""
    setting, scene, out = SETTINGS[theorem.setting], start_scene(theorem, at), list[_Found]()
    names: dict[str, Shape] = {**setting.names, **setting.parameters, **dict.fromkeys(setting.sizes, ())}
    names |= dict.fromkeys(theorem.parameters, ())
    names |= {name: node.shape or () for name, node in theorem.definitions.items()}
    for factor in factors:
        claim = annotate_claim(parse_claim(factor.claim), names, where=Where(place="a factor"))
        judged = judge_safely(claim, scene, hypothesis=False)
        out.append((factor, str(judged.verdict), judged.lhs, judged.rhs))
    return out


def _products(found: list[_Found]) -> tuple[arb | None, arb | None]:
    """The products of the left and of the right sides, each to its power, where all are positive."""
    left, right = arb(1), arb(1)
    for factor, _, lhs, rhs in found:
        if lhs is None or rhs is None or not to_arb(lhs) > 0 or not to_arb(rhs) > 0:
            return None, None
        for _ in range(factor.power):
            left, right = left * to_arb(lhs), right * to_arb(rhs)
    return left, right
