"""How an expression looks on paper, independent of LaTeX and MathML: symbols, fractions, scripts, fences."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, TypeAlias, Union

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
_STEP: Final = Symbol("identifier", "s")


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
    head, *rest = name.split("_")
    base = Symbol("identifier", "∇") if head == "grad" and rest else _letter(head)
    marks = [_letter(part) for part in rest if part]
    return Script(base, below=_separated(marks)) if marks else base


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


def _at(node: Node, least: int) -> Display:
    shown, level = _display(node)
    return shown if level >= least else _brackets(shown)


def _display(node: Node) -> tuple[Display, int]:
    match node:
        case Number(value):
            return _number(value)
        case Pi():
            return Symbol("identifier", "π"), _WHOLE
        case Name(name):
            return name_display(name), _WHOLE
        case Negate(argument):
            return _row(_operator("−"), _at(argument, _PRODUCT)), _UNARY
        case Binary("/", left, right):
            return Quotient(_display(left)[0], _display(right)[0]), _WHOLE
        case Binary("**", left, right):
            base = _at(left, _WHOLE)
            if isinstance(base, Script | Quotient):
                base = _brackets(base) if isinstance(base, Quotient) or base.above is not None else base
            return Script(base, above=_display(right)[0]), _POWER
        case Binary("+" | "-" as operator, left, right):
            least = _SUM if operator == "+" else _PRODUCT
            return _row(_at(left, _SUM), _operator(_OPERATORS[operator]), _at(right, least)), _SUM
        case Binary(_, left, right):
            dot = isinstance(right, Number) or _starts_with_number(right)
            return _row(_at(left, _PRODUCT), _operator("·") if dot else _SPACE, _at(right, _POWER)), _PRODUCT
        case Call():
            return _call(node)


def _starts_with_number(node: Node) -> bool:
    while isinstance(node, Binary) and node.operator != "/":
        node = node.left
    return isinstance(node, Number)


def _applied(head: Display, arguments: tuple[Node, ...]) -> Display:
    return _row(head, _brackets(_separated(_display(argument)[0] for argument in arguments)))


def _call(node: Call) -> tuple[Display, int]:
    name, arguments = node.function, node.arguments
    first = arguments[0]
    if name in _NORMS:
        return Script(Fence("‖", _display(first)[0], "‖"), below=_letter_or_sign(_NORMS[name])), _WHOLE
    if name == "abs":
        return Fence("|", _display(first)[0], "|"), _WHOLE
    if name == "sqrt":
        return Root(_display(first)[0]), _WHOLE
    if name == "transpose":
        return Script(_at(first, _WHOLE), above=_operator("⊤")), _POWER
    if name == "inv":
        return Script(_at(first, _WHOLE), above=_row(_operator("−"), Symbol("number", "1"))), _POWER
    if name == "hadamard":
        return _row(_at(first, _POWER), _operator("∘"), _at(arguments[1], _POWER)), _PRODUCT
    if name in ("eye", "ones"):
        head = Symbol("identifier", "I") if name == "eye" else Symbol("number", "1")
        return Script(head, below=_display(first)[0]), _WHOLE
    if name in _EXTREMAL:
        letter, mark = _EXTREMAL[name]
        return _applied(Script(Symbol("identifier", letter), below=Symbol("word", mark)), arguments), _WHOLE
    if name == "next":
        after = _brackets(_row(_TAU, _operator("+"), Symbol("number", "1")))
        return _row(_at(first, _WHOLE), after), _WHOLE
    if name == "total":
        return _row(
            Script(_operator("∑"), below=_row(_STEP, _operator("<"), _TAU)), _at(first, _PRODUCT)
        ), _PRODUCT
    if name in ("least", "greatest"):
        word = Symbol("word", "min" if name == "least" else "max")
        return _row(Script(word, below=_row(_STEP, _operator("≤"), _TAU)), _at(first, _PRODUCT)), _PRODUCT
    head = Symbol("word", _FUNCTION_NAMES.get(name, name.replace("_", " ")))
    return _applied(head, arguments), _WHOLE


def _letter_or_sign(text: str) -> Display:
    return _operator(text) if text == "∞" else _letter(text)


def display(tree: Node | Claim | Comparison | Atom) -> Display:
    """The look of an expression or a claim; chained comparisons stay chained."""
    if isinstance(tree, Comparison):
        return _row(display(tree.left), _operator(_OPERATORS[tree.operator]), display(tree.right))
    if isinstance(tree, Atom):
        return display(tree.node)
    if not isinstance(tree, Claim):
        return _display(tree)[0]
    items: list[Display] = []
    previous: Comparison | Atom | None = None
    for part in tree.parts:
        if isinstance(part, Comparison) and isinstance(previous, Comparison) and previous.right == part.left:
            items += [_operator(_OPERATORS[part.operator]), display(part.right)]
        else:
            items += [Symbol("text", " and "), display(part)] if items else [display(part)]
        previous = part
    return items[0] if len(items) == 1 else Row(tuple(items))
