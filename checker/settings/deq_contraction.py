"""Why an equilibrium T = phi(W T + u) exists and is unique, and how far a guess is from it.

Each `Contraction` turns the defect R = phi(W T + u) - T of a guess into a bound of its distance to
the equilibrium, column by column, and likewise for the adjoint equation v = D(a + W'v) with
|D| <= L (D diagonal, one per column).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
from flint import arb, arb_mat

from checker.activations import BallActivation
from checker.enclosure import columns_of, frobenius_squared, greatest, matrix, midpoints, root, to_arb
from checker.errors import NotEnclosed
from checker.spectral import lambda_min, norm2, norm2_upper


class Contraction(ABC):
    """A proof of existence and uniqueness for every source u; `reason` names it."""

    reason: str

    @abstractmethod
    def forward(self, defect: arb_mat) -> arb_mat:
        """Bounds of |T - T*|, entry by entry, from R (m, k)."""

    @abstractmethod
    def adjoint(self, defect: arb_mat) -> arb_mat:
        """Bounds of |v - v*|, entry by entry, from D(a + W'v) - v (m, k)."""


@final
@dataclass(frozen=True)
class Euclidean(Contraction):
    """|T - T*| <= factor*|R| in the Euclidean norm of each column.

    With q = L*|W|_2 < 1: T - T* = (phi(WT + u) - phi(WT* + u)) - R, so |T - T*| <= q|T - T*| + |R|
    (Banach 1922). The adjoint map v -> D(a + W'v) has the same Lipschitz constant.

    With I - (W + W')/2 >= mu > 0 and 0 <= phi' <= 1 (Winston & Kolter 2020, Theorem 1, for existence
    and uniqueness): f = T - T* + R is the difference of two values of phi, at points that differ by
    W(T - T*) = W(f - R), and phi is firmly nonexpansive: |f|**2 <= <f, W(f - R)>, so
    mu*|f|**2 <= <f, (I - W)f> <= |f||W||R| and |T - T*| <= (1 + |W|_2/mu)|R|. The adjoint map is of
    the same form, with D for phi and W' for W.
    """

    factor: arb
    reason: str

    def _columns(self, defect: arb_mat) -> arb_mat:
        bounds: list[arb] = []
        for column in columns_of(defect):
            bounds.append((self.factor * root(abs(frobenius_squared(column)))).abs_upper())
        return arb_mat(defect.nrows(), defect.ncols(), bounds * defect.nrows())

    def forward(self, defect: arb_mat) -> arb_mat:
        return self._columns(defect)

    def adjoint(self, defect: arb_mat) -> arb_mat:
        return self._columns(defect)


@final
@dataclass(frozen=True)
class Weighted(Contraction):
    """|T - T*|_i <= v_i * factor * max_k |R_k|/v_k, where L|W|v <= q v, v > 0 and factor = 1/(1 - q).

    The map contracts in the norm max |x_i|/v_i (Perron-Frobenius; El Ghaoui, Gu, Travacca, Askari &
    Tsai 2021, Theorem 2.2). In the dual norm sum v_i|x_i| the adjoint map does:
    sum v_i|D W'x|_i <= sum_k |x_k| (L|W|v)_k <= q*sum v_k|x_k|.
    """

    factor: arb
    weights: tuple[arb, ...]
    reason: str

    def forward(self, defect: arb_mat) -> arb_mat:
        sizes = [
            greatest(abs(x) / v for x, v in zip(column.entries(), self.weights, strict=True)) * self.factor
            for column in columns_of(defect)
        ]
        return arb_mat(
            defect.nrows(), defect.ncols(), [(v * s).abs_upper() for v in self.weights for s in sizes]
        )

    def adjoint(self, defect: arb_mat) -> arb_mat:
        sizes: list[arb] = []
        for column in columns_of(defect):
            size = arb(0)
            for x, v in zip(column.entries(), self.weights, strict=True):
                size += v * abs(x)
            sizes.append(size * self.factor)
        return arb_mat(
            defect.nrows(), defect.ncols(), [(s / v).abs_upper() for v in self.weights for s in sizes]
        )


def contraction(W: arb_mat, activation: BallActivation, hint: arb | None) -> Contraction | None:
    """The first sufficient condition that certainly holds, or None. `hint` bounds |W|_2 from above."""
    L = to_arb(activation.lipschitz())
    cheap = norm2_upper(W) if hint is None else hint
    found = _banach(L, cheap)
    if found is None or (hint is None and W.nrows() <= 64):
        found = _banach(L, norm2(W).upper()) or found
    return found or _perron(W, L) or _monotone(W, activation)


def _banach(L: arb, norm: arb) -> Contraction | None:
    q = (L * norm).upper()
    return (
        Euclidean((1 / (1 - q)).upper(), "L_phi*norm2(W) < 1: a contraction (Banach 1922)") if q < 1 else None
    )


def _perron(W: arb_mat, L: arb) -> Contraction | None:
    m = W.nrows()
    sizes = abs(midpoints(W)) * float(L.mid())
    if not np.isfinite(sizes).all():
        return None
    try:
        weights = np.linalg.solve(np.eye(m) - sizes, np.ones(m))
    except np.linalg.LinAlgError:
        return None
    if not (np.isfinite(weights).all() and (weights > 0).all()):
        return None
    v = matrix(np.asarray(weights, dtype=np.float64))
    images = arb_mat(m, m, [abs(entry) for entry in W.entries()]) * v
    q = greatest(L * x / w for x, w in zip(images.entries(), v.entries(), strict=True)).upper()
    if not q < 1:
        return None
    reason = "L_phi*|W| entrywise has spectral radius < 1 (Perron-Frobenius; El Ghaoui et al. 2021)"
    return Weighted((1 / (1 - q)).upper(), tuple(v.entries()), reason)


def _monotone(W: arb_mat, activation: BallActivation) -> Contraction | None:
    if not activation.unit_slope:
        return None
    m = W.nrows()
    identity = arb_mat(m, m, [int(i == j) for i in range(m) for j in range(m)])
    try:
        mu = lambda_min(identity - (W + W.transpose()) / 2).lower()
    except NotEnclosed:
        return None
    if not mu > 0:
        return None
    factor = (1 + norm2(W).upper() / mu).upper()
    return Euclidean(factor, "I - W is strongly monotone and 0 <= phi' <= 1 (Winston & Kolter 2020)")
