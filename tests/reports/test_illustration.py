"""A product of inequalities in numbers: one is false, both products are one number, and it says so."""

import msgspec
from report_samples import VACUOUS

from checker.illustration import instance
from checker.reading import load
from checker.records import Bounds, ChainLink, FactorAt, Instance
from reports.html import to_html
from reports.views import view

LING = "ling-2023-theorem-1"

FACTORS = tuple(
    ChainLink("factor", "", claim, "", power=power)
    for claim, power in (
        ("4*norm_fro(X)**2*c_w**2 <= lambda_0", 1),
        ("lambda_0 <= lambda_min(G)", 1),
        ("rho_a*rho_u <= (1 - rho_w)**2*c_w", 2),
        ("norm2(U) < rho_u", 2),
        ("norm2(a) < rho_a", 2),
        ("0.25 <= norm2(a)**2", 1),
        ("lambda_min(G)*n <= norm_fro(T)**2", 1),
        ("1 <= n", 1),
        ("(1 - norm2(W))*norm_fro(T) <= norm_fro(X)*norm2(U)", 2),
        ("1 - rho_w < 1", 2),
        ("1 - rho_w < 1 - norm2(W)", 2),
    )
)
"""The factors of the proof that Condition 1 of Ling et al. can hardly hold at its stated start."""


def test_the_products_of_both_sides_are_one_number_and_one_factor_fails():
    """
    Everything cancels, so the enclosures of the products overlap and not all inequalities can hold.
    """
    found = instance(load(LING), {}, FACTORS)

    assert found is not None
    statuses = [f.status for f in found.factors]
    assert statuses.count("fails") == 1
    assert statuses[0] == "fails"
    assert found.lhs is not None and found.rhs is not None
    assert float(str(found.lhs.lo)) <= float(str(found.rhs.hi))
    assert float(str(found.rhs.lo)) <= float(str(found.lhs.hi))
    assert (found.config["n"], found.config["m"], found.config["delta"]) == (2, 64, "0.1")
    assert found == instance(load(LING), {}, FACTORS)


def test_what_the_user_set_is_kept():
    """
    Sizes, seed and parameters of the illustration are those of the command where it has some.
    """
    found = instance(load(LING), {"m": "16", "delta": "1/4"}, FACTORS, seed=3)

    assert found is not None
    assert (found.config["m"], found.config["seed"], found.config["delta"]) == (16, 3, "1/4")


def test_where_a_side_is_not_positive_there_is_no_product():
    """
    Inequalities with negative sides cannot be multiplied, and no product is shown.
    """
    found = instance(load(LING), {"delta": "2"}, FACTORS)

    assert found is not None
    assert (found.lhs, found.rhs) == (None, None)
    assert "product of all" not in to_html(view(_with(found)))


def test_what_cannot_be_evaluated_has_no_illustration():
    """
    A factor in names that the theorem has not leaves the illustration out.
    """
    assert instance(load(LING), {}, (ChainLink("factor", "", "nowhere <= 1", "", power=1),)) is None
    assert instance(load(LING), {"s_w": "log(0)"}, ()) is None


def _with(found: Instance):
    can = msgspec.structs.replace(VACUOUS.satisfiability, factors=FACTORS, product="1 < 1", instance=found)
    return msgspec.structs.replace(VACUOUS, satisfiability=can)


def test_the_illustration_is_marked_and_shows_the_false_factor():
    """
    It is no part of the proof, and equal sides are not called undecided.
    """
    one = Bounds("1", "1")
    rows = (
        FactorAt("a <= b", 1, Bounds("2", "2"), one, "fails"),
        FactorAt("b == a", 2, one, one, "undecided"),
        FactorAt("b <= c", 1, one, Bounds("0.5", "1.5"), "undecided"),
    )
    page = to_html(view(_with(Instance({"n": 2}, rows, Bounds("2", "2"), Bounds("2", "2")))))

    assert "an illustration at one start, not the proof. 1 of them fails here." in page
    assert page.count("equal, as far as enclosed") == 1
    assert "product of all, each to its power" in page
