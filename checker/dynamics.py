"""Training and equilibrium iterations in balls, at the ambient precision.

A trajectory goes on from its own enclosure, so its balls contain the exact trajectory from the
exact start; they widen by a bit or two a step, which `planned_precision` allows for.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import ceil

from flint import arb, arb_mat

from checker.enclosure import Ball, frobenius, to_arb
from checker.errors import NotEnclosed
from checker.settings.base import Instance, Setting, State
from checker.settings.deq import DeqState
from checker.spectral import norm2

_REFRESH = 32
"""Steps between fresh computations of |W|_2; Weyl's inequality bridges them."""


def planned_precision(steps: int) -> int:
    """The working precision, in bits, with which a trajectory of so many steps is tried first."""
    return max(128, 64 + ceil(2.5 * steps))


def descend(setting: Setting, instance: Instance, eta: Ball, steps: int) -> Iterator[State]:
    """The states of gradient descent at tau = 0, ..., steps; all trained parameters move together.

    Ends early, after a state whose gradients have no enclosure (its parameters still have one).
    """
    step = to_arb(eta)
    norms = _Norms(setting, instance)
    state = setting.enclose(norms.with_hint(instance, 0))
    yield state
    for tau in range(1, steps + 1):
        try:
            gradients = state.gradients()
        except NotEnclosed:
            return
        params = dict(instance.params)
        for name, gradient in gradients.items():
            params[name] = params[name] - gradient * step
        start = state.warm_start() if isinstance(state, DeqState) else None
        instance = norms.with_hint(replace(instance, params=params, start=start, norm_hint=None), tau)
        state = setting.enclose(instance)
        yield state


class _Norms:
    """Upper bounds of |W|_2 along a trajectory: |W_0|_2 + |W - W_0|_F, with W_0 renewed now and then."""

    def __init__(self, setting: Setting, instance: Instance) -> None:
        self._active = setting.has_equilibrium and "W" in instance.params
        self._moves = "W" in instance.trains
        self._anchor: arb_mat | None = None
        self._norm = arb(0)

    def with_hint(self, instance: Instance, tau: int) -> Instance:
        if not self._active or instance.norm_hint is not None:
            return instance
        W = instance.params["W"]
        try:
            if self._anchor is None or (self._moves and tau % _REFRESH == 0):
                self._anchor, self._norm = W, norm2(W).upper()
                return replace(instance, norm_hint=self._norm)
            if not self._moves:
                return replace(instance, norm_hint=self._norm)
            return replace(instance, norm_hint=(self._norm + frobenius(W - self._anchor)).upper())
        except NotEnclosed:
            return instance


def picard(setting: Setting, instance: Instance, steps: int) -> Iterator[State]:
    """The states of the equilibrium iteration T_0 = 0, T_{tau+1} = phi(W T_tau + U X), tau = 0, ..., steps.

    T, features, G, NTK, yhat, residual, loss and preactivation are those of the iterate, `gap` is
    |T_{tau+1} - T_tau|_F; the other names are those of the model.
    Raises KeyError for a setting without an equilibrium.
    """
    if not setting.has_equilibrium:
        raise KeyError(setting.name)
    iterate = arb_mat(instance.sizes["m"], instance.X.ncols())
    for _ in range(steps + 1):
        state = DeqState(instance, iterate)
        yield state
        iterate = state.image()


def enclosed_at(setting: Setting, instance: Instance) -> State:
    """The state at one point, such as a computed point of a float64 run taken as exact."""
    return setting.enclose(instance)
