"""Frozen view records: everything a page says, already in words. Renderers see these and nothing else."""

from dataclasses import dataclass

from reports.words import Tag, Tone


@dataclass(frozen=True)
class Cell:
    """One table cell: text, a tag, or a number, a claim (`code`, with MathML, LaTeX), and notes."""

    text: str
    tag: Tag | None = None
    code: bool = False
    number: bool = False
    mathml: str = ""
    latex: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """Rows of cells under column titles, one cell a column. A `flow` table of pairs may be run together."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    flow: bool = False


@dataclass(frozen=True)
class Line:
    """One curve of a plot. `role` is "band" (a run among many), "worst", "predicted", or "series"."""

    role: str
    label: str
    times: tuple[float, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Plot:
    """A figure to draw: lines over time, and the sentence that replaces it for who cannot see it."""

    key: str
    title: str
    alt: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Section:
    """A titled part of a report. `folded` sections may be collapsed on a page."""

    key: str
    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()
    items: tuple[str, ...] = ()
    command: str = ""
    tone: Tone = "plain"
    folded: bool = False


@dataclass(frozen=True)
class TheoremView:
    """Which theorem, from where, and how close to its source; `printed` is its statement in LaTeX."""

    id: str
    title: str
    setting: str
    kind: str
    statement: tuple[str, ...]
    source: str
    notes: tuple[str, ...]
    fidelity: Tag | None
    printed: str = ""


@dataclass(frozen=True)
class ReportView:
    """One report in words: the banner first, then `urgent` sections, the theorem, and `sections`.

    `chain` is the proof in LaTeX, with the status of every step.
    """

    kind: str
    label: str
    verdict: Tag
    basis: Tag | None
    reason: str
    facts: tuple[tuple[str, str], ...]
    theorem: TheoremView
    sections: tuple[Section, ...]
    urgent: tuple[Section, ...] = ()
    chain: str = ""
