"""Dual activations: golden values, independent evaluations, and balls that must contain the truth."""

from collections.abc import Callable

import numpy as np
import pytest
from flint import arb, ctx
from scipy.special import erf, expit, ndtr

from checker.errors import CertainlyUndefined, NotEnclosed
from checker.kernels import quadrature
from checker.kernels.dual import kappa, kappadot, second_moment, second_moment_derivative

# theory dossier, K1.2, at (q1, q2, k) = (1.2, 0.7, 0.4)
GOLDEN = {
    "relu": (0.259994406087, 0.321879694613),
    "abs": (0.639977624347, 0.287518778454),
    "erf": (0.180706088818, 0.464302688419),
    "sin": (0.158854774867, 0.418095035513),
    "gelu": (0.184496479129, 0.327642431734),
    "elu": (0.263629773644, None),
    "tanh": (0.154971049772, None),
    "sigmoid": (0.267446715195, None),
    "swish": (0.146777812839, None),
    "softplus": (0.743402185804, None),
    "identity": (0.4, 1.0),
}
ALL = (*GOLDEN, "leaky-relu")
SMOOTH = ("erf", "sin", "gelu", "elu", "tanh", "sigmoid", "swish", "softplus", "identity")


PLAIN: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda x: np.maximum(x, 0),
    "leaky-relu": lambda x: np.maximum(x, x / 100),
    "abs": np.abs,
    "erf": erf,
    "sin": np.sin,
    "gelu": lambda x: x * ndtr(x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "tanh": np.tanh,
    "sigmoid": expit,
    "swish": lambda x: x * expit(x),
    "softplus": lambda x: np.logaddexp(0, x),
    "identity": lambda x: x,
}


def _at(function: Callable[..., arb], activation: str, *point: str, prec: int = 100) -> arb:
    with ctx.workprec(prec):
        return function(activation, *map(arb, point))


@pytest.mark.parametrize("activation", GOLDEN)
def test_golden_values(activation: str) -> None:
    """
    The enclosures contain the dossier's twelve digits and are narrower than 1e-13.
    """
    expected, expected_dot = GOLDEN[activation]

    value = _at(kappa, activation, "1.2", "0.7", "0.4")
    slope = _at(kappadot, activation, "1.2", "0.7", "0.4")

    assert abs(value - expected) <= 1e-12
    assert expected_dot is None or abs(slope - expected_dot) <= 1e-12
    assert value.rad() <= 1e-13
    assert slope.rad() <= 1e-13


def test_leaky_relu_combines_relu_and_identity() -> None:
    """
    With slope 1/100, kappa and kappadot follow from those of relu.
    """
    value = _at(kappa, "leaky-relu", "1.2", "0.7", "0.4")
    slope = _at(kappadot, "leaky-relu", "1.2", "0.7", "0.4")

    assert abs(value - (0.99**2 * 0.259994406087 + 0.004)) <= 1e-12
    assert abs(slope - (0.99**2 * 0.321879694613 + 0.01)) <= 1e-12


@pytest.mark.parametrize("activation", ALL)
@pytest.mark.parametrize("point", [("1.2", "0.7", "0.4"), ("0.3", "2.5", "-0.6")])
def test_kappadot_is_the_slope_of_kappa(activation: str, point: tuple[str, str, str]) -> None:
    """
    By Price's theorem the central difference of kappa in k agrees with kappadot to second order.
    """
    q1, q2, k = point
    with ctx.workprec(100):
        h = arb(2.0**-12)
        above = kappa(activation, arb(q1), arb(q2), arb(k) + h)
        below = kappa(activation, arb(q1), arb(q2), arb(k) - h)
        difference = (above - below) / (2 * h)

        slope = kappadot(activation, arb(q1), arb(q2), arb(k))

    assert abs(difference - slope) <= 1e-6


@pytest.mark.parametrize("activation", ALL)
def test_a_simulation_agrees(activation: str) -> None:
    """
    The mean over 40000 seeded Gaussian pairs lies within five standard errors.
    """
    rng = np.random.default_rng(3)
    g, h = rng.normal(size=(2, 40_000))
    u = np.sqrt(1.7) * g
    v = -0.8 / np.sqrt(1.7) * g + np.sqrt(0.9 - 0.8**2 / 1.7) * h
    products = PLAIN[activation](u) * PLAIN[activation](v)

    value = _at(kappa, activation, "1.7", "0.9", "-0.8")

    assert abs(value - products.mean()) <= 5 * products.std() / 200


@pytest.mark.parametrize("activation", ALL)
def test_balls_contain_the_values_at_their_points(activation: str) -> None:
    """
    Whatever point of the balls is taken, its value overlaps the enclosure of the balls: also next to
    perfect correlation and to zero variance.
    """
    rng = np.random.default_rng(5)
    for centre, radius in (((1.2, 0.7, 0.4), 1e-2), ((1.0, 1.0, 1.0), 1e-4), ((1e-3, 0.5, 0.0), 2e-3)):
        with ctx.workprec(80):
            balls = [arb(c, radius) for c in centre]
            wide = kappa(activation, *balls)
            for _ in range(2):
                q1, q2, k = (c + radius * float(rng.uniform(-1, 1)) for c in centre)
                q1, q2 = max(q1, 0.0), max(q2, 0.0)
                k = float(np.clip(k, -np.sqrt(q1 * q2), np.sqrt(q1 * q2)))

                inside = kappa(activation, arb(q1), arb(q2), arb(k))

                assert wide.overlaps(inside)
                assert wide.rad() <= 0.2


@pytest.mark.parametrize("activation", ["relu", "leaky-relu", "abs", *SMOOTH])
def test_derivative_balls_contain_the_values_at_their_points(activation: str) -> None:
    """
    The same for kappadot, with variances that are certainly positive.
    """
    with ctx.workprec(80):
        wide = kappadot(activation, arb(1.2, 0.01), arb(0.7, 0.01), arb(0.4, 0.01))
        for signs in ((1, 1, 1), (-1, 1, -1), (1, -1, 1)):
            q1, q2, k = (c + 0.0099 * s for c, s in zip((1.2, 0.7, 0.4), signs, strict=True))

            assert wide.overlaps(kappadot(activation, arb(q1), arb(q2), arb(k)))


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "swish", "softplus"])
def test_the_proved_error_covers_a_coarse_rule(activation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A rule asked for 6 bits is visibly wrong or wide, and its ball still contains the accurate value.
    """
    fine = _at(kappa, activation, "1.2", "0.7", "0.4")
    fine_moment = _at(second_moment, activation, "1.2")
    monkeypatch.setattr(quadrature, "MOST_BITS", 6)

    coarse = _at(kappa, activation, "1.2", "0.7", "0.4")
    coarse_moment = _at(second_moment, activation, "1.2")

    assert coarse.contains(fine)
    assert coarse_moment.contains(fine_moment)
    assert 1e-6 <= coarse.rad() <= 0.5


@pytest.mark.parametrize("activation", ALL)
def test_second_moments_are_the_diagonal(activation: str) -> None:
    """
    second_moment(q) is kappa(q, q, q), and the same for derivatives.
    """
    with ctx.workprec(80):
        q = arb("0.8")

        assert second_moment(activation, q).overlaps(kappa(activation, q, q, q))
        assert second_moment_derivative(activation, q).overlaps(kappadot(activation, q, q, q))
        assert second_moment(activation, q).rad() <= 1e-13


@pytest.mark.parametrize("activation", ["tanh", "erf", "sin"])
def test_odd_functions_change_sign_with_one_argument(activation: str) -> None:
    """
    At correlation -1 an odd activation gives minus its second moment.
    """
    with ctx.workprec(80):
        moment = second_moment(activation, arb(2))

        value = kappa(activation, arb(2), arb(2), arb(-2))

        assert abs(value + moment) <= 1e-13


@pytest.mark.parametrize(("activation", "sign"), [("relu", 0), ("abs", 2), ("elu", None)])
def test_perfect_correlation_is_exact_enough(activation: str, sign: int | None) -> None:
    """
    Parallel and antiparallel variables of unequal variance keep thirteen digits.
    """
    with ctx.workprec(100):
        q1, q2 = arb("0.3"), arb("1.9")
        most = (q1 * q2).sqrt()

        parallel = kappa(activation, q1, q2, most)
        antiparallel = kappa(activation, q1, q2, -most)

        assert parallel.rad() <= 1e-13
        assert antiparallel.rad() <= 1e-13
        if sign is not None:
            assert abs(antiparallel - sign * most / 2) <= 1e-13


@pytest.mark.parametrize("activation", ALL)
def test_a_variable_that_is_zero_factors_out(activation: str) -> None:
    """
    With u = 0 for sure, kappa is phi(0) times the mean of phi(v).
    """
    at_zero = {"softplus": np.log(2), "sigmoid": 0.5}.get(activation, 0.0)
    mean = {"softplus": 0.8060594, "sigmoid": 0.5}.get(activation, 0.0)  # E phi(g)

    value = _at(kappa, activation, "0", "1", "0")

    assert abs(value - at_zero * mean) <= 1e-6
    assert value.rad() <= 1e-12


@pytest.mark.parametrize("activation", ["relu", "leaky-relu", "abs"])
def test_a_kink_that_may_be_hit_is_not_enclosed(activation: str) -> None:
    """
    Where a variance may be zero the derivative dual of a kinked activation has no value.
    """
    with pytest.raises(NotEnclosed, match="where the activation has its kink"):
        kappadot(activation, arb(0, 1e-9), arb(1), arb(0))
    with pytest.raises(NotEnclosed, match="where the activation has its kink"):
        second_moment_derivative(activation, arb(0))


def test_broken_variances_are_refused() -> None:
    """
    A negative variance is certainly undefined, an unknown or huge one is not enclosed.
    """
    with pytest.raises(CertainlyUndefined, match="a variance is negative"):
        kappa("relu", arb(-1), arb(1), arb(0))
    with pytest.raises(NotEnclosed, match="a variance is not enclosed"):
        kappa("tanh", arb("nan"), arb(1), arb(0))
    with pytest.raises(NotEnclosed, match="a covariance is not enclosed"):
        kappa("tanh", arb(1), arb(1), arb("inf"))
    with pytest.raises(NotEnclosed, match="too large for the quadrature"):
        kappa("tanh", arb(10) * 10**6, arb(1), arb(0))
