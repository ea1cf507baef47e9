"""Certificates that nobody found: whatever a file may say, sealed, with bounds that exclude nothing."""

from dataclasses import replace

import numpy as np
from certificate_samples import deq, least_squares
from mutation_samples import HEAD

from checker.certificate_format import BoundsPart, Certificate, ViolationPart, sealed
from checker.certificate_writing import build_certificate
from checker.configuration import ExactArray
from checker.declaration import read_theorem
from checker.expression.enclose import Judgement
from checker.expression.parse import parse_expression
from checker.expression.tree import Comparison
from checker.theorem import Theorem
from checker.verdict import Verdict

POINT = {"X": [[1.0]], "y": [1.0], "w": [0.0]}
"""Least squares: one sample, loss 1/2."""

NEURON = {"X": [[1.0]], "y": [0.0], "W": [[0.5]], "U": [[1.0]], "a": [0.0]}
"""An equilibrium model of one neuron."""


def theorem_of(more: str, setting: str = "least-squares", algorithm: str = "none") -> Theorem:
    """The theorem with these tables."""
    return read_theorem(HEAD.format(setting=setting, algorithm=algorithm, more=more), "forged.theorem.toml")


def forged(
    more: str, conclusion: str, arrays: dict, *, algorithm="none", activation="relu", step=0, precision=192,
    parameters=None, maps=None,
) -> Certificate:  # fmt: skip
    """A sealed certificate; `parameters` are texts, and a map is a name with the text of its scale."""
    setting = "deq" if "W" in arrays else "least-squares"
    theorem = theorem_of(more, setting, algorithm)
    if setting == "deq":
        plain = deq(theorem, activation=activation, kink=theorem.kink, **arrays)
    else:
        plain = least_squares(theorem, arrays["X"], arrays["y"], arrays["w"])
    kept = {name: ExactArray(np.array(value, dtype=np.float64)) for name, value in arrays.items()}
    for name, (kind, scale) in (maps or {}).items():
        kept[name] = replace(kept[name], map=kind, scale=parse_expression(scale))
    nodes = {name: parse_expression(text) for name, text in (parameters or {}).items()}
    configuration = replace(plain, arrays=kept, parameters=nodes)
    part = next(c.claim.parts[0] for c in theorem.conclusions if c.name == conclusion)
    operator = part.operator if isinstance(part, Comparison) else ""
    operator = "<=" if operator == "==" else operator
    judgement = Judgement(Verdict.FAILS, operator, None, None, None)
    certificate = build_certificate(theorem, configuration, conclusion, step, precision, judgement)
    bounds = BoundsPart(None, None) if operator else None
    violation = ViolationPart(operator, bounds, bounds)
    return sealed(replace_fields(certificate, violation=violation))


def replace_fields(certificate: Certificate, **changes) -> Certificate:
    """The certificate with other fields, not sealed again."""
    import msgspec

    return msgspec.structs.replace(certificate, **changes)
