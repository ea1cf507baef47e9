"""What every model family declares, and what it offers at one point in balls.

A `Setting` is a declaration: parameters, names and functions with their shapes. An
`Instance` is one point: data and parameters as balls. A `State` computes the names at
that point, each when it is first asked for, at the ambient precision.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from flint import arb, arb_mat, fmpq
from numpy.typing import NDArray

from checker.activations import BallActivation
from checker.enclosure import Ball, Enclosure, frobenius_squared, root
from checker.errors import NotEnclosed
from checker.expression.tree import Shape
from checker.settings.axioms import Axiom
from checker.verdict import Verdict


def _nothing() -> dict[str, Enclosure]:
    return {}


@dataclass(frozen=True)
class Instance:
    """One point of a model family, in balls.

    `X` (d, n) holds one sample a column, `y` (n, 1) the labels, `params` every parameter
    (vectors as one column). `kink` is the value of phi' where phi has a kink and the
    preactivation is exactly there; `trains` the parameters that move. `norm_hint` bounds
    |W|_2 from above where that is known already; `start` (m, n) is where to look for the
    equilibrium first (never trusted). `extra` are further names, such as K.
    """

    sizes: dict[str, int]
    X: arb_mat
    y: arb_mat
    params: dict[str, arb_mat]
    activation: str | None = None
    kink: fmpq = field(default_factory=fmpq)
    trains: tuple[str, ...] = ()
    norm_hint: arb | None = None
    start: NDArray[np.float64] | None = None
    extra: Mapping[str, Enclosure] = field(default_factory=_nothing)


class State(ABC):
    """The names of a setting at one point, as enclosures; each is computed when first asked for.

    Every method raises NotEnclosed where no enclosure was found.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self._known: dict[str, Enclosure | str] = {}

    def value(self, name: str) -> Enclosure:
        """The enclosure of a name: scalars as fmpq or arb, vectors as (k, 1), matrices as (k, l).

        A name that is a claim by itself is 1 where it holds and 0 where it fails.
        Raises KeyError for a name the setting does not have.
        """
        if name not in self._known:
            try:
                self._known[name] = self._find(name)
            except NotEnclosed as error:
                self._known[name] = error.reason
        known = self._known[name]
        if isinstance(known, str):
            raise NotEnclosed(known)
        return known

    def _find(self, name: str) -> Enclosure:
        instance = self.instance
        if name in instance.params:
            return instance.params[name]
        if name in instance.extra:
            return instance.extra[name]
        if name in instance.sizes:
            return fmpq(instance.sizes[name])
        if name.startswith("grad_") and name != "grad_norm":
            return self.gradients()[name.removeprefix("grad_")]
        found = self.names().get(name)
        if found is None:
            raise KeyError(name)
        return found()

    def names(self) -> Mapping[str, Callable[[], Enclosure]]:
        """How each name is computed, besides parameters, sizes and `grad_P`."""
        return {
            "X": lambda: self.instance.X,
            "y": lambda: self.instance.y,
            "features": self.features,
            "yhat": lambda: self.yhat,
            "residual": lambda: root(frobenius_squared(self.errors)),
            "loss": lambda: frobenius_squared(self.errors) / 2,
            "loss_star": self.loss_star,
            "G": lambda: self.gram,
            "NTK": self.tangent_kernel,
            "grad_norm": self.gradient_norm,
        }

    @property
    def kink_open(self) -> tuple[tuple[int, int], ...]:
        """(neuron, sample) wherever phi' is not determined at a kink; gradients are hulls there."""
        return ()

    def warm_start(self) -> NDArray[np.float64] | None:
        """The equilibrium in float64, for a neighbour; None where there is none."""
        return None

    @abstractmethod
    def features(self) -> arb_mat:
        """The last-layer features (k, n)."""

    @cached_property
    @abstractmethod
    def yhat(self) -> arb_mat:
        """The predictions (n, 1)."""

    @cached_property
    def errors(self) -> arb_mat:
        """yhat - y, (n, 1)."""
        return self.yhat - self.instance.y

    @cached_property
    def gram(self) -> arb_mat:
        """features' features, (n, n)."""
        T = self.features()
        return T.transpose() * T

    @abstractmethod
    def loss_star(self) -> Ball:
        """The infimum of the loss over the trained parameters."""

    @abstractmethod
    def tangent_kernel(self) -> arb_mat:
        """The empirical tangent kernel over the trained parameters, (n, n)."""

    @abstractmethod
    def gradients(self) -> dict[str, arb_mat]:
        """The gradient of the loss by every trained parameter."""

    def gradient_norm(self) -> Ball:
        """The joint Euclidean norm of the gradients."""
        total = arb(0)
        for gradient in self.gradients().values():
            total += frobenius_squared(gradient)
        return root(total)

    def call(self, function: str, argument: Enclosure) -> Enclosure:
        """A function of an input (d, 1); KeyError for an unknown one."""
        if not isinstance(argument, arb_mat):
            raise NotEnclosed(f"{function} needs a vector")
        return self.at(function, argument)

    @abstractmethod
    def at(self, function: str, argument: arb_mat) -> Enclosure:
        """`call` for an argument known to be a vector."""

    def well_posed(self) -> tuple[Verdict, str]:
        """Does the model exist, uniquely, at the training inputs? With the reason."""
        return Verdict.HOLDS, "the model is explicit"


@dataclass(frozen=True)
class Setting:
    """A model family as claims see it.

    `names` are the names a claim may use besides `eta`, `tau` and `t`; `functions` those of
    an input, with the shape of their result; `claims` what is a claim by itself; `aliases`
    sizes that are another size here; `defaults` texts for listings; `activations` those
    allowed (none where the setting has no activation); `axioms` what holds at every start.
    """

    name: str
    sizes: tuple[str, ...]
    parameters: dict[str, Shape]
    names: dict[str, Shape]
    enclose: Callable[[Instance], State]
    has_activation: bool = False
    has_equilibrium: bool = False
    activations: Mapping[str, BallActivation] = field(default_factory=dict[str, BallActivation])
    algorithms: tuple[str, ...] = ("gradient-descent", "gradient-flow", "none")
    functions: dict[str, Shape] = field(default_factory=dict[str, Shape])
    claims: frozenset[str] = frozenset()
    aliases: dict[str, str] = field(default_factory=dict[str, str])
    scalars: tuple[str, ...] = ()
    defaults: dict[str, str] = field(default_factory=dict[str, str])
    axioms: tuple[Axiom, ...] = ()


def shared_names(features: Shape, parameters: Mapping[str, Shape]) -> dict[str, Shape]:
    """The names that every trained setting offers, with their shapes."""
    names: dict[str, Shape] = {
        "X": ("d", "n"),
        "y": ("n",),
        **parameters,
        "yhat": ("n",),
        "residual": (),
        "loss": (),
        "loss_star": (),
        "grad_norm": (),
        **{f"grad_{name}": shape for name, shape in parameters.items()},
        "path_length": (),
        "features": features,
        "G": ("n", "n"),
        "NTK": ("n", "n"),
    }
    return names
