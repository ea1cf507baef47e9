"""The kill rate of wrong proof steps: `python -m tests.power.steps` prints it by kind of mutation."""

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from step_mutants import Mutant, distinct_steps, is_refuted, mutants

from checker.records import ProofStepRecord
from checker.symbolic import decide_steps


@dataclass(frozen=True)
class Judged:
    """A mutant of the step `origin`, the checker's record, and whether its point stands a second look."""

    origin: str
    mutant: Mutant
    record: ProofStepRecord
    confirmed: bool


def judge_all(seconds: float, dropped: int | None = None) -> list[Judged]:
    """Every mutant of every distinct shipped step, decided; `dropped` as for `mutants`."""
    steps = distinct_steps()
    made = [(origin, mutant) for origin, step in steps.items() for mutant in mutants(step, dropped)]
    records = decide_steps([mutant.step for _, mutant in made], seconds=seconds)
    out: list[Judged] = []
    for (origin, mutant), record in zip(made, records, strict=True):
        point = record.counterexample
        confirmed = record.status == "fails" and point is not None and is_refuted(mutant.step, point)
        out.append(Judged(origin, mutant, record, confirmed))
    return out


def table(judged: list[Judged]) -> str:
    """Killed, proved (so no wrong mutants), and open, by kind of mutation."""
    rows = [f"{'mutation':26} {'made':>5} {'killed':>7} {'proved':>7} {'open':>5} {'kill rate':>10}"]
    kinds = dict.fromkeys(each.mutant.kind for each in judged)
    for kind in (*kinds, "all"):
        status = Counter(each.record.status for each in judged if kind in ("all", each.mutant.kind))
        made, proved = sum(status.values()), status["holds"]
        rate = f"{100 * status['fails'] / (made - proved):.1f} %" if made > proved else "-"
        rows.append(f"{kind:26} {made:5} {status['fails']:7} {proved:7} {status['undecided']:5} {rate:>10}")
    return "\n".join(rows)


def main() -> None:
    """Decide and print."""
    judged = judge_all(seconds=2.0)
    lines = [table(judged), ""]
    for each in judged:
        if each.record.status == "undecided":
            record = each.record
            lines.append(f"open: {each.origin}, {each.mutant.kind}: {record.show} ({record.reason})")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
