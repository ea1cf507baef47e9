"""Well-posedness: proved, refuted, or left open, and never the wrong one."""

from itertools import product

import numpy as np
import pytest
from flint import arb_mat, ctx, fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st
from rigor_instances import one_input

from checker.errors import NotEnclosed
from checker.verdict import Verdict


@pytest.fixture(autouse=True)
def precision():
    """128 bits."""
    with ctx.workprec(128):
        yield


CASES = [
    ("relu", [[1.01]], [1.0], Verdict.FAILS, "no equilibrium"),
    ("relu", [[1.0]], [0.0], Verdict.FAILS, "infinitely many"),
    ("relu", [[1.0]], [1.0], Verdict.FAILS, "no equilibrium"),
    ("relu", [[1.0]], [-1.0], Verdict.HOLDS, "exactly one"),
    ("relu", [[2.0]], [-1.0], Verdict.FAILS, "at least 2"),
    ("relu", [[0.0, -1.5], [-1.5, 0.0]], [1.0, 1.0], Verdict.FAILS, "at least 3"),
    ("relu", [[-5.0]], [1.0], Verdict.HOLDS, "monotone"),
    ("relu", [[0.0, 5.0], [0.125, 0.0]], [1.0, 1.0], Verdict.HOLDS, "Perron"),
    ("relu", [[0.5]], [1.0], Verdict.HOLDS, "Banach"),
    ("abs", [[-2.0]], [1.0], Verdict.FAILS, "at least 2"),
    ("abs", [[-2.0]], [-1.0], Verdict.FAILS, "no equilibrium"),
    ("abs", [[2.0]], [-1.0], Verdict.FAILS, "at least 2"),
    ("leaky-relu", [[1.0, 0.0], [0.0, 50.0]], [-1.0, -1.0], Verdict.FAILS, "at least 2"),
    ("identity", [[3.0]], [1.0], Verdict.HOLDS, "exactly one"),
    ("identity", [[1.0]], [0.0], Verdict.FAILS, "infinitely many"),
    ("identity", [[1.0]], [1.0], Verdict.FAILS, "no equilibrium"),
    ("tanh", [[3.0]], [0.0], Verdict.FAILS, "two equilibria"),
    ("sin", [[-9.0]], [0.0], Verdict.FAILS, "two equilibria"),
    ("tanh", [[-9.0]], [1.0], Verdict.HOLDS, "monotone"),
]


@pytest.mark.parametrize(("activation", "W", "u", "verdict", "word"), CASES)
def test_known_cases(
    activation: str, W: list[list[float]], u: list[float], verdict: Verdict, word: str
) -> None:
    """
    Each case gets its verdict, with the condition that shows it.
    """
    state = one_input(W, u, activation)

    found, reason = state.well_posed()

    assert verdict is found
    assert word in reason


@pytest.mark.parametrize(("activation", "W", "u", "verdict", "word"), CASES)
def test_values_need_a_certified_equilibrium(
    activation: str, W: list[list[float]], u: list[float], verdict: Verdict, word: str
) -> None:
    """
    T has a value exactly where the equilibrium is certified to be unique.
    """
    state = one_input(W, u, activation)

    if verdict is Verdict.HOLDS:
        assert isinstance(state.value("T"), arb_mat)
        assert isinstance(state.value("grad_W"), arb_mat)
    else:
        with pytest.raises(NotEnclosed, match="not certified to exist and be unique"):
            state.value("T")


def brute_force_count(W: np.ndarray, u: np.ndarray, slopes: tuple[fmpq, fmpq]) -> int | None:
    """Solutions of z = W phi(z) + u by rational elimination; None where a system is singular."""
    m = len(u)
    count = 0
    for signs in product((0, 1), repeat=m):
        D = [slopes[s] for s in signs]
        rows = [fmpq(int(i == j)) - fmpq(int(W[i, j])) / 4 * D[j] for i in range(m) for j in range(m)]
        A = fmpq_mat(m, m, rows)
        if A.det() == 0:
            return None
        z = A.solve(fmpq_mat(m, 1, [fmpq(int(x)) / 4 for x in u])).entries()
        count += all((x > 0) if s else (x <= 0) for x, s in zip(z, signs, strict=True))
    return count


@settings(deadline=None)
@given(
    entries=st.lists(st.integers(-12, 12), min_size=9, max_size=9),
    source=st.lists(st.integers(-8, 8), min_size=3, max_size=3),
    activation=st.sampled_from(["relu", "abs"]),
)
def test_small_piecewise_linear_models_are_decided(
    entries: list[int], source: list[int], activation: str
) -> None:
    """
    With three neurons the verdict is that of an exact count of all solutions, also at exact kinks.
    """
    W, u = np.array(entries).reshape(3, 3), np.array(source)
    slopes = (fmpq(0), fmpq(1)) if activation == "relu" else (fmpq(-1), fmpq(1))
    with ctx.workprec(128):
        verdict, _ = one_input((W / 4).tolist(), (u / 4).tolist(), activation).well_posed()

    count = brute_force_count(W, u, slopes)

    if count is not None:
        assert (Verdict.HOLDS if count == 1 else Verdict.FAILS) is verdict


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), activation=st.sampled_from(["relu", "tanh", "sigmoid", "gelu"]))
def test_a_certified_equilibrium_is_a_fixed_point(seed: int, activation: str) -> None:
    """
    Whatever condition certifies it, T overlaps its own image and is narrow.
    """
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((4, 4)) * rng.choice([0.2, 0.5, 1.0])
    with ctx.workprec(128):
        state = one_input(W.tolist(), rng.standard_normal(4).tolist(), activation)

        if state.well_posed()[0] is Verdict.HOLDS:
            T = state.value("T")
            assert isinstance(T, arb_mat)
            assert state.image().overlaps(T)  # type: ignore[attr-defined]
            assert all(float(entry.rad()) < 1e-30 for entry in T.entries())
