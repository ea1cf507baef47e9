"""The equilibrium iteration contracts at the rate that L_phi and |W|_2 give."""

import pytest
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st

from checker.configuration import Configuration, instantiate
from checker.dynamics import picard
from checker.enclosure import to_arb
from checker.expression.enclose import compare
from checker.settings import SETTINGS
from checker.settings.deq import DeqState
from checker.spectral import norm2
from checker.verdict import Verdict
from properties.evidence import trial
from properties.instances import caught
from properties.strategies import CONTRACTING, deq_configurations

CASES = st.tuples(deq_configurations(reaches=CONTRACTING[1:], partly=False), st.integers(1, 12))
PRECISIONS = (128, 512)


def judged(configuration: Configuration, steps: int, bits: int, shrunk: int) -> tuple[Verdict, float | None]:
    """gap <= (q/shrunk)**tau*gap_0 for tau = 1, ..., steps: the verdict and the least margin in decades."""
    worst: float | None = None
    verdict = Verdict.HOLDS
    with ctx.workprec(bits):
        instance = instantiate(configuration)
        states = picard(SETTINGS["deq"], instance, steps)
        first = next(states)
        q = to_arb(first.value("L_phi")) * norm2(instance.params["W"]) / shrunk
        bound = to_arb(first.value("gap"))
        for state in states:
            assert isinstance(state, DeqState)
            bound = bound * q
            gap = state.gap()
            found = compare("<=", gap, bound)
            if found is Verdict.FAILS:
                return found, None
            if found is Verdict.UNDECIDED:
                verdict = found
            if gap > 0 and bound > 0:
                decades = float(((bound / gap).log() / arb.const_log10()).lower())
                worst = decades if worst is None else min(worst, decades)
    return verdict, worst


def contracts(configuration: Configuration, steps: int, shrunk: int = 1) -> None:
    """No gap is certainly larger than the rate allows; decided at growing precision."""
    with trial("Picard rate") as case:
        verdict, margin = Verdict.UNDECIDED, None
        for bits in PRECISIONS:
            verdict, margin = judged(configuration, steps, bits, shrunk)
            if verdict is not Verdict.UNDECIDED:
                break
        assert verdict is not Verdict.FAILS
        if verdict is Verdict.UNDECIDED:
            return case.undecided()
        case.margin(None if margin is None else max(margin, 0.0), "gap <= q**tau*gap_0")
    return None


@pytest.mark.undecided(at_most=0.4)
@given(case=CASES)
def test_gaps_shrink_at_the_contraction_rate(case: tuple[Configuration, int]) -> None:
    """
    No Picard gap is certainly larger than (L_phi*|W|_2)**tau times the first gap.
    """
    contracts(*case)


def test_a_rate_that_is_twice_too_fast_is_caught() -> None:
    """
    The property above has the power to see a wrong rate, first on one neuron and one step.
    """
    configuration, steps = caught(CASES, lambda c: contracts(*c, shrunk=2), shrink=True)

    assert (configuration.sizes, steps) == ({"n": 1, "d": 1, "m": 1}, 1)
