"""What a batch of float64 runs needs to be read as a theorem: its algebra, and its population kernels."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from checker.configuration import Configuration, float_arrays
from checker.enclosure import to_arb
from checker.expression.estimate import estimate
from checker.kernel_names import NAMES, variance_of
from checker.kernels.estimate import population_gram_estimate, population_ntk_estimate
from checker.names import used_names
from checker.scene import Algebra
from checker.theorem import Theorem


def batches(size: int, device: torch.device) -> Algebra[Tensor]:
    """The algebra of `size` independent float64 runs on one device."""

    def number(k: int) -> Tensor:
        return torch.full((size,), float(k), dtype=torch.float64, device=device)

    return Algebra(
        evaluate=estimate, number=number, add=torch.add, least=torch.minimum, greatest=torch.maximum
    )


def kernel_estimate(
    theorem: Theorem, configurations: Sequence[Configuration], device: torch.device
) -> dict[str, Tensor]:
    """Float64 estimates of the same, (B, n, n)."""
    wanted = NAMES & used_names(theorem)
    if not wanted or configurations[0].activation is None:
        return {}
    rows: dict[str, list[np.ndarray]] = {name: [] for name in sorted(wanted)}
    for c in configurations:
        m = c.sizes["m"]
        A = float(to_arb(variance_of(theorem, "W", c)).mid()) * m
        X = float_arrays(c)["X"]
        C = float(to_arb(variance_of(theorem, "U", c)).mid()) * (X.T @ X)
        if "K" in wanted:
            rows["K"].append(population_gram_estimate(c.activation or "", A, C))
        if "K_NTK" in wanted:
            readout = float(to_arb(variance_of(theorem, "a", c)).mid()) * m
            rows["K_NTK"].append(population_ntk_estimate(c.activation or "", A, C, readout, c.trains))
    return {name: torch.from_numpy(np.stack(found)).to(device) for name, found in rows.items()}
