"""Terminal text, Markdown and LaTeX: readable, escaped, and the same every time."""

import re

import msgspec
import pytest
from check_samples import APPLIES, DOES_NOT_APPLY, HOSTILE, UNDECIDED
from report_samples import AUDITS, EMPTY_AUDIT, EVERY, REFUTED, SUPPORTED, VALID

from checker.records import HypothesisUse
from reports import latex, markdown
from reports.latex import to_latex
from reports.markdown import to_markdown
from reports.text import to_text, verdict_line, wrapped
from reports.views import Report, view

EVERY_REPORT = pytest.mark.parametrize("report", EVERY.values(), ids=EVERY.keys())


@EVERY_REPORT
def test_terminal_text_fits_80_columns_and_holds_no_escapes(report: Report):
    """
    Without colours a summary is plain text of at most 80 columns.
    """
    text = to_text(view(report))

    assert all(len(line) <= 80 for line in text.splitlines())
    assert "\x1b" not in text
    assert text == to_text(view(report))


@EVERY_REPORT
def test_colours_change_nothing_but_colours(report: Report):
    """
    With its colours taken off, the coloured summary is the plain one.
    """
    plain = re.sub(r"\x1b\[[\d;]*m", "", to_text(view(report), colour=True))

    assert plain == to_text(view(report))


def test_the_verdict_and_its_basis_are_the_first_line():
    """
    A summary starts with what was asked.
    """
    assert to_text(view(DOES_NOT_APPLY)).splitlines()[0] == "✗ DOES NOT APPLY (basis: proof)"
    assert to_text(view(UNDECIDED)).splitlines()[0] == "? UNDECIDED"
    assert verdict_line(view(VALID)) == "✓ VALID"


def test_undecided_is_never_painted_green_or_red():
    """
    Amber and grey are for what is not decided.
    """
    text = to_text(view(EMPTY_AUDIT), colour=True)

    assert text.startswith("\x1b[1;33m? INCONCLUSIVE")
    assert "\x1b[1;32m" not in text
    assert "\x1b[1;31m" not in text


def test_a_failed_proof_step_follows_the_verdict_in_the_terminal_too():
    """
    The gap stands before the theorem, with the numbers to put in.
    """
    text = to_text(view(REFUTED))

    assert text.index("The proof has a gap") < text.index("ling-2023-theorem-1:")
    assert "fails at eta = 1/64, C1 = 1, C2 = 1/4, lambda_0 = 1" in text


_USES = (
    HypothesisUse("curvature", True, "without it rate fails", certificate="out/x.certificate.json"),
    HypothesisUse("radius", False, "implied by curvature", implied_by=("curvature",)),
    HypothesisUse("step_size", None, "no violation was found without it"),
    HypothesisUse("start", False, "implied by radius", implied_by=("radius",)),
)


def test_the_terminal_says_what_is_needed_and_how_to_check_it():
    """
    The proof's engines, the need for each hypothesis and the commands for its certificates are there.
    """
    text = " ".join(to_text(view(msgspec.structs.replace(SUPPORTED, hypothesis_use=_USES))).split())

    assert "Needed: curvature; implied by others: radius, start; not known: step_size" in text
    assert "curvature Re-check it with: deqaudit verify out/x.certificate.json" in text
    assert re.search(r"Proof steps: \d+ holds?, .* undecided \(", text)
    assert "Certificates" not in to_text(view(SUPPORTED))


def test_a_check_says_its_configuration_in_one_line():
    """
    Sizes, data, seed and parameters stand in the summary.
    """
    assert "Configuration: n=4, d=8, data=sphere, labels=random, eta=0.80128374650\n" in to_text(
        view(APPLIES)
    )
    assert "eta=1/1024, delta=0.1730612, s_w=0.1" in " ".join(to_text(view(DOES_NOT_APPLY)).split())


def test_that_hypotheses_may_go_only_one_at_a_time_is_said_once():
    """
    Where more than one is implied by the others, the table says what that does not show.
    """
    several = to_markdown(view(msgspec.structs.replace(SUPPORTED, hypothesis_use=_USES)))

    assert several.count("does not show that all of them may go together") == 1
    assert "may go together" not in to_markdown(view(SUPPORTED))


def test_latex_of_an_audit_holds_what_was_not_checked_and_each_proof_step_once():
    """
    Satisfiability, need, environment and what was not done are in the document; steps stand in the chain.
    """
    text = to_latex(view(msgspec.structs.replace(REFUTED, hypothesis_use=_USES)))

    for title in ("Can the hypotheses hold at all?", "Is each hypothesis needed?", "What was not checked"):
        assert text.count(rf"\subsection*{{{title}}}") == 1
    assert r"\subsection*{Seed and versions}" in text
    assert "the budget of 60 seconds ended" in text
    assert r"\subsection*{Proof steps}" not in text
    assert text.count(r"\subsection*{The proof steps as a chain}") == 1


def test_wrapped_lines_never_exceed_the_width():
    """
    A long word is broken, an empty text gives no line.
    """
    assert all(len(line) <= 80 for line in wrapped("x" * 500, indent="    "))
    assert wrapped("") == []
    assert wrapped("", first="- ") == ["-"]


@EVERY_REPORT
def test_markdown_tables_have_one_width(report: Report):
    """
    No text breaks out of its cell, and no markup comes from a record.
    """
    text = to_markdown(view(report))
    blocks = re.split(r"\n(?!\|)", text)

    for block in blocks:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines() if line.startswith("|")}
        assert len(widths) <= 1
    outside_code = re.sub(r"```sh\n.*?\n```|(`+)[^\n]*?\1", "", text, flags=re.DOTALL)
    assert "<script" not in outside_code


def test_markdown_escapes_what_would_be_markup():
    """
    Text reads as itself wherever it stands.
    """
    assert markdown.escape("a_b *c* [d](e) <f> & `g` | #h") == (
        "a\\_b \\*c\\* \\[d\\]\\(e\\) &lt;f&gt; &amp; \\`g\\` \\| \\#h"
    )
    assert markdown.escape("- item") == "\\- item"
    assert markdown.escape("1. item") == "1\\. item"
    assert markdown.escape("0.3247 is a number") == "0.3247 is a number"
    assert markdown.code("a`b|c") == "``a`b\\|c``"
    assert markdown.code("`") == "`` ` ``"
    assert markdown.code("") == ""


def test_markdown_says_verdict_basis_and_command():
    """
    What a reader of an issue needs is there.
    """
    text = to_markdown(view(REFUTED))

    assert text.startswith("# ✗ REFUTED: ling-2023-theorem-1\n\nBasis: ● witness")
    assert "```sh\ndeqaudit verify ling-2023-theorem-1.counterexample.json\n```" in text
    assert "**RECALLED**" in text


def _unescaped(text: str) -> str:
    """The text without escaped characters and without commands of our own."""
    return re.sub(r"\\[{}$&#%_\\]|\\[A-Za-z]+\*?", "", text)


@EVERY_REPORT
def test_latex_braces_balance_and_nothing_is_let_through(report: Report):
    """
    Every brace closes, every environment ends, and no command comes from a record.
    """
    text = to_latex(view(report))
    plain = _unescaped(text)

    assert plain.count("{") == plain.count("}")
    assert plain.count("$") % 2 == 0
    assert re.findall(r"\\begin\{(\w+)\}", text).count("longtable") == text.count(r"\end{longtable}")
    assert r"\input" not in text
    assert "#" not in plain
    assert text.isascii() or report not in AUDITS.values()
    assert text == to_latex(view(report))


def test_latex_escapes_every_special_character():
    """
    Specials, Greek letters, accents and unknown characters all compile.
    """
    assert latex.escape("50% of $x_1 & #2 {a}^~\\") == (
        r"50\% of \$x\_1 \& \#2 \{a\}\textasciicircum{}\textasciitilde{}\textbackslash{}"
    )
    assert latex.escape("λ ≥ Ω, é 漢") == r"$\lambda$ $\ge$ $\Omega$, é \texttt{U+6F22}"
    assert latex.escape("a--b") == "a{-}{-}b"
    assert HOSTILE not in latex.escape(HOSTILE)


def test_latex_uses_the_formula_where_the_record_has_one():
    """
    A claim with LaTeX of its own stands as a formula, the others as code.
    """
    text = to_latex(view(SUPPORTED))

    assert r"$\mathrm{loss} \le (1 - \eta \lambda_0)^{2\tau} \mathrm{loss}_0$" in text
    assert r"\texttt{next(\allowbreak{}loss)" in text
    assert r"\toprule" in text
