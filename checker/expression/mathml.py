"""Expressions and claims as presentation MathML: static markup, no script, every text escaped."""

from html import escape
from typing import Final

from checker.expression.display import (
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

_TAGS: Final = {"identifier": "mi", "number": "mn", "operator": "mo"}


def mathml(tree: Node | Claim) -> str:
    """One inline <math> element for an expression or a claim."""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML">{_render(display(tree))}</math>'


def mathml_name(name: str) -> str:
    """One inline <math> element for a name."""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML">{_render(name_display(name))}</math>'


def _symbol(symbol: Symbol) -> str:
    text = escape(symbol.text)
    if symbol.kind == "space":
        return '<mspace width="0.17em"/>'
    if symbol.kind == "text":
        return f'<mspace width="1em"/><mtext>{text.strip()}</mtext><mspace width="1em"/>'
    if symbol.kind == "word":
        return f'<mi mathvariant="normal">{text}</mi>'
    tag = _TAGS[symbol.kind]
    return f"<{tag}>{text}</{tag}>"


def _render(shown: Display) -> str:
    match shown:
        case Symbol():
            return _symbol(shown)
        case Row(items):
            return f"<mrow>{''.join(_render(item) for item in items)}</mrow>"
        case Quotient(top, bottom):
            return f"<mfrac>{_render(top)}{_render(bottom)}</mfrac>"
        case Root(body):
            return f"<msqrt>{_render(body)}</msqrt>"
        case Fence(left, body, right):
            opening = f'<mo fence="true" form="prefix">{escape(left)}</mo>'
            closing = f'<mo fence="true" form="postfix">{escape(right)}</mo>'
            return f"<mrow>{opening}{_render(body)}{closing}</mrow>"
        case Script(base, None, Symbol("operator", "^")):
            return f'<mover accent="true">{_render(base)}<mo>^</mo></mover>'
        case Script(base, None, above) if above is not None:
            return f"<msup>{_render(base)}{_render(above)}</msup>"
        case Script(base, below, None) if below is not None:
            return f"<msub>{_render(base)}{_render(below)}</msub>"
        case Script(base, below, above):
            inner = [_render(part) for part in (below, above) if part is not None]
            return f"<msubsup>{_render(base)}{''.join(inner)}</msubsup>"
