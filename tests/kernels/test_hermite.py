"""Hermite series against the direct rule: two ways to one number."""

import numpy as np
import pytest
from flint import arb, ctx

from checker.errors import NotEnclosed
from checker.kernels import hermite, quadrature
from checker.kernels.dual import Memo, kappa, kappadot

NAMES = ("tanh", "sigmoid", "softplus", "swish")


@pytest.mark.parametrize("activation", NAMES)
@pytest.mark.parametrize("k", ["0.5", "-0.6", "0.8"])
def test_the_series_agrees_with_the_direct_rule(activation: str, k: str) -> None:
    """
    With and without a memo the enclosures overlap and are narrow, for values and derivatives.
    """
    with ctx.workprec(64):
        memo: Memo = {}
        q1, q2 = arb("1.2"), arb("0.7")

        value = kappa(activation, q1, q2, arb(k), memo)
        slope = kappadot(activation, q1, q2, arb(k), memo)

        assert len(memo) == 4  # a value and a derivative for each variance
        assert value.overlaps(kappa(activation, q1, q2, arb(k)))
        assert slope.overlaps(kappadot(activation, q1, q2, arb(k)))
        assert value.rad() <= 1e-12
        assert slope.rad() <= 1e-12


def test_coefficients_match_known_ones() -> None:
    """
    The dossier's coefficients of tanh at q = 1 come out, and the squares beyond are few.
    """
    with ctx.workprec(64):
        found = hermite.series(quadrature.VALUES["tanh"], arb(0), arb(1), arb(1))

    values = {1: 0.6057055, 3: -0.1484372, 5: 0.0625475, 7: -0.0314454, 9: 0.0174199}
    assert all(abs(found.coefficients[k] - value) <= 1e-7 for k, value in values.items())
    assert all(abs(found.coefficients[k]) <= 1e-13 for k in (0, 2, 4))
    assert found.beyond <= 1e-10


def test_polynomials_are_orthonormal() -> None:
    """
    Under a Gauss-Hermite rule exact for the degrees involved the polynomials are orthonormal.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)

    with ctx.workprec(64):
        rows = hermite._polynomials(tuple(map(arb, nodes.tolist())))
        table = np.array([[float(h.mid()) for h in row] for row in rows[:60]])

    gram = (table * weights / np.sqrt(2 * np.pi)) @ table.T
    assert np.abs(gram - np.eye(60)).max() <= 1e-10


def test_a_slow_series_is_left_to_the_direct_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    At three terms and high correlation the remainder is too large: the series refuses, kappa goes on.
    """
    monkeypatch.setattr(hermite, "DEGREE", 2)
    with ctx.workprec(64):
        few = hermite.series(quadrature.VALUES["tanh"], arb(0), arb(1), arb(1))
        with pytest.raises(NotEnclosed, match="converges too slowly"):
            hermite.pair(few, few, arb("0.9"))

        value = kappa("tanh", arb(1), arb(1), arb("0.9"), {})

        assert value.rad() <= 1e-12


def test_the_remainder_covers_a_cut_series(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Cut after degree 5 and allowed to be wide, the ball still contains the value.
    """
    with ctx.workprec(64):
        fine = kappa("tanh", arb(1), arb(1), arb("0.5"))
        monkeypatch.setattr(hermite, "DEGREE", 5)
        monkeypatch.setattr(hermite, "_WORST", 1.0)

        few = hermite.series(quadrature.VALUES["tanh"], arb(0), arb(1), arb(1))
        wide = hermite.pair(few, few, arb("0.5"))

        assert wide.contains(fine)
        assert 1e-6 <= wide.rad() <= 1e-2
