"""Norms and eigenvalues of matrices of balls, for every matrix in the balls.

Eigenvalues of symmetric matrices and singular values move by at most the spectral norm of a
perturbation (Weyl), so each is found for the midpoint matrix, which is exact, and widened by the
Frobenius norm of the radii. For the midpoint the search is in float64 and the proof in balls;
see `checker.symmetric`.
"""

import numpy as np
from flint import acb, acb_mat, arb, arb_mat, ctx

from checker.enclosure import (
    frobenius,
    frobenius_squared,
    greatest,
    hull,
    is_exact,
    is_finite,
    midpoints,
    root,
)
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.symmetric import largest_eigenvalue

_SMALL = 24
"""Nonsymmetric eigenvalues are enclosed by FLINT up to this size."""

_SIMILAR = 160
"""Up to this size a float64 eigenbasis is tried for a spectral radius."""


def norm2(A: arb_mat) -> arb:
    """The spectral norm, the largest singular value."""
    _require_finite(A)
    if 1 in (A.nrows(), A.ncols()):
        return frobenius(A)
    return root(_gram_extreme(A, smallest=False))


def sigma_min(A: arb_mat) -> arb:
    """The least of the min(rows, columns) singular values."""
    _require_finite(A)
    if 1 in (A.nrows(), A.ncols()):
        return frobenius(A)
    return root(_gram_extreme(A, smallest=True))


def _gram_extreme(A: arb_mat, *, smallest: bool) -> arb:
    """The extreme eigenvalue of A'A or AA', whichever is smaller, clamped at 0; A's radii included."""
    middle, slack = _split(A)
    other = middle.transpose()
    gram = other * middle if A.ncols() <= A.nrows() else middle * other
    value = _nonnegative(-largest_eigenvalue(-gram) if smallest else largest_eigenvalue(gram))
    if slack.is_zero():
        return value
    widened = root(value) + arb(0, slack.abs_upper())
    low, high = widened.lower(), widened.upper()
    low = low if low > 0 else arb(0)
    return hull(low * low, high * high)


def _nonnegative(x: arb) -> arb:
    """The ball without what lies below 0, of a number known to be nonnegative."""
    return x if x >= 0 else hull(arb(0), x.upper())


def lambda_max(S: arb_mat) -> arb:
    """The largest eigenvalue of a symmetric matrix, for every symmetric matrix in the balls.

    Raises CertainlyUndefined where there is none.
    """
    middle, slack = _split(_symmetrised(S))
    return largest_eigenvalue(middle) + arb(0, slack.abs_upper())


def lambda_min(S: arb_mat) -> arb:
    """The smallest eigenvalue of a symmetric matrix; see `lambda_max`."""
    return -lambda_max(-S)


def _symmetrised(S: arb_mat) -> arb_mat:
    """(S + S')/2, which contains every symmetric matrix that S contains."""
    _require_finite(S)
    if S.nrows() != S.ncols():
        raise CertainlyUndefined("a matrix that is not square has no eigenvalues")
    turned = S.transpose()
    if not S.overlaps(turned):
        raise CertainlyUndefined("lambda_min and lambda_max need a symmetric matrix")
    return (S + turned) / 2


def _split(A: arb_mat) -> tuple[arb_mat, arb]:
    """The exact midpoint, and the Frobenius norm of the radii."""
    middle = A.mid()
    slack = frobenius_squared(A - middle).upper()
    return middle, slack.sqrt().upper()


def norm2_upper(A: arb_mat) -> arb:
    """A cheap upper bound of the spectral norm: min of |A|_F and sqrt(|A|_1*|A|_inf)."""
    rows, columns = row_sums(A), row_sums(A.transpose())
    return frobenius(A).min((greatest(rows) * greatest(columns)).sqrt()).upper()


def row_sums(A: arb_mat) -> list[arb]:
    """The sum of absolute values of each row."""
    entries, n = [abs(entry) for entry in A.entries()], A.ncols()
    ones = arb_mat(n, 1, [1] * n)
    return (arb_mat(A.nrows(), n, entries) * ones).entries()


def spectral_radius(A: arb_mat) -> arb:
    """The largest modulus of an eigenvalue of a square matrix."""
    _require_finite(A)
    n = A.nrows()
    diagonal = [abs(A[i, i]) for i in range(n)]
    if n == 1 or _is_triangular(A) or _is_triangular(A.transpose()):
        return greatest(diagonal)
    bound = norm2_upper(A)
    found = _radius_by_flint(A) if n <= _SMALL else _radius_by_similarity(A) if n <= _SIMILAR else None
    if found is None:
        return _radius_by_norms(A)
    high = found.upper().min(bound)
    low = found.lower()
    return hull(low if low > 0 else arb(0), high)


def _is_triangular(A: arb_mat) -> bool:
    n = A.nrows()
    entries = A.entries()
    return all(entries[i * n + j].is_zero() for i in range(n) for j in range(i))


def _radius_by_flint(A: arb_mat) -> arb | None:
    with ctx.workprec(ctx.prec + 32):
        try:
            eigenvalues = acb_mat(A).eig(multiple=True)
        except ValueError:
            return None
        return greatest(_modulus(value) for value in eigenvalues)


def _modulus(value: acb) -> arb:
    return root(value.real * value.real + value.imag * value.imag)


def _radius_by_similarity(A: arb_mat) -> arb | None:
    """Gershgorin's discs of V^-1 A V for a float64 eigenbasis V.

    A disc that meets no other one holds exactly one eigenvalue (Horn & Johnson 2013, Theorem 6.1.1),
    and so does a connected group of k discs hold k.
    """
    n = A.nrows()
    floats = midpoints(A)
    if not np.isfinite(floats).all():
        return None
    try:
        _, vectors = np.linalg.eig(floats)
        basis = acb_mat(n, n, [acb(z.real, z.imag) for z in vectors.ravel().tolist()])
        near = basis.solve(acb_mat(A) * basis)
    except (np.linalg.LinAlgError, ZeroDivisionError):
        return None
    entries = near.entries()
    if not all(entry.is_finite() for entry in entries):
        return None
    centres = [entries[i * n + i] for i in range(n)]
    radii = [
        sum((abs(entries[i * n + j]).upper() for j in range(n) if j != i), arb(0)).upper() for i in range(n)
    ]
    high = greatest(_modulus(c) + r for c, r in zip(centres, radii, strict=True)).upper()
    first = max(range(n), key=lambda i: abs(_float_modulus(centres[i])))
    group, todo = {first}, [first]
    while todo:
        i = todo.pop()
        for j in range(n):
            if j not in group and not _modulus(centres[i] - centres[j]) > radii[i] + radii[j]:
                group.add(j)
                todo.append(j)
    lows = [(_modulus(centres[i]) - radii[i]).lower() for i in group]
    low = lows[0]
    for value in lows[1:]:
        low = low.min(value)
    return hull(low if low > 0 else arb(0), high)


def _float_modulus(z: acb) -> float:
    """The modulus of a midpoint in float64: orders candidates, bounds nothing."""
    return float(np.hypot(float(z.real), float(z.imag)))


def _radius_by_norms(A: arb_mat) -> arb:
    """|trace(A^k)/n|^(1/k) <= rho <= |A^k|_F^(1/k), k = 2^j."""
    n, power, k = A.nrows(), A, 1
    high, low = norm2_upper(A), arb(0)
    for _ in range(4):
        power, k = power * power, 2 * k
        size = frobenius(power)
        if size.is_zero():
            return arb(0)
        high = high.min((size.upper().log() / k).exp().upper())
        mean = abs(power.trace() / n).lower()
        if mean > 0:
            low = low.max((mean.log() / k).exp().lower())
    return hull(low.lower() if low > 0 else arb(0), high.upper())


def inverse(A: arb_mat) -> arb_mat:
    """The inverse of every matrix in the balls.

    Raises CertainlyUndefined for an exact singular matrix, NotEnclosed where the balls hold one.
    """
    _require_finite(A)
    try:
        return A.inv()
    except ZeroDivisionError:
        if A.nrows() <= 64 and is_exact(A):
            from checker.rationals import rational_matrix

            if rational_matrix(A).det() == 0:
                raise CertainlyUndefined("a singular matrix has no inverse") from None
        raise NotEnclosed("the matrix is not certified to be invertible") from None


def _require_finite(A: arb_mat) -> None:
    if not is_finite(A):
        raise NotEnclosed("an entry of a matrix is not a finite number")
