"""Nothing is decided in a thread that flushes subnormal numbers, nor with arrays that have changed."""

import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from checker.blas.arrays import _OF_ONE
from checker.blas.extremes import lambda_min
from checker.blas.matrix import FloatMatrix
from checker.configure import configure
from checker.declaration import read_theorem
from checker.errors import NotEnclosed, TheoremError, UsageError
from checker.expression.tree import Number
from checker.hypotheses import Scenes, judge_hypotheses
from checker.near import FLOAT64, NearScenes
from checker.request import read_request
from checker.rounding import rounds_to_nearest

THEOREM = """format = 1
[theorem]
id = "trust"
title = "trust"
setting = "{setting}"
kind = "deterministic"
source = {{ authors = "A", year = 2000, where = "T", fidelity = "derived" }}
[dynamics]
algorithm = "{algorithm}"
[parameters]
c = {{ domain = "0 < c", quantifier = "{quantifier}" }}
[scope]
data_norm = "{norm}"
[hypotheses]
a = "{hypothesis}"
[conclusions]
z = "loss >= 0"
"""


def _theorem(hypothesis, *, setting="deq", quantifier="forall", norm="c", algorithm="none"):
    text = THEOREM.format(
        hypothesis=hypothesis, setting=setting, quantifier=quantifier, norm=norm, algorithm=algorithm
    )
    if algorithm == "gradient-descent":
        text = text.replace('algorithm = "gradient-descent"', 'algorithm = "gradient-descent"\nstep = "c"')
    return read_theorem(text, "trust")


@pytest.mark.parametrize(("precision", "scenes"), [(FLOAT64, NearScenes), (64, Scenes)])
def test_arrays_made_with_a_changed_parameter_are_made_anew(precision, scenes):
    """
    Kept scenes judge another norm of the data as fresh ones do.
    """
    theorem = _theorem("norm_fro(X) <= 4*sqrt(n)")
    request = read_request(theorem, {"m": "66", "d": "8", "n": "4", "c": "2"}, 0)
    first = configure(theorem, request)
    second = replace(first, parameters={**first.parameters, "c": Number(Fraction(50))})
    kept = scenes(theorem)

    answers = [
        str(judge_hypotheses(theorem, one, precisions=(precision,), scenes=kept)[-1].verdict)
        for one in (first, second, first)
    ]

    assert answers == ["holds", "fails", "holds"]


def test_another_activation_is_not_judged_by_the_scene_of_the_last():
    """
    The same arrays with another activation are another state.
    """
    theorem = _theorem("max(T) <= 1")
    request = read_request(theorem, {"m": "3", "d": "2", "n": "2", "c": "500", "activation": "relu"}, 0)
    relu = configure(theorem, request)
    kept = Scenes(theorem)

    answers = [
        str(
            judge_hypotheses(theorem, replace(relu, activation=name), precisions=(64,), scenes=kept)[
                -1
            ].verdict
        )
        for name in ("relu", "tanh", "relu")
    ]

    assert answers == ["fails", "holds", "fails"]


FLUSHING = """
import numpy as np, sys, torch
import deqaudit
from checker.configure import configure
from checker.hypotheses import judge_hypotheses
from checker.near import FLOAT64, NearScenes
from checker.request import read_request
from checker.reading import load
folder = sys.argv[1]
X = np.random.default_rng(0).uniform(1, 2, (70, 80))
X[0, 0] = 2.0**-1060
np.savez(f"{folder}/large.npz", X=X.T, y=np.ones(80))
np.savez(f"{folder}/small.npz", X=X[:1, :2].T, y=np.ones(2))
theorem = load(f"{folder}/flush.theorem.toml")
large = configure(theorem, read_request(theorem, {"data": f"{folder}/large.npz"}, 0))
kept = NearScenes(theorem)
def judged(scenes):
    found = judge_hypotheses(theorem, large, precisions=(FLOAT64,), scenes=scenes)
    return [str(one.verdict) for one in found]
def checked():
    report = deqaudit.check(f"{folder}/flush.theorem.toml", set={"data": f"{folder}/small.npz"})
    return [one.status for one in report.hypotheses]
print(judged(kept), checked())
torch.set_flush_denormal(True)
print(judged(kept), judged(NearScenes(theorem)), checked())
"""


def test_a_thread_that_flushes_decides_nothing(tmp_path):
    """
    Neither balls, nor floats, nor scenes made before it began to flush: everything is undecided.
    """
    text = (
        THEOREM.format(
            hypothesis="min(X) <= 2**-1050",
            setting="least-squares",
            quantifier="forall",
            norm="1",
            algorithm="none",
        )
        .replace('[scope]\ndata_norm = "1"\n', "")
        .replace('[parameters]\nc = { domain = "0 < c", quantifier = "forall" }\n', "")
    )
    (tmp_path / "flush.theorem.toml").write_text(
        text.replace("[conclusions]", 'b = "min(X) > 0"\n[conclusions]')
    )

    out = subprocess.run(  # noqa: S603
        [sys.executable, "-c", FLUSHING, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    before, after = out.stdout.splitlines()

    assert before.count("holds") == 4
    assert "undecided" not in before
    if "holds" not in after:
        assert after.count("undecided") == 6
    else:
        pytest.skip("this processor does not flush")


def test_this_thread_rounds():
    """
    What is asked at every verdict holds here, and is seen not to hold where 1 is not exact.
    """
    assert rounds_to_nearest()
    assert not rounds_to_nearest(1.0 + 2.0**-52)


def test_an_inverse_of_a_symmetric_matrix_is_symmetric():
    """
    Its eigenvalues are enclosed like any other's.
    """
    A = np.random.default_rng(1).standard_normal((80, 80))
    G = FloatMatrix(A @ A.T, 0.0, symmetric=True)
    found = _OF_ONE["inv"](G, 2)
    assert found.symmetric
    assert (found.mid == found.mid.T).all()
    assert lambda_min(found.mid, found.slack).lo > 0


def test_sums_beyond_float64_are_left_to_balls():
    """
    An overflowing sum is no enclosure, and no warning.
    """
    huge = FloatMatrix(np.full((3, 3), 1e308))
    for name in ("sum", "trace", "norm_inf", "norm_1"):
        with pytest.raises(NotEnclosed):
            _OF_ONE[name](huge, 2)


def test_data_that_depend_on_what_is_chosen_later_are_refused_in_one_line():
    """
    A norm of the data by the step size, or by a parameter without a value, says what to write.
    """
    with pytest.raises(TheoremError, match=r"scope.data_norm: c is the step size"):
        _theorem("c <= 3", setting="least-squares", algorithm="gradient-descent")
    theorem = _theorem("c >= 3", quantifier="exists")
    with pytest.raises(UsageError, match=r"c has no value here; give it with --set NAME=VALUE"):
        configure(theorem, read_request(theorem, {}, 0))
