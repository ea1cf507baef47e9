"""The deep equilibrium model T = phi(W T + U X), yhat = T' a.

Gradients are the implicit ones of the shared theory page on gradient descent, formula (G):
with D_i = diag(phi'(W t_i + U x_i)) and v_i = D_i (I - W' D_i)^{-1} a,
grad_W = V diag(r) T', grad_U = V diag(r) X', grad_a = T r, and the tangent kernel is
T'T + (V'V) o (T'T) + (V'V) o (X'X), one term for each of a, W, U that is trained.
"""

from functools import cached_property
from typing import final

import torch
from torch import Tensor

from models.activations import ACTIVATIONS
from models.equilibrium import Solution, solve_adjoint, solve_equilibrium
from models.settings.base import Estimate, Model, Params, Problem, Solved, as_solution, readout_floor
from models.settings.network import Factors, Network

_QUANTITIES = (
    *("X", "y", "n", "d", "m", "T", "features", "G", "NTK", "yhat", "residual", "loss", "loss_star"),
    *("grad_norm", "preactivation", "L_phi", "L_dphi", "phi_0", "gap", "well_posed"),
)


@final
class DeqEstimate(Estimate):
    """The quantities of a batch of deep equilibrium models: W (B, m, m), U (B, m, d), a (B, m).

    `start` is where to look for the equilibrium first, or the solutions. Given `iterate` (B, m, n), `T`
    and what is computed from it are those of this iterate of the equilibrium map, not of the
    equilibrium; `converged` and `well_posed` still tell whether an equilibrium was found.
    """

    def __init__(
        self,
        problem: Problem,
        params: Params,
        *,
        start: Tensor | Solved | None = None,
        tau: int = 0,
        iterate: Tensor | None = None,
    ) -> None:
        super().__init__(problem, params, tau=tau)
        self._known = start if isinstance(start, Solved) else None
        self._start = None if isinstance(start, Solved) else start
        self._iterate = iterate
        self._activation = ACTIVATIONS[problem.activation or ""]

    @classmethod
    def quantities(cls) -> tuple[str, ...]:
        return _QUANTITIES

    @cached_property
    def solution(self) -> Solution:
        """The equilibrium solve: value, iterations, residual, converged."""
        if self._known is not None:
            return as_solution(self._known.T, self._known.converged)
        start = self._start if self._iterate is None else self._iterate
        return solve_equilibrium(
            self.params["W"], self.injection, self._activation, self.problem.kink, start=start
        )

    @cached_property
    def adjoint(self) -> Solution:
        """V (B, m, n), column i the derivative of yhat_i by the preactivation of sample i."""
        if self._known is not None:
            return as_solution(self._known.V, self._known.converged)
        slope = self._activation.dphi(self.preactivation, self.problem.kink)
        return solve_adjoint(self.params["W"], slope, self.params["a"])

    @property
    def solved(self) -> Solved:
        return self._known or Solved(self.T, self.adjoint.value, self.converged)

    @property
    def equilibrium(self) -> Tensor:
        return self.solution.value

    @property
    def converged(self) -> Tensor:
        return self.solution.converged

    @cached_property
    def injection(self) -> Tensor:
        """U X, (B, m, n)."""
        return self.params["U"] @ self.X

    @property
    def m(self) -> Tensor:
        return self.size(self.params["W"].shape[-1])

    @property
    def T(self) -> Tensor:
        return self.solution.value if self._iterate is None else self._iterate

    @property
    def features(self) -> Tensor:
        return self.T

    @cached_property
    def preactivation(self) -> Tensor:
        return torch.baddbmm(self.injection, self.params["W"], self.T)

    @cached_property
    def yhat(self) -> Tensor:
        return (self.T * self.params["a"].unsqueeze(-1)).sum(1)

    @cached_property
    def loss_star(self) -> Tensor:
        """An upper estimate of the infimum: a trained readout at its best, the rest as it stands.

        Without a trained readout it is the loss itself.
        """
        return readout_floor(self.T, self.y) if "a" in self.problem.trains else self.loss

    @cached_property
    def NTK(self) -> Tensor:
        trains = self.problem.trains
        kernel = self.G if "a" in trains else torch.zeros_like(self.G)
        if "W" in trains or "U" in trains:
            V = self.adjoint.value
            inner = V.mT @ V
            kernel = kernel + inner * self.G if "W" in trains else kernel
            kernel = kernel + inner * (self.X.mT @ self.X) if "U" in trains else kernel
        return kernel

    def gradients(self) -> Params:
        return self._gradients

    @cached_property
    def _gradients(self) -> Params:
        out: Params = {}
        for name in self.problem.trains:
            if name == "a":
                out[name] = (self.T * self.errors.unsqueeze(1)).sum(-1)
            else:
                weighted = self.adjoint.value * self.errors.unsqueeze(1)
                out[name] = weighted @ (self.T if name == "W" else self.X).mT
        return out

    @property
    def L_phi(self) -> Tensor:
        return torch.full_like(self.y[:, 0], self._activation.lipschitz)

    @property
    def L_dphi(self) -> Tensor:
        """Infinite where phi has a kink."""
        return torch.full_like(self.y[:, 0], self._activation.lipschitz_derivative)

    @property
    def phi_0(self) -> Tensor:
        return torch.full_like(self.y[:, 0], self._activation.at_zero)

    @cached_property
    def gap(self) -> Tensor:
        """The Frobenius distance from the iterate (0 where none is given) to its image."""
        if self._iterate is None:
            return torch.linalg.matrix_norm(self._activation.phi(self.injection))
        return torch.linalg.matrix_norm(self._activation.phi(self.preactivation) - self._iterate)

    @property
    def well_posed(self) -> Tensor:
        """1 where an equilibrium was found, else 0, (B,): a search, not a proof of uniqueness."""
        return self.converged.to(self.y.dtype)

    def call(self, function: str, argument: Tensor) -> Tensor:
        if function not in ("equilibrium", "predict", "well_posed"):
            raise KeyError(function)
        source = self.params["U"] @ argument.unsqueeze(-1)
        found = solve_equilibrium(self.params["W"], source, self._activation, self.problem.kink)
        t = found.value.squeeze(-1)
        if function == "equilibrium":
            return t
        if function == "predict":
            return (t * self.params["a"]).sum(-1)
        return found.converged.to(self.y.dtype)


def next_iterate(estimate: DeqEstimate) -> Tensor:
    """phi(W T + U X) at the estimate's T, (B, m, n)."""
    activation = ACTIVATIONS[estimate.problem.activation or ""]
    return activation.phi(estimate.preactivation)


def _make(problem: Problem, params: Params, start: Tensor | Solved | None, tau: int) -> DeqEstimate:
    return DeqEstimate(problem, params, start=start, tau=tau)


DEQ = Model(
    name="deq",
    dims={"W": ("m", "m"), "U": ("m", "d"), "a": ("m",)},
    has_activation=True,
    has_equilibrium=True,
    make=_make,
)


def _deq_coupling(params: Params) -> Tensor:
    return params["W"]


def _deq_norm(_params: Params, bound: Tensor) -> Tensor:
    return bound


def _deq_inject(params: Params, X: Tensor, out: Tensor) -> object:
    return torch.bmm(params["U"], X, out=out)


def _deq_factors(_params: Params, X: Tensor, T: Tensor, _C: Tensor, V: Tensor) -> Factors:
    return {"W": (V, T), "U": (V, X), "a": (T, None)}


DEQ_NETWORK = Network("deq", "W", _deq_coupling, _deq_norm, _deq_inject, "a", "", _deq_factors)
"""W: V, T; U: V, X; a: T, 1."""
