"""The implicit network with a skip readout: Z = relu(gamma/sqrt(m) A Z + Phi), Phi = relu(W X)/sqrt(m).

yhat = Z'u + Phi'v. With V column by column the derivative of yhat by the injection through Z, which
solves V = D o (u + gamma/sqrt(m) A'V), the factors of the gradients (theory page on implicit networks
with a skip readout) are A: gamma/sqrt(m) V, Z; W: relu'(W X)/sqrt(m) o (V + v), X; u: Z, 1; v: Phi, 1.
The tangent kernel is the sum of (L'L) o (R'R) over the trained parameters.
"""

from functools import cached_property
from typing import final

import torch
from torch import Tensor

from models.activations import ACTIVATIONS
from models.equilibrium import Solution, solve_adjoint, solve_equilibrium
from models.settings.base import Estimate, Model, Params, Problem, Solved, as_solution, readout_floor
from models.settings.network import Factors, Network

_RELU = ACTIVATIONS["relu"]


def _skip_scale(params: Params) -> tuple[float, Tensor]:
    """1/sqrt(m), and gamma/sqrt(m) as (B, 1, 1)."""
    root = params["A"].shape[-1] ** -0.5
    return root, params["gamma"].reshape(-1, 1, 1) * root


def _skip_coupling(params: Params) -> Tensor:
    return params["A"] * _skip_scale(params)[1]


def _skip_norm(params: Params, bound: Tensor) -> Tensor:
    return bound * _skip_scale(params)[1].abs().flatten() * (1 + 2.0**-50)


def _skip_inject(params: Params, X: Tensor, out: Tensor) -> object:
    torch.bmm(params["W"], X, out=out)
    return out.clamp_(min=0).mul_(_skip_scale(params)[0])


def _skip_factors(params: Params, X: Tensor, T: Tensor, C: Tensor, V: Tensor) -> Factors:
    root, scale = _skip_scale(params)
    through = (V + params["v"].unsqueeze(-1)).mul_(C > 0).mul_(root)
    return {"A": (V * scale, T), "W": (through, X), "u": (T, None), "v": (C, None)}


SKIP_NETWORK = Network(
    "implicit-skip", "A", _skip_coupling, _skip_norm, _skip_inject, "u", "v", _skip_factors
)
"""`gamma` (B,) stands among the parameters, and is not trained. relu'(0) is 0 in relu'(W X)."""

_QUANTITIES = (
    *("X", "y", "n", "d", "m", "Z", "Phi", "features", "S", "G", "NTK", "yhat", "residual", "loss"),
    *("loss_star", "grad_norm", "preactivation", "L_phi", "phi_0", "gap", "well_posed"),
)


@final
class SkipEstimate(Estimate):
    """The quantities of a batch: A (B, m, m), W (B, m, d), u and v (B, m), gamma (B,)."""

    def __init__(
        self, problem: Problem, params: Params, *, start: Tensor | Solved | None = None, tau: int = 0
    ) -> None:
        super().__init__(problem, params, tau=tau)
        self._known = start if isinstance(start, Solved) else None
        self._start = None if isinstance(start, Solved) else start

    @classmethod
    def quantities(cls) -> tuple[str, ...]:
        return _QUANTITIES

    @cached_property
    def solution(self) -> Solution:
        """The equilibrium solve: value, iterations, residual, converged."""
        if self._known is not None:
            return as_solution(self._known.T, self._known.converged)
        return solve_equilibrium(self.coupling, self.Phi, _RELU, self.problem.kink, start=self._start)

    @cached_property
    def coupling(self) -> Tensor:
        """gamma/sqrt(m) A."""
        return _skip_coupling(self.params)

    @cached_property
    def Phi(self) -> Tensor:
        out = torch.empty_like(self.params["W"] @ self.X)
        _skip_inject(self.params, self.X, out)
        return out

    @property
    def Z(self) -> Tensor:
        return self.solution.value

    @property
    def equilibrium(self) -> Tensor:
        return self.solution.value

    @property
    def converged(self) -> Tensor:
        return self.solution.converged

    @property
    def m(self) -> Tensor:
        return self.size(self.params["A"].shape[-1])

    @property
    def features(self) -> Tensor:
        """[Z; Phi], (B, 2m, n)."""
        return self._features

    @cached_property
    def _features(self) -> Tensor:
        return torch.cat([self.Z, self.Phi], dim=1)

    @cached_property
    def S(self) -> Tensor:
        return self.features.mT @ self.features

    @cached_property
    def G(self) -> Tensor:
        """Phi'Phi, as the source has it."""
        return self.Phi.mT @ self.Phi

    @cached_property
    def preactivation(self) -> Tensor:
        return torch.baddbmm(self.Phi, self.coupling, self.Z)

    @cached_property
    def yhat(self) -> Tensor:
        readouts = torch.cat([self.params["u"], self.params["v"]], dim=1)
        return (self.features * readouts.unsqueeze(-1)).sum(1)

    @cached_property
    def adjoint(self) -> Tensor:
        """V (B, m, n), column i the derivative of u'z_i by the injection of sample i."""
        if self._known is not None:
            return self._known.V
        slope = _RELU.dphi(self.preactivation, self.problem.kink)
        return solve_adjoint(self.coupling, slope, self.params["u"]).value

    @property
    def solved(self) -> Solved:
        return self._known or Solved(self.Z, self.adjoint, self.converged)

    @cached_property
    def factors(self) -> Factors:
        """Of the gradients of all parameters."""
        return _skip_factors(self.params, self.X, self.Z, self.Phi, self.adjoint)

    @cached_property
    def NTK(self) -> Tensor:
        kernel = torch.zeros_like(self.G)
        for name in self.problem.trains:
            left, right = self.factors[name]
            kernel = kernel + (left.mT @ left) * (1.0 if right is None else right.mT @ right)
        return kernel

    def gradients(self) -> Params:
        return self._gradients

    @cached_property
    def _gradients(self) -> Params:
        out: Params = {}
        for name in self.problem.trains:
            left, right = self.factors[name]
            weighted = left * self.errors.unsqueeze(1)
            out[name] = weighted.sum(-1) if right is None else weighted @ right.mT
        return out

    @cached_property
    def loss_star(self) -> Tensor:
        """An upper estimate of the infimum: both readouts at their best where both are trained."""
        return readout_floor(self.features, self.y) if {"u", "v"} <= set(self.problem.trains) else self.loss

    @property
    def L_phi(self) -> Tensor:
        return self.size(1)

    @property
    def phi_0(self) -> Tensor:
        return self.size(0)

    @cached_property
    def gap(self) -> Tensor:
        """The Frobenius distance from 0 to its image, which is Phi."""
        return torch.linalg.matrix_norm(self.Phi)

    @property
    def well_posed(self) -> Tensor:
        """1 where an equilibrium was found, else 0, (B,): a search, not a proof of uniqueness."""
        return self.converged.to(self.y.dtype)

    def call(self, function: str, argument: Tensor) -> Tensor:
        if function not in ("equilibrium", "predict", "well_posed"):
            raise KeyError(function)
        one = Problem("implicit-skip", argument.unsqueeze(-1), self.y[:, :1], "relu", self.problem.kink)
        found = SkipEstimate(one, self.params)
        if function == "equilibrium":
            return found.Z.squeeze(-1)
        return found.yhat.squeeze(-1) if function == "predict" else found.well_posed


def _make(problem: Problem, params: Params, start: Tensor | Solved | None, tau: int) -> SkipEstimate:
    return SkipEstimate(problem, params, start=start, tau=tau)


IMPLICIT_SKIP = Model(
    name="implicit-skip",
    dims={"A": ("m", "m"), "W": ("m", "d"), "u": ("m",), "v": ("m",), "gamma": ()},
    has_activation=True,
    has_equilibrium=True,
    make=_make,
    activations=("relu",),
    fixed=("gamma",),
)
