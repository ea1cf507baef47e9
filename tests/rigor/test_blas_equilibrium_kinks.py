"""Preactivations that are exactly zero, and the slopes at a kink."""

import numpy as np
import pytest
from flint import arb, fmpq
from float_models import Floats, drawn, in_floats, layer_of
from numpy.typing import NDArray

from checker.blas.adjoint import enclosed_adjoint
from checker.blas.equilibrium import enclosed, float_equilibrium, slopes, zeros_at
from checker.blas.layer import preactivation
from checker.blas.matrix import FloatMatrix
from checker.blas.uniqueness import contraction
from checker.errors import NotEnclosed


def zeros_of(
    arrays: dict[str, Floats], name: str, slack: dict[str, float] | None = None
) -> NDArray[np.bool_]:
    """The preactivations found to be exactly zero."""
    layer = layer_of(in_floats(arrays, name, slack))
    proof = contraction(layer.W, layer.activation)
    assert proof is not None
    return enclosed(layer, float_equilibrium(layer), proof).zeros


@pytest.mark.parametrize("name", ["relu", "leaky-relu", "abs"])
def test_zero_rows_and_zero_inputs_give_exact_zeros(name: str) -> None:
    """
    A neuron without weights and an input of zeros have exactly zero preactivations, and nothing else has.
    """
    arrays = drawn(5, 3, 2, 4)
    arrays["W"][2], arrays["U"][2] = 0, 0
    arrays["X"][:, 1] = 0
    expected = np.zeros((5, 3), dtype=np.bool_)
    expected[2], expected[:, 1] = True, True

    assert (zeros_of(arrays, name) == expected).all()
    assert (zeros_of(arrays, name, {"W": 1e-9})[:, 1]).all()
    assert not zeros_of(arrays, name, {"W": 1e-9})[2, 0]
    assert not zeros_of(arrays, name, {"X": 1e-9})[:, 1].all()
    assert not zeros_of(arrays, name, {"U": 1e-9})[2, 0]
    assert zeros_of(arrays, name, {"U": 1e-9})[2, 1]


def test_a_closed_group_of_neurons_without_source_is_zero() -> None:
    """
    Neurons fed by each other and by silent relus alone are exactly zero; those fed by others are not.
    """
    arrays = drawn(4, 1, 1, 6)
    arrays["W"] = np.array(
        [[0.0, 0.5, 0.0, 0.0], [0.25, 0.125, 0.0, 0.5], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.5]]
    )
    arrays["U"], arrays["X"] = np.array([[0.0], [0.0], [1.0], [-1.0]]), np.array([[1.0]])

    assert zeros_of(arrays, "relu")[:, 0].tolist() == [True, True, False, False]
    assert zeros_of(arrays, "abs")[:, 0].tolist() == [False, False, False, False]


def test_zeros_of_given_activations_need_a_zero_factor_in_every_product() -> None:
    """
    At given activations a preactivation is exactly zero only where structure shows it.
    """
    arrays = drawn(3, 1, 1, 7)
    arrays["W"] = np.array([[0.0, 0.5, 0.0], [0.5, 0.0, 0.0], [0.5, -0.5, 0.0]])
    arrays["U"] = np.zeros((3, 1))
    layer = layer_of(in_floats(arrays, "relu"))
    T = np.array([[1.0], [0.0], [2.0]])

    found = zeros_at(layer, FloatMatrix(T), preactivation(layer, T))
    unsure = zeros_at(layer, FloatMatrix(T, 1e-9), preactivation(layer, T))

    assert found[:, 0].tolist() == [True, False, False]
    assert not unsure.any()


@pytest.mark.parametrize("kink", [fmpq(0), fmpq(1, 3), fmpq(1)])
def test_slopes_at_the_kink_are_the_chosen_value_or_the_hull(kink: fmpq) -> None:
    """
    Exactly zero preactivations take the value at the kink; open signs enclose it and both slopes.
    """
    arrays = drawn(3, 1, 1, 8)
    arrays["W"] = np.zeros((3, 3))
    arrays["U"], arrays["X"] = np.array([[0.0], [1e-320], [1.0]]), np.array([[1.0]])
    for name in ("relu", "leaky-relu"):
        layer = layer_of(in_floats(arrays, name))
        proof = contraction(layer.W, layer.activation)
        assert proof is not None
        found = enclosed(layer, float_equilibrium(layer), proof)

        D = slopes(layer, found.at, found.zeros, kink)

        assert D.open == ((1, 0),)
        assert abs(arb(float(D.floats[0, 0])) - arb(kink)) <= arb(float(D.errors[0, 0]))
        assert D.errors[0, 0] < 1e-16
        for value in (kink, *(layer.activation.slopes or ())):
            assert abs(arb(float(D.floats[1, 0])) - arb(value)) <= arb(float(D.errors[1, 0]))
        assert (D.floats[2, 0], D.errors[2, 0]) == (1.0, 0.0)
        assert not D.odd


def test_a_value_at_the_kink_beyond_the_slopes_is_refused() -> None:
    """
    phi' = 2 at an exact zero of relu breaks the bound |phi'| <= L: no adjoint is given.
    """
    arrays = drawn(3, 2, 2, 9)
    arrays["X"][:, 0] = 0
    instance = in_floats(arrays, "relu")
    layer, a = layer_of(instance), instance.params["a"]
    proof = contraction(layer.W, layer.activation)
    assert proof is not None
    found = enclosed(layer, float_equilibrium(layer), proof)

    D = slopes(layer, found.at, found.zeros, fmpq(2))

    assert D.odd
    with pytest.raises(NotEnclosed, match="between 0 and the slopes"):
        enclosed_adjoint(layer, D, a, np.zeros((3, 2)), proof)
