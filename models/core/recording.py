"""What is recorded of a chunk at a step, run by run."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.core.descent import Chunk
from models.core.norms import LOST, Tracked, distance, follow, frobenius, start, upper_norm2
from models.core.picard import size_of
from models.settings.base import Params
from models.trajectory import Floats, Record

_CANCELLED = 1e-6  # below this share the gradient's squared norm is lost in cancellation, and summed anew
_UNIT = 2.0**-53


@dataclass
class Anchor:
    """A bound of a matrix's norm, of where it was `at`, or where that is None, is; and what is tracked."""

    at: Tensor | None
    upper: Tensor
    tracked: Tracked

    def keep(self, rows: Tensor) -> None:
        self.at = None if self.at is None else self.at.index_select(0, rows)
        self.upper = self.upper.index_select(0, rows)
        self.tracked = Tracked(*(t.index_select(0, rows) for t in self.tracked))


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
        grams, squares = Grams((chunk.inputs, self.inputs)), dict[str, Square]()
        if "lambda_min" in names:
            out["lambda_min"] = _least(grams.of(chunk.equilibria.now), self.true_n)
        if "grad_norm" in names or ("norm2" in names and self.record.every == 1):
            squares = gradient_squares(chunk, grams)
        if "grad_norm" in names:
            out["grad_norm"] = grad_norm(chunk, squares)
        if "distance" in names:
            moved = [distance(chunk.params[name], before) for name, before in self.start.items()]
            out["distance"] = torch.linalg.vector_norm(torch.stack(moved, -1), dim=-1)
        if "norm2" in names:
            for name, value in chunk.params.items():
                if value.ndim > 1:
                    out[f"norm2_{name}"], out[f"norm2_{name}_upper"] = self._norm2(name, value)
                    if self.record.every == 1 and name in self.anchors:
                        self.anchors[name].upper = _after_step(self.anchors[name].upper, chunk, name, squares)
        self.looks += 1
        return {name: value.cpu().numpy() for name, value in out.items()} | self._solves(chunk, out)

    def _norm2(self, name: str, value: Tensor) -> tuple[Tensor, Tensor]:
        if value.ndim == 2:
            found = torch.linalg.vector_norm(value, dim=-1)
            return found, found * (1 + 4 * value.shape[-1] * _UNIT) + LOST * value.shape[-1] ** 0.5
        anchor = self.anchors.get(name)
        lower, tracked = start(value) if anchor is None else follow(value, anchor.tracked)
        if anchor is None or self.looks % self.record.bound_every == 0:
            at = None if self.record.every == 1 else value.clone()
            self.anchors[name] = anchor = Anchor(at, upper_norm2(value, lower), tracked)
            return lower, anchor.upper
        anchor.tracked = tracked
        if anchor.at is None:
            return lower, anchor.upper
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
    T, C, M = size_of(chunk.equilibria.now), size_of(chunk.injection), norm * m**0.5  # at least |M|_F
    change = torch.from_numpy(chunk.equilibria.change).to(T.device)
    rounding = 2 * _UNIT * ((m + 4) * chunk.activation.lipschitz * (M * (T + change) + C) + 4 * T) + LOST
    bound = (rate * change + rounding) / (1 - rate) * (1 + 16 * _UNIT)
    return torch.where(rate < 1, bound, torch.inf)


@dataclass(frozen=True)
class Square:
    """Of a gradient L diag(r) R', (B,): its squared Frobenius norm, and the sum of |l_i| |r_i| |R_i|."""

    value: Tensor
    length: Tensor


def gradient_squares(chunk: Chunk, grams: Grams) -> dict[str, Square]:
    """By trained parameter, from Gram matrices: |L diag(r) R'|_F^2 = r'(L'L o R'R)r.

    No sum of parts of that exceeds the squared length, so that its error is a few units of rounding of it.
    """
    factors, r = chunk.factors(), chunk.errors
    outer, sizes = r.unsqueeze(1) * r.unsqueeze(2), r.abs()
    out: dict[str, Square] = {}
    before, weighted, lengths = None, outer, sizes
    for name in chunk.trains:
        left, right = factors[name]
        if left is not before:
            gram = grams.of(left)
            before, weighted, lengths = left, gram * outer, _lengths(gram) * sizes
        if right is None:
            out[name] = Square(weighted.sum(-1).sum(-1), lengths.sum(-1))
        else:
            gram = grams.of(right)
            out[name] = Square((weighted * gram).sum(-1).sum(-1), (lengths * _lengths(gram)).sum(-1))
    return out


def _lengths(gram: Tensor) -> Tensor:
    """The lengths of the columns, (B, n), a little more than nothing also where their squares underflow."""
    return gram.diagonal(dim1=-2, dim2=-1).clamp(min=0).sqrt() + LOST


def _after_step(upper: Tensor, chunk: Chunk, name: str, squares: dict[str, Square]) -> Tensor:
    """A bound of the norm of a parameter after the coming step, from one before it, (B,).

    The step adds eta |L diag(r) R'|_F, and rounding: of the Grams and the sums of them, which is below
    8(k + l + 2n + 16) u length^2 in the square, and of the step itself, of n + 4 operations an entry (N. J.
    Higham, Accuracy and Stability of Numerical Algorithms, SIAM 2002, section 3.5).
    """
    if name not in squares:
        return upper
    square, (k, ell), n = squares[name], chunk.params[name].shape[-2:], chunk.errors.shape[-1]
    slack, rounding = 8 * (k + ell + 2 * n + 16) * _UNIT, 4 * (n + 8) * _UNIT
    squared = square.value.clamp(min=0).addcmul(square.length, square.length, value=slack)
    moved = squared.sqrt_().add_(square.length, alpha=rounding).mul_(chunk.eta.abs())
    after = (upper * (1 + rounding * min(k, ell) ** 0.5)).add_(moved, alpha=1 + 16 * _UNIT)
    return (
        after.add_(LOST * (k * ell) ** 0.5).mul_(1 + 4 * _UNIT).nan_to_num_(nan=torch.inf, posinf=torch.inf)
    )


def grad_norm(chunk: Chunk, squares: dict[str, Square]) -> Tensor:
    """The Euclidean norm of the gradient by all trained parameters, (B,); formed where its parts cancel."""
    total = torch.zeros_like(chunk.errors[:, 0])
    size = torch.zeros_like(total)
    for square in squares.values():
        total, size = total + square.value, size + square.length**2
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
    sizes = np.unique(true_n).tolist()
    if len(sizes) == 1:
        return torch.linalg.eigvalsh(gram[:, : sizes[0], : sizes[0]])[:, 0]
    out = torch.empty_like(gram[:, 0, 0])
    for n in sizes:
        rows = torch.from_numpy(np.flatnonzero(true_n == n)).to(gram.device)
        out[rows] = torch.linalg.eigvalsh(gram.index_select(0, rows)[:, :n, :n])[:, 0]
    return out
