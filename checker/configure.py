"""The one configuration that `check` judges: the request, completed by the stated defaults."""

from dataclasses import replace

import numpy as np

from checker.batch import state_of
from checker.candidates import activations, fixed_parameters, in_scope, named_labels, shapes
from checker.configuration import Configuration, ExactArray, Floats, scalar
from checker.errors import UsageError
from checker.expression.parse import parse_expression
from checker.expression.shapes import Where, annotate
from checker.expression.tree import Node
from checker.families import draw, generator, made, sizes_of
from checker.request import Request
from checker.settings import SETTINGS
from checker.theorem import Draw, Theorem
from models.data import DataError, load_dataset

DEFAULTS = {"n": 4, "d": 8, "m": 64}
"""Sizes where neither the request, the data nor the scope says otherwise."""

VARIANCES = {"W": "2*({s_w})**2/m", "U": "2*({s_u})**2/d", "a": "({s_a})**2/m"}
"""Variances of the centred normal start of a deq where none is stated; see SCALE_DEFAULTS."""

SCALE_DEFAULTS = {"s_w": "1/10", "s_u": "1", "s_a": "0", "s_y": "1"}


def constant(text: str) -> Node:
    """A scale or a default as a tree; it may use the sizes."""
    return annotate(parse_expression(text), {"n": (), "d": (), "m": ()}, where=Where(place="default"))


def _sizes(theorem: Theorem, request: Request, data: str) -> dict[str, int]:
    joined = theorem.setting == "least-squares"
    defaults = {"n": DEFAULTS["n"], "d": DEFAULTS["d"]} | ({} if joined else {"m": DEFAULTS["m"]})
    own = _file_sizes(data, request)
    sizes = defaults | own | {k: v for k, v in request.sizes.items() if k in defaults}
    if data.startswith("digits") and "d" not in request.sizes:
        sizes["d"] = 64
    if joined:
        sizes["m"] = sizes["d"]
    if not in_scope(theorem, sizes, dict(request.parameters)):
        pinned = replace(request, sizes=dict(request.sizes) | own)
        for wanted in (replace(pinned, data=data), pinned):  # keep the data if the scope has room for them
            fitting = shapes(theorem, wanted, most=1)
            if fitting:
                return fitting[0]
    return sizes


def _file_sizes(data: str, request: Request) -> dict[str, int]:
    """The sizes of a data file: all its samples unless n was asked for."""
    if not data.endswith((".npz", ".csv")):
        return {}
    try:
        X = load_dataset(data, n=request.sizes.get("n"), d=None, seed=request.seed).X
    except DataError as error:
        raise UsageError(f"--set data: {error}") from error
    return {"n": X.shape[1], "d": X.shape[0]}


def configure(theorem: Theorem, request: Request) -> Configuration:
    """The configuration of a request; raises UsageError for what cannot be."""
    setting = SETTINGS[theorem.setting]
    data = request.data or "digits"
    if request.data is None and request.sizes.get("d", 64) != 64:
        data = "sphere"
    sizes = _sizes(theorem, request, data)
    if request.data is None and sizes["d"] != 64:  # the scope has no room for the digits
        data = "sphere"
    activation = request.activation
    if setting.has_activation and activation is None:
        allowed = [name for name in activations(theorem, request) if name is not None]
        if not allowed:
            raise UsageError("no activation in the scope has all the constants this theorem uses")
        activation = "relu" if "relu" in allowed else allowed[0]
    parameters = dict(request.parameters) | fixed_parameters(theorem)
    for name, parameter in theorem.parameters.items():
        if name in parameters or parameter.quantifier != "forall" or name == theorem.step:
            continue
        if parameter.default is None:
            raise UsageError(f"{name} has no default: give it with --set {name}=VALUE")
        parameters[name] = parameter.default
    trains = tuple(theorem.trains) or tuple(setting.parameters)
    frame = Configuration(theorem.setting, sizes, {}, parameters, activation, theorem.kink, trains)
    return _filled(theorem, request, frame, data)


@made()
def _filled(theorem: Theorem, request: Request, frame: Configuration, data: str) -> Configuration:
    setting = SETTINGS[theorem.setting]
    sizes, seed = dict(frame.sizes), request.seed
    own: Floats | None = None
    if "X" in theorem.data and request.data is None:
        inputs = draw(theorem.data["X"], (sizes["d"], sizes["n"]), frame, generator(seed, "X"))
        found = inputs.floats
        data = "drawn"
    else:
        try:
            dataset = load_dataset(data, n=sizes["n"], d=sizes["d"], seed=seed)
        except DataError as error:
            raise UsageError(f"--set data: {error}") from error
        found, own = dataset.X, dataset.y
        if len(dataset.classes) > 2:
            data = dataset.name
        norm = theorem.scope.data_norm
        inputs = ExactArray(found) if norm is None else ExactArray(found, "columns", norm)
    arrays: dict[str, ExactArray] = {"X": inputs, "y": ExactArray(np.zeros(sizes["n"]))}
    for name, shape in setting.parameters.items():
        law = theorem.initialization.get(name) or default_law(name, request)
        if name in theorem.initialization and any(k in request.scales for k in _scales_of(name)):
            raise UsageError(
                f"--set {_scales_of(name)[0]}: the theorem states how {name} starts; remove this --set"
            )
        arrays[name] = draw(law, sizes_of(shape, sizes), frame, generator(seed, name))
    for name, variable in theorem.variables.items():
        rng = generator(seed, name)
        arrays[name] = ExactArray(rng.standard_normal(sizes_of(variable.shape, sizes) or (1,)))
    note = {"data": data, "seed": seed}
    frame = replace(frame, arrays=arrays, note=note)
    kind = request.labels or ("data" if own is not None else "random")
    if kind == "data" and own is None:
        raise UsageError(f"--set labels=data: {data} has no labels; choose random, constant or worst")
    if "y" in theorem.data and request.labels is None:
        y = draw(theorem.data["y"], (sizes["n"],), frame, generator(seed, "y"))
        return replace(frame, arrays=arrays | {"y": y}, note=note | {"labels": "drawn"})
    scale = float(scalar(request.scales.get("s_y", constant("1")), frame))
    state = state_of(frame)
    G, start = state.value("G")[0].numpy(), state.value("yhat")[0].numpy()
    y = named_labels(kind, found, own, G, start, seed, scale)
    if kind != "worst":
        y = y * scale
    return replace(frame, arrays=arrays | {"y": ExactArray(y)}, note=note | {"labels": kind})


def _scales_of(name: str) -> tuple[str, ...]:
    return {"W": ("s_w",), "U": ("s_u",), "a": ("s_a",)}.get(name, ())


def default_law(name: str, request: Request) -> Draw:
    """The law of an array whose start the theorem does not state, with the scales that were asked for."""
    if name not in VARIANCES:
        return Draw("zeros", ())
    variance = VARIANCES[name]
    key = _scales_of(name)[0]
    if key == "s_a" and key not in request.scales:
        return Draw("zeros", ())
    text = SCALE_DEFAULTS[key]
    node = constant(variance.format(**{key: text}))
    if key in request.scales:
        node = _replaced(variance, key, request.scales[key])
    return Draw("normal", (constant("0"), node))


def _replaced(variance: str, key: str, value: Node) -> Node:
    from checker.expression.simplify import substitute

    names = {"n": (), "d": (), "m": (), key: ()}
    tree = annotate(parse_expression(variance.format(**{key: key})), names, where=Where(place="default"))
    return substitute(tree, {key: value})
