"""Proof that an input has two equilibria: two disjoint boxes, each with a certified one.

Krawczyk's test (Rump, Acta Numerica 19, 2010, section 13): for f(t) = phi(W t + u) - t, a box B
around c and any matrix Y, if K = c + Y f(c) + (I - Y(I - D(B) W))(B - c) lies inside B, then B holds
exactly one zero of f. Here Y is a float64 inverse of I - D W and D(B) encloses the slopes on B;
where phi has a kink in B the slopes' hull encloses every difference quotient from c, which is
enough for existence by Brouwer's theorem.
"""

import numpy as np
from flint import arb, arb_mat, fmpq

from checker.activations import BallActivation
from checker.enclosure import columns_of, matrix, midpoints
from checker.settings.deq_guesses import float_dphi
from checker.settings.deq_solve import Floats, apply, float_equilibrium

_STARTS = 24
_WIDEST = 64
_COLUMNS = 8


def several_equilibria(activation: BallActivation, W: arb_mat, source: arb_mat) -> str:
    """A reason why some column has two equilibria, or "" where none was found."""
    if W.nrows() > _WIDEST:
        return ""
    flat = midpoints(W)
    if not np.isfinite(flat).all():
        return ""
    rng = np.random.default_rng(20)
    for j, u in enumerate(columns_of(source)[:_COLUMNS]):
        lift = midpoints(u)
        boxes: list[arb_mat] = []
        starts = [np.zeros_like(lift)]
        starts += [rng.choice((0.5, 2.0, 8.0)) * rng.standard_normal(lift.shape) for _ in range(_STARTS)]
        for start in starts:
            guess = float_equilibrium(activation.name, flat, lift, start)
            box = _certified(activation, W, u, guess)
            if box is None:
                continue
            if any(not box.overlaps(other) for other in boxes):
                return f"sample {j} has two equilibria (each certified in its own box)"
            boxes.append(box)
    return ""


def _certified(activation: BallActivation, W: arb_mat, u: arb_mat, guess: Floats) -> arb_mat | None:
    """A box around the guess that certainly holds an equilibrium."""
    m = W.nrows()
    if not np.isfinite(guess).all():
        return None
    flat, lift = midpoints(W), midpoints(u)
    D = float_dphi(activation.name, flat @ guess + lift, 0.0)
    try:
        Y = matrix(np.asarray(np.linalg.inv(np.eye(m) - D * flat), dtype=np.float64))
    except np.linalg.LinAlgError:
        return None
    centre = matrix(guess)
    identity = matrix(np.eye(m))
    moved = centre + Y * (apply(activation.phi, W * centre + u) - centre)
    size = max(1e-9, 4 * float(np.abs(midpoints(moved) - guess).max()))
    if not size < 1e-3:
        return None
    spread = arb_mat(m, 1, [arb(0, size)] * m)
    box = centre + spread
    slopes = [activation.dphi(z, _NO_KINK) for z in (W * box + u).entries()]
    weights = W.entries()
    scaled = arb_mat(m, m, [slopes[i] * weights[i * m + c] for i in range(m) for c in range(m)])
    image = moved + (identity - Y * (identity - scaled)) * spread
    inside = all(b.contains_interior(k) for b, k in zip(box.entries(), image.entries(), strict=True))
    return box if inside else None


_NO_KINK = fmpq(0)
