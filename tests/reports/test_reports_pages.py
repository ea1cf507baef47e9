"""Pages: self-contained, escaped, complete, and the same bytes every time."""

import re
from html.parser import HTMLParser

import msgspec
import pytest
from check_samples import CHECKS, DOES_NOT_APPLY, HOSTILE, MATHML
from report_samples import AUDITS, EVERY, REFUTED, SUPPORTED, VACUOUS, VALID

from checker import records
from checker.records import VerifyReport
from reports.html import to_fragment, to_html
from reports.mathml import is_safe_mathml
from reports.notebook import Shown
from reports.views import Report, view

EVERY_REPORT = pytest.mark.parametrize("report", EVERY.values(), ids=EVERY.keys())


class _Page(HTMLParser):
    """Collects what a browser would see: tags, attributes, text; refuses tags that do not nest."""

    VOID = frozenset({"meta", "img", "br", "link", "input", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@EVERY_REPORT
def test_a_page_is_well_nested_and_needs_nothing_from_outside(report: Report):
    """
    No script, no handler, no address outside the file; images are data.
    """
    page = _Page(to_html(view(report)))

    assert not {"script", "iframe", "object", "embed", "link", "base", "form"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        assert (
            attributes.get("src", "data:").startswith("data:image/svg+xml;base64,") or "src" not in attributes
        )
        assert "href" not in attributes
    assert "url(" not in to_html(view(report))
    assert "@import" not in to_html(view(report))


@EVERY_REPORT
def test_the_same_record_makes_the_same_page(report: Report):
    """
    Rendering twice gives the same bytes.
    """
    assert to_html(view(report)) == to_html(view(report))


@pytest.mark.parametrize("name", ["check-hostile", "audit-hostile", "verify-hostile"])
def test_hostile_text_stays_text(name: str):
    """
    Markup in titles, names, claims, values and MathML is shown, never run.
    """
    text = to_html(view(EVERY[name]))

    assert "<script" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert '<script>alert("x")</script>' in _Page(text).text
    assert "<script>" in HOSTILE


def test_the_verdict_its_basis_and_its_reason_come_first():
    """
    What a reader looks for stands before everything else, in words.
    """
    text = _Page(to_html(view(DOES_NOT_APPLY))).text
    order = [
        "DOES NOT APPLY",
        "proof",
        "condition_7 fails",
        "missed by a factor 17200",
        "RECALLED",
        "Assumption 1",
    ]

    positions = [text.index(words, text.index("Condition report ·")) for words in order]

    assert sorted(positions) == positions


def test_a_failed_proof_step_stands_between_verdict_and_theorem():
    """
    The first thing after the verdict is the gap in the proof.
    """
    text = to_html(view(REFUTED))

    assert (
        text.index("REFUTED") < text.index("The proof has a gap") < text.index("Global convergence of over-")
    )


def test_claims_are_formulas_where_the_record_has_them():
    """
    MathML stands as MathML, with the claim's own text beside it.
    """
    text = to_html(view(DOES_NOT_APPLY))

    assert MATHML in text
    assert "lambda_0 &gt;= 4*(c_w**2 + c_u**2)*norm_fro(X)**2" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MATHML, True),
        ("<math><mi>x</mi></math>", True),
        ('<math display="block"><mspace width="1em"/><mo>&lt;</mo></math>', True),
        ("", False),
        ("x", False),
        ("<mi>x</mi>", False),
        ("<math><mi>x</mi>", False),
        ("<math><mi>x</math></mi>", False),
        ("<math></math><math></math>", False),
        ("<math><script>x</script></math>", False),
        ('<math onclick="x"></math>', False),
        ('<math href="javascript:x"></math>', False),
        ('<math display="a&quot;b"></math>', False),
        ("<math>&evil;</math>", False),
        ("<math><mi>x</mi></math>\n", False),
    ],
)
def test_only_plain_mathml_is_let_through(text: str, expected: bool):
    """
    One well-nested element of known tags and attributes is MathML; everything else is text.
    """
    assert expected is is_safe_mathml(text)


@pytest.mark.parametrize(
    ("report", "tone"),
    [
        (SUPPORTED, "good"),
        (REFUTED, "bad"),
        (VACUOUS, "void"),
        (AUDITS["empty"], "open"),
        (CHECKS["undecided"], "open"),
    ],
    ids=["supported", "refuted", "vacuous", "inconclusive", "undecided"],
)
def test_the_banner_has_the_tone_of_the_verdict(report: Report, tone: str):
    """
    Green and red are for decided verdicts only.
    """
    assert f'<header class="banner {tone}">' in to_html(view(report))


def test_every_plot_can_be_read_without_seeing_it():
    """
    Images carry the sentence that replaces them.
    """
    page = _Page(to_html(view(SUPPORTED)))

    alts = [attributes["alt"] for tag, attributes in page.tags if tag == "img"]

    assert alts == [
        "Loss over the steps: the first 32 of 34 runs as a faint band, "
        "the worst run marked, the prediction dashed.",
        "Both sides of next(loss) <= loss along its worst run: the worst run marked, the prediction dashed.",
    ]


def test_nothing_not_done_is_said_too():
    """
    What was not checked is listed, and when nothing was cut off the page says so.
    """
    assert "the budget of 60 seconds ended" in to_html(view(REFUTED))
    assert "Nothing was cut off" in to_html(view(SUPPORTED))


def _texts_of(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (str(key), *_texts_of(item))]
    if isinstance(value, list):
        return [text for item in value for text in _texts_of(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("report", [DOES_NOT_APPLY, SUPPORTED, REFUTED, VACUOUS, VALID], ids=lambda r: r.kind)
def test_every_word_of_a_record_is_on_its_page(report: Report):
    """
    Nothing that a report says is lost on the way to the page.
    """
    shown = re.sub(r"\s+", "", _Page(to_html(view(report))).text).lower()
    record = msgspec.to_builtins(report)
    for key in ("format", "kind", "verdict", "status", "simulation"):
        record.pop(key, None)
    if not isinstance(report, VerifyReport):
        record["theorem"].pop("latex")
    bounds = re.compile(r"-?[\d.]+(e-?\d+)?|math|.*<math.*", re.DOTALL)
    keys = {key for struct in vars(records).values() for key in getattr(struct, "__struct_fields__", ())}
    keys |= {"authors", "year", "arxiv", "where", "fidelity", "notes"}

    missing = [
        text for text in _texts_of(record)
        if text not in keys and not bounds.fullmatch(text) and re.sub(r"\s+", "", text).lower() not in shown
    ]  # fmt: skip

    assert missing == []


def test_a_notebook_shows_a_fragment_that_keeps_to_itself():
    """
    In a notebook a report is one element whose styles touch nothing else.
    """
    fragment = Shown(SUPPORTED)._repr_html_()
    style = fragment[fragment.index("<style>") + 7 : fragment.index("</style>")]
    rules = re.findall(r"(?:^|\})\s*([^{}@]+)\{", re.sub(r"@media[^{]+\{", "}", style))

    assert fragment == to_fragment(view(SUPPORTED))
    assert fragment.startswith('<div class="dq">')
    assert rules
    assert all(part.strip().startswith(".dq") for rule in rules for part in rule.split(","))
    assert repr(Shown(SUPPORTED)).startswith("✓ SUPPORTED (basis: sample)")
