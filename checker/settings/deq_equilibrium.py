"""Enclosures of the equilibrium and of the adjoint of T = phi(W T + u), for all W and u in balls."""

from dataclasses import dataclass

from flint import arb, arb_mat

from checker.activations import BallActivation
from checker.enclosure import is_finite
from checker.errors import NotEnclosed
from checker.settings.deq_contraction import Contraction
from checker.settings.deq_solve import Floats, apply, precise_adjoint, precise_equilibrium, scale_entries


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
    a radius, and one more application of the map sharpens the result. Rows that are exactly zero
    keep an exactly zero preactivation.
    """
    if not (is_finite(W) and is_finite(source)):
        raise NotEnclosed("a parameter is not a finite number")
    guess, floats = precise_equilibrium(activation, W.mid(), source.mid(), start)
    defect = apply(activation.phi, W * guess + source) - guess
    wide = widened(guess, proof.forward(defect))
    Z = W * wide + source
    T = sharper(apply(activation.phi, Z), wide)
    if not is_finite(T):
        raise NotEnclosed("the equilibrium has no finite enclosure")
    return Equilibrium(T, Z, floats)


def enclosed_adjoint(W: arb_mat, D: list[arb], a: arb_mat, n: int, proof: Contraction) -> arb_mat:
    """V (m, n), column j the solution of v = D_j(a + W'v), for all W, a, D in the balls (D by rows)."""
    m = W.nrows()
    guess = precise_adjoint(W.mid(), D, a.mid(), n)
    turned = W.transpose()
    spread = arb_mat(m, n, [entry for entry in a.entries() for _ in range(n)])
    defect = scale_entries(D, spread + turned * guess) - guess
    wide = widened(guess, proof.adjoint(defect))
    return sharper(scale_entries(D, spread + turned * wide), wide)


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
