"""Hypotheses that cannot hold are proved not to, from the axioms that matter and no others."""

import time

import numpy as np
import pytest
from clashing import ALWAYS, AT_RANDOM, Clashing, theorem
from flint import arb, ctx
from scipy.stats import chi2

from checker.reading import builtin_ids, load, read_theorem
from checker.satisfiability.clash import by_solvers, few_of_a_product, find_clash
from checker.satisfiability.premises import Premises
from checker.satisfiability.prove import Impossible, impossible, improbable

GENEROUS = 120.0


def _core(found: Impossible | None, expected: Clashing) -> None:
    assert found is not None
    names = {link.name for link in found.chain}
    assert expected.clash == frozenset(found.clash)
    for word in expected.needs:
        assert any(name.startswith(word) for name in names), (word, names)
    assert not names & set(expected.spared)


@pytest.mark.parametrize("case", ALWAYS.values(), ids=ALWAYS.keys())
def test_a_contradiction_is_proved_from_its_core(case: Clashing) -> None:
    """What no configuration satisfies is proved so, from the hypotheses that clash and no others."""
    found = impossible(read_theorem(case.text, "small.theorem.toml"), GENEROUS)

    _core(found, case)
    assert found is not None and found.bound is None


@pytest.mark.parametrize("case", AT_RANDOM.values(), ids=AT_RANDOM.keys())
def test_a_random_start_that_hardly_ever_serves_has_a_bound(case: Clashing) -> None:
    """A start that fails with probability tending to 1 is not called impossible, but improbable."""
    small = read_theorem(case.text, "small.theorem.toml")

    found = improbable(small, GENEROUS)

    assert impossible(small, GENEROUS) is None
    _core(found, case)
    assert found is not None and found.bound is not None
    values = [float(str(row["at most"])) for row in found.bound.values]
    assert values == sorted(values, reverse=True)
    assert values[-1] < 1e-3


def test_the_condition_of_ling_is_met_with_probability_at_most_exp_of_minus_9m_over_64() -> None:
    """Condition (9) forces |a|^2 <= 1/(4n), and |a|^2 is a chi-square with m degrees over m."""
    found = improbable(load("ling-2023-theorem-1"), GENEROUS)

    assert found is not None and found.bound is not None
    assert found.clash == ("radius", "condition_9")
    assert found.bound.formula == "exp(-9*m/64)"
    at_8 = next(row for row in found.bound.values if row["m"] == 8)
    with ctx.workprec(128):
        exact = (arb(-9) / 8).exp()
    assert arb(float(str(at_8["at most"]))) >= exact > 0.3246
    assert found.product == "1 < 1"
    used = {link.name for link in found.chain}
    axioms = {"size of the equilibrium", "least eigenvalue of the Gram matrix", "norm of a from below"}
    assert axioms <= used
    assert not used & {"condition_7", "condition_8", "step_size", "norm of W from above", "c_a"}


@pytest.mark.parametrize("name", [n for n in builtin_ids() if not n.startswith("ling")])
def test_no_contradiction_is_found_where_configurations_exist(name: str) -> None:
    """The shipped theorems that runs satisfy are not called impossible."""
    assert impossible(load(name), 5.0) is None


def test_a_start_that_serves_is_not_called_improbable() -> None:
    """A readout of variance 1/m is seldom longer than 2, and nothing says that it is not shorter."""
    text = theorem('short = "norm2(a) <= 2"', more='[initialization]\na = "normal(0, 1/m)"')

    assert improbable(read_theorem(text, "small.theorem.toml"), 5.0) is None


def test_a_bound_needs_a_network_that_may_grow() -> None:
    """With the width fixed by the scope, no probability tends to 0."""
    text = theorem('small = "norm2(a) <= 1/2"', scope="m = 4", more='[initialization]\na = "normal(0, 1/m)"')

    assert improbable(read_theorem(text, "small.theorem.toml"), GENEROUS) is None


def test_a_hidden_constant_contradicts_nothing() -> None:
    """A hypothesis with a hidden constant gates no run, so it clashes with none."""
    text = theorem(
        'wide = "m >= C*n"\nnarrow = "m <= 4"',
        parameters='C = { domain = "C > 8", quantifier = "hidden" }', scope='n = "n >= 2"',
    )  # fmt: skip

    assert impossible(read_theorem(text, "small.theorem.toml"), 5.0) is None


def test_products_and_solvers_agree_where_both_serve() -> None:
    """The same contradiction is found by multiplying inequalities and by the solvers outright."""
    small = read_theorem(ALWAYS["an eigenvalue against the trace"].text, "small.theorem.toml")
    premises = Premises(small).asked()

    deadline = time.monotonic() + GENEROUS
    product, outright = few_of_a_product(premises, deadline), by_solvers(premises, deadline)

    assert product is not None and outright is not None
    assert {"curvature"} == {p.name for p in product if p.kind == "hypothesis"}
    assert {"curvature"} == {p.name for p in outright.premises if p.kind == "hypothesis"}


def test_nothing_follows_from_axioms_alone() -> None:
    """The axioms do not contradict each other: a theorem without hypotheses has no clash."""
    for setting in ("deq", "least-squares"):
        small = read_theorem(theorem("", setting=setting), "small.theorem.toml")
        premises = Premises(small)
        every = [*premises.stated(), *premises.starts(), *premises.axioms()]

        assert find_clash(every, time.monotonic() + 3.0) is None


TAILS = """
format = 1
[theorem]
id = "tails"
title = "Tails of a start"
setting = "deq"
kind = "deterministic"
[theorem.source]
fidelity = "derived"
[dynamics]
algorithm = "none"
[scope]
activation = ["relu"]
d = "1"
[initialization]
W = "normal(0, 1/m)"
U = "normal(0, 1/d)"
a = "normal(0, 1/m)"
[hypotheses]
big = "%s"
[conclusions]
c = "norm2(a) >= 0"
"""


def test_events_that_are_as_probable_both_count() -> None:
    """Two tails with one rate are two events: the union bound adds them up."""
    found = improbable(read_theorem(TAILS % "norm2(a) >= 3*norm2(W)", "tails.theorem.toml"), GENEROUS)

    assert found is not None and found.bound is not None
    assert found.bound.formula.startswith("2*exp(")
    assert found.bound.values[0]["at most"] == pytest.approx(2 * np.exp(-9 * 8 / 64), rel=1e-3)


def test_numbers_shown_with_a_bound_are_for_sizes_in_scope() -> None:
    """A bound that depends on d is shown for the d of the scope, and the row says so."""
    found = improbable(read_theorem(TAILS % "norm_fro(U)**2 <= m/2", "tails.theorem.toml"), GENEROUS)

    assert found is not None and found.bound is not None
    row = found.bound.values[1]
    assert (row["m"], row["d"]) == (16, 1)
    chance = float(chi2.cdf(8, 16))
    assert chance <= float(str(row["at most"])) < 0.6
