"""Newton-Kantorovich: an equilibrium in a ball around floats, and no other there; nothing beyond the ball.

For one column let f(t) = t - phi(W*t + u*), J = I - D W with float slopes D, Y a float inverse of J, and
r > 0. Between any two points of the sup-norm ball of radius r around t_0 the difference quotient of phi at
neuron k is some d_k with |d_k - D_k| <= delta_k(r), so the Newton map N(t) = t - Y f(t) has there the
Lipschitz constant
    kappa(r) = |I - Y J|_inf + max_i sum_k |Y_ik| (delta_k(r)|w*_k|_1 + |D_k||w*_k - w_k|_1),
and |N(t_0) - t_0| <= alpha = max_i sum_k |Y_ik||f(t_0)_k|. If kappa < 1 and alpha + kappa*r <= r, then N
maps the ball into itself and has one fixed point there (Banach); kappa < 1 makes Y regular, so that it is
the one zero of f (Rump, Acta Numerica 19, 2010, section 13). With g_k = |w_k|_1 + sqrt(m)*sW and E_k
the error of the preactivation at t_0: delta = dD + L_dphi*(E + g*r) for a smooth phi; with a kink, 0 where
|Z| > E + g*r and the jump elsewhere.
"""

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np

from checker.blas.columns import column_norms, grown, product_rounding, row_norms, vector_norm
from checker.blas.directed import OMEGA, UNIT, Floats, down, up
from checker.blas.images import near_float, smooth_slopes_of
from checker.blas.layer import Defect, Layer, Preactivation, defect, preactivation, upper
from checker.blas.matrix import quiet
from checker.errors import NotEnclosed

_WIDEST = 1024
_TRIALS = 24


@dataclass(frozen=True, eq=False)
class LocalContraction:
    """Radii (n,) of the sup-norm balls, one a column, and `factors` (n,) for the adjoint.

    (I - D W')^{-1} = I + D (I - D W)^{-T} W', and (I - D W)^{-1} = (I - K)^{-1} Y with |K|_inf <= kappa, so
    |v - v*| <= |rho|(1 + L*max_i |y_i|*|g|/(1 - kappa)): |W'rho|_1 <= sum g_k|rho_k| <= |g||rho|, then
    |(I - K')^{-1}|_1 <= 1/(1 - kappa), and the columns of Y' have Euclidean norms |y_i|.
    """

    radii: Floats
    factors: Floats

    def adjoint(self, entries: Floats, norms: Floats) -> Floats:
        """As in `checker.blas.uniqueness`."""
        with quiet():
            return grown(self.factors * (column_norms(entries) + norms))


def local_contraction(layer: Layer, T: Floats) -> tuple[LocalContraction, Preactivation]:
    """Balls around the columns of T (m, n) that hold one equilibrium each, and the preactivations in them.

    Costs an inverse and a product of (m, m) matrices for each column. Raises NotEnclosed where the test
    fails, or the layer is wider than 1024.
    """
    m, n = T.shape
    if m > _WIDEST:
        raise NotEnclosed("the layer is too wide for Newton-Kantorovich balls")
    with quiet():
        at = preactivation(layer, T)
        gap = defect(layer, T, at)
        g = _row_sums(layer.W.mid) + grown(sqrt(m) * layer.W.slack)
        slopes = _slopes_within(layer, at, grown(g))
        radii, factors = np.zeros(n), np.zeros(n)
        for j in range(n):
            radii[j], factors[j] = _ball(layer, gap, slopes, grown(g), j)
        reach = grown(sqrt(m) * (layer.W.norm + layer.W.slack))
        return LocalContraction(radii, factors), at.moved(grown(g), radii, float(reach))


def _row_sums(A: Floats) -> Floats:
    """At least the sum of moduli of every row."""
    return grown(np.abs(A).sum(axis=1) * (1 + product_rounding(A.shape[1])))


@dataclass(frozen=True, eq=False)
class _Slopes:
    """Float slopes D (m, n), and delta(r) for column j."""

    D: Floats
    off: Floats
    rate: float
    jump: float
    at: Preactivation
    growth: Floats

    def deviation(self, j: int, r: float) -> Floats:
        spread = grown(self.at.errors[:, j] + self.growth * r)
        bent = np.where(np.abs(self.at.Z[:, j]) > spread, 0.0, self.jump) if self.jump else 0.0
        return grown(np.broadcast_to(self.off, self.D.shape)[:, j] + self.rate * spread + bent)


def _slopes_within(layer: Layer, at: Preactivation, growth: Floats) -> _Slopes:
    activation = layer.activation
    if activation.slopes is None or activation.slopes[0] == activation.slopes[1]:
        floats, off = smooth_slopes_of(activation.name, at.Z)
        return _Slopes(floats, off, layer.steepness, 0.0, at, growth)
    (left, left_off), (right, right_off) = (near_float(slope, ()) for slope in activation.slopes)
    jump = upper(max(*activation.slopes) - min(*activation.slopes, 0))  # phi' at the kink may lie there too
    off = np.where(at.Z > 0, right_off, left_off)
    return _Slopes(np.where(at.Z > 0, right, left), off, 0.0, jump, at, growth)


def _ball(layer: Layer, gap: Defect, slopes: _Slopes, g: Floats, j: int) -> tuple[float, float]:
    """The radius for one column, and its factor for the adjoint."""
    D = slopes.D[:, j]
    scaled = D[:, None] * layer.W.mid
    J = np.eye(len(D)) - scaled
    try:
        Y = np.asarray(np.linalg.inv(J), dtype=np.float64)
    except np.linalg.LinAlgError:
        raise NotEnclosed("a linearised layer is singular") from None
    rest = _row_sums(np.eye(len(D)) - Y @ J)
    sizes = np.abs(Y)
    formed = (product_rounding(len(D)) + 2 * UNIT) * _row_sums(J) + 2 * UNIT * _row_sums(scaled)
    fixed = formed + np.abs(D) * (sqrt(len(D)) * layer.W.slack) + 4 * len(D) * OMEGA
    alpha = float(_bounded_product(sizes, gap.entries[:, j]).max())
    r = float(up(alpha))
    for _ in range(_TRIALS):
        turn = _bounded_product(sizes, grown(fixed + slopes.deviation(j, r) * g))
        kappa = float(grown(rest + turn + 4 * UNIT).max())
        if not (kappa < 1 and r < inf):
            break
        if alpha == 0 or up(alpha + up(kappa * r)) <= r:
            steepest = float(row_norms(Y).max()) * vector_norm(g)
            return r, float(grown(1 + layer.lipschitz * steepest / float(down(1 - kappa))))
        r = float(max(1.01 * alpha / (1 - kappa), 1.5 * r))
    raise NotEnclosed("no ball around the float equilibrium is certain to hold just one")


def _bounded_product(A: Floats, x: Floats) -> Floats:
    """At least A x, for nonnegative A (k, l) and x (l,)."""
    return grown((A @ x) * (1 + product_rounding(A.shape[1])) + A.shape[1] * OMEGA)
