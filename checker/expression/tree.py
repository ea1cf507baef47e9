"""The tree of an expression: one reading, folded many ways.

Nodes are frozen and compare by structure; the column they were read at takes no
part in comparison. `shape` is () for a scalar, (k,) for a vector, (k, l) for a
matrix, and None until `checker.expression.shapes.annotate` has filled it in. A
dimension is itself a canonical text such as "m" or "2*m", or an int.
"""

from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import TypeAlias, Union

Dim: TypeAlias = str | int
Shape: TypeAlias = tuple[Dim, ...]


def _cached_hash(self: "Node") -> int:
    """The structural hash, computed once a node: trees are keys of the memos that every evaluation uses."""
    known: int | None = self.__dict__.get("_hash")
    if known is None:
        values = tuple(getattr(self, f.name) for f in fields(self) if f.compare)
        known = hash((type(self).__name__, values))
        object.__setattr__(self, "_hash", known)
    return known


def _own_state(self: "Node") -> dict[str, object]:
    """What is pickled: not the hash, which is another in every process."""
    return {name: value for name, value in self.__dict__.items() if name != "_hash"}


@dataclass(frozen=True)
class Number:
    """An exact rational literal."""

    value: Fraction
    column: int = field(default=1, compare=False)
    shape: Shape | None = field(default=(), compare=False)

    __hash__ = _cached_hash
    __getstate__ = _own_state


@dataclass(frozen=True)
class Pi:
    """The constant pi."""

    column: int = field(default=1, compare=False)
    shape: Shape | None = field(default=(), compare=False)

    __hash__ = _cached_hash
    __getstate__ = _own_state


@dataclass(frozen=True)
class Name:
    """A name of the setting, a definition, a parameter or a variable."""

    name: str
    column: int = field(default=1, compare=False)
    shape: Shape | None = field(default=None, compare=False)

    __hash__ = _cached_hash
    __getstate__ = _own_state


@dataclass(frozen=True)
class Negate:
    """Unary minus."""

    argument: "Node"
    column: int = field(default=1, compare=False)
    shape: Shape | None = field(default=None, compare=False)

    __hash__ = _cached_hash
    __getstate__ = _own_state


@dataclass(frozen=True)
class Binary:
    """One of + - * / ** @ applied to two operands."""

    operator: str
    left: "Node"
    right: "Node"
    column: int = field(default=1, compare=False)
    shape: Shape | None = field(default=None, compare=False)

    __hash__ = _cached_hash
    __getstate__ = _own_state


@dataclass(frozen=True)
class Call:
    """A function, a temporal operator (next, total, least, greatest) or a function of an input
    (equilibrium, predict, well_posed) applied to arguments."""

    function: str
    arguments: tuple["Node", ...]
    column: int = field(default=1, compare=False)
    shape: Shape | None = field(default=None, compare=False)

    __hash__ = _cached_hash
    __getstate__ = _own_state


Node: TypeAlias = Union[Number, Pi, Name, Negate, Binary, Call]


@dataclass(frozen=True)
class Comparison:
    """One comparison: `left operator right` with operator among < <= > >= ==."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Atom:
    """A claim by itself: `well_posed`, or `well_posed(x)`."""

    node: Name | Call


@dataclass(frozen=True)
class Claim:
    """A conjunction of comparisons and atoms; a chain `a < b <= c` is two comparisons."""

    text: str
    parts: tuple[Comparison | Atom, ...]
