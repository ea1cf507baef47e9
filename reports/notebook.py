"""Reports in notebooks."""

from dataclasses import dataclass

from reports.html import to_fragment
from reports.jsonfile import Record
from reports.text import to_text
from reports.views import view


@dataclass(frozen=True)
class Shown:
    """A report as a notebook shows it; printed, it is the terminal summary."""

    report: Record

    def _repr_html_(self) -> str:
        return to_fragment(view(self.report))

    def __str__(self) -> str:
        return to_text(view(self.report))

    __repr__ = __str__
