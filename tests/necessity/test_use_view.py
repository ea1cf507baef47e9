"""A reader sees which hypotheses are needed, why, and how to check it."""

import json

import msgspec
from necessity_samples import theorem

from checker.audit import audit
from checker.records import HypothesisUse
from reports.jsonfile import to_json
from reports.use_view import use_sections

NEEDED = HypothesisUse("step", True, "without it, rate fails", certificate="out/a b.certificate.json")
UNWRITTEN = HypothesisUse("radius", True, "without it, ball fails")
BODY = """
[definitions]
spare = "lambda_max(G)"
[scope]
n = 1
data_norm = 1
[conclusions]
claim = "lambda_min(G) >= 1/2"
"""


def test_an_audit_report_tells_needs_and_what_is_unused(tmp_path):
    """
    The audit examines the scope of a small theorem, names the definition in vain, and keeps both in its JSON.
    """
    report = audit(theorem(BODY), {}, budget=0, runs=4, out=tmp_path)
    document = json.loads(to_json(report))

    assert report.verdict == "supported"
    assert {use["name"]: use["needed"] for use in document["hypothesis_use"]} == {
        "scope.n": True,
        "scope.data_norm": True,
    }
    assert document["unused"] == list(report.unused) != []
    assert not [note for note in report.not_done if "examined" in note]


def test_the_table_gives_the_command_that_checks_a_witness():
    """
    A written certificate is quoted for a shell; without a folder the reader is told how to get one.
    """
    report = audit(theorem(BODY), {"n": "1"}, budget=0, runs=1, steps=1)
    report = msgspec.structs.replace(report, hypothesis_use=(NEEDED, UNWRITTEN), unused=("x is not used",))

    sections = {section.key: section for section in use_sections(report)}

    first, second = sections["use"].tables[0].rows
    assert first[1].text == "needed"
    assert first[2].notes == ("Re-check it with: deqaudit verify 'out/a b.certificate.json'",)
    assert second[2].notes == ("Re-checked when it was found; give --out DIR to have its certificate.",)
    assert sections["unused"].items == ("x is not used",)


def test_fields_without_a_value_stay_out_of_the_json():
    """
    A hypothesis of which nothing is known has a name, the answer null, and the evidence.
    """
    record = msgspec.to_builtins(HypothesisUse("step", None, "not examined"))

    assert record == {"name": "step", "needed": None, "evidence": "not examined"}
