"""LaTeX and MathML show the same claim; both are static and escaped."""

# ruff: noqa: E501 - tables of texts and messages, one case a line

from xml.etree import ElementTree

import pytest
from hypothesis import given
from test_parse import TREES

from checker.expression.latex import latex, latex_name
from checker.expression.mathml import mathml, mathml_name
from checker.expression.parse import parse_claim, parse_expression
from checker.expression.text import to_text
from checker.expression.tree import Node


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 < x <= 1", r"0 < x \le 1"),
        ("sqrt(lambda_0)/2 >= pi", r"\frac{\sqrt{\lambda_{0}}}{2} \ge \pi"),
        ("-(a - b)**2 < 2*3", r"- \left( a - b \right)^{2} < 2 \cdot 3"),
        ("norm2(W) < 1", r"\left\lVert W \right\rVert_{2} < 1"),
        ("inv(A) @ transpose(B) == eye(n)", r"A^{- 1} \, B^{\top} = I_{n}"),
        ("next(loss) < loss and well_posed", r"\mathrm{loss} \left( \tau + 1 \right) < \mathrm{loss} \quad\text{and}\quad \mathrm{well\ posed}"),
        ("total(x) < 1e-30", r"\sum_{k = 0}^{\tau - 1} \left[ x \right]_{\tau = k} < 10^{-30}"),
        ("total(k*s) < j_0", r"\sum_{i = 0}^{\tau - 1} \left[ k \, s \right]_{\tau = i} < j_{0}"),
        ("total(next(a)) < 1", r"\sum_{k = 0}^{\tau - 1} \left[ a \left( \tau + 1 \right) \right]_{\tau = k} < 1"),
        ("least(x) > 0", r"\min_{k \le \tau} \left[ x \right]_{\tau = k} > 0"),
        ("grad_norm < 1", r"\left\lVert \nabla \mathrm{loss} \right\rVert < 1"),
        ("norm2(grad_a) < 1", r"\left\lVert \nabla_{a} \mathrm{loss} \right\rVert_{2} < 1"),
        ("norm2(transpose(grad_W)) < 1", r"\left\lVert \left( \nabla_{W} \mathrm{loss} \right)^{\top} \right\rVert_{2} < 1"),
        ("lambda_min(G) > 0", r"\lambda_{\min} \left( G \right) > 0"),
    ],
)  # fmt: skip
def test_latex_looks_like_the_paper(text: str, expected: str) -> None:
    """
    A claim is set as a paper would set it.
    """
    assert expected == latex(parse_claim(text))


def test_names_are_set_with_greek_letters_and_subscripts() -> None:
    """
    A name's first part is its letter, the rest its subscript.
    """
    assert latex_name("rho_w") == r"\rho_{w}"
    assert latex_name("L_phi") == r"L_{\varphi}"
    assert latex_name("yhat") == r"\hat{y}"
    assert "<msub><mi>λ</mi><mn>0</mn></msub>" in mathml_name("lambda_0")


@given(node=TREES)
def test_every_expression_renders_as_balanced_latex_and_well_formed_mathml(node: Node) -> None:
    """
    Rendering never fails, braces balance, and the markup parses.
    """
    shown = latex(node)

    assert shown.count("{") == shown.count("}")
    assert shown.count(r"\left") == shown.count(r"\right")
    ElementTree.fromstring(mathml(node))  # noqa: S314


def test_markup_is_escaped_and_carries_no_script() -> None:
    """
    Comparison signs are escaped; there is markup only.
    """
    markup = mathml(parse_claim("a < b and b >= a"))

    assert "<mo>&lt;</mo>" in markup
    assert "script" not in markup


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0<x<=1 and x<2", "0 < x <= 1 and x < 2"),
        ("(a+b)*c-(d-e)", "(a + b)*c - (d - e)"),
        ("(-x)**2 - -x", "(-x)**2 - -x"),
        ("a/(b*c)/d", "a/(b*c)/d"),
        ("0.10*x", "0.1*x"),
        ("1e-30", "1e-30"),
        ("(W@U)@X", "W @ U @ X"),
    ],
)
def test_canonical_text_has_no_needless_brackets(text: str, expected: str) -> None:
    """
    Canonical text writes each tree one way.
    """
    tree = parse_claim(text) if "<" in text else parse_expression(text)

    assert expected == to_text(tree)
