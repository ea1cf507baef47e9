"""Reports as Markdown (the GitHub dialect): for issues, pull requests and notes."""

import re

from reports.view import Cell, ReportView, Section, Table
from reports.words import Tag

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$])")
_LINE_START = re.compile(r"^(\s*)([-=])")
_NUMBERED = re.compile(r"^(\s*\d{1,9})\.(?=\s|$)")


def escape(text: str) -> str:
    """Text that reads as itself, wherever it stands."""
    return _NUMBERED.sub(r"\1\\.", _LINE_START.sub(r"\1\\\2", _inline(text)))


def _inline(text: str) -> str:
    """Text that reads as itself inside a line; a backslash escapes punctuation only, never a digit."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", plain)


def code(text: str) -> str:
    """A code span that holds any text, also in a table cell."""
    ticks = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text.replace('|', chr(92) + '|')}{pad}{ticks}" if text else ""


def _tag(tag: Tag) -> str:
    word = escape(tag.word)
    strong = f"**{word}**" if tag.tone in {"bad", "loud", "open"} else word
    return f"{escape(tag.symbol)} {strong}".strip()


def _cell(cell: Cell) -> str:
    main = _tag(cell.tag) if cell.tag else code(cell.text) if cell.code else _inline(cell.text)
    return "<br>".join([main, *(f"<sub>{_inline(note)}</sub>" for note in cell.notes)])


def _table(table: Table) -> list[str]:
    lines = [f"*{escape(table.caption)}*", ""] if table.caption else []
    lines.append("| " + " | ".join(map(_inline, table.columns)) + " |")
    lines.append("|" + " --- |" * len(table.columns))
    lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in table.rows]
    return [*lines, ""]


def _section(section: Section) -> list[str]:
    lines = [f"## {escape(section.title)}", ""]
    for paragraph in section.paragraphs:
        lines += [escape(paragraph), ""]
    if section.command:
        lines += ["```sh", section.command, "```", ""]
    if section.items:
        lines += [*(f"- {escape(item)}" for item in section.items), ""]
    for plot in section.plots:
        lines += [f"- {escape(plot.alt)}"]
    if section.plots:
        lines += ["", "The plots stand in the HTML report.", ""]
    for table in section.tables:
        lines += _table(table)
    return lines


def to_markdown(view: ReportView) -> str:
    """The whole report as Markdown text."""
    theorem = view.theorem
    basis = "Nothing was decided."
    if view.basis:
        basis = f"Basis: {_tag(view.basis)} ({escape(view.basis.meaning)})"
    lines = [f"# {view.verdict.symbol} {escape(view.verdict.word)}: {escape(theorem.id)}", "", basis, ""]
    lines += [f"**{escape(view.reason)}**", ""] if view.reason else []
    lines += [escape(view.verdict.meaning), ""] if view.verdict.meaning else []
    lines += [*(f"- {escape(name)}: {escape(value)}" for name, value in view.facts), ""]
    for section in view.urgent:
        lines += _section(section)
    lines += [f"## {escape(theorem.title)}", ""]
    if theorem.fidelity:
        origin = f"{_tag(theorem.fidelity)}: {escape(theorem.source)}."
        lines += [f"{origin} {escape(theorem.fidelity.meaning)}", ""]
    for paragraph in theorem.statement:
        lines += [f"> {escape(paragraph)}", ">"]
    lines += ["", *(escape(note) + "\n" for note in theorem.notes)]
    for section in view.sections:
        lines += _section(section)
    return "\n".join(lines).rstrip() + "\n"
