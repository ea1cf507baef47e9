"""Names, values and small theorem files that the tests of the language share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flint import arb_mat, fmpq

from checker.enclosure import Enclosure
from checker.errors import NotEnclosed
from checker.expression.parse import parse_claim, parse_expression
from checker.expression.shapes import Where, annotate, annotate_claim
from checker.expression.tree import Call, Claim, Node, Shape

SHAPES: Mapping[str, Shape] = {
    "W": ("m", "m"), "U": ("m", "d"), "X": ("d", "n"), "T": ("m", "n"), "G": ("n", "n"),
    "a": ("m",), "y": ("n",), "loss": (), "residual": (), "loss_0": (), "W_0": ("m", "m"),
    "n": (), "d": (), "m": (), "eta": (), "tau": (), "q": (), "x": (), "z": (), "path_length": (),
}  # fmt: skip

EVERYWHERE = Where(
    place="a conclusion",
    temporal=frozenset({"next", "total", "least", "greatest"}),
    functions={"equilibrium": (("d",), ("m",)), "well_posed": (("d",), ())},
    claims=frozenset({"well_posed"}),
)


@dataclass
class Values:
    """An environment with given values; it counts how often each name and call is asked for."""

    values: Mapping[str, Enclosure]
    memo: dict[Node, Enclosure] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def name(self, name: str) -> Enclosure:
        self.asked.append(name)
        return self.values[name]

    def call(self, node: Call) -> Enclosure:
        self.asked.append(node.function)
        if node.function not in self.values:
            raise NotEnclosed(f"{node.function} is not known")
        return self.values[node.function]


def values(**changes: Enclosure) -> Values:
    """A small configuration with n = m = 2, and whatever else a test gives."""
    known: dict[str, Enclosure] = {
        "W": arb_mat(2, 2, [1, 2, 3, 4]) * fmpq(1, 4),
        "a": arb_mat(2, 1, [1, -2]),
        "G": arb_mat(2, 2, [2, 1, 1, 2]),
        "n": fmpq(2),
        "m": fmpq(2),
        "tau": fmpq(3),
    }
    return Values(known | changes)


def expression(text: str) -> Node:
    """The annotated tree of a text."""
    return annotate(parse_expression(text), SHAPES, where=EVERYWHERE)


def claim(text: str) -> Claim:
    """The annotated claim of a text."""
    return annotate_claim(parse_claim(text), SHAPES, where=EVERYWHERE)


def theorem_text(
    tables: str = "",
    conclusions: str = 'rate = "loss <= loss + 1"',
    *,
    setting: str = "deq",
    kind: str = "deterministic",
    dynamics: str = 'algorithm = "gradient-descent"',
) -> str:
    """A theorem file that loads, with further tables and other conclusions."""
    return f"""format = 1
[theorem]
id = "my"
title = "A title"
setting = "{setting}"
kind = "{kind}"
[theorem.source]
fidelity = "derived"
[dynamics]
{dynamics}
{tables}
[conclusions]
{conclusions}
"""
