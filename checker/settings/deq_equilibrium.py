"""Enclosures of the equilibrium and of the adjoint of T = phi(W T + u), for all W and u in balls."""

from dataclasses import dataclass

import numpy as np
from flint import arb, arb_mat, ctx, fmpq

from checker.activations import BallActivation
from checker.enclosure import is_exact, is_finite, matrix, midpoints
from checker.errors import NotEnclosed
from checker.settings.deq_contraction import Contraction
from checker.settings.deq_solve import Floats, apply, precise_adjoint, precise_equilibrium, scale_entries

_ROUGH = 64
"""Bits at which errors are bounded; they only have to be known roughly."""

_ANY = fmpq(0)
"""At an exact zero of the preactivation both the guess and the solution sit on the kink."""


@dataclass(frozen=True)
class Equilibrium:
    """T (m, n) and the preactivation W T + u (m, n), enclosed; `guess` is T in float64."""

    T: arb_mat
    preactivation: arb_mat
    guess: Floats | None = None


def enclosed_equilibrium(
    activation: BallActivation, W: arb_mat, source: arb_mat, proof: Contraction, start: Floats | None
) -> Equilibrium:
    """The equilibrium of every W and source in the balls.

    A guess for the midpoints has, over all the balls, the defect R; the contraction turns R into
    a radius, one more application of the map sharpens the result, and so does a float64 inverse
    where W is a set. Rows that are exactly zero keep an exactly zero preactivation.
    """
    if not (is_finite(W) and is_finite(source)):
        raise NotEnclosed("a parameter is not a finite number")
    guess, floats = precise_equilibrium(activation, W.mid(), source.mid(), start)
    defect = apply(activation.phi, W * guess + source) - guess
    radii = proof.forward(defect)
    wide = widened(guess, radii)
    lifted = W * wide + source
    image = sharper(apply(activation.phi, lifted), wide)
    if is_exact(W) and is_exact(source):
        found = Equilibrium(image, lifted, floats)
    else:
        slopes = [activation.dphi(z, _ANY) for z in lifted.entries()]
        image = sharper(image, guess - preconditioned(W, slopes, defect, radii, turned=False))
        found = Equilibrium(image, W * image + source, floats)
    if not is_finite(found.T):
        raise NotEnclosed("the equilibrium has no finite enclosure")
    return found


def enclosed_adjoint(W: arb_mat, D: list[arb], a: arb_mat, n: int, proof: Contraction) -> arb_mat:
    """V (m, n), column j the solution of v = D_j(a + W'v), for all W, a, D in the balls (D by rows)."""
    m = W.nrows()
    guess = precise_adjoint(W.mid(), D, a.mid(), n)
    turned = W.transpose()
    spread = arb_mat(m, n, [entry for entry in a.entries() for _ in range(n)])
    defect = scale_entries(D, spread + turned * guess) - guess
    radii = proof.adjoint(defect)
    wide = widened(guess, radii)
    V = sharper(scale_entries(D, spread + turned * wide), wide)
    if is_exact(W) and all(d.is_exact() for d in D):
        return V
    return sharper(V, guess - preconditioned(W, D, defect, radii, turned=True))


def preconditioned(W: arb_mat, D: list[arb], defect: arb_mat, radii: arb_mat, *, turned: bool) -> arb_mat:
    """The error e = x - x* of a guess with defect F = D(A x + b) - x, A = W or W' (m, n).

    F = -(I - DA)e, so e = (I - Y(I - DA))e - Y F for any Y, here a float64 inverse; |e| <= radii is
    known. Where D and F are exactly 0, so is e. (Krawczyk's form; Rump, Acta Numerica 19, 2010.)
    For a nonlinear map D holds the slopes between guess and solution.
    """
    m, n = defect.nrows(), defect.ncols()
    with ctx.workprec(_ROUGH):
        rows, defects, bounds = (W.transpose() if turned else W).tolist(), defect.entries(), radii.entries()
        out = [arb(0)] * (m * n)
        for j in range(n):
            slopes = D[j::n]
            active = [i for i in range(m) if not (slopes[i].is_zero() and defects[i * n + j].is_zero())]
            k = len(active)
            if not k:
                continue
            chosen = rows if k == m else [[rows[i][c] for c in active] for i in active]
            minus = [-slopes[i] for i in active]
            scaled = [d * w for d, row in zip(minus, chosen, strict=True) for w in row]
            system = arb_mat(k, k, scaled) + 1  # adds the identity
            found = _by_inverse(
                system, [defects[i * n + j] for i in active], [bounds[i * n + j] for i in active]
            )
            if found is None:
                found = [arb(0, bounds[i * n + j]) for i in active]
            for i, value in zip(active, found, strict=True):
                out[i * n + j] = value
    return arb_mat(m, n, out)


def _by_inverse(system: arb_mat, defect: list[arb], bounds: list[arb]) -> list[arb] | None:
    """(I - Y S)[-r, r] - Y F, or None without a float64 inverse Y of S."""
    k = len(defect)
    try:
        inverse = np.asarray(np.linalg.inv(midpoints(system)), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    if not np.isfinite(inverse).all():
        return None
    Y = matrix(inverse)
    rest = 1 - Y * system  # the identity less Y S
    ball = arb_mat(k, 1, [arb(0, bound) for bound in bounds])
    return (rest * ball - Y * arb_mat(k, 1, defect)).entries()


def solved_adjoint(W: arb_mat, D: list[arb], a: arb_mat, n: int) -> arb_mat:
    """The same by elimination in balls, where no contraction is known."""
    m = W.nrows()
    weights, b = W.entries(), a.entries()
    columns: list[list[arb]] = []
    for j in range(n):
        slopes = D[j::n]
        rows = [int(i == c) - slopes[i] * weights[c * m + i] for i in range(m) for c in range(m)]
        side = arb_mat(m, 1, [x * y for x, y in zip(slopes, b, strict=True)])
        try:
            columns.append(arb_mat(m, m, rows).solve(side).entries())
        except ZeroDivisionError:
            raise NotEnclosed("the implicit gradient is not certified to exist") from None
    return arb_mat(m, n, [columns[j][i] for i in range(m) for j in range(n)])


def widened(A: arb_mat, radii: arb_mat) -> arb_mat:
    """A with each entry widened by an upper bound of its radius."""
    return A + arb_mat(A.nrows(), A.ncols(), [arb(0, radius) for radius in radii.entries()])


def sharper(A: arb_mat, B: arb_mat) -> arb_mat:
    """Entry by entry the smaller of two enclosures."""
    pairs = zip(A.entries(), B.entries(), strict=True)
    return arb_mat(A.nrows(), A.ncols(), [x if x.rad() <= y.rad() else y for x, y in pairs])
