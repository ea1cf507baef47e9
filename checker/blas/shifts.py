"""The least eigenvalue of a symmetric matrix: a shift next to it, and what factorising proves.

lambda_min(A) >= s - r where A - sI, its diagonal rounded downwards, has a defect r (`definite`).
"""

import math

import numpy as np

from checker.blas.brackets import Found
from checker.blas.definite import expected_defect, factorised
from checker.blas.directed import Floats
from checker.blas.guesses import lowest, lowest_above
from checker.blas.matrix import add_up
from checker.blas.quotients import lambda_min_above
from checker.blas.scaling import balanced
from checker.blas.symmetry import is_diagonal

RESIDUAL = "float64, residual certificate"
SCALED = "float64, residual certificate of the scaled matrix"

_GRADED = 8.0
"""A diagonal that varies by more than this is worth scaling."""

_SHARP = 1e-6
"""A bracket relatively narrower than this is sharp enough."""

_BENEATH = (2.0**-40, 2.0**-30, 2.0**-20, 2.0**-10, 0.5)
"""How far below the guess, relative to it, a bound is tried for a graded matrix."""


def least_eigenvalue(A: Floats, size: float) -> Found:
    """A bracket of lambda_min(A) for the symmetric A (n, n) of a size around 1; `size` >= |A|_F.

    Where that leaves the bracket wide and the diagonal is graded, the eigenvalue is sought again
    through a Cholesky factor, which may know it to more digits, and lambda_min(A) >= c is tried for
    a few c below it: A - cI scaled to a unit diagonal may be far better conditioned.
    """
    diagonal = A.diagonal()
    least = float(diagonal.min())
    if is_diagonal(A):
        return Found(least, least, RESIDUAL)
    guess = lowest(A)
    if guess is None:
        return Found(-size, least, RESIDUAL)
    value, x = guess
    low = max(least_below(A, value, size), -size)
    found = Found(low, min(lambda_min_above(A, size, x), least), RESIDUAL)
    if found.relatively_within(_SHARP) or not _is_graded(diagonal):
        return found
    guess = lowest_above(A, 0.0)
    if guess is None:
        return found
    value, x = guess
    high = min(found.hi, lambda_min_above(A, size, x, entrywise=True))
    for below in _BENEATH:
        if semidefinite(A, value * (1 - below))[0]:
            return Found(max(low, value * (1 - below)), high, SCALED)
    return Found(low, high, found.rung)


def least_below(A: Floats, guess: float, size: float) -> float:
    """At most lambda_min(A), A (n, n) symmetric, from a guess of it; -inf where no shift near it helped."""
    diagonal = np.diagonal(A)
    usual = expected_defect(diagonal - guess)
    for further in (usual / 8, usual, 16 * usual + 1e-14 * size):
        shift = guess - further
        found = factorised(A, np.nextafter(diagonal - shift, -np.inf))
        if found.defect < math.inf:
            return math.nextafter(shift - found.defect, -math.inf)
    return -math.inf


def semidefinite(A: Floats, wanted: float) -> tuple[bool, Floats | None]:
    """Is lambda_min(A) >= wanted proved? If not, perhaps a direction (n,) in which it seems to fail.

    B is A with the diagonal b_ii <= a_ii - wanted, so B >= 0 is enough. If B with b_ii - t in place
    of b_ii has a defect r <= t, then lambda_min(B) >= t - r >= 0. Where the diagonal is graded, the
    same is asked of D B D for a diagonal D, which is semidefinite if and only if B is (Sylvester).
    """
    rest = np.nextafter(A.diagonal() - wanted, -np.inf)
    least = int(rest.argmin())
    if not rest[least] > 0:
        direction = np.zeros(rest.size)
        direction[least] = 1.0
        return False, direction
    proved, direction = _shifted(A, rest)
    if proved or not _is_graded(rest):
        return proved, direction
    graded = np.array(A)
    np.fill_diagonal(graded, rest)
    even = balanced(graded)
    return (True, None) if even is not None and _shifted(even, even.diagonal())[0] else (False, direction)


def _is_graded(diagonal: Floats) -> bool:
    return bool(diagonal.max() > _GRADED * diagonal.min())


def _shifted(A: Floats, diagonal: Floats) -> tuple[bool, Floats | None]:
    """Is A with this diagonal proved to be semidefinite, its entries known up to 2**-1075?"""
    t = expected_defect(diagonal)
    for _ in range(2):
        found = factorised(A, np.nextafter(diagonal - t, -np.inf))
        needed = add_up(found.defect, diagonal.size * 2.0**-1074)
        if needed <= t or needed == math.inf:
            return needed <= t, found.direction
        t = 1.25 * needed
    return False, None
