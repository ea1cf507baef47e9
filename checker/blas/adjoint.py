"""The adjoint v_j = D_j(a + W'v_j) of an enclosed equilibrium, for all W, a and D meant.

With B = fl(a + W'V) at floats V,
    |B - b| <= gamma_m|w_:i||v_j| + sW|v_j| + sa + u|B| + m*OMEGA
(in the norm of a column the slacks sW|v_j| + sa count once), and for |D*| <= L and |D* - D| <= dD
    |D*b - V| <= |fl(D*B) - V| + u|fl(D*B)| + dD|B| + L|B - b|.
The contraction of the equilibrium bounds |V - V*| by that.
"""

from dataclasses import dataclass

import numpy as np
import torch

from checker.blas.columns import column_norms, grown, joint, product_rounding, vector_norm
from checker.blas.directed import OMEGA, UNIT, Floats
from checker.blas.equilibrium import Slopes
from checker.blas.layer import Layer
from checker.blas.local import LocalContraction
from checker.blas.matrix import FloatMatrix, quiet
from checker.blas.uniqueness import Contraction
from checker.errors import NotEnclosed
from models.equilibrium import solve_adjoint


@dataclass(frozen=True, eq=False)
class Adjoint:
    """V (m, n) and the Euclidean errors (n,) of its columns."""

    V: Floats
    errors: Floats


def float_adjoint(layer: Layer, D: Slopes, a: FloatMatrix) -> Floats:
    """A float64 adjoint (m, n); nothing is certain about it. Raises NotEnclosed where none was found."""
    W, floats = (torch.from_numpy(np.ascontiguousarray(A))[None] for A in (layer.W.mid, D.floats))
    with quiet():
        found = solve_adjoint(W, floats, torch.from_numpy(np.ascontiguousarray(a.mid.T)))
    if not bool(found.converged[0]):
        raise NotEnclosed("the float iteration did not reach an adjoint")
    return np.ascontiguousarray(found.value[0].numpy())


def enclosed_adjoint(
    layer: Layer, D: Slopes, a: FloatMatrix, V: Floats, proof: Contraction | LocalContraction
) -> Adjoint:
    """The adjoint near the floats V (m, n), a (m, 1). Raises NotEnclosed where no finite bound was found."""
    if D.odd:
        raise NotEnclosed("phi' at the kink is not between 0 and the slopes beside it")
    m, L = layer.W.nrows(), layer.lipschitz
    with quiet():
        B = np.add(layer.W.mid.T @ V, a.mid)
        image = D.floats * B
        lengths = column_norms(V)
        rounding = product_rounding(m) * column_norms(layer.W.mid)
        entries = np.abs(image - V) + D.errors * np.abs(B)
        entries += 2 * UNIT * (np.abs(image) + L * np.abs(B))
        slack = layer.W.slack * lengths + a.slack
        norms = L * (vector_norm(grown(rounding)) * lengths + slack + 2 * m * OMEGA)
        errors = proof.adjoint(grown(entries), grown(norms))
    if not (np.isfinite(errors).all() and np.isfinite(V).all()):
        raise NotEnclosed("the implicit gradient has no finite enclosure")
    return Adjoint(V, errors)


def weighted(adjoint: Adjoint, r: FloatMatrix) -> FloatMatrix:
    """V diag(r) for r (n, 1): column j errs by |v - v*|(|r_j| + dr) + |v_j|dr, and by u|v_j r_j|."""
    V, off, weights = adjoint.V, adjoint.errors, r.mid[:, 0]
    with quiet():
        mid = V * weights
        known = off * (np.abs(weights) + r.slack) + column_norms(V) * r.slack
        rounding = UNIT * column_norms(mid) + V.shape[0] * OMEGA
        return FloatMatrix(mid, joint(grown(known + rounding)))
