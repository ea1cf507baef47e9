"""A hypothesis is called not needed only where the others imply it."""

import pytest
from necessity_samples import changed, theorem

from checker.necessity.implied import implications
from checker.reading import load

STEP = 'step_size = { claim = "eta <= 2/(lambda_0 + lambda_max(G))"'
LONGER = 'longer = "eta <= 4/(lambda_0 + lambda_max(G))"\n'


def test_the_longer_of_two_steps_is_implied_by_the_shorter_one_and_not_the_other_way():
    """
    eta <= 2/L implies eta <= 4/L where L has a sign, and what implies it is named.
    """
    about = changed("gd-least-squares", STEP, LONGER + STEP)

    found = implications(about, ["longer", "step_size"], 20.0)

    assert list(found) == ["longer"]
    assert "step_size" in found["longer"].by
    assert "curvature" not in found["longer"].by
    assert found["longer"].engine


def test_more_samples_than_features_contradict_a_positive_least_eigenvalue():
    """
    The size in the scope follows from the curvature, by the rank of the Gram matrix.
    """
    proof = implications(load("gd-least-squares"), ["scope.d"], 20.0)["scope.d"]

    assert "curvature" in proof.by
    assert "rank of the Gram matrix" in proof.axioms


def test_the_curvature_of_the_gradient_descent_theorem_follows_from_domination():
    """
    6 (c_w^2 + c_u^2) <= lambda_0 with a readout that moves, and a step bound that has a value.
    """
    proof = implications(load("deq-gd"), ["curvature"], 20.0)["curvature"]

    assert {"domination", "step_size", "domain.delta_a"} <= set(proof.by)


KAPPA = """
[definitions]
kappa = "1/lambda_min(G)"
[hypotheses]
curvature = "lambda_min(G) > 0"
[conclusions]
claim = "kappa > 0"
"""
COLLISION = """
[parameters]
leaf0q0 = { domain = "1 <= leaf0q0", quantifier = "forall" }
leaf_0q0 = { domain = "1 <= leaf_0q0", quantifier = "forall" }
[hypotheses]
large = "lambda_min(G) >= 1"
[conclusions]
claim = "lambda_min(G) >= leaf0q0/leaf0q0 - leaf_0q0/leaf_0q0"
"""
ATOM = """
[hypotheses]
both = "0 < 1 and well_posed"
[conclusions]
claim = "loss >= 0"
"""
HIDDEN = """
[parameters]
C = { domain = "0 < C", quantifier = "hidden" }
[hypotheses]
large = "C >= 0"
[conclusions]
claim = "loss >= 0"
"""


@pytest.mark.parametrize(
    ("body", "name", "setting"),
    [
        (KAPPA, "curvature", "least-squares"),
        (COLLISION, "large", "least-squares"),
        (ATOM, "both", "deq"),
        (HIDDEN, "large", "least-squares"),
    ],
    ids=[
        "a definition without a value",
        "a parameter named as a leaf",
        "a claim by itself",
        "hidden constant",
    ],
)
def test_nothing_is_proved_from_what_is_not_known(body: str, name: str, setting: str):
    """
    A definition that the others do not use, a name's likeness, a dropped part and a constant prove nothing.
    """
    assert implications(theorem(body, setting), [name]) == {}
