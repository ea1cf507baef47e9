"""The second code path, population kernels: K and K_NTK of a Gaussian start, from closed forms, in mpmath.

K_ij = E phi(u_i)phi(u_j) with u ~ N(0, A*K + C), A = m*(variance of W), C = (variance of U)*X'X. With
B_ij = E phi'(u_i)phi'(u_j), K_NTK = [a trained] K + [W trained] m*(variance of a)*B/(1 - A*B) o K. The duals
are those of Cho & Saul (2009) for relu and of Williams (1997) for erf, and what follows from them.
"""

from collections.abc import Callable, Mapping
from typing import Final

from mpmath import mp

from checker.replay_activations import LEAK, lipschitz
from checker.replay_values import Matrix, Names, NotReplayed, Real, entries, evaluate, times, transposed
from checker.theorem import Theorem

KERNELS: Final = frozenset({"K", "K_NTK"})

_MOST_ROUNDS: Final = 4000


def population_kernel(
    name: str, theorem: Theorem, activation: str, m: Real, X: Matrix, trains: tuple[str, ...], scalars: Names
) -> Matrix:
    """K or K_NTK (n, n). Raises NotReplayed where the start is not Gaussian or there is no closed form."""
    if activation not in _DUALS:
        raise NotReplayed(f"not available for {name} of {activation}")
    A = m * _variance(theorem, "W", scalars)
    if not A * lipschitz(activation) ** 2 < 1:
        raise NotReplayed(f"not available for {name} where the variance of W is large")
    u = _variance(theorem, "U", scalars)
    C = [[u * x for x in row] for row in times(transposed(X), X)]
    K = _fixed_point(activation, A, C)
    if name == "K":
        return K
    readout = m * _variance(theorem, "a", scalars)
    slopes = _at(_DUALS[activation][1], A, K, C)
    return [
        [_tangent(k, b, A, readout, trains) for k, b in zip(row, bent, strict=True)]
        for row, bent in zip(K, slopes, strict=True)
    ]


def _variance(theorem: Theorem, name: str, scalars: Names) -> Real:
    law = theorem.initialization.get(name)
    if law is None or law.law == "zeros":
        return mp.mpf(0)
    mean, variance = (evaluate(node, scalars) for node in law.arguments) if law.law == "normal" else (1, 0)
    if mean != 0:
        raise NotReplayed(f"not available for a population kernel with this {name}")
    return variance


def _tangent(k: Real, b: Real, A: Real, readout: Real, trains: tuple[str, ...]) -> Real:
    through = readout * b / (1 - A * b) * k if "W" in trains else mp.mpf(0)
    return through + (k if "a" in trains else mp.mpf(0))


Dual = Callable[[Real, Real, Real], Real]
"""A function of the variances q1 and q2 and the covariance k."""


def _at(dual: Dual, A: Real, K: Matrix, C: Matrix) -> Matrix:
    n = len(C)
    Q = [[A * K[i][j] + C[i][j] for j in range(n)] for i in range(n)]
    return [[dual(Q[i][i], Q[j][j], Q[i][j]) for j in range(n)] for i in range(n)]


def _fixed_point(activation: str, A: Real, C: Matrix) -> Matrix:
    """Iteration from zero, to the working precision but for a few digits."""
    current: Matrix = [[mp.mpf(0)] * len(C) for _ in C]
    exact = mp.mpf(10) ** (-(mp.dps - 8))
    for _ in range(_MOST_ROUNDS):
        following = _at(_DUALS[activation][0], A, current, C)
        before, after = entries(current), entries(following)
        current = following
        if max(abs(a - b) for a, b in zip(before, after, strict=True)) <= exact * max(abs(x) for x in after):
            return current
    raise NotReplayed("not available for a population kernel that settles so slowly")


def _angle(q1: Real, q2: Real, k: Real) -> Real:
    """The angle between the two Gaussian directions; a right one where a variance is zero."""
    if q1 * q2 == 0:
        return mp.pi / 2
    return mp.atan2(_side(q1, q2, k), k)


def _side(q1: Real, q2: Real, k: Real) -> Real:
    return mp.sqrt(max(mp.mpf(0), q1 * q2 - k * k))


def _relu(q1: Real, q2: Real, k: Real) -> Real:
    return (_side(q1, q2, k) + k * (mp.pi - _angle(q1, q2, k))) / (2 * mp.pi)


def _relu_slopes(q1: Real, q2: Real, k: Real) -> Real:
    if q1 * q2 == 0:
        raise NotReplayed("not available for a population kernel at a kink")
    return (mp.pi - _angle(q1, q2, k)) / (2 * mp.pi)


def _erf(q1: Real, q2: Real, k: Real) -> Real:
    return 2 / mp.pi * mp.asin(2 * k / mp.sqrt((1 + 2 * q1) * (1 + 2 * q2)))


def _erf_slopes(q1: Real, q2: Real, k: Real) -> Real:
    return 4 / mp.pi / mp.sqrt((1 + 2 * q1) * (1 + 2 * q2) - 4 * k * k)


def _leaky(dual: Dual, straight: Dual) -> Dual:
    """phi = s*id + (1 - s)*relu, and E u*relu(v) = k/2."""

    def both(q1: Real, q2: Real, k: Real) -> Real:
        s = mp.mpf(1) / LEAK
        return s * straight(q1, q2, k) + (1 - s) ** 2 * dual(q1, q2, k)

    return both


def _covariance(_q1: Real, _q2: Real, k: Real) -> Real:
    return k


def _one(_q1: Real, _q2: Real, _k: Real) -> Real:
    return mp.mpf(1)


_DUALS: Final[Mapping[str, tuple[Dual, Dual]]] = {
    "relu": (_relu, _relu_slopes),
    "leaky-relu": (_leaky(_relu, _covariance), _leaky(_relu_slopes, _one)),
    "abs": (lambda a, b, k: 4 * _relu(a, b, k) - k, lambda a, b, k: 4 * _relu_slopes(a, b, k) - 1),
    "identity": (_covariance, _one),
    "erf": (_erf, _erf_slopes),
    "sin": (
        lambda a, b, k: mp.exp(-(a + b) / 2) * mp.sinh(k),
        lambda a, b, k: mp.exp(-(a + b) / 2) * mp.cosh(k),
    ),
}
"""E phi(u)phi(v) and E phi'(u)phi'(v) where they have closed forms."""
