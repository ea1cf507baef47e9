"""Guesses of equilibria and adjoints, as precise as the ambient precision: nothing here is trusted.

Float64 Newton steps find the neighbourhood; chord steps with float64 inverses of I - D W (or inner
Picard sweeps for wide models) then gain about 45 bits each, with residuals at growing precision.
Piecewise linear models of moderate width are solved directly once the signs are known.
"""

import math
from collections.abc import Callable

import numpy as np
from flint import arb, arb_mat, ctx, fmpq
from numpy.typing import NDArray

from checker.activations import BallActivation
from checker.enclosure import from_columns, matrix, midpoints
from checker.settings.deq_guesses import float_dphi, float_phi

Floats = NDArray[np.float64]

_INVERSES = 128
"""Up to this width float64 inverses of I - D W are formed."""

_DIRECT = 24
"""Up to this width piecewise linear equilibria and adjoints are solved directly."""


def apply(f: Callable[[arb], arb], A: arb_mat) -> arb_mat:
    """f on every entry."""
    return arb_mat(A.nrows(), A.ncols(), list(map(f, A.entries())))


def scale_entries(D: list[arb], A: arb_mat) -> arb_mat:
    """The entrywise product; D by rows."""
    return arb_mat(A.nrows(), A.ncols(), [x * y for x, y in zip(D, A.entries(), strict=True)])


def float_equilibrium(name: str, W: Floats, source: Floats, start: Floats | None) -> Floats:
    """A float64 equilibrium, or whatever the iteration ended at; (m, n).

    Newton steps where they serve better than Picard steps, and Picard steps alone for wide models.
    """
    guess = np.zeros_like(source) if start is None or start.shape != source.shape else start
    newton = W.shape[0] <= _INVERSES

    def defect_of(x: Floats) -> Floats:
        return float_phi(name, W @ x + source) - x

    defect = defect_of(guess)
    size = float(np.abs(defect).max(initial=0.0))
    for _ in range(80 if newton else 3000):
        if not size > 4e-16 * max(1e-300, float(np.abs(guess).max(initial=0.0))):
            break
        best = guess + defect
        best_defect = defect_of(best)
        if newton:
            bold = guess + _newton_step(name, W, W @ guess + source, defect)
            bold_defect = defect_of(bold)
            if np.abs(bold_defect).max() <= np.abs(best_defect).max():
                best, best_defect = bold, bold_defect
        fresh = float(np.abs(best_defect).max())
        if not math.isfinite(fresh) or (fresh >= size and size < 1e-12):
            break
        guess, defect, size = best, best_defect, fresh
    return guess


def _newton_step(name: str, W: Floats, Z: Floats, defect: Floats) -> Floats:
    D = float_dphi(name, Z, 0.0).T
    systems = np.eye(W.shape[0]) - D[:, :, None] * W
    try:
        return np.asarray(np.linalg.solve(systems, defect.T[:, :, None])[:, :, 0].T, dtype=np.float64)
    except np.linalg.LinAlgError:
        return defect


Correct = Callable[[Floats], Floats]


def _corrector(W: Floats, D: Floats, *, adjoint: bool) -> Correct:
    """Solves (I - D W) x = r (adjoint: (I - D W') x = r) for every column, in float64."""
    m = W.shape[0]
    A = W.T if adjoint else W
    if m <= _INVERSES:
        try:
            inverses = np.linalg.inv(np.eye(m) - D.T[:, :, None] * A)
            return lambda r: (inverses @ r.T[:, :, None])[:, :, 0].T
        except np.linalg.LinAlgError:
            return lambda r: r

    def by_sweeps(r: Floats) -> Floats:
        x = r
        for _ in range(400):
            fresh = r + D * (A @ x)
            done = float(np.abs(fresh - x).max()) <= 1e-15 * float(np.abs(fresh).max())
            x = fresh
            if done or not np.isfinite(x).all():
                break
        return x if np.isfinite(x).all() else r

    return by_sweeps


def _chords(start: arb_mat, defect: Callable[[arb_mat], arb_mat], correct: Correct) -> arb_mat:
    """x + correct(defect(x)), repeated at growing precision until the ambient one is reached.

    `shift` scales the defect into the range of float64.
    """
    goal, x = ctx.prec, start
    size = float(np.abs(midpoints(start)).max(initial=0.0))
    scale = math.frexp(size)[1] if 0 < size < math.inf else 0
    gained, shift = 0, -scale
    for _ in range(goal // 8 + 4):
        with ctx.workprec(min(goal, gained + 110)):
            floats = midpoints(defect(x) * arb(2) ** shift)
            top = float(np.abs(floats).max(initial=0.0))
            if top == 0 or not math.isfinite(top):
                break
            reached = shift + scale - math.frexp(top)[1]
            if reached >= goal or (gained and reached < gained + 4):
                break
            step = correct(floats)
            if not np.isfinite(step).all():
                break
            x = (x + matrix(step) * arb(2) ** -shift).mid()
            gained, shift = reached, reached - scale
    return x


def precise_equilibrium(
    activation: BallActivation, W: arb_mat, source: arb_mat, start: Floats | None
) -> tuple[arb_mat, Floats]:
    """An exact matrix near the equilibrium for exact W and source, and its float64 version."""
    flat, lift = midpoints(W), midpoints(source)
    guess = float_equilibrium(activation.name, flat, lift, start)
    if not np.isfinite(guess).all():
        guess = np.zeros_like(lift)
    Z = flat @ guess + lift
    if activation.slopes is not None and flat.shape[0] <= _DIRECT:
        left, right = activation.slopes
        return _solve_signs(W, source, Z > 0, left, right), guess
    D = float_dphi(activation.name, Z, 0.0)
    correct = _corrector(flat, D, adjoint=False)
    return _chords(matrix(guess), lambda T: apply(activation.phi, W * T + source) - T, correct), guess


def _solve_signs(
    W: arb_mat, source: arb_mat, positive: NDArray[np.bool_], left: fmpq, right: fmpq
) -> arb_mat:
    """T = D(W T + u) with D the slopes for the given signs, on exact midpoints."""
    m = W.nrows()
    weights, lift = W.entries(), source.entries()
    n = source.ncols()
    columns: list[list[arb]] = []
    for j in range(n):
        slopes = [right if up else left for up in positive[:, j].tolist()]
        right_hand = [lift[i * n + j] for i in range(m)]
        columns.append(_solve_active(weights, slopes, right_hand, m, turned=False))
    return from_columns(columns)


def _solve_active(
    weights: list[arb], slopes: list[fmpq] | list[arb], b: list[arb], m: int, *, turned: bool
) -> list[arb]:
    """x = D(A x + b), A = W or W', restricted to the rows where D is not exactly 0; midpoints.

    The plain D b where the system is singular.
    """
    active = [i for i in range(m) if slopes[i] != 0]
    out = [arb(0)] * m
    if not active:
        return out
    k = len(active)
    rows: list[arb] = []
    for i in active:
        slope = slopes[i]
        plain = slope == 1
        for c in active:
            w = weights[c * m + i] if turned else weights[i * m + c]
            entry = -w if plain else -w * slope
            rows.append(entry + 1 if c == i else entry)
    side = arb_mat(k, 1, [b[i] * slopes[i] for i in active])
    try:
        solved = arb_mat(k, k, rows).solve(side, algorithm="lu").mid().entries()
    except ZeroDivisionError:
        solved = side.mid().entries()
    for i, value in zip(active, solved, strict=True):
        out[i] = value
    return out


def precise_adjoint(W: arb_mat, D: list[arb], a: arb_mat, n: int) -> arb_mat:
    """V (m, n) near v_j = D_j(a + W'v_j), for exact W, a and the midpoints of D (by rows)."""
    m = W.nrows()
    slopes = [d.mid() for d in D]
    if m <= _DIRECT:
        weights, b = W.entries(), a.entries()
        columns = [_solve_active(weights, slopes[j::n], b, m, turned=True) for j in range(n)]
        return from_columns(columns)
    turned = W.transpose()
    spread = arb_mat(m, n, [entry for entry in a.entries() for _ in range(n)])
    floats = midpoints(arb_mat(m, n, slopes))
    flat = midpoints(W)
    correct = _corrector(flat, floats, adjoint=True)
    start = matrix(correct(floats * midpoints(spread)))
    return _chords(start, lambda V: scale_entries(slopes, spread + turned * V) - V, correct)
