"""One bad choice, one value of a hidden constant, a model without an equilibrium: none of them refutes."""

import pytest
from certificate_samples import least_squares, put
from forged_samples import NEURON, POINT, forged, theorem_of
from mutation_samples import ETA

from checker.campaign_record import Campaign
from checker.certificate import verify
from checker.judging import MOVES_IN_PICARD
from checker.names import open_choices
from checker.runs import run
from checker.settings import SETTINGS
from checker.standing import standing_failures
from checker.verdict import Verdict

SMALL = '\n[parameters]\nC = { domain = "0 < C", quantifier = "exists" }\n'
DESCENT = '\n[conclusions]\nc = "next(loss) <= loss"\n'
BELOW = '\n[conclusions]\nc = "loss <= C"\n'

CHOICES = {
    "a parameter": (SMALL + BELOW, {"parameters": {"C": "1/100"}}, "C"),
    "a hypothesis that is a domain": (
        SMALL + '\n[hypotheses]\nh = "C > 0"\n' + BELOW, {"parameters": {"C": "1/100"}}, "C",
    ),
    "a hypothesis with two parts": (
        SMALL + '\n[hypotheses]\nh = "C > 0 and norm2(w) <= 1"\n' + BELOW,
        {"parameters": {"C": "1/100"}}, "C",
    ),
    "a definition": (
        SMALL + '\n[definitions]\nB = "3*C"\n\n[conclusions]\nc = "loss <= B"\n',
        {"parameters": {"C": "1/100"}}, "C",
    ),
    "a value": (
        SMALL + 'B = { value = "2*C" }\n\n[conclusions]\nc = "loss <= B"\n',
        {"parameters": {"C": "1/100", "B": "2*C"}}, "C",
    ),
    "a domain": (
        SMALL + 'B = { domain = "B <= C" }\n\n[conclusions]\nc = "loss <= B"\n',
        {"parameters": {"C": "1/100", "B": "C"}}, "C",
    ),
    "a vector": (
        '\n[variables]\nv = { shape = "vector(d)", quantifier = "exists" }\n'
        '\n[conclusions]\nc = "norm2(y - transpose(X) @ v) <= 0"\n', {"arrays": POINT | {"v": [0.0]}}, "v",
    ),
    "the step": (
        '\n[parameters]\neta = { domain = "0 < eta", quantifier = "exists" }\n' + DESCENT,
        {"algorithm": "gradient-descent", "parameters": {"eta": "10"}}, "eta",
    ),
    "the range of the step": (
        SMALL + 'eta = { domain = "0 < eta and eta <= C" }\n' + DESCENT,
        {"algorithm": "gradient-descent", "parameters": {"eta": "10", "C": "100"}}, "C",
    ),
    "a bound of the step": (
        SMALL + 'eta = { domain = "0 < eta" }\n\n[hypotheses]\nh = "eta <= C"\n' + DESCENT,
        {"algorithm": "gradient-descent", "parameters": {"eta": "10", "C": "100"}}, "C",
    ),
    "the start": (
        SMALL + '\n[initialization]\nw = "constant(C)"\n\n[conclusions]\nc = "loss <= loss_star + 1/10"\n',
        {"parameters": {"C": "100"}, "maps": {"w": ("constant", "C")}}, "C",
    ),
    "the norm of the data": (
        SMALL + '\n[scope]\ndata_norm = "C"\n\n[conclusions]\nc = "norm2(X) <= 1"\n',
        {"parameters": {"C": "100"}, "maps": {"X": ("columns", "C")}}, "C",
    ),
    "a bound in a hypothesis": (
        SMALL + 'B = { domain = "B <= C" }\n\n[hypotheses]\nh = "norm2(X) <= B"\n'
        '\n[conclusions]\nc = "norm2(X) <= 1/10"\n', {"parameters": {"C": "100", "B": "1"}}, "C",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHOICES)
def test_one_bad_choice_is_undecided(tmp_path, name):
    """
    A conclusion that depends on an `exists` name which no hypothesis ties to the configuration is not
    refuted by one value of it, however the dependence comes about.
    """
    more, given, chosen = CHOICES[name]
    report = verify(put(tmp_path, forged(more, "c", **{"arrays": POINT} | given)))

    assert (report.status, report.reason) == (
        "undecided", f"choice: it fails for the {chosen} chosen; another choice may do",
    )  # fmt: skip


TIED = SMALL + '\n[hypotheses]\nh = "C <= lambda_min(G)"\n'


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (TIED + BELOW, "a hypothesis relates C to the configuration"),
        (SMALL + '\n[conclusions]\nc = "loss <= 1/4"\n', "the conclusion does not depend on C"),
    ],
)
def test_any_admissible_value_refutes_where_it_is_tied_or_without_effect(tmp_path, more, why):
    """
    What a hypothesis ties to the configuration may have any admissible value, and a violation refutes.
    """
    report = verify(put(tmp_path, forged(more, "c", POINT, parameters={"C": "1/100"})))

    assert report.status == "valid", why


def test_a_choice_of_the_step_counts_from_the_first_step_on():
    """
    At the start nothing depends on the step size yet, unless the claim looks ahead.
    """
    step = '\n[parameters]\neta = { domain = "0 < eta", quantifier = "exists" }\n'
    more = f'{step}\n[conclusions]\nnow = "loss <= 1/4"\nlater = "next(loss) <= 1"\n'
    theorem = theorem_of(more, algorithm="gradient-descent")
    now, later = (c.claim for c in theorem.conclusions)

    assert open_choices(theorem, now, 0) == frozenset()
    assert open_choices(theorem, now, 1) == open_choices(theorem, later, 0) == {"eta"}


@pytest.mark.parametrize("hypothesis", ["", '\n[hypotheses]\nh = "eta <= C"\n'])
def test_a_run_with_a_bad_choice_refutes_nothing(hypothesis):
    """
    The audit does not take a long step for a refutation where the theorem asks for some step, and keeps
    no violation of it.
    """
    quantifier = "forall" if hypothesis else "exists"
    extra = 'C = { domain = "0 < C", quantifier = "exists" }\n' if hypothesis else ""
    more = f'\n[parameters]\neta = {{ domain = "0 < eta", quantifier = "{quantifier}" }}\n{extra}{hypothesis}'
    theorem = theorem_of(more + DESCENT, algorithm="gradient-descent")
    parameters = {"eta": 10} | ({"C": 100} if hypothesis else {})
    result = run(theorem, least_squares(theorem, [[1.0]], [1.0], [0.0], parameters), 3)

    assert result.outcomes["c"].verdict is Verdict.UNDECIDED
    assert "another choice may do" in result.outcomes["c"].reason


HIDDEN = '\n[parameters]\nC = { domain = "0 < C", quantifier = "hidden" }\n'


@pytest.mark.parametrize(
    "more",
    [
        HIDDEN + '\n[conclusions]\nc = "loss <= C*norm2(y)**2"\n',
        HIDDEN + '\n[hypotheses]\nh = "norm2(w) <= C"\n\n[conclusions]\nc = "loss <= 1/1000"\n',
        HIDDEN + 'B = { domain = "B <= C" }\n\n[conclusions]\nc = "loss <= B"\n',
    ],
)
def test_one_value_of_a_hidden_constant_is_excluded_only(tmp_path, more):
    """
    A hidden constant has one value for all configurations: a violation at 1/1000 leaves larger ones.
    """
    parameters = {"C": "1/1000"} | ({"B": "C"} if "B =" in more else {})
    report = verify(put(tmp_path, forged(more, "c", POINT, parameters=parameters)))

    assert report.status == "undecided"
    assert report.reason == "choice: it excludes C = 1/1000 only, of a hidden constant"


def test_a_run_with_one_value_of_a_hidden_constant_is_no_violation():
    """
    Where a hidden constant was given a value, the audit keeps no violation of a claim about it.
    """
    theorem = theorem_of(HIDDEN + '\n[conclusions]\nc = "loss <= C*norm2(y)**2"\n')
    result = run(theorem, least_squares(theorem, [[1.0]], [1.0], [0.0], {"C": "0.001"}), 0)
    campaign = Campaign()

    assert result.outcomes["c"].verdict is Verdict.FAILS
    assert not campaign.keep_violation(theorem, result, [])
    assert campaign.violation is None


AT_AN_INPUT = """
[scope]
activation = ["relu"]

[variables]
x1 = "vector(d)"

[hypotheses]
large = "min(W) >= 2"
zero  = "norm2(x1) == 0"

[conclusions]
wp   = "well_posed(x1)"
flat = "norm2(U @ X) <= 0"
"""
ILL_POSED = NEURON | {"W": [[2.0]], "x1": [0.0]}


def test_a_claim_at_an_input_does_not_waive_the_equilibrium(tmp_path):
    """
    `well_posed(x1)` is about another input; that the sample has no equilibrium makes the file no certificate.
    """
    report = verify(put(tmp_path, forged(AT_AN_INPUT, "flat", ILL_POSED)))

    assert report.status == "undecided"
    assert report.reason.startswith("equilibrium: sample 0 has no equilibrium")


def test_the_equilibrium_is_waived_for_the_conclusion_about_it_only(tmp_path):
    """
    Where one conclusion says `well_posed`, its own violation needs no equilibrium; the others' do.
    """
    more = '\n[conclusions]\nwp = "well_posed"\nflat = "norm2(U @ X) <= 0"\n'
    arrays = NEURON | {"W": [[2.0]]}

    assert verify(put(tmp_path, forged(more, "wp", arrays))).status == "valid"
    assert verify(put(tmp_path, forged(more, "flat", arrays))).status == "undecided"


def test_the_audit_keeps_only_the_violation_about_the_equilibrium():
    """
    At a configuration without an equilibrium a run refutes `well_posed` and nothing else.
    """
    from certificate_samples import deq

    more = '\n[conclusions]\nwp = "well_posed"\nflat = "norm2(U @ X) <= 0"\n'
    theorem = theorem_of(more, "deq")
    result = run(theorem, deq(theorem, activation="relu", **NEURON | {"W": [[2.0]]}), 0)

    assert {name: o.verdict for name, o in result.outcomes.items()} == {
        "wp": Verdict.FAILS, "flat": Verdict.FAILS,
    }  # fmt: skip
    assert standing_failures(theorem, result) == ["wp"]


def test_all_names_that_follow_from_the_iterate_are_known_to_move():
    """
    A definition frozen at the start and the iterate's name are two numbers: they are no tie at step 0.
    """
    names = SETTINGS["deq"].names.keys()
    fixed = {"X", "y", "W", "U", "a", "L_phi", "L_dphi", "phi_0", "K", "K_NTK", "path_length", "gap"}
    fixed |= {"well_posed"}

    assert names - fixed == MOVES_IN_PICARD


@pytest.mark.parametrize("name", ["loss_star", "grad_norm"])
def test_a_violation_at_the_start_of_picard_is_seen(tmp_path, name):
    """
    The loss that is least at the equilibrium is not that of the iterate 0: a claim that they agree fails.
    """
    arrays = {
        "X": [[1.0, 0.0], [0.0, 1.0]], "y": [1.0, -1.0], "W": [[0.0, 0.0], [0.5, 0.0]],
        "U": [[1.0, 1.0], [-1.0, -0.125]], "a": [1.0, 2.0],
    }  # fmt: skip
    more = f'trains = ["a"]\n\n[definitions]\nstart = "{name}"\n\n[conclusions]\n'
    more += 'c = "loss_star <= start"\n' if name == "loss_star" else 'c = "grad_norm >= start"\n'
    report = verify(put(tmp_path, forged(more, "c", arrays, algorithm="picard")))

    assert report.status == "valid"


def test_the_step_is_a_parameter_of_the_samples():
    """
    A step size for all values, as in the other samples, leaves no choice open.
    """
    theorem = theorem_of(ETA + DESCENT, algorithm="gradient-descent")

    assert open_choices(theorem, theorem.conclusions[0].claim, 5) == frozenset()
