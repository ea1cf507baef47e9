"""Well-posedness: what is said to exist uniquely does, and its enclosure holds it."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.configuration import Configuration
from checker.enclosure import Enclosure
from checker.errors import NotEnclosed
from checker.verdict import Verdict
from properties import independent
from properties.evidence import trial
from properties.instances import BITS, caught, disagreement, enclosed, entries, floats_of, picard_start
from properties.strategies import REACHES, deq_configurations, seeds

FEW_NEURONS = deq_configurations(
    reaches=(*REACHES, 1.0, 2.0),
    activations=("relu", "leaky-relu", "abs", "identity"),
    m=2,
    n=2,
    d=2,
    partly=False,
)

SLACK = mp.mpf(10) ** -60
"""An independent equilibrium is known at least this well: its defect is 12 decades smaller."""


def holds_it(configuration: Configuration, seed: int, shift: float = 0.0) -> None:
    """The enclosure of the equilibrium, moved by `shift`, against Newton's method in mpmath."""
    with trial("well-posedness: enclosure") as case, mp.workdps(independent.DIGITS):
        with enclosed(configuration) as state:
            if state.well_posed()[0] is not Verdict.HOLDS:
                return case.rejected()
            balls = [x + shift for x in entries(state.value("T"))]
            defects = _defects(configuration, state.value("T"))
        W, U, X = (independent.exact_array(configuration.arrays[k]) for k in ("W", "U", "X"))
        T, defect = independent.equilibrium(
            str(configuration.activation), W, U * X, picard_start(configuration, seed)
        )
        if not defect < mp.mpf(10) ** (8 - independent.DIGITS):
            return case.undecided()
        assert not disagreement(balls, T, SLACK)
        if shift == 0.0:
            widest = max(float(x.rad()) for x in balls)
            assert max(defects) <= 1e-20 + 4 * (1 + len(balls)) * widest
            case.margin(float(np.log10(2.0**-50 / max(widest, 2.0**-400))), "2**-50 / radius")
    return None


def _defects(configuration: Configuration, T: Enclosure) -> list[float]:
    """How far the midpoints are from solving the fixed-point equation, in mpmath."""
    W, U, X = (independent.exact_array(configuration.arrays[k]) for k in ("W", "U", "X"))
    phi = independent.PHI[str(configuration.activation)]
    rows, columns = W.rows, X.cols
    texts = [x.mid().str(60, radius=False) for x in entries(T)]
    middle = mp.matrix([[mp.mpf(texts[i * columns + j]) for j in range(columns)] for i in range(rows)])
    Z = W * middle + U * X
    return [float(abs(phi(Z[i, j]) - middle[i, j])) for i in range(rows) for j in range(columns)]


@pytest.mark.undecided(at_most=0.3)
@given(configuration=deq_configurations(partly=False), seed=seeds)
def test_the_enclosure_holds_the_equilibrium(configuration: Configuration, seed: int) -> None:
    """
    Where the model is well-posed, Newton's method in mpmath from any start ends inside the enclosure.
    """
    holds_it(configuration, seed)


def test_an_enclosure_that_is_off_by_a_millionth_is_caught() -> None:
    """
    The property above has the power to see a misplaced enclosure.
    """
    cases = st.tuples(deq_configurations(partly=False), seeds)

    configuration, _ = caught(cases, lambda c: holds_it(*c, shift=2.0**-20))

    assert configuration.setting == "deq"


def agrees_on_the_number_of_solutions(configuration: Configuration, *, lie: bool = False) -> None:
    """The verdict (its opposite, where it is to lie) against all sign patterns in exact fractions."""
    with trial("well-posedness: number of solutions") as case:
        with enclosed(configuration, BITS) as state:
            verdict, reason = state.well_posed()
        if verdict is Verdict.UNDECIDED or any(a.map != "plain" for a in configuration.arrays.values()):
            return case.undecided()
        arrays = {name: a.floats for name, a in configuration.arrays.items()}
        source = independent.exact_product(arrays["U"], arrays["X"])
        counts = independent.solution_counts(str(configuration.activation), arrays["W"], source)
        unique = all(count == 1 for count in counts)
        assert (unique is not lie) is (verdict is Verdict.HOLDS), (
            f"{counts} solutions, but {verdict}: {reason}"
        )
    return None


@pytest.mark.undecided(at_most=0.1)
@given(configuration=FEW_NEURONS)
def test_existence_and_uniqueness_are_counted_right(configuration: Configuration) -> None:
    """
    With one or two piecewise linear neurons the verdict agrees with the number of solutions per sample.
    """
    agrees_on_the_number_of_solutions(configuration)


def test_a_wrong_number_of_solutions_is_caught() -> None:
    """
    The property above fails for a verdict that says the opposite, first on the smallest model.
    """
    found = caught(FEW_NEURONS, lambda c: agrees_on_the_number_of_solutions(c, lie=True), shrink=True)

    assert found.sizes == {"n": 1, "d": 1, "m": 1}


def agrees_for_one_neuron(configuration: Configuration, *, lie: bool = False) -> None:
    """The verdict (its opposite, where it is to lie) against sign changes on a grid."""
    with trial("well-posedness: one smooth neuron") as case:
        with enclosed(configuration) as state:
            verdict, reason = state.well_posed()
        found = floats_of(configuration)
        w, u = float(found["W"][0, 0]), float((found["U"] @ found["X"])[0, 0])
        crossings = independent.crossings(str(configuration.activation), w, u)
        if verdict is Verdict.UNDECIDED or (verdict is Verdict.FAILS and crossings < 2):
            return case.undecided()
        assert ((crossings < 2) is not lie) is (verdict is Verdict.HOLDS), (
            f"{crossings}, but {verdict}: {reason}"
        )
    return None


ONE_NEURON = deq_configurations(
    reaches=(1.5, 0.5, 4.0), activations=("tanh", "erf", "sin"), m=1, n=1, d=1, partly=False
)


@pytest.mark.undecided(at_most=0.4)
@given(configuration=ONE_NEURON)
def test_one_smooth_neuron_is_judged_right(configuration: Configuration) -> None:
    """
    A lone neuron said to have several equilibria has them, and one said to have a single one has no more.
    """
    agrees_for_one_neuron(configuration)


def test_a_wrong_verdict_on_one_neuron_is_caught() -> None:
    """
    The property above has the power to see a wrong verdict.
    """
    found = caught(ONE_NEURON, lambda c: agrees_for_one_neuron(c, lie=True))

    assert found.sizes["m"] == 1


@pytest.mark.undecided(at_most=0.0)
@given(configuration=deq_configurations(partly=False))
def test_no_equilibrium_is_given_where_uniqueness_is_not_certain(configuration: Configuration) -> None:
    """
    T has an enclosure exactly where the equilibrium is certified to exist and be unique.
    """
    with trial("well-posedness: no T without it"), enclosed(configuration) as state:
        certain = state.well_posed()[0] is Verdict.HOLDS

        try:
            state.value("T")
            given_out = True
        except NotEnclosed:
            given_out = False

        assert certain is given_out
