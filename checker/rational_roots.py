"""The exact path, numbers: rationals and real algebraic numbers, compared without any rounding.

An algebraic number is a `Root`: an irreducible polynomial with whole coefficients and an interval
that holds exactly one of its real roots. Sums, products, powers and roots of such numbers are
again such numbers: their polynomials come from characteristic polynomials of companion matrices,
and the right root is told by narrowing intervals (Sturm's theorem counts roots).

Source: H. Cohen, A Course in Computational Algebraic Number Theory, section 4.2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from math import isqrt
from typing import Final, TypeAlias, Union

from flint import fmpq, fmpq_mat, fmpz, fmpz_poly

from checker.rational_polynomials import (
    MOST_BITS,
    MOST_DEGREE,
    NotRational,
    characteristic,
    factors,
    primitive,
    real_roots,
    sign_at,
    too_long,
)

_NARROWINGS: Final = 14
_MOST_WORK: Final = 400_000


@dataclass(frozen=True)
class Root:
    """The one real root of `polynomial` (irreducible, degree 2 or more) between `lo` and `hi`."""

    polynomial: fmpz_poly
    lo: fmpq
    hi: fmpq


Real: TypeAlias = Union[fmpq, Root]
"""An exact real number."""


def rational(x: fmpq) -> fmpq:
    """The number itself, if its digits are few enough to go on with. Raises NotRational."""
    if x.height_bits() > MOST_BITS:
        raise too_long()
    return x


def sign(x: Real) -> int:
    """-1, 0 or 1."""
    return compare(x, fmpq(0))


def compare(x: Real, y: Real) -> int:
    """-1, 0 or 1 as x is less than, equal to or greater than y."""
    if isinstance(x, fmpq):
        return (x > y) - (x < y) if isinstance(y, fmpq) else -compare(y, x)
    if isinstance(y, fmpq):
        return _beside(x, y)
    while True:
        if x.hi <= y.lo:
            return -1
        if y.hi <= x.lo:
            return 1
        if x.polynomial == y.polynomial and _common(x, y):
            return 0
        x, y = narrowed(x), narrowed(y)


def _beside(x: Root, c: fmpq) -> int:
    """The root against a rational number, which it never is."""
    if c <= x.lo:
        return 1
    if c >= x.hi:
        return -1
    return 1 if sign_at(x.polynomial, c) == sign_at(x.polynomial, x.lo) else -1


def _common(x: Root, y: Root) -> bool:
    """Do both roots of one polynomial lie where the intervals meet?"""
    lo, hi = max(x.lo, y.lo), min(x.hi, y.hi)
    return _beside(x, lo) > 0 > _beside(x, hi) and _beside(y, lo) > 0 > _beside(y, hi)


def narrowed(x: Root) -> Root:
    """The same number in an interval of half the width."""
    middle = (x.lo + x.hi) / 2
    above = sign_at(x.polynomial, middle) == sign_at(x.polynomial, x.lo)
    return Root(x.polynomial, middle, x.hi) if above else Root(x.polynomial, x.lo, middle)


def bracket(x: Real, bits: int) -> tuple[fmpq, fmpq]:
    """Rational numbers at most and at least x, within 2**-bits of each other."""
    if isinstance(x, fmpq):
        return x, x
    while (x.hi - x.lo) * fmpq(2) ** bits > 1:
        x = narrowed(x)
    return x.lo, x.hi


def plus(x: Real, y: Real) -> Real:
    """x + y."""
    if isinstance(x, fmpq) and isinstance(y, fmpq):
        return rational(x + y)
    if isinstance(x, fmpq):
        return plus(y, x)
    if isinstance(y, fmpq):
        return _moved(x, fmpq(1), y)
    A, B = _companion(x), _companion(y)
    both = _kronecker(A, _identity(B.nrows())) + _kronecker(_identity(A.nrows()), B)
    return _found(characteristic(both), lambda k: _added(bracket(x, k), bracket(y, k)))


def times(x: Real, y: Real) -> Real:
    """x * y."""
    if isinstance(x, fmpq) and isinstance(y, fmpq):
        return rational(x * y)
    if isinstance(x, fmpq):
        return times(y, x)
    if isinstance(y, fmpq):
        return fmpq(0) if y == 0 else _moved(x, y, fmpq(0))
    if x == y:
        return power(x, 2)
    both = _kronecker(_companion(x), _companion(y))
    return _found(characteristic(both), lambda k: _multiplied(bracket(x, k), bracket(y, k)))


def minus(x: Real, y: Real) -> Real:
    """x - y."""
    if x == y:
        return fmpq(0)
    return plus(x, times(y, fmpq(-1)))


def inverse(x: Real) -> Real:
    """1 / x; x is not zero."""
    if isinstance(x, fmpq):
        return 1 / x
    while x.lo <= 0 <= x.hi:
        x = narrowed(x)
    return Root(primitive(list(x.polynomial.coeffs())[::-1]), 1 / x.hi, 1 / x.lo)


def power(x: Real, exponent: int) -> Real:
    """x**exponent for a whole exponent; x is not zero where that is negative. x**0 is 1."""
    if exponent == 0:
        return fmpq(1)
    if exponent < 0:
        return inverse(power(x, -exponent))
    if isinstance(x, fmpq):
        if x.height_bits() * exponent > MOST_BITS:
            raise too_long()
        return x**exponent
    if exponent == 1:
        return x
    C, result = _companion(x), _identity(x.polynomial.degree())
    for digit in bin(exponent)[2:]:
        result = result * result * C if digit == "1" else result * result
        if max(entry.height_bits() for entry in result.entries()) > MOST_BITS:
            raise too_long()
    return _found(characteristic(result), lambda k: _raised(bracket(x, k), exponent))


def root(x: Real, degree: int) -> Real:
    """The real root of that degree of a number that is not negative. Raises NotRational for one that is."""
    if sign(x) < 0:
        raise NotRational("a root of a negative number")
    if isinstance(x, fmpq):
        if x == 0:
            return x
        if degree == 2:
            p, q = isqrt(int(x.p)), isqrt(int(x.q))
            if p * p == x.p and q * q == x.q:
                return fmpq(p, q)
        coefficients = [-x.p] + [0] * (degree - 1) + [x.q]
        return _found(fmpz_poly(coefficients), lambda k: _rooted((x, x), degree, k))
    spread: list[fmpz] = []
    for coefficient in x.polynomial.coeffs():
        spread += [coefficient] + [fmpz(0)] * (degree - 1)
    polynomial = fmpz_poly(spread[: 1 - degree] if degree > 1 else spread)
    return _found(polynomial, lambda k: _rooted(bracket(x, 2 * k), degree, k))


def absolute(x: Real) -> Real:
    """|x|."""
    return times(x, fmpq(-1)) if sign(x) < 0 else x


def eigenvalues(S: fmpq_mat) -> list[Real]:
    """Every eigenvalue of a symmetric matrix once, ascending."""
    out: list[Real] = []
    for x in _roots_of(characteristic(S)):
        place = sum(1 for y in out if compare(y, x) < 0)
        out.insert(place, x)
    return out


def _roots_of(p: fmpz_poly) -> list[Real]:
    """Every real root once, in no order."""
    found = [(factor, lo, hi) for factor in factors(p) for lo, hi in real_roots(factor)]
    return [lo if lo == hi else Root(factor, lo, hi) for factor, lo, hi in found]


def spectral_radius(A: fmpq_mat) -> Real:
    """The largest modulus of an eigenvalue: its square is the largest real eigenvalue of A (x) A."""
    squares = _roots_of(characteristic(_kronecker(A, A)))
    return root(reduce(lambda x, y: x if compare(x, y) >= 0 else y, squares), 2)


def _found(p: fmpz_poly, within: Callable[[int], tuple[fmpq, fmpq]]) -> Real:
    """The root of p that every interval of `within` holds; more bits give a narrower one."""
    roots = _roots_of(p)
    for attempt in range(_NARROWINGS):
        lo, hi = within(32 << attempt)
        roots = [r for r in roots if compare(r, lo) >= 0 >= compare(r, hi)]
        if len(roots) == 1:
            return roots[0]
    raise NotRational("two algebraic numbers too close to each other")


def _companion(x: Root) -> fmpq_mat:
    """A matrix of which x is an eigenvalue."""
    coefficients = x.polynomial.coeffs()
    n = len(coefficients) - 1
    C = fmpq_mat(n, n)
    for k in range(n):
        C[k, n - 1] = fmpq(-coefficients[k], coefficients[n])
        if k:
            C[k, k - 1] = fmpq(1)
    return C


def _identity(n: int) -> fmpq_mat:
    return fmpq_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])


def _kronecker(A: fmpq_mat, B: fmpq_mat) -> fmpq_mat:
    m, n = A.nrows(), B.nrows()
    if m * n > MOST_DEGREE:
        raise NotRational("an algebraic number of too large a degree")
    if (m * n) ** 2 * max(entry.height_bits() for entry in (*A.entries(), *B.entries())) > _MOST_WORK:
        raise too_long()
    size = range(m * n)
    return fmpq_mat(m * n, m * n, [A[i // n, j // n] * B[i % n, j % n] for i in size for j in size])


def _moved(x: Root, scale: fmpq, shift: fmpq) -> Root:
    """scale * x + shift with a scale that is not zero."""
    n = x.polynomial.degree()
    numerator, denominator = fmpz_poly([-shift.p * scale.q, scale.q * shift.q]), scale.p * shift.q
    # p((y - shift)/scale) = sum c_k numerator(y)**k denominator**(n - k) / denominator**n
    total, rising = fmpz_poly([0]), fmpz_poly([1])
    for k, c in enumerate(x.polynomial.coeffs()):
        total += rising * (c * denominator ** (n - k))
        rising *= numerator
    ends = sorted((scale * x.lo + shift, scale * x.hi + shift))
    polynomial = primitive(total.coeffs())
    if polynomial.height_bits() > 4 * MOST_BITS:
        raise too_long()
    return Root(polynomial, ends[0], ends[1])


def _added(x: tuple[fmpq, fmpq], y: tuple[fmpq, fmpq]) -> tuple[fmpq, fmpq]:
    return x[0] + y[0], x[1] + y[1]


def _multiplied(x: tuple[fmpq, fmpq], y: tuple[fmpq, fmpq]) -> tuple[fmpq, fmpq]:
    ends = [a * b for a in x for b in y]
    return min(ends), max(ends)


def _raised(x: tuple[fmpq, fmpq], exponent: int) -> tuple[fmpq, fmpq]:
    out = (fmpq(1), fmpq(1))
    for _ in range(exponent):
        out = _multiplied(out, x)
    return out


def _rooted(x: tuple[fmpq, fmpq], degree: int, bits: int) -> tuple[fmpq, fmpq]:
    """Bounds of the root of that degree of what lies between two numbers, clipped at 0."""
    unit = 1 << bits

    def floor(value: fmpq) -> int:
        scaled = value * fmpq(unit) ** degree
        return _whole_root(int(scaled.p) // int(scaled.q), degree) if value > 0 else 0

    return fmpq(floor(x[0]), unit), fmpq(floor(x[1]) + 1, unit)


def _whole_root(value: int, degree: int) -> int:
    """The largest whole number whose power is at most the value."""
    if degree == 2:
        return isqrt(value)
    lo, hi = 0, 1 << (value.bit_length() // degree + 1)
    while hi - lo > 1:
        middle = (lo + hi) // 2
        lo, hi = (middle, hi) if middle**degree <= value else (lo, middle)
    return lo
