"""Float runs whose every step encloses the exact one, against balls from the visited points."""

from dataclasses import replace

import numpy as np
import pytest
from flint import arb, arb_mat, ctx, fmpq

from checker.blas.matrix import FloatMatrix
from checker.configuration import Configuration, ExactArray, instantiate
from checker.enclosure import frobenius, matrix
from checker.expression.parse import parse_expression
from checker.near_descent import near_descend
from checker.settings import SETTINGS

ETA = fmpq(1, 50)
STEPS = 12


def deq_configuration(activation: str, seed: int, m: int = 9, n: int = 4, d: int = 3) -> Configuration:
    rng = np.random.default_rng(seed)
    arrays = {
        "X": ExactArray(rng.standard_normal((d, n)), "columns", parse_expression("sqrt(3)")),
        "y": ExactArray(rng.standard_normal(n)),
        "W": ExactArray(rng.standard_normal((m, m)) * 0.2 / np.sqrt(m)),
        "U": ExactArray(rng.standard_normal((m, d))),
        "a": ExactArray(rng.standard_normal(m) / m),
    }
    return Configuration("deq", {"n": n, "d": d, "m": m}, arrays, {}, activation, trains=("W", "U", "a"))


def least_squares_configuration(seed: int) -> Configuration:
    rng = np.random.default_rng(seed)
    arrays = {
        "X": ExactArray(rng.standard_normal((5, 3))),
        "y": ExactArray(rng.standard_normal(3)),
        "w": ExactArray(np.zeros(5)),
    }
    return Configuration("least-squares", {"n": 3, "d": 5, "m": 5}, arrays, {}, trains=("w",))


def cases() -> list[Configuration]:
    kinds = (
        "relu",
        "leaky-relu",
        "abs",
        "identity",
        "tanh",
        "erf",
        "sigmoid",
        "softplus",
        "sin",
        "gelu",
        "elu",
        "swish",
    )
    return [deq_configuration(kind, seed) for seed, kind in enumerate(kinds)] + [
        least_squares_configuration(1)
    ]


def within(near: FloatMatrix, exact: arb_mat) -> bool:
    return bool(frobenius(exact - matrix(near.mid)) <= arb(near.slack))


@pytest.mark.parametrize("configuration", cases(), ids=lambda c: c.activation or c.setting)
def test_every_step_encloses_the_exact_one_from_the_visited_point(configuration: Configuration) -> None:
    with ctx.workprec(64):
        visits = list(near_descend(configuration, ETA, STEPS))
    assert len(visits) == STEPS + 1
    assert visits[-1].successor is None
    setting = SETTINGS[configuration.setting]
    with ctx.workprec(300):
        start, eta = instantiate(configuration), arb(ETA)
        for tau, visit in enumerate(visits[:-1]):
            state, successor = visit.state, visit.successor
            visited = {name: matrix(value.mid) for name, value in state.instance.params.items()}
            point = start if tau == 0 else replace(start, params=visited)
            here = setting.enclose(point)
            gradients = here.gradients()
            following = {k: v - gradients[k] * eta for k, v in point.params.items()}
            after = setting.enclose(replace(start, params=following))
            for name, exact in following.items():
                assert within(successor.value(name), exact), (tau, name)
            for name in ("loss", "residual"):
                assert state.value(name).contains(here.value(name)), (tau, name)
                assert successor.value(name).contains(after.value(name)), (tau, name)
            assert within(successor.value("G"), after.value("G"))
            assert float(successor.value("loss").rad()) < 1e-8


def test_a_run_ends_where_the_model_is_no_longer_certain() -> None:
    configuration = deq_configuration("relu", 3)
    wild = {**configuration.arrays, "y": ExactArray(np.full(4, 1e4))}
    visits = list(near_descend(replace(configuration, arrays=wild), fmpq(10), 50))
    assert 1 <= len(visits) < 51
    assert visits[-1].successor is None
