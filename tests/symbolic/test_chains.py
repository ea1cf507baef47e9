"""Steps of the dossiers that no shipped file needs: each is proved by both solvers, or in boxes."""

import pytest
from step_samples import Text, decide_all, signs

from checker.records import ProofStepRecord

SOLVERS: dict[str, Text] = {
    # gradient-descent, section 8: flow, population kernel, and the long forms
    "S24 flow: the smallest singular value": (
        [*signs("h r0"), "l > 0", "k > 0", "k**2 == 2", "(2 + 2*k)*h*r0 <= l**2", "D*l <= h*k*r0",
         "sigma >= l - D"],
        "2*sigma**2 >= l**2",
    ),
    "S19 with the constants written out": (
        [*signs("beta rho_a s xi r0"), "l > 0", "dw > 0", "6*beta**2*rho_a**2*(s**2 + xi**2) <= l**2",
         "8*r0**2 <= 3*dw**2*l**2"],
        "4*beta*rho_a*s*r0 <= dw*l**2",
    ),
    "S28 the population map": (
        [*signs("q1 q2 k1 k2 A b"), "q1**2 == A*k1**2 + b", "q2**2 == A*k2**2 + b"],
        "(q1 - q2)**2 <= A*(k1 - k2)**2",
    ),
    # implicit-skip, section 8
    "S1": ([*signs("k f z"), "k < 1", "z <= k*z + f"], "(1 - k)*z <= f"),
    "S2": (["k1*(1 - k) == 1"], "P + k*P*k1 == P*k1"),
    "S3": ([*signs("du dv q r"), "du**2 + dv**2 <= r**2"], "(dv + q*du)**2 <= (1 + q**2)*r**2"),
    "S4 a kink lies within the move": (
        ["a*b <= 0", "m >= abs(a - w)", "m >= abs(b - w)"],
        "abs(w) <= m",
    ),
    "S5 secant slope of the ReLU": (["a < b"], "0 <= (max(b, 0) - max(a, 0))/(b - a) <= 1"),
    "S6 slope without a change of sign": (
        ["a*b > 0", "b > a"],
        "max(b, 0) - max(a, 0) == (b - a)*max(a/abs(a), 0)",
    ),
    "S7": (["rho > 0", "rho*d == -g**2", *signs("sigma g"), "g >= sigma*rho"], "d <= -sigma*g"),
    "S8": (
        ["s0 > 0", *signs("c l rho0"), "rho0 == s0*l - c*l**2/2", "c*l <= s0"],
        "(s0 - c*l)**2 == s0**2 - 2*c*rho0",
    ),
    "S10": (
        [*signs("al L w2"), "al*L <= 2 - tau", "J2 <= L*w2", "rp2 == rho2 - 2*al*(w2 + cb) + al**2*J2"],
        "rp2 <= rho2 - al*tau*w2 - 2*al*cb",
    ),
    "S11": (
        [*signs("e rho lam"), "tau > 0", "e**2 <= chi*tau**2*lam", "g2 == lam*rho**2 + y**2"],
        "tau*g2 - 2*e*rho*y >= tau*(1 - chi)*lam*rho**2",
    ),
    "S12": (["0 < c", "c <= 1", "c**2 == 1 - s**2", "0 <= s"], "1/c >= 1 + s**2/2"),
    "S13": (["rho > 0", *signs("rp X"), "rho**2 - rp**2 >= 2*rho*X"], "rho - rp >= X"),
    "S14": (
        [*signs("q mu rest"), "rho <= mu*rest", "mu <= q", "q > 0", "step*q <= rho"],
        "step <= rest",
    ),
    "S17": (["lam > 0", "t <= lam/4", "s2 >= 3*lam/4"], "s2 - t >= lam/2"),
    "S19 budget": (
        ["0 <= x", "x <= 1/8", "Q == R*5/3", "R == 31/20", "w == 1/2"],
        "1.45*x*Q <= w*(1 - x*w)",
    ),
    "S20 least singular value": (["0 <= x", "x <= 1/8"], "(1 - x/2)**2 >= 7/8"),
    "S20 rate": (["0 <= x", "x <= 1/8"], "1.9*0.9*(1 - x/2)**2 >= 1.5"),
    "relu is Lipschitz": ([], "abs(max(a, 0) - max(b, 0)) <= abs(a - b)"),
}  # fmt: skip
BOXES: dict[str, Text] = {
    "B1": (["0.1 <= x", "x <= 2"], "exp(-x) <= 1 - x + x**2/2"),
    "B3": (["0 <= t", "t <= 1.5"], "1/cos(t) - sin(t) >= 1/2"),
}


@pytest.fixture(scope="module")
def records() -> dict[str, ProofStepRecord]:
    return decide_all(SOLVERS | BOXES, seconds=20)


@pytest.mark.parametrize("name", SOLVERS)
def test_a_step_of_the_dossiers_is_proved_by_both_solvers(
    name: str, records: dict[str, ProofStepRecord]
) -> None:
    """
    Polynomial steps, with roots, absolute values and extremes.
    """
    record = records[name]

    assert (record.status, record.reason) == ("holds", "")
    assert record.engine.startswith("z3+cvc5")


@pytest.mark.parametrize("name", BOXES)
def test_a_transcendental_step_is_proved(name: str, records: dict[str, ProofStepRecord]) -> None:
    """
    With a margin, in boxes or from bounds of the functions.
    """
    assert (records[name].status, records[name].reason) == ("holds", "")
