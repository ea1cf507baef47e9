"""How an expression looks on paper, independent of LaTeX and MathML: symbols, fractions, scripts, fences."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, TypeAlias, Union

from checker.expression.simplify import free_names, free_names_of_claim
from checker.expression.text import decimal
from checker.expression.tree import Atom, Binary, Call, Claim, Comparison, Name, Negate, Node, Number, Pi


@dataclass(frozen=True)
class Symbol:
    """One mark: a one-letter identifier, a word set upright, a number, an operator, or a thin space."""

    kind: Literal["identifier", "word", "number", "operator", "space", "text"]
    text: str


@dataclass(frozen=True)
class Row:
    """Several things side by side."""

    items: tuple["Display", ...]


@dataclass(frozen=True)
class Quotient:
    """A fraction with a bar."""

    top: "Display"
    bottom: "Display"


@dataclass(frozen=True)
class Root:
    """A square root."""

    body: "Display"


@dataclass(frozen=True)
class Script:
    """A base with a subscript, a superscript, or both."""

    base: "Display"
    below: "Display | None" = None
    above: "Display | None" = None


@dataclass(frozen=True)
class Fence:
    """Something between delimiters."""

    left: str
    body: "Display"
    right: str


Display: TypeAlias = Union[Symbol, Row, Quotient, Root, Script, Fence]

GREEK: Final = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eps": "ε", "zeta": "ζ",
    "eta": "η", "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ",
    "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Lam": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ",
    "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip

_WHOLE_NAMES: Final = {
    "yhat": ("y", "^"),
    "well_posed": ("well posed", ""),
    "path_length": ("path length", ""),
}
_NORMS: Final = {"norm2": "2", "norm_fro": "F", "norm_inf": "∞", "norm_1": "1"}
_OPERATORS: Final = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "=", "+": "+", "-": "−"}
_FUNCTION_NAMES: Final = {
    "exp": "exp", "log": "log", "sin": "sin", "cos": "cos", "tanh": "tanh", "min": "min", "max": "max",
    "sum": "sum", "trace": "tr", "diag": "diag", "symmetric_part": "sym", "spectral_radius": "spr",
}  # fmt: skip
_EXTREMAL: Final = {"lambda_min": ("λ", "min"), "lambda_max": ("λ", "max"), "sigma_min": ("σ", "min")}

_SUM, _PRODUCT, _UNARY, _POWER, _WHOLE = 1, 2, 3, 4, 5
_SPACE: Final = Symbol("space", "")
_TAU: Final = Symbol("identifier", "τ")
_LOSS: Final = Symbol("word", "loss")
_NABLA: Final = Symbol("identifier", "∇")


def _operator(text: str) -> Symbol:
    return Symbol("operator", text)


def _row(*items: Display) -> Row:
    return Row(items)


def _brackets(body: Display) -> Fence:
    return Fence("(", body, ")")


def name_display(name: str) -> Display:
    """A name as its paper would set it: Greek letters, subscripts after the first underscore."""
    if name in _WHOLE_NAMES:
        text, hat = _WHOLE_NAMES[name]
        return Script(Symbol("identifier", text), above=_operator(hat)) if hat else Symbol("word", text)
    if name == "grad_norm":
        return Fence("‖", _row(_NABLA, _LOSS), "‖")
    head, *rest = name.split("_")
    marks = [_letter(part) for part in rest if part]
    if _is_gradient(name):
        return _row(Script(_NABLA, below=_separated(marks)), _LOSS)
    base = _letter(head)
    return Script(base, below=_separated(marks)) if marks else base


def _is_gradient(name: str) -> bool:
    """A gradient of the loss, which is set as an operator before the loss; its norm is not one."""
    return name.startswith("grad_") and name != "grad_norm" and name.strip("_") != "grad"


def _letter(text: str) -> Symbol:
    if text in GREEK:
        return Symbol("identifier", GREEK[text])
    if text.isdigit():
        return Symbol("number", text)
    return Symbol("identifier" if len(text) == 1 else "word", text)


def _separated(items: Iterable[Display]) -> Display:
    out: list[Display] = []
    for item in items:
        out.extend((_operator(","), item) if out else (item,))
    return out[0] if len(out) == 1 else Row(tuple(out))


def _number(value: Fraction) -> tuple[Display, int]:
    if value < 0:
        return _row(_operator("−"), _number(-value)[0]), _UNARY
    text = decimal(value)
    if text is not None and "e" in text:
        mantissa, exponent = text.split("e")
        power = Script(Symbol("number", "10"), above=Symbol("number", exponent.replace("-", "−")))
        if mantissa == "1":
            return power, _POWER
        return _row(Symbol("number", mantissa), _operator("·"), power), _PRODUCT
    if text is not None:
        return Symbol("number", text), _WHOLE
    top, bottom = Symbol("number", str(value.numerator)), Symbol("number", str(value.denominator))
    return Quotient(top, bottom), _WHOLE


def _at(node: Node, least: int, index: Display) -> Display:
    shown, level = _display(node, index)
    return shown if level >= least else _brackets(shown)


def _display(node: Node, index: Display) -> tuple[Display, int]:
    match node:
        case Number(value):
            return _number(value)
        case Pi():
            return Symbol("identifier", "π"), _WHOLE
        case Name(name):
            return name_display(name), _PRODUCT if _is_gradient(name) else _WHOLE
        case Negate(argument):
            return _row(_operator("−"), _at(argument, _PRODUCT, index)), _UNARY
        case Binary("/", left, right):
            return Quotient(_display(left, index)[0], _display(right, index)[0]), _WHOLE
        case Binary("**", left, right):
            base = _at(left, _WHOLE, index)
            if isinstance(base, Script | Quotient):
                base = _brackets(base) if isinstance(base, Quotient) or base.above is not None else base
            return Script(base, above=_display(right, index)[0]), _POWER
        case Binary("+" | "-" as operator, left, right):
            least = _SUM if operator == "+" else _PRODUCT
            return _row(
                _at(left, _SUM, index), _operator(_OPERATORS[operator]), _at(right, least, index)
            ), _SUM
        case Binary(_, left, right):
            dot = isinstance(right, Number) or _starts_with_number(right)
            return _row(
                _at(left, _PRODUCT, index), _operator("·") if dot else _SPACE, _at(right, _POWER, index)
            ), _PRODUCT
        case Call():
            return _call(node, index)


def _starts_with_number(node: Node) -> bool:
    while isinstance(node, Binary) and node.operator != "/":
        node = node.left
    return isinstance(node, Number)


def _applied(head: Display, arguments: tuple[Node, ...], index: Display) -> Display:
    return _row(head, _brackets(_separated(_display(argument, index)[0] for argument in arguments)))


def _call(node: Call, index: Display) -> tuple[Display, int]:
    name, arguments = node.function, node.arguments
    first = arguments[0]
    if name in _NORMS:
        return Script(Fence("‖", _display(first, index)[0], "‖"), below=_letter_or_sign(_NORMS[name])), _WHOLE
    if name == "abs":
        return Fence("|", _display(first, index)[0], "|"), _WHOLE
    if name == "sqrt":
        return Root(_display(first, index)[0]), _WHOLE
    if name == "transpose":
        return Script(_at(first, _WHOLE, index), above=_operator("⊤")), _POWER
    if name == "inv":
        return Script(_at(first, _WHOLE, index), above=_row(_operator("−"), Symbol("number", "1"))), _POWER
    if name == "hadamard":
        return _row(_at(first, _POWER, index), _operator("∘"), _at(arguments[1], _POWER, index)), _PRODUCT
    if name in ("eye", "ones"):
        head = Symbol("identifier", "I") if name == "eye" else Symbol("number", "1")
        return Script(head, below=_display(first, index)[0]), _WHOLE
    if name in _EXTREMAL:
        letter, mark = _EXTREMAL[name]
        return _applied(
            Script(Symbol("identifier", letter), below=Symbol("word", mark)), arguments, index
        ), _WHOLE
    if name == "next":
        after = _brackets(_row(_TAU, _operator("+"), Symbol("number", "1")))
        return _row(_at(first, _WHOLE, index), after), _WHOLE
    if name == "total":
        first_step = _row(index, _operator("="), Symbol("number", "0"))
        last_step = _row(_TAU, _operator("−"), Symbol("number", "1"))
        return _row(Script(_operator("∑"), first_step, last_step), _at_step(first, index)), _PRODUCT
    if name in ("least", "greatest"):
        word = Symbol("word", "min" if name == "least" else "max")
        return _row(Script(word, _row(index, _operator("≤"), _TAU)), _at_step(first, index)), _PRODUCT
    head = Symbol("word", _FUNCTION_NAMES.get(name, name.replace("_", " ")))
    return _applied(head, arguments, index), _WHOLE


def _at_step(node: Node, index: Display) -> Display:
    """What stands at another step than the current one: in brackets, with the step put in for it."""
    return Script(Fence("[", _display(node, index)[0], "]"), below=_row(_TAU, _operator("="), index))


def _index(tree: Node | Claim | Comparison | Atom) -> Display:
    """A letter for the steps summed over, one that no name of the tree shows."""
    shown = {part for name in _names(tree) for part in name.split("_")}
    letter = next((c for c in "kjilqrpuvghsabcdefmnotwxyz" if c not in shown), "ℓ")
    return Symbol("identifier", letter)


def _names(tree: Node | Claim | Comparison | Atom) -> frozenset[str]:
    if isinstance(tree, Claim):
        return free_names_of_claim(tree)
    if isinstance(tree, Comparison):
        return free_names(tree.left) | free_names(tree.right)
    return free_names(tree.node if isinstance(tree, Atom) else tree)


def _letter_or_sign(text: str) -> Display:
    return _operator(text) if text == "∞" else _letter(text)


def display(tree: Node | Claim | Comparison | Atom) -> Display:
    """The look of an expression or a claim; chained comparisons stay chained.

    Sums over steps run over a letter that no name of the whole claim shows.
    """
    return _shown(tree, _index(tree))


def _shown(tree: Node | Claim | Comparison | Atom, index: Display) -> Display:
    if isinstance(tree, Comparison):
        return _row(_shown(tree.left, index), _operator(_OPERATORS[tree.operator]), _shown(tree.right, index))
    if isinstance(tree, Atom):
        return _shown(tree.node, index)
    if not isinstance(tree, Claim):
        return _display(tree, index)[0]
    items: list[Display] = []
    previous: Comparison | Atom | None = None
    for part in tree.parts:
        if isinstance(part, Comparison) and isinstance(previous, Comparison) and previous.right == part.left:
            items += [_operator(_OPERATORS[part.operator]), _shown(part.right, index)]
        else:
            items += [Symbol("text", " and "), _shown(part, index)] if items else [_shown(part, index)]
        previous = part
    return items[0] if len(items) == 1 else Row(tuple(items))
