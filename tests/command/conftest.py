"""Stand-ins for the checker, so that the command is tested by itself."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

import deqaudit
from checker.records import (
    AuditReport,
    Bounds,
    ConditionReport,
    HypothesisRecord,
    Satisfiability,
    Simulation,
    TheoremHeader,
    VerifyReport,
)

HEADER = TheoremHeader(
    id="gd-least-squares",
    title="Gradient descent on least squares",
    source={"authors": "Folklore", "fidelity": "derived"},
    statement="Words.",
    setting="least-squares",
    kind="deterministic",
)


def condition_report(verdict: str = "applies") -> ConditionReport:
    """A report of one hypothesis."""
    status = {"applies": "holds", "does-not-apply": "fails"}.get(verdict, "undecided")
    row = HypothesisRecord(
        name="curvature",
        claim="lambda_0 > 0",
        status=status,
        basis="proof",
        lhs=Bounds("0.5", "0.5"),
        rhs=Bounds("0", "0"),
        margin=None,
        engine="balls, 64 bits",
    )
    return ConditionReport(HEADER, {"n": 2}, verdict, "a reason", (row,), {}, {}, {}, (), {"seed": 0})


def audit_report(verdict: str = "supported") -> AuditReport:
    """A report of no runs."""
    satisfiability = Satisfiability("undecided", "assumed", None, "", "")
    simulation = Simulation(0, 0, 0, 0, ())
    return AuditReport(
        HEADER, verdict, "sample", "a reason", satisfiability, (), simulation, None, (), (), (), None, (), {}
    )


def verify_report(status: str = "valid") -> VerifyReport:
    """A report of one check."""
    return VerifyReport(
        status, "a reason", "gd-least-squares", "rate", 3, ({"check": "rate", "status": "fails"},)
    )


@dataclass
class Checker:
    """What the stand-ins answer, and what they were asked."""

    check: Callable[[], Any] = condition_report
    audit: Callable[[], Any] = audit_report
    verify: Callable[[], Any] = verify_report
    asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)

    def answer(self, name: str) -> Callable[..., Any]:
        """A function that writes down its arguments and answers."""

        def function(*arguments: Any, **options: Any) -> Any:
            self.asked.append((name, arguments, options))
            report = getattr(self, name)()
            sys.stdout.write("noise of a library\n")
            return report

        return function


@pytest.fixture
def checker(monkeypatch: pytest.MonkeyPatch) -> Checker:
    """The checker replaced by stand-ins that answer at once; theorems are still read from their files."""
    fake = Checker()
    for module, name in (("conditions", "check"), ("audit", "audit"), ("certificate", "verify")):
        monkeypatch.setitem(sys.modules, f"checker.{module}", SimpleNamespace(**{name: fake.answer(name)}))
    return fake


@dataclass(frozen=True)
class Outcome:
    """What a command line did."""

    status: int
    out: str
    err: str


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Runs one command line in this process."""
    monkeypatch.delenv("NO_COLOR", raising=False)

    def run(*tokens: str) -> Outcome:
        status = deqaudit.run(tokens)
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return run
