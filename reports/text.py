"""Reports for a terminal of 80 columns: verdict and basis first."""

import textwrap
from collections.abc import Iterable

from reports.view import Cell, ReportView, Section, Table
from reports.words import Tag

WIDTH = 80
_COLOURS = {
    "good": "\x1b[1;32m",
    "bad": "\x1b[1;31m",
    "open": "\x1b[1;33m",
    "loud": "\x1b[1;33m",
    "void": "\x1b[1;90m",
}
_END = "\x1b[0m"


def wrapped(text: str, indent: str = "", first: str | None = None, width: int = WIDTH) -> list[str]:
    """Lines of at most `width` columns; long words are broken, hyphens are not break points."""
    lines = textwrap.wrap(
        text, width, initial_indent=indent if first is None else first, subsequent_indent=indent,
        break_on_hyphens=False,
    )  # fmt: skip
    return lines or ([] if first is None else [first.rstrip()])


def painted(tag: Tag, text: str, colour: bool) -> str:
    """Text in the colour of a tag's tone, where colours are wanted."""
    start = _COLOURS.get(tag.tone, "")
    return f"{start}{text}{_END}" if colour and start else text


def _by_name(table: Table, row: tuple[Cell, ...]) -> dict[str, Cell]:
    return dict(zip(table.columns, row, strict=True))


def _claim_row(table: Table, row: tuple[Cell, ...], widest: int, colour: bool) -> list[str]:
    cells = _by_name(table, row)
    status, basis = cells["Status"].tag, cells["Basis"].tag
    margin = (cells.get("Margin") or cells["Worst margin"]).text
    name = row[0].text
    symbol, word = (status.symbol, status.word) if status else ("?", "")
    judged = f"{word:<9}  {margin:>9}  {basis.word if basis else ''}"
    lines = [f"{symbol} {name:<{widest}}  {judged}"] if len(name) <= widest else []
    if not lines or len(lines[0]) > WIDTH:
        lines = wrapped(name, indent="  ", first=f"{symbol} ") + wrapped(judged, indent="    ")
    if status:
        lines = [painted(status, line.rstrip(), colour) for line in lines]
    lines += wrapped(cells["Claim"].text, indent="      ", first="    ")
    if "Left side" in cells and cells["Left side"].text != cells["Right side"].text:
        lines += wrapped(f"left {cells['Left side'].text}, right {cells['Right side'].text}", indent="    ")
    if "Runs" in cells:
        lines += wrapped(cells["Runs"].text, indent="    ")
        if not cells["Worst run"].text.startswith("–"):
            run = "; ".join((cells["Worst run"].text, *cells["Worst run"].notes))
            lines += wrapped(f"worst run: {run}", indent="    ")
    for note in cells["Claim"].notes:
        lines += wrapped(note, indent="    ")
    return lines


def _claims(table: Table, colour: bool) -> list[str]:
    widest = min(
        max(len(cell.text) for cell in (Cell(table.columns[0]), *(row[0] for row in table.rows))), 40
    )
    head = f"  {table.columns[0]:<{widest}}  {'status':<9}  {'margin':>9}  basis"
    return [head, *(line for row in table.rows for line in _claim_row(table, row, widest, colour))]


def _failed_steps(section: Section) -> list[str]:
    lines = [line for paragraph in section.paragraphs for line in wrapped(paragraph)]
    for table in section.tables:
        for row in table.rows:
            cells = _by_name(table, row)
            lines += wrapped(row[0].text, indent="    ", first="✗ ")
            lines += wrapped(cells["To"].text, indent="      ", first="    ")
            for note in cells["To"].notes:
                lines += wrapped(note, indent="    ")
    return lines


def _pairs(table: Table) -> list[str]:
    widest = min(max((len(row[0].text) for row in table.rows), default=0), 24)
    lines: list[str] = []
    for row in table.rows:
        rest = "  ".join(cell.text for cell in row[1:] if cell.text)
        first = f"  {row[0].text:<{widest}}  "
        if len(row[0].text) > widest:
            lines += wrapped(row[0].text, indent="    ", first="  ")
            first = " " * (widest + 4)
        lines += wrapped(rest, indent=" " * (widest + 4), first=first)
    return lines


def _runs(table: Table) -> list[str]:
    """The runs named above, each kind of configuration once, with what each run has by itself."""
    lines = wrapped(table.caption, indent="  ")
    for kind, runs, worst in table.rows:
        lines += wrapped(f"{runs.text}, worst of {worst.text}: {kind.text}", indent="    ", first="  ")
        lines += [line for note in runs.notes for line in wrapped(note, indent="      ", first="    ")]
    return lines


def _columns(table: Table) -> list[str]:
    """Rows under their titles, numbers to the right."""
    rows = [table.columns, *(tuple(cell.text for cell in row) for row in table.rows)]
    widest = [max(len(row[k]) for row in rows) for k in range(len(table.columns))]
    return ["  " + "  ".join(f"{text:>{w}}" for text, w in zip(row, widest, strict=True)) for row in rows]


def _widths(section: Section) -> list[str]:
    lines = [line for table in section.tables for line in _columns(table)]
    for paragraph in section.paragraphs:
        lines += wrapped(paragraph, indent="  ")
    return lines


def _certificates(section: Section) -> list[str]:
    """The hypotheses shown to be needed whose certificates were written, with the command for each."""
    lines = [
        line
        for table in section.tables
        for row in table.rows
        for note in row[-1].notes
        if "deqaudit verify" in note
        for line in (*wrapped(row[0].text, indent="    ", first="  "), *wrapped(note, indent="    "))
    ]
    return ["", "Certificates that a hypothesis is needed", *lines] if lines else []


def _facts(facts: Iterable[tuple[str, str]]) -> list[str]:
    return [line for name, value in facts for line in wrapped(f"{name}: {value}", indent="  ", first="")]


def verdict_line(view: ReportView) -> str:
    """`✗ DOES NOT APPLY (basis: proof)`."""
    basis = f" (basis: {view.basis.word})" if view.basis else ""
    return f"{view.verdict.symbol} {view.verdict.word}{basis}".strip()


def to_text(view: ReportView, colour: bool = False) -> str:
    """The summary of a report; the files of `--out` hold the rest."""
    theorem = view.theorem
    first = [painted(view.verdict, line, colour) for line in wrapped(verdict_line(view))]
    lines = [*first, *wrapped(view.reason), *wrapped(view.verdict.meaning), ""]
    for section in view.urgent:
        lines += [section.title, *_failed_steps(section), ""]
    named = theorem.title if theorem.title == theorem.id else f"{theorem.id}: {theorem.title}"
    lines += wrapped(named, indent="  ", first="")
    if theorem.fidelity:
        line = f"[{theorem.fidelity.word}] {theorem.source}"
        lines += [painted(theorem.fidelity, part, colour) for part in wrapped(line)]
        if theorem.fidelity.tone == "loud":
            lines += wrapped(theorem.fidelity.meaning)
    lines += ["", *_facts(view.facts)]
    by_key = {section.key: section for section in view.sections}
    for key in ("hypotheses", "conclusions"):
        if key in by_key and by_key[key].tables:
            first, *others = by_key[key].tables
            lines += ["", by_key[key].title, *_claims(first, colour)]
            lines += [line for table in others for line in _runs(table)]
    if "use" in by_key:
        lines += _certificates(by_key["use"])
    if "widths" in by_key:
        lines += ["", by_key["widths"].title, *_widths(by_key["widths"])]
    for key in ("predicted", "width-notes", "probability", "hidden", "sides", "checks"):
        if key in by_key and by_key[key].tables:
            lines += ["", by_key[key].title]
            lines += [line for table in by_key[key].tables for line in _pairs(table)]
    if "not-done" in by_key and by_key["not-done"].items:
        lines += ["", by_key["not-done"].title]
        lines += [
            line for item in by_key["not-done"].items for line in wrapped(item, indent="  ", first="- ")
        ]
    return "\n".join(lines).rstrip() + "\n"
