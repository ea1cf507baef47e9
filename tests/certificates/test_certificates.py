"""A certificate that was written is valid, whole, and the same every time."""

import json
from fractions import Fraction

import pytest
from certificate_samples import (
    TESTS,
    TWINS,
    deq,
    document,
    half_rate,
    least_squares,
    put,
    step_too_long,
    twin,
)

from checker.certificate import verify
from checker.certificate_format import canonical_bytes
from checker.certificate_reading import read_certificate
from checker.certificate_writing import build_certificate, write_certificate
from checker.errors import UsageError
from checker.reading import read_file
from checker.verdict import Verdict
from checker.violation import judge_step


def test_the_smallest_certificate_is_valid(tmp_path):
    """
    One neuron with W = 1/2 refutes half the contraction factor, and every check says so.
    """
    report = verify(put(tmp_path, half_rate()))

    assert (report.status, report.step, report.theorem) == ("valid", 1, "half-rate")
    assert report.reason == "every check holds, and the second code path agrees"
    assert [check["name"] for check in report.checks] == [
        *("digest", "theorem", "identity", "configuration", "size", "start", "hypotheses", "choice"),
        *("hypothesis contraction", "equilibrium", "violation", "recorded bounds", "second code path"),
    ]
    assert {check["status"] for check in report.checks} == {"holds"}


def test_verifying_says_both_sides_of_the_violated_comparison(tmp_path):
    """
    Found again in balls: the left side lies wholly above the right one; a file that fails early has none.
    """
    certificate = half_rate()
    report = verify(put(tmp_path, certificate))
    changed = {**document(certificate), "digest": "0" * len(certificate.digest)}
    (tmp_path / "changed.json").write_text(json.dumps(changed))

    assert report.operator == "<="
    assert report.lhs is not None and report.rhs is not None
    assert Fraction(str(report.lhs.lo)) > Fraction(str(report.rhs.hi))
    assert verify(tmp_path / "changed.json").lhs is None


VIOLATIONS = [(path, name, step) for path in TWINS for name, step in twin(path)[2]]


@pytest.mark.parametrize(
    ("path", "name", "step"), VIOLATIONS, ids=[f"{p.name.split('.')[0]}-{n}-{s}" for p, n, s in VIOLATIONS]
)
def test_the_violation_worked_out_for_a_broken_theorem_is_certified(tmp_path, path, name, step):
    """
    The violation that a broken theorem's first lines write down makes a valid certificate.
    """
    theorem, configuration, _ = twin(path)
    judgement = judge_step(theorem, configuration, name, step, 256)
    target = tmp_path / "x.json"

    write_certificate(theorem, configuration, name, step, 256, judgement, target)
    report = verify(target)

    assert (judgement.verdict, report.status, report.reason) == (
        Verdict.FAILS,
        "valid",
        "every check holds, and the second code path agrees",
    )


def test_a_claim_by_itself_can_be_refuted(tmp_path):
    """
    A model with two equilibria refutes a claim that it is well posed.
    """
    theorem = read_file(str(TESTS / "corpus" / "valid" / "well-posed-false.theorem.toml"))
    configuration = deq(theorem, activation="relu", X=[[-1.0]], y=[0.0], W=[[1.5]], U=[[1.0]], a=[0.0])
    judgement = judge_step(theorem, configuration, "exists", 0, 128)

    certificate = build_certificate(theorem, configuration, "exists", 0, 128, judgement)
    report = verify(put(tmp_path, certificate))

    assert (certificate.violation.lhs, report.status, report.reason) == (
        None,
        "valid",
        "every check holds, and the second code path agrees",
    )


def test_a_violation_under_a_data_norm_is_certified(tmp_path):
    """
    The floats of X and the map that scales its columns are what is stored.
    """
    text = (TESTS / "corpus" / "valid" / "ls-data-norm.theorem.toml").read_text(encoding="utf-8")
    (tmp_path / "t.theorem.toml").write_text(text.replace("<= 4 + 1/10**9", "<= 3"), encoding="utf-8")
    theorem = read_file(str(tmp_path / "t.theorem.toml"))
    plain = least_squares(theorem, [[1.0, 2.0], [3.0, 4.0]], [0.0, 0.0], [0.0, 0.0])
    arrays = dict(plain.arrays)
    arrays["X"] = type(arrays["X"])(arrays["X"].floats, "columns", theorem.scope.data_norm)
    configuration = type(plain)("least-squares", plain.sizes, arrays, {}, None, plain.kink, plain.trains)
    judgement = judge_step(theorem, configuration, "entry", 0, 128)

    good = verify(put(tmp_path, build_certificate(theorem, configuration, "entry", 0, 128, judgement)))
    bad = verify(put(tmp_path, build_certificate(theorem, plain, "entry", 0, 128, judgement)))

    assert (good.status, bad.status) == ("valid", "invalid")
    assert bad.reason == "configuration: the map of X is 'columns' in this theorem"


def test_writing_twice_gives_the_same_bytes(tmp_path):
    """
    A certificate is a function of what it certifies.
    """
    first, second = (put(tmp_path, step_too_long(), name).read_bytes() for name in "ab")

    assert first == second
    assert canonical_bytes(read_certificate(tmp_path / "a")) == first


def test_nothing_is_left_behind_when_a_certificate_cannot_be_written(tmp_path):
    """
    A certificate is written whole or not at all, and the error is one line.
    """
    theorem, configuration, _ = twin(TWINS[0])
    judgement = judge_step(theorem, configuration, "rate", 1, 128)
    (tmp_path / "taken").mkdir()

    with pytest.raises(UsageError) as error:
        write_certificate(theorem, configuration, "rate", 1, 128, judgement, tmp_path / "taken")

    assert str(error.value) == "taken: cannot be written: Is a directory"
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_an_existing_certificate_is_replaced(tmp_path):
    """
    Writing to the same path again replaces the file.
    """
    theorem, configuration, _ = twin(TWINS[0])
    target = tmp_path / "x.json"
    target.write_text("old")
    judgement = judge_step(theorem, configuration, "rate", 1, 128)

    write_certificate(theorem, configuration, "rate", 1, 128, judgement, target)

    assert verify(target).status == "valid"
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]
