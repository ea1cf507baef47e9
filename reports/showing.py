"""A theorem, and the lists of theorems and settings, for reading in a terminal of 80 columns.

What is shown is what was read: every expression is written out from its tree.
"""

from collections.abc import Iterable, Sequence

import msgspec

from checker.expression.text import to_text
from checker.expression.tree import Shape
from checker.parameter_texts import parameter_texts
from checker.records import FORMAT
from checker.settings.base import Setting
from checker.theorem import Draw, NamedClaim, Theorem
from reports.numbers import clean, sentence_case
from reports.parts import paragraphs
from reports.text import painted, wrapped
from reports.words import fidelity_tag

_DYNAMICS = {
    "gradient-descent": "gradient descent",
    "gradient-flow": "gradient flow",
    "picard": "Picard iteration of the equilibrium map",
    "none": "none: a claim about one point",
}


def _heading(title: str) -> list[str]:
    return ["", sentence_case(title)]


def _named(rows: Iterable[tuple[str, str]]) -> list[str]:
    """`name = text` rows, the texts aligned and wrapped."""
    kept = [(clean(name), clean(text)) for name, text in rows]
    widest = min(max((len(name) for name, _ in kept), default=0), 22)
    lines: list[str] = []
    for name, text in kept:
        lines += wrapped(text, indent=" " * (widest + 4), first=f"  {name:<{widest}}  ")
    return lines


def _claims(claims: Sequence[NamedClaim]) -> list[str]:
    lines: list[str] = []
    for claim in claims:
        sharp = "  (said to be tight)" if claim.tight else ""
        lines += wrapped(f"{clean(claim.name)}{sharp}", indent="    ", first="  ")
        lines += wrapped(clean(claim.claim.text), indent="        ", first="      ")
        lines += wrapped(clean(claim.why), indent="      ") if claim.why else []
    return lines


def _law(draw: Draw) -> str:
    return f"{draw.law}({', '.join(map(to_text, draw.arguments))})"


def shape_text(shape: Shape) -> str:
    """`scalar`, `vector (m)`, `matrix (m, n)`."""
    kind = ("scalar", "vector", "matrix")[min(len(shape), 2)]
    return kind if not shape else f"{kind} ({', '.join(map(str, shape))})"


def _scope(theorem: Theorem) -> list[tuple[str, str]]:
    scope = theorem.scope
    rows = [("activation", ", ".join(scope.activation))] if scope.activation is not None else []
    rows += [("data_norm", to_text(scope.data_norm))] if scope.data_norm is not None else []
    return rows + [(size, claim.text) for size, claim in scope.sizes.items()]


def _dynamics(theorem: Theorem) -> list[tuple[str, str]]:
    rows = [("algorithm", _DYNAMICS[theorem.algorithm])]
    rows += [("step size", theorem.step)] if theorem.step else []
    rows += [("trains", ", ".join(theorem.trains))] if theorem.algorithm.startswith("gradient") else []
    rows += [("kink", f"phi' counts as {theorem.kink} where it does not exist")] if theorem.kink else []
    rows += [("form", theorem.form)] if theorem.form else []
    return rows


def _head(theorem: Theorem, colour: bool) -> list[str]:
    source, tag = theorem.source, fidelity_tag(theorem.source.fidelity)
    year = f" ({source.year})" if source.year else ""
    where = [f"{clean(source.authors)}{year}".strip(), clean(source.where)]
    where += [f"arXiv:{clean(source.arxiv)}"] if source.arxiv else []
    lines = [*wrapped(clean(theorem.title)), f"{theorem.id}: setting {theorem.setting}, {theorem.kind}"]
    cited = f"[{tag.word}] {', '.join(part for part in where if part)}".rstrip()
    lines += [painted(tag, line, colour) for line in wrapped(cited)]
    lines += wrapped(tag.meaning)
    if theorem.statement:
        lines += _heading("statement")
        for paragraph in paragraphs(theorem.statement):
            lines += wrapped(paragraph, indent="  ")
    return lines


def show(theorem: Theorem, colour: bool = False) -> str:
    """One theorem in full: statement, source, setting, quantifiers, hypotheses, conclusions, proof steps."""
    lines = _head(theorem, colour)
    lines += [*_heading("dynamics"), *_named(_dynamics(theorem))]
    if theorem.parameters:
        lines += [
            *_heading("parameters"),
            *_named((n, clean(text)) for n, text in parameter_texts(theorem).items()),
        ]
    if _scope(theorem):
        lines += [*_heading("scope"), *_named(_scope(theorem))]
    for title, laws in (("random start", theorem.initialization), ("random data", theorem.data)):
        if laws:
            lines += [*_heading(title), *_named((name, _law(draw)) for name, draw in laws.items())]
    if theorem.variables:
        rows = ((n, f"{v.quantifier} {shape_text(v.shape)}") for n, v in theorem.variables.items())
        lines += [*_heading("variables"), *_named(rows)]
    if theorem.definitions:
        rows = ((name, to_text(node)) for name, node in theorem.definitions.items())
        lines += [*_heading("definitions, at initialization"), *_named(rows)]
    if theorem.hypotheses:
        lines += [*_heading("hypotheses"), *_claims(theorem.hypotheses)]
    lines += [*_heading("conclusions"), *_claims(theorem.conclusions)]
    if theorem.tolerances:
        lines += [*_heading("tolerances"), *_named((n, str(v)) for n, v in theorem.tolerances.items())]
    if theorem.probability is not None:
        holds = f"at least {to_text(theorem.probability.holds)} over the {theorem.probability.over}"
        lines += [*_heading("probability"), *wrapped(holds, indent="  ")]
    if theorem.limit is not None:
        lines += [*_heading("limit"), f"  {theorem.limit} grows"]
    if theorem.proof:
        lines += _heading("proof steps")
        for k, step in enumerate(theorem.proof, 1):
            lines += wrapped(f"({k}) {clean(step.name)}", indent="    ", first="  ")
    if theorem.source.notes:
        lines += _heading("notes")
        for paragraph in paragraphs(theorem.source.notes):
            lines += wrapped(paragraph, indent="  ")
    return "\n".join(lines) + "\n"


def _setting(setting: Setting) -> list[str]:
    shapes = ", ".join(f"{name} {shape_text(shape)}" for name, shape in setting.parameters.items())
    lines = ["", setting.name, *wrapped(f"parameters: {shapes}", indent="    ", first="  ")]
    aliases = "".join(f", {a} = {b}" for a, b in setting.aliases.items())
    lines += wrapped(f"sizes: {', '.join(setting.sizes)}{aliases}", indent="    ", first="  ")
    lines += wrapped(f"algorithms: {', '.join(setting.algorithms)}", indent="    ", first="  ")
    lines += wrapped(f"names: {', '.join(setting.names)}", indent="    ", first="  ")
    for title, values in (
        ("scalars", setting.scalars),
        ("functions of an input", tuple(setting.functions)),
        ("activations", tuple(setting.activations)),
        ("unset, check takes", tuple(f"{name} {text}" for name, text in setting.defaults.items())),
    ):
        if values:
            lines += wrapped(f"{title}: {', '.join(values)}", indent="    ", first="  ")
    return lines


def listing_json(theorems: Iterable[Theorem], settings: Iterable[Setting]) -> str:
    """The same as one JSON document."""
    document = {
        "format": FORMAT,
        "kind": "listing",
        "theorems": [
            {
                "id": t.id,
                "title": t.title,
                "setting": t.setting,
                "kind": t.kind,
                "fidelity": t.source.fidelity,
            }
            for t in theorems
        ],
        "settings": [
            {
                "name": s.name,
                "parameters": {name: list(shape) for name, shape in s.parameters.items()},
                "names": {name: list(shape) for name, shape in s.names.items()},
                "algorithms": list(s.algorithms),
                "activations": list(s.activations),
                "defaults": dict(s.defaults),
            }
            for s in settings
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def listing(theorems: Iterable[Theorem], settings: Iterable[Setting]) -> str:
    """The built-in theorems, then the settings with what each offers."""
    lines = ["Theorems"]
    for theorem in theorems:
        tags = f"{theorem.setting}, {theorem.kind}, {fidelity_tag(theorem.source.fidelity).word}"
        lines += [f"  {theorem.id}", *wrapped(clean(theorem.title), indent="    "), f"    {tags}"]
    lines += ["", "Settings", *(line for setting in settings for line in _setting(setting))]
    return "\n".join(lines) + "\n"
