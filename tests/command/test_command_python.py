"""`import deqaudit`: the same names, checks and records as the command."""

from fractions import Fraction

import pytest
from conftest import Checker

import deqaudit
from checker import records
from checker.theorem import Theorem

THEOREM = "gd-least-squares"


def test_every_public_name_is_there():
    """
    Everything in `__all__` can be taken from the module, every record among it.
    """
    for name in deqaudit.__all__:
        assert getattr(deqaudit, name) is not None
    defined = {
        name for name, value in vars(records).items() if getattr(value, "__module__", "") == "checker.records"
    }
    assert defined <= set(deqaudit.__all__)
    assert deqaudit.Theorem is Theorem
    assert set(deqaudit.__all__) >= {"load", "check", "audit", "verify", "simulate"}


def test_a_name_that_is_not_there_is_an_attribute_error():
    """
    The late names do not swallow mistakes.
    """
    with pytest.raises(AttributeError, match="has no attribute 'chek'"):
        deqaudit.chek  # noqa: B018


@pytest.mark.parametrize("by", ["id", "theorem", "path"])
def test_check_takes_a_theorem_an_id_or_a_path(by, checker: Checker, tmp_path):
    """
    The three ways to name a theorem reach the checker as the same theorem.
    """
    theorem = deqaudit.load(THEOREM)
    path = tmp_path / "copy.theorem.toml"
    path.write_text(theorem.text, encoding="utf-8")

    report = deqaudit.check({"id": THEOREM, "theorem": theorem, "path": path}[by], set={"n": 2}, seed=5)

    ((_, (given, settings), options),) = checker.asked
    assert (given.id, settings, options) == (THEOREM, {"n": "2"}, {"seed": 5, "device": "cpu"})
    assert report.verdict == "applies"


def test_values_from_python_are_exact_texts(checker: Checker):
    """
    A float counts as the decimal it prints, a fraction as itself.
    """
    deqaudit.audit(THEOREM, set={"eta": 0.1, "s_w": Fraction(1, 3), "n": 4, "data": "sphere"})

    assert checker.asked[0][1][1] == {"eta": "0.1", "s_w": "1/3", "n": "4", "data": "sphere"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: deqaudit.check(THEOREM, set={"n": True}), "--set n: write a number or a text, not True"),
        (
            lambda: deqaudit.check(THEOREM, seed=-1),
            "--seed -1: write a whole number between 0 and 4294967295",
        ),
        (
            lambda: deqaudit.check(THEOREM, seed=1, set={"seed": 2}),
            "--set seed=2 and --seed 1 differ; give one of them",
        ),
        (lambda: deqaudit.check(THEOREM, device="tpu"), "--device tpu: choose one of cpu, cuda"),
        (lambda: deqaudit.audit(THEOREM, runs=0), "--runs 0: write a whole number between 1 and 1000000"),
    ],
)  # fmt: skip
def test_python_checks_what_the_command_checks(call, message, checker: Checker):
    """
    One validation serves both.
    """
    with pytest.raises(deqaudit.UsageError) as error:
        call()

    assert message == str(error.value)
    assert checker.asked == []


def test_verify_takes_a_path(checker: Checker, tmp_path):
    """
    A certificate is named by its path.
    """
    report = deqaudit.verify(str(tmp_path / "c.json"))

    assert checker.asked[0][1] == (tmp_path / "c.json",)
    assert report.status == "valid"
