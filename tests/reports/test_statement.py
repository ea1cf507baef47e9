"""Theorems in LaTeX: well-formed, whole, escaped, with the status of every proof step."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from report_samples import REFUTED, SUPPORTED

from checker.conditions import header
from checker.printed import printed, symbols
from checker.reading import builtin_ids, load, read_theorem
from checker.records import ProofStepRecord
from reports.latex import to_latex
from reports.statement import environment, formula, proof_block, steps_decided, steps_of, to_statement
from reports.views import view

HOSTILE = r"\input{/etc/passwd} $x & y_% # ~ ^ {] \end{document}"

_HEAD = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{textcomp}
\usepackage{amsmath}
\usepackage{amssymb}
\usepackage{amsthm}
\newtheorem*{theorem}{Theorem}
\allowdisplaybreaks
\begin{document}
"""

FULL = """
format = 1

[theorem]
id      = "everything"
title   = "Everything that a statement may hold"
setting = "deq"
kind    = "high-probability"

[theorem.source]
fidelity = "derived"

[dynamics]
algorithm = "gradient-descent"
step      = "eta"

[parameters]
eta = { domain = "0 < eta", quantifier = "forall" }
p   = { value = "0.01" }
s_w = { domain = "0 < s_w and s_w**2 < 1/8", default = "0.1" }
del = { domain = "0 < del", quantifier = "exists" }

[scope]
activation = ["relu", "leaky-relu"]
data_norm  = "sqrt(d)"
m          = "n <= m"

[probability]
over  = "initialization"
holds = "1 - p"

[initialization]
W = "normal(0, 2*s_w**2/m)"
U = "uniform(-1, 1)"
a = "zeros()"

[definitions]
l0 = "lambda_min(G)"

[hypotheses]
radius = "norm2(W) + del < 1"
step   = "eta <= min(1/l0, 2)"

[conclusions]
both = "0 <= loss <= exp(-eta*l0*tau) and well_posed"
same = "trace(G) == sum(diag(G))"

[tolerances]
same = 1e-9

[[proof]]
name   = "chain"
assume = ["0 < a < b", "b <= 1"]
show   = "a**2 < b"
"""


def well_formed(text: str) -> bool:
    """Are braces, environments, dollars and \\left...\\right balanced, in their order?"""
    plain = re.sub(r"\\\\|\\[{}$%&#_]", "", text)
    depth = 0
    for character in plain:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth < 0:
            return False
    stack: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{([a-z*]+)\}", plain):
        if kind == "begin":
            stack.append(name)
        elif not stack or stack.pop() != name:
            return False
    left, right = (len(re.findall(rf"\\{word}(?![a-z])", plain)) for word in ("left", "right"))
    return depth == 0 and not stack and left == right and plain.count("$") % 2 == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\frac{a}{b} $x$", True),
        (r"\frac{a}{b", False),
        (r"}{", False),
        (r"\begin{a}\begin{b}\end{a}\end{b}", False),
        (r"\left( x", False),
        (r"costs \$5", True),
        (r"$x", False),
    ],
)
def test_the_checker_of_these_tests_can_fail(text, expected):
    """
    Unbalanced LaTeX is seen.
    """
    assert expected is well_formed(text)


@pytest.mark.parametrize("theorem_id", builtin_ids())
def test_every_statement_is_well_formed_and_whole(theorem_id):
    """
    Every hypothesis, conclusion, definition and proof step stands in it, once.
    """
    theorem = load(theorem_id)

    text = to_statement(theorem)

    assert well_formed(text)
    for k, claim in enumerate(theorem.hypotheses, 1):
        assert f"\\item[(H{k})] ${symbols(theorem)[claim.name]}$" in text
    for k, claim in enumerate(theorem.conclusions, 1):
        assert f"\\item[(C{k})] ${symbols(theorem)[claim.name]}$" in text
    for name in theorem.definitions:
        assert f"${symbols(theorem)[name]} = " in text
    assert text.count(r"\Longrightarrow") == len(theorem.proof)
    assert text == to_statement(theorem)


def test_quantifiers_laws_scope_and_probability_are_printed():
    """
    What a reader needs in order to disagree is in the statement.
    """
    text = printed(read_theorem(FULL, "everything.toml"))

    for part in (
        r"Let $\eta$ with $0 < \eta$ and $s_{w}$ with $0 < s_{w} \quad\text{and}\quad {s_{w}}^{2}",
        r"Fix $p = 0.01$.",
        r"$\varphi \in \{\mathrm{relu}, \mathrm{leaky-relu}\}$",
        r"every column of $X$ has Euclidean norm $\sqrt{d}$ and $n \le m$",
        r"$W_{ij} \sim \mathcal{N}\left( 0, \frac{2 \, {s_{w}}^{2}}{m} \right)$",
        r"$U_{ij} \sim \mathcal{U}\left( - 1, 1 \right)$ and $a = 0$, all entries independent",
        r"Suppose that for some $\mathrm{del}$ with $0 < \mathrm{del}$",
        r"Then, with probability at least $1 - p$ over the initialization, for every $\tau \ge 0$",
        r"Equalities are meant up to a tolerance: same within",
    ):
        assert part in text
    assert well_formed(text)


def test_hostile_titles_and_names_are_set_as_themselves():
    """
    No text of a file reaches LaTeX unescaped.
    """
    theorem = read_theorem(FULL, "everything.toml")
    hostile = replace(theorem, title=HOSTILE, source=replace(theorem.source, authors=HOSTILE))
    step = ProofStepRecord(HOSTILE, "fails", HOSTILE, {"x": HOSTILE}, (HOSTILE,), HOSTILE)

    text = to_statement(hostile) + proof_block(steps_decided((step,)))

    assert well_formed(text)
    assert r"\input" not in text
    assert r"\end{document}" not in text
    assert r"\textbackslash{}input\{/etc/passwd\} \$x \& y\_\%" in text


@pytest.mark.parametrize(
    ("status", "mark"), [("holds", r"\checkmark"), ("fails", r"\times"), ("undecided", " ?")]
)
def test_every_step_carries_its_status(status, mark):
    """
    Proved, refuted with numbers to put in, or open.
    """
    found = {"x": "1/2"} if status == "fails" else None
    record = ProofStepRecord("step", status, "z3, cvc5", found, ("0 < x", "x <= 1"), "x**2 <= x")

    text = proof_block(steps_decided((record,)))

    assert (
        f"{{x}}^{{2}} \\le x \\quad {mark.strip()}" in text or f"x^{{2}} \\le x \\quad {mark.strip()}" in text
    )
    assert ("fails at x = 1/2" in text) is (status == "fails")
    assert "z3, cvc5" in text


def test_steps_that_were_not_decided_carry_no_status():
    """
    A file alone says nothing of its steps.
    """
    text = proof_block(steps_of(load("gd-least-squares")))

    assert r"\checkmark" not in text
    assert "?" not in text
    assert proof_block(()) == ""


def test_text_that_is_no_claim_is_set_as_text():
    """
    A record from elsewhere cannot break the page.
    """
    assert formula("a <= b") == r"a \le b"
    assert formula("a =< {b") == r"\text{a =\textless{} \{b}"


def test_a_name_with_two_meanings_has_no_symbol():
    """
    A hypothesis and a conclusion of one name, and a definition named like a claim.
    """
    text = FULL.replace("step   = ", "l0 = ").replace("both = ", "radius = ")

    found = symbols(read_theorem(text, "twice.toml"))

    assert set(found) == {"same"}


def test_reports_hold_the_statement_and_the_chain():
    """
    The .tex of a report has both; the header carries the symbols.
    """
    theorem = load("gd-least-squares")
    head = header(theorem)
    report = replace_header(SUPPORTED, head)

    text = to_latex(view(report))

    assert well_formed(text)
    assert r"\begin{theorem}[{Gradient descent on least squares; Folklore" in text
    assert head.latex["rate"] in text
    assert r"\begin{align*}" in to_latex(view(REFUTED))
    assert r"\times" in to_latex(view(REFUTED))


def replace_header(report, head):
    """The same report about another theorem."""
    import msgspec

    return msgspec.structs.replace(report, theorem=head)


def test_the_environment_holds_title_and_source():
    """
    An empty source leaves no stray mark.
    """
    assert environment("A", "", "B") == "\\begin{theorem}[{A}]\nB\n\\end{theorem}"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_every_statement_compiles(tmp_path):
    """
    All shipped theorems, and one that holds everything, in one document.
    """
    theorems = [*(load(i) for i in builtin_ids()), read_theorem(FULL, "everything.toml")]
    body = "\n".join(map(to_statement, theorems))
    (tmp_path / "all.tex").write_text(f"{_HEAD}{body}\\end{{document}}\n")

    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "all.tex"],  # noqa: S607
        cwd=tmp_path, capture_output=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-2000:].decode(errors="replace")
