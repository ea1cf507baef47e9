"""A witness that an assumption is needed: shrunk, written as a certificate, re-checked from the file."""

import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Final

from checker.certificate import verify
from checker.certificate_writing import write_certificate
from checker.configuration import Configuration
from checker.counterexample import describe
from checker.expression.tree import Number
from checker.necessity.breach import breach, capped
from checker.necessity.search import Case, Witness, about
from checker.records import HypothesisUse
from checker.runs import run
from checker.shrink import shrink
from checker.theorem import Theorem
from checker.ties import settled
from checker.verdict import Verdict

TRIALS: Final = 40
"""The most neighbours tried while shrinking."""

_ALLOWED = Fraction(51, 50)
"""While shrinking, the assumption may be exceeded by so many times the factor found."""

_LONG = 24  # characters of a number
_NOTES = frozenset({"setting", "data", "labels"})


def certify(
    theorem: Theorem, case: Case, steps: int, folder: Path | None, cuts: Callable[[], bool]
) -> HypothesisUse | None:
    """The use of an assumption that a witness shows to be needed; None where the witness does not re-check.

    The certificate is about the theorem without the assumption. It stays in `folder`, where one is given.
    """
    witness = case.witness
    if witness is None:
        return None
    for candidate in (_shrunk(theorem, case, witness, steps, cuts), witness):
        if candidate is None:
            continue
        if folder is not None:
            path = folder / f"{case.bare.id}.certificate.json"
            if _valid(case.bare, candidate, path):
                return _use(theorem, case, candidate, str(path))
            path.unlink(missing_ok=True)
            continue
        with tempfile.TemporaryDirectory() as empty:
            if _valid(case.bare, candidate, Path(empty) / "certificate.json"):
                return _use(theorem, case, candidate, None)
    return None


def _shrunk(
    theorem: Theorem, case: Case, witness: Witness, steps: int, cuts: Callable[[], bool]
) -> Witness | None:
    """A smaller witness that exceeds the assumption by about as much at most; None where none was found."""
    factor = witness.breach.factor
    only = about(case.bare, witness.conclusion)
    target = only
    if factor is not None and factor < 10**6:
        target = capped(theorem, only, case.name, Fraction(factor).limit_denominator(1000) * _ALLOWED)
    configuration, step = shrink(
        target, witness.run.configuration, witness.conclusion, witness.step, steps, TRIALS, cuts
    )
    if configuration is witness.run.configuration:
        return None
    broken = breach(theorem, configuration, case.name)
    if broken.verdict is not Verdict.FAILS:
        return None
    result = settled(only, run(only, configuration, steps, curves=False, stop_at=step))
    return Witness(result, witness.conclusion, step, broken)


def _valid(bare: Theorem, witness: Witness, path: Path) -> bool:
    """Write the certificate and have it re-checked, by both code paths."""
    judgement = witness.run.outcomes[witness.conclusion].failure
    if judgement is None:
        return False
    write_certificate(
        bare,
        witness.run.configuration,
        witness.conclusion,
        witness.step,
        witness.run.precision,
        judgement,
        path,
    )
    return verify(path).status == "valid"


def _use(theorem: Theorem, case: Case, witness: Witness, certificate: str | None) -> HypothesisUse:
    claim = next(c.claim.text for c in theorem.conclusions if c.name == witness.conclusion)
    configuration = witness.run.configuration
    text = (
        f"without it, {witness.conclusion} ({claim}) certainly fails at step {witness.step} "
        f"with {_words(configuration)}; {_excess(case.name, witness)}"
    )
    return HypothesisUse(
        case.name, True, text, conclusion=witness.conclusion, step=witness.step,
        factor=witness.breach.factor, runs=case.runs, certificate=certificate, config=describe(configuration),
    )  # fmt: skip


def _excess(name: str, witness: Witness) -> str:
    """By how much the assumption fails at the witness."""
    factor, sides = witness.breach.factor, witness.breach.sides
    if factor is not None and factor > 1:
        return f"there {name} is missed by a factor {factor:.4g} ({sides}), the least miss found"
    return f"there {name} fails: {sides}" if sides else f"there {name} fails"


def _words(configuration: Configuration) -> str:
    """The configuration in one line; long numbers are rounded."""
    out: list[str] = []
    for name, value in describe(configuration).items():
        node = configuration.parameters.get(name)
        if isinstance(node, Number) and len(str(value)) > _LONG:
            out.append(f"{name} about {float(node.value):.6g}")
        elif name not in _NOTES:
            out.append(f"{name}={value}")
    return ", ".join(out)
