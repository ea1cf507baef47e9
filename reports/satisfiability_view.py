"""Can the hypotheses hold at all: the section of an audit report."""

from collections.abc import Iterable

from checker.records import ChainLink, FactorAt, Instance, Satisfiability, StartBound, Value
from reports.curves import miss_plot
from reports.numbers import clean, estimate_text, sentence, sides_text
from reports.parts import basis_cell, said, tagged, values_table
from reports.view import Cell, Section, Table
from reports.words import status_tag

_CAN_HOLD = {
    ("holds", ""): "They can.",
    ("fails", "proof"): "They cannot.",
    ("fails", ""): "No draw was found that satisfies them; that none exists is not proved.",
}
_KINDS = {
    "hypothesis": "hypothesis",
    "definition": "definition",
    "scope": "scope",
    "domain": "domain",
    "value": "value of a parameter",
    "start": "stated start",
    "axiom": "axiom",
    "tail": "tail of the start",
}
_SIGN = (" >= 0",)


def satisfiability_section(s: Satisfiability) -> Section:
    """What the solvers, the search or the draws say of it."""
    word = _CAN_HOLD.get((s.status, s.basis)) or _CAN_HOLD.get((s.status, ""), "Not known.")
    if s.probability is not None:
        word = f"Hardly ever at the stated {s.probability.over}."
    finding = (said(s.reason or word), tagged(status_tag(s.status)), basis_cell(s.basis, s.engine))
    tables = [Table(("Finding", "Status", "Basis"), (finding,))]
    paragraphs = [word]
    if s.witness:
        tables.append(values_table(s.witness, "Witness", "A configuration that satisfies them:"))
    if s.probability is not None:
        tables.append(_bound_table(s.probability))
    if s.chain:
        tables.append(_chain_table(s.chain))
    if s.factors:
        tables.append(_factors_table(s.factors, s.product))
    if s.instance is not None:
        tables += _instance_tables(s.instance)
    if s.trend:
        paragraphs.append(sentence(clean(s.trend)))
    tables += _miss_tables(s.misses)
    title = "Can the hypotheses hold at all?"
    return Section("satisfiability", title, tuple(paragraphs), tuple(tables), miss_plot(s))


def _bound_table(bound: StartBound) -> Table:
    """The bound of the probability as a formula, and at several widths."""
    rows = [(Cell("any"), Cell(clean(bound.formula), code=True, latex=bound.latex))]
    for row in bound.values:
        others = [f"{clean(name)} = {estimate_text(size)}" for name, size in row.items()
                  if name not in (bound.grows, "at most")]  # fmt: skip
        at = ", ".join([estimate_text(row.get(bound.grows)), *others])
        rows.append((Cell(at), Cell(estimate_text(row.get("at most")))))
    caption = (
        f"The hypotheses hold with probability at most this; it tends to 0 as {clean(bound.grows)} grows. "
        "Other sizes are the least in the scope, where it is largest."
    )
    return Table((clean(bound.grows), "Probability at most"), tuple(rows), caption)


def _chain_table(chain: Iterable[ChainLink]) -> Table:
    """What the proof uses, one claim a row; the signs of norms in one row."""
    links = list(chain)
    signs = [link for link in links if link.kind == "axiom" and link.claim.endswith(_SIGN)]
    rows = [
        (said(_KINDS.get(link.kind, link.kind)), said(link.name), _claim(link), said(link.source))
        for link in links
        if link not in signs
    ]
    if signs:
        text = ", ".join(clean(link.claim) for link in signs)
        rows.append((said("axiom"), said("signs"), Cell(text, code=True), said("norms are nonnegative")))
    return Table(
        ("Kind", "Name", "Claim", "Source"), tuple(rows), "What clashes, and the axioms that show it."
    )


def _claim(link: ChainLink) -> Cell:
    return Cell(clean(link.claim), code=True, latex=link.latex)


def _factors_table(factors: Iterable[ChainLink], product: str) -> Table:
    """The inequalities that are multiplied, each to its power."""
    rows = tuple((_claim(link), Cell(str(link.power), number=True), said(link.name)) for link in factors)
    caption = f"Multiplied, each to its power, they read {clean(product)}, which is false."
    return Table(("Inequality", "Power", "From"), rows, caption)


def _instance_tables(instance: Instance) -> list[Table]:
    """The same inequalities in numbers at one configuration, with their products."""
    rows = [
        (
            Cell(clean(f.claim), code=True),
            Cell(str(f.power), number=True),
            *(Cell(side, number=True) for side in sides_text(f.lhs, f.rhs)),
            _here(f),
        )
        for f in instance.factors
    ]
    if instance.lhs is not None and instance.rhs is not None:
        sides = (Cell(side, number=True) for side in sides_text(instance.lhs, instance.rhs))
        rows.append((Cell("product of all, each to its power"), Cell(""), *sides, Cell("")))
    fails = sum(f.status == "fails" for f in instance.factors)
    caption = (
        "The same inequalities in numbers: an illustration at one start, not the proof. "
        f"{fails or 'None'} of them {'fails' if fails == 1 else 'fail'} here."
    )
    at = values_table(instance.config, "Illustrated at", "The start of the illustration:")
    columns = ("Inequality", "Power", "Left side", "Right side", "Here")
    return [Table(columns, tuple(rows), caption), at]


def _here(factor: FactorAt) -> Cell:
    """Holds or fails; a definition makes both sides one number, which no enclosure can tell."""
    if factor.status in ("holds", "fails"):
        return tagged(status_tag(factor.status))
    left, right = sides_text(factor.lhs, factor.rhs)
    return said("equal, as far as enclosed") if left == right else tagged(status_tag(factor.status))


def _miss_tables(misses: tuple[dict[str, Value], ...]) -> list[Table]:
    """Draws at several widths in decades; estimates over sizes and scales as factors."""
    drawn = [row for row in misses if "varied" not in row]
    grid = [row for row in misses if "varied" in row]
    tables: list[Table] = []
    for rows, caption in (
        (drawn, "How far they are missed, in decades."),
        (grid, "By what factor each hypothesis misses (float64 estimates; at most 1 where it holds)."),
    ):
        if rows:
            columns = tuple(dict.fromkeys(name for row in rows for name in row))
            cells = tuple(tuple(Cell(_value(row.get(name))) for name in columns) for row in rows)
            tables.append(Table(tuple(map(clean, columns)), cells, caption))
    return tables


def _value(value: Value) -> str:
    return clean(value) if isinstance(value, str) else estimate_text(value)
