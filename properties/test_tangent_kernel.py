"""The tangent kernel: readout part G plus hidden part, by autograd of an unrolled model."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given

from checker.configuration import Configuration
from checker.errors import NotEnclosed
from properties import independent
from properties.evidence import trial
from properties.instances import caught, decades_inside, enclosed, entries, floats_of, near_a_kink
from properties.strategies import CONTRACTING, deq_configurations, least_squares_configurations

REGULAR = deq_configurations(reaches=(0.0, 0.5, 0.9), partly=True, kinks=(0,))
UNROLLED = 480
ROUNDING = 2.0**-52 * 2**16
"""Rounding allowed to autograd, relative to the sizes that enter; 0.9 amplifies by up to 10**4."""


def jacobian(configuration: Configuration) -> tuple[dict[str, torch.Tensor], float]:
    """d yhat / d P by autograd, (n, size of P) for each trained P, and the size of what enters."""
    found = {name: torch.from_numpy(array.copy()) for name, array in floats_of(configuration).items()}
    params = {name: found[name].requires_grad_() for name in configuration.trains}
    if configuration.setting == "least-squares":
        yhat = found["X"].T @ found["w"]
        size = float(1 + found["X"].norm()) ** 2
    else:
        T = independent.unrolled(str(configuration.activation), found["W"], found["U"], found["X"], UNROLLED)
        yhat = T.T @ found["a"]
        size = float(np.prod([float(1 + part.detach().norm()) for part in (T, found["a"], found["X"])])) ** 2
    rows: dict[str, list[torch.Tensor]] = {name: [] for name in params}
    for prediction in yhat:
        gradients = torch.autograd.grad(
            prediction, tuple(params.values()), retain_graph=True, materialize_grads=True, allow_unused=True
        )
        for name, gradient in zip(params, gradients, strict=True):
            rows[name].append(gradient.flatten())
    return {name: torch.stack(parts) for name, parts in rows.items()}, size


def kernel_agrees(configuration: Configuration, *, forget: str = "") -> None:
    """NTK against the product of Jacobians (one parameter forgotten, where named)."""
    with trial("tangent kernel: autograd") as case:
        parts, size = jacobian(configuration)
        kernel = torch.zeros(configuration.sizes["n"], configuration.sizes["n"], dtype=torch.float64)
        for name, J in parts.items():
            kernel = kernel + (J @ J.T if name != forget else 0)
        with enclosed(configuration) as state:
            if configuration.setting == "deq" and near_a_kink(state):
                return case.undecided()
            balls = entries(state.value("NTK"))
            inside, where = decades_inside(balls, kernel.flatten().tolist(), ROUNDING * size)
            case.margin(inside, "NTK")
            assert inside >= 0, where
    return None


@pytest.mark.undecided(at_most=0.2)
@given(configuration=REGULAR | least_squares_configurations())
def test_the_tangent_kernel_is_the_product_of_jacobians(configuration: Configuration) -> None:
    """
    NTK is J J' with J the derivative of the predictions by the trained parameters.
    """
    kernel_agrees(configuration)


def test_a_kernel_without_its_hidden_part_is_caught() -> None:
    """
    The property above sees a missing part: the derivative by W left out.
    """
    found = caught(REGULAR, lambda c: kernel_agrees(c, forget="W"))

    assert "W" in found.trains


def parts_add_up(configuration: Configuration, *, twice: bool = False) -> None:
    """G plus the kernel of the hidden weights alone (twice, to break it) against the whole kernel."""
    with trial("tangent kernel: G + hidden part") as case:
        try:
            with enclosed(replace(configuration, trains=("W", "U", "a"))) as whole:
                kernel, G = entries(whole.value("NTK")), entries(whole.value("G"))
            with enclosed(replace(configuration, trains=("W", "U"))) as hidden:
                rest = entries(hidden.value("NTK"))
        except NotEnclosed:
            return case.undecided()
        for total, g, h in zip(kernel, G, rest, strict=True):
            assert total.overlaps(g + h + (h if twice else 0))
            widest = float(total.rad() + g.rad() + h.rad())
            case.margin(None if widest == 0 else -float(np.log10(widest)), "-log10 of the radii")
    return None


@pytest.mark.undecided(at_most=0.1)
@given(configuration=deq_configurations(reaches=CONTRACTING, partly=False))
def test_the_tangent_kernel_is_gram_plus_hidden_part(configuration: Configuration) -> None:
    """
    The kernel of all parameters is that of the readout, G, plus that of the hidden weights.
    """
    parts_add_up(configuration)


def test_a_hidden_part_counted_twice_is_caught() -> None:
    """
    The property above has the power to see a wrong sum.
    """
    found = caught(deq_configurations(partly=False), lambda c: parts_add_up(c, twice=True))

    assert found.arrays["a"].floats.any()
