"""The population kernels K and K_NTK of a configuration whose start is Gaussian."""

from collections.abc import Sequence

import numpy as np
import torch
from flint import arb_mat, fmpq
from torch import Tensor

from checker.configuration import Configuration, exact, float_arrays, scalar
from checker.enclosure import Ball, Enclosure, to_arb
from checker.errors import NotEnclosed
from checker.kernels.population import (
    population_gram,
    population_gram_estimate,
    population_ntk,
    population_ntk_estimate,
)
from checker.names import used_names
from checker.theorem import Theorem

NAMES = frozenset({"K", "K_NTK"})


def _variance(theorem: Theorem, name: str, configuration: Configuration) -> Ball:
    """The entries' variance under the stated law; zero for zeros. The mean must be zero."""
    law = theorem.initialization.get(name)
    if law is None or law.law == "zeros":
        return fmpq(0)
    if law.law != "normal":
        raise NotEnclosed(f"the population kernel needs a Gaussian {name}")
    mean, variance = (scalar(node, configuration) for node in law.arguments)
    if not (isinstance(mean, fmpq) and mean == 0):
        raise NotEnclosed(f"the population kernel needs a centred {name}")
    return variance


def kernel_enclosures(theorem: Theorem, configuration: Configuration) -> dict[str, Enclosure]:
    """Enclosures of K and K_NTK where the theorem uses them, at the ambient precision."""
    wanted = NAMES & used_names(theorem)
    if not wanted or configuration.activation is None:
        return {}
    m = fmpq(configuration.sizes["m"])
    A = _variance(theorem, "W", configuration) * m
    X = exact(configuration.arrays["X"], configuration)
    C: arb_mat = (X.transpose() * X) * to_arb(_variance(theorem, "U", configuration))
    out: dict[str, Enclosure] = {}
    if "K" in wanted:
        out["K"] = population_gram(configuration.activation, A, C)
    if "K_NTK" in wanted:
        readout = _variance(theorem, "a", configuration) * m
        out["K_NTK"] = population_ntk(configuration.activation, A, C, readout, configuration.trains)
    return out


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
        A = float(to_arb(_variance(theorem, "W", c)).mid()) * m
        X = float_arrays(c)["X"]
        C = float(to_arb(_variance(theorem, "U", c)).mid()) * (X.T @ X)
        if "K" in wanted:
            rows["K"].append(population_gram_estimate(c.activation or "", A, C))
        if "K_NTK" in wanted:
            readout = float(to_arb(_variance(theorem, "a", c)).mid()) * m
            rows["K_NTK"].append(population_ntk_estimate(c.activation or "", A, C, readout, c.trains))
    return {name: torch.from_numpy(np.stack(found)).to(device) for name, found in rows.items()}
