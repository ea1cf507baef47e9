"""Configurations of one shape as a torch batch: estimates for search, never for verdicts."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from checker.batch_algebra import batches, kernel_estimate
from checker.configuration import Configuration, float_arrays, scalar
from checker.enclosure import to_arb
from checker.expression.tree import Number
from checker.scene import Scene
from checker.settings import SETTINGS
from checker.theorem import Theorem
from models.settings import MODELS
from models.settings.base import Estimate, Problem

CPU = torch.device("cpu")


def stack(
    configurations: Sequence[Configuration], device: torch.device = CPU
) -> tuple[Problem, dict[str, Tensor]]:
    """The batch's problem and its parameters, (B, ...) each. All must share sizes and activation."""
    first = configurations[0]
    arrays = [float_arrays(c) for c in configurations]

    def gather(name: str) -> Tensor:
        return torch.from_numpy(np.stack([a[name] for a in arrays])).to(device)

    setting = SETTINGS[first.setting]
    problem = Problem(
        setting=first.setting,
        X=gather("X"),
        y=gather("y"),
        activation=first.activation,
        kink=float(first.kink),
        trains=first.trains,
    )
    return problem, {name: gather(name) for name in setting.parameters}


def state_of(configuration: Configuration) -> Estimate:
    """The estimate of one configuration at initialization, as a batch of one."""
    problem, params = stack([configuration])
    return MODELS[configuration.setting].estimate(problem, params)


def scalars(
    theorem: Theorem, configurations: Sequence[Configuration], device: torch.device
) -> dict[str, Tensor]:
    """Parameters that have a value, and the variables, as batch tensors."""
    given: dict[str, Tensor] = {}
    for name in configurations[0].parameters:
        values = [_value(c, name) for c in configurations]
        given[name] = torch.tensor(values, dtype=torch.float64, device=device)
    for name, variable in theorem.variables.items():
        rows = np.stack([c.arrays[name].floats for c in configurations])
        tensor = torch.from_numpy(rows).to(device)
        given[name] = tensor.reshape(len(configurations)) if variable.shape == () else tensor
    return given


def _value(configuration: Configuration, name: str) -> float:
    node = configuration.parameters[name]
    if isinstance(node, Number) and abs(node.value) < 10**300:
        return float(node.value)
    return float(to_arb(scalar(node, configuration)).mid())


def scene_of(
    theorem: Theorem, configurations: Sequence[Configuration], device: torch.device = CPU
) -> Scene[Tensor]:
    """The batch at initialization, ready to evaluate claims."""
    problem, params = stack(configurations, device)
    state = MODELS[configurations[0].setting].estimate(problem, params)
    given = scalars(theorem, configurations, device)
    given |= kernel_estimate(theorem, configurations, device)
    return Scene(theorem, batches(len(configurations), device), state, given)
