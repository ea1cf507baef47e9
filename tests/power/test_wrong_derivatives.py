"""The properties of derivatives see wrong formulas: each is planted, and found on a drawn network."""

from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from unittest.mock import patch

import pytest
import torch

import models.derivatives
import models.implicit
import models.settings.deq
import models.settings.implicit_skip
from models.activations import ACTIVATIONS
from models.equilibrium import solve_adjoint
from models.settings import NETWORKS
from properties.instances import caught
from properties.networks import Case, at_a_kink, cases
from properties.test_derivatives import (
    GRADIENTS,
    PRODUCTS,
    gradients_agree,
    kernels_agree,
    products_agree,
    sides_agree,
)

USERS = (models.derivatives, models.implicit, models.settings.deq, models.settings.implicit_skip)


@contextmanager
def _adjoint(wrong):
    """Every module that solves adjoints by name gets another function."""
    with ExitStack() as stack:
        for module in USERS:
            stack.enter_context(patch.object(module, "solve_adjoint", wrong))
        yield


@contextmanager
def _factors(setting: str, wrong):
    """The factors of a setting's gradients, changed everywhere they are used."""
    network = NETWORKS[setting]

    def changed(*arguments):
        return wrong(arguments, dict(network.factors(*arguments)))

    with ExitStack() as stack:
        stack.enter_context(patch.dict(NETWORKS, {setting: replace(network, factors=changed)}))
        stack.enter_context(patch.object(models.settings.implicit_skip, "_skip_factors", changed))
        yield


def _without_slope(W, slope, source):
    return solve_adjoint(W, torch.ones_like(slope), source)


def _transposed(W, slope, source):
    return solve_adjoint(W.mT, slope, source)


def _of_one_step(W, slope, source):
    return solve_adjoint(torch.zeros_like(W), slope, source)


def _without_skip(arguments, found):
    _, X, _, C, V = arguments
    return found | {"W": (V * (C > 0) * V.shape[1] ** -0.5, X)}


def _swapped(_arguments, found):
    return found | {"W": found["W"][::-1]}


def _only(subjects: dict, name: str) -> dict:
    return {name: subjects[name]}


def _gradients(name: str) -> Callable[[Case], None]:
    return lambda case: gradients_agree(case, _only(GRADIENTS, name))


def _products(name: str) -> Callable[[Case], None]:
    return lambda case: products_agree(case, _only(PRODUCTS, name))


@pytest.mark.parametrize("wrong", [_without_slope, _transposed, _of_one_step])
@pytest.mark.parametrize(
    "body", [_gradients("estimate"), _gradients("layer"), _products("explicit"), kernels_agree]
)
@pytest.mark.parametrize("kind", ["gelu", "implicit-skip"])
def test_an_adjoint_of_another_equation_is_caught(kind, body, wrong):
    """
    Without phi', with W instead of W', or of a single step, the adjoint gives wrong derivatives.
    """
    with _adjoint(wrong):
        found = caught(cases(kind), body)

    assert found.reach > 0 or wrong is _without_slope


@pytest.mark.parametrize("body", [_gradients("estimate"), _gradients("core"), kernels_agree])
def test_a_skip_connection_that_is_forgotten_is_caught(body):
    """
    The derivative by W of implicit-skip goes through v too.
    """
    with _factors("implicit-skip", _without_skip):
        found = caught(cases("implicit-skip"), body)

    assert "W" in found.problem.trains


@pytest.mark.parametrize("setting", ["deq", "implicit-skip"])
def test_swapped_factors_of_the_core_are_caught(setting):
    """
    The gradient by the square matrix is V diag(r) T', not its transpose.
    """
    swapped = _swapped if setting == "deq" else lambda _, found: found | {"A": found["A"][::-1]}
    with _factors(setting, swapped):
        found = caught(cases("tanh" if setting == "deq" else setting), _gradients("core"))

    assert found.params[{"deq": "W", "implicit-skip": "A"}[setting]].shape[1] > 1


@pytest.mark.parametrize("subject", ["estimate", "core", "layer"])
def test_a_slope_that_is_a_millionth_too_large_is_caught(subject):
    """
    Small errors of phi' do not drown in what is allowed.
    """
    right = ACTIVATIONS["gelu"]
    wrong = replace(right, dphi=lambda z, kink: right.dphi(z, kink) * (1 + 2.0**-20))
    with patch.dict(ACTIVATIONS, {"gelu": wrong}):
        caught(cases("gelu"), _gradients(subject))


@pytest.mark.parametrize("subject", sorted(PRODUCTS))
def test_a_hessian_without_the_second_derivative_of_the_activation_is_caught(subject):
    """
    The curvature of phi is part of the Hessian.
    """
    right = models.implicit._slope
    with patch.object(models.implicit, "_slope", lambda *given: right(*given).detach()):
        caught(cases("tanh"), _products(subject))


@pytest.mark.parametrize("subject", sorted(GRADIENTS))
def test_the_slope_of_the_other_side_of_a_kink_is_caught(subject):
    """
    At a kink another slope gives another derivative.
    """

    def turned(case: Case) -> None:
        problem = replace(case.problem, kink=0.5)
        sides_agree(replace(case, problem=problem), _only(GRADIENTS, subject))

    caught(at_a_kink(), turned)
