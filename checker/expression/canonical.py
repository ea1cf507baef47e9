"""Is it the same number at tau = 0? Both sides brought to one canonical form, by rewriting alone.

A scalar becomes a polynomial with rational coefficients over opaque atoms (exponents may
be negative), an array a combination of opaque arrays with such coefficients. Equal forms
mean equal values wherever both sides are defined; unequal forms mean nothing.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final, TypeAlias

from checker.expression.tree import Binary, Call, Comparison, Name, Negate, Node, Number, Pi
from checker.expression.words import NORMS, TEMPORAL

_Monomial: TypeAlias = frozenset[tuple[object, int]]
_Scalar: TypeAlias = frozenset[tuple[_Monomial, Fraction]]
_Array: TypeAlias = frozenset[tuple[object, _Scalar]]
_Form: TypeAlias = _Scalar | _Array

_MAX_TERMS: Final = 200
_MAX_DEGREE: Final = 10_000
_MAX_EXPANDED_POWER: Final = 8
_MAX_BITS: Final = 4000

_ONE: Final[_Monomial] = frozenset()
_ZERO: Final[_Scalar] = frozenset()
_NOTHING: Final[_Array] = frozenset()

_ZERO_OF_ZERO: Final = NORMS | {
    "abs", "sqrt", "sin", "tanh", "sum", "min", "max", "sigma_min", "lambda_min", "lambda_max",
    "spectral_radius", "trace", "diag", "transpose", "symmetric_part", "hadamard",
}  # fmt: skip


class _TooLargeError(Exception):
    """The forms grow beyond measure, or a part has no value: no answer."""


def same_at_start(part: Comparison, definitions: Mapping[str, Node]) -> bool:
    """Are both sides provably the same number at tau = 0 (t = 0), wherever they are defined?

    There the setting's names mean their initial values, as they do in definitions; that is
    not so for `picard`, whose iterate starts at zero, and callers must not ask there about
    names that move. The path length and every `total` are 0, `least(e)` and `greatest(e)`
    are e. Sound: False means "not seen".
    """
    forms = _Forms(definitions)
    try:
        return forms.of(part.left) == forms.of(part.right)
    except _TooLargeError:
        return False


def _constant(value: Fraction) -> _Scalar:
    return frozenset({(_ONE, value)}) if value else _ZERO


def _atom(atom: object) -> _Scalar:
    return frozenset({(frozenset({(atom, 1)}), Fraction(1))})


def _value(form: _Scalar) -> Fraction | None:
    """The value of a constant form; None where it is not constant."""
    if not form:
        return Fraction(0)
    ((monomial, coefficient), *more) = form
    return coefficient if not more and not monomial else None


def _scalar(terms: Mapping[_Monomial, Fraction]) -> _Scalar:
    if len(terms) > _MAX_TERMS:
        raise _TooLargeError
    for monomial, coefficient in terms.items():
        if max(coefficient.numerator.bit_length(), coefficient.denominator.bit_length()) > _MAX_BITS:
            raise _TooLargeError
        if any(abs(exponent) > _MAX_DEGREE for _, exponent in monomial):
            raise _TooLargeError
    return frozenset((monomial, coefficient) for monomial, coefficient in terms.items() if coefficient)


def _plus(x: _Scalar, y: _Scalar) -> _Scalar:
    terms = dict(x)
    for monomial, coefficient in y:
        terms[monomial] = terms.get(monomial, Fraction(0)) + coefficient
    return _scalar(terms)


def _join(a: _Monomial, b: _Monomial) -> _Monomial:
    exponents = dict(a)
    for atom, exponent in b:
        exponents[atom] = exponents.get(atom, 0) + exponent
    return frozenset((atom, exponent) for atom, exponent in exponents.items() if exponent)


def _times(x: _Scalar, y: _Scalar) -> _Scalar:
    if len(x) * len(y) > _MAX_TERMS**2 // 4:
        raise _TooLargeError
    terms: dict[_Monomial, Fraction] = {}
    for a, p in x:
        for b, q in y:
            monomial = _join(a, b)
            terms[monomial] = terms.get(monomial, Fraction(0)) + p * q
    return _scalar(terms)


def _whole_power(x: _Scalar, k: int) -> _Scalar:
    if k == 0:
        return _constant(Fraction(1))
    if not x:
        if k < 0:
            raise _TooLargeError
        return x
    if len(x) == 1:
        ((monomial, coefficient),) = x
        size = max(coefficient.numerator.bit_length(), coefficient.denominator.bit_length())
        if abs(k) > _MAX_DEGREE or (abs(coefficient) != 1 and size * abs(k) > _MAX_BITS):
            raise _TooLargeError
        powered = frozenset((atom, exponent * k) for atom, exponent in monomial)
        return _scalar({powered: coefficient**k})
    if 0 < k <= _MAX_EXPANDED_POWER:
        out = x
        for _ in range(k - 1):
            out = _times(out, x)
        return out
    return _whole_power(_atom(("sum", x)), k)


class _Forms:
    def __init__(self, definitions: Mapping[str, Node]) -> None:
        self._definitions = definitions
        self._defined: dict[str, _Form] = {}
        self._memo: dict[Node, _Form] = {}

    def of(self, node: Node) -> _Form:
        known = self._memo.get(node)
        if known is None:
            known = self._memo[node] = self._form(node)
        return known

    def _form(self, node: Node) -> _Form:
        match node:
            case Number(value):
                return _constant(value)
            case Pi():
                return _atom("pi")
            case Name(name):
                return self._name(name, node)
            case Negate(argument):
                return self._scaled(self.of(argument), _constant(Fraction(-1)), argument)
            case Binary():
                return self._binary(node)
            case Call():
                return self._call(node)

    def _name(self, name: str, node: Name) -> _Form:
        if name in self._definitions:
            if name not in self._defined:
                self._defined[name] = self.of(self._definitions[name])
            return self._defined[name]
        if name in ("tau", "t", "path_length"):
            return _ZERO
        if name == "loss":
            return _times(_constant(Fraction(1, 2)), _whole_power(_atom(("name", "residual")), 2))
        return self._opaque(("name", name), node)

    @staticmethod
    def _opaque(atom: object, node: Node) -> _Form:
        return frozenset({(atom, _constant(Fraction(1)))}) if node.shape else _atom(atom)

    @staticmethod
    def _scaled(form: _Form, factor: _Scalar, node: Node) -> _Form:
        if not node.shape:
            return _times(form, factor)  # type: ignore[arg-type]
        if not factor:
            return _NOTHING
        return frozenset((atom, _times(weight, factor)) for atom, weight in form)  # type: ignore[misc]

    def _sum(self, x: _Form, y: _Form, array: bool) -> _Form:
        if not array:
            return _plus(x, y)  # type: ignore[arg-type]
        weights: dict[object, _Scalar] = dict(x)  # type: ignore[arg-type]
        for atom, weight in y:
            weights[atom] = _plus(weights.get(atom, _ZERO), weight)  # type: ignore[arg-type]
        if len(weights) > _MAX_TERMS:
            raise _TooLargeError
        return frozenset((atom, weight) for atom, weight in weights.items() if weight)

    def _binary(self, node: Binary) -> _Form:
        left, right, operator = node.left, node.right, node.operator
        x, y = self.of(left), self.of(right)
        if operator == "+":
            return self._sum(x, y, bool(node.shape))
        if operator == "-":
            return self._sum(x, self._scaled(y, _constant(Fraction(-1)), right), bool(node.shape))
        if operator == "*":
            return self._scaled(y, x, right) if right.shape else self._scaled(x, y, left)  # type: ignore[arg-type]
        if operator == "/":
            return self._scaled(x, _whole_power(y, -1), left)  # type: ignore[arg-type]
        if operator == "**":
            return self._power(x, y)  # type: ignore[arg-type]
        if not x or not y:
            return _NOTHING if node.shape else _ZERO
        return self._opaque(("@", x, y), node)

    def _power(self, base: _Scalar, exponent: _Scalar) -> _Scalar:
        k = _value(exponent)
        if k is not None and k.denominator == 1:
            return _whole_power(base, k.numerator)
        if _value(base) == 1 or (not base and k is not None and k > 0):
            return base
        return _atom(("**", base, exponent))

    def _call(self, node: Call) -> _Form:
        name = node.function
        if name == "next":
            return self._opaque(("next", node.arguments[0]), node)
        if name == "total":
            return _ZERO
        if name in TEMPORAL:
            return self.of(node.arguments[0])
        forms = tuple(self.of(argument) for argument in node.arguments)
        if name in ("min", "max") and len(forms) > 1:
            options = frozenset(forms)
            return next(iter(options)) if len(options) == 1 else _atom((name, options))
        if name in _ZERO_OF_ZERO and not all(forms):
            return _NOTHING if node.shape else _ZERO
        if name == "exp" and not node.shape and forms == (_ZERO,):
            return _constant(Fraction(1))
        return self._opaque((name, forms, tuple(argument.shape for argument in node.arguments)), node)
