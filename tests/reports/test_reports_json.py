"""The JSON follows the contract field by field, and is the same bytes every time."""

import json
from typing import Any

import pytest
from check_samples import APPLIES, DOES_NOT_APPLY, EMPTY_CHECK
from report_samples import EMPTY_AUDIT, EVERY, REFUTED, VACUOUS

from reports.jsonfile import to_json
from reports.views import Report


def _document(report: Report) -> dict[str, Any]:
    return json.loads(to_json(report))


@pytest.mark.parametrize("report", EVERY.values(), ids=EVERY.keys())
def test_json_is_one_document_with_its_format_first(report: Report):
    """
    Strict JSON, indented, ended by a newline, the same twice, `format` and `kind` first.
    """

    def refuse(name: str) -> None:
        raise AssertionError(name)

    text = to_json(report)

    assert list(json.loads(text, parse_constant=refuse))[:2] == ["format", "kind"]
    assert text.startswith('{\n  "format": 1,\n')
    assert text.endswith("}\n")
    assert to_json(report) == text


def test_a_condition_report_has_the_fields_of_the_contract():
    """
    Programs find every field of section 3 where it is promised.
    """
    document = _document(DOES_NOT_APPLY)
    hypothesis = document["hypotheses"][1]

    assert (document["format"], document["kind"]) == (1, "condition-report")
    assert {"theorem", "config", "verdict", "hypotheses", "definitions", "parameters", "predicted"} <= set(
        document
    )
    assert "environment" in document
    assert {"id", "title", "source"} <= set(document["theorem"])
    assert {"name", "claim", "status", "basis", "lhs", "rhs", "margin", "engine"} <= set(hypothesis)
    assert hypothesis["lhs"] == {"lo": "0.031230012345678", "hi": "0.031230012345679"}
    assert document["definitions"]["lambda_0"] == {"lo": "0.031230012345678", "hi": "0.031230012345679"}
    assert set(document["definitions"]["Z_0"]) == {"shape", "norm_fro"}
    assert document["predicted"]["rate_per_step"] == {"value": None, "reason": "the hypotheses do not hold"}
    assert set(document["predicted"]) == {"rate_per_step", "steps_to_1e-6", "largest_step", "smallest_width"}


def test_a_margin_that_is_not_known_is_null():
    """
    null stands where a side is not positive, and where nothing was certified.
    """
    assert _document(APPLIES)["hypotheses"][0]["margin"] is None
    assert _document(DOES_NOT_APPLY)["hypotheses"][2]["margin"] is None


def test_an_audit_report_has_the_fields_of_the_contract():
    """
    Programs find every field of section 3 where it is promised.
    """
    document = _document(REFUTED)
    simulation = document["simulation"]

    assert (document["format"], document["kind"]) == (1, "audit-report")
    assert {"theorem", "verdict", "basis", "reason", "satisfiability", "proof", "simulation"} <= set(document)
    assert {"probability", "hidden", "hypothesis_use", "sharpness", "counterexample"} <= set(document)
    assert {"not_done", "environment"} <= set(document)
    assert {"status", "basis", "witness", "engine", "reason"} <= set(document["satisfiability"])
    assert {"name", "status", "engine", "counterexample"} <= set(document["proof"][0])
    assert {"runs", "steps", "configurations_satisfying_hypotheses", "undecided"} <= set(simulation)
    assert {"name", "claim", "status", "basis", "worst_margin", "worst_run"} <= set(
        simulation["conclusions"][0]
    )
    assert {"claim", "step", "certified", "certificate"} <= set(document["counterexample"])
    assert document["probability"] is None


def test_probability_and_hidden_constants_have_the_fields_of_the_contract():
    """
    The optional parts have their promised fields when they are there.
    """
    document = _document(VACUOUS)

    assert {"claimed", "estimate", "lower", "upper", "confidence", "runs"} <= set(document["probability"])
    assert {"name", "needed", "trend", "excluded"} == set(document["hidden"][0])
    assert {"name", "needed", "evidence"} == set(document["hypothesis_use"][0])


def test_empty_reports_keep_their_fields():
    """
    Nothing disappears from the document because it is empty.
    """
    assert _document(EMPTY_CHECK)["hypotheses"] == []
    assert _document(EMPTY_AUDIT)["simulation"]["conclusions"] == []
    assert _document(EMPTY_AUDIT)["counterexample"] is None
