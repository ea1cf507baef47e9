"""The two code paths agree: plain mpmath numbers lie in the balls."""

from dataclasses import replace

import numpy as np
import pytest
from certificate_samples import ACTIVATIONS, TESTS, deq, least_squares, random_deq
from flint import arb, arb_mat, ctx, fmpq
from mpmath import mp

from checker.configuration import Configuration, ExactArray, exact, instantiate
from checker.declaration import read_theorem
from checker.dynamics import descend, picard
from checker.enclosure import Enclosure
from checker.expression.parse import parse_expression
from checker.hypotheses import gates, judge_hypotheses
from checker.judging import judged_conclusions
from checker.reading import load, read_file
from checker.replay import Story, replay
from checker.replay_arrays import array_of
from checker.replay_unique import unique
from checker.replay_values import NotReplayed, Value, entries, transposed
from checker.settings import SETTINGS
from checker.verdict import Verdict
from checker.violation import judge_step

NAMES = ("T", "preactivation", "yhat", "residual", "loss", "G", "NTK", "gap", "L_phi", "phi_0")
GRADIENTS = ("grad_norm", "grad_W", "grad_U", "grad_a")
SLACK = 1e-40


def inside(value: Value, ball: Enclosure) -> bool:
    """Do all entries lie in the balls, but for rounding in the last digits?"""
    numbers = entries(value) if isinstance(value, list) else [value]
    balls = ball.entries() if isinstance(ball, arb_mat) else [arb(ball)]
    with ctx.workprec(400):
        near = [arb(mp.nstr(x, 60)) + arb(0, SLACK * (1 + abs(float(x)))) for x in numbers]
        return all(x.overlaps(b) for x, b in zip(near, balls, strict=True))


def smooth(activation: str) -> bool:
    return activation not in ("relu", "leaky-relu", "abs")


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_descent_of_a_deq_stays_in_the_balls(activation):
    """
    Five steps of gradient descent give numbers that lie in the balls, for every activation.
    """
    configuration = random_deq(load("deq-gd"), activation, seed=ACTIVATIONS.index(activation))
    names = NAMES + GRADIENTS + (("L_dphi",) if smooth(activation) else ())

    with mp.workdps(64), ctx.workprec(128):
        story = Story(load("deq-gd"), configuration)
        states = descend(SETTINGS["deq"], instantiate(configuration), fmpq(1, 50), 5)
        outside = [
            (tau, name)
            for tau, state in enumerate(states)
            for name in names
            if not inside(story.state(tau).value(name), state.value(name))
        ]

    assert outside == []


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_equilibrium_iteration_stays_in_the_balls(activation):
    """
    Five steps of the equilibrium iteration give numbers that lie in the balls.
    """
    theorem = load("deq-contraction")
    configuration = random_deq(theorem, activation, seed=40 + ACTIVATIONS.index(activation), norm=0.7)

    with mp.workdps(64), ctx.workprec(128):
        story = Story(theorem, configuration)
        states = picard(SETTINGS["deq"], instantiate(configuration), 5)
        outside = [
            (tau, name)
            for tau, state in enumerate(states)
            for name in NAMES
            if not inside(story.state(tau).value(name), state.value(name))
        ]

    assert outside == []


@pytest.mark.parametrize("seed", range(4))
def test_gradient_descent_on_least_squares_stays_in_the_balls(seed):
    """
    Five steps on least squares give numbers that lie in the balls, the least loss included.
    """
    theorem = load("gd-least-squares")
    rng = np.random.default_rng(seed)
    n, d = ((2, 3), (3, 2), (1, 1), (4, 4))[seed]
    shapes = ((d, n), (n,), (d,))
    configuration = least_squares(theorem, *(rng.standard_normal(s) for s in shapes), {"eta": "1/20"})
    names = ("yhat", "residual", "loss", "loss_star", "G", "NTK", "grad_norm", "grad_w", "features", "w")

    with mp.workdps(64), ctx.workprec(128):
        story = Story(theorem, configuration)
        states = descend(SETTINGS["least-squares"], instantiate(configuration), fmpq(1, 20), 5)
        outside = [
            (tau, name)
            for tau, state in enumerate(states)
            for name in names
            if not inside(story.state(tau).value(name), state.value(name))
        ]

    assert outside == []


@pytest.mark.parametrize("trains", [("W",), ("U",), ("a",), ("W", "a")])
def test_frozen_parameters_do_not_move_and_have_no_gradient(trains):
    """
    Only the trained parameters move, and only they enter the tangent kernel.
    """
    text = (TESTS / "corpus" / "valid" / "trains-input-false.theorem.toml").read_text(encoding="utf-8")
    text = text.replace('["U"]', str(list(trains)).replace("'", '"'))
    theorem = read_theorem(text, "some.theorem.toml")
    configuration = random_deq(theorem, "tanh", seed=7)

    with mp.workdps(64), ctx.workprec(128):
        story = Story(theorem, configuration)
        *_, last = descend(SETTINGS["deq"], instantiate(configuration), fmpq(1, 50), 3)
        ours = story.state(3)
        outside = [k for k in ("W", "U", "a", "NTK", "grad_norm") if not inside(ours.value(k), last.value(k))]

    assert (theorem.trains, outside) == (trains, [])


def test_the_kink_is_taken_where_a_preactivation_is_exactly_zero():
    """
    At an exact zero of the preactivation both paths use the stated value of phi'.
    """
    theorem = load("deq-gd")
    configuration = deq(
        theorem, activation="relu", parameters={"eta": "1/8"}, kink="1/3",
        X=[[1.0]], y=[1.0], W=[[0.25, 0.0], [0.0, 0.25]], U=[[0.0], [1.0]], a=[1.0, 1.0],
    )  # fmt: skip

    with mp.workdps(64), ctx.workprec(128):
        ours = Story(theorem, configuration).state(0).value("grad_U")
        theirs = SETTINGS["deq"].enclose(instantiate(configuration)).value("grad_U")

        assert inside(ours, theirs)
        assert abs(ours[0][0]) > 0.1


@pytest.mark.parametrize(
    ("map_", "scale"),
    [("plain", None), ("columns", "sqrt(d)"), ("goe", "1/m"), ("orthogonal", "1/2"), ("constant", "n/7")],
)
@pytest.mark.parametrize("shape", [(2, 2), (3, 2), (2, 3)])
def test_the_exact_maps_agree(map_, scale, shape):
    """
    Every exact map of stored floats gives numbers that lie in the balls.
    """
    if map_ == "goe" and shape != (2, 2):
        return
    floats = np.random.default_rng(3).standard_normal(shape)
    array = ExactArray(floats, map_, None if scale is None else parse_expression(scale))
    frame = Configuration("deq", {"n": 2, "d": 3, "m": 4}, {}, {})

    with mp.workdps(64), ctx.workprec(128):
        assert inside(array_of(array, frame), exact(array, frame))


@pytest.mark.parametrize("name", ["functions", "static-lipschitz", "static-size", "deq-picard-entries"])
def test_whole_theorems_of_a_deq_get_the_same_answers(name):
    """
    Where balls decide a hypothesis or a conclusion, plain numbers say the same.
    """
    theorem = read_file(str(TESTS / "corpus" / "valid" / f"{name}.theorem.toml"))
    configuration = random_deq(theorem, "relu", seed=11)
    rng = np.random.default_rng(5)
    extra = {k: ExactArray(rng.standard_normal(2)) for k in theorem.variables}
    configuration = replace(configuration, arrays={**configuration.arrays, **extra}, parameters={})
    wanted = gates(theorem, configuration)
    judged = {j.name: j.verdict for j in judge_hypotheses(theorem, configuration)}
    step = 0 if theorem.algorithm == "none" else 3

    for conclusion, claim in judged_conclusions(theorem, configuration).items():
        found = replay(theorem, configuration, wanted, claim, step)
        verdict = judge_step(theorem, configuration, conclusion, step, 256).verdict

        assert {k: found.hypotheses[k] for k, v in judged.items() if v is Verdict.HOLDS} == {
            k: "true" for k, v in judged.items() if v is Verdict.HOLDS
        }
        truths = {part.truth for part in found.parts}
        assert ("false" in truths) == (verdict is Verdict.FAILS)


def test_temporal_operators_and_path_length_agree():
    """
    Sums, least and greatest values and the path length are those of the balls.
    """
    theorem = read_file(str(TESTS / "corpus" / "valid" / "ls-temporal.theorem.toml"))
    X, y, w = [[1.0, 2.0], [0.5, -1.0]], [1.0, -1.0], [0.0, 0.25]
    configuration = least_squares(theorem, X, y, w, {"eta": "1/8"})

    for name, claim in judged_conclusions(theorem, configuration).items():
        judgement = judge_step(theorem, configuration, name, 4, 256)
        found = replay(theorem, configuration, [], claim, 4)

        assert judgement.lhs is not None and judgement.rhs is not None
        with mp.workdps(found.digits):
            assert inside(found.parts[0].lhs, judgement.lhs) and inside(found.parts[0].rhs, judgement.rhs)


@pytest.mark.parametrize(
    ("activation", "w", "x", "expected"),
    [
        ("relu", 0.5, 1.0, True),
        ("relu", 1.5, -1.0, False),
        ("relu", 1.5, 1.0, False),
        ("relu", -3.0, 1.0, True),
        ("relu", 1.0, 0.0, False),
        ("relu", 1.0, 1.0, False),
        ("relu", 1.0, -1.0, True),
        ("identity", 1.0, 1.0, False),
        ("identity", 1.0, 0.0, False),
        ("identity", 2.0, 1.0, True),
        ("tanh", 3.0, 0.0, False),
        ("tanh", -3.0, 0.5, None),
    ],
)
def test_uniqueness_of_one_neuron(activation, w, x, expected):
    """
    One neuron has the number of equilibria that a drawing shows.
    """
    theorem = load("deq-contraction")
    configuration = deq(theorem, activation=activation, X=[[x]], y=[0.0], W=[[w]], U=[[1.0]], a=[0.0])

    with mp.workdps(64):
        start = Story(theorem, configuration).start

        assert unique(start, transposed(start.X)[0]) is expected


def test_a_run_too_large_for_plain_numbers_is_not_available():
    """
    The second code path refuses a size that would take it hours.
    """
    theorem = load("deq-contraction")
    configuration = random_deq(theorem, "relu", seed=1, n=4, d=4, m=128)
    claim = judged_conclusions(theorem, configuration)["rate"]

    with pytest.raises(NotReplayed, match="not available at this size"):
        replay(theorem, configuration, [], claim, 3)
