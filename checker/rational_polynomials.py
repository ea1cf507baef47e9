"""The exact path, polynomials with whole coefficients: factors, characteristic polynomials, real roots.

Source: H. Cohen, A Course in Computational Algebraic Number Theory, Theorem 4.1.10 (Sturm).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from flint import fmpq, fmpq_mat, fmpz, fmpz_poly

MOST_DEGREE: Final = 16
"""The largest degree of an algebraic number that is formed."""

MOST_BITS: Final = 60_000
"""The most bits a numerator, denominator or coefficient may have."""


class NotRational(Exception):
    """The exact path has no answer; `reason` is a clause for reports."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def too_long() -> NotRational:
    """The refusal of numbers with too many digits."""
    return NotRational("its numbers grow too long")


def sign_at(p: fmpz_poly, x: fmpq) -> int:
    """The sign of p(x)."""
    value = p(x)
    return (value > 0) - (value < 0)


def characteristic(A: fmpq_mat) -> fmpz_poly:
    """The characteristic polynomial over the whole numbers. Raises NotRational for a large one."""
    n = A.nrows()
    if n > MOST_DEGREE:
        raise NotRational("an algebraic number of too large a degree")
    numerators, denominator = A.numer_denom()
    if max(int(entry).bit_length() for entry in numerators.entries()) * n > MOST_BITS:
        raise too_long()
    coefficients = numerators.charpoly().coeffs()
    return primitive([c * denominator**k for k, c in enumerate(coefficients)])


def primitive(coefficients: Sequence[fmpz]) -> fmpz_poly:
    """The polynomial divided by its content, with a positive leading coefficient."""
    p = fmpz_poly(coefficients)
    p = p // fmpz_poly([p.content()])
    return p if p.leading_coefficient() > 0 else -p


def factors(p: fmpz_poly) -> list[fmpz_poly]:
    """The irreducible factors, each once."""
    if p.height_bits() > 4 * MOST_BITS:
        raise too_long()
    return [primitive(f.coeffs()) for f, _ in p.factor()[1]]


def real_roots(p: fmpz_poly) -> list[tuple[fmpq, fmpq]]:
    """The real roots of an irreducible polynomial, each in an open interval of its own.

    The one root of a linear polynomial is given twice.
    """
    coefficients = p.coeffs()
    if p.degree() == 1:
        only = fmpq(-coefficients[0], coefficients[1])
        return [(only, only)]
    if p.degree() > MOST_DEGREE:
        raise NotRational("an algebraic number of too large a degree")
    chain = _sturm(p)
    largest = max(abs(c) for c in coefficients[:-1])
    bound = fmpq(1 + (largest // abs(coefficients[-1]) + 1))  # Cauchy's bound
    todo = [(-bound, bound, _variations(chain, -bound), _variations(chain, bound))]
    found: list[tuple[fmpq, fmpq]] = []
    while todo:
        lo, hi, below, above = todo.pop()
        if below - above == 1:
            found.append((lo, hi))
        elif below > above:
            middle = (lo + hi) / 2
            between = _variations(chain, middle)
            todo += [(lo, middle, below, between), (middle, hi, between, above)]
    return found


def _sturm(p: fmpz_poly) -> list[fmpz_poly]:
    """Sturm's sequence, every member divided by its content."""
    chain = [p, p.derivative()]
    while chain[-1].degree() > 0:
        a, b = chain[-2], chain[-1]
        lead = b.leading_coefficient() ** 2  # a square keeps the sign
        factor = lead ** ((a.degree() - b.degree()) // 2 + 1)
        remainder = -((factor * a) % b)
        content = remainder.content()
        chain.append(remainder // fmpz_poly([content]))
    return chain


def _variations(chain: list[fmpz_poly], x: fmpq) -> int:
    """Changes of sign along the sequence at x."""
    signs = [s for s in (sign_at(q, x) for q in chain) if s]
    return sum(1 for a, b in pairwise(signs) if a != b)
