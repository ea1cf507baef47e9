"""What the user fixed with --set: read, checked against the theorem, kept exact."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from checker.configuration import LIMITS
from checker.enclosure import Enclosure
from checker.errors import CertainlyUndefined, ExpressionError, NotEnclosed, UsageError
from checker.expression.enclose import enclose
from checker.expression.parse import parse_expression
from checker.expression.shapes import Where, annotate
from checker.expression.tree import Call, Node, Shape
from checker.settings import SETTINGS
from checker.theorem import Theorem

DATA_KINDS = ("digits", "sphere", "near-parallel:ANGLE", "orthogonal", "a .npz or .csv file")
LABEL_KINDS = ("data", "random", "constant", "worst")
SCALES = ("s_w", "s_u", "s_a", "s_y")


@dataclass(frozen=True)
class Request:
    """The fixed part of a configuration; what is None or absent is the tool's to choose."""

    seed: int = 0
    sizes: Mapping[str, int] = field(default_factory=dict[str, int])
    steps: int | None = None
    activation: str | None = None
    data: str | None = None
    labels: str | None = None
    scales: Mapping[str, Node] = field(default_factory=dict[str, Node])
    parameters: Mapping[str, Node] = field(default_factory=dict[str, Node])


def _whole(name: str, text: str, least: int, most: int) -> int:
    digits = text.strip()
    if not digits.isascii() or not digits.isdigit() or len(digits) > 12:
        raise UsageError(f"--set {name}={text[:40]}: write a whole number, as in {name}={max(least, 4)}")
    value = int(digits)
    if not least <= value <= most:
        raise UsageError(f"--set {name}={text}: {name} must be between {least} and {most}")
    return value


def _number(name: str, text: str) -> Node:
    try:
        names: dict[str, Shape] = {"n": (), "d": (), "m": ()}
        node = annotate(parse_expression(text), names, where=Where(place=f"--set {name}"))
        _refuse_undefined(name, node)
        return node
    except ExpressionError as error:
        message = f"--set {name}: column {error.column}: {error.message}"
        raise UsageError(message) from error


class _NoNames:
    """An environment without names: what needs one is left open."""

    def __init__(self) -> None:
        self.memo: dict[Node, Enclosure] = {}

    def name(self, name: str) -> Enclosure:
        raise NotEnclosed(name)

    def call(self, node: Call) -> Enclosure:
        raise NotEnclosed(node.function)


def _refuse_undefined(name: str, node: Node) -> None:
    try:
        enclose(node, _NoNames())
    except CertainlyUndefined as error:
        raise UsageError(f"--set {name}: it has no value ({error.reason}); write a number") from error
    except NotEnclosed:
        return


def _one_of(name: str, text: str, known: tuple[str, ...]) -> str:
    if text not in known:
        raise UsageError(f"--set {name}={text[:40]}: choose one of {', '.join(known)}")
    return text


def _data(text: str) -> str:
    head = text.split(":")[0]
    if head in {"digits", "sphere", "near-parallel", "orthogonal"} or text.endswith((".npz", ".csv")):
        return text
    raise UsageError(f"--set data={text[:60]}: choose one of {', '.join(DATA_KINDS)}")


def read_request(theorem: Theorem, settings: Mapping[str, str], seed: int | None = None) -> Request:
    """The settings of a command as a request; every mistake is one line that says what to write."""
    setting = SETTINGS[theorem.setting]
    sizes: dict[str, int] = {}
    scales: dict[str, Node] = {}
    parameters: dict[str, Node] = {}
    chosen: dict[str, str] = {}
    steps: int | None = None
    activations = tuple(setting.activations)
    for name, raw in settings.items():
        text = str(raw)
        if name in theorem.parameters:
            if theorem.parameters[name].value is not None:
                raise UsageError(f"--set {name}: the theorem fixes {name}; remove this --set")
            parameters[name] = _number(name, text)
        elif name in LIMITS:
            sizes[name] = _whole(name, text, 1, LIMITS[name])
        elif name == "seed":
            given = _whole(name, text, 0, 2**32 - 1)
            if seed is not None and seed != given:
                raise UsageError(f"--set seed={given} and --seed {seed} differ; give one of them")
            seed = given
        elif name == "steps":
            steps = _whole(name, text, 0, 10**6)
        elif name == "activation" and setting.has_activation:
            chosen[name] = _one_of(name, text, activations)
        elif name == "data":
            chosen[name] = _data(text)
        elif name == "labels":
            chosen[name] = _one_of(name, text, LABEL_KINDS)
        elif name in SCALES:
            scales[name] = _number(name, text)
        else:
            _unknown(name, theorem, setting.has_activation)
    if setting.name == "least-squares":
        _join_sizes(sizes)
    return Request(
        seed=seed or 0,
        sizes=sizes,
        steps=steps,
        activation=chosen.get("activation"),
        data=chosen.get("data"),
        labels=chosen.get("labels"),
        scales=scales,
        parameters=parameters,
    )


def _join_sizes(sizes: dict[str, int]) -> None:
    if "m" in sizes and sizes.setdefault("d", sizes["m"]) != sizes["m"]:
        raise UsageError("--set m: in least-squares m is d; give one of them")
    sizes.pop("m", None)


def _unknown(name: str, theorem: Theorem, has_activation: bool) -> None:
    known = ["n", "d", "m", "steps", "data", "labels", "seed", *SCALES, *theorem.parameters]
    known += ["activation"] if has_activation else []
    close = get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise UsageError(f"--set {name[:40]}: unknown name{hint} (known: {', '.join(sorted(known))})")
