"""What a file says of its parameters, in words."""

from typing import Final

from checker.expression.text import to_text
from checker.theorem import Parameter, Theorem

_QUANTIFIERS: Final = {
    "forall": "for every value",
    "exists": "for some value, chosen by the tool",
    "hidden": "hidden constant: one value for all configurations",
    "fixed": "fixed",
}


def parameter_texts(theorem: Theorem) -> dict[str, str]:
    """By name how each parameter is quantified, its domain, and its value or default."""
    return {name: _text(parameter) for name, parameter in theorem.parameters.items()}


def _text(parameter: Parameter) -> str:
    parts = [_QUANTIFIERS[parameter.quantifier]]
    if parameter.value is not None:
        parts = [f"fixed at {to_text(parameter.value)}"]
    if parameter.domain is not None:
        parts.append(f"with {parameter.domain.text}")
    if parameter.depends_on:
        parts.append(f"may depend on {', '.join(parameter.depends_on)}")
    if parameter.default is not None:
        parts.append(f"default {to_text(parameter.default)}")
    return "; ".join(parts)
