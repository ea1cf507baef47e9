"""Triton kernels that solve an equation for all runs in one launch, each with its W kept on chip.

A program takes TILE columns of one run and iterates them until they change by at most the tolerance over
the square root of the number of such tiles, in the Frobenius norm, so that the change of the whole run is
at most the tolerance: columns do not interact. What a run does depends on nothing but itself. Products are
of float64 and in float64; "ieee" below would keep even those of float32 as they are.

Triton comes with torch for CUDA. This module can be imported only where it is installed, and runs on a
CPU where TRITON_INTERPRET=1 is set before.
"""

# Triton has no types, and may not be installed:
# pyright: reportMissingImports=false, reportUnknownParameterType=false, reportMissingParameterType=false
# pyright: reportUntypedFunctionDecorator=false, reportAttributeAccessIssue=false
# pyright: reportConstantRedefinition=false, reportPossiblyUnboundVariable=false

from typing import Any, cast, final

import torch
import triton
import triton.language as tl
from torch import Tensor

TILE = 16
"""Columns of one program: the narrowest that the matrix units take."""


@triton.jit
def _tanh(x):
    """Cephes: a rational function near 0, where 1 - exp(-2x) would cancel; below 2e-16 off, relatively."""
    z = x * x
    p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3
    q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3
    tail = tl.exp(-2.0 * tl.abs(x))
    large = 1.0 - 2.0 * tail / (1.0 + tail)
    return tl.where(tl.abs(x) < 0.625, x + x * (z * (p / q)), tl.where(x < 0, -large, large))


@triton.jit
def _phi(x, PHI: tl.constexpr):
    """The activation of this name; NaN stays NaN (a maximum with 0 might lose it)."""
    if PHI == "relu":
        x = tl.where(x < 0, 0.0, x)
    elif PHI == "leaky-relu":
        x = tl.where(x < 0, 0.01 * x, x)
    elif PHI == "abs":
        x = tl.abs(x)
    elif PHI == "tanh":
        x = _tanh(x)
    elif PHI == "erf":
        x = tl.erf(x)
    elif PHI == "sin":
        x = tl.sin(x)
    elif PHI == "sigmoid":
        x = 1.0 / (1.0 + tl.exp(-x))
    elif PHI == "swish":
        x = x / (1.0 + tl.exp(-x))
    return x


PHIS = ("relu", "leaky-relu", "abs", "identity", "tanh", "erf", "sin", "sigmoid", "swish")
"""The activations the kernel knows: those that Triton's own float64 functions give to a few roundings."""


@triton.jit
def _iterate(
    matrix, run_stride, row_stride, column_stride, source, slope, start, out, expected, count_out, change_out,
    limit, m, n, cap, PHI: tl.constexpr, FORWARD: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """State <- phi(matrix state + source), or slope o (matrix state + source 1') where not FORWARD."""
    tolerance = tl.load(limit)  # Python's number would come as float32
    run, tile, tiles = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.num_programs(1)
    rows, inner = tl.arange(0, ROWS), tl.arange(0, ROWS)
    columns = tile * COLUMNS + tl.arange(0, COLUMNS)
    inside = (rows[:, None] < m) & (columns[None, :] < n)
    at = run * m * n + rows[:, None] * n + columns[None, :]
    square = (rows[:, None] < m) & (inner[None, :] < m)
    place = run * run_stride + rows[:, None] * row_stride + inner[None, :] * column_stride
    held = tl.load(matrix + place, mask=square, other=0.0)
    state = tl.load(start + at, mask=inside, other=0.0)
    if FORWARD:
        added = tl.load(source + at, mask=inside, other=0.0)
        factor = added
    else:
        readout = tl.load(source + run * m + rows, mask=rows < m, other=0.0)
        added = tl.broadcast_to(readout[:, None], (ROWS, COLUMNS))
        factor = tl.load(slope + at, mask=inside, other=0.0)
    mine = run * tiles + tile
    look = tl.load(expected + mine)
    count, going = 0, 1
    change = tl.full((), float("inf"), tl.float64)
    while going > 0:
        new = tl.dot(held, state, acc=added, input_precision="ieee", out_dtype=tl.float64)
        if FORWARD:  # noqa: SIM108 - the other branch must not be compiled
            new = _phi(new, PHI)
        else:
            new = new * factor
        count += 1
        if (count >= look) | (count >= cap):
            moved = tl.where(inside, new - state, 0.0)
            change = tl.sqrt(tl.sum(tl.sum(moved * moved, axis=1), axis=0))
            hope = (change > tolerance) & (change < float("inf"))  # none for NaN: it never comes back
            going = (hope & (count < cap)).to(tl.int32)
        state = new
    tl.store(out + at, state, mask=inside)
    tl.store(change_out + mine, change)
    tl.store(count_out + mine, count)
    below = tl.minimum(tl.maximum(change, 1e-6 * tolerance), tolerance)
    eased = (0.9 * tl.log(tolerance / below)).to(tl.int32)
    tl.store(expected + mine, tl.maximum(count - eased, 1))


@final
class Solver:
    """The solves of states (B, m, n) as `like`: see `models.core.gpu_steps.Kernels`.

    `phi` is one of `PHIS`, else KeyError. Every run first looks at its change after `first` iterations, then
    where its last solves let it expect to be done, and stops after `cap` whatever the change. Changes are
    in the Frobenius norm, not finite where a state is not. States are contiguous, else ValueError.
    """

    def __init__(self, like: Tensor, phi: str, tolerance: float, cap: int, first: int = 4) -> None:
        if phi not in PHIS:
            raise KeyError(phi)
        (runs, _, n), device = like.shape, like.device
        tiles = -(-n // TILE)
        self.phi, self.cap = phi, cap
        share = tolerance / tiles**0.5 * (1 - 2.0**-40)
        self.limit = torch.full((1,), share, dtype=like.dtype, device=device)
        self.expected = torch.full((2, runs, tiles), first, dtype=torch.int32, device=device)
        self.count = torch.zeros_like(self.expected)
        self.change = torch.full((2, runs, tiles), torch.inf, dtype=like.dtype, device=device)

    def equilibrium(self, M: Tensor, C: Tensor, start: Tensor, out: Tensor) -> Tensor:
        """T = phi(M T + C) into `out`: M (B, m, m), the others (B, m, n); the last changes, (B,)."""
        return self._launch(0, M, C, C, start, out)

    def adjoint(self, M: Tensor, D: Tensor, a: Tensor, start: Tensor, out: Tensor) -> Tensor:
        """V = D o (a 1' + M'V) into `out`: `a` is (B, m); the last changes, (B,)."""
        return self._launch(1, M.mT, a.contiguous(), D, start, out)

    def iterations(self) -> Tensor:
        """The iterations of the last two solves, (2, B): of the tile with the most."""
        return self.count.amax(2)

    def _launch(
        self, which: int, M: Tensor, source: Tensor, slope: Tensor, start: Tensor, out: Tensor
    ) -> Tensor:
        runs, m, n = out.shape
        if not all(t.is_contiguous() for t in (source, slope, start, out)):
            raise ValueError("states must be contiguous")
        rows = max(TILE, 1 << (m - 1).bit_length())
        cast(Any, _iterate)[(runs, self.count.shape[2])](
            M, *M.stride(), source, slope, start, out,
            self.expected[which], self.count[which], self.change[which], self.limit, m, n, self.cap,
            PHI=self.phi, FORWARD=which == 0, ROWS=rows, COLUMNS=TILE,
            num_warps=rows // TILE, enable_fp_fusion=True,
        )  # fmt: skip
        return torch.linalg.vector_norm(self.change[which], dim=1)
