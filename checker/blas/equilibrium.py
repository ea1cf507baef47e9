"""The equilibrium of a layer, enclosed: floats, how far the exact one is, and why it is the only one.

The guess comes from any solver; only its defect counts. With a contraction the distance of column j is at
most size*c_j, and the preactivation at the equilibrium differs from the float one by the error of forming
it and by |W(t - t*)|. Where phi has a kink, its slopes are certain away from 0; a preactivation that is
exactly 0 is recognised by structure alone (`exact_zeros`).
"""

from dataclasses import dataclass, replace
from math import sqrt
from typing import Literal

import numpy as np
import torch
from flint import fmpq
from numpy.typing import NDArray

from checker.blas.columns import grown
from checker.blas.directed import Floats
from checker.blas.images import near_float, smooth_slopes_of
from checker.blas.layer import Layer, Preactivation, defect, preactivation, upper
from checker.blas.local import LocalContraction, local_contraction
from checker.blas.matrix import FloatMatrix, quiet
from checker.blas.uniqueness import Contraction
from checker.errors import NotEnclosed
from models.activations import ACTIVATIONS
from models.equilibrium import solve_equilibrium

Mask = NDArray[np.bool_]

NEWTON = "a Newton-Kantorovich ball around a float equilibrium (Rump 2010, section 13)"


@dataclass(frozen=True, eq=False)
class Enclosed:
    """T (m, n), the Euclidean errors (n,) of its columns, and the preactivations at the equilibrium.

    `zeros` (m, n) marks preactivations that are exactly 0, for all parameters meant. `unique` says whether
    it is the only equilibrium, or only the one near T; `reason` names the proof.
    """

    T: Floats
    errors: Floats
    at: Preactivation
    zeros: Mask
    unique: Literal["globally", "locally"]
    reason: str


@dataclass(frozen=True, eq=False)
class Slopes:
    """phi' at the equilibrium: floats (m, n), bounds of their errors, and the open (neuron, sample) pairs.

    `odd` says that the value at the kink is in use and is neither between the slopes beside it nor between
    one of them and 0, so that the conditions on D of the proofs of uniqueness do not hold.
    """

    floats: Floats
    errors: Floats
    open: tuple[tuple[int, int], ...] = ()
    odd: bool = False


def float_equilibrium(layer: Layer, start: Floats | None = None) -> Floats:
    """A float64 equilibrium (m, n); nothing is certain about it. Raises NotEnclosed where none was found."""
    with quiet():
        if not np.isfinite(layer.source).all():
            raise NotEnclosed("a preactivation is beyond float64")
        W, source = (torch.from_numpy(np.ascontiguousarray(A)) for A in (layer.W.mid, layer.source))
        begin = None
        if start is not None and start.shape == layer.source.shape:
            begin = torch.from_numpy(np.ascontiguousarray(start))[None]
        found = solve_equilibrium(W[None], source[None], ACTIVATIONS[layer.activation.name], start=begin)
    if not bool(found.converged[0]):
        raise NotEnclosed("the float iteration did not reach an equilibrium")
    return np.ascontiguousarray(found.value[0].numpy())


def enclosed(layer: Layer, T: Floats, proof: Contraction) -> Enclosed:
    """The equilibrium of all parameters within the slacks, near the floats T (m, n).

    Raises NotEnclosed where no finite bound was found.
    """
    at = preactivation(layer, T)
    scales = proof.scales(defect(layer, T, at))
    with quiet():
        errors = grown(proof.size * scales)
    if not (np.isfinite(errors).all() and np.isfinite(at.Z).all()):
        raise NotEnclosed("the equilibrium has no finite enclosure")
    moved = at.moved(proof.growth, scales, proof.reach)
    zeros = exact_zeros(layer, moved)
    whole = zeros.all(axis=0)
    if zeros.any():
        norms = np.where(whole, 0.0, moved.norms)
        moved = replace(moved, Z=np.where(zeros, 0.0, moved.Z), norms=norms)
    near, errors = (np.where(whole, 0.0, x) if whole.any() else x for x in (T, errors))
    return Enclosed(near, errors, moved, zeros, "globally", proof.reason)


def exact_zeros(layer: Layer, at: Preactivation) -> Mask:
    """Preactivations that are exactly 0 for all parameters meant; looked for where phi has a kink at 0 only.

    For a set S of neurons whose source is exactly 0 and whose weights from outside S meet only activations
    that are exactly 0, t_S = phi(W_SS t_S). That has the solution 0 = phi(0), and no other: a principal
    submatrix inherits each of the proofs of uniqueness. The largest such S among the open neurons is found
    by removing what does not qualify. An activation is exactly 0 in S, and where relu certainly gets a
    negative argument. An entry of a parameter is exactly 0 where it is and the slack is 0.
    """
    out = np.zeros(at.Z.shape, dtype=np.bool_)
    if not layer.activation.has_kink or not (candidates := _undecided(at)).any():
        return out
    W, U, X = map(_may_differ_from_zero, (layer.W, layer.U, layer.X))
    silent = (at.Z < 0) & ~candidates if _left_is_flat(layer) else out
    for j in np.flatnonzero(candidates.any(axis=0) | ~X.any(axis=0)).tolist():
        inputs = X[:, j]
        if not inputs.any():
            out[:, j] = True  # no neuron has a source
            continue
        still = np.flatnonzero(candidates[:, j] & ~U[:, inputs].any(axis=1))
        while still.size:
            outside = ~silent[:, j]
            outside[still] = False
            reached = W[np.ix_(still, outside)].any(axis=1)
            if not reached.any():
                break
            still = still[~reached]
        out[still, j] = True
    return out


def zeros_at(layer: Layer, T: FloatMatrix, at: Preactivation) -> Mask:
    """Preactivations of the given activations T that are exactly 0: every product in them has a factor 0."""
    out = np.zeros(at.Z.shape, dtype=np.bool_)
    if not layer.activation.has_kink or not (candidates := _undecided(at)).any():
        return out
    W, U, X, inputs = map(_may_differ_from_zero, (layer.W, layer.U, layer.X, T))
    for j in np.flatnonzero(candidates.any(axis=0)).tolist():
        rows = np.flatnonzero(candidates[:, j])
        reached = U[np.ix_(rows, X[:, j])].any(axis=1) | W[np.ix_(rows, inputs[:, j])].any(axis=1)
        out[rows[~reached], j] = True
    return out


def _left_is_flat(layer: Layer) -> bool:
    return layer.activation.slopes is not None and layer.activation.slopes[0] == 0


def _may_differ_from_zero(A: FloatMatrix) -> Mask:
    return np.ones_like(A.mid, dtype=np.bool_) if A.slack else A.mid != 0


def _undecided(at: Preactivation) -> Mask:
    """Where the sign of the preactivation is not certain."""
    with quiet():
        return ~(np.abs(at.Z) > at.errors)


def slopes(layer: Layer, at: Preactivation, zeros: Mask, kink: fmpq) -> Slopes:
    """phi' at the preactivations, `kink` where they are exactly 0; the hull of these where a sign is open.

    A smooth phi' errs by its evaluation and by L_dphi times the error of the preactivation.
    """
    pieces = layer.activation.slopes
    if pieces is None or pieces[0] == pieces[1]:
        return _smooth_slopes(layer, at)
    low, high = min(*pieces, kink), max(*pieces, kink)
    (left, left_off), (right, right_off), (middle, middle_off), (edge, edge_off) = (
        near_float(value, ()) for value in (*pieces, (low + high) / 2, kink)
    )
    half = upper((high - low) / 2) + middle_off
    unsure = _undecided(at) & ~zeros
    kinds = [unsure, zeros, at.Z > 0]
    floats = np.select(kinds, [middle, edge, right], left)
    errors = np.select(kinds, [grown(half), edge_off, right_off], left_off)
    usual = min(*pieces, 0) <= kink <= max(*pieces)
    where = tuple((int(i), int(j)) for i, j in np.argwhere(unsure))
    return Slopes(floats, errors, where, odd=not usual and bool((zeros | unsure).any()))


def _smooth_slopes(layer: Layer, at: Preactivation) -> Slopes:
    floats, errors = smooth_slopes_of(layer.activation.name, at.Z)
    with quiet():
        total = errors + layer.steepness * at.errors if layer.steepness else errors
        return Slopes(floats, grown(total) if np.any(total) else np.asarray(total))


def locally_enclosed(layer: Layer, T: Floats) -> tuple[Enclosed, LocalContraction]:
    """The equilibrium near the floats T (m, n) by Newton-Kantorovich, and the only one that near.

    It needs no condition on W, and says nothing of other equilibria. Raises NotEnclosed where it fails.
    """
    proof, at = local_contraction(layer, T)
    with quiet():
        errors = grown(sqrt(T.shape[0]) * proof.radii)
    zeros = zeros_at(layer, FloatMatrix(np.ones_like(T)), at)
    return Enclosed(T, errors, at, zeros, "locally", NEWTON), proof
