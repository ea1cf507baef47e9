"""A theorem without one of its hypotheses is a theorem file of its own."""

from pathlib import Path

import pytest

from checker.necessity.without import assumption_names, toml_text, without
from checker.reading import builtin_ids, load, read_file
from checker.tables import parse_toml

FILES = [load(name) for name in builtin_ids()]
VALID = sorted((Path(__file__).parents[1] / "corpus" / "valid").glob("*.theorem.toml"))


@pytest.mark.parametrize("about", FILES + [read_file(str(p)) for p in VALID], ids=lambda t: t.id)
def test_tables_are_written_so_that_they_read_back_the_same(about):
    """
    No key, number or text of a theorem file is changed by writing it again.
    """
    tables = parse_toml(about.text, "x")

    assert parse_toml(toml_text(tables), "x") == tables


def test_texts_of_every_kind_are_quoted():
    """
    Quotes, backslashes, control characters and line ends survive, in keys and in values.
    """
    tables = {"a.b": 'say "x" \\ \x7f\x01', "t": {"": "one\ntwo\r\n\ttab '''\"\"\"", "n": [1, True, "é"]}}

    assert parse_toml(toml_text(tables), "x") == tables


@pytest.mark.parametrize("about", FILES, ids=lambda t: t.id)
def test_exactly_one_assumption_is_left_out(about):
    """
    Everything else that is assumed, defined and claimed stays; the id and the notes say what it is.
    """
    names = assumption_names(about)
    bare = [without(about, name) for name in names]

    for name, one in zip(names, bare, strict=True):
        assert tuple(n for n in names if n != name) == assumption_names(one)
        assert about.conclusions == one.conclusions
        assert about.definitions == one.definitions
        assert about.parameters == one.parameters
        assert one.proof == ()
        assert one.source.fidelity == "derived"
        assert f"{about.id} without the " in one.source.notes
    assert len({one.id for one in bare}) == len(bare)


def test_names_that_differ_in_capitals_only_get_ids_that_differ():
    """
    Certificates of two weakened theorems never share a file name.
    """
    text = load("gd-least-squares").text
    twins = text.replace("curvature = {", 'Step-Size = "eta < 7"\ncurvature = {')
    about = read_file_text(twins)

    first, second = (without(about, name).id for name in ("Step-Size", "step_size"))

    assert (first, second) == ("gd-least-squares-without-step-size-1", "gd-least-squares-without-step-size-3")


def read_file_text(text):
    from checker.declaration import read_theorem

    return read_theorem(text, "twins.theorem.toml")
