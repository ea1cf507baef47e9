"""Proofs of uniqueness for all matrices near a float one, and bounds of their norms."""

import numpy as np
import pytest
from float_models import drawn

from checker.activations import BALL_ACTIVATIONS
from checker.blas import uniqueness
from checker.blas.matrix import FloatMatrix
from checker.blas.uniqueness import BANACH, contraction


def test_a_set_of_matrices_that_reaches_the_threshold_is_no_contraction() -> None:
    """
    A slack that admits some W with no unique equilibrium leaves no proof; a smaller one leaves one.
    """
    W = 0.9 * np.eye(3)
    relu = BALL_ACTIVATIONS["relu"]

    assert contraction(FloatMatrix(W, 0.1), relu) is None
    found = contraction(FloatMatrix(W, 0.09), relu)

    assert found is not None
    assert found.reason == BANACH
    assert contraction(FloatMatrix(np.eye(2)), relu) is None
    assert contraction(FloatMatrix(np.array([[0.0, 4.0], [0.25, 0.0]])), relu) is None
    assert contraction(FloatMatrix(np.array([[1e200, 0.0], [0.0, 1e200]])), relu) is None


def test_a_hint_of_the_norm_is_used_and_not_trusted_to_refuse() -> None:
    """
    A hint below the threshold is a proof at once; one above it does not prevent the sharp norm.
    """
    W = FloatMatrix(drawn(30, 1, 1, 2, norm=0.5)["W"])
    tanh = BALL_ACTIVATIONS["tanh"]

    by_hint, without = contraction(W, tanh, 0.75), contraction(W, tanh, 1.5)

    assert by_hint is not None
    assert by_hint.reach == 0.75
    assert without is not None
    assert without.reason == BANACH
    assert without.reach < 0.51


def test_large_layers_take_the_decision_instead_of_the_norm() -> None:
    """
    Above width 512 a bound a little above the norm is proved by one decision.
    """
    W = FloatMatrix(drawn(600, 1, 1, 3, norm=0.9)["W"])

    found = contraction(W, BALL_ACTIVATIONS["relu"])

    assert found is not None
    assert found.reason == BANACH
    assert 0.9 * (1 - 1e-9) < found.reach < 0.96


def test_a_poor_guess_of_the_norm_costs_sharpness_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Whatever the float guess, the bound found is one, and small matrices get theirs without a guess.
    """
    W = FloatMatrix(drawn(200, 1, 1, 17, norm=0.9)["W"], 1e-3)

    for guess in (0.0, 0.5, 0.899, 0.95, 0.9999, 1.0, 1.5):
        monkeypatch.setattr(uniqueness, "_norm_guess", lambda A, guess=guess: guess)
        found = uniqueness.spectral_bound(W, 1.0)
        assert found >= 0.901 * (1 - 1e-9)
        assert found < 1 or guess in (1.5,)
    assert uniqueness.spectral_bound(FloatMatrix(W.mid / 1000), 1.0) < 0.1
