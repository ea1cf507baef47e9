"""phi and phi' of float arrays with proved error bounds; no library function is trusted.

Piecewise linear activations are exact, or rounded once. Smooth ones come from Taylor polynomials whose
coefficients are balls: on the cell of half width h around a grid point c, with t = x - c,
    phi(x) = c_0 + c_1 t + ... + c_K t**K + r,   |r| <= max |c_{K+1}| |t| h**K,
the maximum over the cell (Lagrange), from the series of a ball. Arguments off the grid, and small
arrays, are evaluated in balls one by one, which costs about 3 microseconds each.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from flint import arb, arb_series, ctx, fmpq

from checker.activations import BALL_ACTIVATIONS
from checker.blas.directed import OMEGA, UNIT, Floats, gamma, up
from checker.blas.matrix import above, quiet

_REACH = 16
"""The grid covers -_REACH to _REACH."""

_CELLS = 64
"""Grid points per unit."""

_DEGREE = 7
_HALF = 0.5 / _CELLS
_BITS = 120
_BLOCK = 8192
_FEW = 8_000
"""Arrays with fewer entries are evaluated in balls."""

Series = Callable[[arb_series], arb_series]


def _logistic(x: arb_series) -> arb_series:
    return 1 / (1 + (-x).exp())


_SERIES: Final[dict[str, Series]] = {
    "tanh": lambda x: 1 - 2 * _logistic(-2 * x),
    "erf": lambda x: x.erf(),
    "sigmoid": _logistic,
    "softplus": lambda x: (1 + x.exp()).log(),
    "sin": lambda x: x.sin(),
    "gelu": lambda x: x * (x / -arb(2).sqrt()).erfc() / 2,
    "elu": lambda x: x.exp() - 1,
    "swish": lambda x: x * _logistic(x),
}
"""Every smooth activation as a power series; elu left of 0 only."""


@dataclass(frozen=True, eq=False)
class _Table:
    """Taylor coefficients (degree + 1, cells), and |f(x) - p| <= 4u|p| + slope*|t| + floor."""

    coefficients: Floats
    slope: float
    floor: float


def _tabulated(series: list[tuple[list[arb], arb]]) -> _Table:
    """The table of a function, from its coefficients c_0..c_K and a ball for c_{K+1} on every cell.

    With q = c_1 + c_2 t + ... and B >= sum |c_k| h**(k-1) over k >= 1, Horner's rule errs by
    gamma_{2K}*B in q (Higham 2002, section 5.1), by u*B|t| in q*t and by u|p| in the last sum; rounding
    c_0 costs at most 2u|c_0| + floor with |c_0| <= |p|(1 + 2u) + 1.01*B|t|. Together at most
    (3u + 4u**2)|p| + |t|(1.01*B*(3u + gamma_{2K}) + sum of |c_k - fl(c_k)|h**(k-1) + |c_{K+1}|h**K) + floor.
    """
    h = arb(_HALF)
    table = np.empty((_DEGREE + 1, len(series)))
    size, lost, floor = arb(0), arb(0), arb(0)
    for i, (exact, rest) in enumerate(series):
        floats = [float(c.mid()) for c in exact]
        table[:, i] = floats
        moduli, errors = arb(0), abs(rest)
        for c, x in zip(reversed(exact[1:]), reversed(floats[1:]), strict=True):
            moduli = moduli * h + abs(arb(x))
            errors = errors * h + abs(c - arb(x))
        size, lost = size.max(moduli), lost.max(errors)
        floor = floor.max(abs(exact[0] - arb(floats[0])) - arb(2 * UNIT) * abs(arb(floats[0])))
    slope = arb("1.02") * (size * (3 * arb(UNIT) + arb(gamma(2 * _DEGREE))) + lost)
    return _Table(table, above(slope), above(floor))


@lru_cache(maxsize=32)
def _table(name: str, *, derivative: bool) -> _Table:
    """The table of phi or phi' of a smooth activation, built once in about a tenth of a second."""
    series, length = _SERIES[name], _DEGREE + 3
    cells: list[tuple[list[arb], arb]] = []
    with ctx.workprec(_BITS):
        for k in range(-_REACH * _CELLS, 1 if name == "elu" else _REACH * _CELLS + 1):
            centre = arb(k) / _CELLS
            at, near = (_coefficients(series, x, length) for x in (centre, arb(centre, _HALF)))
            if derivative:
                at, near = ([c * (j + 1) for j, c in enumerate(row[1:])] for row in (at, near))
            cells.append((at[: _DEGREE + 1], near[_DEGREE + 1]))
        return _tabulated(cells)


def _coefficients(series: Series, x: arb, length: int) -> list[arb]:
    """The first Taylor coefficients around x, padded with zeros: trailing exact zeros are not stored."""
    known = series(arb_series([x, 1], prec=length))
    if known.prec < length:
        raise ValueError(f"power series are cut off before {length} terms")
    found = list(known.coeffs())
    return found + [arb(0)] * (length - len(found))


def _by_table(table: _Table, Z: Floats) -> tuple[Floats, Floats]:
    """p and its error bound at floats within the reach of the grid (flat); block by block, in cache."""
    out, errors = np.empty_like(Z), np.empty_like(Z)
    for start in range(0, Z.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        scaled = np.rint(Z[part] * _CELLS)
        t = Z[part] - scaled / _CELLS  # exact: both are multiples of the same power of two
        cell = scaled.astype(np.intp) + _REACH * _CELLS
        p = table.coefficients[_DEGREE].take(cell)
        for row in table.coefficients[_DEGREE - 1 :: -1]:
            p *= t
            p += row.take(cell)
        out[part] = p
        errors[part] = 4 * UNIT * np.abs(p) + (table.slope * np.abs(t) + (table.floor + OMEGA))
    return out, errors


def _by_balls(f: Callable[[arb], arb], Z: Floats) -> tuple[Floats, Floats]:
    """Midpoints of f and how far they may be off (flat): inf where f or its argument is not finite."""
    with ctx.workprec(64):
        balls = [f(arb(z)) for z in Z.tolist()]
    mids = np.array([float(ball.mid()) for ball in balls], dtype=np.float64)
    radii = np.array([float(ball.rad()) for ball in balls], dtype=np.float64)
    known = np.isfinite(mids) & np.isfinite(radii) & np.isfinite(Z)
    errors = 2 * UNIT * np.abs(mids) + up(radii * (1 + 4 * UNIT)) + OMEGA
    return np.where(known, mids, 0.0), np.where(known, up(errors), np.inf)


def _smooth(name: str, Z: Floats, *, derivative: bool) -> tuple[Floats, Floats]:
    activation = BALL_ACTIVATIONS[name]
    f: Callable[[arb], arb] = (lambda x: activation.dphi(x, fmpq(0))) if derivative else activation.phi
    flat = Z.ravel()
    if flat.size < _FEW:
        values, errors = _by_balls(f, flat)
        return values.reshape(Z.shape), errors.reshape(Z.shape)
    on_grid = np.minimum(flat, 0.0) if name == "elu" else flat
    far = np.flatnonzero(~(np.abs(on_grid) <= _REACH) | np.isinf(flat))
    if far.size:
        on_grid = on_grid.copy()
        on_grid[far] = 0.0
    values, errors = _by_table(_table(name, derivative=derivative), on_grid)
    if name == "elu" and not derivative:
        values = values + np.maximum(flat, 0.0)  # one of the two is exactly 0
    if far.size:
        values[far], errors[far] = _by_balls(f, flat[far])
    return values.reshape(Z.shape), errors.reshape(Z.shape)


def phi_of(name: str, Z: Floats) -> tuple[Floats, Floats]:
    """phi of every entry (any shape), and a bound of the error of each (that shape, or one number).

    The bound is inf where phi is not known, such as at entries that are not finite.
    """
    slopes = BALL_ACTIVATIONS[name].slopes
    if slopes is None:
        return _smooth(name, Z, derivative=False)
    left, right = slopes
    with quiet():
        values = np.asarray(_line(Z, right) if left == right else _bent(Z, left, right), dtype=np.float64)
        if {left, right} <= {fmpq(-1), fmpq(0), fmpq(1)}:
            return values, np.where(np.isfinite(Z).all(), 0.0, np.inf)
        return values, np.where(np.isfinite(Z), 4 * UNIT * np.abs(values) + 2 * OMEGA, np.inf)


def _bent(Z: Floats, left: fmpq, right: fmpq) -> Floats:
    if (left, right) == (0, 1):
        return np.maximum(Z, 0.0)
    return np.abs(Z) if (left, right) == (-1, 1) else np.where(Z > 0, _line(Z, right), _line(Z, left))


def _line(Z: Floats, slope: fmpq) -> Floats:
    """slope*Z, rounded at most twice."""
    if slope.q == 1 and slope.p in (-1, 0, 1):
        return Z * float(slope.p)
    return Z * float(slope.p) / float(slope.q)


def smooth_slopes_of(name: str, Z: Floats) -> tuple[Floats, Floats]:
    """phi' of every entry for an activation without kinks, and a bound of the error of each."""
    slopes = BALL_ACTIVATIONS[name].slopes
    if slopes is None:
        return _smooth(name, Z, derivative=True)
    if slopes[0] != slopes[1]:
        raise ValueError(f"{name} has a kink")
    return near_float(slopes[1], Z.shape)


def near_float(value: fmpq, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    """An array of one rational, to nearest, and the error of that."""
    near = float(arb(value).mid())
    return np.full(shape, near), np.asarray(above(abs(arb(value) - arb(near))))
