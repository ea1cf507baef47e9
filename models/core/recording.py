"""What is recorded of a chunk at a step, run by run."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.core.descent import Chunk
from models.core.norms import LOST, distance, follow, frobenius, start, upper_norm2
from models.settings.base import Params
from models.trajectory import Floats, Record

_CANCELLED = 1e-6  # below this share the gradient's squared norm is lost in cancellation, and summed anew
_UNIT = 2.0**-53


@dataclass
class Anchor:
    """Where a matrix was when its norm was last bounded, that bound, and the image of the tracked vectors."""

    at: Tensor
    upper: Tensor
    image: Tensor

    def keep(self, rows: Tensor) -> None:
        self.at, self.upper, self.image = (t.index_select(0, rows) for t in (self.at, self.upper, self.image))


class Grams:
    """Gram matrices A'A, (B, n, n), each made once; `known` is an A with its own."""

    def __init__(self, known: tuple[Tensor, Tensor]) -> None:
        self._made = [known]

    def of(self, A: Tensor) -> Tensor:
        """A'A of a batch of matrices with n columns."""
        for other, gram in self._made:
            if other is A:
                return gram
        self._made.append((A, A.mT @ A))
        return self._made[-1][1]


class Recorder:
    """Writes rows of a table for one chunk; `true_n` (B,) is the number of samples of each run."""

    def __init__(self, chunk: Chunk, record: Record, true_n: NDArray[np.int64]) -> None:
        self.record, self.true_n = record, true_n
        self.start: Params = {name: chunk.params[name].clone() for name in chunk.trains}
        self.anchors: dict[str, Anchor] = {}
        self.inputs = chunk.inputs.mT @ chunk.inputs
        self.looks = 0

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Leave only some runs."""
        rows = torch.from_numpy(np.flatnonzero(mask)).to(next(iter(self.start.values())).device)
        self.start = {name: value.index_select(0, rows) for name, value in self.start.items()}
        for anchor in self.anchors.values():
            anchor.keep(rows)
        self.inputs = self.inputs.index_select(0, rows)
        self.true_n = self.true_n[mask]

    def row(self, chunk: Chunk) -> dict[str, Floats]:
        """The recorded quantities of the chunk's runs at its present step, (B,) each."""
        names, errors = self.record.names, chunk.errors
        out: dict[str, Tensor] = {}
        residual = frobenius(errors)
        if "loss" in names:
            out["loss"] = residual * residual / 2
        if "residual" in names:
            out["residual"] = residual
        if "lambda_min" in names or "grad_norm" in names:
            grams = Grams((chunk.inputs, self.inputs))
            if "lambda_min" in names:
                out["lambda_min"] = _least(grams.of(chunk.equilibria.now), self.true_n)
            if "grad_norm" in names:
                out["grad_norm"] = grad_norm(chunk, grams)
        if "distance" in names:
            moved = [distance(chunk.params[name], before) for name, before in self.start.items()]
            out["distance"] = torch.linalg.vector_norm(torch.stack(moved, -1), dim=-1)
        if "norm2" in names:
            for name, value in chunk.params.items():
                if value.ndim > 1:
                    out[f"norm2_{name}"], out[f"norm2_{name}_upper"] = self._norm2(name, value)
        self.looks += 1
        return {name: value.cpu().numpy() for name, value in out.items()} | self._solves(chunk, out)

    def _norm2(self, name: str, value: Tensor) -> tuple[Tensor, Tensor]:
        if value.ndim == 2:
            found = torch.linalg.vector_norm(value, dim=-1)
            return found, found * (1 + 4 * value.shape[-1] * _UNIT) + LOST * value.shape[-1] ** 0.5
        anchor = self.anchors.get(name)
        lower, image = start(value) if anchor is None else follow(value, anchor.image)
        if anchor is None or self.looks % self.record.bound_every == 0:
            self.anchors[name] = anchor = Anchor(value.clone(), upper_norm2(value, lower), image)
            return lower, anchor.upper
        anchor.image = image
        room = 1 + 4 * value[0].numel() * _UNIT
        moved = distance(value, anchor.at) * room + LOST * value[0].numel() ** 0.5
        return lower, (anchor.upper + moved) * (1 + 4 * _UNIT)

    def _solves(self, chunk: Chunk, found: dict[str, Tensor]) -> dict[str, Floats]:
        """What the solver says of itself, and the distance to the equilibrium that follows from the norm."""
        side = chunk.equilibria
        out: dict[str, Floats] = {
            "iterations": side.iterations.astype(np.float64),
            "sweeps": side.sweeps.astype(np.float64),
            "adjoint_iterations": chunk.adjoints.iterations.astype(np.float64),
            "adjoint_sweeps": chunk.adjoints.sweeps.astype(np.float64),
            "change": side.change,
        }
        upper = found.get(f"norm2_{chunk.network.coupled}_upper")
        if upper is not None:
            out["error_bound"] = (
                error_bound(chunk, chunk.network.coupling_norm(chunk.params, upper)).cpu().numpy()
            )
        return out


def error_bound(chunk: Chunk, norm: Tensor) -> Tensor:
    """At least the Frobenius distance of T to the equilibrium, (B,), from bounds `norm` (B,) of |M|_2.

    Infinite where L|M| >= 1.

    T is the image of the iterate before it, up to rounding e, and `change` bounds their distance, so that
    |T - T*| <= (L|M| change + e)/(1 - L|M|) (Banach). e sums the errors of the product, of the sum and of
    phi, which is taken to be right to four units of rounding, and of phi's own constants.
    """
    rate = norm * chunk.activation.lipschitz * (1 + 8 * _UNIT)
    m = chunk.injection.shape[-2]
    T, C, M = frobenius(chunk.equilibria.now), frobenius(chunk.injection), norm * m**0.5  # at least |M|_F
    change = torch.from_numpy(chunk.equilibria.change).to(T.device)
    rounding = 2 * _UNIT * ((m + 4) * chunk.activation.lipschitz * (M * (T + change) + C) + 4 * T) + LOST
    bound = (rate * change + rounding) / (1 - rate) * (1 + 16 * _UNIT)
    return torch.where(rate < 1, bound, torch.inf)


def grad_norm(chunk: Chunk, grams: Grams) -> Tensor:
    """The Euclidean norm of the gradient by all trained parameters, (B,), from Gram matrices.

    |L diag(r) R'|_F^2 = r'(L'L o R'R)r, and no sum of parts of it exceeds (sum of k_ii^(1/2) |r_i|)^2 for
    k = L'L o R'R. Where that cancels, the gradient itself is formed.
    """
    factors, r = chunk.factors(), chunk.errors
    total, size = torch.zeros_like(r[:, 0]), torch.zeros_like(r[:, 0])
    sides: list[tuple[Tensor, Tensor]] = []  # of factors with the same left one, the right Grams are summed
    for name in chunk.trains:
        left, right = factors[name]
        if right is None:
            total = total + ((left * r.unsqueeze(1)).sum(-1) ** 2).sum(-1)
        elif sides and sides[-1][0] is left:
            sides[-1] = (left, sides[-1][1] + grams.of(right))
        else:
            sides.append((left, grams.of(right)))
    for left, right in sides:
        kernel = grams.of(left) * right
        total = total + ((kernel * r.unsqueeze(1)).sum(-1) * r).sum(-1)
        diagonal = kernel.diagonal(dim1=-2, dim2=-1).clamp(min=0).sqrt()
        size = size + (diagonal * r.abs()).sum(-1) ** 2
    lost = total < _CANCELLED * size
    if bool(lost.any()):
        total = torch.where(lost, _dense_square(chunk, lost), total)
    return total.clamp(min=0).sqrt()


def _dense_square(chunk: Chunk, wanted: Tensor) -> Tensor:
    """The squared norm of the gradient of the wanted runs, formed entry by entry; 0 elsewhere."""
    rows = wanted.nonzero().squeeze(1)
    out = torch.zeros_like(chunk.errors[:, 0])
    factors, r = chunk.factors(), chunk.errors[rows].unsqueeze(1)
    for name in chunk.trains:
        left, right = factors[name]
        weighted = left[rows] * r
        gradient = weighted.sum(-1) if right is None else weighted @ right[rows].mT
        out[rows] += frobenius(gradient) ** 2
    return out


def _least(gram: Tensor, true_n: NDArray[np.int64]) -> Tensor:
    """The least eigenvalue of the leading block of each run's own size, (B,)."""
    out = torch.empty_like(gram[:, 0, 0])
    for n in np.unique(true_n):
        rows = torch.from_numpy(np.flatnonzero(true_n == n)).to(gram.device)
        block = gram.index_select(0, rows)[:, : int(n), : int(n)]
        out[rows] = torch.linalg.eigvalsh(block)[:, 0]
    return out
