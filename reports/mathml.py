"""Lets MathML from a record onto a page only where it is nothing but MathML."""

import re

from reports.numbers import clean

_TAG = (
    "math|mrow|mi|mo|mn|ms|mtext|mspace|msup|msub|msubsup|mfrac|msqrt|mroot|mover|munder|munderover|"
    "mtable|mtr|mtd|mstyle|mpadded|mphantom|mfenced"
)
_ATTRIBUTE = (
    "xmlns|display|mathvariant|stretchy|symmetric|form|fence|separator|lspace|rspace|width|height|depth|"
    "accent|accentunder|scriptlevel|displaystyle|linethickness|minsize|maxsize|columnalign|alttext|open|close"
)
_TOKEN = re.compile(
    rf'<(?P<open>{_TAG})(?:\s+(?:{_ATTRIBUTE})="[^"<>&]*")*\s*(?P<empty>/?)>'
    rf"|</(?P<close>{_TAG})>"
    r"|(?:[^<>&]|&(?:amp|lt|gt|quot|#\d+|#x[0-9a-fA-F]+);)+"
)


def is_safe_mathml(text: str) -> bool:
    """True where `text` is one well-nested `<math>` element of known tags and attributes."""
    if clean(text) != text:
        return False
    stack: list[str] = []
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None or (position > 0 and not stack):
            return False
        if position == 0 and token["open"] != "math":
            return False
        if token["open"] and not token["empty"]:
            stack.append(token["open"])
        elif token["close"] and (not stack or stack.pop() != token["close"]):
            return False
        position = token.end()
    return bool(text) and not stack
