"""Every shipped proof step has wrong mutants; the checker refutes them, at points that stand a second look.

`python -m tests.power.steps` decides more of them and prints the kill rate by kind of mutation.
"""

from fractions import Fraction

import pytest
from step_mutants import distinct_steps, is_refuted, mutants, number, truth
from steps import Judged, judge_all, table

from checker.expression.parse import parse_claim
from checker.theorem import ProofStep

EASY = "reversed"


@pytest.fixture(scope="module")
def judged() -> list[Judged]:
    return judge_all(seconds=5.0, dropped=1)


@pytest.mark.parametrize("origin", distinct_steps())
def test_wrong_mutants_of_every_step_are_refuted(origin: str, judged: list[Judged]) -> None:
    """
    At least two are killed, one of them by more than turning the conclusion round, all at confirmed points.
    """
    killed = [each for each in judged if each.origin == origin and each.record.status == "fails"]

    assert len(killed) >= 2
    assert any(each.mutant.kind != EASY for each in killed)
    assert all(each.confirmed for each in killed), [each.record for each in killed if not each.confirmed]


def test_nearly_all_wrong_mutants_are_refuted(judged: list[Judged]) -> None:
    """
    Of the mutants that are not proved to be true 98 in 100 are refuted, and every kind is.
    """
    wrong = [each for each in judged if each.record.status != "holds"]
    killed = [each for each in wrong if each.record.status == "fails"]

    print(table(judged))  # noqa: T201  # shown by pytest -s
    assert len(killed) >= 0.98 * len(wrong)
    assert {each.mutant.kind for each in killed} == {each.mutant.kind for each in judged}


def test_a_conclusion_turned_round_is_never_proved(judged: list[Judged]) -> None:
    """
    No step's assumptions contradict each other, so that its opposite cannot follow too.
    """
    turned = [each for each in judged if each.mutant.kind in (EASY, "shifted by 1/1000")]

    assert turned
    assert {each.record.status for each in turned} == {"fails"}


def test_every_step_has_several_mutants() -> None:
    """
    No step escapes the mutations.
    """
    assert all(len(list(mutants(step))) >= 5 for step in distinct_steps().values())


def test_the_second_look_sees_a_wrong_point() -> None:
    """
    A point outside the assumptions, and one that satisfies the conclusion, are both turned down.
    """
    claims = [parse_claim(text) for text in ("x*x == 2", "x > 0", "x < 1")]
    step = ProofStep("root", (claims[0], claims[1]), claims[2])

    assert is_refuted(step, {"x": "sqrt(2)"})
    assert not is_refuted(step, {"x": "-sqrt(2)"})
    assert not is_refuted(step, {"x": "7/5"})
    assert not is_refuted(ProofStep("root", (claims[1],), claims[2]), {"x": "1/2"})


def test_numbers_and_claims_are_read_exactly() -> None:
    """
    Decimals are exact, chains and "and" are conjunctions, roots of squares are rational.
    """
    assert number("3/4") == Fraction(3, 4)
    assert number("sqrt(4)/3") == Fraction(2, 3)
    assert truth("0.1 + 0.2 == 0.3 and 1 < x <= 2", {"x": Fraction(2)})
    assert not truth("1 < x < 2", {"x": Fraction(2)})
