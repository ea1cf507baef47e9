"""The command that makes a report again, byte for byte, from what the report itself records."""

import shlex
from collections.abc import Iterable, Mapping
from pathlib import PurePath

from checker.reading import SUFFIX, builtin_ids
from checker.records import AuditReport, ConditionReport, TheoremHeader, Value
from reports.numbers import clean
from reports.view import Section

ON_PATH = (
    "Commands assume that deqaudit is on the PATH: activate the environment that holds it, as with "
    "'. .venv/bin/activate', or write .venv/bin/deqaudit for deqaudit."
)
"""Said once in every report that prints a command."""

_OUT = "report"
_EFFORT = ("budget", "runs", "steps", "confidence")


def _theorem(header: TheoremHeader) -> str:
    return header.id if header.id in builtin_ids() else f"{clean(header.id)}{SUFFIX}"


def _set(settings: Mapping[str, Value]) -> list[str]:
    return [token for name, value in settings.items() for token in ("--set", f"{name}={value}")]


def _draws(settings: Mapping[str, Value], environment: Mapping[str, Value]) -> list[str]:
    """The seed and the device, where they are not the defaults."""
    seed, device = environment.get("seed"), environment.get("device")
    tokens = ["--seed", str(seed)] if seed not in (None, 0) and "seed" not in settings else []
    return tokens + (["--device", str(device)] if device not in (None, "cpu") else [])


def _joined(tokens: Iterable[str]) -> str:
    return shlex.join(clean(token) for token in tokens)


def check_command(report: ConditionReport) -> str:
    """The command line of a check; empty where the report does not know what was set."""
    if report.options is None:
        return ""
    rest = [*_set(report.options), *_draws(report.options, report.environment), "--out", _OUT]
    return _joined(["deqaudit", "check", _theorem(report.theorem), *rest])


def audit_command(report: AuditReport) -> str:
    """The command line of an audit; empty where the report has no options."""
    if not report.options:
        return ""
    effort: list[str] = []
    settings: dict[str, Value] = {}
    for name, value in report.options.items():
        if name in _EFFORT and not isinstance(value, str):
            effort += [f"--{name}", repr(value) if isinstance(value, float) else str(value)]
        else:
            settings[name] = value
    rest = [*_set(settings), *effort, *_draws(settings, report.environment), "--out", _folder(report)]
    return _joined(["deqaudit", "audit", _theorem(report.theorem), *rest])


def _folder(report: AuditReport) -> str:
    """The folder of the certificates, whose names are part of the report; any other serves where none is."""
    found = [report.counterexample.certificate] if report.counterexample else []
    found += [use.certificate for use in report.hypothesis_use]
    return next((str(PurePath(path).parent) for path in found if path is not None), _OUT)


def _section(command: str, header: TheoremHeader, more: str = "") -> tuple[Section, ...]:
    if not command:
        return ()
    file = _theorem(header)
    text = [f"With the versions named below this writes the same bytes{more}."]
    text += [f"{file} stands for the file of the theorem."] if file != header.id else []
    return (Section("again", "How to repeat this", (" ".join(text), ON_PATH), command=command),)


def check_again(report: ConditionReport) -> tuple[Section, ...]:
    """How to make a check again."""
    return _section(check_command(report), report.theorem)


def audit_again(report: AuditReport) -> tuple[Section, ...]:
    """How to make an audit again."""
    return _section(audit_command(report), report.theorem, ", where the clock cuts nothing off")
