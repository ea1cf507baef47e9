"""Each shipped theorem's conclusions, wherever its hypotheses are certified; and its broken twins."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, target
from hypothesis import strategies as st

from checker.campaign_record import certified
from checker.completing import FRACTIONS, complete
from checker.configuration import Configuration
from checker.reading import builtin_ids, load
from checker.runs import run
from checker.theorem import Theorem
from checker.verdict import Verdict
from properties.aimed import starts_for
from properties.evidence import trial
from properties.instances import caught
from properties.strategies import seeds

TWINS = Path(__file__).parent.parent / "tests" / "power" / "twins"

BEYOND = "deq-gd-no-kink-twin-margin.theorem.toml"
"""The one twin that starts aimed at the theorem itself cannot show: they stay clear of every kink."""

Case = tuple[Configuration, Fraction, int, int]


def cases(theorem: Theorem) -> st.SearchStrategy[Case]:
    """A start, the share of the largest step, the seed of the choice of parameters, and steps to run."""
    return st.tuples(starts_for(theorem), st.sampled_from(FRACTIONS), seeds, st.integers(1, 8))


def concludes(theorem: Theorem, case: Case) -> None:
    """No conclusion certainly fails in a run in balls whose hypotheses certainly hold."""
    configuration, share, seed, steps = case
    with trial(theorem.id) as seen:
        chosen = complete(theorem, [configuration], np.random.default_rng(seed), (share,))[0].configuration
        if certified(theorem, chosen) is None:
            return seen.rejected()
        result = run(theorem, chosen, steps, curves=False)
        for name, outcome in result.outcomes.items():
            where = f"{name}, step {outcome.at}"
            assert outcome.verdict is not Verdict.FAILS, f"{where}, by {outcome.worst} decades: {chosen}"
            if outcome.worst is not None:
                seen.margin(outcome.worst, where)
        worst = min((o.worst for o in result.outcomes.values() if o.worst is not None), default=1.0)
        target(-min(worst, 20.0), label="least certified margin, negated")
        if result.verdict is Verdict.UNDECIDED:
            return seen.undecided()
    return None


# Exact ties (scalar multiples of orthogonal weights attain the bounds) stay undecided.
@pytest.mark.undecided(at_most=0.5)
@given(st.data())
def test_deq_contraction(data: st.DataObject) -> None:
    """
    Below the contraction threshold every Picard iteration obeys every bound of the theorem.
    """
    theorem = load("deq-contraction")

    concludes(theorem, data.draw(cases(theorem)))


@pytest.mark.undecided(at_most=0.5)
@given(st.data())
def test_gd_least_squares(data: st.DataObject) -> None:
    """
    With independent columns and an admissible step the loss falls at the stated rate.
    """
    theorem = load("gd-least-squares")

    concludes(theorem, data.draw(cases(theorem)))


@pytest.mark.undecided(at_most=0.05)
@given(st.data())
def test_deq_gd(data: st.DataObject) -> None:
    """
    With a small readout and small residual, training stays in the ball and the loss falls as stated.
    """
    theorem = load("deq-gd")

    concludes(theorem, data.draw(cases(theorem)))


@pytest.mark.undecided(at_most=0.05)
@given(st.data())
def test_deq_gd_smooth(data: st.DataObject) -> None:
    """
    With a smooth activation and a small residual, the path is short and the loss falls as stated.
    """
    theorem = load("deq-gd-smooth")

    concludes(theorem, data.draw(cases(theorem)))


@pytest.mark.undecided(at_most=0.05)
@given(st.data())
def test_deq_gd_no_kink(data: st.DataObject) -> None:
    """
    Far from the kinks of the ReLU no sign changes, and the loss falls as stated.
    """
    theorem = load("deq-gd-no-kink")

    concludes(theorem, data.draw(cases(theorem)))


@pytest.mark.undecided(at_most=0.05)
@given(st.data())
def test_ling_2023_theorem_1(data: st.DataObject) -> None:
    """
    From any start, drawn as stated or not, that meets Condition 1, the conclusions of Theorem 1 hold.
    """
    theorem = load("ling-2023-theorem-1")

    concludes(theorem, data.draw(cases(theorem)))


def test_every_shipped_theorem_has_a_property() -> None:
    """
    For each built-in theorem there is a property of its name here.
    """
    names = {f"test_{identity.replace('-', '_')}" for identity in builtin_ids()}

    assert names <= set(globals())


@pytest.mark.parametrize(
    "twin", sorted(path.name for path in TWINS.glob("*.theorem.toml") if path.name != BEYOND)
)
def test_a_broken_twin_is_caught(twin: str) -> None:
    """
    The property of the theorem fails on its twin: a rate or a step that is wrong is certainly violated.
    """
    theorem = load(str(TWINS / twin))

    found, *_ = caught(cases(theorem), lambda case: concludes(theorem, case))

    assert found.setting == theorem.setting
