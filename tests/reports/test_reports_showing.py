"""Theorems, listings and templates for reading: complete, true to what was read, 80 columns wide."""

import json

import pytest

from checker.declaration import read_theorem
from checker.errors import UsageError
from checker.reading import builtin_ids, load
from checker.settings import SETTINGS
from reports.showing import listing, listing_json, shape_text, show
from reports.template import template, write_template

EVERYTHING = """
format = 1
[theorem]
id = "everything"
title = "A theorem with every table \\u001b[31m"
setting = "deq"
kind = "high-probability"
statement = "Words."
[theorem.source]
fidelity = "reconstructed"
authors = "A. Author"
arxiv = "2205.13814"
[dynamics]
algorithm = "gradient-descent"
step = "eta"
kink = "1/2"
[parameters]
eta = { domain = "0 < eta", quantifier = "forall" }
s_w = { domain = "0 < s_w", quantifier = "forall", default = "0.1" }
p = { value = "0.01" }
C = { domain = "0 < C", quantifier = "hidden", depends_on = ["s_w"] }
[scope]
activation = ["relu", "tanh"]
data_norm = "sqrt(d)"
m = "n <= m"
[initialization]
W = "normal(0, 2*s_w**2/m)"
[data]
y = "normal(0, 1/d)"
[definitions]
lambda_0 = "lambda_min(G)"
[hypotheses]
wide = { claim = "C*n <= m", why = "Width." }
[conclusions]
same = { claim = "loss == loss", tight = true }
[tolerances]
same = "0.001"
[probability]
over = "initialization"
holds = "1 - p"
[[proof]]
name = "a step"
assume = ["0 < x"]
show = "0 <= x"
"""


@pytest.mark.parametrize("theorem_id", builtin_ids())
def test_a_built_in_theorem_is_shown_whole(theorem_id: str):
    """
    Statement, fidelity, every hypothesis, conclusion and proof step stand in 80 columns.
    """
    theorem = load(theorem_id)

    text = show(theorem)

    joined = "".join(text.split())
    assert all(len(line) <= 80 for line in text.splitlines())
    assert f"[{theorem.source.fidelity}]" in text
    for named in (*theorem.hypotheses, *theorem.conclusions):
        assert "".join(named.name.split()) in joined
        assert "".join(named.claim.text.split()) in joined
        assert "".join(named.why.split()) in joined
    for step in theorem.proof:
        assert "".join(step.name.split()) in joined


def test_every_table_of_a_theorem_is_shown():
    """
    Nothing that a file may state is left out.
    """
    text = show(read_theorem(EVERYTHING, "everything.theorem.toml"))

    for words in (
        "A theorem with every table \\u001b[31m",
        "[RECONSTRUCTED] A. Author, arXiv:2205.13814",
        "Pieced together without the full source.",
        "kink       phi' counts as 1/2 where it does not exist",
        "eta  for every value; with 0 < eta",
        "default 0.1",
        "p    fixed at 0.01",
        "hidden constant: one value for all configurations; with 0 < C; may depend",
        "activation  relu, tanh",
        "data_norm   sqrt(d)",
        "m           n <= m",
        "W  normal(0, 2*s_w**2/m)",
        "y  normal(0, 1/d)",
        "same  (said to be tight)",
        "same  1/1000",
        "at least 1 - p over the initialization",
        "  (1) a step",
    ):
        assert words in text


def test_the_listing_names_every_theorem_and_setting():
    """
    Built-in theorems with their fidelity, settings with their names and defaults.
    """
    theorems = [load(theorem_id) for theorem_id in builtin_ids()]

    text = listing(theorems, SETTINGS.values())
    document = json.loads(listing_json(theorems, SETTINGS.values()))

    assert all(len(line) <= 80 for line in text.splitlines())
    assert all(f"  {theorem.id}\n" in text for theorem in theorems)
    assert all(f"\n{name}\n" in text for name in SETTINGS)
    assert [row["id"] for row in document["theorems"]] == list(builtin_ids())
    assert [row["name"] for row in document["settings"]] == list(SETTINGS)
    assert document["kind"] == "listing"


def test_shapes_read_as_words():
    """
    A shape names its kind and its sizes.
    """
    assert [shape_text(s) for s in ((), ("m",), ("m", "n"))] == ["scalar", "vector (m)", "matrix (m, n)"]


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_template_loads_as_it_is(setting: str):
    """
    Every setting's template is a theorem file without a mistake.
    """
    theorem = read_theorem(template("my-theorem", setting), "my-theorem.theorem.toml")

    assert (theorem.id, theorem.setting, theorem.title) == ("my-theorem", setting, "My theorem")
    assert "@" not in template("my-theorem", setting).replace(" @ ", "")


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_template_for_settings_without_their_own_loads(setting: str, monkeypatch: pytest.MonkeyPatch):
    """
    A setting that has no template of its own gets one that is true everywhere.
    """
    monkeypatch.setitem(SETTINGS, "other", SETTINGS[setting])

    text = template("my-theorem", "other").replace('"other"', f'"{setting}"')

    assert read_theorem(text, "my-theorem.theorem.toml").algorithm == "none"


@pytest.mark.parametrize(
    ("theorem_id", "setting", "message"),
    [
        (
            "Bad",
            "deq",
            "new Bad: an id is kebab-case: lower-case letters, digits and single hyphens, as in my-theorem",
        ),
        (
            "../x",
            "deq",
            "new ../x: an id is kebab-case: lower-case letters, digits and single hyphens, as in my-theorem",
        ),
        (
            "x",
            "two-layer",
            "--setting two-layer: is planned, not built yet; choose one of deq, least-squares",
        ),
        ("x", "three-layer", "--setting three-layer: is not a setting; choose one of deq, least-squares"),
        ("deq-gd", "deq", "new deq-gd: a built-in theorem has this id; choose another"),
    ],
)
def test_a_template_that_cannot_be_is_one_line(
    theorem_id: str, setting: str, message: str, tmp_path, monkeypatch
):
    """
    Ids and settings are checked before anything is written.
    """
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError) as error:
        write_template(theorem_id, setting)

    assert str(error.value) == message
    assert list(tmp_path.iterdir()) == []


def test_a_template_is_never_written_over_a_file(tmp_path, monkeypatch):
    """
    What is there stays there.
    """
    monkeypatch.chdir(tmp_path)
    path = write_template("mine", "deq")
    path.write_text("my own work")

    with pytest.raises(UsageError) as error:
        write_template("mine", "deq")

    assert str(error.value) == "new mine: mine.theorem.toml is here already, and is not overwritten"
    assert path.read_text() == "my own work"
