"""Spectral norms of a batch of matrices: tracked from below while they move, bounded from above.

Below: for orthonormal V the norm of W V is at most that of W; V follows W by one step of subspace
iteration a look. Above: t bounds |W|_2 where the Cholesky factorisation of t^2 I - W'W succeeds with
room for all rounding errors (S. M. Rump, Verification of positive definiteness, BIT 46, 2006), and
|W + E|_2 <= |W|_2 + |E|_F.
"""

import torch
from torch import Tensor

BLOCK = 8
"""Vectors that are tracked."""

LOST = 2.0**-500
"""Smaller entries may be lost where they are squared; bounds from above add this much for each."""

_UNIT = 2.0**-53
_MARGINS = (1e-8, 1e-6, 1e-4, 1e-2)


def frobenius(a: Tensor) -> Tensor:
    """The Frobenius norm of every array of a batch, (B,); the order of summation is that of one alone."""
    if a.ndim > 2:
        a = torch.linalg.vector_norm(a, dim=-1)
    return torch.linalg.vector_norm(a, dim=-1)


def norm2(a: Tensor) -> Tensor:
    """The spectral norm of every matrix or the Euclidean one of every vector, (B,): estimates, not bounds."""
    if a.ndim == 2:
        return torch.linalg.vector_norm(a, dim=-1)
    return torch.linalg.svdvals(a)[:, 0]


def start_block(W: Tensor) -> Tensor:
    """Orthonormal right singular vectors of the largest singular values, (B, l, min(BLOCK, k, l))."""
    vectors = torch.linalg.svd(W, full_matrices=False)[2]
    return vectors[:, :BLOCK].mT.contiguous()


def follow(W: Tensor, block: Tensor) -> tuple[Tensor, Tensor]:
    """The norm of W on the span of W'W block, (B,), at most |W|_2 up to rounding, and that span's basis."""
    basis = torch.linalg.qr(W.mT @ (W @ block))[0]
    image = W @ basis
    return torch.linalg.eigvalsh(image.mT @ image)[:, -1].clamp(min=0).sqrt(), basis


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
    gram = W.mT @ W
    eye = torch.eye(ell, dtype=W.dtype, device=W.device)
    for margin in reversed(_MARGINS):
        t = torch.minimum(guess * (1 + margin), total)
        slack = 2 * _UNIT * ((k + 2) * total * total + (ell + 5) * ell * t * t) + 1e-290
        room = t * t * (1 - 4 * _UNIT) - slack
        _, failed = torch.linalg.cholesky_ex(room[:, None, None] * eye - gram)
        proved = (failed == 0) & (room > 0) & torch.isfinite(t)
        best = torch.where(proved, torch.minimum(best, t), best)
    return best
