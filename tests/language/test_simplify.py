"""What trees mention, and which sides are the same number at the start."""

import pytest
from flint import arb, arb_mat, ctx, fmpq
from hypothesis import given
from hypothesis import strategies as st
from scenery import EVERYWHERE, SHAPES, claim, expression, values

from checker.expression.enclose import enclose
from checker.expression.parse import parse_expression
from checker.expression.shapes import annotate
from checker.expression.signs import is_nonnegative, is_psd, is_symmetric, with_symmetry_shown
from checker.expression.simplify import (
    calls,
    free_names,
    free_names_of_claim,
    next_depth,
    next_depth_of_claim,
    same_at_start,
    substitute,
)
from checker.expression.text import to_text
from checker.expression.tree import Comparison

DEFINITIONS = {
    name: expression(text)
    for name, text in {"loss_0": "loss", "W_0": "W", "z": "norm2(a)", "q": "1 - eta*lambda_min(G)"}.items()
}


def same(text: str) -> bool:
    part = claim(text).parts[0]
    assert isinstance(part, Comparison)
    return same_at_start(part, DEFINITIONS)


@pytest.mark.parametrize(
    "text",
    [
        "loss <= q**tau*loss_0",
        "loss <= (1 - eta*lambda_min(G)/2)**(2*tau)*loss_0",
        "norm_fro(W - W_0) <= 0",
        "norm_fro(W - W_0) <= tau*q",
        "total(norm2(next(a) - a)) <= tau*loss",
        "least(loss) <= loss_0",
        "greatest(residual)**2/2 == loss_0",
        "norm2(a) == z",
        "loss**2/loss_0 <= loss_0",
        "(loss + 1)**2 == loss_0**2 + 2*loss + 1",
        "path_length <= 0*q",
        "min(loss, loss_0) == loss",
        "norm_fro(2*W - W_0 - W) == 0",
        "exp(-tau)*loss <= loss_0",
        "loss/(1 + tau) <= loss_0",
    ],
)
def test_what_starts_equal_is_seen_to_be_equal(text: str) -> None:
    """
    Definitions, tau = 0 and cancellation make both sides one number.
    """
    assert same(text)


@pytest.mark.parametrize(
    "text",
    [
        "loss <= 2*loss_0",
        "next(loss) <= loss",
        "next(loss) <= loss_0",
        "loss <= q**tau/(1 - q)*loss_0",
        "norm_fro(W) <= norm_fro(transpose(W) + W_0)",
        "loss <= q*loss_0",
        "next(tau) <= tau",
        "loss <= residual**2",
        "(loss - loss_0)**-1 <= 0",
        "norm2(W) <= norm_fro(W)",
    ],
)
def test_what_may_differ_is_not_called_equal(text: str) -> None:
    """
    No rule identifies sides that can differ.
    """
    assert not same(text)


def test_definitions_that_grow_without_bound_end_in_no_answer() -> None:
    """
    Repeated squaring does not make the canonical form explode.
    """
    definitions = {"q": expression("loss + residual + 1")}
    names = {**SHAPES, **{f"d{i}": () for i in range(40)}}
    definitions["d0"] = definitions["q"]
    for i in range(1, 40):
        definitions[f"d{i}"] = annotate(parse_expression(f"d{i - 1}*d{i - 1} + eta"), names, where=EVERYWHERE)
    part = Comparison("<=", annotate(parse_expression("d39"), names, where=EVERYWHERE), expression("loss"))

    assert not same_at_start(part, definitions)


SCALARS = st.recursive(
    st.sampled_from(["loss", "loss_0", "tau", "q", "eta", "1", "2", "0.5"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda x: f"({x})**2"),
        inner.map(lambda x: f"abs({x})"),
        inner.map(lambda x: f"({x})**tau"),
    ),
    max_leaves=6,
)


@given(left=SCALARS, right=SCALARS, numbers=st.tuples(*[st.fractions(-3, 3, max_denominator=7)] * 3))
def test_equal_forms_have_equal_values(left: str, right: str, numbers: tuple) -> None:
    """
    Wherever both sides are called the same, exact arithmetic at the start agrees.
    """
    residual, eta, curvature = (fmpq(x.numerator, x.denominator) for x in numbers)
    start = {"loss": residual * residual / 2, "eta": eta, "tau": fmpq(0)}
    env = values(**start, loss_0=start["loss"], q=1 - eta * curvature, lambda_min=curvature)

    if same(f"{left} <= {right}"):
        assert enclose(expression(left), env) == enclose(expression(right), env)


def test_names_calls_and_depth_are_read_off_the_tree() -> None:
    """
    Free names, functions and the reach of `next` are what the text shows.
    """
    node = expression("total(norm2(next(a) - a)) + next(next(loss))*q")

    assert frozenset({"a", "loss", "q"}) == free_names(node)
    assert frozenset({"total", "norm2", "next"}) == calls(node)
    assert next_depth(node) == 2
    assert next_depth_of_claim(claim("next(loss) <= loss and well_posed")) == 1
    assert frozenset({"loss", "well_posed"}) == free_names_of_claim(claim("loss <= 1 and well_posed"))


def test_substitution_happens_once_and_everywhere() -> None:
    """
    Each occurrence is replaced; what is put in is not looked at again.
    """
    node = substitute(expression("q*abs(q) - loss"), {"q": expression("q + eta")})

    assert to_text(node) == "(q + eta)*abs(q + eta) - loss"


@pytest.mark.parametrize(
    "text", ["loss**2 + abs(q)", "norm2(W)*exp(q)", "a @ a", "max(q, 1)", "lambda_min(G)", "q*q"]
)
def test_nonnegative_forms_are_seen(text: str) -> None:
    """
    Squares, norms and eigenvalues of Gram matrices are nonnegative by form.
    """
    assert is_nonnegative(expression(text))


@pytest.mark.parametrize(
    "text", ["q", "loss - 1", "lambda_min(symmetric_part(W))", "-abs(q)", "q**3", "min(1, q)", "W @ W"]
)
def test_nothing_else_is_called_nonnegative(text: str) -> None:
    """
    What may be negative is not called nonnegative.
    """
    assert not is_nonnegative(expression(text))


def test_symmetry_is_seen_through_form_and_through_definitions_only() -> None:
    """
    A product with its own transpose is symmetric, a square is not; definitions are shown once.
    """
    for text in (
        "G",
        "transpose(W) @ W",
        "(W - W_0) @ transpose(W - W_0)",
        "G - 2*eye(n)",
        "inv(G)",
        "diag(a)",
    ):
        assert is_symmetric(expression(text)), text
    for text in ("W", "W @ W", "(W - W_0) @ (W - W_0)", "W_0", "diag(a) @ W"):
        assert not is_symmetric(expression(text)), text
    assert is_psd(expression("transpose(T) @ T + 2*G"))
    assert not is_psd(expression("G - eye(n)"))
    shown = with_symmetry_shown(expression("lambda_min(W_0) + lambda_max(G)"), frozenset({"W_0"}))
    assert to_text(shown) == "lambda_min(symmetric_part(W_0)) + lambda_max(G)"


def test_an_enclosed_symmetric_matrix_needs_its_form() -> None:
    """
    Balls that overlap do not prove symmetry; the form, or exact equal entries, do.
    """
    third = arb("0.3333")
    env = values(W=arb_mat(2, 2, [1, third, third, 1]))

    with ctx.workprec(64), pytest.raises(Exception, match="not known to be symmetric"):
        enclose(expression("lambda_min(W)"), env)
    assert enclose(expression("lambda_min(symmetric_part(W))"), env) > 0  # type: ignore[operator]
