"""Why an equilibrium t = phi(W t + u) exists and is unique, and how far floats are from it.

Each proof turns bounds of the defect R = phi(W t + u) - t of floats t into bounds of their distance to the
equilibrium, column by column, and likewise for the adjoint equation v = D(a + W'v), D diagonal with
|D| <= L (and 0 <= D <= 1 where phi' is so). It holds for every W within the slack and for every u. The
proofs are those of `checker.settings.deq_contraction`, with float bounds.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np

from checker.activations import BallActivation
from checker.blas import extremes
from checker.blas.columns import column_norms, grown, product_rounding, row_norms, vector_norm
from checker.blas.directed import OMEGA, UNIT, Floats, down, up
from checker.blas.layer import Defect, require_engine, upper
from checker.blas.matrix import FloatMatrix, add_up, quiet, times_up
from checker.blas.routines import one_thread
from checker.verdict import Verdict

BANACH = "L_phi*norm2(W) < 1: a contraction (Banach 1922)"
PERRON = "L_phi*|W| entrywise has spectral radius < 1 (Perron-Frobenius; El Ghaoui et al. 2021)"
MONOTONE = "I - W is strongly monotone and 0 <= phi' <= 1 (Winston & Kolter 2020)"

_SHARP = 128
"""Up to this width a sharp norm is always worth its price."""

_BLOCK, _STEPS = 4, 9


class Contraction(ABC):
    """A proof of existence and global uniqueness for every source u; `reason` names it.

    Distances of column j are multiples of a number c_j that `scales` finds: the Euclidean norm of t - t* is
    at most size*c_j, |W(t - t*)|_i at most growth_i*c_j, and its Euclidean norm at most reach*c_j.
    """

    reason: str
    size: float
    reach: float
    growth: Floats

    @abstractmethod
    def scales(self, defect: Defect) -> Floats:
        """c (n,) from bounds of the defect."""

    @abstractmethod
    def adjoint(self, entries: Floats, norms: Floats) -> Floats:
        """Bounds (n,) of the Euclidean norms of v - v*.

        The adjoint defect is a sum of two parts: one bounded by `entries` (m, n), one of Euclidean norm at
        most `norms` (n,) in every column.
        """


@final
@dataclass(frozen=True, eq=False)
class Euclidean(Contraction):
    """|t - t*| <= factor*|R| in the Euclidean norm: Banach or strong monotonicity."""

    factor: float
    reason: str
    reach: float
    growth: Floats
    size: float = 1.0

    def scales(self, defect: Defect) -> Floats:
        with quiet():
            return grown(self.factor * defect.norms)

    def adjoint(self, entries: Floats, norms: Floats) -> Floats:
        with quiet():
            return grown(self.factor * (column_norms(entries) + norms))


@final
@dataclass(frozen=True, eq=False)
class Weighted(Contraction):
    """|t - t*|_i <= v_i*c, c = factor*max_k |R_k|/v_k, where L|W|v <= q*v and factor = 1/(1 - q).

    For the adjoint sum_i v_i|v - v*|_i <= factor * sum_i v_i|defect|_i, so the Euclidean norm, at most the
    sum of moduli, is at most that over min v. A part with Euclidean norm r has sum_i v_i|.|_i <= |v|r.
    """

    factor: float
    weights: Floats
    reason: str
    size: float
    reach: float
    growth: Floats

    def scales(self, defect: Defect) -> Floats:
        with quiet():
            return grown(self.factor * (defect.entries / self.weights[:, None]).max(axis=0))

    def adjoint(self, entries: Floats, norms: Floats) -> Floats:
        with quiet():
            least = float(self.weights.min())
            rounded = 1 + product_rounding(self.weights.size)
            sums = (self.weights @ entries) * rounded + vector_norm(self.weights) * norms
            return grown(self.factor * sums / least)


def contraction(W: FloatMatrix, activation: BallActivation, hint: float | None = None) -> Contraction | None:
    """The first sufficient condition that certainly holds, or None; W (m, m), hint >= |W|_2.

    L|W|_2 < 1 by bounds that cost m**2, by a sharp norm; Perron-Frobenius weights; strong monotonicity.
    """
    require_engine()
    L = upper(activation.lipschitz())
    norm = spectral_bound(W, L) if hint is None else min(hint, add_up(W.norm, W.slack))
    banach = _banach(W, L, norm)
    if banach is None and hint is not None:
        banach = _banach(W, L, min(norm, spectral_bound(W, L)))
    return banach or _perron(W, L) or _monotone(W, activation)


def spectral_bound(W: FloatMatrix, L: float) -> float:
    """At least |W|_2, cheaply where that is far enough below 1/L."""
    cheap = add_up(W.norm, W.slack)
    if W.nrows() > _SHARP and L * cheap < 0.5:
        return cheap
    guess = _norm_guess(W.mid)
    if W.nrows() > _SHARP and L * guess < 1:
        for share in (8, 2):
            bound = guess + (1 / L - guess) / share
            if extremes.norm_at_most(W.mid, bound, W.slack) is Verdict.HOLDS:
                return min(bound, cheap)
    if L * guess > 1.01:
        return cheap
    return min(cheap, extremes.norm2(W.mid, W.slack).hi)


def _norm_guess(A: Floats) -> float:
    """About |A|_2, from below: the largest singular value of A on a block Krylov space of A'A."""
    size = float(np.abs(A).max(initial=0.0))
    with quiet(), one_thread():
        scaled = A / size if size else A
        block = np.random.default_rng(0).standard_normal((A.shape[1], min(_BLOCK, A.shape[1])))
        space, images = [block], [scaled @ block]
        for _ in range(_STEPS):
            block, _ = np.linalg.qr(scaled.T @ images[-1])
            space.append(block)
            images.append(scaled @ block)
        joint, joint_images = np.hstack(space), np.hstack(images)
        _, R = np.linalg.qr(joint)
        weights, *_ = np.linalg.lstsq(R.T, joint_images.T, rcond=1e-10)
        return size * float(np.linalg.norm(weights, 2))


def _factor(q: float) -> float:
    """At least 1/(1 - q), for q < 1."""
    return float(up(1 / down(1 - q)))


def _row_growth(W: FloatMatrix) -> Floats:
    """At least |w_i| for the rows of every W meant."""
    return grown(row_norms(W.mid) + W.slack)


def _banach(W: FloatMatrix, L: float, norm: float) -> Contraction | None:
    q = times_up(L, norm)
    if not q < 1:
        return None
    return Euclidean(_factor(q), BANACH, reach=norm, growth=_row_growth(W))


def _perron(W: FloatMatrix, L: float) -> Contraction | None:
    """Weights from a float solve, made checkable: |W*|v <= |W|v + sW*|v| in every row."""
    sizes = np.abs(W.mid)
    with quiet():
        try:
            v = np.linalg.solve(np.eye(W.nrows()) - L * sizes, np.ones(W.nrows()))
        except np.linalg.LinAlgError:
            return None
        if not (np.isfinite(v).all() and (v > 0).all()):
            return None
        v = np.asarray(v / v.max(), dtype=np.float64)
        length = vector_norm(v)
        images = (sizes @ v) * (1 + product_rounding(W.nrows()))
        growth = grown(images + W.slack * length + W.nrows() * OMEGA)
        q = float(up(grown(L * growth) / v).max())
    if not q < 1:
        return None
    reach = min(vector_norm(growth), times_up(add_up(W.norm, W.slack), length))
    return Weighted(_factor(q), v, PERRON, size=length, reach=reach, growth=growth)


def _monotone(W: FloatMatrix, activation: BallActivation) -> Contraction | None:
    """I - (W + W')/2 >= mu: its float version errs by u|w + w'|/2 and by u|entry| in every entry."""
    if not activation.unit_slope:
        return None
    with quiet():
        symmetric = (W.mid + W.mid.T) / 2
        A = np.eye(W.nrows()) - symmetric
        sizes = add_up(vector_norm(symmetric.ravel()), vector_norm(A.ravel()))
    slack = add_up(W.slack, times_up(2 * UNIT, sizes), times_up(OMEGA, float(W.nrows())))
    if not np.isfinite(slack):
        return None
    mu = extremes.lambda_min(A, slack).lo
    if not mu > 0:
        return None
    norm = min(add_up(W.norm, W.slack), extremes.norm2(W.mid, W.slack).hi)
    factor = add_up(1.0, float(up(norm / mu)))
    return Euclidean(factor, MONOTONE, reach=norm, growth=_row_growth(W))
