"""Reports as JSON: field for field the records, in one fixed order, the same bytes every time."""

from typing import TypeAlias

import msgspec

from checker.records import AuditReport, ConditionReport, VerifyReport
from checker.width_records import WidthReport

Record: TypeAlias = ConditionReport | AuditReport | VerifyReport | WidthReport

_FIRST = ("format", "kind")


def to_json(report: Record) -> str:
    """One indented document that ends with a newline; `format` and `kind` stand first."""
    fields = msgspec.to_builtins(report)
    ordered = {name: fields[name] for name in _FIRST} | fields
    return msgspec.json.format(msgspec.json.encode(ordered), indent=2).decode() + "\n"
