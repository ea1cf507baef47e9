"""Expressions and claims as LaTeX (amsmath), for reports and papers."""

from typing import Final

from checker.expression.display import (
    GREEK,
    Display,
    Fence,
    Quotient,
    Root,
    Row,
    Script,
    Symbol,
    display,
    name_display,
)
from checker.expression.tree import Claim, Node

_MACROS: Final = {letter: rf"\{word}" for word, letter in GREEK.items() if word not in ("eps", "Lam")} | {
    "ε": r"\varepsilon", "φ": r"\varphi", "∇": r"\nabla", "≤": r"\le", "≥": r"\ge", "−": "-", "·": r"\cdot",
    "∘": r"\circ", "ℓ": r"\ell", "∞": r"\infty", "⊤": r"\top", "∑": r"\sum",
}  # fmt: skip
_FENCES: Final = {")": ")", "]": "]", "|": r"\rvert", "‖": r"\rVert"}
_OPENING: Final = {"|": r"\lvert", "‖": r"\lVert"}
_KNOWN_WORDS: Final = frozenset({"min", "max", "exp", "log", "sin", "cos", "tanh"})


def latex(tree: Node | Claim) -> str:
    """LaTeX of an expression or a claim, without delimiters."""
    return _render(display(tree))


def latex_name(name: str) -> str:
    """LaTeX of one name, without delimiters."""
    return _render(name_display(name))


def _symbol(symbol: Symbol) -> str:
    if symbol.kind == "space":
        return r"\,"
    if symbol.kind == "text":
        return rf"\quad\text{{{symbol.text.strip()}}}\quad"
    if symbol.kind == "word":
        if symbol.text in _KNOWN_WORDS:
            return rf"\{symbol.text}"
        return r"\mathrm{" + symbol.text.replace(" ", r"\ ") + "}"
    return _MACROS.get(symbol.text, symbol.text).replace("−", "-")


def _render(shown: Display) -> str:
    match shown:
        case Symbol():
            return _symbol(shown)
        case Row(items):
            return " ".join(_render(item) for item in items)
        case Quotient(top, bottom):
            return rf"\frac{{{_render(top)}}}{{{_render(bottom)}}}"
        case Root(body):
            return rf"\sqrt{{{_render(body)}}}"
        case Fence(left, body, right):
            return rf"\left{_OPENING.get(left, left)} {_render(body)} \right{_FENCES[right]}"
        case Script(base, None, Symbol("operator", "^")):
            return rf"\hat{{{_render(base)}}}"
        case Script(base, below, above):
            text = _render(base)
            if isinstance(base, Script | Row):
                text = f"{{{text}}}"
            text += "" if below is None else f"_{{{_render(below)}}}"
            return text + ("" if above is None else f"^{{{_render(above)}}}")
