"""The parts that both reports share: theorem, claims, hypotheses, tables of small values."""

import re
from collections.abc import Iterable, Mapping

from checker.records import ArrayBounds, Bounds, HypothesisRecord, TheoremHeader, Value
from reports.mathml import is_safe_mathml
from reports.numbers import (
    NOTHING,
    clean,
    definition_text,
    factor_text,
    margin_text,
    sides_text,
    value_text,
)
from reports.view import Cell, Section, Table, TheoremView
from reports.words import Tag, basis_tag, fidelity_tag, status_tag

_NEW_LINE = re.compile(r"^\s*(\(\w{1,4}\)|[-*•]|\d+[.)])\s")
_SOURCE_LINE = ("authors", "year", "where", "arxiv")


def paragraphs(text: str) -> tuple[str, ...]:
    """A statement's lines joined where its author only wrapped them, kept where a new point begins."""
    out: list[str] = []
    for raw in clean(text, keep_lines=True).split("\n"):
        line = " ".join(raw.split())
        if not line:
            out.append("")
        elif out and out[-1] and not out[-1].endswith((".", ":")) and not _NEW_LINE.match(line):
            out[-1] += f" {line}"
        else:
            out.append(line)
    return tuple(line for line in out if line)


def source_line(source: Mapping[str, Value]) -> str:
    """Authors, year, locator and arXiv number in one line."""
    found = [clean(str(source.get(key) or "")) for key in _SOURCE_LINE]
    authors, year, where, arxiv = found
    named = f"{authors} ({year})" if authors and year else authors or year
    parts = (named, where, f"arXiv:{arxiv}" if arxiv else "")
    return ", ".join(part for part in parts if part) or "source not stated"


def theorem_view(header: TheoremHeader) -> TheoremView:
    """The theorem a report is about, in words."""
    return TheoremView(
        id=clean(header.id),
        title=clean(header.title),
        setting=clean(header.setting),
        kind=clean(header.kind),
        statement=paragraphs(header.statement),
        source=source_line(header.source),
        notes=paragraphs(str(header.source.get("notes") or "")),
        fidelity=fidelity_tag(str(header.source.get("fidelity") or "")),
        printed=header.printed,
    )


def tagged(tag: Tag, *notes: str) -> Cell:
    """A cell that shows a tag, with the notes that are not empty."""
    return Cell(tag.word, tag=tag, notes=tuple(clean(note) for note in notes if note))


def said(text: str, *notes: str) -> Cell:
    """A cell of plain words, cleaned."""
    return Cell(clean(text), notes=tuple(clean(note) for note in notes if note))


def claim_cell(claim: str, mathml: str = "", latex: str = "", *notes: str) -> Cell:
    """A claim: its text always, its MathML and LaTeX where the record has them."""
    kept = tuple(clean(note) for note in notes if note)
    drawn = mathml if is_safe_mathml(mathml) else ""
    return Cell(clean(claim), code=True, mathml=drawn, latex=latex, notes=kept)


def margin_cell(margin: float | None, *notes: str) -> Cell:
    """A margin in decades, and the factor it stands for."""
    return Cell(margin_text(margin), notes=tuple(clean(n) for n in (factor_text(margin), *notes) if n))


def basis_cell(basis: str, engine: str = "") -> Cell:
    """How an answer is known and by which engine."""
    return tagged(basis_tag(basis), engine)


def hypotheses_table(records: Iterable[HypothesisRecord], latex: Mapping[str, str]) -> Table:
    """One row a hypothesis: what it claims, both sides, the margin, the answer and how it is known."""
    rows = tuple(
        (
            said(h.name, h.why),
            claim_cell(h.claim, h.mathml, latex.get(h.name, ""), h.reason),
            *(Cell(side, number=True) for side in sides_text(h.lhs, h.rhs)),
            margin_cell(h.margin),
            tagged(status_tag(h.status)),
            basis_cell(h.basis, h.engine),
        )
        for h in records
    )
    return Table(("Hypothesis", "Claim", "Left side", "Right side", "Margin", "Status", "Basis"), rows)


MARGIN_NOTE = (
    "Both sides are certified enclosures, rounded outward. The margin is log10(larger side / smaller side) "
    "in decades, positive where the claim holds; a chain or an 'and' is reported by its least-margin part."
)


def least_margin(margins: Iterable[tuple[float | None, str]]) -> str:
    """The least of named margins, in words."""
    known = [(margin, name) for margin, name in margins if margin is not None]
    if not known:
        return NOTHING
    margin, name = min(known)
    factor = factor_text(margin)
    return f"{clean(name)}: {margin_text(margin)} decades" + (f", {factor}" if factor else "")


def count_statuses(statuses: Iterable[str]) -> str:
    """`3 hold, 1 fails, 0 undecided`."""
    seen = list(statuses)
    held, failed = seen.count("holds"), seen.count("fails")
    hold, fail = "holds" if held == 1 else "hold", "fails" if failed == 1 else "fail"
    return f"{held} {hold}, {failed} {fail}, {len(seen) - held - failed} undecided"


def values_table(values: Mapping[str, Value], head: str, caption: str = "") -> Table:
    """Names and small values."""
    rows = tuple((said(k), Cell(value_text(v))) for k, v in values.items())
    return Table((head, "Value"), rows, caption, flow=True)


def definitions_table(values: Mapping[str, Bounds | ArrayBounds], latex: Mapping[str, str]) -> Table:
    """The theorem's definitions at initialization."""
    rows = tuple(
        (Cell(clean(name), code=True, latex=latex.get(name, "")), Cell(definition_text(value)))
        for name, value in values.items()
    )
    return Table(("Name", "Value at initialization"), rows)


def definitions_section(header: TheoremHeader) -> tuple[Section, ...]:
    """What the names in the claims stand for, as the file defines them; nothing where that is not known."""
    rows = [(name, text) for name, text in header.definitions.items()]
    said_of = [(name, text) for name, text in header.parameters.items()]
    tables: list[Table] = []
    if rows:
        cells = tuple((Cell(clean(n), code=True), Cell(clean(t), code=True)) for n, t in rows)
        tables.append(Table(("Name", "Is, at initialization"), cells))
    if said_of:
        cells = tuple((Cell(clean(n), code=True), said(t)) for n, t in said_of)
        tables.append(Table(("Parameter", "Ranges over"), cells))
    return (Section("names", "Names in the claims", tables=tuple(tables), folded=True),) if tables else ()


def not_done_section(not_done: Iterable[str]) -> Section:
    """What was not checked; silence is said out loud."""
    items = tuple(clean(item) for item in not_done)
    none = () if items else ("Nothing was cut off: every unit of work asked for was done.",)
    return Section("not-done", "What was not checked", none, items=items, tone="open" if items else "plain")


def environment_section(environment: Mapping[str, Value]) -> Section:
    """Seeds and versions: what it takes to repeat the work."""
    if not environment:
        return Section("environment", "Seed and versions", ("None were recorded.",))
    table = values_table(environment, "Name")
    return Section("environment", "Seed and versions", tables=(table,), folded=True)
