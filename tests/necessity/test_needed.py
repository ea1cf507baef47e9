"""A hypothesis is called needed only with a run that re-checks, and a needed one is seen to be."""

from pathlib import Path

import msgspec
import pytest
from necessity_samples import changed, examined, theorem

from checker.certificate import verify
from checker.certificate_reading import read_certificate
from checker.clock import Clock
from checker.declaration import read_theorem
from checker.necessity.search import Case, examine
from checker.necessity.without import assumption_names, without
from checker.necessity.witness import certify
from checker.reading import load, read_file
from checker.request import Request

STEP = 'step_size = { claim = "eta <= 2/(lambda_0 + lambda_max(G))"'
TWINS = Path(__file__).parents[1] / "power" / "twins"


def test_the_step_of_gradient_descent_on_least_squares_is_needed(tmp_path):
    """
    A longer step violates a conclusion; the certificate is about the theorem without the bound, and valid.
    """
    about = load("gd-least-squares")

    found = examined(about, folder=tmp_path)

    step = found["step_size"]
    assert step.needed is True
    assert step.factor is not None
    assert 1 < step.factor < 2
    assert f"there step_size is missed by a factor {step.factor:.4g} (left side " in step.evidence
    assert step.certificate == str(tmp_path / "gd-least-squares-without-step-size.certificate.json")
    assert verify(Path(step.certificate)).status == "valid"
    carried = read_theorem(read_certificate(Path(step.certificate)).theorem.text, "carried")
    assert assumption_names(carried) == ("curvature", "scope.d")
    assert [path.name for path in tmp_path.iterdir()] == [Path(step.certificate).name]


def test_a_singular_gram_matrix_violates_nothing_and_is_no_reason_to_call_the_curvature_needed():
    """
    With lambda_0 = 0 every conclusion of gd-least-squares says less, and holds.
    """
    curvature = examined(load("gd-least-squares"))["curvature"]

    assert curvature.needed is None
    assert curvature.runs > 0
    assert curvature.evidence.startswith(f"not seen to be needed: {curvature.runs} runs without it")


def test_a_redundant_hypothesis_and_one_that_is_only_idle():
    """
    What the others imply is not needed; what they do not imply, and no run shows to matter, stays open.
    """
    more = 'longer = "eta <= 4/(lambda_0 + lambda_max(G))"\nidle = "norm2(w) <= 5"\n'
    found = examined(changed("gd-least-squares", STEP, more + STEP))

    assert found["longer"].needed is False
    assert "step_size" in found["longer"].implied_by
    assert found["longer"].evidence.startswith("implied by ")
    assert found["idle"].needed is None
    assert found["idle"].runs > 0


def test_a_contraction_is_needed_for_picard_iteration():
    """
    Without q < 1 some conclusion of deq-contraction fails.
    """
    assert examined(load("deq-contraction"))["contraction"].needed is True


@pytest.mark.parametrize("name", ["well_posedness", "readout_radius", "step_size"])
def test_hypotheses_of_the_gradient_descent_theorem_are_needed(name):
    """
    The proof of deq-gd uses each of these, and a run without it shows why.
    """
    about = load("deq-gd")
    case = Case(name, assumption_names(about).index(name), without(about, name))

    for turn in range(4):
        if case.witness is None:
            examine(about, case, Request(), turn, 60, Clock(0), lambda _: None)
    use = certify(about, case, 60, None, lambda: False)

    assert use is not None
    assert use.needed is True
    assert use.certificate is None


SIZES = """
[scope]
n = 1
data_norm = 1
[conclusions]
claim = "lambda_min(G) >= 1/2"
"""
ACTIVATION = """
[scope]
activation = ["relu"]
[conclusions]
claim = "phi_0 <= 1/4"
"""


def test_entries_of_the_scope_are_examined_too(tmp_path):
    """
    One sample of norm 1 has G = 1: more samples, or other norms, violate the claim; so do other activations.
    """
    sizes = examined(theorem(SIZES), folder=tmp_path)
    activation = examined(theorem(ACTIVATION, setting="deq"), folder=tmp_path)

    assert [sizes["scope.n"].needed, sizes["scope.data_norm"].needed] == [True, True]
    assert activation["scope.activation"].needed is True
    assert activation["scope.activation"].config["activation"] != "relu"
    assert {verify(path).status for path in tmp_path.iterdir()} == {"valid"}


def test_a_run_that_violates_a_false_theorem_shows_no_hypothesis_to_be_needed():
    """
    Where a violation satisfies the hypothesis too, it is no witness that the hypothesis is needed.
    """
    twin = read_file(str(TWINS / "gd-least-squares-twin-step.theorem.toml"))
    free = changed_text(twin.text, 'curvature = "lambda_0 > 0"', 'idle = "norm2(X) <= 10**9"')

    idle = examined(free)["idle"]

    assert idle.needed is None


def changed_text(text, old, new):
    start = text.index("[hypotheses]")
    line = next(part for part in text[start:].splitlines() if part.startswith("curvature"))
    assert old.split(" = ")[0] in line
    return read_theorem(text.replace(line, new), "twin.theorem.toml")


def test_nothing_is_examined_where_the_theorem_is_refuted_or_vacuous():
    """
    The evidence says why, and nothing is claimed.
    """
    found = examined(load("gd-least-squares"), passed_over="the theorem is refuted")

    assert {(u.needed, u.evidence) for u in found.values()} == {
        (None, "not examined: the theorem is refuted")
    }


def test_what_the_budget_cuts_is_written_down():
    """
    Without time nothing is claimed, and the report says what was not done.
    """
    clock = Clock(1e-6)

    found = examined(load("gd-least-squares"), clock=clock)

    assert {(use.needed, use.evidence) for use in found.values()} == {
        (None, "not examined: cut by the budget")
    }
    assert "cut by the budget: further searches for runs without a hypothesis" in clock.not_done
    assert "cut by the budget: whether each hypothesis is implied by the others" in clock.not_done


def test_the_same_seed_gives_the_same_records():
    """
    Where the clock cuts nothing off, an examination is the same bytes twice.
    """
    once, again = (msgspec.json.encode(examined(theorem(SIZES))) for _ in range(2))

    assert once == again


def test_claims_of_probability_are_proved_from_and_not_searched():
    """
    One run refutes no claim about a probability; what the others imply is still found.
    """
    body = """
[hypotheses]
small  = "norm2(X) <= 1"
larger = "norm2(X) <= 2"
[probability]
over = "initialization"
holds = "1/2"
[initialization]
w = "normal(0, 1)"
[conclusions]
claim = "loss >= 0"
"""
    text = theorem("[conclusions]\nclaim = 'loss >= 0'\n").text.split("[conclusions]")[0]
    about = read_theorem(text.replace("deterministic", "high-probability") + body, "sample.theorem.toml")

    found = examined(about)

    assert found["larger"].needed is False
    assert found["small"].needed is None
    assert "no single run refutes a theorem of kind high-probability" in found["small"].evidence
