"""The float engine's equilibria, gradients and kernels: what it encloses holds in balls at 300 bits."""

from dataclasses import replace

import numpy as np
import pytest
from flint import arb, arb_mat, ctx
from hypothesis import given
from hypothesis import strategies as st

from checker.blas.matrix import FloatMatrix, nearest
from checker.configuration import Configuration, instantiate
from checker.enclosure import Enclosure, frobenius, matrix, to_arb
from checker.errors import NotEnclosed
from checker.settings import Instance
from checker.settings.deq import DeqState
from checker.settings.deq_float import DeqFloatState
from checker.verdict import Verdict
from properties.evidence import trial
from properties.instances import caught
from properties.strategies import CONTRACTING, deq_configurations, seeds

BITS = 300
NAMES = ("T", "preactivation", "yhat", "G", "NTK", "grad_norm", "loss", "residual", "gap", "loss_star")
SLACKS = st.sampled_from([0.0, 2.0**-50, 2.0**-30, 2.0**-10])
MODELS = deq_configurations(reaches=CONTRACTING, m=8)


def near(instance: Instance, slack: float) -> Instance:
    """Every array as floats, known up to `slack` more than the balls are."""

    def wide(A: arb_mat) -> FloatMatrix:
        found = nearest(A)
        return FloatMatrix(found.mid, found.slack + slack)

    params = {name: wide(A) for name, A in instance.params.items()}
    return replace(instance, X=wide(instance.X), y=wide(instance.y), params=params)


def shaken(instance: Instance, slack: float, seed: int) -> Instance:
    """Every array moved by a little less than `slack`, in a drawn direction."""
    rng = np.random.default_rng(seed)

    def moved(A: arb_mat) -> arb_mat:
        direction = rng.standard_normal((A.nrows(), A.ncols())) * rng.integers(0, 2, (A.nrows(), A.ncols()))
        length = float(np.linalg.norm(direction))
        return A + matrix(direction * (0.999 * slack / length)) if length and slack else A

    params = {name: moved(A) for name, A in instance.params.items()}
    return replace(instance, X=moved(instance.X), y=moved(instance.y), params=params)


def apart(found: Enclosure, truth: Enclosure) -> bool:
    """Can the enclosures certainly not be of the same matrix or number?"""
    if not isinstance(found, FloatMatrix):
        assert not isinstance(truth, arb_mat)
        return not to_arb(found).overlaps(to_arb(truth))  # type: ignore[arg-type]
    assert isinstance(truth, arb_mat)
    return bool(frobenius(matrix(found.mid) - truth) > arb(found.slack))


def margin(found: Enclosure, truth: Enclosure) -> float | None:
    """Decades between the slack and how far off the floats are."""
    if not isinstance(found, FloatMatrix) or found.slack == 0 or not isinstance(truth, arb_mat):
        return None
    off = frobenius(matrix(found.mid) - truth)
    known = off.rad() < 1e-3 * found.slack and off > 0  # else the truth is known less well than the floats
    return float(np.log10(found.slack / float(off.mid()))) if known else None


def encloses(configuration: Configuration, slack: float, seed: int, *, ignore: float = 1.0) -> None:
    """Every name in floats (its slack times `ignore`, to break it) against a model within the slack."""
    with trial("float engine: enclosure") as case, ctx.workprec(BITS):
        exact = instantiate(configuration)
        state = DeqFloatState(near(exact, slack))
        truth = DeqState(shaken(exact, slack, seed))
        found = 0
        for name in NAMES:
            try:
                value, reference = state.value(name), truth.value(name)
            except NotEnclosed:
                continue
            if isinstance(value, FloatMatrix):
                value = FloatMatrix(value.mid, value.slack * ignore)
            found += 1
            assert not apart(value, reference), name
            case.margin(margin(value, reference), name)
        if found < len(NAMES):
            case.undecided()


@pytest.mark.undecided(at_most=0.2)
@given(configuration=MODELS, slack=SLACKS, seed=seeds)
def test_every_enclosure_holds_for_models_within_the_slack(
    configuration: Configuration, slack: float, seed: int
) -> None:
    """
    Equilibrium, gradients, kernels and loss of any model within the slacks lie in the float enclosures.
    """
    encloses(configuration, slack, seed)


def test_an_engine_that_forgets_slack_is_caught() -> None:
    """
    The property above sees bounds that are a thousand times too small.
    """
    cases = st.tuples(MODELS, st.just(2.0**-10), seeds)

    configuration, _, _ = caught(cases, lambda c: encloses(*c, ignore=1e-3))

    assert configuration.setting == "deq"


def never_contradicts(configuration: Configuration, *, believe: bool = False) -> None:
    """Well-posedness in floats (claimed for everything, if it is to believe) against balls."""
    with trial("float engine: well-posedness") as case, ctx.workprec(BITS):
        exact = instantiate(configuration)
        here, reason = DeqFloatState(near(exact, 0.0)).well_posed()
        there, _ = DeqState(exact).well_posed()
        if here is Verdict.UNDECIDED and not believe:
            return case.undecided()
        assert there is not Verdict.FAILS, reason
    return None


@pytest.mark.undecided(at_most=0.6)
@given(configuration=deq_configurations(reaches=(0.5, 1 - 2.0**-20, 1.0, 1.5, 2.0), m=4))
def test_what_is_well_posed_in_floats_is_so_in_balls(configuration: Configuration) -> None:
    """
    A model that the float engine calls well-posed has never a certain second equilibrium, nor none.
    """
    never_contradicts(configuration)


def test_an_engine_that_believes_everything_is_caught() -> None:
    """
    The property above has the power to see a claim beyond the contraction threshold.
    """
    found = caught(deq_configurations(reaches=(1.5, 2.0), m=4), lambda c: never_contradicts(c, believe=True))

    assert found.note["reach"] > 1


def signs_hold(configuration: Configuration, *, turned: bool = False) -> None:
    """Float preactivations outside the open list have the sign that balls give (its opposite, if turned)."""
    with trial("float engine: signs") as case, ctx.workprec(BITS):
        exact = instantiate(configuration)
        state, truth = DeqFloatState(near(exact, 0.0)), DeqState(exact)
        try:
            signs, Z, kinks = state.value("preactivation"), truth.value("preactivation"), state.kink_open
        except NotEnclosed:
            return case.undecided()
        assert isinstance(signs, FloatMatrix)
        assert isinstance(Z, arb_mat)
        for i in range(Z.nrows()):
            for j in range(Z.ncols()):
                if (i, j) in kinks:
                    continue
                sign = float(np.sign(signs.mid[i, j])) * (-1 if turned else 1)
                certain = (Z[i, j] > 0) - (Z[i, j] < 0) if not Z[i, j].is_zero() else 0
                assert certain == sign or Z[i, j].contains(0)
        if kinks:
            case.undecided()
    return None


@pytest.mark.undecided(at_most=0.4)
@given(configuration=deq_configurations(reaches=CONTRACTING, activations=("relu", "abs", "leaky-relu"), m=8))
def test_certain_signs_are_right(configuration: Configuration) -> None:
    """
    Beside the listed open ones every preactivation has the sign of its float, or is exactly zero.
    """
    signs_hold(configuration)


def test_a_wrong_sign_is_caught() -> None:
    """
    The property above has the power to see a sign that is wrong.
    """
    found = caught(
        deq_configurations(reaches=CONTRACTING, activations=("relu",)), lambda c: signs_hold(c, turned=True)
    )

    assert found.activation == "relu"
