"""Runs are described once, however many conclusions they are the worst of."""

import msgspec
from report_samples import SUPPORTED

from checker.records import ConclusionRecord, Value
from reports.html import to_html
from reports.markdown import to_markdown
from reports.text import to_text
from reports.views import view

KIND: dict[str, Value] = {"n": 2, "d": 3, "m": 4, "activation": "tanh", "data": "gaussian"}


def _conclusion(name: str, run: dict[str, Value] | None) -> ConclusionRecord:
    return ConclusionRecord(name, "loss <= 1", "holds", "sample", 0.5, run, 8, 0, 0)


def _report(*conclusions: ConclusionRecord):
    simulation = msgspec.structs.replace(SUPPORTED.simulation, conclusions=conclusions, curves=(), losses=())
    return msgspec.structs.replace(SUPPORTED, simulation=simulation)


REPORT = _report(
    _conclusion("first", {**KIND, "eta": "0.125", "run": 3, "step": 9}),
    _conclusion("second", {**KIND, "eta": "0.125", "run": 3, "step": 0}),
    _conclusion("third", {**KIND, "eta": "0.25", "run": 5, "step": 9}),
    _conclusion("fourth", None),
)


def test_a_kind_of_configuration_is_described_once_with_its_runs():
    """
    One row for the kind, one line for each run, and a count of the conclusions.
    """
    (_, runs) = next(s for s in view(REPORT).sections if s.key == "conclusions").tables

    ((kind, which, worst),) = runs.rows
    assert kind.text == "n=2, d=3, m=4, activation=tanh, data=gaussian"
    assert (which.text, which.notes) == ("2 runs", ("run 3: eta=0.125", "run 5: eta=0.25"))
    assert (worst.text, worst.notes) == ("3 conclusions", ("first, second", "third"))


def test_every_format_describes_a_run_once():
    """
    The description stands once; the steps stand with the conclusions.
    """
    for text in (to_text(view(REPORT)), to_markdown(view(REPORT)), to_html(view(REPORT))):
        plain = " ".join(text.replace("\\", "").split())
        assert plain.count("activation=tanh") == 1
        assert plain.count("eta=0.125") == 1
        assert "run 3, step 9" in plain
        assert "run 3, step 0" in plain
    assert "2 runs, worst of 3 conclusions: n=2" in " ".join(to_text(view(REPORT)).split())


def test_runs_that_have_no_description_make_no_table():
    """
    Nothing is announced that is not there.
    """
    bare = _report(_conclusion("first", {"run": 3, "step": 9}), _conclusion("second", None))

    assert len(next(s for s in view(bare).sections if s.key == "conclusions").tables) == 1
