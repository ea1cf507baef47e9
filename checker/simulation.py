"""One float64 run of a theorem's dynamics, recorded: for plots and for a first look. Estimates only."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from checker.batch import scene_of
from checker.conditions import with_chosen
from checker.configure import configure
from checker.errors import UsageError
from checker.flow import integrate
from checker.records import Value
from checker.request import read_request
from checker.settings import SETTINGS
from checker.simulating import float_path
from checker.theorem import Theorem


@dataclass(frozen=True)
class Trajectory:
    """Scalars recorded along one run: `times` are steps or flow times, values float64 estimates."""

    config: dict[str, Value]
    times: tuple[float, ...]
    values: dict[str, tuple[float, ...]]


def simulate(
    theorem: Theorem,
    settings: Mapping[str, str],
    *,
    seed: int | None = None,
    device: str = "cpu",
    steps: int = 200,
    record: tuple[str, ...] = ("loss", "residual", "grad_norm"),
) -> Trajectory:
    """Run the configuration that `check` would judge and record some of the setting's scalar names.

    Raises UsageError for a configuration that cannot be, or a name that is not a scalar.
    """
    names = SETTINGS[theorem.setting].names
    for name in record:
        if names.get(name) != ():
            raise UsageError(f"record: {name[:40]} is not a scalar of {theorem.setting}")
    request = read_request(theorem, settings, seed)
    configuration = with_chosen(theorem, request, configure(theorem, request))
    where = torch.device(device)
    scene = scene_of(theorem, [configuration], where)
    values: dict[str, list[float]] = {name: [] for name in record}
    times: list[float] = []
    if theorem.algorithm == "gradient-flow":
        flows = integrate([configuration])
        for t, state in zip(flows.times[0], flows.found.estimates, strict=True):
            times.append(t)
            for name in record:
                values[name].append(float(state.value(name)[0]))
    else:
        taken = request.steps if request.steps is not None else steps
        for moment in float_path(theorem, [configuration], scene, taken, 0):
            times.append(float(moment.tau))
            for name in record:
                values[name].append(float(moment.name(name)[0]))
    return Trajectory(configuration.summary(), tuple(times), {k: tuple(v) for k, v in values.items()})
