"""Where names and setting functions get their values while a tree is folded."""

from typing import Protocol, TypeVar

from checker.expression.tree import Call, Node

V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


class Env(Protocol[V_co]):
    """The values of one configuration at one moment.

    An environment may also have a `memo: dict[Node, V]`; then every call and operation is
    evaluated once per environment, however often the same subterm occurs. With `arrays` it
    says how arrays are computed with, where that is not in balls; `rungs` receives how each
    norm and eigenvalue was found.
    """

    def name(self, name: str) -> V_co:
        """The value of a name; a claim by itself (`well_posed`) is 1 where it holds and 0 where it fails."""
        ...

    def call(self, node: Call) -> V_co:
        """The value of a temporal operator or of a function of an input; truth as for `name`."""
        ...


def memo_of(env: Env[V]) -> dict[Node, V]:
    """The memo of an environment; a fresh one where it keeps none."""
    memo: dict[Node, V] | None = getattr(env, "memo", None)
    return {} if memo is None else memo
