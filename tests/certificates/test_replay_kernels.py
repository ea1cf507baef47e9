"""Population kernels by closed forms in mpmath lie in the balls that the quadratures and series give."""

from dataclasses import replace

import pytest
from certificate_samples import ACTIVATIONS, put, random_deq
from flint import ctx
from mpmath import mp
from test_replay_against_balls import inside

from checker.certificate import verify
from checker.certificate_writing import build_certificate
from checker.declaration import read_theorem
from checker.kernel_names import kernel_enclosures
from checker.replay import Story
from checker.replay_values import NotReplayed
from checker.violation import judge_step

CLOSED = ("relu", "leaky-relu", "abs", "identity", "erf", "sin")

GAUSSIAN = """
format = 1
[theorem]
id = "kernel"
title = "A kernel"
setting = "deq"
kind = "deterministic"
[theorem.source]
fidelity = "derived"
[dynamics]
algorithm = "none"
[initialization]
W = "normal(0, 1/(5*m))"
U = "normal(0, 1/d)"
a = "normal(0, 3/m)"
[conclusions]
wide = "lambda_min(K) > 1"
bent = "norm2(K_NTK) < 1/100"
"""


@pytest.mark.parametrize("activation", CLOSED)
def test_the_kernels_lie_in_the_balls(activation):
    """
    K and K_NTK of every activation with closed forms are those of the enclosures.
    """
    theorem = read_theorem(GAUSSIAN, "kernel.theorem.toml")
    configuration = random_deq(theorem, activation, seed=3, n=3, norm=0.3)

    with mp.workdps(60), ctx.workprec(128):
        story = Story(theorem, configuration)
        enclosed = kernel_enclosures(theorem, configuration)
        outside = [name for name in ("K", "K_NTK") if not inside(story.name(name), enclosed[name])]

    assert outside == []


@pytest.mark.parametrize("activation", sorted(set(ACTIVATIONS) - set(CLOSED)))
def test_kernels_without_a_closed_form_are_left_open(activation):
    """
    Where the second code path has no formula of its own it says so.
    """
    theorem = read_theorem(GAUSSIAN, "kernel.theorem.toml")

    with mp.workdps(60), pytest.raises(NotReplayed, match=f"not available for K of {activation}"):
        Story(theorem, random_deq(theorem, activation, seed=3)).name("K")


@pytest.mark.parametrize(
    ("law", "reason"),
    [
        ("normal(1, 1/m)", "not available for a population kernel with this W"),
        ("normal(0, 1/m)", "not available for K where the variance of W is large"),
    ],
)
def test_starts_without_a_population_kernel_are_left_open(law, reason):
    """
    Only a centred Gaussian start of small variance has these kernels.
    """
    text = GAUSSIAN.replace("normal(0, 1/(5*m))", law)
    theorem = read_theorem(text, "kernel.theorem.toml")

    with mp.workdps(60), pytest.raises(NotReplayed, match=reason):
        Story(theorem, random_deq(theorem, "relu", seed=3)).name("K")


def test_an_untrained_weight_adds_nothing_to_the_tangent_kernel():
    """
    With only the readout trained K_NTK is K; with nothing but W it is the rest.
    """
    found = {}
    for trains in ("a", "W"):
        text = GAUSSIAN.replace('algorithm = "none"', f'algorithm = "none"\ntrains = ["{trains}"]')
        theorem = read_theorem(text, "kernel.theorem.toml")
        configuration = random_deq(theorem, "erf", seed=3, norm=0.3)
        with mp.workdps(60), ctx.workprec(128):
            found[trains] = Story(theorem, configuration).name("K_NTK")
            assert inside(found[trains], kernel_enclosures(theorem, configuration)["K_NTK"])

    assert found["a"] != found["W"]


@pytest.mark.parametrize("name", ["wide", "bent"])
def test_a_claim_about_a_kernel_is_certified(tmp_path, name):
    """
    A certificate about K or K_NTK is valid: mpmath agrees.
    """
    theorem = read_theorem(GAUSSIAN, "kernel.theorem.toml")
    configuration = replace(random_deq(theorem, "relu", seed=3, norm=0.3), parameters={})
    judgement = judge_step(theorem, configuration, name, 0, 128)

    report = verify(put(tmp_path, build_certificate(theorem, configuration, name, 0, 128, judgement)))

    assert report.status == "valid"
    assert report.checks[-1]["reason"] == "mpmath agrees, with 60 digits"
