"""Proof steps with known answers: true implications, their wrong mutants, and what must stay open.

Most are rows of the chain of the gradient-descent theorem (theory dossier, section 8).
"""

from fractions import Fraction

import pytest
from step_samples import decide, decide_all, signs, step

from checker.records import ProofStepRecord
from checker.symbolic import decide_steps

SPEED = ["0 < eta", "eta*L <= 1", "0 < mu", "mu <= L"]
ROOTS = [*signs("q1 q2 k1 k2 A b"), "q1**2 == A*k1**2 + b", "q2**2 == A*k2**2 + b"]
NORMS = [*signs("p q s xi N H"), "N**2 == p**2 + q**2", "H**2 == s**2 + xi**2"]
DESCENT = [
    *signs("Q eta E x r"),
    "A <= -eta*Q**2 + eta*x*r*Q + eta*c2*r**2 + E**2/2",
    "27*c2*r**2 <= 8*Q**2",
    "324*E**2 <= 121*eta*Q**2",
    "54*x*r <= Q",
]
TRUE = {
    "contraction factor": (SPEED, "(1 - eta*mu)**2 <= 1 - eta*mu"),
    "root below one": (["0 < s", "s < 1/8"], "2*sqrt(2*s) < 1"),
    "ball of a deq": (
        [
            *signs("w c r D"),
            "0 < d",
            "0 < lam",
            "w + d < 1",
            "lam*d >= 4*c*r",
            "D*lam <= 4*c*r",
            "wt <= w + D",
        ],
        "wt < 1",
    ),
    "series": (["0 < x", "x < 1"], "1/(1 - sqrt(1 - x)) <= 2/x"),
    "S02a": (NORMS, "p*s + q*xi <= N*H"),
    "S12": (DESCENT, "9*A <= -4*eta*Q**2"),
    "S14": (
        [*signs("l Q eta rp"), "9*(r**2 - rp**2) >= 8*eta*Q**2", "4*Q >= 3*l*r", "r > 0"],
        "3*(r - rp) >= eta*l*Q",
    ),
    "S28": (ROOTS, "(q1 - q2)**2 <= A*(k1 - k2)**2"),
    "means": (["x > 0", "y > 0"], "min(x, y) <= sqrt(x*y) and sqrt(x*y) <= max(x, y, 0)"),
    "triangle": ([], "abs(x + y) <= abs(x) + abs(y)"),
    "powers": (["x > 0"], "x**(3/2) * x**(-1/2) == x"),
    "zeroth power": ([], "x**0 == 1"),
    "circle constant": (["r > 0"], "3*r < pi*r < 3.2*r"),
    "exponential": (["x >= 0"], "1 - x <= exp(-x)"),
    "hyperbolic tangent": (["x > 0"], "0 < tanh(x) < x"),
    "logarithm": (["x > 1"], "0 < log(x) <= x - 1"),
    "circle": ([], "sin(x)**2 + cos(x)**2 == 1"),
}
MUTANTS = {
    "a wrong width": (["0 < s", "s < 1/8", "q >= 0"], "32*s*(sqrt(q) + 3/2) < 1"),
    "contraction twice as fast": (SPEED, "(1 - eta*mu)**2 <= 1 - 2*eta*mu"),
    "a forgotten sign": (["eta*L <= 1", "0 < mu", "mu <= L"], "(1 - eta*mu)**2 <= 1 - eta*mu"),
    "S02a shaved": (NORMS, "p*s + q*xi <= 99*N*H/100"),
    "S12 with 5 for 4": (DESCENT, "9*A <= -5*eta*Q**2"),
    "S28 halved": (ROOTS, "(q1 - q2)**2 <= A*(k1 - k2)**2/2"),
    "a tie called strict": (["0 <= x", "x <= 1"], "x*x < 1"),
    "a tie of a root called strict": (["0 <= x", "x <= 1"], "sqrt(x) < 1"),
    "a tie called equal": (["0 <= x", "x <= 1"], "x == 1"),
    "an exponential called linear": (["x >= 1"], "exp(x) <= 2"),
    "pi called a decimal": (["r > 0"], "pi*r <= 3.1415*r"),
}


@pytest.fixture(scope="module")
def true_records() -> dict[str, ProofStepRecord]:
    return decide_all(TRUE, seconds=20)


@pytest.fixture(scope="module")
def mutant_records() -> dict[str, ProofStepRecord]:
    return decide_all(MUTANTS, seconds=20)


@pytest.mark.parametrize("name", TRUE)
def test_a_true_step_holds(name: str, true_records: dict[str, ProofStepRecord]) -> None:
    """
    Both solvers prove it, and the record says so.
    """
    record = true_records[name]

    assert (record.status, record.reason) == ("holds", "")
    assert record.engine.startswith("z3+cvc5")
    assert record.counterexample is None
    assert record.show == TRUE[name][1]


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_step_fails_at_an_exact_point(name: str, mutant_records: dict[str, ProofStepRecord]) -> None:
    """
    A rational point is found and every variable of the step has an exact value there.
    """
    record = mutant_records[name]

    assert record.status == "fails"
    assert record.counterexample is not None
    assert record.counterexample
    assert all(str(Fraction(value)) == value for value in record.counterexample.values())
    assert record.engine.endswith("re-checked exactly")


def test_a_counterexample_satisfies_the_assumptions(mutant_records: dict[str, ProofStepRecord]) -> None:
    """
    Redone by hand: the point of the halved S28 lies on both curves and breaks the bound.
    """
    found = mutant_records["S28 halved"].counterexample or {}
    point = {name: Fraction(value) for name, value in found.items()}

    assert point["q1"] ** 2 == point["A"] * point["k1"] ** 2 + point["b"]
    assert point["q2"] ** 2 == point["A"] * point["k2"] ** 2 + point["b"]
    assert (point["q1"] - point["q2"]) ** 2 > point["A"] * (point["k1"] - point["k2"]) ** 2 / 2


def test_contradictory_assumptions_prove_nothing() -> None:
    """
    A step whose assumptions cannot hold together is undecided, though both solvers prove it.
    """
    record = decide(["x > 0", "x < 0"], "x == 5")

    assert record.status == "undecided"
    assert record.reason == "the assumptions contradict each other: a step from them proves nothing"


@pytest.mark.parametrize(
    ("assume", "show", "reason"),
    [
        (["x >= 0"], "1/x >= 0", "a denominator may be zero under the assumptions"),
        (["x >= -1"], "sqrt(x) >= 0", "the argument of a root may be negative under the assumptions"),
        (["x >= -1"], "x**(1/3) >= 0", "the argument of a root may be negative under the assumptions"),
        (["x >= 0"], "log(x) <= x", "the argument of a logarithm may not be positive under the assumptions"),
        ([], "x**(-2) >= 0", "a power with a negative exponent may divide by zero under the assumptions"),
    ],
)
def test_a_conclusion_that_may_be_undefined_is_undecided(assume: list[str], show: str, reason: str) -> None:
    """
    The side condition that does not follow is named.
    """
    record = decide(assume, show)

    assert (record.status, record.reason) == ("undecided", reason)


def test_an_assumption_that_is_true_is_defined() -> None:
    """
    A division in an assumption makes its denominator nonzero for the conclusion too.
    """
    assert decide(["1/x >= 0"], "1/x > 0").status == "holds"


@pytest.mark.parametrize(
    ("show", "reason"),
    [
        ("x**65 <= (65*x**66 + 1)/66", "the exponent 65 is beyond the solvers"),
        ("norm2(x) >= 0", "norm2 is beyond the solvers"),
        ("x @ x >= 0", "arrays are beyond a step over real variables"),
    ],
)
def test_what_cannot_be_translated_is_undecided(show: str, reason: str) -> None:
    """
    The record says what is beyond the solvers, and no solver is named.
    """
    record = decide(["x > 0"], show, seconds=2)

    assert (record.status, record.engine, record.reason) == ("undecided", "none", reason)


def test_a_step_that_takes_too_long_is_undecided() -> None:
    """
    When the time is over the engine says who answered, and the next step is decided all the same.
    """
    sums = "(a*a + b*b + c*c + d*d)*(x*x + y*y + z*z + w*w)"
    hard = step([], f"(a*x + b*y + c*z + d*w)**2 <= {sums}", "hard")
    easy = step(["0 < x"], "0 < 2*x", "easy")

    records = decide_steps([hard, easy], seconds=1)

    assert [record.status for record in records] == ["undecided", "holds"]
    assert "no answer" in records[0].engine
    assert records[0].reason == "a step holds only where both solvers or a subdivision prove it"


def test_steps_are_reported_as_they_are_decided() -> None:
    """
    on_step hears of every record, in order, and no steps need no solver.
    """
    heard: list[ProofStepRecord] = []
    steps = [step(["x > 0"], "x > 0", "one"), step(["x > 0"], "x > 1", "two")]

    records = decide_steps(steps, on_step=heard.append)

    assert tuple(heard) == records
    assert [record.status for record in records] == ["holds", "fails"]
    assert decide_steps([]) == ()
