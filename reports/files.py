"""Report files: all formats side by side, each written whole or not at all."""

import os
import re
import tempfile
from pathlib import Path
from typing import TypeAlias

from checker.errors import UsageError
from checker.records import AuditReport, ConditionReport
from checker.width_records import WidthReport
from reports.html import to_html
from reports.jsonfile import to_json
from reports.latex import to_latex
from reports.markdown import to_markdown
from reports.views import view

Written: TypeAlias = ConditionReport | AuditReport | WidthReport

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


def write_atomically(path: Path, text: str) -> None:
    """Write to a file beside, force it to the disk, then rename: a reader never sees half a file."""
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).chmod(0o644)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


_KINDS = {"condition-report": "check", "audit-report": "audit", "width-report": "width"}


def stem(report: Written) -> str:
    """`ID.check`, `ID.audit` or `ID.width`, with nothing in it that could leave the directory."""
    name = _NOT_IN_NAMES.sub("-", report.theorem.id).strip(".-") or "theorem"
    return f"{name}.{_KINDS[report.kind]}"


def prepare(directory: Path) -> None:
    """Make the directory, now rather than after the work; raises UsageError where it cannot be written to."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise UsageError(f"--out {directory}: cannot write there ({error.strerror})") from error


def write_reports(report: Written, directory: Path) -> tuple[Path, ...]:
    """Write every format; returns the paths. Raises UsageError where the directory cannot be written to."""
    shown = view(report)
    texts = {
        "html": to_html(shown),
        "md": to_markdown(shown),
        "tex": to_latex(shown),
        "json": to_json(report),
    }
    written: list[Path] = []
    prepare(directory)
    for ending, text in texts.items():
        path = directory / f"{stem(report)}.{ending}"
        try:
            write_atomically(path, text)
        except OSError as error:
            raise UsageError(f"--out {directory}: cannot write {path.name} ({error.strerror})") from error
        written.append(path)
    return tuple(written)
