"""The map T -> phi(W T + U X) with parameters known up to Frobenius distances: floats, and their errors.

W, U and X stand for every real matrix within their slack. With z = w_i't + u_i'x the exact
preactivation of neuron i and sample j at a float T, and Z the float one,
    |Z - z| <= (gamma_m|w_i| + sW)|t_j| + (gamma_d|u_i| + sU)|x_j| + (|u_i| + sU)sX + u|Z| + (m + d)OMEGA,
by (F1) with |W||T| <= |w_i||t_j| (Cauchy-Schwarz), and one rounding of the sum. In the norm of a column
the slack counts once and not once a neuron: |(W* - W)t_j| <= sW|t_j|.
"""

from dataclasses import dataclass
from functools import cached_property
from math import inf

import numpy as np

from checker.activations import BallActivation
from checker.blas.columns import column_norms, grown, product_rounding, row_norms, vector_norm
from checker.blas.directed import OMEGA, UNIT, Floats
from checker.blas.images import phi_of
from checker.blas.matrix import FloatMatrix, above, quiet
from checker.blas.selftest import selftest, trusted
from checker.enclosure import Ball, to_arb
from checker.errors import NotEnclosed


def require_engine() -> None:
    """Raises NotEnclosed where the products, or the rounding of this thread, cannot be trusted."""
    if not trusted():
        failures = selftest("cpu").failures or ("the rounding of this thread",)
        raise NotEnclosed(f"float64 on this machine fails the self-test: {failures[0]}")


def upper(value: Ball) -> float:
    """The least float above a nonnegative number, or nearly."""
    return above(to_arb(value))


@dataclass(frozen=True, eq=False)
class Layer:
    """phi, W (m, m), U (m, d) and X (d, n)."""

    activation: BallActivation
    W: FloatMatrix
    U: FloatMatrix
    X: FloatMatrix

    @cached_property
    def lipschitz(self) -> float:
        """At least the Lipschitz constant of phi."""
        return upper(self.activation.lipschitz())

    @cached_property
    def steepness(self) -> float:
        """At least the Lipschitz constant of phi'; inf where phi' jumps."""
        rate = self.activation.lipschitz_derivative()
        return inf if rate is None else upper(rate)

    @cached_property
    def source(self) -> Floats:
        """U X, rounded, (m, n)."""
        with quiet():
            return self.U.mid @ self.X.mid

    @cached_property
    def rows(self) -> Floats:
        """At least |w_i| for every float row, (m,)."""
        return row_norms(self.W.mid)

    @cached_property
    def source_errors(self) -> tuple[Floats, Floats, Floats]:
        """Rounding of U X as (m,) times (n,), and what the slacks of U and X add to a column, (n,)."""
        rows, columns = row_norms(self.U.mid), column_norms(self.X.mid)
        slack_U, slack_X = self.U.slack, self.X.slack
        known = self.U.norm * slack_X + slack_U * slack_X
        return grown(product_rounding(self.U.ncols()) * rows), columns, grown(slack_U * columns + known)


@dataclass(frozen=True, eq=False)
class Preactivation:
    """Z (m, n) and how far the exact one may be: rows @ columns + 2u|Z| entrywise, `norms` a column.

    rows (m, k) and columns (k, n) are nonnegative; norms (n,) are Euclidean.
    """

    Z: Floats
    rows: Floats
    columns: Floats
    norms: Floats

    @cached_property
    def errors(self) -> Floats:
        """Bounds of |Z - z| entry by entry, (m, n)."""
        with quiet():
            return grown(self.rows @ self.columns + 2 * UNIT * np.abs(self.Z))

    def moved(self, rows: Floats, columns: Floats, norm: float) -> "Preactivation":
        """With rows (m,) times columns (n,) more of error, of Euclidean norm at most norm*columns."""
        with quiet():
            return Preactivation(
                self.Z,
                np.column_stack((self.rows, rows)),
                np.vstack((self.columns, columns)),
                grown(self.norms + norm * columns),
            )


def preactivation(layer: Layer, T: Floats) -> Preactivation:
    """W T + U X at the floats T (m, n), for all parameters meant; raises as `require_engine`."""
    require_engine()
    m, d = layer.W.nrows(), layer.U.ncols()
    with quiet():
        Z = np.add(layer.W.mid @ T, layer.source)
        lengths = column_norms(T)
        rows_W = grown(product_rounding(m) * layer.rows)
        rows_U, columns_U, slack_U = layer.source_errors
        slack = grown(layer.W.slack * lengths + slack_U)
        underflow = (m + d + 4) * OMEGA
        norms = (
            vector_norm(rows_W) * lengths
            + vector_norm(rows_U) * columns_U
            + 2 * UNIT * column_norms(Z)
            + slack
            + m * underflow
        )
        rows = np.column_stack((rows_W, rows_U, np.ones(m)))
        return Preactivation(Z, rows, np.vstack((lengths, columns_U, grown(slack + underflow))), grown(norms))


@dataclass(frozen=True, eq=False)
class Defect:
    """Bounds of |phi(z) - t| for all parameters meant: `norms` (n,) by columns, and `entries` (m, n)."""

    norms: Floats
    floats: Floats
    errors: Floats
    at: Preactivation
    lipschitz: float

    @cached_property
    def entries(self) -> Floats:
        """Bounds entry by entry, (m, n)."""
        with quiet():
            return grown(np.abs(self.floats) + self.errors + self.lipschitz * self.at.errors)


def defect(layer: Layer, T: Floats, at: Preactivation) -> Defect:
    """How far T is from its image: |phi(z) - t| <= |fl(phi)(Z) - t| + its error + L|Z - z|."""
    images, errors = phi_of(layer.activation.name, at.Z)
    with quiet():
        difference = images - T
        off = column_norms(np.broadcast_to(errors, T.shape)) if errors.any() else 0.0
        norms = grown(column_norms(difference) + off + layer.lipschitz * at.norms)
    return Defect(norms, difference, errors, at, layer.lipschitz)
