"""What each place of a theorem file may name: the setting's names, sizes, parameters, and why not others."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from checker.errors import ExpressionError
from checker.expression.parse import parse_claim, parse_expression
from checker.expression.shapes import Where, annotate, annotate_claim
from checker.expression.tree import Claim, Node, Shape
from checker.expression.words import OF_AN_INPUT, RESERVED, TEMPORAL
from checker.settings.base import Setting
from checker.tables import Table
from checker.theorem import Algorithm, Draw

Place: TypeAlias = Literal["definition", "hypothesis", "conclusion"]

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_OWN_KERNELS: Final = frozenset({"implicit-skip", "two-layer"})
KERNELS: Final = frozenset({"K", "K_NTK"})
_STEPS: Final = "counts steps, and gradient-flow has none"


@dataclass
class Vocabulary:
    """The names of one theorem file, filled in as its tables are read."""

    setting: Setting
    algorithm: Algorithm
    step: str | None
    trains: tuple[str, ...]
    scalars: dict[str, Shape] = field(default_factory=dict[str, Shape])
    definitions: dict[str, Shape] = field(default_factory=dict[str, Shape])
    variables: dict[str, Shape] = field(default_factory=dict[str, Shape])
    refused: dict[str, str] = field(default_factory=dict[str, str])
    later: set[str] = field(default_factory=set[str])
    symmetric_definitions: set[str] = field(default_factory=set[str])
    symmetric_draws: set[str] = field(default_factory=set[str])

    @property
    def sizes(self) -> dict[str, str]:
        """The sizes, each mapped to its canonical dimension (m to d where m = d)."""
        return {size: self.setting.aliases.get(size, size) for size in self.setting.sizes}

    def own_names(self) -> dict[str, Shape]:
        """Every name the setting offers to this theorem."""
        offered = {**self.setting.parameters, **self.setting.names, **dict.fromkeys(self.sizes, ())}
        frozen = {f"grad_{name}" for name in self.setting.parameters if name not in self.trains}
        hidden = frozen | set(self.refused) | set(self.setting.claims) | set(OF_AN_INPUT)
        return {name: shape for name, shape in offered.items() if name not in hidden}

    def declare(self, name: str, table: Table, key: str | None = None) -> None:
        """Refuse a name that is not one, is taken, or shadows the setting's."""
        key = name if key is None else key
        if not _NAME.fullmatch(name) or len(name) > 60:
            raise table.error(
                key, "a name is a letter followed by letters, digits and '_', at most 60 in all"
            )
        if name in RESERVED:
            raise table.error(key, f"'{name}' belongs to the language and cannot be declared")
        taken = {**self.setting.parameters, **self.setting.names, **self.sizes}
        gradient = name.startswith("grad_") and name.removeprefix("grad_") in self.setting.parameters
        if name not in self.setting.scalars and (name in taken or gradient):
            raise table.error(
                key, f"'{name}' is a name of the setting {self.setting.name} and cannot be declared"
            )
        if name == "eta" and self.algorithm == "gradient-descent" and self.step != "eta":
            raise table.error(key, f"the step is called '{self.step}' here; 'eta' cannot be declared")
        if name in {**self.scalars, **self.definitions, **self.variables}:
            raise table.error(key, f"'{name}' is declared twice")

    def symmetric(self, place: Place) -> frozenset[str]:
        """Names of symmetric matrices besides G and NTK: kernels, definitions, and draws that do not move."""
        draws = self.symmetric_draws
        if place == "conclusion" and self.algorithm in ("gradient-descent", "gradient-flow"):
            draws = draws - set(self.trains)
        kernels = KERNELS & set(self.setting.names)
        return frozenset(kernels | self.symmetric_definitions | draws)

    def refuse_kernels(self, initialization: Mapping[str, Draw]) -> None:
        """K and K_NTK need a Gaussian start of every weight matrix that enters them."""
        matrices = [name for name, shape in self.setting.parameters.items() if len(shape) == 2]
        laws = [initialization[name].law for name in matrices if name in initialization]
        gaussian = len(laws) == len(matrices) and set(laws) <= {"normal", "zeros"} and "normal" in laws
        if gaussian or self.setting.name in _OWN_KERNELS:
            return
        for name in KERNELS & set(self.setting.names):
            self.refused[name] = (
                f"'{name}' needs a Gaussian start; give {' and '.join(matrices)} a law in [initialization], "
                'such as "normal(0, 1/m)"'
            )

    def where(self, place: Place) -> Where:
        """What an expression in this place may use beyond names and functions."""
        conclusion = place == "conclusion"
        refused = dict(self.refused)
        for name in self.setting.parameters:
            if name not in self.trains:
                refused[f"grad_{name}"] = (
                    f"'grad_{name}' needs {name} to be trained, and [dynamics] trains it not"
                )
        for name in ("tau", "t", *TEMPORAL):
            refused[name] = f"'{name}' appears in conclusions only" if not conclusion else self._no_time(name)
        if self.algorithm != "gradient-descent":
            refused["eta"] = "'eta' is the step of gradient-descent; declare it in [parameters]"
        elif self.step != "eta":
            refused["eta"] = f"the step is called '{self.step}' here"
        for name in self.later:
            refused[name] = f"'{name}' is defined below; definitions are evaluated in order"
        functions = self._functions(place)
        for name in OF_AN_INPUT - set(functions):
            refused.setdefault(name, self._no_function(name, place))
        if place == "definition":
            for name in self.variables:
                refused[name] = f"'{name}' ranges over inputs; it appears in hypotheses and conclusions only"
        claims = frozenset(self.setting.claims) if place != "definition" else frozenset[str]()
        return Where(
            place=f"a {place}",
            sizes=self.sizes,
            temporal=self._temporal() if conclusion else frozenset(),
            functions=functions,
            claims=claims,
            refused={name: reason for name, reason in refused.items() if name not in self._time(place)},
        )

    def _functions(self, place: Place) -> dict[str, tuple[Shape, Shape]]:
        if place == "definition" or not self.variables:
            return {}
        return {name: (("d",), shape) for name, shape in self.setting.functions.items()}

    def _no_function(self, name: str, place: Place) -> str:
        if name == "well_posed" and name in self.setting.claims:
            if place == "definition":
                return "'well_posed' is a claim; it appears in hypotheses and conclusions only"
            return "'well_posed(x)' needs x in [variables]; write 'well_posed' for the training set"
        if name not in self.setting.functions:
            need = "an equilibrium" if name != "predict" else "a prediction of an input"
            return f"'{name}' needs {need}, and {self.setting.name} has none"
        if place == "definition":
            return f"'{name}' appears in hypotheses and conclusions only"
        return f"'{name}(x)' needs x in [variables]"

    def _temporal(self) -> frozenset[str]:
        if self.algorithm == "none":
            return frozenset()
        return frozenset({"least", "greatest"}) if self.algorithm == "gradient-flow" else TEMPORAL

    def _time(self, place: Place) -> dict[str, Shape]:
        if place != "conclusion" or self.algorithm == "none":
            return {}
        return {"t": ()} if self.algorithm == "gradient-flow" else {"tau": ()}

    def _no_time(self, name: str) -> str:
        if self.algorithm == "none":
            return f"'{name}' needs steps, and algorithm = \"none\" makes a static claim"
        if self.algorithm == "gradient-flow":
            return {
                "tau": f"'tau' {_STEPS}; write t",
                "next": f"'next' {_STEPS}; compare with the value at t instead",
                "total": f"'total' {_STEPS}; write path_length for the length travelled",
            }.get(name, f"'{name}' is not known here")
        return "'t' is the time of gradient-flow; write tau"

    def names(self, place: Place) -> dict[str, Shape]:
        """Every name an expression in this place may use."""
        own = {**self.own_names(), **self.scalars, **self.definitions}
        return own if place == "definition" else {**own, **self.variables, **self._time(place)}

    def scalar_where(self, what: str) -> Where:
        """For expressions in sizes and parameters alone."""
        reason = f"{what} may use nothing else"
        known = set(self.own_names()) | set(self.definitions) | set(self.later) | set(self.variables)
        refused = {
            name: f"'{name}' is neither a size nor a parameter; {reason}"
            for name in known | {"tau", "t"} | TEMPORAL
        }
        return Where(place=what, sizes=self.sizes, refused=refused)

    def scalar_names(self) -> dict[str, Shape]:
        """Sizes and parameters."""
        return {**dict.fromkeys(self.sizes, ()), **self.scalars}


def read_node(table: Table, key: str, text: str, names: Mapping[str, Shape], where: Where) -> Node:
    """An expression of a file, with shapes; errors name the file, the key and the column."""
    try:
        return annotate(parse_expression(text), names, where=where)
    except ExpressionError as error:
        raise table.error(key, error.message, error.column) from None


def read_scalar(table: Table, key: str, text: str, names: Mapping[str, Shape], where: Where) -> Node:
    """The same, where only a number will do."""
    node = read_node(table, key, text, names, where)
    if node.shape != ():
        raise table.error(key, f"must be a scalar; {text.strip()!r} is an array", 1)
    return node


def read_claim(table: Table, key: str, text: str, names: Mapping[str, Shape], where: Where) -> Claim:
    """A claim of a file, with shapes; errors name the file, the key and the column."""
    try:
        return annotate_claim(parse_claim(text), names, where=where)
    except ExpressionError as error:
        raise table.error(key, error.message, error.column) from None
