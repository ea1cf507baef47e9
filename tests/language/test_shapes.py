"""Shapes are checked before anything runs, and both shapes are named."""

# ruff: noqa: E501 - tables of texts and messages, one case a line

import pytest
from scenery import EVERYWHERE, SHAPES, claim, expression

from checker.errors import ExpressionError
from checker.expression.dims import dimension
from checker.expression.parse import parse_expression
from checker.expression.shapes import Where, annotate
from checker.expression.tree import Atom, Dim, Shape


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("W @ U @ X", ("m", "n")),
        ("W @ a", ("m",)),
        ("a @ U", ("d",)),
        ("a @ a", ()),
        ("2*W - W/3", ("m", "m")),
        ("transpose(U)", ("d", "m")),
        ("diag(a)", ("m", "m")),
        ("diag(W)", ("m",)),
        ("eye(2*m - m) + W", ("m", "m")),
        ("ones(n + m)", ("m + n",)),
        ("max(a)", ()),
        ("min(loss, eta, 1)", ()),
        ("sum(U)", ()),
        ("sqrt(U)", ("m", "d")),
        ("hadamard(W, inv(W))", ("m", "m")),
        ("next(a) - a", ("m",)),
        ("equilibrium(ones(d))", ("m",)),
        ("sigma_min(U)", ()),
    ],
)
def test_each_expression_has_the_shape_of_its_value(text: str, shape: Shape) -> None:
    """
    The annotated shape is that of the value.
    """
    assert shape == expression(text).shape


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("norm2(W) @ X", 10, "'@' needs arrays on both sides; 'norm2(W)' is a scalar, 'X' is a matrix (d, n); write '*'"),
        ("W @ X", 3, "'@' needs equal inner dimensions; 'W' is a matrix (m, m), 'X' is a matrix (d, n)"),
        ("W + 1", 3, "'+' needs equal shapes; 'W' is a matrix (m, m), '1' is a scalar; write eye(k) or ones(k) times the scalar"),
        ("W - U", 3, "'-' needs equal shapes; 'W' is a matrix (m, m), 'U' is a matrix (m, d)"),
        ("lambda_min(U)", 1, "lambda_min needs a square matrix; 'U' is a matrix (m, d)"),
        ("transpose(a)", 1, "transpose needs a matrix; 'a' is a vector (m); a vector stands on either side of '@' as it is"),
        ("norm2(loss)", 1, "norm2 needs an array; 'loss' is a scalar; write abs"),
        ("1/W", 2, "'/' needs a scalar on its right; 'W' is a matrix (m, m); write inv(A) for an inverse"),
        ("W**2", 2, "'**' needs scalars; 'W' is a matrix (m, m); write '@' or hadamard(A, B)"),
        ("los", 1, "unknown name 'los'; did you mean 'loss'?"),
        ("nrm2(W)", 1, "unknown function 'nrm2'; did you mean 'norm2'?"),
        ("loss(2)", 1, "'loss' is not a function; write '*' for a product"),
        ("norm2", 1, "'norm2' is a function; write norm2(...)"),
        ("1 + well_posed", 5, "'well_posed' is a claim by itself, not a number; join it with 'and'"),
        ("eye(loss)", 5, "a dimension is a size (n, d, m), a whole number, or a sum, difference or product of these"),
        ("max(loss)", 1, "max takes several scalars or one array"),
        ("total(a)", 1, "total needs a scalar; 'a' is a vector (m)"),
        ("sqrt()", 1, "sqrt takes 1 argument, not 0"),
        ("next(" * 9 + "loss" + ")" * 9, 41, "'next' looks at most 8 steps ahead"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_both_shapes(text: str, column: int, message: str) -> None:
    """
    An error says which parts do not fit, and their shapes.
    """
    with pytest.raises(ExpressionError) as caught:
        expression(text)

    assert (column, message) == (caught.value.column, caught.value.message)


def test_a_comparison_needs_scalars_and_a_claim_by_itself_needs_none() -> None:
    """
    Arrays are not compared; `well_posed` and `well_posed(x)` stand alone.
    """
    with pytest.raises(ExpressionError, match=r"a comparison needs two scalars; 'W' is a matrix \(m, m\)"):
        claim("W == W")
    with pytest.raises(ExpressionError, match="'loss' is no claim"):
        claim("loss")

    parts = claim("well_posed and well_posed(ones(d))").parts
    assert all(isinstance(part, Atom) for part in parts)


def test_temporal_operators_are_refused_where_time_stands_still() -> None:
    """
    `next` outside conclusions is refused with the place named.
    """
    with pytest.raises(ExpressionError, match="'next' appears in conclusions only, not in a definition"):
        annotate(parse_expression("next(loss)"), SHAPES, where=Where(place="a definition"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m", "d"),
        ("2*n - n", "n"),
        ("3", 3),
        ("n*d + 2", "d*n + 2"),
        ("n - n + 4", 4),
        ("-n + 2*m", "2*d - n"),
    ],
)
def test_dimensions_are_canonical_and_know_aliases(text: str, expected: Dim) -> None:
    """
    Equal dimensions have equal texts, also where m is d.
    """
    assert expected == dimension(parse_expression(text), {"n": "n", "d": "d", "m": "d"})


def test_dimensions_out_of_range_are_refused() -> None:
    """
    A constant dimension lies between 1 and 4096.
    """
    for text in ("eye(0)", "ones(5000)", "eye(n - n)"):
        with pytest.raises(ExpressionError, match="a dimension lies between 1 and 4096"):
            annotate(parse_expression(text), SHAPES, where=EVERYWHERE)
