"""What a theorem file claims: hypotheses, conclusions, proof steps, tolerances and a probability."""

import re
from fractions import Fraction
from typing import Final

from checker.errors import ExpressionError, TheoremError
from checker.expression.parse import parse_claim
from checker.expression.shapes import Where, annotate_claim, similar
from checker.expression.signs import claim_with_symmetry_shown
from checker.expression.simplify import free_names_of_claim, roots, walk
from checker.expression.tree import Call, Claim, Comparison, Shape
from checker.expression.words import ENTRYWISE, EXTREMES, FUNCTIONS, OF_AN_INPUT, RESERVED, TEMPORAL
from checker.tables import Decimal, Table, exact_number, kind_of
from checker.theorem import NamedClaim, Probability, ProofStep
from checker.vocabulary import Place, Vocabulary, read_claim, read_scalar

_CLAIM_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


def read_claims(table: Table, words: Vocabulary, place: Place) -> tuple[NamedClaim, ...]:
    """Hypotheses or conclusions: a text, or a table with claim, why and tight. Raises TheoremError."""
    names, where = words.names(place), words.where(place)
    out: list[NamedClaim] = []
    for name in table.data:
        if not _CLAIM_NAME.fullmatch(name) or len(name) > 100:
            raise table.error(name, "a name consists of letters, digits, '_' and '-', at most 100 in all")
        why, tight, text = "", False, table.value(name)
        if isinstance(text, dict):
            entry = table.table(name)
            text = entry.text("claim")
            why, tight = entry.text("why", "").strip(), entry.flag("tight")
            entry.finish()
        if not isinstance(text, str) or isinstance(text, Decimal):
            raise table.error(name, f'must be a claim such as "loss <= loss_0", not {kind_of(text)}')
        claim = claim_with_symmetry_shown(read_claim(table, name, text, names, where), words.symmetric(place))
        out.append(NamedClaim(name, claim, why, tight))
    return tuple(out)


def read_proof(tables: list[Table]) -> tuple[ProofStep, ...]:
    """The proof steps in order. Raises TheoremError."""
    steps: list[ProofStep] = []
    for i, table in enumerate(tables, 1):
        name = table.text("name", f"step {i}").strip()
        assumed = table.texts("assume") or ()
        show = table.text("show")
        table.finish()
        texts = [*((f"assume[{j}]", text) for j, text in enumerate(assumed, 1)), ("show", show)]
        claims = [_proof_claim(table, key, text) for key, text in texts]
        steps.append(ProofStep(name, tuple(claims[:-1]), claims[-1]))
    return tuple(steps)


def _proof_claim(table: Table, key: str, text: str) -> Claim:
    """A claim whose every name is a real variable of its own."""
    reason = "a proof step is about real numbers"
    refused = {name: f"'{name}' needs a network; {reason}" for name in TEMPORAL | OF_AN_INPUT}
    where = Where(place="a proof step", sizes={}, refused=refused)
    try:
        claim = parse_claim(text)
        for node in (node for root in roots(claim) for node in walk(root)):
            if isinstance(node, Call) and node.function in FUNCTIONS - ENTRYWISE - EXTREMES:
                raise ExpressionError(f"'{node.function}' needs an array; {reason}", node.column)
        names: dict[str, Shape] = dict.fromkeys(free_names_of_claim(claim) - RESERVED | {"tau", "t"}, ())
        return annotate_claim(claim, names, where=where)
    except ExpressionError as error:
        raise table.error(key, error.message, error.column) from None


def read_tolerances(table: Table, conclusions: tuple[NamedClaim, ...]) -> dict[str, Fraction]:
    """The tolerance of every conclusion that says `==`. Raises TheoremError."""
    equalities = {
        conclusion.name
        for conclusion in conclusions
        if any(isinstance(part, Comparison) and part.operator == "==" for part in conclusion.claim.parts)
    }
    out: dict[str, Fraction] = {}
    for name in table.data:
        if name not in {conclusion.name for conclusion in conclusions}:
            raise table.error(
                name, f"no conclusion has this name; {similar(name, [c.name for c in conclusions])}"
            )
        if name not in equalities:
            raise table.error(name, f"conclusions.{name} has no '==' that a tolerance could serve")
        tolerance = exact_number(table.formula(name) or "")
        if tolerance is None or tolerance <= 0:
            raise table.error(name, "must be a positive number such as 1e-6")
        out[name] = tolerance
    for conclusion in conclusions:
        if conclusion.name in equalities - set(out):
            message = f"'==' needs a tolerance; write [tolerances] {conclusion.name} = 1e-6"
            raise TheoremError(f"{table.origin}: conclusions.{conclusion.name}: {message}")
    return out


def read_probability(top: Table, words: Vocabulary) -> Probability | None:
    """The claimed probability; None where absent. Raises TheoremError."""
    if top.value("probability") is None:
        return None
    table = top.table("probability")
    over = table.choice("over", ("initialization", "data"))
    text = table.formula("holds")
    if text is None:
        raise table.error("holds", 'is required; write holds = "1 - p"')
    names = {
        **words.scalar_names(),
        **{name: shape for name, shape in words.definitions.items() if not shape},
    }
    where = Where(
        place="a probability",
        sizes=words.sizes,
        refused={
            name: f"'{name}' is none of these; a probability may use parameters, sizes and definitions"
            for name in set(words.own_names()) - set(names)
        },
    )
    node = read_scalar(table, "holds", text, names, where)
    table.finish()
    return Probability("initialization" if over == "initialization" else "data", node)
