"""Axioms and tails that are a little too strong are caught by the properties that the right ones pass."""

from dataclasses import replace
from fractions import Fraction

import pytest

from checker.settings.axioms import Axiom
from checker.settings.tail_axioms import tails
from properties.instances import caught
from properties.strategies import CONTRACTING, deq_configurations
from properties.test_axioms import holds_at, normal, serving, too_often

SOUND = "a sound one is nearby"
WRONG = {
    "spectral for Frobenius norm": Axiom(
        "size", "norm_fro(T)*(1 - L_phi*norm2(W)) <= L_phi*norm2(U)*norm2(X) + phi_0*sqrt(m*n)", SOUND
    ),
    "phi(0) forgotten": Axiom(
        "size", "norm_fro(T)*(1 - L_phi*norm2(W)) <= L_phi*norm2(U)*norm_fro(X)", SOUND
    ),
    "the factor 1 - L|W| forgotten": Axiom(
        "size", "norm_fro(T) <= L_phi*norm2(U)*norm_fro(X) + phi_0*sqrt(m*n)", SOUND
    ),
    "the mean eigenvalue twice": Axiom("mean", "2*n*lambda_min(G) <= norm_fro(T)**2", SOUND),
    "regular with too many samples": Axiom(
        "rank", "(lambda_min(G) - sigma_min(features)**2)*max(m - n + 2, 0) == 0", SOUND
    ),
    "the largest entry for the norm": Axiom("predictions", "norm2(yhat) <= norm2(T)*norm_inf(a)", SOUND),
    "the kernel the other way": Axiom("kernel", "lambda_max(NTK) <= lambda_max(G)", SOUND),
    "labels forgotten": Axiom("residual", "residual <= norm2(yhat)", SOUND),
    "all activations bounded": Axiom("bounded", "norm_fro(T)**2 <= m*n", SOUND),
}


@pytest.mark.parametrize("axiom", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_axiom_is_caught(axiom: Axiom) -> None:
    """Some generated configuration certainly violates it."""
    configurations = deq_configurations(reaches=CONTRACTING, partly=False)

    caught(configurations, lambda c: holds_at(c, serving(c, [axiom])), examples=2000)


def test_a_tail_that_is_called_too_rare_is_caught() -> None:
    """With four times its rate, the lower tail of a chi-square is excluded by draws."""
    tail = next(iter(tails("A", ("m",), normal(Fraction(1, 2)))))

    assert not too_often(tail, Fraction(1, 4), (12,), seed=2)
    assert too_often(replace(tail, rate=f"4*{tail.rate}"), Fraction(1, 4), (12,), seed=2)
