"""Second opinions that share no arithmetic with the checker: mpmath, exact fractions, plain autograd.

Nothing here uses the models or the enclosures; the formulas are written out again. Of the checker it
knows only the records in which a configuration is stored.
"""

from collections.abc import Callable
from fractions import Fraction
from itertools import product

import mpmath as mp
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from checker.configuration import ExactArray
from checker.expression.tree import Number

Floats = NDArray[np.float64]
Real = mp.mpf

DIGITS = 80
"""Decimal digits of every second opinion in mpmath."""


def _gauss(z: Real) -> Real:
    return mp.erfc(-z / mp.sqrt(2)) / 2


def _bell(z: Real) -> Real:
    return mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi)


def _logistic(z: Real) -> Real:
    return mp.mpf(1) / (1 + mp.exp(-z))


PHI: dict[str, Callable[[Real], Real]] = {
    "relu": lambda z: z if z > 0 else mp.mpf(0),
    "leaky-relu": lambda z: z if z > 0 else z / 100,
    "identity": lambda z: z,
    "abs": lambda z: abs(z),
    "tanh": mp.tanh,
    "erf": mp.erf,
    "sigmoid": _logistic,
    "softplus": lambda z: mp.log1p(mp.exp(z)),
    "sin": mp.sin,
    "gelu": lambda z: z * _gauss(z),
    "elu": lambda z: z if z > 0 else mp.expm1(z),
    "swish": lambda z: z * _logistic(z),
}
"""The activations in mpmath."""

SLOPE: dict[str, Callable[[Real], Real]] = {
    "relu": lambda z: mp.mpf(1 if z > 0 else 0),
    "leaky-relu": lambda z: mp.mpf(1) if z > 0 else mp.mpf(1) / 100,
    "identity": lambda z: mp.mpf(1),
    "abs": lambda z: mp.mpf(1 if z > 0 else -1),
    "tanh": lambda z: 1 - mp.tanh(z) ** 2,
    "erf": lambda z: 2 * mp.exp(-z * z) / mp.sqrt(mp.pi),
    "sigmoid": lambda z: _logistic(z) * _logistic(-z),
    "softplus": _logistic,
    "sin": mp.cos,
    "gelu": lambda z: _gauss(z) + z * _bell(z),
    "elu": lambda z: mp.mpf(1) if z > 0 else mp.exp(z),
    "swish": lambda z: _logistic(z) * (1 + z * _logistic(-z)),
}
"""Their derivatives in mpmath (from the left at a kink)."""

TORCH_PHI: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "leaky-relu": lambda z: torch.where(z > 0, z, z / 100),
    "identity": lambda z: z,
    "abs": torch.abs,
    "tanh": torch.tanh,
    "erf": torch.erf,
    "sigmoid": torch.sigmoid,
    "softplus": lambda z: torch.logaddexp(z, torch.zeros_like(z)),
    "sin": torch.sin,
    "gelu": lambda z: z * torch.erfc(-z / 2**0.5) / 2,
    "elu": lambda z: torch.where(z > 0, z, torch.expm1(z.clamp(max=0))),
    "swish": lambda z: z * torch.sigmoid(z),
}
"""The activations for autograd."""


NUMPY_PHI: dict[str, Callable[[Floats], Floats]] = {
    name: (lambda z, phi=phi: phi(torch.from_numpy(z)).numpy()) for name, phi in TORCH_PHI.items()
}
"""The activations for float iterations."""


def exact_array(array: ExactArray) -> mp.matrix:
    """The exact array that a configuration stores as floats and a map; for "plain" and "orthogonal"."""
    plain = exact_matrix(array.floats)
    if array.map == "plain":
        return plain
    if array.map != "orthogonal" or not isinstance(array.scale, Number):
        raise ValueError(array.map)
    out = mp.matrix(plain.rows, plain.cols)
    for j in range(plain.cols):
        v = plain[:, j]
        for k in range(j):
            share = (out[:, k].T * plain[:, j])[0]
            v = v - out[:, k] * share
        out[:, j] = v / mp.norm(v)
    return out * mp.mpf(array.scale.value.numerator) / array.scale.value.denominator


def exact_matrix(floats: Floats) -> mp.matrix:
    """Floats as an exact mpmath matrix; a vector becomes one column."""
    rows = floats if floats.ndim == 2 else floats.reshape(-1, 1)
    return mp.matrix([[mp.mpf(float(x)) for x in row] for row in rows])


def equilibrium(activation: str, W: mp.matrix, source: mp.matrix, start: mp.matrix) -> tuple[mp.matrix, Real]:
    """A solution of T = phi(W T + source) by Newton's method, and its largest defect."""
    phi, slope = PHI[activation], SLOPE[activation]
    m, n = source.rows, source.cols
    T = start.copy()
    worst = mp.mpf(0)
    for j in range(n):
        t, u = T[:, j], source[:, j]
        defect = mp.mpf(1)
        for _ in range(40):
            z = W * t + u
            residual = mp.matrix([phi(z[i]) - t[i] for i in range(m)])
            defect = max((abs(r) for r in residual), default=mp.mpf(0))
            if defect < mp.mpf(10) ** (8 - DIGITS):
                break
            system = mp.matrix(m, m)
            for i in range(m):
                s = slope(z[i])
                for k in range(m):
                    system[i, k] = (1 if i == k else 0) - s * W[i, k]
            try:
                t = t + mp.lu_solve(system, residual)
            except ZeroDivisionError:
                break
        T[:, j] = t
        worst = max(worst, defect)
    return T, worst


def loss(T: mp.matrix, a: mp.matrix, y: mp.matrix) -> Real:
    """|T'a - y|^2 / 2."""
    errors = T.T * a - y
    return sum((e * e for e in errors), mp.mpf(0)) / 2


def exact_product(A: Floats, B: Floats) -> list[list[Fraction]]:
    """A B in exact fractions, by rows."""
    return [
        [sum((Fraction(float(a)) * Fraction(float(b)) for a, b in zip(row, column, strict=True)), Fraction(0))
         for column in B.T]
        for row in A
    ]  # fmt: skip


def crossings(activation: str, w: float, u: float) -> int:
    """How often phi(w t + u) - t clearly changes sign on a grid: a lower bound of the solutions."""
    t = np.linspace(-40.0, 40.0, 20001)
    values = NUMPY_PHI[activation](w * t + u) - t
    signs = np.sign(values[np.abs(values) > 1e-9])
    return int((signs[1:] != signs[:-1]).sum())


def solution_counts(activation: str, W: Floats, source: list[list[Fraction]]) -> list[int]:
    """Per sample the number of solutions of z = W phi(z) + u in exact fractions; 2 stands for more.

    For relu, leaky-relu, abs and identity and one or two neurons: every sign pattern is solved by
    Cramer's rule, and a singular one is examined on the line it allows.
    """
    left, right = {"relu": (0, 1), "leaky-relu": (Fraction(1, 100), 1), "abs": (-1, 1), "identity": (1, 1)}[
        activation
    ]
    m = W.shape[0]
    w = [[Fraction(float(W[i, k])) for k in range(m)] for i in range(m)]
    counts: list[int] = []
    for j in range(len(source[0])):
        u = [source[i][j] for i in range(m)]
        found: set[tuple[Fraction, ...]] = set()
        many = False
        for ups in product((False, True), repeat=m):
            slopes = [Fraction(right if up else left) for up in ups]
            A = [[int(i == k) - w[i][k] * slopes[k] for k in range(m)] for i in range(m)]
            points, infinite = _solutions(A, u, ups)
            many = many or infinite
            found |= points
        counts.append(2 if many or len(found) > 1 else len(found))
    return counts


def _fits(z: tuple[Fraction, ...], ups: tuple[bool, ...]) -> bool:
    return all(x >= 0 if up else x <= 0 for x, up in zip(z, ups, strict=True))


def _solutions(
    A: list[list[Fraction]], u: list[Fraction], ups: tuple[bool, ...]
) -> tuple[set[tuple[Fraction, ...]], bool]:
    """The solutions of A z = u in one closed orthant, and whether there are infinitely many."""
    if len(u) == 1:
        if A[0][0] == 0:
            return set(), u[0] == 0
        z1 = (u[0] / A[0][0],)
        return ({z1} if _fits(z1, ups) else set()), False
    (p, q), (r, s) = A
    det = p * s - q * r
    if det != 0:
        z2 = ((u[0] * s - q * u[1]) / det, (p * u[1] - r * u[0]) / det)
        return ({z2} if _fits(z2, ups) else set()), False
    rows = [(x, y, c) for x, y, c in ((p, q, u[0]), (r, s, u[1])) if (x, y) != (0, 0)]
    flat = [c for x, y, c in ((p, q, u[0]), (r, s, u[1])) if (x, y) == (0, 0)]
    if any(c != 0 for c in flat):
        return set(), False
    if not rows:
        return set(), True
    x, y, c = rows[0]
    if any(x * c2 != x2 * c or y * c2 != y2 * c for x2, y2, c2 in rows[1:]):
        return set(), False
    return _on_a_line(x, y, c, ups)


def _on_a_line(
    x: Fraction, y: Fraction, c: Fraction, ups: tuple[bool, ...]
) -> tuple[set[tuple[Fraction, ...]], bool]:
    """Solutions of x z1 + y z2 = c in a closed orthant: none, one point, or a segment."""
    ends: set[tuple[Fraction, ...]] = set()
    if x != 0 and _fits((c / x, Fraction(0)), ups):
        ends.add((c / x, Fraction(0)))
    if y != 0 and _fits((Fraction(0), c / y), ups):
        ends.add((Fraction(0), c / y))
    point = next(iter(ends), None)
    unbounded = point is not None and (
        _fits((point[0] + y, point[1] - x), ups) or _fits((point[0] - y, point[1] + x), ups)
    )
    return (set() if unbounded else ends), unbounded or len(ends) > 1


def unrolled(activation: str, W: Tensor, U: Tensor, X: Tensor, steps: int) -> Tensor:
    """T after so many steps of T <- phi(W T + U X) from 0, differentiable by autograd."""
    phi = TORCH_PHI[activation]
    T = torch.zeros(W.shape[0], X.shape[1], dtype=torch.float64)
    source = U @ X
    for _ in range(steps):
        T = phi(W @ T + source)
    return T
