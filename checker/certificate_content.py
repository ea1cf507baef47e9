"""A certificate and its theorem: a configuration turned into text, and text back into a configuration.

Reading checks everything that the theorem fixes: sizes, shapes, trained parameters, the
stated start, the data norm, the values of parameters. `Mismatch` says what is wrong.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

import numpy as np

from checker.certificate_format import ArrayPart, Certificate, ConfigurationPart, read_floats
from checker.configuration import ENTRIES, LIMITS, Configuration, ExactArray
from checker.consistency import MAX_EXPANDED, MAX_HEIGHT, expansion
from checker.errors import ExpressionError, UsageError
from checker.expression.parse import parse_expression
from checker.expression.shapes import Where, annotate
from checker.expression.simplify import calls, children, free_names
from checker.expression.text import to_text
from checker.expression.tree import Binary, Node, Number
from checker.expression.words import ENTRYWISE, EXTREMES
from checker.settings import SETTINGS
from checker.settings.base import Setting
from checker.theorem import Theorem
from checker.verdict import Verdict

_RATIONAL: Final = re.compile(r"(-?\d{1,400})(?:/([1-9]\d{0,400}))?")


class Mismatch(Exception):
    """The certificate does not fit its theorem; `reason` is a clause for the report.

    `verdict` is undecided where it may fit, but takes more to read than this program spends.
    """

    def __init__(self, reason: str, verdict: Verdict = Verdict.FAILS) -> None:
        super().__init__(reason)
        self.reason = reason
        self.verdict = verdict


def readable(node: Node) -> str:
    """Text of the claim language that reads back as a tree of the same value.

    A number with too many digits for the language is written over a power of two.
    Raises UsageError where there is no such text.
    """
    for candidate in (node, _in_powers(node)):
        text = to_text(candidate)
        try:
            parse_expression(text)
            return text
        except ExpressionError:
            continue
    raise UsageError("a parameter has too many digits to be written into a certificate")


def _in_powers(node: Node) -> Node:
    if isinstance(node, Number):
        value = node.value
        q, p = value.denominator, value.numerator
        if q & (q - 1) == 0 and q > 1:
            return Binary("/", Number(Fraction(p)), _two_to(q.bit_length() - 1))
        k = (p & -p).bit_length() - 1 if p else 0
        return Binary("*", Number(Fraction(p >> k)), _two_to(k)) if q == 1 and k else node
    if isinstance(node, Binary):
        return Binary(node.operator, _in_powers(node.left), _in_powers(node.right))
    return node


def _two_to(k: int) -> Node:
    return Binary("**", Number(Fraction(2)), Number(Fraction(k)))


def written(configuration: Configuration) -> ConfigurationPart:
    """The configuration as text."""
    return ConfigurationPart(
        setting=configuration.setting,
        sizes=dict(configuration.sizes),
        activation=configuration.activation,
        kink=_kink_text(configuration.kink),
        trains=tuple(configuration.trains),
        parameters={name: readable(node) for name, node in configuration.parameters.items()},
        arrays={name: _written_array(array) for name, array in configuration.arrays.items()},
    )


def _kink_text(kink: Fraction) -> str:
    return f"{kink.numerator}/{kink.denominator}"


def _written_array(array: ExactArray) -> ArrayPart:
    return ArrayPart(
        shape=tuple(int(k) for k in array.floats.shape),
        map=array.map,
        scale=None if array.scale is None else readable(array.scale),
        floats=[float(x).hex() for x in array.floats.ravel()],
    )


def read_configuration(theorem: Theorem, certificate: Certificate) -> Configuration:
    """The configuration of a certificate, fitted to the theorem. Raises Mismatch."""
    part = certificate.configuration
    _require(part.setting == theorem.setting, f"the setting is {theorem.setting} in the theorem")
    setting = SETTINGS[theorem.setting]
    sizes = _sizes(setting, part)
    same = _rational(part.kink) == theorem.kink and part.kink == _kink_text(theorem.kink)
    _require(same, f"the kink is {theorem.kink} in the theorem")
    _require(part.trains == theorem.trains, f"the theorem trains {', '.join(theorem.trains)}, in this order")
    _activation(theorem, setting, part)
    parameters = _parameters(theorem, setting, part)
    arrays = _arrays(theorem, setting, sizes, part)
    return Configuration(
        theorem.setting, sizes, arrays, parameters, part.activation, theorem.kink, theorem.trains
    )


def _require(fits: bool, reason: str) -> None:
    if not fits:
        raise Mismatch(reason)


def _rational(text: str) -> Fraction:
    found = _RATIONAL.fullmatch(text)
    if found is None:
        raise Mismatch("the kink is not a rational number p/q")
    return Fraction(int(found[1]), int(found[2] or 1))


def _sizes(setting: Setting, part: ConfigurationPart) -> dict[str, int]:
    sizes = dict(part.sizes)
    _require(set(sizes) == set(setting.sizes), f"the sizes are {', '.join(setting.sizes)}")
    for name, value in sizes.items():
        _require(value <= LIMITS[name], f"{name} is at most {LIMITS[name]}")
    for name, other in setting.aliases.items():
        _require(sizes[name] == sizes[other], f"{name} and {other} are the same size in {setting.name}")
    return sizes


def _activation(theorem: Theorem, setting: Setting, part: ConfigurationPart) -> None:
    if not setting.has_activation:
        _require(part.activation is None, f"{setting.name} has no activation")
        return
    allowed = theorem.scope.activation or tuple(setting.activations)
    _require(part.activation in allowed, f"the activation is one of {', '.join(allowed)}")


def _parameters(theorem: Theorem, setting: Setting, part: ConfigurationPart) -> dict[str, Node]:
    for name in part.parameters:
        _require(name in theorem.parameters, "a parameter is given that the theorem does not have")
    sizes = {size: setting.aliases.get(size, size) for size in setting.sizes}
    known = dict.fromkeys((*sizes, *theorem.parameters), ())
    nodes: dict[str, Node] = {}
    for name, parameter in theorem.parameters.items():
        if name not in part.parameters:
            _require(parameter.quantifier == "hidden", f"the parameter {name} has no value")
            continue
        node = _scalar(part.parameters[name], known, sizes, f"the parameter {name}")
        if parameter.value is not None:
            _require(node == _reread(parameter.value), f"{name} is {to_text(parameter.value)} in the theorem")
            node = parameter.value
        nodes[name] = node
    _refuse_circles(nodes)
    return nodes


def _scalar(text: str, known: Mapping[str, tuple[()]], sizes: Mapping[str, str], what: str) -> Node:
    try:
        node = annotate(parse_expression(text), known, where=Where(place=what, sizes=sizes))
    except ExpressionError as error:
        raise Mismatch(f"{what}, column {error.column}: {error.message}") from None
    scalars_only = node.shape == () and calls(node) <= ENTRYWISE | EXTREMES
    _require(scalars_only, f"{what} is not an expression in scalars")
    return node


def _reread(node: Node) -> Node:
    """The tree as it comes back from a certificate."""
    return parse_expression(readable(node))


def _refuse_circles(nodes: Mapping[str, Node]) -> None:
    """Refuse parameters given in terms of each other in a circle, or too large once written out."""
    done: dict[str, tuple[int, int]] = {}
    while len(done) < len(nodes):
        ready = [n for n, node in nodes.items() if n not in done and not _open(node, nodes) - done.keys()]
        _require(bool(ready), "the parameters are given in terms of each other, in a circle")
        for name in ready:
            done[name] = expansion(nodes[name], done)
            height, parts = done[name]
            if height > MAX_HEIGHT or parts > MAX_EXPANDED:
                raise Mismatch(f"the parameter {name} is too large once written out", Verdict.UNDECIDED)


def _open(node: Node, nodes: Mapping[str, Node]) -> frozenset[str]:
    return free_names(node) & frozenset(nodes)


def _arrays(
    theorem: Theorem, setting: Setting, sizes: Mapping[str, int], part: ConfigurationPart
) -> dict[str, ExactArray]:
    shapes: dict[str, tuple[str | int, ...]] = {"X": ("d", "n"), "y": ("n",), **setting.parameters}
    shapes |= {name: variable.shape or (1,) for name, variable in theorem.variables.items()}
    _require(set(part.arrays) == set(shapes), f"the arrays are {', '.join(shapes)}")
    out: dict[str, ExactArray] = {}
    for name, shape in shapes.items():
        expected = tuple(dimension(k, sizes) for k in shape)
        array = part.arrays[name]
        _require(array.shape == expected, f"{name} has the shape {expected}")
        entries = int(np.prod(expected))
        _require(entries <= ENTRIES and len(array.floats) == entries, f"{name} has {entries} entries")
        try:
            floats = np.array(read_floats(array), dtype=np.float64).reshape(expected)
        except ValueError as error:
            raise Mismatch(f"{name}: {error}") from None
        out[name] = ExactArray(floats, array.map, _map_scale(theorem, name, array, sizes, setting))
    return out


def dimension(dim: str | int, sizes: Mapping[str, int]) -> int:
    """A canonical dimension such as "m" or "2*m + 1" as a number."""
    return dim if isinstance(dim, int) else int(_polynomial(parse_expression(dim), sizes))


def _polynomial(node: Node, sizes: Mapping[str, int]) -> int:
    if isinstance(node, Number):
        return int(node.value)
    values = [_polynomial(child, sizes) for child in children(node)]
    if isinstance(node, Binary):
        a, b = values
        return {"+": a + b, "-": a - b, "*": a * b}[node.operator]
    return -values[0] if values else sizes[to_text(node)]


def _map_scale(
    theorem: Theorem, name: str, array: ArrayPart, sizes: Mapping[str, int], setting: Setting
) -> Node | None:
    """The scale of the map that the theorem prescribes for this array. Raises Mismatch for another map."""
    law = theorem.initialization.get(name) or theorem.data.get(name)
    expected, scale = "plain", None
    if law is not None and law.law in ("orthogonal", "goe", "constant"):
        expected, scale = law.law, law.arguments[0]
    elif name == "X" and law is None and theorem.scope.data_norm is not None:
        expected, scale = "columns", theorem.scope.data_norm
    _require(array.map == expected, f"the map of {name} is {expected!r} in this theorem")
    if scale is None:
        _require(array.scale is None, f"{name} has no scale")
        return None
    try:
        same = array.scale is not None and parse_expression(array.scale) == _reread(scale)
    except ExpressionError:
        same = False
    _require(same, f"the scale of {name} is {to_text(scale)} in this theorem")
    return scale
