"""What a report says of satisfiability: the proof with its numbers, the bound, or the misses."""

import pytest
from clashing import ALWAYS, theorem

from checker.clock import Clock
from checker.findings import Findings, satisfiability_record
from checker.reading import load, read_theorem
from checker.records import Satisfiability
from checker.request import read_request
from checker.satisfiability.misses import miss_table
from checker.satisfiability.vacuity import Vacuity, proved, proved_for_start
from reports.plots import figure_svg
from reports.satisfiability_view import satisfiability_section
from reports.view import Section

HARD = theorem(
    'radius = "norm2(W) <= 1/2"\nodd = "lambda_min(G) >= 1.2*max(abs(preactivation))**2*sqrt(m)"',
    scope='activation = ["relu"]\nm = "n <= m"\nn = "n >= 2"',
)


def _words(section: Section) -> str:
    cells = [cell.text for table in section.tables for row in table.rows for cell in row]
    return " ".join([*section.paragraphs, *(t.caption for t in section.tables), *cells])


def _record(vacuity: Vacuity | None) -> Satisfiability:
    return satisfiability_record(Findings([], [], 0, 0, vacuity=vacuity))


def test_a_proof_shows_its_chain_and_its_product() -> None:
    """Hypotheses, axioms with sources, and the inequalities that are multiplied, in text and LaTeX."""
    small = read_theorem(ALWAYS["an eigenvalue against the trace"].text, "small.theorem.toml")

    record = _record(proved(small, Clock(0)))
    section = satisfiability_section(record)

    assert (record.status, record.basis, record.clash) == ("fails", "proof", ("curvature",))
    assert "z3+cvc5" in record.engine
    assert all(link.latex for link in record.chain)
    words = _words(section)
    for wanted in ("They cannot.", "lambda_min(G) > norm_fro(T)**2", "Gram matrix", "curvature"):
        assert wanted in words
    tables = [t for t in section.tables if "Multiplied" in t.caption]
    assert bool(tables) == bool(record.factors)


def test_a_bound_is_shown_as_a_formula_and_at_widths() -> None:
    """The probability stands as a formula in LaTeX too, and at several widths; the verdict gives both."""
    vacuity = proved_for_start(load("ling-2023-theorem-1"), Clock(0))

    record = _record(vacuity)
    section = satisfiability_section(record)

    assert vacuity is not None and vacuity.basis == "proof"
    assert "probability at most exp(-9*m/64), which tends to 0 as m grows (0.3247 at m = 8" in vacuity.reason
    table = next(t for t in section.tables if "probability" in t.caption)
    assert table.rows[0][1].text == "exp(-9*m/64)"
    assert table.rows[0][1].latex
    assert "Hardly ever at the stated initialization." in section.paragraphs
    assert "norm_fro(X) >= 0, norm2(W) >= 0" in _words(section)
    product = next(t for t in section.tables if "Multiplied" in t.caption)
    assert {row[1].text for row in product.rows} == {"1", "2"}


def test_misses_are_a_table_a_trend_and_a_plot() -> None:
    """Where nothing is known, each hypothesis' factor stands over sizes and scales, with the widths drawn."""
    small = read_theorem(HARD, "small.theorem.toml")

    missed = miss_table(small, read_request(small, {}, 0), Clock(0.0), lambda _: None)
    record = satisfiability_record(Findings([], [], 0, 0, missed=missed))
    section = satisfiability_section(record)

    assert (record.status, record.basis) == ("undecided", "sample")
    assert {"m", "n", "d", "scale"} == {str(row["varied"]) for row in record.misses}
    for row in record.misses:
        factors = [float(str(v)) for k, v in row.items() if k.startswith("factor of ")]
        assert row["factor"] == max(factors)
    assert "odd" in record.trend and "m**" in record.trend
    (plot,) = section.plots
    assert {line.label for line in plot.lines} == {"radius", "odd"}
    assert "<svg" in figure_svg(plot)
    assert figure_svg(plot) == figure_svg(plot)


def test_a_short_clock_leaves_the_table_out_and_says_so() -> None:
    """What the budget cut stands on record."""
    small = read_theorem(HARD, "small.theorem.toml")
    clock = Clock(1e-9)

    assert not miss_table(small, read_request(small, {}, 0), clock, lambda _: None).rows
    assert "cut by the budget: the table of misses" in clock.not_done


@pytest.mark.parametrize("status", ["holds", "fails", "undecided"])
def test_records_of_before_are_shown_as_before(status: str) -> None:
    """A record without proof and misses has one table and no plot."""
    section = satisfiability_section(Satisfiability(status, "sample", None, "search", "why"))

    assert len(section.tables) == 1
    assert not section.plots
