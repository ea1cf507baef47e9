"""What follows from premises by adding them up: signs of atoms, and the order of sums.

A fact is found in floats, by linear programming over the premises' monomials, and named with the premises it
uses; whether it follows from them is then asked of two solvers. Source: Farkas' lemma, Schrijver, Theory of
Linear and Integer Programming (1986), Corollary 7.1h.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.optimize import linprog  # pyright: ignore[reportMissingTypeStubs]

from checker.satisfiability.monomials import ONE, Monomial, Polynomial

_TINY = 1e-9
_LEAST_GAIN = 1e-6
_COST, _MOST = 1e-3, 1e3
_PLAIN = {"presolve": False}


@dataclass(frozen=True)
class Known:
    """A polynomial that is at least 0 (above 0 where `strict`, 0 where `equal`), from one premise."""

    polynomial: Mapping[Monomial, Fraction]
    premise: int
    strict: bool = False
    equal: bool = False


class Sums:
    """Nonnegative combinations of known polynomials and of monomials without negative values."""

    def __init__(self, known: Sequence[Known], nonnegative: Iterable[Monomial]) -> None:
        self._known = list(known)
        self._signed = [*known, *(k for k in known if k.equal)]
        self._monomials = sorted(nonnegative)
        self._rows = sorted({m for k in known for m in k.polynomial} | set(self._monomials) | {ONE})
        self._index = {m: i for i, m in enumerate(self._rows)}
        self._matrix = self._columns()

    def _columns(self) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
        count = len(self._signed) + len(self._monomials) + 1
        matrix = np.zeros((len(self._rows), count))
        for j, known in enumerate(self._signed):
            sign = -1.0 if j >= len(self._known) else 1.0
            for monomial, coefficient in known.polynomial.items():
                matrix[self._index[monomial], j] = sign * float(coefficient)
        for j, monomial in enumerate(self._monomials):
            matrix[self._index[monomial], len(self._signed) + j] = 1.0
        matrix[self._index[ONE], -1] = 1.0
        return matrix

    def follows(self, polynomial: Polynomial) -> tuple[frozenset[int], bool] | None:
        """The premises from which it follows that the polynomial is >= 0, and whether even > 0; or None."""
        if any(m not in self._index for m in polynomial):
            return None
        target = np.zeros(len(self._rows))
        for monomial, coefficient in polynomial.items():
            target[self._index[monomial]] = float(coefficient)
        gain = np.array(
            [1.0 if k.strict else 0.0 for k in self._signed] + [0.0] * len(self._monomials) + [1.0]
        )
        found = linprog(
            _COST - gain, A_eq=self._matrix, b_eq=target, bounds=(0, _MOST), method="highs-ds", options=_PLAIN
        )
        if found.status != 0:
            return None
        used = [k for k, w in zip(self._signed, found.x, strict=False) if w > _TINY]
        return frozenset(k.premise for k in used), float(gain @ found.x) > _LEAST_GAIN

    def largest(self, polynomial: Polynomial) -> float | None:
        """The least c for which polynomial <= c follows; None where there is none."""
        if any(m not in self._index for m in polynomial):
            return None
        target = np.zeros(len(self._rows))
        for monomial, coefficient in polynomial.items():
            target[self._index[monomial]] = -float(coefficient)
        matrix = self._matrix.copy()
        matrix = np.hstack([matrix[:, :-1], np.zeros((len(self._rows), 1))])
        matrix[self._index[ONE], -1] = -1.0
        cost = np.zeros(matrix.shape[1])
        cost[-1] = 1.0
        bounds: list[tuple[float | None, float | None]] = [(0.0, _MOST)] * (matrix.shape[1] - 1)
        found = linprog(cost, A_eq=matrix, b_eq=target, bounds=[*bounds, (None, None)], method="highs-ds")
        return float(found.x[-1]) if found.status == 0 else None
