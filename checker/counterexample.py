"""A violation becomes a counterexample: shrunk, written as a certificate, re-checked from the file."""

from pathlib import Path

from checker.certificate import verify
from checker.certificate_writing import write_certificate
from checker.clock import Clock
from checker.configuration import Configuration
from checker.expression.text import to_text
from checker.outcomes import Run
from checker.records import Counterexample, Value
from checker.runs import run
from checker.shrink import shrink
from checker.theorem import Theorem
from checker.ties import settled
from checker.verdict import Basis

TRIALS = 120
"""The most neighbours tried while shrinking."""


def certify(
    theorem: Theorem, violation: tuple[Run, str], steps: int, folder: Path, clock: Clock, basis: Basis
) -> Counterexample:
    """Shrink a violation, write its certificate into `folder` and re-check it from there.

    A violation known only from sampling (gradient flow) has no certificate.
    """
    found, name = violation
    outcome = found.outcomes[name]
    claim = next(c.claim.text for c in theorem.conclusions if c.name == name)
    at = outcome.failed_at or 0
    if basis is not Basis.WITNESS:
        when = found.times[at] if found.times else at
        return Counterexample(claim, when, False, None, describe(found.configuration))
    configuration, step = shrink(
        theorem,
        found.configuration,
        name,
        at,
        steps,
        TRIALS,
        lambda: clock.cuts("further shrinking", needs=-20.0),
    )
    again = settled(theorem, run(theorem, configuration, steps, stop_at=step))
    judgement = again.outcomes[name].failure
    if judgement is None:
        configuration, step, judgement, again = found.configuration, at, outcome.failure, found
    if judgement is None:
        return Counterexample(claim, at, False, None, describe(found.configuration))
    path = folder / f"{theorem.id}.certificate.json"
    write_certificate(theorem, configuration, name, step, again.precision, judgement, path)
    report = verify(path)
    return Counterexample(claim, step, report.status == "valid", str(path), describe(configuration))


def describe(configuration: Configuration) -> dict[str, Value]:
    """A configuration in small values: sizes, parameters, and the entries of small arrays."""
    out = configuration.summary() | {name: to_text(node) for name, node in configuration.parameters.items()}
    for name, array in configuration.arrays.items():
        if array.floats.size <= 9:
            entries = ", ".join(repr(float(x)) for x in array.floats.flatten())
            out[name] = f"[{entries}]" if array.map == "plain" else f"{array.map} of [{entries}]"
    return out
