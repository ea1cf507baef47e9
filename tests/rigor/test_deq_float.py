"""The deep equilibrium model in near floats against the same model in balls at 300 bits."""

from dataclasses import replace

import numpy as np
import pytest
from flint import arb, arb_mat, ctx, fmpq
from float_models import NAMES, drawn, holds, in_balls, in_floats, lipschitz, moved

from checker.activations import BALL_ACTIVATIONS
from checker.blas import layer as layers
from checker.blas.matrix import FloatMatrix
from checker.enclosure import matrix, to_arb
from checker.errors import NotEnclosed
from checker.settings.deq import DEQ, DeqState
from checker.settings.deq_float import DeqFloatState
from checker.verdict import Verdict

ACTIVATIONS = sorted(BALL_ACTIVATIONS)
KINKED = ("abs", "leaky-relu", "relu")
SLACKS = {
    "exact": {},
    "rounding": {"W": 1e-14, "U": 1e-14, "X": 1e-14, "a": 1e-14, "y": 1e-14},
    "wide": {"W": 1e-4, "U": 1e-5, "X": 1e-4, "a": 1e-3, "y": 1e-3},
    "only W": {"W": 1e-6},
}


@pytest.fixture(autouse=True)
def precision():
    """300 bits for what is in balls."""
    with ctx.workprec(300):
        yield


def missed(state: DeqFloatState, truth: DeqState) -> list[str]:
    """The names whose enclosures certainly exclude the truth."""
    return [name for name in NAMES if not holds(state.value(name), truth.value(name))]


@pytest.mark.parametrize("slack", SLACKS)
@pytest.mark.parametrize("m", [1, 4, 17, 40])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_name_encloses_the_truth(activation: str, m: int, slack: str) -> None:
    """
    All values hold for the floats themselves and for models drawn within the slacks.
    """
    arrays = drawn(m, 3, 2, 1, norm=0.7 / lipschitz(activation))
    state = DeqFloatState(in_floats(arrays, activation, SLACKS[slack]))

    assert Verdict.HOLDS is state.well_posed()[0]
    for seed in range(1 if slack == "exact" else 3):
        truth = DeqState(moved(arrays, activation, SLACKS[slack], seed))

        assert missed(state, truth) == []


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_exact_floats_are_enclosed_to_rounding(activation: str) -> None:
    """
    Without slack every matrix and number is known to a part in 10**9 of its size.
    """
    state = DeqFloatState(in_floats(drawn(20, 3, 4, 2, norm=0.7 / lipschitz(activation)), activation))

    for name in NAMES[:-1]:
        value = state.value(name)
        if isinstance(value, FloatMatrix):
            assert value.slack < 1e-9 * value.size, name
        else:
            assert to_arb(value).rad() < 1e-9 * abs(to_arb(value)), name
    assert state.value("loss_star") == 0


@pytest.mark.parametrize("unit", [1e-120, 1e-30, 1e30])
@pytest.mark.parametrize("activation", ["abs", "identity", "leaky-relu", "relu"])
def test_huge_and_tiny_scales_are_enclosed_or_refused(activation: str, unit: float) -> None:
    """
    Scaled inputs, readouts and labels give enclosures that hold, or none.
    """
    arrays = drawn(9, 2, 3, 3, unit=unit)
    state, truth = DeqFloatState(in_floats(arrays, activation)), DeqState(in_balls(arrays, activation))
    seen = 0

    for name in NAMES:
        try:
            value = state.value(name)
        except NotEnclosed:
            continue
        seen += 1
        assert holds(value, truth.value(name)), name

    assert seen >= 5
    assert holds(state.value("T"), truth.value("T"))


@pytest.mark.parametrize("kink", [fmpq(0), fmpq(1, 2), fmpq(1)])
@pytest.mark.parametrize("activation", KINKED)
def test_dead_rows_and_empty_inputs_keep_their_value_at_the_kink(activation: str, kink: fmpq) -> None:
    """
    A neuron without weights, and an input of zeros, leave no sign open and the gradients narrow.
    """
    arrays = drawn(6, 3, 2, 4)
    arrays["W"][1], arrays["U"][1] = 0, 0
    arrays["X"][:, 2] = 0
    state = DeqFloatState(in_floats(arrays, activation, kink=kink))
    truth = DeqState(in_balls(arrays, activation, kink))

    assert state.kink_open == truth.kink_open == ()
    assert missed(state, truth) == []
    gradient = state.value("grad_U")
    assert isinstance(gradient, FloatMatrix)
    assert gradient.slack < 1e-12
    T = state.value("T")
    assert isinstance(T, FloatMatrix)
    assert not T.mid[:, 2].any()


@pytest.mark.parametrize("activation", KINKED)
def test_a_sign_that_stays_open_is_listed_and_its_gradients_cover_both(activation: str) -> None:
    """
    A preactivation that may be zero is listed, and every model within the slacks is still covered.
    """
    arrays = drawn(5, 2, 2, 5)
    arrays["W"][3], arrays["U"][3] = 0, 0
    slack = {"U": 1e-7}
    state = DeqFloatState(in_floats(arrays, activation, slack))

    assert state.kink_open == ((3, 0), (3, 1))
    for seed in range(8):
        assert missed(state, DeqState(moved(arrays, activation, slack, seed))) == []
    gradient = state.value("grad_U")
    assert isinstance(gradient, FloatMatrix)
    assert gradient.slack > 1e-3
    assert to_arb(state.value("loss")).rad() < 1e-5


def test_signs_near_the_kink_are_certified_down_to_rounding() -> None:
    """
    Preactivations of size 1e-12 have certain signs; of size 1e-17 beside ordinary terms they have not.
    """
    arrays = drawn(3, 1, 2, 6)
    arrays["W"][:] = 0
    arrays["X"] = np.array([[1.0], [1.0]])
    for size, expected in ((1e-12, ()), (0.0, ((0, 0),))):
        arrays["U"] = np.array([[1.0, size - 1.0], [1.0, 1.0], [-1.0, -1.0]])

        state = DeqFloatState(in_floats(arrays, "relu"))

        assert state.kink_open == expected
        assert missed(state, DeqState(in_balls(arrays, "relu"))) == []


def test_a_model_beyond_every_condition_is_left_open() -> None:
    """
    Where no condition is certain nothing is said, though an equilibrium could be found.
    """
    arrays = drawn(10, 2, 2, 7, norm=4.0)
    state = DeqFloatState(in_floats(arrays, "tanh"))

    verdict, reason = state.well_posed()

    assert verdict is Verdict.UNDECIDED
    assert "no sufficient condition" in reason
    for name in ("T", "loss", "well_posed", "NTK", "grad_W"):
        with pytest.raises(NotEnclosed, match="no sufficient condition"):
            state.value(name)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_well_posedness_agrees_with_balls(activation: str) -> None:
    """
    What is well-posed here is so in balls; the reasons are the same sentences.
    """
    for seed, norm in enumerate((0.3, 0.99, 1.2)):
        arrays = drawn(5, 2, 2, seed, norm=norm / lipschitz(activation))

        here, there = (
            DeqFloatState(in_floats(arrays, activation)).well_posed(),
            DeqState(in_balls(arrays, activation)).well_posed(),
        )

        assert here == there or here[0] is Verdict.UNDECIDED
        assert here[0] is Verdict.HOLDS or norm > 1


def test_a_local_proof_is_told_and_decides_nothing() -> None:
    """An equilibrium that is alone nearby need not be alone."""
    state = DeqFloatState(in_floats(drawn(12, 2, 3, 5, norm=1.6), "tanh"))
    verdict, reason = state.well_posed()
    assert verdict is Verdict.UNDECIDED
    assert "no other that near (Newton-Kantorovich); that there is no other at all is not shown" in reason
    with pytest.raises(NotEnclosed):
        state.value("T")


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_iterate_gives_the_values_of_that_iterate(activation: str) -> None:
    """
    Given an iterate, all names are its own, also where it is known up to a slack.
    """
    arrays = drawn(6, 2, 3, 8, norm=0.5 / lipschitz(activation))
    T = np.random.default_rng(0).standard_normal((6, 2))
    for slack in (0.0, 1e-6):
        state = DeqFloatState(in_floats(arrays, activation), FloatMatrix(T, slack))
        truth = DeqState(in_balls(arrays, activation), matrix(T + slack * 0.9 * np.eye(6, 2) / np.sqrt(2)))

        assert missed(state, truth) == []
        assert holds(state.image(), truth.image())
        assert state.well_posed() == DeqFloatState(in_floats(arrays, activation)).well_posed()


def test_an_iterate_at_the_kink_is_exactly_there() -> None:
    """
    At the zero iterate a neuron without source keeps the value at the kink: no sign is open.
    """
    arrays = drawn(4, 2, 2, 9)
    arrays["U"][1] = 0

    state = DeqFloatState(in_floats(arrays, "relu"), FloatMatrix(np.zeros((4, 2))))
    truth = DeqState(in_balls(arrays, "relu"), arb_mat(4, 2))

    assert state.kink_open == truth.kink_open == ()
    assert missed(state, truth) == []


def test_functions_of_an_input_agree_with_balls() -> None:
    """
    equilibrium, predict and well_posed take near floats or balls and enclose what balls give.
    """
    arrays = drawn(7, 2, 3, 10)
    state, truth = DeqFloatState(in_floats(arrays, "gelu")), DeqState(in_balls(arrays, "gelu"))
    x = np.array([[0.3], [-1.0], [2.0]])

    for argument in (FloatMatrix(x), matrix(x)):
        assert holds(state.call("equilibrium", argument), truth.call("equilibrium", matrix(x)))
        assert holds(state.call("predict", argument), truth.call("predict", matrix(x)))
        assert state.call("well_posed", argument) == 1
    wide = state.call("predict", FloatMatrix(x, 1e-3))
    assert holds(wide, truth.call("predict", matrix(x + 5e-4)))
    with pytest.raises(KeyError):
        state.call("sigma", FloatMatrix(x))
    with pytest.raises(NotEnclosed, match="needs a vector"):
        state.call("predict", fmpq(1))


@pytest.mark.parametrize("trains", [("a",), ("W",), ("U", "a"), ()])
def test_parts_of_the_kernel_follow_what_is_trained(trains: tuple[str, ...]) -> None:
    """
    Kernel, gradients and loss_star are those of the trained parameters.
    """
    arrays = drawn(6, 3, 2, 11)
    state = DeqFloatState(replace(in_floats(arrays, "sin"), trains=trains))
    truth = DeqState(replace(in_balls(arrays, "sin"), trains=trains))

    assert holds(state.value("NTK"), truth.value("NTK"))
    assert holds(state.value("loss_star"), truth.value("loss_star"))
    assert sorted(state.gradients()) == sorted(trains)
    assert (state.value("loss_star") == 0) is ("a" in trains)
    assert all(holds(value, truth.gradients()[name]) for name, value in state.gradients().items())


def test_every_declared_name_has_a_value_of_its_shape() -> None:
    """
    Each name of the declaration but the callers' own yields an enclosure of the declared shape.
    """
    state = DeqFloatState(in_floats(drawn(5, 3, 2, 12), "elu"))
    sizes = {"m": 5, "n": 3, "d": 2}

    for name, shape in DEQ.names.items():
        if name in ("K", "K_NTK", "path_length"):
            continue
        value = state.value(name)
        if shape:
            assert isinstance(value, FloatMatrix), name
            expected = (sizes[shape[0]], sizes[shape[1]] if len(shape) > 1 else 1)
            assert expected == (value.nrows(), value.ncols()), name
        else:
            assert isinstance(value, arb | fmpq), name


def test_names_that_are_infinite_or_unknown_are_refused() -> None:
    """
    L_dphi of relu is infinite, other names are the caller's mistake.
    """
    state = DeqFloatState(in_floats(drawn(3, 2, 2, 13), "relu"))

    with pytest.raises(NotEnclosed, match="L_dphi is infinite"):
        state.value("L_dphi")
    with pytest.raises(KeyError):
        state.value("Sigma")


def test_a_hint_and_a_warm_start_change_nothing_that_is_certain() -> None:
    """
    A bound of the norm and a start from a neighbour give enclosures that still hold.
    """
    arrays = drawn(8, 2, 2, 14)
    plain = DeqFloatState(in_floats(arrays, "tanh"))
    hinted = replace(in_floats(arrays, "tanh"), norm_hint=arb("0.7"), start=plain.warm_start())

    assert missed(DeqFloatState(hinted), DeqState(in_balls(arrays, "tanh"))) == []
    infinite = replace(hinted, norm_hint=arb.pos_inf())
    assert Verdict.HOLDS is DeqFloatState(infinite).well_posed()[0]


def test_nothing_is_given_where_the_self_test_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Products that cannot be trusted leave every name and well-posedness open.
    """
    monkeypatch.setattr(layers, "trusted", lambda: False)
    state = DeqFloatState(in_floats(drawn(3, 2, 2, 15), "relu"))

    assert Verdict.UNDECIDED is state.well_posed()[0]
    for name in ("T", "G", "loss", "NTK", "W"):
        with pytest.raises(NotEnclosed, match="self-test"):
            state.value(name)
    with pytest.raises(NotEnclosed, match="self-test"):
        state.gradients()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_enclosure_that_is_too_narrow_is_seen(activation: str) -> None:
    """
    The comparison with balls has power: models moved by a hundred times the slack are outside.
    """
    arrays = drawn(6, 2, 2, 16, norm=0.5 / lipschitz(activation))
    state = DeqFloatState(in_floats(arrays, activation, {"U": 1e-6}))

    truth = DeqState(moved(arrays, activation, {"U": 1e-4}, 0))

    assert "preactivation" in missed(state, truth)
