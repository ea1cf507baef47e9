"""A proof that is cut short says so: what bears no note is what there would be without a limit."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from clashing import ALWAYS, AT_RANDOM

from checker.audit import audit
from checker.clock import Clock
from checker.expression.parse import parse_claim
from checker.reading import read_theorem
from checker.satisfiability.product_rows import rows_of
from checker.satisfiability.prove import Impossible, impossible, improbable

GENEROUS = 120.0
MANY = 10**9
SEARCH = "cut by the budget: the search for a proof that nothing satisfies the hypotheses"
START = "cut by the budget: the search for a proof that the stated start hardly ever satisfies the hypotheses"


@dataclass
class Counting(Clock):
    """Time is over when it was asked for so many times."""

    asks: int = MANY

    def left(self) -> float:
        """Much, or nothing."""
        self.asks -= 1
        return 1e6 if self.asks >= 0 else 0.0


@pytest.mark.parametrize(
    ("prove", "text"),
    [
        (impossible, ALWAYS["two bounds of the step"].text),
        (impossible, ALWAYS["more samples than features"].text),
        (improbable, AT_RANDOM["a large W"].text),
    ],
    ids=["shortened", "solvers", "sharpened"],
)
def test_what_is_cut_goes_on_record_wherever_it_is_cut(
    prove: Callable[..., Impossible | None], text: str
) -> None:
    """Cut at any point, the answer is that without a limit, or a note says what is missing."""
    small = read_theorem(text, "small.theorem.toml")
    clock = Counting(1.0)
    whole = prove(small, GENEROUS, clock)
    count = MANY - clock.asks
    assert whole is not None and clock.not_done == []

    seen: set[bool] = set()
    for asks in (0, count // 4, count // 2, 3 * count // 4, *range(count - 4, count + 1)):
        cut = Counting(1.0, asks=asks)
        found = prove(small, GENEROUS, cut)
        assert found == whole or cut.not_done, asks
        assert found is None or set(whole.clash) <= set(found.clash)
        seen.add(found == whole)

    assert {False, True} == seen


def test_rows_that_are_found_in_less_time_are_fewer_of_the_same() -> None:
    """What there was no time to find is left out; nothing else changes."""
    claims = [parse_claim(text) for text in ("x > 0", "y > 0", "x - y > 1", "x*y <= 1", "(x - y)*x <= 3")]
    clock = Counting(1.0)
    whole = {(row.monomial, row.coefficient, row.strict) for row in rows_of(claims, frozenset(), clock).rows}

    sizes: set[int] = set()
    for asks in range(MANY - clock.asks):
        some = rows_of(claims, frozenset(), Counting(1.0, asks=asks)).rows
        assert {(row.monomial, row.coefficient) for row in some} <= {row[:2] for row in whole}
        sizes.add(len(some))

    assert 0 in sizes and len(sizes) > 2


def test_an_audit_without_time_says_which_proofs_it_did_not_look_for(tmp_path: Path) -> None:
    """Both searches and the draws are on record, and nothing is called vacuous."""
    small = read_theorem(AT_RANDOM["a small readout"].text, "small.theorem.toml")

    report = audit(small, {}, budget=1e-9, runs=1, steps=1, out=tmp_path)

    assert {SEARCH, START, "cut by the budget: draws of the stated start"} <= set(report.not_done)
    assert report.verdict == "inconclusive"
