"""Rewritings prove only what is true: a counterexample of the step refutes some case of each of them."""

from fractions import Fraction
from itertools import product

import pytest
from step_samples import Text, step

from checker.expression.simplify import free_names_of_claim
from checker.expression.tree import Binary
from checker.proofs.equations import Solved
from checker.proofs.exact import refutes
from checker.proofs.polynomials import TooLargeError, polynomial, primitive, to_node
from checker.proofs.preprocess import rewritings
from checker.symbolic import decide_steps
from checker.theorem import ProofStep

WRONG: dict[str, tuple[Text, dict[str, str]]] = {
    "extremes": ((["min(x, y) > 0", "z == 1"], "max(x, y) <= abs(x)"), {"x": "1", "y": "2", "z": "1"}),
    "equations": ((["y == 2*x", "x > 0"], "y <= x"), {"x": "1", "y": "2"}),
    "roots": ((["y**2 == x", "y >= 0", "x >= 0"], "y <= x"), {"x": "1/4", "y": "1/2"}),
    "signs": (([], "x*y >= 0"), {"x": "-1", "y": "1"}),
    "dropped": ((["a > 0", "b >= a", "x > 1"], "x >= 2"), {"a": "1", "b": "1", "x": "3/2"}),
    "fractions": ((["x/3 >= 1/7", "y > 0"], "x/2 > y/5 + 1"), {"x": "1", "y": "1"}),
    "equality": ((["x >= 0", "x <= 1"], "x == 1"), {"x": "1/2"}),
}


@pytest.mark.parametrize("name", WRONG)
def test_no_rewriting_loses_a_counterexample(name: str) -> None:
    """
    The point, or the same with other signs, refutes a case; linear ones are seen not to be proved.
    """
    (assume, show), texts = WRONG[name]
    made = step(assume, show)
    point = {variable: Fraction(text) for variable, text in texts.items()}
    assert refutes(made.assume, made.show, point, Solved())

    for rewriting in rewritings(made.assume, made.show):
        mirrored = [
            {v: s * x for (v, x), s in zip(point.items(), signs, strict=True)}
            for signs in product((1, -1), repeat=len(point))
        ]
        lost = all(
            not any(refutes(case.assume, case.show, at, Solved()) for at in mirrored)
            for case in rewriting.cases
        )
        if "named" in rewriting.words:
            assert any(not _proved(case.assume, case.show) for case in rewriting.cases), rewriting.words
        else:
            assert not lost, rewriting.words


def _proved(assume: tuple, show: object) -> bool:
    """Linear cases speak of other variables: both solvers are asked."""
    (record,) = decide_steps([ProofStep("case", assume, show)], seconds=20)
    return record.status == "holds" or "contradict" in record.reason


def test_every_rewriting_is_tried_somewhere() -> None:
    """
    Each kind applies to one of the samples.
    """
    words = {
        rewriting.words
        for (assume, show), _ in WRONG.values()
        for rewriting in rewritings(step(assume, show).assume, step(assume, show).show)
    }

    assert words == {
        "equations substituted",
        "monomials named",
        "products of assumptions named",
        "cases of min, max and abs",
        "assumptions far from the conclusion dropped",
        "only assumptions about the conclusion's variables",
        "scaled to whole coefficients",
        "cases of signs",
        "equations substituted, products of assumptions named",
    }


def test_a_rewriting_proves_what_the_solvers_leave_open() -> None:
    """
    Cauchy-Schwarz in four dimensions is linear arithmetic once its monomials have names.
    """
    squares = "(a*a + b*b + c*c + d*d)*(x*x + y*y + z*z + w*w)"
    made = step([], f"(a*x + b*y + c*z + d*w)**2 <= {squares}")

    named = next(r for r in rewritings(made.assume, made.show) if r.words == "monomials named")

    assert all(_proved(case.assume, case.show) for case in named.cases)


def test_a_substitution_removes_the_variable() -> None:
    """
    What an equation defines is gone from the case.
    """
    made = step(["y == x*x", "z == y*y", "x > 0"], "z > 0")

    first = next(rewritings(made.assume, made.show))

    (case,) = first.cases
    assert first.words == "equations substituted"
    assert free_names_of_claim(case.show) == {"x"}


def test_polynomials_are_exact_and_limited() -> None:
    """
    Expansion and back is the same number, the scale is positive, and growth is refused.
    """
    made = step([], "(x - y/2)**3 <= x*(1/3 - y)").show.parts[0]
    gap = Binary("-", made.right, made.left)
    terms = polynomial(gap)
    point = {"x": Fraction(2, 3), "y": Fraction(-5, 7)}

    value = sum(
        c * point["x"] ** dict_of.get("x", 0) * point["y"] ** dict_of.get("y", 0)
        for monomial, c in terms.items()
        for dict_of in [{factor.name: k for factor, k in monomial}]
    )

    exact = point["x"] * (Fraction(1, 3) - point["y"]) - (point["x"] - point["y"] / 2) ** 3
    assert value == exact
    assert polynomial(to_node(terms)) == terms
    assert all(c.denominator == 1 for c in primitive(terms).values())
    with pytest.raises(TooLargeError):
        polynomial(step([], "(a+b+c+d+e+f+g+h)**12 > 0").show.parts[0].left)
