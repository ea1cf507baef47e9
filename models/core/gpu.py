"""How a chunk is taken through its steps: by itself, or replayed; on CUDA as graphs, with kernels or without.

On the CPU a chunk whose runs may stop together is replayed, without graphs, and every other goes by itself.
"""

import os
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Literal, cast, get_args

import torch
from torch import Tensor

from models.core.descent import Chunk
from models.core.gpu_steps import Kernels
from models.core.graph import Graphs, Replay, plain

Engine = Literal["auto", "eager", "graph", "fused"]
"""`eager`: operation by operation. `graph`: whole steps as CUDA graphs. `fused`: these, with kernels that
keep W on chip and stop each run by itself. `auto`: the last of them that is possible and pays."""

WIDEST = 64
"""Up to this m the kernels are chosen: W, m x m in float64, and its state fit the registers."""

WIDEST_POSSIBLE = 128
"""Up to this m they can be asked for."""

_EMULATION = "CUBLAS_EMULATE_DOUBLE_PRECISION"


class WrongArithmetic(ArithmeticError):
    """The device multiplies float64 matrices with less than float64."""


def replay_for(chunk: Chunk, engine: Engine) -> Replay | None:
    """What takes this chunk through its steps; None where it goes by itself.

    ValueError where the engine that is asked for is unknown or cannot be had: `graph` and `fused` need CUDA,
    `fused` Triton, a known activation, a narrow network and a GPU with matrix units for float64.
    WrongArithmetic where the device does not multiply in float64.
    """
    if engine not in get_args(Engine):
        raise ValueError(f"engine is one of {', '.join(get_args(Engine))}, not {engine!r}")
    device = chunk.y.device
    if device.type != "cuda":
        if engine in ("graph", "fused"):
            raise ValueError(f'engine="{engine}" needs CUDA tensors; these are on the {device.type}')
        return Replay(chunk, plain) if engine == "auto" and chunk.options.together else None
    check_float64(device)
    if engine == "eager" or len(chunk.eta) == 0:
        return None
    obstacle = no_kernels(chunk, WIDEST if engine == "auto" else WIDEST_POSSIBLE)
    if engine == "fused" and obstacle:
        raise ValueError(f'engine="fused": {obstacle}')
    return Replay(chunk, Graphs(device), kernels_of if not obstacle and engine != "graph" else None)


def no_kernels(chunk: Chunk, widest: int) -> str:
    """Why the chunk cannot be solved by kernels, for networks up to this width; '' if it can."""
    if find_spec("triton") is None:
        return "Triton is not installed"
    m, phi = chunk.injection.shape[1], chunk.activation.name
    if m > widest:
        return f"m = {m} is more than {widest}"
    if phi not in cast(tuple[str, ...], import_module("models.core.fused").PHIS):
        return f"there is no kernel for {phi}"
    if chunk.y.device.type == "cuda" and torch.cuda.get_device_capability(chunk.y.device) < (8, 0):
        return "the GPU has no matrix units for float64"
    return ""


def kernels_of(chunk: Chunk) -> Kernels:
    """The kernels for the solves of this chunk."""
    make = cast(Callable[..., Kernels], import_module("models.core.fused").Solver)
    return make(chunk.injection, chunk.activation.name, chunk.options.tolerance, chunk.options.cap)


@lru_cache
def check_float64(device: torch.device) -> None:
    """Raises WrongArithmetic unless float64 products on this device keep what only float64 keeps.

    TF32 and torch's other settings for float32 do not touch float64; emulation of float64 by integers or
    narrower floats, where cuBLAS has it, is off unless the environment asks for it, which is refused.
    Then two products are tried: in every row stand 1, 2^-70 and 2^-70 + 2^-122, which the columns
    combine to exactly 2^-122 in whatever order float64 sums, and to 0 where the entries of a row share an
    exponent or have fewer bits.
    """
    if os.environ.get(_EMULATION, "0") not in ("", "0"):
        raise WrongArithmetic(f"{_EMULATION} is set: float64 would be emulated; unset it")
    for m, n in ((64, 16), (1024, 64)):
        if not multiplies_float64(torch.matmul, m, n, device):
            raise WrongArithmetic(f"{device} does not multiply {m} x {m} matrices in float64")


def multiplies_float64(
    product: Callable[[Tensor, Tensor], Tensor], m: int, n: int, device: torch.device
) -> bool:
    """Does this product of (1, m, m) and (1, m, n) keep what `check_float64` says?"""
    left = torch.zeros(1, m, m, dtype=torch.float64, device=device)
    left[:, :, 0], left[:, :, 1], left[:, :, 2] = 1.0, 2.0**-70, 2.0**-70 + 2.0**-122
    right = torch.zeros(1, m, n, dtype=torch.float64, device=device)
    right[:, 1], right[:, 2] = -1.0, 1.0
    return bool((product(left, right) == 2.0**-122).all())
