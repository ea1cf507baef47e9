"""Gradient descent of one chunk of runs, step by step, in place.

A step solves the equilibrium T = phi(M T + C) and the adjoint V = D o (a + M'V), D = phi'(M T + C),
both from extrapolated starts, and moves every trained parameter by its exact implicit gradient
(Gradients: `models.core.networks`). Columns may be copies that fill a run up to a common number of
samples: `weight` is 0 there, and they move nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.activations import Activation
from models.core.equations import backward, forward, slope_of_image
from models.core.history import extrapolated, orders
from models.core.picard import Equation, Floats, Integers, Known, Solved, size_of, solve
from models.equilibrium import solve_adjoint, solve_equilibrium
from models.settings.base import Params
from models.settings.network import Factors, Network

Rescue = Callable[[Tensor, Tensor], Tensor]
"""`rescue(rows, near)` solves the runs with these indices, NaN where it cannot, starting `near`."""


@dataclass(frozen=True)
class Options:
    """How a chunk is solved: see `models.core.run.descend`."""

    tolerance: float
    cap: int
    together: bool
    extrapolate: bool = True


@dataclass
class Side:
    """The newest solutions of one equation, the iterations each run expects, and what the last solve said."""

    order: int
    values: list[Tensor]
    known: Known
    iterations: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    sweeps: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    change: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def now(self) -> Tensor:
        """The newest solution, (B, m, n)."""
        return self.values[0]

    def keep(self, rows: Tensor) -> None:
        """Leave only these runs."""
        self.values = [value.index_select(0, rows) for value in self.values]
        index = rows.cpu().numpy()
        self.known = self.known.only(index)
        if len(self.iterations):
            self.iterations, self.sweeps = self.iterations[index], self.sweeps[index]
            self.change = self.change[index]


class Chunk:
    """Runs of one shape and activation at one step of gradient descent.

    `params`, `X` (B, d, n), `y` (B, n), `weight` (B, n) of ones and zeros or None, `eta` (B,). The
    parameters are this object's own. After `solve` these are of the current step: `coupling` = M,
    `injection` = C, `equilibria.now` = T, `adjoints.now` = V, `slope` = D, `yhat`, `errors`, and `alive`,
    (B,), which tells the runs that were solved.
    """

    def __init__(
        self,
        network: Network,
        activation: Activation,
        kink: float,
        trains: tuple[str, ...],
        params: Params,
        data: tuple[Tensor, Tensor, Tensor | None],
        eta: Tensor,
        options: Options,
    ) -> None:
        self.network, self.activation, self.kink, self.trains = network, activation, kink, trains
        self.params = {name: value.clone() for name, value in params.items()}
        self.inputs, self.y, self.weight = data
        self.eta, self.options = eta, options
        runs, (forward, backward) = len(eta), orders(activation.has_kink)
        self.equilibria = Side(forward, [], Known.nothing(runs))
        self.adjoints = Side(backward, [], Known.nothing(runs))
        self.ids = np.arange(runs)
        self._allocate()
        self.coupling = network.coupling(self.params)
        self._single: Tensor | None = None

    def _allocate(self) -> None:
        shape = (len(self.eta), self.params[self.network.readout].shape[-1], self.inputs.shape[-1])
        self._free = [self.y.new_empty(shape) for _ in range(4)]
        self.injection, self.slope = self.y.new_empty(shape), self.y.new_empty(shape)
        self.yhat, self.errors = torch.empty_like(self.y), torch.empty_like(self.y)
        self.alive = np.ones(len(self.eta), dtype=bool)

    def solve(self) -> None:
        """Equilibrium, adjoint, predictions and errors at the present parameters."""
        self.coupling, self._single = self.network.coupling(self.params), None
        self.network.inject(self.params, self.inputs, self.injection)
        self.equilibria.known = replace(self.equilibria.known, rate=self.adjoints.known.rate)
        found = self._advance(self.equilibria, self._forward(), self._rescue_forward)
        self._write_slope()
        self.alive = found & self._advance(self.adjoints, self._backward(), self._rescue_backward)
        yhat = self._applied(self.network.readout, self.equilibria.now)
        if self.network.skip:
            yhat += self._applied(self.network.skip, self.injection)
        self.yhat = yhat
        self.errors = yhat - self.y
        if self.weight is not None:
            self.errors *= self.weight

    def _applied(self, readout: str, features: Tensor) -> Tensor:
        return torch.mul(features, self.params[readout].unsqueeze(-1), out=self._free[0]).sum(1)

    def _advance(self, side: Side, equation: Equation, rescue: Rescue) -> NDArray[np.bool_]:
        """Solve one equation from where its history points to; which runs converged, (B,)."""
        start, *spare = self._free
        order = side.order if self.options.extrapolate else -1
        if side.values and order >= 0:
            extrapolated(side.values[: order + 1], order, start)
        else:
            equation.first(start)
        solved = solve(
            equation, start, (spare[0], spare[1], spare[2]),
            tolerance=self.options.tolerance, known=side.known, cap=self.options.cap,
            together=self.options.together,
        )  # fmt: skip
        side.known, side.change = solved.known, solved.change
        side.iterations, side.sweeps = solved.iterations, solved.sweeps
        converged = solved.converged
        if not converged.all():
            converged = converged | self._rescued(side, solved, equation, rescue)
        side.values.insert(0, solved.value)
        oldest = side.values.pop() if len(side.values) > max(order, 0) + 1 else torch.empty_like(start)
        self._free = [*solved.free, oldest]
        return converged

    def _rescued(self, side: Side, solved: Solved, equation: Equation, rescue: Rescue) -> NDArray[np.bool_]:
        """Runs that iteration left, solved by Newton's method or directly and judged by the same change."""
        lost = ~solved.converged & np.isfinite(solved.change)
        if not lost.any():
            return lost
        rows = torch.from_numpy(np.flatnonzero(lost)).to(self.y.device)
        found = rescue(rows, solved.value.index_select(0, rows))
        image = torch.empty_like(found)
        equation.restrict(rows).apply(found, image)
        change = size_of(image - found).cpu().numpy()
        good = change <= self.options.tolerance
        kept = torch.from_numpy(np.flatnonzero(good)).to(self.y.device)
        solved.value.index_copy_(0, rows.index_select(0, kept), image.index_select(0, kept))
        side.change[lost] = change
        lost[lost] = good
        return lost

    def _rescue_forward(self, rows: Tensor, near: Tensor) -> Tensor:
        M, C = (t.index_select(0, rows) for t in (self.coupling, self.injection))
        return solve_equilibrium(M, C, self.activation, self.kink, start=near).value

    def _rescue_backward(self, rows: Tensor, _near: Tensor) -> Tensor:
        readout = self.params[self.network.readout]
        M, slope, a = (t.index_select(0, rows) for t in (self.coupling, self.slope, readout))
        return solve_adjoint(M, slope, a).value

    def _matrix(self) -> Tensor:
        """The coupling in single precision, made when it is first asked for."""
        if self._single is None:
            self._single = self.coupling.to(torch.float32)
        return self._single

    def _forward(self) -> Equation:
        return forward(self.injection, self.coupling, self._matrix, self.activation, self.kink)

    def _backward(self) -> Equation:
        readout = self.params[self.network.readout]
        return backward(self.slope, self.coupling, self._matrix, readout)

    def _write_slope(self) -> None:
        """phi' at the equilibrium, from T itself where that is cheap."""
        T = self.equilibria.now
        if not slope_of_image(self.activation.name, self.kink, T, self.slope):
            torch.baddbmm(self.injection, self.coupling, T, out=self.slope)
            self.slope.copy_(self.activation.dphi(self.slope, self.kink))

    def factors(self) -> Factors:
        """Of the gradients of all parameters, before the errors are put between them."""
        return self.network.factors(
            self.params, self.inputs, self.equilibria.now, self.injection, self.adjoints.now
        )

    def move(self) -> None:
        """P <- P - eta * grad_P for every trained parameter."""
        weights = (self.errors * self.eta.unsqueeze(-1)).unsqueeze(1)
        factors = self.factors()
        weighted, before = self._free[0], None
        for name in self.trains:
            left, right = factors[name]
            if left is not before:
                torch.mul(left, weights, out=weighted)
                before = left
            if right is None:
                self.params[name] -= weighted.sum(-1)
            else:
                self.params[name].baddbmm_(weighted, right.mT, alpha=-1)

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Leave only some runs, in their order."""
        rows = torch.from_numpy(np.flatnonzero(mask)).to(self.y.device)
        self.params = {name: value.index_select(0, rows) for name, value in self.params.items()}
        yhat, errors, C, slope = (
            t.index_select(0, rows) for t in (self.yhat, self.errors, self.injection, self.slope)
        )
        self.inputs, self.y, self.eta = (t.index_select(0, rows) for t in (self.inputs, self.y, self.eta))
        self.weight = None if self.weight is None else self.weight.index_select(0, rows)
        self.equilibria.keep(rows)
        self.adjoints.keep(rows)
        self.ids = self.ids[mask]
        self._allocate()
        self.injection, self.slope, self.yhat, self.errors = C, slope, yhat, errors
        self.coupling = self.network.coupling(self.params)
