"""Configurations to try: shapes that fit the scope, data, labels, and starts in every corner.

What a theorem names in [initialization] or [data] is drawn by the seeded sampler and by
nothing else; the rest is free, and the families below reach into its corners: zeros,
identities, orthogonal, triangular, low rank, sparse, many scales, and short dyadics.
"""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np

from checker.configuration import Configuration, ExactArray, Floats, ScalarEnv, scalar
from checker.errors import CertainlyUndefined, NotEnclosed, UsageError
from checker.expression.enclose import judge
from checker.expression.simplify import free_names_of_claim, substitute_claim
from checker.expression.tree import Claim, Node, Number
from checker.families import draw, free_matrix, made, sizes_of
from checker.names import used_names
from checker.request import Request
from checker.settings import SETTINGS
from checker.theorem import Theorem
from checker.verdict import Verdict
from models.data import DataError, labels, load_data

SMALL = {
    "deq": (
        (1, 1, 1),
        (1, 1, 2),
        (2, 2, 2),
        (2, 2, 3),
        (1, 2, 3),
        (2, 3, 4),
        (3, 3, 5),
        (2, 4, 8),
        (3, 4, 6),
    ),
    "least-squares": ((1, 1, 1), (1, 2, 2), (2, 2, 2), (2, 3, 3), (3, 3, 3), (3, 5, 5), (4, 6, 6), (2, 8, 8)),
}
"""The shapes (n, d, m) tried first, small ones before large ones."""


def _frame(theorem: Theorem, sizes: dict[str, int], parameters: dict[str, Node]) -> Configuration:
    return Configuration(theorem.setting, sizes, {}, parameters)


def in_scope(theorem: Theorem, sizes: dict[str, int], parameters: dict[str, Node]) -> bool:
    """Do the sizes certainly satisfy the scope? Claims that need unknown parameters count as satisfied."""
    env = ScalarEnv(_frame(theorem, sizes, parameters))
    for claim in theorem.scope.sizes.values():
        try:
            if judge(claim, env).verdict is not Verdict.HOLDS:
                return False
        except (NotEnclosed, CertainlyUndefined):
            continue
    return True


def _size_claims(theorem: Theorem) -> list[Claim]:
    """The hypotheses that are about sizes and parameters alone, definitions put in."""
    found: list[Claim] = []
    known = set(SETTINGS[theorem.setting].sizes) | set(theorem.parameters)
    for hypothesis in theorem.hypotheses:
        claim = hypothesis.claim
        for _ in theorem.definitions:
            claim = substitute_claim(claim, theorem.definitions)
        if free_names_of_claim(claim) <= known:
            found.append(claim)
    return found


def may_serve(theorem: Theorem, sizes: dict[str, int], parameters: dict[str, Node]) -> bool:
    """Are the sizes in scope, and does no hypothesis about sizes alone certainly fail there?"""
    if not in_scope(theorem, sizes, parameters):
        return False
    env = ScalarEnv(_frame(theorem, sizes, parameters | fixed_parameters(theorem)))
    for claim in _size_claims(theorem):
        try:
            if judge(claim, env).verdict is Verdict.FAILS:
                return False
        except (NotEnclosed, CertainlyUndefined):
            continue
    return True


def shapes(theorem: Theorem, request: Request, most: int = 9) -> list[dict[str, int]]:
    """The sizes to try, in order: the small table first, then a grid, within scope and request."""
    joined = theorem.setting == "least-squares"
    table: list[tuple[int, int, int]] = list(SMALL[theorem.setting])
    axis = [*range(1, 9), 10, 12, 16, 20, 24, 32, 48, 64, 100, 128, 200, 256, 512, 1000, 1024]
    fixed = request.sizes
    if request.data is not None and request.data.startswith("digits"):
        fixed = {**fixed, "d": 64}
    found: list[dict[str, int]] = []

    def offer(n: int, d: int, m: int) -> None:
        sizes = {"n": n, "d": d} if joined else {"n": n, "d": d, "m": m}
        sizes |= {k: v for k, v in fixed.items() if k in sizes}
        full = sizes | {"m": sizes["d"]} if joined else sizes
        if full not in found and may_serve(theorem, full, dict(request.parameters)):
            found.append(full)

    for n, d, m in table:
        offer(n, d, m)
    if len(found) < 3:
        ns, ds, ms = ([fixed[k]] if k in fixed else axis for k in ("n", "d", "m"))
        grid = sorted(product(ns, ds, [0] if joined else ms), key=lambda s: (s[2] ** 2 + s[0] * s[1], s))
        for n, d, m in grid[:20000]:
            offer(n, d, m)
            if len(found) >= most:
                break
    return found[:most]


def activations(theorem: Theorem, request: Request) -> tuple[str | None, ...]:
    """The activations a run may use: the scope's, less those without a constant the theorem needs."""
    setting = SETTINGS[theorem.setting]
    if not setting.has_activation:
        return (None,)
    names = theorem.scope.activation or tuple(setting.activations)
    if request.activation is not None:
        if request.activation not in names:
            raise UsageError(
                f"--set activation={request.activation}: the theorem is stated for {', '.join(names)} only"
            )
        return (request.activation,)
    if "L_dphi" in used_names(theorem):
        names = tuple(name for name in names if setting.activations[name].lipschitz_derivative() is not None)
    return names


def _inputs(d: int, n: int, rng: np.random.Generator) -> tuple[Floats, str]:
    kinds = ["gaussian", "sphere", "basis"]
    kinds += ["orthogonal"] if n <= d else []
    kinds += ["near-parallel"] if n >= 2 and d >= 2 else []
    kind = str(rng.choice(kinds))
    if kind == "basis":
        return np.eye(d, n), kind
    if kind == "gaussian":
        return rng.standard_normal((d, n)), kind
    spec = kind if kind != "near-parallel" else f"near-parallel:{10 ** rng.uniform(-2, 0):.4f}"
    found, _ = load_data(spec, n=n, d=d, seed=int(rng.integers(2**31)))
    return found, spec


def data_array(
    theorem: Theorem, request: Request, frame: Configuration, rng: np.random.Generator
) -> tuple[ExactArray, Floats | None, str]:
    """X as the theorem's scope and law ask, the labels that came with it, and its name."""
    n, d = frame.sizes["n"], frame.sizes["d"]
    own: Floats | None = None
    if "X" in theorem.data:
        return draw(theorem.data["X"], (d, n), frame, rng), None, "drawn"
    if request.data is not None:
        seed = int(rng.integers(2**31)) if request.data != "fixed" else 0
        try:
            found, own = load_data(request.data, n=n, d=d, seed=seed)
        except DataError as error:
            raise UsageError(f"--set data: {error}") from error
        name = request.data
    else:
        found, name = _inputs(d, n, rng)
        if theorem.scope.data_norm is None:
            found = found * 10 ** rng.uniform(-1, 1)
    if theorem.scope.data_norm is not None:
        return ExactArray(found, "columns", theorem.scope.data_norm), own, name
    return ExactArray(found), own, name


def _number(value: float) -> Node:
    return Number(Fraction(value))


@made()
def propose(
    theorem: Theorem,
    request: Request,
    sizes: dict[str, int],
    activation: str | None,
    rng: np.random.Generator,
) -> Configuration:
    """One candidate: arrays from the stated laws or from the free families; labels come last."""
    setting = SETTINGS[theorem.setting]
    frame = Configuration(
        theorem.setting,
        sizes,
        {},
        dict(request.parameters),
        activation,
        theorem.kink,
        tuple(theorem.trains) or tuple(setting.parameters),
    )
    parameters = dict(frame.parameters) | fixed_parameters(theorem)
    for name, parameter in theorem.parameters.items():
        if name not in parameters and parameter.quantifier == "forall" and name != theorem.step:
            parameters[name] = _drawn_parameter(theorem, replace(frame, parameters=parameters), name, rng)
    frame = replace(frame, parameters=parameters)
    X, own, data_name = data_array(theorem, request, frame, rng)
    arrays: dict[str, ExactArray] = {"X": X}
    for name, shape in setting.parameters.items():
        arrays[name] = _start(theorem, request, name, sizes_of(shape, sizes), frame, rng)
    for name, variable in theorem.variables.items():
        arrays[name] = ExactArray(free_matrix(sizes_of(variable.shape, sizes) or (1,), rng))
    note = {"data": data_name}
    frame = replace(frame, arrays=arrays | {"y": ExactArray(np.zeros(sizes["n"]))}, note=note)
    y, label_name = _labels(theorem, request, frame, own, rng)
    return replace(frame, arrays=arrays | {"y": y}, note={"data": data_name, "labels": label_name})


def in_domain(theorem: Theorem, frame: Configuration, name: str) -> bool:
    """Is a parameter's value certainly in its domain? One that needs other values counts as satisfied."""
    domain = theorem.parameters[name].domain
    if domain is None:
        return True
    try:
        return judge(domain, ScalarEnv(frame)).verdict is Verdict.HOLDS
    except (NotEnclosed, CertainlyUndefined):
        return True


def _drawn_parameter(theorem: Theorem, frame: Configuration, name: str, rng: np.random.Generator) -> Node:
    """A value of a forall parameter: its default, or one drawn in decades from its domain."""
    default = theorem.parameters[name].default
    if default is not None and rng.random() < 0.3:
        return default
    value: Node = _number(1.0)
    for attempt in range(60):
        size = 10 ** rng.uniform(-2, 1) if attempt < 30 else 10 ** rng.uniform(-6, 6)
        value = _number(float(size if attempt % 5 < 4 else -size))
        if in_domain(theorem, replace(frame, parameters=dict(frame.parameters) | {name: value}), name):
            return value
    return default or value


def fixed_parameters(theorem: Theorem) -> dict[str, Node]:
    """The parameters whose value the theorem states."""
    return {name: p.value for name, p in theorem.parameters.items() if p.value is not None}


def _start(
    theorem: Theorem,
    request: Request,
    name: str,
    shape: tuple[int, ...],
    frame: Configuration,
    rng: np.random.Generator,
) -> ExactArray:
    if name in theorem.initialization:
        return draw(theorem.initialization[name], shape, frame, rng)
    scale_name = {"W": "s_w", "U": "s_u", "a": "s_a"}.get(name)
    if scale_name is not None and scale_name in request.scales:
        scale = float(scalar(request.scales[scale_name], frame))
        width = shape[-1] if len(shape) == 2 else shape[0]
        factor = np.sqrt((2.0 if len(shape) == 2 else 1.0) / width)
        return ExactArray(scale * factor * rng.standard_normal(shape))
    base = free_matrix(shape, rng)
    if name == "W":
        size = rng.choice(
            [0.0, 10 ** rng.uniform(-3, 0), rng.uniform(0, 1), rng.uniform(0.9, 2)], p=[0.15, 0.4, 0.3, 0.15]
        )
    elif name == "U":
        size = 10 ** rng.uniform(-1, 2)
    else:
        size = rng.choice([0.0, 10 ** rng.uniform(-4, 1)], p=[0.4, 0.6])
    return ExactArray(base * float(size))


def named_labels(
    kind: str, X: Floats, own: Floats | None, G: Floats, start: Floats, seed: int, scale: float
) -> Floats:
    """The labels a user names; what cannot be is a UsageError."""
    try:
        return labels(kind, X, own, G, start, seed, scale)
    except DataError as error:
        raise UsageError(f"--set labels={kind}: {error}") from error


def _labels(
    theorem: Theorem, request: Request, frame: Configuration, own: Floats | None, rng: np.random.Generator
) -> tuple[ExactArray, str]:
    from checker.batch import state_of

    n = frame.sizes["n"]
    if "y" in theorem.data:
        return draw(theorem.data["y"], (n,), frame, rng), "drawn"
    state = state_of(frame)
    start = np.nan_to_num(state.value("yhat")[0].cpu().numpy())
    G = np.nan_to_num(state.value("G")[0].cpu().numpy())
    scale = float(scalar(request.scales["s_y"], frame)) if "s_y" in request.scales else None
    if request.labels is not None:
        seed = int(rng.integers(2**31))
        y = named_labels(request.labels, frame.arrays["X"].floats, own, G, start, seed, scale or 1.0)
        return ExactArray(y * (scale or 10 ** rng.uniform(-4, 0))), request.labels
    size = scale if scale is not None else 10 ** rng.uniform(-5, 1)
    kinds = (
        ["random", "constant"] if theorem.random_start else ["worst", "top", "eigen", "random", "constant"]
    )
    kind = str(rng.choice(kinds))
    _, vectors = np.linalg.eigh((G + G.T) / 2)
    index = {"worst": 0, "top": n - 1}.get(kind, int(rng.integers(n)))
    if kind in {"worst", "top", "eigen"}:
        return ExactArray(start + size * vectors[:, index]), f"eigenvector {index + 1} of {n}"
    direction = np.ones(n) if kind == "constant" else rng.standard_normal(n)
    centre = start if not theorem.random_start and rng.random() < 0.5 else 0.0
    return ExactArray(centre + size * direction), kind


def mutate(
    theorem: Theorem, request: Request, parent: Configuration, rng: np.random.Generator, strength: float
) -> Configuration:
    """A neighbour of a candidate: scaled, perturbed, thinned or redrawn arrays; laws are redrawn only."""
    setting = SETTINGS[theorem.setting]
    arrays = dict(parent.arrays)
    parameters = dict(parent.parameters)
    free = [name for name in (*setting.parameters, *theorem.variables) if name not in theorem.initialization]
    free += [] if "X" in theorem.data or request.data is not None else ["X"]
    free += [] if "y" in theorem.data or request.labels == "data" else ["y"]
    fixed = set(request.parameters) | set(fixed_parameters(theorem)) | {theorem.step}
    scalars = [
        name for name, p in theorem.parameters.items() if p.quantifier == "forall" and name not in fixed
    ]
    for _ in range(int(rng.integers(1, 4))):
        if scalars and rng.random() < 0.3:
            name = str(rng.choice(scalars))
            value = float(scalar(parameters[name], parent)) if name in parameters else 1.0
            moved = dict(parameters) | {name: _number(value * float(10 ** rng.normal(0, strength)))}
            if in_domain(theorem, replace(parent, parameters=moved), name):
                parameters = moved
            continue
        if not free:
            break
        name = str(rng.choice(free))
        arrays[name] = replace(arrays[name], floats=_moved(arrays[name].floats, rng, strength))
    for name, law in theorem.initialization.items():  # always drawn anew: data never follow a draw
        shape = sizes_of(setting.parameters[name], dict(parent.sizes))
        arrays[name] = draw(law, shape, replace(parent, parameters=parameters), rng)
    return replace(parent, arrays=arrays, parameters=parameters)


def _moved(x: Floats, rng: np.random.Generator, strength: float) -> Floats:
    kind = rng.random()
    if kind < 0.4:
        return x * float(10 ** rng.normal(0, strength))
    if kind < 0.65 and x.shape[0] > 1:
        rows = np.ones(x.shape[0])
        rows[int(rng.integers(x.shape[0]))] = float(rng.choice([-1, 1, 1])) * float(
            10 ** rng.normal(0, 3 * strength)
        )
        return x * (rows if x.ndim == 1 else rows[:, None])
    if kind < 0.87:
        size = float(np.abs(x).max()) or 10 ** rng.uniform(-3, 0)
        return x + strength * size * rng.standard_normal(x.shape)
    if kind < 0.95:
        return x * (rng.random(x.shape) < 0.7)
    return free_matrix(x.shape, rng) * float(np.abs(x).max() or 1.0)


def neighbours(
    theorem: Theorem,
    request: Request,
    parents: list[Configuration],
    rng: np.random.Generator,
    count: int,
    strength: float,
) -> Iterator[Configuration]:
    """`count` mutants of the parents, in a fixed order."""
    for k in range(count):
        yield mutate(theorem, request, parents[k % len(parents)], rng, strength)
