"""The enclosed deep equilibrium model: equilibria, gradients, kinks, and refusals."""

from dataclasses import replace

import numpy as np
import pytest
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat
from rigor_instances import deq_instance, entries_contained, widest

from checker.activations import BALL_ACTIVATIONS
from checker.enclosure import add_radius, frobenius, matrix, to_arb
from checker.errors import NotEnclosed
from checker.settings import SETTINGS, Instance
from checker.verdict import Verdict

DEQ = SETTINGS["deq"]
NAMES = sorted(BALL_ACTIVATIONS)


def picard_reference(instance: Instance, bits: int = 500) -> arb_mat:
    """T by iterating the map on exact midpoints at many bits, from 0; not a proof, a reference."""
    phi = BALL_ACTIVATIONS[instance.activation or ""].phi
    with ctx.workprec(bits):
        W, source = instance.params["W"], instance.params["U"] * instance.X
        T = arb_mat(W.nrows(), source.ncols())
        for _ in range(1200):
            image = (W * T + source).entries()
            T = arb_mat(T.nrows(), T.ncols(), [phi(z) for z in image]).mid()
    return T


@pytest.mark.parametrize("bits", [64, 128, 300])
@pytest.mark.parametrize("name", NAMES)
def test_the_equilibrium_is_enclosed_tightly(name: str, bits: int) -> None:
    """
    T contains a reference at 500 bits, and its balls are as narrow as the precision allows.
    """
    instance = deq_instance(5, 3, 4, name)
    reference = picard_reference(instance)

    with ctx.workprec(bits):
        T = DEQ.enclose(instance).value("T")

    assert isinstance(T, arb_mat)
    assert entries_contained(reference, add_radius(T, [arb(2) ** -290] * 3))
    assert widest(T) < 2.0 ** (12 - bits)


@pytest.mark.parametrize("m", [60, 150])
@pytest.mark.parametrize("name", ["relu", "tanh"])
def test_wider_models_are_enclosed_as_tightly(name: str, m: int) -> None:
    """
    The paths for wide models give the same equilibria and gradients as a reference demands.
    """
    instance = deq_instance(m, 2, 3, name, norm=0.4)
    with ctx.workprec(128):
        state = DEQ.enclose(instance)

        T, Z = state.value("T"), state.value("preactivation")

        assert isinstance(T, arb_mat)
        assert isinstance(Z, arb_mat)
        image = arb_mat(m, 2, [BALL_ACTIVATIONS[name].phi(z) for z in Z.entries()])
        assert image.overlaps(T)
        assert widest(T) < 1e-34
        assert to_arb(state.value("grad_norm")).rad() < 1e-32


def test_a_linear_model_has_the_exact_rational_equilibrium() -> None:
    """
    With the identity, T contains the exact rational solution of (I - W)T = U X.
    """
    instance = deq_instance(4, 3, 4, "identity")
    W = fmpq_mat(4, 4, [e.fmpq() for e in instance.params["W"].entries()])
    U = fmpq_mat(4, 4, [e.fmpq() for e in instance.params["U"].entries()])
    X = fmpq_mat(4, 3, [e.fmpq() for e in instance.X.entries()])
    one = fmpq_mat(4, 4, [int(i == j) for i in range(4) for j in range(4)])
    exact = (one - W).solve(U * X)

    with ctx.workprec(100):
        T = DEQ.enclose(instance).value("T")

    assert isinstance(T, arb_mat)
    for ball, value in zip(T.entries(), exact.entries(), strict=True):
        with ctx.workprec(400):
            assert ball.contains(value)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_agree_with_central_differences(name: str) -> None:
    """
    Every gradient entry matches a central difference of the enclosed loss at 400 bits.
    """
    with ctx.workprec(400):
        instance = deq_instance(3, 2, 2, name, norm=0.6, seed=5)
        gradients = DEQ.enclose(instance).gradients()
        step = arb(2) ** -120

        for parameter, gradient in gradients.items():
            point = instance.params[parameter]
            for i in range(point.nrows()):
                for j in range(point.ncols()):
                    losses: list[arb] = []
                    for sign in (1, -1):
                        moved = arb_mat(point)
                        moved[i, j] = moved[i, j] + sign * step
                        params = instance.params | {parameter: moved}
                        losses.append(to_arb(DEQ.enclose(replace(instance, params=params)).value("loss")))
                    slope = (losses[0] - losses[1]) / (2 * step)
                    assert abs(slope - gradient[i, j]) < 1e-65
                    assert gradient[i, j].rad() < 1e-110


def test_the_norm_of_the_gradient_and_the_kernel_fit_together() -> None:
    """
    r' NTK r is the squared norm of all gradients, and G is the part of the readout.
    """
    with ctx.workprec(200):
        state = DEQ.enclose(deq_instance(6, 4, 3, "softplus"))
        kernel, r = state.value("NTK"), state.value("yhat")
        assert isinstance(kernel, arb_mat)
        assert isinstance(r, arb_mat)
        r = r - state.instance.y

        joint = (r.transpose() * kernel * r)[0, 0]

        assert abs(joint - to_arb(state.value("grad_norm")) * to_arb(state.value("grad_norm"))) < 1e-50
        only_a = DEQ.enclose(replace(state.instance, trains=("a",))).value("NTK")
        assert only_a == state.value("G") or frobenius(only_a - state.value("G")).contains(0)


def test_every_parameter_in_the_balls_is_covered() -> None:
    """
    Loss and gradients of parameters drawn from the balls lie in the enclosures over the balls.
    """
    rng = np.random.default_rng(2)
    for name, m in [(name, 4) for name in NAMES] + [("relu", 40), ("tanh", 40)]:
        instance = deq_instance(m, 2, 3, name, seed=7)
        balls, inside = {}, {}
        for key, value in instance.params.items():
            balls[key] = add_radius(value, [arb(1e-6)] * value.ncols())
            shape = (value.nrows(), value.ncols())
            inside[key] = value + matrix(rng.uniform(-9e-7, 9e-7, shape))
        with ctx.workprec(128):
            wide, narrow = (DEQ.enclose(replace(instance, params=p)) for p in (balls, inside))

            assert to_arb(wide.value("loss")).overlaps(to_arb(narrow.value("loss")))
            for key, gradient in wide.gradients().items():
                assert entries_contained(narrow.gradients()[key].mid(), gradient)
            assert to_arb(wide.value("loss")).rad() < 1e-3


@pytest.mark.parametrize("kink", [fmpq(0), fmpq(1, 2), fmpq(1)])
def test_a_dead_row_takes_the_value_at_the_kink(kink: fmpq) -> None:
    """
    Rows of W and U that are exactly zero give exactly zero preactivations, so phi' is the chosen value there.
    """
    instance = deq_instance(4, 2, 3, "relu", seed=1)
    params = dict(instance.params)
    for key in ("W", "U"):
        rows = params[key].tolist()
        rows[2] = [arb(0)] * len(rows[2])
        params[key] = arb_mat(rows)
    params["W"] = arb_mat([[arb(0) if j == 2 else w for j, w in enumerate(r)] for r in params["W"].tolist()])
    with ctx.workprec(128):
        state = DEQ.enclose(replace(instance, params=params, kink=kink))

        Z, gradient = state.value("preactivation"), state.gradients()["U"]

        assert isinstance(Z, arb_mat)
        assert all(Z[2, j].is_zero() for j in range(2))
        assert state.kink_open == ()
        expected = sum(
            (state.value("yhat")[i, 0] - instance.y[i, 0]) * params["a"][2, 0] * arb(kink) * instance.X[0, i]
            for i in range(2)
        )
        assert abs(gradient[2, 0] - expected) < 1e-30


def test_a_preactivation_that_may_be_zero_makes_the_gradient_a_hull() -> None:
    """
    A ball around the kink is reported, and the gradient holds those of both slopes.
    """
    instance = deq_instance(3, 2, 2, "relu", seed=1)
    params = dict(instance.params)
    for key in ("W", "U"):
        rows = params[key].tolist()
        rows[1] = [arb(0, 1e-30)] * len(rows[1])
        params[key] = arb_mat(rows)
    with ctx.workprec(128):
        state = DEQ.enclose(replace(instance, params=params))

        gradient = state.gradients()["U"]

        assert state.kink_open == ((1, 0), (1, 1))
        assert gradient[1, 0].contains(0)
        assert gradient[1, 0].rad() > 1e-3
        assert to_arb(state.value("loss")).rad() < 1e-25


def test_names_that_are_claims_or_infinite() -> None:
    """
    L_dphi of relu is refused, well_posed is 1, and unknown names are an error of the caller.
    """
    state = DEQ.enclose(deq_instance(3, 2, 2, "relu"))

    assert state.value("well_posed") == 1
    with pytest.raises(NotEnclosed, match="L_dphi is infinite"):
        state.value("L_dphi")
    with pytest.raises(KeyError):
        state.value("Sigma")


def test_every_declared_name_has_a_value_of_its_shape() -> None:
    """
    Each name of the declaration but the callers' own yields an enclosure of the declared shape.
    """
    instance = deq_instance(4, 2, 3, "gelu")
    state = DEQ.enclose(instance)
    sizes = {"m": 4, "n": 2, "d": 3}

    for name, shape in DEQ.names.items():
        if name in ("K", "K_NTK", "path_length"):
            continue
        value = state.value(name)
        if not shape:
            assert not isinstance(value, arb_mat), name
        else:
            assert isinstance(value, arb_mat), name
            assert (sizes[shape[0]], sizes[shape[1]] if len(shape) > 1 else 1) == (
                value.nrows(),
                value.ncols(),
            )


def test_loss_star_is_zero_only_with_a_trained_readout() -> None:
    """
    A positive definite G and a trained readout make loss_star exactly 0; else it lies in [0, loss].
    """
    instance = deq_instance(5, 2, 3, "tanh")
    frozen = DEQ.enclose(replace(instance, trains=("W",)))

    assert fmpq(0) == DEQ.enclose(instance).value("loss_star")
    bound = frozen.value("loss_star")
    assert isinstance(bound, arb)
    assert bound.contains(0)
    assert bound.contains(to_arb(frozen.value("loss")).mid())


def test_extra_names_come_from_the_caller() -> None:
    """
    A kernel handed over in `extra` is returned as it is, and is missing without it.
    """
    instance = deq_instance(3, 2, 2, "relu")
    kernel = matrix(np.eye(2))

    given = DEQ.enclose(replace(instance, extra={"K": kernel}))

    assert kernel == given.value("K")
    with pytest.raises(KeyError):
        DEQ.enclose(instance).value("K")


def test_functions_of_an_input_agree_with_the_training_columns() -> None:
    """
    equilibrium, predict and well_posed at a training input are the training values.
    """
    with ctx.workprec(128):
        state = DEQ.enclose(deq_instance(4, 3, 3, "elu"))
        x = arb_mat(3, 1, [state.instance.X[i, 1] for i in range(3)])

        t, prediction = state.call("equilibrium", x), state.call("predict", x)

        T, yhat = state.value("T"), state.value("yhat")
        assert isinstance(t, arb_mat)
        assert isinstance(T, arb_mat)
        assert isinstance(yhat, arb_mat)
        assert all(abs(t[i, 0] - T[i, 1]) < 1e-30 for i in range(4))
        assert abs(to_arb(prediction) - yhat[1, 0]) < 1e-30
        assert state.call("well_posed", x) == 1
        with pytest.raises(KeyError):
            state.call("sigma", x)


def test_parameters_that_are_not_finite_are_refused() -> None:
    """
    A NaN in a parameter leaves every name open, and well-posedness undecided.
    """
    instance = deq_instance(3, 2, 2, "relu")
    for key in ("W", "U"):
        broken = arb_mat(instance.params[key])
        broken[0, 0] = arb.nan()
        state = DEQ.enclose(replace(instance, params=instance.params | {key: broken}))

        with pytest.raises(NotEnclosed):
            state.value("loss")
        if key == "W":
            assert Verdict.UNDECIDED is state.well_posed()[0]
