"""Estimates agree with enclosures, batch by batch, and margins have the sign of the claim."""

# ruff: noqa: E501 - tables of texts and messages, one case a line

import math

import pytest
import torch
from flint import arb, arb_mat, ctx, fmpq
from scenery import Values, claim, expression, values
from torch import Tensor

from checker.enclosure import Enclosure, outward
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.enclose import enclose
from checker.expression.estimate import CERTAIN, estimate, margin
from checker.expression.tree import Call, Node

torch.set_num_threads(1)


class Batch:
    """The values of several environments, batched."""

    def __init__(self, runs: list[Values]) -> None:
        self.runs = runs
        self.memo: dict[Node, Tensor] = {}

    def name(self, name: str) -> Tensor:
        return torch.stack([_tensor(run.values[name], name in ("a", "y")) for run in self.runs])

    def call(self, node: Call) -> Tensor:
        return self.name(node.function)


def _tensor(value: Enclosure, vector: bool) -> Tensor:
    if not isinstance(value, arb_mat):
        return torch.tensor(float(arb(value).mid()), dtype=torch.float64)
    rows = [[float(x.mid()) for x in row] for row in value.tolist()]
    return torch.tensor([row[0] for row in rows] if vector else rows, dtype=torch.float64)


RUNS = [values(q=fmpq(9, 10)), values(q=fmpq(1, 2), a=arb_mat(2, 1, [3, 1]), G=arb_mat(2, 2, [5, 1, 1, 1]))]

TEXTS = [
    "1/3 + q**2 - 2*q", "q**tau", "q**(1/3)", "sqrt(q)/exp(q) + log(q)*abs(-q)", "sin(q) + cos(q) - tanh(q) + pi",
    "norm2(W)", "norm2(a)", "norm_fro(W - eye(m))", "norm_fro(a)", "norm_inf(W)", "norm_inf(a)", "norm_1(W)",
    "norm_1(a)", "sigma_min(W)", "lambda_min(G)", "lambda_max(G)", "spectral_radius(W)", "trace(W)", "sum(W)",
    "sum(a)", "min(W)", "max(W)", "min(a)", "max(a)", "min(q, 1/3, 2)", "max(q, 1/3)", "a @ W @ a", "a @ a",
    "sum(diag(W))", "sum(diag(a) @ W)", "sum(inv(G))", "sum(transpose(W) @ a)", "sum(hadamard(W, W))",
    "lambda_min(symmetric_part(W))", "sum(q*W/2 - W)", "sum(ones(2*m))", "norm2(q*a)", "sum(abs(a)*q)",
    "trace(W @ W)", "-q", "sum(sqrt(abs(W)))", "sum(W*q)",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_each_run_of_a_batch_agrees_with_its_enclosure(text: str) -> None:
    """
    The float value of each run is that of its enclosure, computed by other code.
    """
    node = expression(text)
    result = estimate(node, Batch(RUNS)).expand(2)

    for i, run in enumerate(RUNS):
        with ctx.workprec(100):
            low, high = outward(enclose(node, Values(run.values)))  # type: ignore[arg-type]
        assert low - 1e-12 * (1 + abs(low)) <= result[i].item() <= high + 1e-12 * (1 + abs(high))


@pytest.mark.parametrize(
    "text", ["1/(q - q)", "sqrt(-q)", "log(-q)", "lambda_min(W)", "(-q)**(1/3)", "sum(inv(G - G))"]
)
def test_runs_without_a_value_are_nan(text: str) -> None:
    """
    Where the enclosure is undefined the estimate is nan, and nothing is raised.
    """
    with pytest.raises((CertainlyUndefined, NotEnclosed)):
        enclose(expression(text), Values(RUNS[0].values))

    assert torch.isnan(estimate(expression(text), Batch(RUNS))).all()


def test_a_run_that_is_not_finite_spoils_no_other() -> None:
    """
    An infinite matrix in one run leaves the other runs their values.
    """
    env = Batch(RUNS)
    broken = env.name("W").clone()
    broken[0, 0, 0] = math.inf
    env.name = lambda name: broken  # type: ignore[method-assign]

    for text in ("norm2(W)", "sigma_min(W)", "spectral_radius(W)", "lambda_min(symmetric_part(W))"):
        result = estimate(expression(text), env)
        assert torch.isnan(result).tolist() == [True, False]


def test_margins_are_decades_where_both_sides_are_positive() -> None:
    """
    A margin is log10 of larger over smaller, positive where the claim holds; the least part counts.
    """
    result = margin(claim("0.09 <= q**2 and q >= 0.09"), Batch(RUNS))

    assert math.isclose(math.log10(0.81 / 0.09), result[0].item())
    assert math.isclose(math.log10(0.25 / 0.09), result[1].item())


@pytest.mark.parametrize(
    ("text", "expected"),
    [("q - 2 < 0", 1.0), ("0 < q - 2", -1.0), ("-q <= q", 1.0), ("q == q", 0.0), ("well_posed", CERTAIN)],
)
def test_margins_without_a_quotient_have_the_sign_of_the_claim(text: str, expected: float) -> None:
    """
    Where a side is not positive the margin is the relative difference.
    """
    runs = [Values({**run.values, "well_posed": fmpq(1)}) for run in RUNS]

    assert [expected] * 2 == margin(claim(text), Batch(runs)).tolist()


def test_an_undefined_side_has_no_margin() -> None:
    """
    A margin is nan where a side has no value.
    """
    assert torch.isnan(margin(claim("sqrt(-q) < 1 and q < 1"), Batch(RUNS))).all()
