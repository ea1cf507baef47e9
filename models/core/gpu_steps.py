"""The operations of a whole step of gradient descent, always the same, on buffers that stay in place.

Nothing here asks what a number is: the host may send these operations off and look later. A step whose
solves miss the tolerance, and all that follow it, move nothing and keep no solution.
"""

from math import comb
from typing import Protocol

import torch
from torch import Tensor

from models.core.descent import Chunk, Side
from models.core.equations import backward, forward, slope_of_image
from models.core.picard import Apply


class Kernels(Protocol):
    """Solves in which every run stops by itself, on the device."""

    def equilibrium(self, M: Tensor, C: Tensor, start: Tensor, out: Tensor) -> Tensor:
        """T = phi(M T + C) into `out`; the last change of every run, (B,)."""
        ...

    def adjoint(self, M: Tensor, D: Tensor, a: Tensor, start: Tensor, out: Tensor) -> Tensor:
        """V = D o (a + M'V) into `out`; the last change of every run, (B,)."""
        ...

    def iterations(self) -> Tensor:
        """Of the last two solves, (2, B)."""
        ...


class Ring:
    """The newest solutions of one equation in a circle of slots, one of them spare, and what they predict.

    `slots` (P, B, m, n); `weights` (P,) of the polynomial that `models.core.history` describes through
    `points` solutions, 0 at the spare slot; `spare` (1,) is its number. `held` solutions are kept.
    """

    def __init__(self, points: int, like: Tensor) -> None:
        self.points, self.held = points, max(points, 1)
        self.slots = like.new_zeros((self.held + 1, *like.shape))
        self.weights = like.new_zeros(self.held + 1)
        self.spare = torch.zeros(1, dtype=torch.int64, device=like.device)

    def load(self, values: list[Tensor]) -> None:
        """Take the newest `held` of these solutions, the newest first."""
        for place, value in enumerate(reversed(values[: self.held])):
            self.slots[place].copy_(value)
        self.slots[self.held].zero_()
        signs = [float((-1) ** j * comb(self.points, j + 1)) for j in range(self.held)]
        self.weights.copy_(torch.tensor([*reversed(signs), 0.0], dtype=torch.float64))
        self.spare.fill_(self.held)

    def values(self) -> list[Tensor]:
        """Copies of the solutions, the newest first."""
        at = int(self.spare)
        return [self.slots[(at - 1 - j) % (self.held + 1)].clone() for j in range(self.held)]

    def predict(self, out: Tensor) -> None:
        """Write what the polynomial says comes next."""
        torch.mv(self.slots.view(len(self.slots), -1).t(), self.weights, out=out.view(-1))

    def push(self, value: Tensor, go: Tensor) -> None:
        """Keep a solution, which is finite, where `go`; otherwise change nothing that counts."""
        self.slots.index_copy_(0, self.spare, value.unsqueeze(0))
        self.weights.copy_(torch.where(go, self.weights.roll(1), self.weights))
        self.spare.add_(go).remainder_(self.held + 1)


def points_of(chunk: Chunk, side: Side) -> int:
    """How many solutions the start of a solve is extrapolated from; 0 for a start without history."""
    return side.order + 1 if chunk.options.extrapolate else 0


class Steps:
    """Buffers and operations for the steps of a chunk; its parameters, which they move, are shared with it.

    After `find`, where `go`, `coupling`, `injection`, `T`, `slope`, `V`, `yhat`, `errors` are those of a
    chunk; `changes` (2, B) of the last iterations for T and V, in the Frobenius norm. `go` tells whether no
    run has missed the tolerance since `begin`, `made` how many steps were made since then, `worst` (2,) the
    largest changes in them. Inputs, labels and step sizes must be finite.
    """

    def __init__(self, chunk: Chunk, kernels: Kernels | None = None) -> None:
        self.chunk, self.kernels = chunk, kernels
        self.params, self.inputs = dict(chunk.params), chunk.inputs
        like = chunk.injection
        self.rings = [Ring(points_of(chunk, side), like) for side in (chunk.equilibria, chunk.adjoints)]
        self.injection, self.slope, self.T, self.V, self.other, self.scratch = (
            torch.zeros_like(like, memory_format=torch.contiguous_format) for _ in range(6)
        )
        self.coupling = chunk.network.coupling(self.params)
        self.yhat, self.errors = torch.zeros_like(chunk.y), torch.zeros_like(chunk.y)
        self.changes, self.worst = like.new_zeros((2, len(like))), like.new_zeros(2)
        self.go = torch.zeros((), dtype=torch.bool, device=like.device)
        self.made = torch.zeros((), dtype=torch.int64, device=like.device)

    def ready(self) -> bool:
        """Does the chunk have the history that steps start from?"""
        sides = (self.chunk.equilibria, self.chunk.adjoints)
        return all(len(side.values) >= ring.held for side, ring in zip(sides, self.rings, strict=True))

    def load(self) -> None:
        """Take the history of the chunk."""
        self.rings[0].load(self.chunk.equilibria.values)
        self.rings[1].load(self.chunk.adjoints.values)

    def begin(self) -> None:
        """Let steps be made."""
        self.go.fill_(True)
        self.made.zero_()
        self.worst.zero_()

    def halt(self) -> None:
        """Let nothing move until `begin`."""
        self.go.fill_(False)

    def find(self, counts: tuple[int, int]) -> None:
        """Solve both equations, in so many iterations where there are no kernels, and keep the solutions."""
        network, phi = self.chunk.network, self.chunk.activation
        M = self.coupling = network.coupling(self.params)
        network.inject(self.params, self.inputs, self.injection)
        a, C, D = self.params[network.readout], self.injection, self.slope
        if self.kernels is not None:
            self.rings[0].predict(self.other)
            self.changes[0].copy_(self.kernels.equilibrium(M, C, self.other, self.T))
            self._write_slope()
            self.rings[1].predict(self.other)
            self.changes[1].copy_(self.kernels.adjoint(M, D, a, self.other, self.V))
        else:
            self._iterate(0, forward(C, M, M.float, phi, self.chunk.kink).apply, self.T, counts[0])
            self._write_slope()
            self._iterate(1, backward(D, M, M.float, a).apply, self.V, counts[1])
        self.go.logical_and_((self.changes <= self.chunk.options.tolerance).all())  # NaN is not
        stop = ~self.go
        for ring, value in zip(self.rings, (self.T, self.V), strict=True):
            value.masked_fill_(stop, 0)
            ring.push(value, self.go)
        self._predict()
        self.worst.copy_(torch.where(self.go, torch.maximum(self.worst, self.changes.amax(1)), self.worst))
        self.made.add_(self.go)

    def step(self, counts: tuple[int, int]) -> None:
        """As `find`, and P <- P - eta * grad_P for every trained parameter."""
        self.find(counts)
        self.move()

    def move(self) -> None:
        """P <- P - eta * grad_P; P itself, to the last bit, where not `go`."""
        weights = (self.errors * self.chunk.eta.unsqueeze(-1)).unsqueeze(1)
        factors = self.chunk.network.factors(self.params, self.inputs, self.T, self.injection, self.V)
        stop, before = ~self.go, None
        for name in self.chunk.trains:
            left, right = factors[name]
            if left is not before:
                torch.mul(left, weights, out=self.scratch)
                self.scratch.masked_fill_(stop, 0)
                before = left
            if right is None:
                self.params[name].sub_(self.scratch.sum(-1))
            else:
                self.params[name].baddbmm_(self.scratch, right.mT, alpha=-1)

    def _iterate(self, which: int, apply: Apply, value: Tensor, count: int) -> None:
        """Iterate so often from the prediction, and end in `value`."""
        current, other = (value, self.other) if count % 2 == 0 else (self.other, value)
        self.rings[which].predict(current)
        for _ in range(count):
            apply(current, other)
            current, other = other, current
        torch.sub(current, other, out=self.scratch)
        self.changes[which].copy_(torch.linalg.vector_norm(self.scratch.view(len(value), -1), dim=1))

    def _write_slope(self) -> None:
        chunk = self.chunk
        if not slope_of_image(chunk.activation.name, chunk.kink, self.T, self.slope):
            torch.baddbmm(self.injection, self.coupling, self.T, out=self.slope)
            self.slope.copy_(chunk.activation.dphi(self.slope, chunk.kink))

    def _predict(self) -> None:
        chunk, network = self.chunk, self.chunk.network
        torch.mul(self.params[network.readout].unsqueeze(-1), self.T, out=self.scratch)
        torch.sum(self.scratch, 1, out=self.yhat)
        if network.skip:
            torch.mul(self.params[network.skip].unsqueeze(-1), self.injection, out=self.scratch)
            self.yhat.add_(self.scratch.sum(1))
        torch.sub(self.yhat, chunk.y, out=self.errors)
        if chunk.weight is not None:
            self.errors.mul_(chunk.weight)
