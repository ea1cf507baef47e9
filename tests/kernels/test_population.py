"""Population kernels: closed fixed points, finite networks, and inputs that must be refused."""

import numpy as np
import pytest
from flint import arb, arb_mat, ctx, fmpq
from scipy.special import expit

from checker.errors import NotEnclosed
from checker.kernels import population
from checker.kernels.dual import kappa
from checker.kernels.population import (
    population_gram,
    population_gram_estimate,
    population_ntk,
    population_ntk_estimate,
)

KINKED = ("relu", "leaky-relu", "abs", "elu")
ALL = (*KINKED, "identity", "tanh", "erf", "sigmoid", "softplus", "sin", "gelu", "swish")
PHI = {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh, "softplus": lambda z: np.logaddexp(0, z)}
DPHI = {"relu": lambda z: z > 0, "tanh": lambda z: 1 - np.tanh(z) ** 2, "softplus": expit}


def _data(n: int, seed: int = 0) -> np.ndarray:
    """C = X'X/2 for n seeded points of norm 2 in three dimensions."""
    X = np.random.default_rng(seed).normal(size=(3, n))
    X *= 2 / np.linalg.norm(X, axis=0)
    return X.T @ X / 2


def _mid(M: arb_mat) -> np.ndarray:
    return np.array([[float(x.mid()) for x in row] for row in M.tolist()])


def _widest(M: arb_mat) -> float:
    return max(float(x.rad()) for x in M.entries())


@pytest.mark.parametrize("activation", ALL)
def test_the_gram_matrix_solves_its_equation(activation: str) -> None:
    """
    Each entry of K overlaps kappa(A*K + C), evaluated anew, and is narrower than 1e-12.
    """
    with ctx.workprec(64):
        A, C = fmpq(1, 10), arb_mat(_data(3).tolist())

        K = population_gram(activation, A, C)

        Q = K * arb(A) + C
        for i in range(3):
            for j in range(3):
                assert K[i, j].overlaps(kappa(activation, Q[i, i], Q[j, j], Q[i, j]))
        assert _widest(K) <= 1e-12


@pytest.mark.parametrize("activation", ALL)
def test_estimates_lie_next_to_the_enclosures(activation: str) -> None:
    """
    The float64 twins agree with the enclosures of K and K_NTK to 1e-9.
    """
    C, trains = _data(3, seed=2), ("W", "U", "a")
    with ctx.workprec(64):
        K = population_gram(activation, fmpq(1, 5), arb_mat(C.tolist()))
        ntk = population_ntk(activation, fmpq(1, 5), arb_mat(C.tolist()), fmpq(3, 2), trains)

    estimate = population_gram_estimate(activation, 0.2, C)
    ntk_estimate = population_ntk_estimate(activation, 0.2, C, 1.5, trains)

    assert np.abs(_mid(K) - estimate).max() <= 1e-9
    assert np.abs(_mid(ntk) - ntk_estimate).max() <= 1e-9


def test_identity_has_a_closed_gram_matrix() -> None:
    """
    For the identity K = C/(1 - A) exactly, and K_NTK = K + a_scale*K/(1 - A).
    """
    C = _data(4)
    with ctx.workprec(128):
        K = population_gram("identity", fmpq(1, 4), arb_mat(C.tolist()))
        ntk = population_ntk("identity", fmpq(1, 4), arb_mat(C.tolist()), fmpq(3), ("a", "W"))
        exact = arb_mat(C.tolist()) * fmpq(4, 3)

        assert K.contains(exact)
        assert ntk.contains(exact * 5)
        assert _widest(K) <= 1e-35


def test_relu_has_a_closed_diagonal() -> None:
    """
    For relu K_ii = C_ii/(2 - A), as E relu(u)**2 is half the variance.
    """
    C = _data(2)
    with ctx.workprec(128):
        K = population_gram("relu", fmpq(1, 50), arb_mat(C.tolist()))

        assert all((K[i, i] * fmpq(99, 50)).contains(arb(C[i, i])) for i in range(2))
        assert _widest(K) <= 1e-35


def _drawn(activation: str, A: float, C: np.ndarray, readout: float, m: int, seed: int) -> list[np.ndarray]:
    """G/m and NTK/m (over W and a) of one drawn network of width m."""
    n = len(C)
    rng = np.random.default_rng(seed)
    W = rng.normal(0, np.sqrt(A / m), (m, m))
    inputs = rng.normal(size=(m, n)) @ np.linalg.cholesky(C).T
    a = rng.normal(0, np.sqrt(readout / m), (m, 1))
    T, v = np.zeros((m, n)), np.zeros((m, n))
    for _ in range(40):
        T = PHI[activation](W @ T + inputs)
    D = DPHI[activation](W @ T + inputs)
    for _ in range(40):
        v = D * (a + W.T @ v)
    gram = T.T @ T / m
    return [gram, gram + (v.T @ v) * gram]


@pytest.mark.parametrize(("activation", "A"), [("relu", 0.02), ("tanh", 0.2), ("softplus", 0.1)])
def test_wide_networks_come_close(activation: str, A: float) -> None:
    """
    Averaged over eight drawn networks of width 600, G/m and NTK/m lie within six percent of K and K_NTK.
    """
    C = _data(3)
    draws = [_drawn(activation, A, C, 2.0, 600, seed) for seed in range(8)]
    gram, ntk = np.mean(draws, axis=0)

    with ctx.workprec(64):
        K = _mid(population_gram(activation, arb(A), arb_mat(C.tolist())))
        limit = _mid(population_ntk(activation, arb(A), arb_mat(C.tolist()), arb(2), ("a", "W", "U")))

    assert np.linalg.norm(gram - K) <= 0.06 * np.linalg.norm(K)
    assert np.linalg.norm(ntk - limit) <= 0.06 * np.linalg.norm(limit)
    assert np.linalg.norm(K - limit) >= 0.3 * np.linalg.norm(limit)


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_a_bad_guess_widens_and_still_encloses(activation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without iteration and from a guess that is off by a fifth, the bound alone covers the fixed point.
    """
    C = _data(3)
    with ctx.workprec(64):
        K = population_gram(activation, fmpq(1, 10), arb_mat(C.tolist()))
        monkeypatch.setattr(population, "_MOST_ROUNDS", 0)
        monkeypatch.setattr(population, "_guess", lambda *_: _mid(K) * 0.8)

        wide = population_gram(activation, fmpq(1, 10), arb_mat(C.tolist()))

        assert wide.contains(K)
        assert 1e-3 <= _widest(wide) <= 1


def test_uncertain_inputs_are_covered() -> None:
    """
    With A and C as balls, K contains the fixed point of each point of the balls.
    """
    C = _data(2)
    with ctx.workprec(64):
        balls = arb_mat([[arb(x, 1e-3) for x in row] for row in C.tolist()])

        wide = population_gram("tanh", arb(0.1, 1e-3), balls)

        for sign in (-1, 1):
            shifted = arb_mat((C + sign * 0.9e-3).tolist())
            assert wide.overlaps(population_gram("tanh", arb(0.1 + sign * 0.9e-3), shifted))
        assert _widest(wide) <= 0.05


def test_a_zero_input_is_no_obstacle() -> None:
    """
    A column of zeros gives a zero row of K for an odd activation, and K_ii = phi(0)**2 and more otherwise.
    """
    C = np.array([[0.0, 0.0], [0.0, 1.0]])
    with ctx.workprec(64):
        odd = population_gram("tanh", fmpq(1, 10), arb_mat(C.tolist()))
        shifted = population_gram("softplus", fmpq(1, 10), arb_mat(C.tolist()))

    assert odd[0, 0].contains(0)
    assert odd[0, 1].contains(0)
    assert odd[0, 1].abs_upper() <= 1e-12
    assert shifted[0, 0] > arb(2).log() * arb(2).log()


def test_untrained_parameters_do_not_count() -> None:
    """
    With only a trained K_NTK is K, with only U trained it vanishes in this scaling.
    """
    C = arb_mat(_data(2).tolist())

    only_a = population_ntk("relu", fmpq(1, 50), C, fmpq(1), ("a",))
    only_u = population_ntk("relu", fmpq(1, 50), C, fmpq(1), ("U",))

    assert only_a.contains(population_gram("relu", fmpq(1, 50), C).mid())
    assert only_u == arb_mat(2, 2)


@pytest.mark.parametrize(
    ("activation", "A"),
    [("relu", fmpq(1)), ("relu", fmpq(3, 2)), ("erf", fmpq(9, 10)), ("tanh", arb(1, 1e-9))],
)
def test_without_a_certain_contraction_nothing_is_enclosed(activation: str, A: arb | fmpq) -> None:
    """
    A*L**2 >= 1, or possibly so, leaves the question open.
    """
    with pytest.raises(NotEnclosed, match="needs"):
        population_gram(activation, A, arb_mat(_data(2).tolist()))


def test_a_negative_variance_is_not_enclosed() -> None:
    """
    A variance of W that may be negative is refused.
    """
    with pytest.raises(NotEnclosed, match="not certified to be nonnegative"):
        population_gram("relu", fmpq(-1, 10), arb_mat(_data(2).tolist()))
