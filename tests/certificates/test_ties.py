"""A violation by equality is refuted and certified: rational numbers decide what balls and mpmath cannot."""

from dataclasses import replace
from fractions import Fraction

import pytest
from certificate_samples import deq, least_squares, put
from flint import arb, ctx
from mutation_samples import samples

from checker import certificate_paths
from checker.certificate import verify
from checker.certificate_bounds import bounds_of, holds_exactly, holds_nearly, read_bounds
from checker.certificate_checks import BY_RATIONALS
from checker.certificate_format import BoundsPart
from checker.certificate_writing import build_certificate
from checker.declaration import read_theorem
from checker.expression.tree import Number
from checker.hypotheses import judge_hypotheses
from checker.replay import Part, Replay
from checker.runs import run
from checker.ties import settled, settled_gates, settled_judgement
from checker.verdict import Verdict
from checker.violation import claim_at, judge_step
from deqaudit import audit, load

LEAST_SQUARES = """
format = 1
[theorem]
id = "tie"
title = "A tie"
setting = "least-squares"
kind = "deterministic"
[theorem.source]
fidelity = "derived"
[dynamics]
algorithm = "gradient-descent"
step = "eta"
[parameters]
eta = { domain = "0 < eta" }
[hypotheses]
step_size = "eta <= 2/lambda_max(G)"
[conclusions]
CONCLUSION
"""


def theorem_of(conclusion: str):
    return read_theorem(LEAST_SQUARES.replace("CONCLUSION", conclusion), "tie.theorem.toml")


TIES = {
    'c = "next(loss) < loss"': ([[3.0]], [1.0], [0.5], "2/9", 0),
    'c = "next(norm2(w)) > norm2(w)"': ([[3.0]], [0.0], [0.5], "2/9", 2),
    'c = "lambda_min(G) > 0"': ([[1.0, 2.0, 0.1], [0.3, 0.7, 0.9]], [1.0, 1.0, 1.0], [0.0, 0.0], "1/50", 0),
    'c = "norm2(X)*norm2(X) < sqrt(2)*norm_fro(X)"': ([[1.0], [1.0]], [1.0], [0.0, 0.0], "1/50", 0),
    'c = "1 < 2 and residual < norm2(y - yhat)"': ([[0.3]], [1.0], [0.7], "1/50", 1),
}  # fmt: skip


@pytest.mark.parametrize("conclusion", TIES)
def test_a_violation_by_equality_is_a_valid_certificate(tmp_path, conclusion):
    """
    Where balls leave a strict claim open at a tie, the run is refuted, and its certificate is valid.
    """
    theorem = theorem_of(conclusion)
    X, y, w, eta, step = TIES[conclusion]
    configuration = least_squares(theorem, X, y, w, {"eta": eta})

    open_run = run(theorem, configuration, 4)
    found = settled(theorem, open_run)
    judgement = settled_judgement(
        theorem, configuration, "c", step, judge_step(theorem, configuration, "c", step, 256)
    )
    report = verify(put(tmp_path, build_certificate(theorem, configuration, "c", step, 256, judgement)))

    assert open_run.outcomes["c"].verdict is Verdict.UNDECIDED
    assert found.outcomes["c"].verdict is Verdict.FAILS
    assert found.outcomes["c"].failure.verdict is Verdict.FAILS
    assert (report.status, report.reason) == ("valid", "every check holds, and the second code path agrees")
    checks = {check["name"]: check["reason"] for check in report.checks}
    assert checks["violation"] == BY_RATIONALS
    assert checks["second code path"] == "rational numbers agree, and mpmath where it was asked"


def test_a_tie_that_a_claim_allows_is_no_violation():
    """
    Equality satisfies <=: nothing is refuted that is not false.
    """
    theorem = theorem_of('c = "next(loss) <= loss"')
    configuration = least_squares(theorem, [[3.0]], [1.0], [0.5], {"eta": "2/9"})

    found = settled(theorem, run(theorem, configuration, 4))

    assert found.verdict is not Verdict.FAILS


def test_sides_that_are_one_expression_at_the_start_hold_there(tmp_path):
    """
    `loss < loss_0` is not refuted at step 0, where both sides are one expression, but where it fails later.
    """
    text = LEAST_SQUARES.replace("[hypotheses]", '[definitions]\nloss_0 = "loss"\n[hypotheses]')
    theorem = read_theorem(text.replace("CONCLUSION", 'c = "loss < loss_0"'), "tie.theorem.toml")
    configuration = least_squares(theorem, [[3.0]], [1.0], [0.5], {"eta": "2/9"})

    found = settled(theorem, run(theorem, configuration, 4))
    judgement = found.outcomes["c"].failure
    late = verify(put(tmp_path, build_certificate(theorem, configuration, "c", 1, 256, judgement)))
    early = verify(put(tmp_path, build_certificate(theorem, configuration, "c", 0, 256, judgement)))

    assert found.outcomes["c"].failed_at == 1
    assert claim_at(theorem, configuration, "c", 0).parts == ()
    assert (late.status, early.status) == ("valid", "invalid")
    assert early.reason == "violation: the conclusion holds at this step"


def test_a_hypothesis_at_its_bound_holds():
    """
    eta <= 2/9 with eta = 2/9 holds, though no ball can say so; eta = 2/9 + 10**-90 fails.
    """
    theorem = theorem_of('c = "loss >= 0"')
    for eta, verdict in (("2/9", Verdict.HOLDS), (f"2/9 + 1/{10**400}", Verdict.FAILS)):
        configuration = least_squares(theorem, [[3.0]], [1.0], [0.5], {"eta": "1"})
        configuration = replace(configuration, parameters={"eta": _node(eta)})
        judged = judge_hypotheses(theorem, configuration)

        after = settled_gates(theorem, configuration, judged)

        assert [j.verdict for j in judged] == [Verdict.HOLDS, Verdict.UNDECIDED]
        assert [j.verdict for j in after] == [Verdict.HOLDS, verdict]
        assert after[1].engine == "rational numbers"


def _node(text):
    return Number(sum(Fraction(part) for part in text.split("+")))


def test_hypotheses_beyond_the_rationals_stay_open():
    """
    A tie between numbers that are not algebraic stays undecided.
    """
    theorem = theorem_of('c = "loss >= 0"\n[scope]\nn = "exp(n)/exp(1) <= n"')
    configuration = least_squares(theorem, [[3.0]], [1.0], [0.5], {"eta": "1/9"})
    judged = judge_hypotheses(theorem, configuration)

    assert settled_gates(theorem, configuration, judged)[0].verdict is Verdict.UNDECIDED


def test_a_choice_that_a_conclusion_asks_for_is_not_refuted_by_one_choice():
    """
    An `exists` parameter in the conclusion only: equality for the one tried is no refutation.
    """
    text = LEAST_SQUARES.replace("eta = {", 'k = { domain = "0 < k", quantifier = "exists" }\neta = {')
    theorem = read_theorem(text.replace("CONCLUSION", 'c = "norm2(w) < 3*k"'), "tie.theorem.toml")
    configuration = least_squares(theorem, [[3.0]], [1.0], [0.3], {"eta": "2/9", "k": "0.1"})
    one = replace(configuration, parameters=configuration.parameters)

    assert settled(theorem, run(theorem, one, 0)).outcomes["c"].verdict is not Verdict.FAILS


def test_more_samples_than_features_refute_a_positive_gram_matrix(tmp_path):
    """
    An audit reports `lambda_min(G) > 0` with n > d as refuted, with a certificate that is valid.
    """
    text = LEAST_SQUARES.replace('algorithm = "gradient-descent"\nstep = "eta"', 'algorithm = "none"')
    text = (
        text[: text.index("[parameters]")] + '[scope]\nn = "n > d"\n[conclusions]\nc = "lambda_min(G) > 0"\n'
    )
    path = tmp_path / "tie.theorem.toml"
    path.write_text(text, encoding="utf-8")

    report = audit(load(str(path)), budget=60, runs=4, out=tmp_path)

    assert (report.verdict, report.basis) == ("refuted", "witness")
    assert verify(tmp_path / "tie.certificate.json").status == "valid"


def test_the_largest_step_refutes_strict_descent(tmp_path):
    """
    An audit finds that the loss does not fall at eta = 2/lambda_max(G): a tie at a plain configuration.
    """
    path = tmp_path / "tie.theorem.toml"
    text = LEAST_SQUARES.replace(
        "[hypotheses]", '[hypotheses]\nstart = "loss > 0"\nfull = "lambda_min(G) > 0"'
    )
    path.write_text(text.replace("CONCLUSION", 'c = "next(loss) < loss"'), encoding="utf-8")

    report = audit(load(str(path)), budget=60, runs=4, steps=20, out=tmp_path)

    assert (report.verdict, report.basis) == ("refuted", "witness")
    assert verify(tmp_path / "tie.certificate.json").status == "valid"


@pytest.mark.parametrize(("truth", "status"), [("equal", "valid"), ("false", "valid"), ("true", "invalid")])
def test_mpmath_must_not_contradict_a_tie(tmp_path, monkeypatch, truth, status):
    """
    The rationals decide a tie, but not against mpmath.
    """
    part = Part("<", 1, 1, truth)
    answers = {"domain.eta": "true", "step_size": "equal"}
    monkeypatch.setattr(certificate_paths, "replay", lambda *_: Replay(answers, (part,), 60))

    report = verify(put(tmp_path, samples()["tie"].certificate))

    assert report.status == status
    if status == "invalid":
        assert report.reason == "second code path: mpmath: the conclusion holds"


def test_mpmath_must_not_contradict_a_hypothesis_at_its_bound(tmp_path, monkeypatch):
    """
    A hypothesis that rationals alone call true fails where mpmath sees that it is false.
    """
    answers = {"step_size": "false"}
    monkeypatch.setattr(certificate_paths, "replay", lambda *_: Replay(answers, (), 60))

    report = verify(put(tmp_path, samples()["tie"].certificate))

    assert (report.status, report.reason) == (
        "invalid",
        "second code path: mpmath: the hypothesis step_size fails",
    )


def test_equilibria_that_are_linearly_dependent_are_a_tie(tmp_path):
    """
    Two samples in one direction have a singular Gram matrix of relu features, exactly.
    """
    text = LEAST_SQUARES.replace("least-squares", "deq").replace("eta <= 2/lambda_max(G)", "norm2(W) < 1")
    theorem = read_theorem(text.replace("CONCLUSION", 'c = "lambda_min(G) > 0"'), "tie.theorem.toml")
    configuration = deq(
        theorem, activation="relu", parameters={"eta": "0.1"},
        X=[[0.1, 0.3], [0.2, 0.6000000000000001]], y=[1.0, 1.0],
        W=[[0.3, -0.1], [0.2, 0.1]], U=[[1.0, 0.5], [0.25, 0.7]], a=[1.0, 1.0],
    )  # fmt: skip
    exact = replace(configuration.arrays["X"], floats=configuration.arrays["X"].floats[:, :1] * [[1.0, 2.0]])
    tied = replace(configuration, arrays={**configuration.arrays, "X": exact})

    near = judge_step(theorem, configuration, "c", 0, 256)
    judgement = settled_judgement(theorem, tied, "c", 0, judge_step(theorem, tied, "c", 0, 256))
    report = verify(put(tmp_path, build_certificate(theorem, tied, "c", 0, 256, judgement)))

    assert (near.verdict, judgement.verdict, report.status) == (Verdict.HOLDS, Verdict.FAILS, "valid")


@pytest.mark.parametrize(
    "x", ["0", "1", "-1", "0.1", "-1e-30", "3e50", "7e-2200", "1e-6000", "-7e6000", "3e-70000", "123456789.5"]
)
def test_recorded_bounds_hold_the_ball(x):
    """
    Forty digits rounded outward enclose the ball and are read back.
    """
    with ctx.workprec(300):
        ball = arb(x) * (1 + arb(0, 1e-60))
        lo, hi = (Fraction(int(end.fmpq().p), int(end.fmpq().q)) for end in (ball.lower(), ball.upper()))

    bounds = bounds_of(ball)

    assert Fraction(bounds.lo) <= lo <= hi <= Fraction(bounds.hi)
    assert read_bounds(bounds) == (Fraction(bounds.lo), Fraction(bounds.hi))
    digits = 38 if "000" in x else 39  # the length of long numbers is known to within a digit
    assert Fraction(bounds.hi) - Fraction(bounds.lo) <= 4 * max(abs(lo), abs(hi)) / 10**digits


def test_bounds_without_numbers():
    """
    A claim by itself has no sides, an unbounded ball no decimals, and text that is no number holds nothing.
    """
    assert bounds_of(None) is None
    assert bounds_of(arb(0, float("inf"))) == BoundsPart(None, None)
    assert holds_exactly(None, None) and holds_nearly(None, None)
    assert not holds_exactly(None, BoundsPart("0", "1")) and not holds_nearly(None, BoundsPart("0", "1"))
    assert not holds_nearly(1, BoundsPart("x", "1"))
