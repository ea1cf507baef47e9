"""The largest label norm: its formula against certified decisions at labels really scaled."""

from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx
from solving_cases import BITS, case, scene, whole_problem, with_labels_times

from checker.errors import NotEnclosed
from checker.expression.text import to_text
from checker.solving.climb import best_seed, climb, oracle_of
from checker.solving.formula import formula
from checker.solving.labels import RESIDUAL, current, in_labels, label_problem
from checker.solving.largest import Largest, exact_point, largest, starts
from checker.solving.monotone import none_now
from checker.solving.oracle import holds, without
from checker.solving.rewrite import open_names

RANDOM = [
    (theorem, {"n": n, "d": "3", "m": m, "seed": seed, "data": "sphere", "s_y": "1/1024", **more})
    for theorem, n, m, seed, more in (
        ("deq-gd", "2", "12", "1", {}),
        ("deq-gd", "3", "9", "2", {"activation": "tanh"}),
        ("deq-gd", "2", "8", "3", {"s_w": "1/50"}),
        ("deq-gd-smooth", "2", "12", "4", {"activation": "softplus"}),
        ("deq-gd-smooth", "2", "7", "5", {"activation": "tanh"}),
    )
]


def _found(theorem, configuration):
    here = scene(theorem, configuration)
    unknown = open_names(theorem, configuration.parameters)
    problem = label_problem(theorem, configuration, here, unknown)
    found = largest(problem, RESIDUAL, {RESIDUAL: current(here)}, theorem.step)
    assert isinstance(found, Largest), found
    return problem, found, here


def _satisfied(problem) -> bool:
    oracle = oracle_of(problem)
    start = best_seed(oracle, starts(problem.unknown, {}))
    logs, _ = climb(oracle, start)
    return holds(problem, exact_point(problem.unknown, logs))


@pytest.mark.parametrize(("theorem_id", "settings"), RANDOM)
def test_the_formula_is_the_threshold_to_nine_digits(theorem_id, settings):
    """
    At labels scaled to just below the formula all hypotheses are certified for some parameters, and just
    above it they are certified to fail for all of them.
    """
    theorem, _, configuration = case(theorem_id, settings)
    with ctx.workprec(BITS):
        problem, found, _ = _found(theorem, configuration)
        closed = formula(without(problem, theorem.step), found.logs, RESIDUAL, theorem.definitions)
        size = float(np.linalg.norm(configuration.arrays["y"].floats))
        factor = float(closed.ball.mid()) / size

        below = whole_problem(theorem, with_labels_times(configuration, factor * (1 - 1e-9)))
        above = whole_problem(theorem, with_labels_times(configuration, factor * (1 + 1e-9)))

        assert _satisfied(below)
        assert none_now(above, theorem.step)
        assert not none_now(below, theorem.step)
        assert arb(str(found.value)) <= closed.ball <= arb(str(found.beyond))


def test_the_formula_of_the_small_readout_theorem_is_the_one_solved_by_hand():
    """
    With a zero readout the domination, readout and hidden hypotheses bind, and eliminating both radii by
    hand gives the same closed form.
    """
    theorem, _, configuration = case(*RANDOM[0])
    with ctx.workprec(BITS):
        problem, found, _ = _found(theorem, configuration)
        closed = formula(without(problem, theorem.step), found.logs, RESIDUAL, theorem.definitions)

    assert to_text(closed.node) == (
        "sqrt(6)*l**2*(1 - L_phi*norm2(W))*sqrt(s**2 + xi**2)/(2*L_phi*(9*s**2 + 2*s*l + 9*xi**2))"
    )
    assert closed.binding == ("domination", "readout_radius", "hidden_radius")


def test_with_a_drawn_readout_the_norm_is_that_of_the_labels_not_of_the_residual():
    """
    The hypotheses hold at labels of the reported norm, and certainly fail at the next reported one.
    """
    theorem, _, configuration = case(
        "deq-gd", {"n": "2", "d": "3", "m": "12", "data": "sphere", "s_y": "1/1024", "s_a": "1/4096"}
    )
    with ctx.workprec(BITS):
        _, found, here = _found(theorem, configuration)
        labels = in_labels(found, here)
        assert isinstance(labels, Largest)
        size = float(np.linalg.norm(configuration.arrays["y"].floats))
        factors = [float(Fraction(v)) / size for v in (labels.value, labels.beyond)]
        below, above = (
            whole_problem(theorem, with_labels_times(configuration, f * shift))
            for f, shift in zip(factors, (1 - 1e-12, 1 + 1e-12), strict=True)
        )

        assert labels.value != found.value
        assert _satisfied(below)
        assert none_now(above, theorem.step)


def test_labels_used_in_another_way_are_refused():
    """
    Without labels there is no direction.
    """
    theorem, _, configuration = case("deq-gd", {"n": "2", "d": "3", "m": "4", "data": "sphere"})
    zero = with_labels_times(configuration, 0.0)

    with ctx.workprec(BITS), pytest.raises(NotEnclosed, match="no direction"):
        label_problem(theorem, zero, scene(theorem, zero), ())
