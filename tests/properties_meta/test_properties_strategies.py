"""The strategies of the property suite: what they can draw, and what they shrink to."""

from collections.abc import Callable
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
import torch
from flint import ctx
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis.strategies import SearchStrategy

from checker.configuration import Configuration, exact, float_arrays, instantiate
from checker.reading import builtin_ids, load
from checker.settings import SETTINGS
from models.activations import ACTIVATIONS as MODELS
from properties import independent
from properties.aimed import starts_for
from properties.instances import caught, disagreement, entries
from properties.strategies import ACTIVATIONS, REACHES, configurations, deq_configurations, lipschitz

torch.set_num_threads(1)

QUICK = settings(
    derandomize=True,
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def _first(strategy: SearchStrategy[Configuration], wanted: Callable[[Configuration], bool]) -> Configuration:
    phases = settings(QUICK, max_examples=1000, phases=(Phase.generate,))
    return find(strategy, wanted, settings=phases)


@QUICK
@given(configurations())
def test_configurations_can_be_instantiated(configuration: Configuration) -> None:
    """
    Every drawn configuration has the shapes of its setting and finite balls.
    """
    with ctx.workprec(64):
        instance = instantiate(configuration)

    sizes = configuration.sizes
    assert (instance.X.nrows(), instance.X.ncols()) == (sizes["d"], sizes["n"])
    assert set(instance.params) == set(SETTINGS[configuration.setting].parameters)
    assert all(x.is_finite() for value in instance.params.values() for x in value.entries())


@QUICK
@given(deq_configurations())
def test_the_norm_of_the_weights_is_the_drawn_one(configuration: Configuration) -> None:
    """
    L_phi*|W|_2 is the drawn reach, up to rounding.
    """
    W = float_arrays(configuration)["W"]

    reach = lipschitz(str(configuration.activation)) * np.linalg.norm(W, 2)

    assert reach == pytest.approx(configuration.note["reach"], rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_drawn(name: str) -> None:
    """
    No activation of the specification is out of reach of the strategy.
    """
    assert _first(deq_configurations(), lambda c: c.activation == name).activation == name


def test_the_strategies_know_every_activation() -> None:
    """
    The list of the strategies is that of the models.
    """
    assert set(ACTIVATIONS) == set(MODELS) == set(independent.PHI) == set(independent.TORCH_PHI)


@pytest.mark.parametrize("reach", REACHES)
def test_every_reach_is_drawn(reach: float) -> None:
    """
    Weights well below, near, at the edge of and beyond the contraction threshold are drawn.
    """
    assert _first(deq_configurations(), lambda c: c.note["reach"] == reach).note["reach"] == reach


@pytest.mark.parametrize(
    "wanted",
    [
        lambda c: c.sizes["n"] > 1 and (c.arrays["X"].floats[:, 0] == c.arrays["X"].floats[:, -1]).all(),
        lambda c: (
            c.sizes["n"] > 1
            and 0 < np.abs(c.arrays["X"].floats[:, 0] - c.arrays["X"].floats[:, -1]).max() < 2**-6
        ),
        lambda c: not c.arrays["a"].floats.any(),
        lambda c: 0 < np.abs(c.arrays["y"].floats).max() < 2**-10,
        lambda c: c.arrays["W"].map == "orthogonal",
        lambda c: (
            c.sizes["m"] > 1 and c.note["reach"] > 0 and not np.linalg.eigvals(c.arrays["W"].floats).any()
        ),
        lambda c: c.trains == ("U",),
        lambda c: c.kink == Fraction(1, 2),
    ],
    ids=[
        "repeated",
        "near-parallel",
        "zero readout",
        "tiny labels",
        "orthogonal W",
        "nilpotent W",
        "U alone",
        "kink",
    ],
)
def test_corners_are_drawn(wanted: Callable[[Configuration], bool]) -> None:
    """
    The corners that theorems hide behind are within reach of the strategy.
    """
    assert wanted(_first(deq_configurations(), wanted))


def test_the_minimal_configuration_can_be_redone_on_paper() -> None:
    """
    With nothing asked for, one sample, one input, one neuron and small whole numbers are left.
    """
    found = find(deq_configurations(), lambda c: True, settings=QUICK)

    assert found.sizes == {"n": 1, "d": 1, "m": 1}
    assert all(float(x).is_integer() for array in found.arrays.values() for x in array.floats.ravel())


@pytest.mark.parametrize("identity", sorted(builtin_ids()))
def test_every_shipped_theorem_has_starts_aimed_at_it(identity: str) -> None:
    """
    A strategy is there for each built-in theorem, within its scope.
    """
    theorem = load(identity)

    found = _first(starts_for(theorem), lambda c: True)

    assert theorem.scope.activation is None or found.activation in theorem.scope.activation


def test_a_property_that_cannot_fail_is_noticed() -> None:
    """
    Where no case fails, looking for one raises instead of passing.
    """
    from hypothesis.errors import NoSuchExample

    with pytest.raises(NoSuchExample):
        caught(configurations(), lambda c: None, examples=20)


@QUICK
@given(deq_configurations(m=4))
def test_exact_arrays_agree_with_the_checkers(configuration: Configuration) -> None:
    """
    Gram-Schmidt in mpmath and in balls give the same exact weights.
    """
    with mp.workdps(independent.DIGITS), ctx.workprec(128):
        ours = independent.exact_array(configuration.arrays["W"])
        theirs = exact(configuration.arrays["W"], configuration)

        assert not disagreement(entries(theirs), ours, mp.mpf(10) ** -70)


def test_solutions_are_counted_by_hand() -> None:
    """
    z = |z|/2 + 1 has one solution, z = 2 relu(z) - 1 two; z = relu(z) + u has many, none or one.
    """
    one = independent.solution_counts("abs", np.array([[0.5]]), [[Fraction(1)]])
    two = independent.solution_counts("relu", np.array([[2.0]]), [[Fraction(-1)]])
    many = independent.solution_counts("relu", np.array([[1.0]]), [[Fraction(0), Fraction(1), Fraction(-1)]])

    assert (one, two, many) == ([1], [2], [2, 0, 1])
