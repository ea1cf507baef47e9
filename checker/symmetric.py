"""The largest eigenvalue of an exact symmetric matrix: searched in float64, proved in balls.

With float64 eigenpairs D, V put F = V'V - I and E = SV - VD, in balls. M = V'SV = D + FD + V'E, so
Weyl's inequality puts the eigenvalues of M within |F||D| + |V||E| of D, and Ostrowski's theorem those
of S between them divided by 1 + |F| and by 1 - |F| (Rump, Acta Numerica 19, 2010, section 13; Horn &
Johnson 2013, Theorems 4.3.1 and 4.5.9). That brackets everything within about n*2**-52*|S|.

Where the largest eigenvalue stands alone the bracket of the second one, s, sharpens it to the full
precision: for any x with Rayleigh quotient t > s and residual r = Sx - tx,
t <= lambda_max <= t + |r|**2/(|x|**2*(t - s)) (Temple 1928). x is refined beyond float64 by
corrections in the float64 eigenbasis.
"""

import math

import numpy as np
from flint import acb_mat, arb, arb_mat, ctx
from numpy.typing import NDArray

from checker.enclosure import frobenius, frobenius_squared, hull, matrix, midpoints
from checker.errors import NotEnclosed

Floats = NDArray[np.float64]

_FLINT = 24
"""Clusters of eigenvalues are left to FLINT up to this size."""

_GUARD = 64
"""Bits at which the bracket of all eigenvalues is proved."""


def largest_eigenvalue(S: arb_mat) -> arb:
    """The largest eigenvalue of an exact (or nearly exact) symmetric matrix with finite entries.

    Raises NotEnclosed where the entries overflow float64 after scaling.
    """
    n = S.nrows()
    if n == 1:
        return S[0, 0]
    entries = S.entries()
    if all(entries[i * n + j].is_zero() for i in range(n) for j in range(n) if i != j):
        return _greatest([entries[i * n + i] for i in range(n)])
    if n == 2:
        return _of_two(entries[0], (entries[1] + entries[2]) / 2, entries[3])
    scale = _scale(entries)
    scaled = S * arb(2) ** -scale if scale else S
    value = _bracketed(scaled)
    return value * arb(2) ** scale if scale else value


def _greatest(balls: list[arb]) -> arb:
    out = balls[0]
    for ball in balls[1:]:
        out = out.max(ball)
    return out


def _of_two(a: arb, b: arb, c: arb) -> arb:
    """Of [[a, b], [b, c]]; by determinant over the other root where that avoids cancellation."""
    half, middle = (a - c) / 2, (a + c) / 2
    spread = half * half + b * b
    spread = spread.sqrt() if spread > 0 else hull(arb(0), spread.upper().sqrt())
    direct = middle + spread
    if middle < 0:
        other = middle - spread
        product = (a * c - b * b) / other
        return product if product.is_finite() and product.rad() < direct.rad() else direct
    return direct


def _scale(entries: list[arb]) -> int:
    """An exponent e such that 2**-e * S has entries around 1; 0 where that already is so."""
    size = _greatest([abs(entry) for entry in entries]).upper()
    if size.is_zero():
        return 0
    bits = exponent_of(size)
    return bits if abs(bits) > 200 else 0


def _bracketed(S: arb_mat) -> arb:
    floats = midpoints(S)
    if not np.isfinite(floats).all():
        raise NotEnclosed("an entry of a matrix is beyond float64")
    try:
        values, vectors = np.linalg.eigh((floats + floats.T) / 2)
    except np.linalg.LinAlgError:
        raise NotEnclosed("the eigenvalues were not found in float64") from None
    order = np.argsort(values)
    values, vectors = values[order], vectors[:, order]
    first, second = _two_largest(S, values, vectors)
    if first.lower() > second:
        return _sharpened(S, values, vectors, first, second)
    if S.nrows() <= _FLINT:
        return _by_flint(S, first)
    return first


def _two_largest(S: arb_mat, values: Floats, vectors: Floats) -> tuple[arb, arb]:
    """An enclosure of the largest eigenvalue, and an upper bound of the second largest."""
    n = S.nrows()
    with ctx.workprec(min(_GUARD, ctx.prec)):
        V = matrix(vectors)
        d = matrix(values).entries()
        VD = arb_mat(n, n, [v * d[k % n] for k, v in enumerate(V.entries())])
        defect = frobenius(S * V - VD)
        skew = frobenius(V.transpose() * V - _identity(n)).upper()
        if not skew < 1:
            raise NotEnclosed("the float64 eigenbasis is not orthogonal enough")
        size = d[0].max(-d[0]).max(d[-1].max(-d[-1]))
        slack = (skew * size + (1 + skew).sqrt() * defect).upper()
        stretch = hull(1 / (1 + skew), 1 / (1 - skew))
        first = (d[-1] + arb(0, slack)) * stretch
        second = ((d[-2] + slack) * stretch).upper()
    return first, second


def _sharpened(S: arb_mat, values: Floats, vectors: Floats, first: arb, second: arb) -> arb:
    """Temple's bound, with x refined until |r|**2 reaches the precision."""
    quotient, defect = _refined(S, values, vectors)
    if not quotient > second:
        return first
    excess = (defect / (quotient - second)).upper()
    sharp = hull(quotient, (quotient + excess).upper())
    return sharp if sharp.rad() < first.rad() else first


def _refined(S: arb_mat, values: Floats, vectors: Floats) -> tuple[arb, arb]:
    """The Rayleigh quotient of x, and |Sx - tx|**2/|x|**2, after corrections in the float64 eigenbasis."""
    n = S.nrows()
    gaps = values[-1] - values
    gaps[-1] = math.inf
    size = max(abs(values[0]), abs(values[-1]), 5e-324)
    x = arb_mat(n, 1, vectors[:, -1].tolist())
    target = ctx.prec // 2 + 8
    gained, last = 0, -math.inf
    quotient, squared, defect = _rayleigh(S, x)
    for _ in range(target // 8):
        r = S * x - x * quotient.mid()
        level = _exponent(r)
        gained = math.log2(size) - level
        if level == -math.inf or gained > target or gained < last + 4:
            break
        last = gained
        small = midpoints(r * arb(2) ** -int(level)).ravel()
        step = vectors @ ((vectors.T @ small) / gaps)
        x = (x + arb_mat(n, 1, step.tolist()) * arb(2) ** int(level)).mid()
        quotient, squared, defect = _rayleigh(S, x)
    return quotient, defect / squared


def _rayleigh(S: arb_mat, x: arb_mat) -> tuple[arb, arb, arb]:
    """x'Sx/x'x, x'x and |Sx - tx|**2 for the exact midpoint t of the quotient."""
    image = S * x
    squared = frobenius_squared(x)
    quotient = (x.transpose() * image)[0, 0] / squared
    return quotient, squared, abs(frobenius_squared(image - x * quotient.mid()))


def exponent_of(x: arb) -> int:
    """The e with 2**(e-1) <= |x| < 2**e, for an exact x other than 0."""
    mantissa, exponent = x.man_exp()
    return int(mantissa).bit_length() + int(exponent)  # type: ignore[arg-type]


def _identity(n: int) -> arb_mat:
    return arb_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])


def _exponent(r: arb_mat) -> float:
    """About log2 of the largest entry."""
    best = -math.inf
    for entry in r.entries():
        middle = entry.mid()
        if not middle.is_zero():
            best = max(best, float(exponent_of(middle)))
    return best


def _by_flint(S: arb_mat, first: arb) -> arb:
    """FLINT's verified eigenvalues, for clusters; the bracket where they are no sharper."""
    middle = S.mid()
    slack = frobenius(S - middle).abs_upper()
    with ctx.workprec(ctx.prec + _GUARD):
        try:
            found = acb_mat(middle).eig(multiple=True, algorithm="rump")
        except ValueError:
            return first
    sharp = _greatest([value.real for value in found]) + arb(0, slack)
    return sharp if sharp.is_finite() and sharp.rad() < first.rad() else first
