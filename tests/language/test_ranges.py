"""Trees folded into intervals: the exact value at every rational point of a box lies inside."""

from fractions import Fraction
from math import inf, isqrt

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from checker.expression.parse import parse_expression
from checker.expression.ranges import Ranges
from checker.expression.tree import Binary, Call, Name, Negate, Node, Number
from checker.intervals import WHOLE

NAMES = ("x", "y", "z")
UNIT = st.fractions(0, 1, max_denominator=7)
ENDS = st.one_of(st.integers(-4, 4).map(float), st.floats(-1e3, 1e3), st.sampled_from((0.0, 1e-300, 1e300)))


def trees() -> st.SearchStrategy[Node]:
    """Trees of every operation that the fold knows."""
    leaves = st.one_of(st.sampled_from(NAMES).map(Name), st.fractions(-3, 3, max_denominator=9).map(Number))
    exponents = st.sampled_from([Fraction(k, 2) for k in range(-6, 7)] + [Fraction(1, 3)]).map(Number)

    def grow(below: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        squares = below.map(lambda node: Binary("*", node, node))  # roots of these are rational
        return st.one_of(
            st.builds(Negate, below),
            st.builds(Binary, st.sampled_from("+-*/"), below, below),
            st.builds(Binary, st.just("**"), st.one_of(below, squares), exponents),
            st.builds(lambda a: Call("sqrt", (a,)), st.one_of(below, squares)),
            st.builds(lambda a: Call("abs", (a,)), below),
            st.builds(
                lambda f, a: Call(f, tuple(a)), st.sampled_from(("min", "max")), st.tuples(below, below)
            ),
        )

    return st.recursive(leaves, grow, max_leaves=12)


class NoValueError(Exception):
    """The tree has no value at the point."""


class NotRationalError(Exception):
    """The value is not rational, or too long."""


def root(value: Fraction) -> Fraction:
    """The exact square root of a square of a rational."""
    if value < 0:
        raise NoValueError
    found = Fraction(isqrt(value.numerator), isqrt(value.denominator))
    if found * found != value:
        raise NotRationalError
    return found


def exact(node: Node, point: dict[str, Fraction]) -> Fraction:
    """The value at a rational point, by rational arithmetic; 0**0 is 1."""
    match node:
        case Number(value):
            return value
        case Name(name):
            return point[name]
        case Negate(argument):
            return -exact(argument, point)
        case Binary("**", base, Number(exponent)):
            if exponent.denominator > 2:
                raise NotRationalError
            value = exact(base, point)
            value = root(value) if exponent.denominator == 2 else value
            power = int(exponent * exponent.denominator)
            if value == 0 and power < 0:
                raise NoValueError
            if value.denominator.bit_length() > 10_000:
                raise NotRationalError
            return value**power
        case Binary(operator, left, right):
            a, b = exact(left, point), exact(right, point)
            if operator == "/" and b == 0:
                raise NoValueError
            return {"+": a + b, "-": a - b, "*": a * b}[operator] if operator != "/" else a / b
        case Call("sqrt", (argument,)):
            return root(exact(argument, point))
        case Call("abs", (argument,)):
            return abs(exact(argument, point))
        case Call(function, arguments):
            values = [exact(argument, point) for argument in arguments]
            return min(values) if function == "min" else max(values)
        case _:
            raise AssertionError(node)


X, Y = Name("x"), Name("y")
BOXES = st.fixed_dictionaries({name: st.tuples(ENDS, ENDS).map(sorted) for name in NAMES})


@example(tree=Call("sqrt", (X,)), box={"x": [-1.0, 4.0]}, shares={"x": Fraction(1)}, refuting=True)
@example(tree=Call("sqrt", (X,)), box={"x": [-1.0, 4.0]}, shares={"x": Fraction(0)}, refuting=False)
@example(
    tree=Binary("/", X, Y), box={"x": [1, 2], "y": [0.0, 1e-300]}, shares={"x": 1, "y": 1}, refuting=False
)
@example(tree=Binary("/", X, X), box={"x": [-1.0, 1.0]}, shares={"x": Fraction(1, 2)}, refuting=False)
@given(
    tree=trees(),
    box=BOXES,
    shares=st.fixed_dictionaries(dict.fromkeys(NAMES, UNIT)),
    refuting=st.booleans(),
)
def test_the_exact_value_at_a_point_of_a_box_lies_in_its_interval(tree, box, shares, refuting):
    """
    And where there is none, the fold is not certain that there is one, divisors at the end of a box aside.
    """
    ends = {name: (Fraction(low), Fraction(high)) for name, (low, high) in box.items()}
    point = {name: low + shares[name] * (high - low) for name, (low, high) in ends.items()}
    ranges = Ranges({name: (float(low), float(high)) for name, (low, high) in box.items()}, refuting=refuting)

    found = ranges.node(tree)

    assert found[0] <= found[1]
    try:
        value = exact(tree, point)
    except NotRationalError:
        return
    except NoValueError:
        assert not ranges.certain or _divides(tree)
        return
    assert (found[0] == -inf or Fraction(found[0]) <= value) and (
        found[1] == inf or value <= Fraction(found[1])
    )


def _divides(node: Node) -> bool:
    if isinstance(node, Binary):
        negative = node.operator == "**" and isinstance(node.right, Number) and node.right.value < 0
        return node.operator == "/" or negative or _divides(node.left) or _divides(node.right)
    return any(
        map(_divides, (node.argument,) if isinstance(node, Negate) else getattr(node, "arguments", ()))
    )


def test_definitions_are_folded_and_unknown_words_have_no_interval():
    """
    Unless refuting, where they may be anything.
    """
    values, definitions = {"x": (1.0, 2.0)}, {"q": parse_expression("x + 1")}

    low, high = Ranges(values, definitions).node(parse_expression("q"))

    assert 1.999 < low <= 2 <= 3 <= high < 3.001
    for word, text in (("z", "z + x"), ("exp", "exp(x)")):
        with pytest.raises(KeyError, match=word):
            Ranges(values, definitions).node(parse_expression(text))
        assert Ranges(values, refuting=True).node(parse_expression(text)) == WHOLE


def test_a_gap_is_taken_to_be_nonnegative():
    """
    So that a quotient by 1 - q is positive where a claim says q < 1.
    """
    gap = parse_expression("1 - q")

    low, _ = Ranges({"q": (0.0, 5.0)}, refuting=True, gaps={gap}).node(parse_expression("2/(1 - q)"))

    assert low > 0


def test_the_constant_pi_is_enclosed():
    """
    Between 3.14159265358979 and 3.1415926535898.
    """
    low, high = Ranges({}).node(parse_expression("pi"))

    assert 3.14159265358979 < low < high < 3.1415926535898


def test_an_equal_expression_is_folded_once():
    """
    The work counts distinct expressions.
    """
    ranges = Ranges({"x": (1.0, 2.0)})

    ranges.node(parse_expression("(x + 1)*(x + 1) + (x + 1)"))

    assert ranges.folded == 5  # x, 1, x + 1, its square, the sum
