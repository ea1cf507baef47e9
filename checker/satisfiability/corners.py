"""Favourable corners of the free arrays, tried where a search found nothing: where would hypotheses hold?

Inputs orthogonal or nearly so, W zero or small, a readout that is zero or tiny, large input weights, labels
as close to the predictions as a hypothesis may want. Structures are combined in a fixed order; their sizes
are searched in decades, those of the best candidates narrowed. What is drawn by law stays as it is drawn.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from checker.candidates import propose
from checker.completing import Assessed, complete
from checker.configuration import Configuration, ExactArray, Floats
from checker.families import generator, sizes_of
from checker.request import Request
from checker.settings import SETTINGS
from checker.simulating import simulate
from checker.theorem import Theorem

POPULATION = 54
GENERATIONS = 4
_KEPT = 9
_BASES = 6
_NEURONS = 2400  # times the population, in one batch
_RANGES = {
    "X": (-1.5, 1.5),
    "W": (-4.0, -0.1),
    "U": (-1.5, 3.0),
    "a": (-8.0, 0.5),
    "w": (-3.0, 1.0),
    "y": (-10.0, 1.0),
}
"""Decades of the sizes that are tried first."""

_STRUCTURES: dict[str, tuple[str, ...]] = {
    "X": ("orthogonal", "gaussian"),
    "W": ("zeros", "identity", "gaussian"),
    "U": ("identity", "gaussian", "positive"),
    "a": ("zeros", "gaussian"),
    "w": ("zeros", "gaussian"),
    "y": ("bottom", "gaussian", "none"),
}


def favourable(
    theorem: Theorem,
    request: Request,
    sizes: dict[str, int],
    activation: str | None,
    steps: int,
    path: Sequence[int],
    generations: int = GENERATIONS,
) -> list[Assessed]:
    """Candidates in favourable corners, the best first; conclusions are estimated for those that serve.

    `path` names the seeded draws. Everything is an estimate in float64.
    """
    rng = generator(request.seed, "corners", *path)
    free = free_arrays(theorem, request)
    if not free:
        return []
    population = max(2 * _KEPT, min(POPULATION, _NEURONS // sizes.get("m", 1)))
    kinds = list(product(*(_STRUCTURES[name] for name in free)))
    order = rng.permutation(len(kinds))
    points = [
        (kinds[order[k % len(kinds)]], np.array([rng.uniform(*_RANGES[name]) for name in free]))
        for k in range(population)
    ]
    bases = [propose(theorem, request, sizes, activation, rng) for _ in range(_BASES)]
    seen: list[tuple[Assessed, tuple[str, ...], Floats]] = []
    for generation in range(generations):
        batch = [
            _made(theorem, bases[k % _BASES], dict(zip(free, kind, strict=True)), size, free, rng)
            for k, (kind, size) in enumerate(points)
        ]
        found = complete(theorem, batch, rng, points=96)
        seen += [(a, kind, size) for a, (kind, size) in zip(found, points, strict=True)]
        seen.sort(key=lambda item: -_margin(item[0]))
        width = 0.8 * 0.5**generation
        points = [
            (kind, size + width * rng.standard_normal(len(free)))
            for _, kind, size in (seen[k % _KEPT] for k in range(population))
        ]
    good = [a for a, _, _ in seen if a.hypotheses >= 0]
    poor = [a for a, _, _ in seen if not a.hypotheses >= 0]
    return [*(simulate(theorem, good[:population], steps) if good else []), *poor[:_KEPT]]


def free_arrays(theorem: Theorem, request: Request) -> tuple[str, ...]:
    """The arrays a search may choose, which nothing states and no option fixes."""
    setting = SETTINGS[theorem.setting]
    scaled = {"W": "s_w", "U": "s_u", "a": "s_a", "y": "s_y"}
    names = ["X"] if "X" not in theorem.data and request.data is None else []
    names += [name for name in setting.parameters if name not in theorem.initialization]
    names += ["y"] if "y" not in theorem.data and request.labels is None else []
    return tuple(name for name in names if scaled.get(name) not in request.scales)


def _margin(a: Assessed) -> float:
    return a.hypotheses if np.isfinite(a.hypotheses) else -1e9


def _made(
    theorem: Theorem,
    base: Configuration,
    kinds: dict[str, str],
    decades: Floats,
    free: tuple[str, ...],
    rng: np.random.Generator,
) -> Configuration:
    arrays, sizes = dict(base.arrays), dict(base.sizes)
    for name, size in zip(free, decades, strict=True):
        if name != "y":
            shape = sizes_of(SETTINGS[theorem.setting].parameters.get(name, ("d", "n")), sizes)
            floats = _structure(kinds[name], shape, rng)
            keep = arrays[name].map == "columns"
            arrays[name] = replace(arrays[name], floats=floats) if keep else ExactArray(floats * 10.0**size)
    frame = replace(base, arrays=arrays)
    if "y" not in free:
        return frame
    y = _label(frame, kinds["y"], float(10.0 ** decades[free.index("y")]), rng)
    note = dict(base.note) | {
        "data": kinds.get("X", "as stated"),
        "labels": f"near the predictions ({kinds['y']})",
    }
    return replace(frame, arrays=arrays | {"y": ExactArray(y)}, note=note)


def _structure(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """An array of spectral size about 1."""
    if kind == "zeros":
        return np.zeros(shape)
    if len(shape) == 2 and (kind == "identity" or (kind == "orthogonal" and shape[0] >= shape[1])):
        return np.eye(*shape)
    found = rng.standard_normal(shape)
    if kind == "positive":
        found = np.abs(found)
    norm = float(np.linalg.norm(found, 2)) if len(shape) == 2 else float(np.linalg.norm(found))
    return found / norm if norm > 0 else found


def _label(frame: Configuration, kind: str, size: float, rng: np.random.Generator) -> Floats:
    """Labels at a distance `size` from the predictions."""
    from checker.batch import state_of

    state = state_of(frame)
    start = np.nan_to_num(state.value("yhat")[0].cpu().numpy())
    if kind == "none":
        return start
    if kind == "bottom":
        G = np.nan_to_num(state.value("G")[0].cpu().numpy())
        _, vectors = np.linalg.eigh((G + G.T) / 2)
        return start + size * vectors[:, 0]
    direction = rng.standard_normal(frame.sizes["n"])
    return start + size * direction / float(np.linalg.norm(direction))
