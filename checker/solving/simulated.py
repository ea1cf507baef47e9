"""The width from which on simulated runs show a theorem's rate: float64, seeded draws, no verdict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from checker.batch import scene_of, stack
from checker.candidates import in_scope
from checker.completing import WHOLE_BOUND, complete
from checker.configuration import Configuration
from checker.errors import CheckerError
from checker.expression.estimate import estimate, margin
from checker.expression.tree import Call, Comparison, Name, Node
from checker.families import draw, generator, sizes_of
from checker.hypotheses import gates
from checker.names import claim_dependencies
from checker.scene import Scene
from checker.settings import SETTINGS
from checker.theorem import Draw, Theorem
from models.descent import descend
from models.trajectory import Record

DRAWS = 32
"""Draws of the start at each width."""

STEPS = 200
"""Steps of gradient descent, where none are asked for."""

MOST = 512
"""The largest width tried."""

WIDTHS = MOST.bit_length()
"""How many widths may be tried, the powers of two up to MOST: a bound for one of them holds for each of a
table's row with its failure probability times this (Bonferroni)."""

_ROUNDING = 1e-9  # of a loss in float64, relatively
_END = 1e-20  # of the loss at the start, below which a run is over


@dataclass(frozen=True)
class Shown:
    """The smallest width of the grid at which all `draws` showed the rate, `None` where none did."""

    width: int | None
    reason: str
    draws: int = 0


class _Override:
    """A batch at initialization with some names replaced; definitions keep the values they have there."""

    def __init__(self, scene: Scene[Tensor], values: Mapping[str, Tensor]) -> None:
        self._scene = scene
        self._values = values
        self.memo: dict[Node, Tensor] = {}

    def name(self, name: str) -> Tensor:
        return self._values[name] if name in self._values else self._scene.name(name)

    def call(self, node: Call) -> Tensor:
        return self._scene.call(node)


def rates(theorem: Theorem, scene: Scene[Tensor], size: int) -> Tensor | None:
    """The factor on the loss per step that a conclusion states, (B,) in float64; None where none does."""

    def at(node: Node, **values: float) -> Tensor:
        given = {k: torch.full((size,), v, dtype=torch.float64) for k, v in values.items()}
        return estimate(node, _Override(scene, given)).expand(size)

    for conclusion in sorted(theorem.conclusions, key=lambda c: c.name != "rate"):
        for part in conclusion.claim.parts:
            if not isinstance(part, Comparison) or part.operator not in {"<", "<="}:
                continue
            try:
                if part.left == Name("loss"):
                    one, two, three = (at(part.right, tau=k) for k in (1.0, 2.0, 3.0))
                    steady = torch.isclose(two / one, three / two, rtol=1e-9)
                    return torch.where(steady, two / one, torch.nan)
                if part.left == Call("next", (Name("loss"),)) and not at(part.right, loss=0.0, tau=1.0).any():
                    return at(part.right, loss=1.0, tau=1.0)
            except (KeyError, ArithmeticError, RuntimeError, CheckerError):
                continue
    return None


def drawn(
    theorem: Theorem, frame: Configuration, laws: Mapping[str, Draw], width: int, draws: int, seed: int
) -> list[Configuration]:
    """Configurations of one width with the frame's data, each with a start of its own."""
    sizes = {**frame.sizes, "m": width}
    out: list[Configuration] = []
    for k in range(draws):
        here = replace(frame, sizes=sizes)
        arrays = dict(frame.arrays)
        for name, shape in SETTINGS[theorem.setting].parameters.items():
            rng = generator(seed, "width", width, k, name)
            arrays[name] = draw(laws[name], sizes_of(shape, sizes), here, rng)
        out.append(replace(here, arrays=arrays))
    return out


def shows(theorem: Theorem, configurations: Sequence[Configuration], steps: int, seed: int) -> int:
    """How many of the runs, at the theorem's step, lose at least its factor per step up to every step."""
    rng = generator(seed, "shown", configurations[0].sizes["m"])
    found = [a.configuration for a in complete(theorem, configurations, rng, fractions=WHOLE_BOUND)]
    step = theorem.step or "eta"
    if any(step not in c.parameters for c in found):
        return 0
    names = set(found[0].parameters)
    if any(set(c.parameters) != names for c in found):
        return 0
    size = len(found)
    scene = scene_of(theorem, found)
    factor = rates(theorem, scene, size)
    if factor is None:
        return 0
    good = (factor > 0) & (factor < 1 - 1e-12)
    for claim in gates(theorem, found[0]):
        if step in claim_dependencies(claim.claim, theorem.definitions):
            good &= margin(claim.claim, scene).expand(size) >= -1e-6
    problem, params = stack(found)
    eta = scene.name(step).expand(size).clone()
    safe = torch.where(good & torch.isfinite(eta), eta, 0.0)
    left = descend(problem, params, safe, steps, record=Record(names=("loss",)), unconverged="keep")
    losses = left.values["loss"]
    allowed = np.power(factor.numpy()[None, :], left.steps[:, None]) * losses[0][None, :]
    with np.errstate(invalid="ignore"):
        fits = (losses <= allowed * (1 + _ROUNDING)) | (losses <= _END * losses[0][None, :])
    return int((fits.all(axis=0) & good.numpy() & left.finished).sum())


def simulated_width(
    theorem: Theorem,
    frame: Configuration,
    laws: Mapping[str, Draw],
    steps: int,
    seed: int,
    draws: int = DRAWS,
    cut: Callable[[int], bool] = lambda width: False,
) -> Shown:
    """The smallest power of two at which every draw shows the rate; `cut` may end the search before one."""
    if theorem.algorithm != "gradient-descent":
        return Shown(None, "the dynamics have no steps of training")
    last = 0
    width = 1
    while width <= MOST:
        if in_scope(theorem, {**frame.sizes, "m": width}, dict(frame.parameters)):
            if cut(width):
                text = f"all draws show the rate at no width up to {last}"
                return Shown(None, text if last else "not tried")
            held = shows(theorem, drawn(theorem, frame, laws, width, draws, seed), steps, seed)
            if held == draws:
                return Shown(width, "", draws)
            last = width
        width *= 2
    return Shown(None, f"all draws show the rate at no power of two up to {last}")
