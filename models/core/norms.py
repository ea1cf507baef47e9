"""Spectral norms of a batch of matrices: tracked from below while they move, bounded from above.

Below: for orthonormal V the norm of W V is at most that of W; V starts from a Krylov space and follows
W by one step of subspace iteration a look. Above: t bounds |W|_2 where the Cholesky factorisation of
t^2 I - W'W succeeds with room for all rounding errors (S. M. Rump, Verification of positive
definiteness, BIT 46, 2006), and |W + E|_2 <= |W|_2 + |E|_F.
"""

from typing import NamedTuple

import torch
from torch import Tensor

BLOCK = 8
"""Vectors that are tracked."""

LOST = 2.0**-500
"""Smaller entries may be lost where they are squared; bounds from above add this much for each."""

_UNIT = 2.0**-53
_FEW = 2.0**-600  # squares between this and its inverse lose nothing that counts
_MARGINS = (1e-6, 1e-4, 1e-2, 1e-1)
_POWERS = 3  # squarings of the Gram matrix in every look: its power 8
_KRYLOV = 8  # powers of W'W that span the space where the tracked vectors start


def frobenius(a: Tensor) -> Tensor:
    """The Frobenius norm of every array of a batch, (B,); the order of summation is that of one alone."""
    if a.ndim > 2:
        a = torch.linalg.vector_norm(a, dim=-1)
    return torch.linalg.vector_norm(a, dim=-1)


def distance(a: Tensor, b: Tensor) -> Tensor:
    """The Frobenius norm of a - b for every array of a batch, (B,), in one pass over both."""
    one = a.reshape(-1, 1, a.shape[-1]), b.reshape(-1, 1, b.shape[-1])
    rows = torch.cdist(*one, compute_mode="donot_use_mm_for_euclid_dist")
    return torch.linalg.vector_norm(rows.view(len(a), -1), dim=1)


class Tracked(NamedTuple):
    """What a norm is followed from: W V for the V of the last look, (B, k, j), and where W V is longest.

    `top` (B, j) are the coordinates of that in the columns of V. Where W has few columns, V is the identity,
    `image` is not kept, and `top` is (B, l).
    """

    image: Tensor
    top: Tensor


def start(W: Tensor) -> tuple[Tensor, Tracked]:
    """A lower estimate of |W|_2, (B,), for matrices (B, k, l), and what to `follow` it from.

    It is the best in what _KRYLOV powers of W'W make of fixed vectors: all of R^l where that is small.
    """
    width = W.shape[-1]
    if width <= BLOCK * _KRYLOV:
        image, largest = _scaled(W)
    else:
        seed = torch.arange(width * BLOCK, dtype=W.dtype, device=W.device).view(width, BLOCK)
        powers = [torch.linalg.qr(torch.cos(seed * seed))[0].expand(len(W), width, BLOCK)]
        for _ in range(_KRYLOV - 1):
            powers.append(torch.linalg.qr(W.mT @ _scaled(W @ powers[-1])[0])[0])
        image, largest = _scaled(W @ torch.linalg.qr(torch.cat(powers, -1))[0])
    values, vectors = torch.linalg.eigh(image.mT @ image)
    norm = largest * values[:, -1].clamp(min=0).sqrt()
    if width <= 2 * BLOCK:
        return norm, Tracked(image[:, :, :0], vectors[:, :, -1])
    best = image @ vectors[:, :, -BLOCK:]
    return norm, Tracked(best, torch.eye(BLOCK, dtype=W.dtype, device=W.device)[-1].repeat(len(W), 1))


def follow(W: Tensor, last: Tracked) -> tuple[Tensor, Tracked]:
    """The length of W x for a unit vector x in the span of W' image, (B,), and what to go on from.

    It is at most |W|_2 up to rounding, and x about the best in that span.
    """
    if W.shape[-1] <= 2 * BLOCK:
        norm, _, top = _longest(W, last.top)
        return norm, Tracked(last.image, top)
    basis, turned = torch.linalg.qr(W.mT @ last.image)
    norm, image, top = _longest(W @ basis, (turned * last.top.unsqueeze(1)).sum(-1))
    return norm, Tracked(image, top)


def _longest(image: Tensor, near: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """|A x| for a unit x by _POWERS steps of the power method squared, from x near `near`; A, scaled; x.

    A has few columns; it is scaled where their squares may overflow.
    """
    gram = image.mT @ image
    size = gram.diagonal(dim1=-2, dim2=-1).sum(-1)
    far = ~((size > _FEW) & (size < 1 / _FEW))
    largest = torch.ones_like(size)
    if bool(far.any()):
        rows = far.nonzero().squeeze(1)
        scaled, found = _scaled(image[rows])
        gram[rows], largest[rows], image = scaled.mT @ scaled, found, image.index_copy(0, rows, scaled)
        size = gram.diagonal(dim1=-2, dim2=-1).sum(-1)
    power = gram / size.clamp(min=_FEW)[:, None, None]
    for _ in range(_POWERS):
        power = power @ power
    near = (near / near.abs().amax(1, keepdim=True)).nan_to_num_(nan=1)
    top = (power * near.unsqueeze(1)).sum(-1)
    top = top / torch.linalg.vector_norm(top, dim=1, keepdim=True)
    square = ((gram * top.unsqueeze(1)).sum(-1) * top).sum(-1)
    return largest * torch.where(size > 0, square, 0).clamp(min=0).sqrt(), image, top


def _scaled(image: Tensor) -> tuple[Tensor, Tensor]:
    """Matrices divided by their largest entry, and that, (B,): their squares do not overflow."""
    largest = image.abs().flatten(1).amax(1)
    return image / largest.clamp(min=LOST)[:, None, None], largest.clamp(min=LOST)


def upper_norm2(W: Tensor, guess: Tensor) -> Tensor:
    """A number that is at least |W|_2 for every matrix (B, k, l), proved; `guess` (B,) is about that norm.

    The slack covers the product, the subtraction and the factorisation: with t >= 0 and
    s = gamma_k tr(W'W) + gamma_{l+3} l t^2 (gamma_j = j u/(1 - j u)) taken from the diagonal before it is
    factorised, success proves t^2 I - W'W positive semidefinite. The Frobenius norm where no t succeeds.
    """
    k, ell = W.shape[-2:]
    total = (1 + 4 * (k + ell) * _UNIT) * frobenius(W) + LOST * (k * ell) ** 0.5
    best = total.clone()
    if W.shape[-1] == 0 or W.shape[-2] == 0:
        return best
    minus = W.mT @ W
    minus.neg_()
    left = torch.empty_like(minus)
    for margin in _MARGINS:
        t = torch.minimum(guess * (1 + margin), total)
        slack = 2 * _UNIT * ((k + 2) * total * total + (ell + 5) * ell * t * t) + 1e-290
        room = t * t * (1 - 4 * _UNIT) - slack
        left.copy_(minus).diagonal(dim1=-2, dim2=-1).add_(room[:, None])
        failed = torch.linalg.cholesky_ex(left).info
        proved = (failed == 0) & (room > 0) & torch.isfinite(t)
        best = torch.where(proved, torch.minimum(best, t), best)
        if bool(proved.all()):
            break
    return best
