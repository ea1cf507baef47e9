"""Steps with exp, log, tanh and variable exponents: true ones hold, false ones fail at an exact point."""

import pytest
from step_samples import Text, decide_all

from checker.records import ProofStepRecord

TAIL = ["p*exp(l) == n", "n > 0", "p > 0", "l > 0", "m > 0"]
TRUE: dict[str, Text] = {
    "below exp(-x), tight at 0": (["x >= 0"], "1 - x <= exp(-x)"),
    "below exp(-x), with a margin": (["x >= 0.01", "x <= 1"], "1 - x < exp(-x)"),
    "Taylor of degree 2 below exp": (["x >= 0"], "exp(x) >= 1 + x + x**2/2"),
    "Taylor of degree 2 above exp(-x)": (["x >= 0"], "exp(-x) <= 1 - x + x**2/2"),
    "tail bound": ([*TAIL, "m >= 8*n**2*l"], "n*exp(-m/(8*n**2)) <= p"),
    "steps that suffice": (
        ["0 < eps", "eps <= 1", "eta > 0", "lam > 0", "tau*eta*lam >= log(1/eps)"],
        "exp(-tau*eta*lam) <= eps",
    ),
    "log grows slowly": (["x > 0"], "log(x) <= x/2"),
    "exp, log and sqrt on a box": (
        ["0.5 <= x", "x <= 1", "1 <= y", "y <= 2", "0 <= z", "z <= 1"],
        "exp(-x)*log(y) + sqrt(z*x) <= 1.5",
    ),
    "tanh is nearly subadditive": (
        ["0 <= x", "x <= 3", "0 <= y", "y <= 3"],
        "tanh(x + y) <= tanh(x) + tanh(y) + 0.01",
    ),
    "tanh above its Taylor polynomial": (["x > 0"], "tanh(x) > x - x**3/3"),
    "a power is positive": (["x > 0"], "x**y > 0"),
    "a power with a large exponent": (["x >= 1", "y >= 1"], "x**y >= x"),
    "a power on a box": (["1.5 <= x", "x <= 3", "1.1 <= y", "y <= 2"], "x**y >= 1.01*x"),
    "a whole power beyond the solvers": (["x > 0"], "x**65 > 0"),
    "a rate to a power": (["0 < q", "q <= 0.5", "tau >= 2"], "q**tau <= 0.26"),
}
FALSE: dict[str, Text] = {
    "exp(-x) below its secant": (["0 <= x", "x <= 2"], "exp(-x) <= 1 - x/2"),
    "tail bound, too narrow": ([*TAIL, "m >= 7*n**2*l"], "n*exp(-m/(8*n**2)) <= p"),
    "log grows too slowly": (["x > 0"], "log(x) <= x/3"),
    "tanh is superadditive": (["0 <= x", "0 <= y"], "tanh(x + y) >= tanh(x) + tanh(y)/2"),
    "a power called linear": (["1 <= x", "x <= 3", "1.1 <= y", "y <= 2"], "x**y >= 1.01*x"),
    "a power of a negative base": (["y == 3", "x < 0"], "x**y >= -8"),
    "exp by degree 3": (["0 <= x", "x <= 4"], "exp(x) <= 1 + x + x**2/2 + x**3/2"),
}


@pytest.fixture(scope="module")
def true_records() -> dict[str, ProofStepRecord]:
    return decide_all(TRUE, seconds=30)


@pytest.fixture(scope="module")
def false_records() -> dict[str, ProofStepRecord]:
    return decide_all(FALSE, seconds=30)


@pytest.mark.parametrize("name", TRUE)
def test_a_true_step_holds(name: str, true_records: dict[str, ProofStepRecord]) -> None:
    """
    Both solvers prove it from bounds of the functions, or a subdivision does.
    """
    record = true_records[name]

    assert (record.status, record.reason) == ("holds", "")
    assert record.engine.startswith(("z3+cvc5", "subdivision in balls, "))


@pytest.mark.parametrize("name", FALSE)
def test_a_false_step_fails(name: str, false_records: dict[str, ProofStepRecord]) -> None:
    """
    The point found is confirmed in balls with the functions themselves.
    """
    record = false_records[name]

    assert record.status == "fails", record
    assert record.counterexample
    assert record.engine.endswith("re-checked exactly")


def test_a_box_proof_says_how_many_boxes(true_records: dict[str, ProofStepRecord]) -> None:
    """
    What only the subdivision decides is told apart from what the solvers prove.
    """
    assert true_records["a whole power beyond the solvers"].engine == "subdivision in balls, 1 box"


def test_an_equation_takes_part_in_a_counterexample(false_records: dict[str, ProofStepRecord]) -> None:
    """
    n is p*exp(l), whatever that is, and shown as such.
    """
    found = false_records["tail bound, too narrow"].counterexample or {}

    assert "exp(" in found["n"]
    assert set(found) == {"p", "l", "n", "m"}
