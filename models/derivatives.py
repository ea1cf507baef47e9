"""Second derivatives of the loss, and the tangent kernel, of many runs at once.

Both follow from the implicit function theorem (`models.implicit`) and are solved to rounding level. A
Hessian-vector product costs one tangent and one adjoint solve besides those of the gradient; the kernel
costs the adjoint alone. Where phi' jumps, the derivatives are those of the side that the preactivation is
on; exactly at a kink they use the slope `problem.kink`, and relu'(0) = 0 in the injection of implicit-skip.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from models.activations import ACTIVATIONS
from models.equilibrium import solve_adjoint, solve_equilibrium
from models.implicit import NotConverged, equilibrium
from models.settings import NETWORKS, Params, Problem

_INJECTIONS: Mapping[str, Callable[[Params, Tensor], Tensor]] = {
    "deq": lambda params, X: params["U"] @ X,
    "implicit-skip": lambda params, X: torch.relu(params["W"] @ X) * params["A"].shape[-1] ** -0.5,
}
"""C in T = phi(M T + C), for autograd."""

_TRAINED: Mapping[str, tuple[str, ...]] = {"deq": ("W", "U", "a"), "implicit-skip": ("A", "W", "u", "v")}


@dataclass(frozen=True)
class TangentKernel:
    """J J' for the derivative J of the predictions by the trained parameters, (B, n, n).

    `readout` is the part of the parameters that the predictions are linear in (a; u and v), `hidden` that
    of all others; a part of which nothing is trained is 0.
    """

    readout: Tensor
    hidden: Tensor

    @property
    def whole(self) -> Tensor:
        """The sum of both parts."""
        return self.readout + self.hidden


def predictions(problem: Problem, params: Params) -> Tensor:
    """yhat (B, n), differentiable by the parameters to any order.

    Raises NotConverged, here and in every derivative; ValueError for a problem that does not fit.
    """
    _check(problem)
    network = NETWORKS[problem.setting]
    C = _INJECTIONS[problem.setting](params, problem.X)
    T = equilibrium(network.coupling(params), C, problem.activation or "", kink=problem.kink)
    yhat = (T * params[network.readout].unsqueeze(-1)).sum(1)
    return yhat + (C * params[network.skip].unsqueeze(-1)).sum(1) if network.skip else yhat


def hvp(problem: Problem, params: Params, vector: Params) -> Params:
    """The Hessian of every run's loss |yhat - y|^2 / 2 by its trained parameters, times its `vector`.

    `vector` has the names and shapes of the trained parameters, and so has what is returned. Raises
    NotConverged, and ValueError for a problem or a vector that does not fit.
    """
    _check(problem)
    given = {name: tuple(value.shape) for name, value in vector.items()}
    wanted = {name: tuple(params[name].shape) for name in problem.trains if name in params}
    if given != wanted:
        raise ValueError(f"the vector has {given}; the trained parameters have {wanted}")
    with torch.enable_grad():
        leaves = {name: params[name].detach().requires_grad_() for name in problem.trains}
        fixed = {name: value.detach() for name, value in params.items()}
        errors = predictions(problem, fixed | leaves) - problem.y
        if not leaves:
            return {}
        at = tuple(leaves.values())
        gradients = torch.autograd.grad((errors * errors).sum() / 2, at, create_graph=True)
        along = sum(
            ((g * vector[name]).sum() for name, g in zip(leaves, gradients, strict=True)), torch.zeros(())
        )
        products = torch.autograd.grad(along, at, materialize_grads=True, allow_unused=True)
    return dict(zip(leaves, products, strict=True))


def ntk(problem: Problem, params: Params) -> TangentKernel:
    """The tangent kernel of every run, in two parts.

    Raises NotConverged, and ValueError for a problem that does not fit.
    """
    _check(problem)
    network, activation = NETWORKS[problem.setting], ACTIVATIONS[problem.activation or ""]
    M = network.coupling(params)
    C = problem.X.new_empty(len(M), M.shape[-1], problem.X.shape[-1])
    network.inject(params, problem.X, C)
    found = solve_equilibrium(M, C, activation, problem.kink)
    if not bool(found.converged.all()):
        raise NotConverged("equilibrium", found.residual, found.converged)
    slope = activation.dphi(torch.baddbmm(C, M, found.value), problem.kink)
    adjoint = solve_adjoint(M, slope, params[network.readout])
    if not bool(adjoint.converged.all()):
        raise NotConverged("derivative of the equilibrium", adjoint.residual, adjoint.converged)
    factors = network.factors(params, problem.X, found.value, C, adjoint.value)
    parts = {True: torch.zeros_like(C.mT @ C), False: torch.zeros_like(C.mT @ C)}
    for name in problem.trains:
        left, right = factors[name]
        inner = left.mT @ left
        kernel = inner if right is None else inner * (right.mT @ right)
        parts[right is None] = parts[right is None] + kernel
    return TangentKernel(parts[True], parts[False])


def _check(problem: Problem) -> None:
    if problem.setting not in _TRAINED:
        raise ValueError(f"{problem.setting} has no implicit derivatives; known: {', '.join(_TRAINED)}")
    if not set(problem.trains) <= set(_TRAINED[problem.setting]):
        raise ValueError(f"{problem.setting} trains some of {', '.join(_TRAINED[problem.setting])}")
    if problem.setting == "implicit-skip" and problem.activation != "relu":
        raise ValueError(f"implicit-skip has the activation relu, not {problem.activation}")
