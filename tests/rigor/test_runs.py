"""Runs in balls: precision planned from what they lose, and kinks named."""

import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, arb_mat, ctx, fmpq

from checker.configuration import Configuration, ExactArray, instantiate
from checker.declaration import read_theorem
from checker.dynamics import (
    MOST_BITS,
    descend,
    first_precision,
    replanned_precision,
    widening,
)
from checker.errors import NotEnclosed
from checker.expression.parse import parse_expression
from checker.findings import conclusion
from checker.kinks import kink_at
from checker.runs import TIE_BITS, run
from checker.settings import SETTINGS
from checker.theorem import Theorem
from checker.verdict import Verdict


def theorem(claim: str = "loss >= 0", *, norm: str = "", algorithm: str = "gradient-descent") -> Theorem:
    """A theorem about deep equilibrium models that concludes only `claim`."""
    moving = algorithm == "gradient-descent"
    return read_theorem(
        f"""
format = 1
[theorem]
id = "some-run"
title = "A run"
setting = "deq"
kind = "deterministic"
[theorem.source]
fidelity = "derived"
[dynamics]
algorithm = "{algorithm}"
{'step = "eta"' if moving else 'trains = ["W"]'}
{"[parameters.eta]" if moving else ""}
{'domain = "0 < eta"' if moving else ""}
{'quantifier = "forall"' if moving else ""}
{f'[scope]{chr(10)}data_norm = "{norm}"' if norm else ""}
[conclusions]
claim = "{claim}"
""",
        "some-run.theorem.toml",
    )


DESCENT = theorem("next(loss) <= loss", norm="sqrt(3/2)")


def drawn(activation: str, m: int, eta: str, *, n: int = 3, d: int = 4, seed: int = 0) -> Configuration:
    """A Gaussian start of moderate size."""
    rng = np.random.default_rng(seed)
    arrays = {
        "X": ExactArray(rng.standard_normal((d, n))),
        "y": ExactArray(rng.standard_normal(n)),
        "W": ExactArray(rng.standard_normal((m, m)) * 0.3 / np.sqrt(m)),
        "U": ExactArray(rng.standard_normal((m, d)) / np.sqrt(d)),
        "a": ExactArray(rng.standard_normal(m) / np.sqrt(m)),
    }
    return configured(arrays, activation, eta)


def configured(arrays: dict[str, ExactArray], activation: str, eta: str) -> Configuration:
    (m, d), n = arrays["U"].floats.shape, arrays["X"].floats.shape[1]
    return Configuration(
        "deq", {"n": n, "d": d, "m": m}, arrays, {"eta": parse_expression(eta)}, activation,
        trains=("W", "U", "a"),
    )  # fmt: skip


def cancelling(third: float, eta: str = "1/100", label: float = 1.0) -> Configuration:
    """Neuron 2 gets c - c + third*c of sample 1, c irrational: 0 for third = 0, which balls cannot see."""
    X = np.array([[1.0, 1.0], [1.0, 0.5], [1.0, 2.0]])
    arrays = {
        "X": ExactArray(X, "columns", parse_expression("sqrt(3/2)")),
        "y": ExactArray(np.array([label, -label])),
        "W": ExactArray(np.array([[0.25, 0.0], [0.0, 0.0]])),
        "U": ExactArray(np.array([[1.0, 0.5, 0.25], [1.0, -1.0, third]])),
        "a": ExactArray(np.array([0.5, 0.5])),
    }
    return configured(arrays, "relu", eta)


def test_a_wide_smooth_model_stays_determined_to_the_end() -> None:
    """
    A hundred steps of tanh with m = 32, which lose more than two bits each, are judged to the last.
    """
    found = run(theorem(), drawn("tanh", 32, "1/20"), 100, curves=False)

    assert (found.steps, found.ended, found.verdict) == (100, "", Verdict.HOLDS)
    assert not found.lost


@pytest.mark.parametrize(("bits", "steps", "lost"), [(64, 20, False), (80, 60, True)])
def test_a_run_that_widens_is_tried_with_the_bits_its_widening_asks_for(
    bits: int, steps: int, lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A plan that is too short leaves a claim open, whether the run is lost or not; more bits decide it.
    """
    configuration, sharp = drawn("tanh", 12, "1/20"), theorem("next(loss) + 1/2**80 > next(loss)")
    monkeypatch.setattr("checker.runs.planned_precision", lambda _: bits)

    short = run(sharp, configuration, steps, precision=bits, curves=False)
    found = run(sharp, configuration, steps, curves=False)

    assert (short.verdict, short.lost) == (Verdict.UNDECIDED, lost)
    assert (found.steps, found.ended, found.verdict) == (steps, "", Verdict.HOLDS)
    assert bits < found.precision <= MOST_BITS


def test_the_same_run_is_judged_alike_twice() -> None:
    """
    Precision, ending, reasons and margins are the same when a run is repeated.
    """
    configuration = cancelling(0.0, "1/10", 4.0)

    first, second = (run(DESCENT, configuration, 12) for _ in range(2))

    assert first == second


def test_an_exact_tie_is_named_where_it_leaves_a_claim_open() -> None:
    """
    The conclusion says which neuron, which sample and how close, and the bits are those planned.
    """
    found = run(DESCENT, cancelling(0.0), 30)

    kink = "the gradient is open at step 0, where the preactivation of neuron 2 on sample 1 is within "
    reason = found.outcomes["claim"].reason
    assert Verdict.UNDECIDED is found.verdict
    assert re.fullmatch(rf"step \d+: .*; {kink}\d\.\de-616 of the kink of relu", reason)
    assert first_precision(30) == found.precision


def test_an_exact_tie_is_named_where_it_ends_the_run() -> None:
    """
    A run that is lost after an open kink says so in its ending, and in the record of the conclusion.
    """
    found = run(DESCENT, cancelling(0.0, "1/10", 4.0), 30)

    kink = "where the preactivation of neuron 2 on sample 1 is within"
    lost = (
        f"the trajectory is not determined beyond step {found.steps}; the gradient is open at step 0, {kink}"
    )
    assert found.lost
    assert found.steps < 30
    assert found.ended.startswith(lost)
    assert kink in conclusion(DESCENT, "claim", [found], 1).reason


def test_a_tie_is_named_in_a_static_claim() -> None:
    """
    A claim about the tangent kernel alone names the open kink too.
    """
    static = theorem("lambda_max(NTK) <= 2", norm="sqrt(3/2)", algorithm="none")

    found = run(static, replace(cancelling(0.0), trains=("W",)), 5)

    assert Verdict.UNDECIDED is found.verdict
    assert "neuron 2 on sample 1" in found.outcomes["claim"].reason
    assert not found.lost


@pytest.mark.parametrize(("third", "least"), [(2.0**-140, 141), (2.0**-600, 601)])
def test_a_sign_that_more_bits_decide_is_no_kink(third: float, least: int) -> None:
    """
    128 bits leave the sign open and name it; a run without a given precision finds enough bits.
    """
    short = run(DESCENT, cancelling(third), 20, precision=128)
    found = run(DESCENT, cancelling(third), 20)

    assert "neuron 2 on sample 1" in short.outcomes["claim"].reason
    assert (found.ended, found.verdict) == ("", Verdict.HOLDS)
    assert least <= found.precision <= TIE_BITS


def test_exact_zeros_keep_the_convention_and_are_no_kinks() -> None:
    """
    A neuron whose weights are all 0 has phi' as the theorem says, and nothing is open.
    """
    arrays = dict(drawn("relu", 5, "1/50").arrays)
    W, U = arrays["W"].floats.copy(), arrays["U"].floats.copy()
    W[2], U[2] = 0.0, 0.0

    found = run(theorem(), configured({**arrays, "W": ExactArray(W), "U": ExactArray(U)}, "relu", "1/50"), 40)

    assert ("", Verdict.HOLDS, first_precision(40)) == (found.ended, found.verdict, found.precision)


def test_training_the_readout_alone_needs_no_slopes() -> None:
    """
    The gradient of a does not use phi', so that a tie leaves nothing open.
    """
    configuration = replace(cancelling(0.0), trains=("a",))

    found = run(DESCENT, configuration, 30)

    with ctx.workprec(128):
        assert kink_at(SETTINGS["deq"].enclose(instantiate(configuration)), 0) is None
    assert (found.ended, found.verdict) == ("", Verdict.HOLDS)


def test_a_float_run_names_the_kink_at_the_point_it_visits() -> None:
    """
    In floats an open sign concerns the step from the visited point, and is named there.
    """
    found = run(DESCENT, cancelling(0.0, "1/10", 4.0), 3, mode="float")

    assert Verdict.UNDECIDED is found.verdict
    assert "open at step 0, where the preactivation of neuron 2 on sample 1" in found.outcomes["claim"].reason


@pytest.mark.parametrize("mode", ["balls", "float"])
def test_a_run_that_does_not_start_leaves_everything_open(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without an enclosure of the step size no step is judged, and the reason is kept.
    """

    def unknown(*_: object) -> None:
        raise NotEnclosed("the step size is not a number")

    monkeypatch.setattr("checker.runs.step_size", unknown)
    monkeypatch.setattr("checker.judging.step_size", unknown)

    found = run(DESCENT, cancelling(0.0), 30, mode=mode)

    assert (found.verdict, found.lost) == (Verdict.UNDECIDED, True)
    assert found.ended == "the run does not start: the step size is not a number"
    assert f"step 0: {found.ended}" == found.outcomes["claim"].reason


@pytest.mark.parametrize("bits", [40, 128, 900, 4000])
def test_the_size_of_a_kink_is_rounded_up(bits: int) -> None:
    """
    `within` is not below the largest |preactivation| in the ball, and above it by at most a tenth.
    """
    with ctx.workprec(bits):
        state = SETTINGS["deq"].enclose(instantiate(cancelling(0.0)))
        kink = kink_at(state, 0)
        preactivation = state.value("preactivation")
    assert kink is not None
    assert isinstance(preactivation, arb_mat)

    size, within = abs(preactivation[1, 0]).upper(), Fraction(kink.within)
    with ctx.workprec(bits + 100):
        stated = arb(fmpq(within.numerator, within.denominator))
        assert size <= stated
        assert stated < size * fmpq(111, 100)


def test_widths_grow_by_a_few_bits_a_step_at_most() -> None:
    """
    An exact start has no width, and what is lost a step is below what is measured in the documentation.
    """
    for activation, m in (("relu", 8), ("tanh", 16), ("sigmoid", 8)):
        configuration = drawn(activation, m, "1/20")
        with ctx.workprec(200):
            states = descend(SETTINGS["deq"], instantiate(configuration), fmpq(1, 20), 20)
            widths = [widening(state.instance) for state in states]

        assert -float("inf") == widths[0]
        assert 0 < (widths[-1] - widths[1]) / 19 <= 3


def test_the_width_of_parameters_that_are_not_finite_is_infinite() -> None:
    """
    A parameter without a bound is as wide as can be.
    """
    start = instantiate(drawn("relu", 2, "1/20"))

    assert float("inf") == widening(
        replace(start, params={**start.params, "a": arb_mat(2, 1, [1, arb("inf")])})
    )


@pytest.mark.parametrize(
    ("bits", "widths", "steps", "expected"),
    [
        (128, [], 10, None),  # nothing is known of the run
        (128, [-120.0, -100.0, -90.0], 10, None),  # it did not widen: more bits do not help
        (MOST_BITS, [-100.0, 0.0, 5.0], 10, None),  # there are no more
        (128, [0.0, 1.0, 2.0], 10, 256),  # no part is sharp enough to extrapolate
        (MOST_BITS // 2 + 1, [0.0, 1.0], 10, MOST_BITS),
    ],
)
def test_more_bits_only_where_they_may_help(
    bits: int, widths: list[float], steps: int, expected: int | None
) -> None:
    """
    At least twice the bits where a trajectory widened, up to the most there are; else none.
    """
    assert expected == replanned_precision(bits, widths, steps)


def test_more_bits_follow_the_rate_of_widening() -> None:
    """
    Ten bits a step over a hundred steps ask for a thousand bits and some.
    """
    widths = [-float("inf"), *(-126.0 + 10 * k for k in range(20))]

    wanted = replanned_precision(128, widths, 100)

    assert wanted is not None
    assert 64 + 10 * 100 <= wanted <= 64 + 14 * 100


def test_no_kink_where_signs_are_certain_or_nothing_is_known() -> None:
    """
    Certain signs, smooth activations and models without a certified equilibrium name no kink.
    """
    with ctx.workprec(128):
        for activation in ("relu", "tanh"):
            state = SETTINGS["deq"].enclose(instantiate(drawn(activation, 4, "1/20")))
            assert kink_at(state, 3) is None
        wild = drawn("relu", 4, "1/20")
        arrays = {**wild.arrays, "W": ExactArray(40 * wild.arrays["W"].floats)}
        assert kink_at(SETTINGS["deq"].enclose(instantiate(configured(arrays, "relu", "1"))), 0) is None
