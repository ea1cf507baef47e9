"""Two evaluators side by side: the float64 estimate of every name lies in, or next to, its enclosure."""

import numpy as np
import pytest
from hypothesis import given

from checker.batch import state_of
from checker.configuration import Configuration, float_arrays
from checker.enclosure import matrix
from checker.errors import NotEnclosed
from checker.settings import SETTINGS
from properties.evidence import trial
from properties.instances import caught, decades_inside, enclosed, entries, near_a_kink
from properties.strategies import deq_configurations, least_squares_configurations

CASES = least_squares_configurations() | deq_configurations(reaches=(0.0, 0.5, 0.9))

NOT_HERE = {"K", "K_NTK", "path_length"}
"""Names that have no value at one point: population limits, and the length of a path."""

ROUNDING = 2.0**-52 * 2**16
"""Rounding allowed to float64, relative to the sizes that enter; 0.9 amplifies by up to 10**4."""


def names_of(configuration: Configuration) -> list[str]:
    """Every name of the setting that has a value at one point, in order."""
    setting = SETTINGS[configuration.setting]
    untrained = {f"grad_{name}" for name in setting.parameters} - {
        f"grad_{name}" for name in configuration.trains
    }
    return sorted({*setting.names, *setting.claims, *setting.sizes} - NOT_HERE - untrained)


def size_of(configuration: Configuration) -> float:
    """The product of the sizes of what enters, to the power in which a kernel or a loss has them."""
    arrays = float_arrays(configuration)
    T = state_of(configuration).value("features")[0].numpy()
    return float(np.prod([1 + np.linalg.norm(x) for x in (*arrays.values(), T)])) ** 2


def side_by_side(configuration: Configuration, *, wrong: str = "") -> None:
    """Every name's estimate against its enclosure; `wrong` names an estimate to be moved by a millionth."""
    with trial(f"two evaluators: {configuration.setting}") as case:
        estimate = state_of(configuration)
        allowed = ROUNDING * size_of(configuration)
        with enclosed(configuration) as state:
            if near_a_kink(state):
                return case.undecided()
            for name in names_of(configuration):
                found = estimate.value(name)[0].flatten().tolist()
                if name == wrong:
                    found = [x + 2.0**-20 * (1 + abs(x)) for x in found]
                try:
                    balls = entries(state.value(name))
                except NotEnclosed:
                    assert name == "L_dphi", f"{name} is not enclosed"
                    assert found == [np.inf]
                    continue
                inside, where = decades_inside(balls, found, allowed)
                assert inside >= 0, f"{name}, {where}"
                case.margin(inside, name)
    return None


@pytest.mark.undecided(at_most=0.25)
@given(configuration=CASES)
def test_estimates_lie_within_rounding_of_enclosures(configuration: Configuration) -> None:
    """
    For every name a claim may use, the float64 value is within rounding of the enclosure.
    """
    side_by_side(configuration)


@pytest.mark.parametrize(
    "name", ["T", "G", "NTK", "loss", "residual", "grad_norm", "gap", "L_phi", "phi_0", "preactivation"]
)
def test_an_estimate_that_is_off_by_a_millionth_is_caught(name: str) -> None:
    """
    The property above has the power to see a small error in each name.
    """
    found = caught(deq_configurations(reaches=(0.0, 0.5)), lambda c: side_by_side(c, wrong=name))

    assert name in names_of(found)


def functions_agree(configuration: Configuration, *, other: bool = False) -> None:
    """`predict` at a training input against yhat there (or against minus it, to break it)."""
    with trial(f"functions of an input: {configuration.setting}") as case, enclosed(configuration) as state:
        for j in range(configuration.sizes["n"]):
            x = matrix(float_arrays(configuration)["X"][:, j : j + 1])
            try:
                (here,) = entries(state.call("predict", x))
                there = entries(state.value("yhat"))[j]
            except NotEnclosed:
                return case.undecided()
            assert here.overlaps(-there if other else there)
            assert configuration.setting != "deq" or all(
                t.overlaps(e)
                for t, e in zip(
                    entries(state.value("T"))[j :: configuration.sizes["n"]],
                    entries(state.call("equilibrium", x)),
                    strict=True,
                )
            )
    return None


@pytest.mark.undecided(at_most=0.1)
@given(configuration=CASES)
def test_functions_of_an_input_agree_with_the_training_set(configuration: Configuration) -> None:
    """
    predict and equilibrium, called at a training input, give what yhat and T hold for it.
    """
    functions_agree(configuration)


def test_a_prediction_of_the_wrong_sign_is_caught() -> None:
    """
    The property above has the power to see another prediction.
    """
    found = caught(CASES, lambda c: functions_agree(c, other=True))

    assert found.sizes["n"] >= 1
