"""The activations: values, slopes and constants against independent ones."""

import math

import pytest
import torch
from torch.nn import functional

from models.activations import ACTIVATIONS

INDEPENDENT = {
    "relu": functional.relu,
    "leaky-relu": lambda z: functional.leaky_relu(z, 0.01),
    "identity": lambda z: z,
    "tanh": lambda z: (torch.exp(2 * z) - 1) / (torch.exp(2 * z) + 1),
    "erf": lambda z: 1 - torch.erfc(z),
    "sigmoid": lambda z: 1 / (1 + torch.exp(-z)),
    "softplus": lambda z: torch.log1p(torch.exp(z)),
    "sin": lambda z: torch.cos(z - math.pi / 2),
    "abs": lambda z: torch.maximum(z, -z),
    "gelu": functional.gelu,
    "elu": functional.elu,
    "swish": functional.silu,
}


def test_the_activations_are_the_twelve_of_the_specification():
    """
    Nothing is missing and nothing is added.
    """
    assert sorted(INDEPENDENT) == sorted(ACTIVATIONS)


@pytest.mark.parametrize("name", INDEPENDENT)
def test_values_and_slopes_agree_with_an_independent_formula(name):
    """
    phi equals a second formula for it, and dphi equals what autograd makes of that formula.
    """
    z = torch.linspace(-6, 6, 241, dtype=torch.float64) + 1e-3
    z.requires_grad_(True)
    act = ACTIVATIONS[name]

    expected = INDEPENDENT[name](z)
    (slope,) = torch.autograd.grad(expected.sum(), z)

    assert torch.allclose(expected, act.phi(z), rtol=1e-13, atol=1e-13)
    assert torch.allclose(slope, act.dphi(z.detach(), 0.0), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", INDEPENDENT)
def test_constants_are_attained_and_never_exceeded_on_a_fine_grid(name):
    """
    The Lipschitz constants of phi and phi' are the suprema of their slopes.
    """
    z = torch.linspace(-24, 24, 2_400_001, dtype=torch.float64)
    act = ACTIVATIONS[name]

    slope = act.dphi(z, 0.0)
    curvature = (slope.diff() / z.diff()).abs().max().item()

    assert slope.abs().max().item() == pytest.approx(act.lipschitz, rel=1e-8)
    assert slope.abs().max().item() <= act.lipschitz * (1 + 1e-14)
    if math.isinf(act.lipschitz_derivative):
        assert act.has_kink
        assert curvature > 1e4
    else:
        assert curvature == pytest.approx(act.lipschitz_derivative, rel=1e-4, abs=1e-8)
    assert act.phi(torch.zeros(1, dtype=torch.float64)).abs().item() == act.at_zero


@pytest.mark.parametrize("name", ["relu", "leaky-relu", "abs"])
def test_the_slope_at_a_kink_is_the_one_asked_for(name):
    """
    Only at exactly 0, of either sign, is the slope the caller's choice.
    """
    z = torch.tensor([-5e-324, -0.0, 0.0, 5e-324], dtype=torch.float64)

    slopes = ACTIVATIONS[name].dphi(z, 0.25)

    assert slopes[1:3].tolist() == [0.25, 0.25]
    assert 0.25 not in (slopes[0].item(), slopes[3].item())


@pytest.mark.parametrize(
    "name", ["identity", "tanh", "erf", "sigmoid", "softplus", "sin", "gelu", "elu", "swish"]
)
def test_a_smooth_activation_ignores_the_kink(name):
    """
    Where phi' exists at 0 the choice changes nothing.
    """
    z = torch.zeros(1, dtype=torch.float64)

    assert ACTIVATIONS[name].dphi(z, 0.0) == ACTIVATIONS[name].dphi(z, 0.7)


@pytest.mark.parametrize("name", INDEPENDENT)
def test_not_a_number_stays_not_a_number(name):
    """
    An undefined preactivation never yields a defined value or slope.
    """
    z = torch.tensor([math.nan], dtype=torch.float64)

    assert ACTIVATIONS[name].phi(z).isnan().all()
    assert ACTIVATIONS[name].dphi(z, 0.0).isnan().all()
