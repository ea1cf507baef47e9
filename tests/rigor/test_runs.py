"""Runs in balls: precision planned from what they lose, and kinks named."""

import numpy as np
import pytest
from flint import ctx, fmpq

from checker.configuration import Configuration, ExactArray, instantiate
from checker.declaration import read_theorem
from checker.dynamics import MOST_BITS, descend, planned_precision, replanned_precision, widening
from checker.expression.parse import parse_expression
from checker.kinks import kink_at
from checker.runs import run
from checker.settings import SETTINGS
from checker.theorem import Theorem
from checker.verdict import Verdict

STACKED = np.array([[1.0, 1.0], [1.0, 0.5], [1.0, 2.0]])
"""Inputs whose first two entries are equal in the first sample."""


def theorem(claim: str = "loss >= 0", norm: str = "") -> Theorem:
    """Gradient descent on a deep equilibrium model, about which only `claim` is concluded."""
    scope = f'[scope]\ndata_norm = "{norm}"\n' if norm else ""
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
algorithm = "gradient-descent"
step = "eta"
[parameters]
eta = {{ domain = "0 < eta", quantifier = "forall" }}
{scope}
[conclusions]
claim = "{claim}"
""",
        "some-run.theorem.toml",
    )


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


def cancelling(third: float) -> Configuration:
    """Neuron 2 gets U x = c - c + third*c for columns scaled to an irrational norm, and nothing from W."""
    arrays = {
        "X": ExactArray(
            np.array([[1.0, 1.0], [1.0, 0.5], [1.0, 2.0]]), "columns", parse_expression("sqrt(3/2)")
        ),
        "y": ExactArray(np.array([1.0, -1.0])),
        "W": ExactArray(np.array([[0.25, 0.0], [0.0, 0.0]])),
        "U": ExactArray(np.array([[1.0, 0.5, 0.25], [1.0, -1.0, third]])),
        "a": ExactArray(np.array([0.5, 0.5])),
    }
    return configured(arrays, "relu", "1/100")


def test_a_wide_smooth_model_stays_determined_to_the_end() -> None:
    found = run(theorem(), drawn("tanh", 32, "1/20"), 100, curves=False)
    assert (found.steps, found.ended, found.verdict) == (100, "", Verdict.HOLDS)


def test_a_run_that_gets_lost_is_tried_with_the_bits_its_widening_asks_for() -> None:
    configuration, some = drawn("tanh", 12, "1/8"), theorem()
    short = run(some, configuration, 40, precision=80, curves=False)
    assert "not determined beyond step" in short.ended and short.verdict is Verdict.UNDECIDED
    planned = run(some, configuration, 40, curves=False)
    assert (planned.steps, planned.ended, planned.verdict) == (40, "", Verdict.HOLDS)


def test_an_exact_tie_is_named_and_more_bits_are_not_wasted_on_it() -> None:
    found = run(theorem("next(loss) <= loss", "sqrt(3/2)"), cancelling(0.0), 30)
    assert found.verdict is Verdict.UNDECIDED
    reason = found.outcomes["claim"].reason
    assert "at step 0 the preactivation of neuron 2 on sample 1 is within" in reason
    assert reason.endswith("of the kink of relu")
    assert planned_precision(30) < found.precision <= 4 * planned_precision(30)


def test_a_sign_that_more_bits_decide_is_no_kink() -> None:
    configuration, some = cancelling(2.0**-140), theorem("next(loss) <= loss", "sqrt(3/2)")
    assert "neuron 2 on sample 1" in run(some, configuration, 20, precision=128).outcomes["claim"].reason
    found = run(some, configuration, 20)
    assert (found.ended, found.verdict) == ("", Verdict.HOLDS)
    assert found.precision > 128


def test_exact_zeros_keep_the_convention_and_are_no_kinks() -> None:
    arrays = dict(drawn("relu", 5, "1/50").arrays)
    W, U = arrays["W"].floats.copy(), arrays["U"].floats.copy()
    W[2], U[2] = 0.0, 0.0
    configuration = configured({**arrays, "W": ExactArray(W), "U": ExactArray(U)}, "relu", "1/50")
    found = run(theorem(), configuration, 40)
    assert (found.ended, found.verdict) == ("", Verdict.HOLDS)


def test_widths_grow_by_a_few_bits_a_step_at_most() -> None:
    for activation, m in (("relu", 8), ("tanh", 16), ("sigmoid", 8)):
        configuration = drawn(activation, m, "1/20")
        with ctx.workprec(200):
            states = descend(SETTINGS["deq"], instantiate(configuration), fmpq(1, 20), 20)
            widths = [widening(state.instance) for state in states]
        assert widths[0] == -float("inf")
        assert (widths[-1] - widths[1]) / 19 <= 3


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
    assert replanned_precision(bits, widths, steps) == expected


def test_more_bits_follow_the_rate_of_widening() -> None:
    widths = [-float("inf"), *(-126.0 + 10 * k for k in range(20))]
    wanted = replanned_precision(128, widths, 100)
    assert wanted is not None and wanted >= 64 + 10 * 100


def test_no_kink_where_signs_are_certain_or_nothing_is_known() -> None:
    with ctx.workprec(128):
        for activation in ("relu", "tanh"):
            state = SETTINGS["deq"].enclose(instantiate(drawn(activation, 4, "1/20")))
            assert kink_at(state, 3) is None
        wild = drawn("relu", 4, "1/20")
        arrays = {**wild.arrays, "W": ExactArray(40 * wild.arrays["W"].floats)}
        assert kink_at(SETTINGS["deq"].enclose(instantiate(configured(arrays, "relu", "1"))), 0) is None
