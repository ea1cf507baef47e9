"""Reading the claim language: what it means, what it refuses, and that refusing is fast."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.errors import ExpressionError
from checker.expression.parse import parse_claim, parse_expression
from checker.expression.text import to_text
from checker.expression.tree import Atom, Binary, Call, Comparison, Name, Negate, Node, Number, Pi


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("-x**2", "-(x**2)"),
        ("2**-1", "2**(-1)"),
        ("2**3**2", "2**(3**2)"),
        ("a - b - c", "(a - b) - c"),
        ("a/b*c", "(a/b)*c"),
        ("-a*b", "(-a)*b"),
        ("a + b @ c", "a + (b @ c)"),
        ("a*b @ c", "(a*b) @ c"),
        ("--x", "-(-x)"),
        ("a\n + b", "a + b"),
    ],
)
def test_precedence_is_that_of_python(text: str, same: str) -> None:
    """
    Operators bind as in Python.
    """
    assert parse_expression(same) == parse_expression(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.1", Fraction(1, 10)), (".5", Fraction(1, 2)), ("5.", 5), ("1e-3", Fraction(1, 1000)), ("2E2", 200)],
)
def test_numbers_are_exact_decimals(text: str, value: Fraction) -> None:
    """
    A decimal stands for exactly the rational it writes.
    """
    assert Number(Fraction(value)) == parse_expression(text)


def test_chains_and_conjunctions_become_comparisons_in_order() -> None:
    """
    A chain is its neighbouring comparisons; `and` joins them, in parentheses too.
    """
    claim = parse_claim("0 < x <= 1 and (well_posed and (y == x))")

    x = Name("x")
    expected = (
        Comparison("<", Number(Fraction(0)), x),
        Comparison("<=", x, Number(Fraction(1))),
        Atom(Name("well_posed")),
        Comparison("==", Name("y"), x),
    )
    assert expected == claim.parts


@pytest.mark.parametrize(
    ("text", "column", "advice"),
    [
        ("gap =< q**tau * gap_0", 5, "write '<='"),
        ("a => b", 3, "write '>='"),
        ("a = b", 3, "write '==' to compare"),
        ("a != b", 3, "there is no '!='; write '<' or '>'"),
        ("a < b && c < d", 7, "write 'and'"),
        ("x^2 < 1", 2, "write '**' for a power"),
        ("x ≤ y", 3, "write '<='"),
        ("x ≥ y", 3, "write '>='"),
        ("a.b < 1", 2, "there are no attributes; write a plain name or a number such as 0.5"),
        ("a[0] < 1", 2, "write round brackets; there is no indexing"),
        ("f(k=1) < 1", 4, "write '==' to compare"),
        ("'a' < 1", 1, "there are no strings"),
        ("2x < 1", 2, "write an operator between the two; '*' for a product"),
        ("x (y) z < 1", 7, "write an operator between the two; '*' for a product"),
        ("not a < b", 1, "there is no 'not'; write the opposite comparison"),
        ("a < b or c < d", 7, "there is no 'or'; write two theorems"),
        ("1_000 < x", 2, "write digits without '_'"),
        ("a < ", 4, "something is missing at the end"),
        ("a + b", 1, "a claim is a comparison; write one of < <= > >= == between two sides"),
        ("(a < b", 1, "this '(' is never closed"),
        ("a < b)", 6, "this ')' closes nothing"),
        ("x < +1", 5, "leave out the '+'"),
        ("a < *b", 5, "a name, a number or '(' is expected before '*'"),
        ("9**9**9**9 < 1", 5, "a constant exponent lies between -10000 and 10000"),
        ("(2**9999)**9999 < 1", 10, "a constant may have at most 40000 bits"),
        ("1e500 < 1", 1, "a decimal exponent lies between -400 and 400"),
    ],
)
def test_what_cannot_be_read_is_answered_with_what_to_write(text: str, column: int, advice: str) -> None:
    """
    An error quotes the text, points at the column and says what to write instead.
    """
    with pytest.raises(ExpressionError) as caught:
        parse_claim(text)

    assert (column, f"cannot read '{text}'; {advice}") == (caught.value.column, caught.value.message)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        "(" * 900 + "1" + ")" * 900 + " < 1",
        "(" * 100_000 + "1",
        "-" * 1900 + "1 < 1",
        "+".join(["1"] * 900) + " < 1",
        "**".join(["x"] * 600) + " < 1",
        "2**" * 600 + "2 < 1",
        "f(" * 60 + "x" + ")" * 60 + "*x" * 200 + " < 1",
        "9**9**9**9**9 < 1",
        "1/9**(9**9) < 1",
        "1" * 61 + " < 1",
        "__import__('os').system('true') < 1",
        "",
        "   ",
        "\x00 < 1",
    ],
)
def test_hostile_texts_are_refused_at_once_with_one_line(text: str) -> None:
    """
    No text makes reading hang, deep or large.
    """
    with pytest.raises(ExpressionError) as caught:
        parse_claim(text)

    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 300


def test_the_largest_allowed_tree_can_be_folded() -> None:
    """
    What is read can be printed and hashed without running out of stack.
    """
    node = parse_expression("+".join(["x"] * 128))

    assert "x" in to_text(node)
    assert hash(node) == hash(parse_expression("+".join(["x"] * 128)))
    assert parse_expression("(" * 64 + "x" + ")" * 64) == Name("x")


LEAVES = st.one_of(
    st.fractions(0, 100, max_denominator=1).map(Number),
    st.integers(0, 10**6).map(lambda k: Number(Fraction(k, 1000))),
    st.sampled_from(["x", "loss_0", "order", "andy"]).map(Name),
    st.just(Pi()),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Negate, inner),
        st.builds(Binary, st.sampled_from(["+", "-", "*", "/", "@"]), inner, inner),
        st.builds(lambda base, k: Binary("**", base, Number(Fraction(k))), inner, st.integers(0, 3)),
        st.builds(lambda first, second: Call("hadamard", (first, second)), inner, inner),
    ),
    max_leaves=12,
)


@given(node=TREES)
def test_printing_and_reading_again_gives_the_same_tree(node: Node) -> None:
    """
    `to_text` writes what `parse_expression` reads back.
    """
    text = to_text(node)

    assert node == parse_expression(text)


@given(text=st.text(alphabet="xyz019.+-*/@<>=()_, and\tπ≤'[", max_size=40))
def test_any_text_is_read_or_refused_with_an_expression_error(text: str) -> None:
    """
    Reading ends in a claim or in an ExpressionError, never in another exception.
    """
    try:
        claim = parse_claim(text)
    except ExpressionError as error:
        assert 1 <= error.column <= len(text) + 1
    else:
        assert parse_claim(to_text(claim)).parts == claim.parts
