"""Times what certainty costs, and training: `python -m tests.benchmarks [OPTIONS] [SUBJECT ...]`.

Prints a table for each subject and writes tests/benchmarks/results/SUBJECT.json (device-NAME.json for the
subject device). Figures of one table
come from one run and are meant as ratios; those of a busy machine mean little.
"""

import argparse
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from tests.benchmarks import audits, device, equilibrium, norms, record, spectral, training


@dataclass(frozen=True)
class Subject:
    """A module whose `rows(quick=...)` measures, and the columns that fit a page."""

    module: ModuleType
    columns: tuple[str, ...]


SUBJECTS = {
    "spectral": Subject(
        spectral,
        ("n", "eigvalsh", "decide", "refute", "value", "all", "norm", "flint", "intervals", "gap"),
    ),
    "norms": Subject(norms, ("m", "product", "prove", "refute", "prove_ratio", "refute_ratio", "gap")),
    "equilibrium": Subject(
        equilibrium,
        ("activation", "m", "n", "solve", "norm", "enclose", "ratio", "gradients", "error"),
    ),
    "training": Subject(
        training,
        (
            "phi",
            "size",
            "rate",
            "loop",
            "batch",
            "warm",
            "jax",
            "cold",
            "gemm",
            "products",
            "record",
            "shared",
        ),
    ),
    "audits": Subject(
        audits,
        ("shape", "phi", "runs", "search", "stepwise", "times", "times_runs", "judged", "times_judged"),
    ),
    "device": Subject(device, device.COLUMNS),
}


def measured(name: str, *, quick: bool, say: Callable[[str], object], on: str | None = None) -> None:
    """Run one subject, print its table, write its file; `on` is the device of the subject that takes one."""
    subject = SUBJECTS[name]
    options = {"device": on} if name == "device" else {}
    rows: Sequence[Any] = subject.module.rows(quick=quick, **options)
    for paragraph in f"{name}: {subject.module.__doc__ or ''}".split("\n\n"):
        say(textwrap.fill(" ".join(paragraph.split()), 80))
        say("")
    for line in record.table(subject.columns, rows):
        say(line)
    say("")
    if not quick:
        record.write(device.file_name(rows) if name == "device" else name, rows)


def main(arguments: Sequence[str]) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("subjects", nargs="*", help=f"of {', '.join(SUBJECTS)}; all of them by default")
    parser.add_argument("--quick", action="store_true", help="small sizes only")
    parser.add_argument("--device", choices=("cuda", "cpu"), help="where the subject device is measured")
    chosen = parser.parse_args(arguments)
    unknown = sorted(set(chosen.subjects) - set(SUBJECTS))
    if unknown:
        parser.error(f"unknown subject {unknown[0]!r}; known are {', '.join(SUBJECTS)}")
    for name in chosen.subjects or SUBJECTS:
        measured(name, quick=chosen.quick, say=lambda line: sys.stdout.write(f"{line}\n"), on=chosen.device)


if __name__ == "__main__":
    main(sys.argv[1:])
