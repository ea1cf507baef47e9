"""Implicit gradients against central differences in mpmath and against autograd through the iteration."""

from collections.abc import Callable

import mpmath as mp
import numpy as np
import pytest
import torch
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from checker.configuration import Configuration
from properties import independent
from properties.evidence import trial
from properties.instances import (
    caught,
    decades_inside,
    disagreement,
    enclosed,
    entries,
    floats_of,
    near_a_kink,
    picard_start,
)
from properties.strategies import deq_configurations, least_squares_configurations, seeds

REGULAR = deq_configurations(reaches=(0.0, 0.5, 0.9), partly=True, kinks=(0,))

STEP = mp.mpf(2) ** -40
"""The distance of a central difference; its error is of the order of the square."""

UNROLLED = 480
"""Iterations that autograd goes through: 0.9**480 < 2**-70, so that what is left out is below rounding."""

ROUNDING = 2.0**-52 * 2**14
"""Rounding allowed to autograd, relative to the sizes that enter; 0.9 amplifies by up to 10**2 * 10."""


def direction_of(configuration: Configuration, seed: int) -> dict[str, np.ndarray]:
    """A drawn direction of short dyadics in the space of the trained parameters."""
    rng = np.random.default_rng(seed)
    shapes = {name: configuration.arrays[name].floats.shape for name in configuration.trains}
    return {name: np.round(rng.standard_normal(shape) * 8) / 8 for name, shape in shapes.items()}


def _loss_along(configuration: Configuration, direction: dict[str, np.ndarray]) -> Callable[[mp.mpf], mp.mpf]:
    """The loss as a function of the distance gone along a direction, in mpmath."""
    names = {"deq": ("W", "U", "a"), "least-squares": ("w",)}[configuration.setting]
    X, y = (independent.exact_array(configuration.arrays[name]) for name in ("X", "y"))
    start = {name: independent.exact_array(configuration.arrays[name]) for name in names}
    guess = [picard_start(configuration, 0)] if configuration.setting == "deq" else []

    def loss(h: mp.mpf) -> mp.mpf:
        at = dict(start)
        for name, floats in direction.items():
            at[name] = start[name] + independent.exact_matrix(floats) * h
        if configuration.setting == "least-squares":
            return independent.loss(X, at["w"], y)
        source = at["U"] * X
        T, defect = independent.equilibrium(str(configuration.activation), at["W"], source, guess[0])
        guess[0] = T
        assert defect < mp.mpf(10) ** -60, "Newton's method in mpmath found no equilibrium"
        return independent.loss(T, at["a"], y)

    return loss


def differences_agree(configuration: Configuration, seed: int, scale: float = 1.0) -> None:
    """The gradient (times `scale`) along a drawn direction against a central difference."""
    with trial("gradients: central differences") as case, mp.workdps(independent.DIGITS):
        with enclosed(configuration) as state:
            if near_a_kink(state):
                return case.undecided()
            direction = direction_of(configuration, seed)
            along = arb(0)
            for name, gradient in state.gradients().items():
                for g, x in zip(entries(gradient), direction[name].ravel().tolist(), strict=True):
                    along += g * arb(x) * scale
        loss = _loss_along(configuration, direction)
        wide, narrow = ((loss(h) - loss(-h)) / (2 * h) for h in (STEP, STEP / 2))
        # The error of `narrow` is at most the difference of the two where it is of first or second
        # order in the step; the solver's defect, divided by the step, comes on top.
        slack = 2 * abs(wide - narrow) + mp.mpf(10) ** -40
        assert not disagreement([along], [narrow], slack)
        case.margin(float(mp.log10((1 + abs(narrow)) / slack)) if slack else None, "digits of the difference")
    return None


@pytest.mark.undecided(at_most=0.4)
@given(configuration=REGULAR | least_squares_configurations(), seed=seeds)
def test_gradients_agree_with_central_differences(configuration: Configuration, seed: int) -> None:
    """
    Along every direction the enclosed gradient of the loss contains what a central difference shows.
    """
    differences_agree(configuration, seed)


def test_a_gradient_that_is_a_millionth_too_long_is_caught() -> None:
    """
    The property above has the power to see a small error in the gradient.
    """
    found, _ = caught(st.tuples(REGULAR, seeds), lambda c: differences_agree(*c, scale=1 + 2.0**-20))

    assert found.setting == "deq"


def autograd_agrees(configuration: Configuration, *, without_tie: bool = False) -> None:
    """The gradients against autograd through the iteration; `without_tie` forgets that T depends on W."""
    with trial("gradients: unrolled autograd") as case:
        found = {name: torch.from_numpy(array.copy()) for name, array in floats_of(configuration).items()}
        params = {name: found[name].requires_grad_() for name in configuration.trains}
        iterated = UNROLLED if not without_tie else 1
        T = independent.unrolled(str(configuration.activation), found["W"], found["U"], found["X"], iterated)
        errors = T.T @ found["a"] - found["y"]
        gradients = torch.autograd.grad(
            (errors * errors).sum() / 2, tuple(params.values()), materialize_grads=True, allow_unused=True
        )
        size = np.prod([float(1 + part.detach().norm()) for part in (T, found["a"], errors, found["X"])])
        with enclosed(configuration) as state:
            if near_a_kink(state):
                return case.undecided()
            balls = state.gradients()
            for name, gradient in zip(params, gradients, strict=True):
                inside, where = decades_inside(
                    entries(balls[name]), gradient.flatten().tolist(), ROUNDING * size
                )
                case.margin(inside, f"grad_{name}")
                assert inside >= 0, f"grad_{name}, {where}"
    return None


@pytest.mark.undecided(at_most=0.2)
@given(configuration=REGULAR)
def test_gradients_agree_with_autograd_through_the_iteration(configuration: Configuration) -> None:
    """
    Differentiating hundreds of Picard steps in float64 gives the implicit gradients, within rounding.
    """
    autograd_agrees(configuration)


def test_a_gradient_through_one_step_only_is_caught() -> None:
    """
    The property above tells the implicit gradient from that of a single step.
    """
    found = caught(REGULAR, lambda c: autograd_agrees(c, without_tie=True))

    assert found.note["reach"] != 0.0
