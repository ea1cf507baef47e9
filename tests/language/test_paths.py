"""Paths: what `next`, `total`, `least` and `greatest` mean where a successor is enclosed apart from them."""

from dataclasses import dataclass

import pytest
from flint import fmpq
from scenery import expression, theorem_text

from checker.algebras import BALLS
from checker.declaration import read_theorem
from checker.enclosure import Enclosure
from checker.errors import NotEnclosed
from checker.scene import Path, Scene


@dataclass(frozen=True)
class Point:
    """A state whose only name is the loss."""

    loss: int

    def value(self, name: str) -> Enclosure:
        assert name == "loss"
        return fmpq(self.loss)

    def call(self, function: str, argument: Enclosure) -> Enclosure:
        raise NotEnclosed(function)


def path(losses: list[int], successors: list[int | None]) -> Path[Enclosure]:
    """A path of all these states."""
    theorem = read_theorem(theorem_text(), "my.theorem.toml")
    out: Path[Enclosure] = Path(Scene(theorem, BALLS, Point(losses[0]), {}), len(losses))
    for k, (loss, successor) in enumerate(zip(losses, successors, strict=True)):
        out.push(Point(loss), fmpq(k), None if successor is None else Point(successor))
    return out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("next(loss)", 3),
        ("next(loss) - loss", -4),
        ("next(tau)", 2),
        ("next(least(loss))", 3),  # of 9, 7 and then the successor, not the next visited point
        ("next(greatest(loss))", 9),
        ("next(least(-loss))", -9),
        ("next(total(loss))", 16),
        ("next(total(next(loss)))", 11),  # 8 from the first point, 3 from the second
        ("least(next(loss))", 3),
        ("path_length", 1),
    ],
)
def test_next_is_taken_from_the_successor(text: str, expected: int) -> None:
    """
    With a successor, `next` means the exact step from this point, whatever is visited next.
    """
    found = path([9, 7, 1], [8, 3, None]).evaluate(expression(text), 1)

    assert fmpq(expected) == found


@pytest.mark.parametrize(
    ("text", "expected"), [("next(loss)", 1), ("next(least(loss))", 1), ("next(path_length)", 2)]
)
def test_next_is_the_next_state_of_a_path_without_successors(text: str, expected: int) -> None:
    """
    Without successors, `next` means the next state that was pushed.
    """
    assert fmpq(expected) == path([9, 7, 1], [None] * 3).evaluate(expression(text), 1)


@pytest.mark.parametrize("text", ["next(next(loss))", "next(path_length)", "next(least(next(loss)))"])
def test_nothing_is_known_beyond_a_successor(text: str) -> None:
    """
    Two steps from a visited point, and the length up to its successor, have no enclosure.
    """
    with pytest.raises(NotEnclosed):
        path([9, 7, 1, 0], [8, 3, 2, None]).evaluate(expression(text), 1)
