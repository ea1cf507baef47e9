"""Training and equilibrium iterations in balls, at the ambient precision.

A trajectory goes on from its own enclosure, so its balls contain the exact trajectory from the
exact start; they widen by at most a bit or two a step, which `planned_precision` allows for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil, inf

from flint import arb, arb_mat

from checker.enclosure import Ball, frobenius, to_arb
from checker.errors import NotEnclosed
from checker.settings.base import Instance, Setting, State
from checker.settings.deq import DeqState
from checker.spectral import norm2
from checker.symmetric import exponent_of

_REFRESH = 32
"""Steps between fresh computations of |W|_2; Weyl's inequality bridges them."""

MOST_BITS = 2**14
"""The highest working precision of a trajectory."""

_SHARP = -64
"""Parameters known to within 2**_SHARP of their size are known well enough."""

_SMALL = -20
"""Up to this width the radii of a trajectory grow by a nearly constant factor a step."""


def planned_precision(steps: int) -> int:
    """The working precision, in bits, that nearly every trajectory of so many steps is known well with."""
    return max(128, 64 + ceil(2.5 * steps))


def first_precision(steps: int) -> int:
    """The working precision, in bits, of a first attempt, enough for most trajectories of so many steps.

    Contracting ones lose a quarter of a bit a step or less; what this leaves open is tried with more.
    """
    return min(planned_precision(steps), max(128, 64 + ceil(0.5 * steps)))


def widening(instance: Instance) -> float:
    """log2 of the widest radius of the trained parameters, relative to their largest entry.

    -inf where they are exact, inf where one is not finite.
    """
    widest, largest = arb(0), arb(0)
    for name in instance.trains:
        for entry in instance.params[name].entries():
            if not entry.is_finite():
                return inf
            widest, largest = widest.max(entry.rad()), largest.max(abs(entry.mid()))
    if widest.is_zero():
        return -inf
    return float(exponent_of(widest.mid()) - (0 if largest.is_zero() else exponent_of(largest.mid())))


def is_sharp(width: float) -> bool:
    """Are parameters of this `widening` known so well that what is open there is not for their radii?"""
    return width < _SHARP


def replanned_precision(bits: int, widths: Sequence[float], steps: int) -> int | None:
    """More bits for a trajectory that widened too much, or None where more bits would not help.

    `widths` are those of `widening` at steps 0, 1, ... of the attempt with `bits` bits. The bits lost a
    step are read off the part where radii were small; at most MOST_BITS are asked for.
    """
    if bits >= MOST_BITS or not widths or is_sharp(widths[-1]):
        return None
    known = [(tau, w) for tau, w in enumerate(widths) if tau and -inf < w < _SMALL]
    if len(known) < 2:
        return min(2 * bits, MOST_BITS)
    (first, low), (last, high) = known[0], known[-1]
    rate = max((high - low) / (last - first), 0.0)
    wanted = ceil(bits + low + 1.2 * rate * steps - _SHARP + 24)
    return min(max(2 * bits, wanted), MOST_BITS)


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
        moved = replace(instance, params=params, start=state.warm_start(), norm_hint=None)
        instance = norms.with_hint(moved, tau)
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

    T and all that follows from it (features, preactivation, G, NTK, yhat, residual, loss, loss_star, the
    gradients and grad_norm) are those of the iterate, `gap` is |T_{tau+1} - T_tau|_F; the other names are
    those of the model.
    Raises KeyError for a setting without an equilibrium.
    """
    if not setting.has_equilibrium:
        raise KeyError(setting.name)
    iterate = arb_mat(instance.sizes["m"], instance.X.ncols())
    for _ in range(steps + 1):
        state = DeqState(instance, iterate)
        yield state
        iterate = state.image()
