"""What a property has seen: cases tried, decided and left open, the worst margin, and the guard.

A property opens one `trial` for every case it draws. What it says there is tallied per title
(usually a theorem), travels with the test's report, also across xdist, and is summed up at the
end of the session. A property whose share of undecided or rejected cases is above what it
declares with `@pytest.mark.undecided(at_most=...)` fails: it would be green without having looked.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from typing import Protocol, cast

KEY = "evidence"
"""The name under which a test's tallies stand among its user properties."""

MARKER = "undecided"
"""The marker that declares the share of open cases a property tolerates (none without it)."""

_TITLES = ("tried", "decided", "undecided", "rejected", "failed", "worst margin", "where")


@dataclass
class Tally:
    """Counts of one title. `worst` is the least margin in decades, reached at `where`."""

    tried: int = 0
    decided: int = 0
    undecided: int = 0
    rejected: int = 0
    failed: int = 0
    worst: float | None = None
    where: str = ""

    @property
    def open(self) -> int:
        """Cases that say nothing: undecided ones and rejected ones."""
        return self.undecided + self.rejected

    def add(self, other: "Tally") -> None:
        """Count the other's cases too."""
        self.tried += other.tried
        self.decided += other.decided
        self.undecided += other.undecided
        self.rejected += other.rejected
        self.failed += other.failed
        if other.worst is not None:
            self.margin(other.worst, other.where)

    def margin(self, decades: float, where: str) -> None:
        """Keep the least margin; among equal ones the first."""
        if self.worst is None or decades < self.worst:
            self.worst, self.where = decades, where


@dataclass
class Trial:
    """One case. Unless something else is said, it counts as decided when its block is left."""

    status: str = "decided"
    margins: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])

    def undecided(self) -> None:
        """The case was looked at and nothing is certain either way."""
        self.status = "undecided"

    def rejected(self) -> None:
        """The case is not one that the property is about."""
        self.status = "rejected"

    def margin(self, decades: float | None, where: str = "") -> None:
        """A certified margin met in this case; None says nothing."""
        if decades is not None:
            self.margins.append((decades, where))


class Recorder:
    """The tallies of one test, by title."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}

    def close(self, title: str, trial: Trial) -> None:
        """Count a case that ended."""
        tally = self.tallies.setdefault(title, Tally())
        tally.tried += 1
        setattr(tally, trial.status, getattr(tally, trial.status) + 1)
        for decades, where in trial.margins:
            tally.margin(decades, where)

    def content(self) -> dict[str, dict[str, object]]:
        """Plain data, as a report carries it between processes."""
        return {title: asdict(tally) for title, tally in sorted(self.tallies.items())}


_CURRENT: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


@contextmanager
def recording() -> Iterator[Recorder]:
    """Trials opened inside are counted by the recorder that this gives."""
    recorder = Recorder()
    token = _CURRENT.set(recorder)
    try:
        yield recorder
    finally:
        _CURRENT.reset(token)


@contextmanager
def trial(title: str) -> Iterator[Trial]:
    """One case of the property with this title; outside a recorded test it counts nowhere.

    A failing assertion counts the case as failed; any other exception does not count it.
    """
    case = Trial()
    try:
        yield case
    except AssertionError:
        case.status = "failed"
        _close(title, case)
        raise
    _close(title, case)


def _close(title: str, case: Trial) -> None:
    recorder = _CURRENT.get()
    if recorder is not None:
        recorder.close(title, case)


def excess(tallies: Mapping[str, Tally], at_most: float) -> str:
    """One line for the first title with too many open cases, or "" where there is none."""
    for title, tally in sorted(tallies.items()):
        if tally.open > at_most * tally.tried:
            return (
                f"{title}: {tally.open} of {tally.tried} cases were undecided ({tally.undecided}) or "
                f"rejected ({tally.rejected}), more than the declared share {at_most:g}: this shows little"
            )
    return ""


class Reported(Protocol):
    """A test report: its phase, its test and what the test wrote down."""

    when: str
    nodeid: str
    user_properties: list[tuple[str, object]]


def collected(reports: Iterable[Reported]) -> dict[str, Tally]:
    """The tallies of all reports by title, in the order of titles; a test is counted once."""
    found: dict[str, Tally] = {}
    ordered = sorted((r for r in reports if r.when == "call"), key=lambda r: r.nodeid)
    for report in ordered:
        for key, content in report.user_properties:
            if key == KEY:
                tallies = cast(dict[str, dict[str, object]], content)
                for title, fields in tallies.items():
                    found.setdefault(title, Tally()).add(Tally(**fields))  # type: ignore[arg-type]
    return dict(sorted(found.items()))


def table(tallies: Mapping[str, Tally]) -> list[str]:
    """The summary as lines of text, one row a title."""
    rows = [("property", *_TITLES)]
    for title, t in tallies.items():
        worst = "-" if t.worst is None else f"{t.worst:.3g}"
        counts = (t.tried, t.decided, t.undecided, t.rejected, t.failed)
        rows.append((title, *map(str, counts), worst, t.where))
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [_aligned(row, widths) for row in rows]


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    middle = (cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1], strict=True))
    return "  ".join((row[0].ljust(widths[0]), *middle, row[-1])).rstrip()
