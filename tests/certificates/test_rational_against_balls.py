"""The exact path and the balls agree: exact numbers lie in the balls, and no verdict contradicts another."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from certificate_samples import TWINS, deq, least_squares, random_deq, twin
from flint import arb, arb_mat, ctx, fmpq

from checker.certificate_checks import gates_of
from checker.configuration import Configuration, ExactArray, instantiate
from checker.declaration import read_theorem
from checker.dynamics import descend, picard
from checker.enclosure import Enclosure
from checker.expression.tree import Number
from checker.hypotheses import judge_hypotheses
from checker.rational_models import well_posed
from checker.rational_polynomials import NotRational
from checker.rational_replay import rational_replay
from checker.rational_roots import bracket
from checker.rational_story import Story
from checker.rational_values import Value, entries, transposed
from checker.reading import load
from checker.settings import SETTINGS
from checker.verdict import Verdict
from checker.violation import claim_at, judge_step

LINEAR = ("relu", "leaky-relu", "abs", "identity")
NAMES = ("T", "preactivation", "yhat", "residual", "loss", "G", "NTK", "gap", "L_phi", "phi_0")
GRADIENTS = ("grad_norm", "grad_W", "grad_U", "grad_a", "adjoints")


def inside(value: Value, ball: Enclosure) -> bool:
    """Are all exact entries in the balls?"""
    numbers = entries(value) if isinstance(value, list) else [value]
    balls = ball.entries() if isinstance(ball, arb_mat) else [arb(ball)]
    with ctx.workprec(600):
        ends = [bracket(x, 300) for x in numbers]
        pairs = zip(ends, balls, strict=True)
        return all(arb(lo).union(arb(hi)).overlaps(b) for (lo, hi), b in pairs)


def short(configuration: Configuration) -> Configuration:
    """Entries in multiples of 1/16."""
    arrays = {
        name: replace(array, floats=np.round(array.floats * 16) / 16)
        for name, array in configuration.arrays.items()
    }
    return replace(configuration, arrays=arrays)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("activation", LINEAR)
def test_gradient_descent_of_a_deq_stays_in_the_balls(activation, seed):
    """
    Two exact steps of gradient descent give numbers that lie in the balls.
    """
    configuration = short(random_deq(load("deq-gd"), activation, seed=seed, norm=0.6))
    story = Story(load("deq-gd"), configuration)

    with ctx.workprec(128):
        states = descend(SETTINGS["deq"], instantiate(configuration), fmpq(1, 50), 2)
        outside = [
            (tau, name)
            for tau, state in enumerate(states)
            for name in NAMES + GRADIENTS[:4]
            if not inside(story.state(tau).value(name), state.value(name))
        ]

    assert outside == []


@pytest.mark.parametrize("activation", LINEAR)
def test_a_wide_weight_is_solved_on_its_sign_patterns(activation):
    """
    Where |W| >= 1 the exact path agrees with the balls on the one equilibrium, or has none.
    """
    decided = 0
    for seed in range(12):
        configuration = short(random_deq(load("deq-gd"), activation, seed=seed, norm=1.3))
        point = Story(load("deq-gd"), configuration).start
        with ctx.workprec(128):
            state = SETTINGS["deq"].enclose(instantiate(configuration))
            verdict, _ = state.well_posed()
        try:
            one = all(well_posed(point, x) for x in transposed(point.X))
        except NotRational:
            continue
        assert verdict is not (Verdict.FAILS if one else Verdict.HOLDS)
        decided += 1
        if one and verdict is Verdict.HOLDS:
            with ctx.workprec(128):
                assert inside(point.value("T"), state.value("T"))

    assert decided >= 6


@pytest.mark.parametrize("activation", LINEAR)
def test_the_equilibrium_iteration_stays_in_the_balls(activation):
    """
    Six exact steps of the equilibrium iteration give numbers that lie in the balls.
    """
    theorem = load("deq-contraction")
    configuration = random_deq(theorem, activation, seed=40 + LINEAR.index(activation), norm=0.7)
    story = Story(theorem, configuration)

    with ctx.workprec(128):
        states = picard(SETTINGS["deq"], instantiate(configuration), 6)
        outside = [
            (tau, name)
            for tau, state in enumerate(states)
            for name in NAMES
            if not inside(story.state(tau).value(name), state.value(name))
        ]

    assert outside == []


@pytest.mark.parametrize("seed", range(5))
def test_gradient_descent_on_least_squares_stays_in_the_balls(seed):
    """
    Four exact steps on least squares give numbers that lie in the balls, the least loss included.
    """
    theorem = load("gd-least-squares")
    rng = np.random.default_rng(seed)
    n, d = ((2, 3), (3, 2), (1, 1), (4, 4), (5, 2))[seed]
    shapes = ((d, n), (n,), (d,))
    configuration = least_squares(theorem, *(rng.standard_normal(s) for s in shapes), {"eta": "1/20"})
    names = ("yhat", "residual", "loss", "loss_star", "G", "NTK", "grad_norm", "grad_w", "features", "w")
    story = Story(theorem, configuration)

    with ctx.workprec(128):
        states = descend(SETTINGS["least-squares"], instantiate(configuration), fmpq(1, 20), 4)
        outside = [
            (tau, name)
            for tau, state in enumerate(states)
            for name in names
            if not inside(story.state(tau).value(name), state.value(name))
        ]

    assert outside == []


def test_dependent_features_have_the_least_loss_of_their_span():
    """
    Features of deficient rank leave the loss of the projection: y = (1, 0) on the span of (1, 1).
    """
    theorem = load("gd-least-squares")
    configuration = least_squares(theorem, [[1.0, 1.0], [2.0, 2.0]], [1.0, 0.0], [0.0, 0.0], {"eta": "1/20"})

    assert Story(theorem, configuration).start.value("loss_star") == fmpq(1, 4)


VIOLATIONS = [(path, name, step) for path in TWINS for name, step in twin(path)[2]]


@pytest.mark.parametrize(
    ("path", "name", "step"), VIOLATIONS, ids=[f"{p.name.split('.')[0]}-{n}-{s}" for p, n, s in VIOLATIONS]
)
def test_no_verdict_of_the_exact_path_contradicts_the_balls(path, name, step):
    """
    At every step up to the violation both paths say the same where both decide, hypotheses included.
    """
    theorem, configuration, _ = twin(path)
    gates = gates_of(theorem, configuration)
    judged = {j.name: j.verdict for j in judge_hypotheses(theorem, configuration)}

    for tau in {0, 1, step}:
        claim = claim_at(theorem, configuration, name, tau)
        found = rational_replay(theorem, configuration, gates, claim, tau)
        balls = judge_step(theorem, configuration, name, tau, 256).verdict

        for gate, answer in found.hypotheses.items():
            if isinstance(answer, bool):
                assert judged[gate] is not (Verdict.FAILS if answer else Verdict.HOLDS)
        if found.parts is not None:
            assert balls is not (Verdict.HOLDS if found.failing else Verdict.FAILS)
            assert found.failing or tau != step


def with_map(configuration: Configuration, name: str, map_: str, scale: Fraction) -> Configuration:
    """The configuration with an array under an exact map."""
    array = replace(configuration.arrays[name], map=map_, scale=Number(scale))
    return replace(configuration, arrays={**configuration.arrays, name: array})


def test_mapped_arrays_are_taken_where_they_are_rational():
    """
    Columns scaled to a rational length, constants and symmetric matrices of rational scale are exact.
    """
    theorem = load("deq-gd")
    plain = deq(
        theorem, parameters={"eta": "1/50"},
        X=[[3.0, 0.0], [4.0, 5.0]], y=[0.0, 0.0], W=[[0.5, 0.0], [0.25, 0.0]], U=np.eye(2), a=[1.0, 1.0],
    )  # fmt: skip

    columns = Story(theorem, with_map(plain, "X", "columns", Fraction(2))).start
    constant = Story(theorem, with_map(plain, "a", "constant", Fraction(1, 3))).start
    symmetric = Story(theorem, with_map(plain, "W", "goe", Fraction(1, 2))).start

    assert [[fmpq(6, 5), fmpq(0)], [fmpq(8, 5), fmpq(2)]] == columns.X
    assert constant.params["a"] == [fmpq(1, 3), fmpq(1, 3)]
    assert symmetric.params["W"] == [[fmpq(1, 2), fmpq(1, 8)], [fmpq(1, 8), fmpq(0)]]


@pytest.mark.parametrize(
    ("name", "map_", "reason"),
    [
        ("X", "columns", "the map columns gives irrational entries"),
        ("W", "goe", "the map goe gives irrational entries"),
        ("W", "orthogonal", "the map orthogonal is not rational"),
    ],
)
def test_irrational_arrays_are_refused(name, map_, reason):
    """
    An array with irrational entries is left to mpmath.
    """
    theorem = load("deq-gd")
    configuration = random_deq(theorem, "relu", seed=1)

    with pytest.raises(NotRational, match=reason):
        Story(theorem, with_map(configuration, name, map_, Fraction(1)))


def test_a_long_run_is_refused_before_its_numbers_fill_the_memory():
    """
    Gradient descent multiplies the digits at every step; the exact path gives up with a reason.
    """
    theorem, configuration, _ = twin(next(p for p in TWINS if "deq-gd-twin-rate" in p.name))
    claim = claim_at(theorem, configuration, "rate", 30)

    found = rational_replay(theorem, configuration, gates_of(theorem, configuration), claim, 30)

    assert (found.parts, found.reason) == (None, "its numbers grow too long")


PATH_LENGTH = """
format = 1
[theorem]
id = "lengths"
title = "Lengths"
setting = "least-squares"
kind = "deterministic"
[theorem.source]
fidelity = "derived"
[dynamics]
algorithm = "gradient-descent"
step = "eta"
[parameters]
eta = { domain = "0 < eta" }
[conclusions]
length = "path_length <= total(norm2(next(w) - w)) and total(loss) <= tau*greatest(loss)"
nested = "total(total(tau + 1 - tau)) <= tau*(tau - 1)/2 and total(total(tau + 1 - tau)) >= tau*(tau - 1)/2"
other  = "least(loss) <= loss and next(next(loss)) <= next(loss)"
"""


@pytest.mark.parametrize("name", ["length", "nested", "other"])
def test_claims_about_the_past_are_decided_exactly(name):
    """
    Path lengths, sums, extremes and successors are exact: the length is the sum of the strides, a tie.
    """
    theorem = read_theorem(PATH_LENGTH, "lengths.theorem.toml")
    configuration = least_squares(theorem, [[1.0], [2.0]], [1.0], [0.0, 0.5], {"eta": "1/10"})

    found = rational_replay(theorem, configuration, [], claim_at(theorem, configuration, name, 3), 3)

    assert found.parts is not None
    assert [part.holds for part in found.parts] == [True, True]


def test_arrays_that_are_too_large_are_left_to_mpmath():
    """
    The exact path takes small cases only.
    """
    theorem = load("gd-least-squares")
    configuration = least_squares(theorem, np.ones((20, 21)), np.ones(21), np.ones(20), {"eta": "1/20"})

    with pytest.raises(NotRational, match="its arrays are too large"):
        Story(theorem, configuration)


def test_every_array_is_read_exactly():
    """
    A float stands for the rational number that it is.
    """
    theorem = load("gd-least-squares")
    configuration = least_squares(theorem, [[0.1]], [1e-300], [3.0], {"eta": "0.1"})
    start = Story(theorem, configuration).start

    assert [[fmpq(3602879701896397, 36028797018963968)]] == start.X
    assert start.y == [fmpq(*(1e-300).as_integer_ratio())]
    assert ExactArray(np.array([0.1])).floats[0] == 0.1
