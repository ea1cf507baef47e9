"""A certificate that says anything else is not valid."""

import copy
import json

import pytest
from certificate_samples import HALF_RATE, document, half_rate, put, resealed, step_too_long

from checker.certificate import verify
from checker.errors import CheckerError

HALF, STEP = document(half_rate()), document(step_too_long())


def leaves(value, path=()):
    """The path of every leaf of a JSON value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path


def changed(value, path, new):
    """A copy with one leaf replaced."""
    out = copy.deepcopy(value)
    inner = out
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return out


def without(value, path):
    """A copy without one leaf."""
    out = copy.deepcopy(value)
    inner = out
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return out


def other(leaf):
    """Another value of the same type, near this one."""
    if isinstance(leaf, bool) or leaf is None:
        return "relu"
    if isinstance(leaf, int):
        return leaf + 1
    if isinstance(leaf, str):
        return leaf[:-1] + ("1" if leaf[-1:] != "1" else "2") if leaf else "x"
    return ["x"]


def outcome(folder, value) -> str:
    """The status of a changed document, or "refused" where it is not read as a certificate."""
    path = folder / "x.json"
    path.write_text(json.dumps(value))
    try:
        return verify(path).status
    except CheckerError as error:
        assert "\n" not in str(error)
        return "refused"


def resealed_report(folder, value):
    """The report on a changed document whose digest fits again."""
    return verify(put(folder, resealed(value)))


@pytest.mark.parametrize("name", ["half", "step"])
def test_every_leaf_is_covered_by_the_digest(tmp_path, name):
    """
    Changing any leaf, leaving it out or changing its type makes a certificate invalid or no certificate.
    """
    original = {"half": HALF, "step": STEP}[name]

    for path in leaves(original):
        leaf = original
        for key in path:
            leaf = leaf[key]
        candidates = [changed(original, path, new) for new in (other(leaf), {"x": 1}, 0.5, [[]])]
        candidates.append(without(original, path))
        assert {outcome(tmp_path, candidate) for candidate in candidates} <= {"invalid", "refused"}


NO_BOUNDS = "recorded bounds: the bounds of the right side are no bounds"
UNKNOWN = "configuration: a parameter is given that the theorem does not have"
NO_FLOAT = "configuration: W: {!r} is not a float in hexadecimal"
FLOATS = ("configuration", "arrays", "W", "floats")

RESEALED = [
    (("theorem", "id"), "other", "identity: the id is 'half-rate' in the theorem"),
    (("theorem", "text"), "x = 1", "theorem: "),
    (("theorem", "text"), HALF_RATE.replace("(q/2)", "q"), "identity: the theorem claims something else"),
    (("theorem", "text"), HALF_RATE.replace("(q/2)**tau", "(q/2)**(-tau)"), "identity: "),
    (("theorem", "text"), HALF_RATE.replace('"q < 1"', '"q < 1/2"'), "hypothesis contraction: q < 1/2 fails"),
    (("theorem", "text"), HALF_RATE.replace("[hypotheses]", '[hypotheses]\nmore = "q < 1"'), "hypotheses: "),
    (("claim", "name"), "other", "identity: the theorem has no conclusion of this name"),
    (("claim", "text"), "gap <= 0", "identity: the theorem claims something else"),
    (("step",), 0, "violation: the conclusion holds at this step"),
    (("step",), 2, "recorded bounds: the left side lies elsewhere"),
    (("algorithm",), "none", "identity: the algorithm is picard in the theorem"),
    (("hypotheses",), [], "hypotheses: the hypotheses listed are not those of the theorem"),
    (("violation", "operator"), "<", "recorded bounds: the violated comparison is another one"),
    (("violation", "lhs"), {"lo": "0.6", "hi": "0.7"}, "recorded bounds: the left side lies elsewhere"),
    (("violation", "rhs"), {"lo": "0.3", "hi": "0.2"}, NO_BOUNDS),
    (("violation", "rhs"), {"lo": "zero", "hi": "1"}, NO_BOUNDS),
    (("violation", "lhs"), None, "recorded bounds: the left side is recorded otherwise"),
    (("configuration", "setting"), "least-squares", "configuration: the setting is deq in the theorem"),
    (("configuration", "sizes"), {"n": 1, "d": 1}, "configuration: the sizes are n, d, m"),
    (("configuration", "sizes", "n"), 2, "configuration: X has the shape (1, 2)"),
    (("configuration", "sizes", "n"), 5000, "configuration: n is at most 4096"),
    (("configuration", "activation"), "step", "configuration: the activation is one of relu, "),
    (("configuration", "activation"), None, "configuration: the activation is one of relu, "),
    (("configuration", "kink"), "1/2", "configuration: the kink is 0 in the theorem"),
    (("configuration", "kink"), "1/0", "configuration: the kink is not a rational number p/q"),
    (("configuration", "trains"), ["W"], "configuration: the theorem trains W, U, a, in this order"),
    (("configuration", "parameters"), {"q": "1"}, UNKNOWN),
    (("configuration", "arrays", "W", "map"), "goe", "configuration: the map of W is 'plain' in"),
    (("configuration", "arrays", "W", "scale"), "1", "configuration: W has no scale"),
    (("configuration", "arrays", "W", "shape"), [1], "configuration: W has the shape (1, 1)"),
    (FLOATS, [], "configuration: W has 1 entries"),
    (FLOATS, ["0.5"], NO_FLOAT.format("0.5")),
    (FLOATS, ["nan"], NO_FLOAT.format("nan")),
    (FLOATS, ["0x1.0p-1"], "configuration: W: '0x1.0p-1' is not how a finite float"),
    (FLOATS, ["0x1.0000000000000p+9999"], "configuration: W: "),
    (FLOATS, ["0x1.0000000000000p+0"], "hypothesis contraction: q < 1 fails"),
    (FLOATS, ["0x1.0000000000000p-2"], "recorded bounds: "),
    (("configuration", "arrays", "X", "floats"), ["0x1.0000000000000p+1"], "recorded bounds: "),
]


IDS = [f"{'.'.join(path)}-{i}" for i, (path, _, _) in enumerate(RESEALED)]


@pytest.mark.parametrize(("path", "new", "reason"), RESEALED, ids=IDS)
def test_a_changed_certificate_with_a_fitting_digest_is_still_invalid(tmp_path, path, new, reason):
    """
    A digest protects against accidents only; the content is checked for what it says.
    """
    report = resealed_report(tmp_path, changed(HALF, path, new))

    assert (report.status, report.reason[: len(reason)]) == ("invalid", reason)


def test_the_same_values_for_another_activation_are_as_good(tmp_path):
    """
    What does not matter for the violation may differ: on positive numbers abs is the identity.
    """
    report = resealed_report(tmp_path, changed(HALF, ("configuration", "activation"), "abs"))

    assert report.status == "valid"


PARAMETERS = [
    ({}, "configuration: the parameter eta has no value"),
    ({"eta": "1/2", "mu": "1"}, UNKNOWN),
    ({"eta": "-1/2"}, "hypothesis domain.eta: 0 < eta fails"),
    ({"eta": "3"}, "hypothesis step_size: "),
    ({"eta": "1/4"}, "recorded bounds: "),
    ({"eta": "eta"}, "configuration: the parameters are given in terms of each other, in a circle"),
    ({"eta": "loss"}, "configuration: the parameter eta, column 1: "),
    ({"eta": "ones(3)"}, "configuration: the parameter eta is not an expression in scalars"),
    ({"eta": "sum(ones(4096))/8192"}, "configuration: the parameter eta is not an expression in scalars"),
    ({"eta": "9**9**9**9"}, "configuration: the parameter eta, column "),
    ({"eta": "1/0"}, "configuration: "),
    ({"eta": "__import__('os')"}, "configuration: the parameter eta, column 1: "),
]


@pytest.mark.parametrize(("parameters", "reason"), PARAMETERS, ids=map(str, range(len(PARAMETERS))))
def test_other_parameters_are_not_believed(tmp_path, parameters, reason):
    """
    Parameters are expressions in sizes and each other, within their domains, and nothing else.
    """
    report = resealed_report(tmp_path, changed(STEP, ("configuration", "parameters"), parameters))

    assert (report.status, report.reason[: len(reason)]) == ("invalid", reason)


def test_an_equal_value_written_otherwise_is_as_good(tmp_path):
    """
    A parameter is a number, not a text.
    """
    report = resealed_report(tmp_path, changed(STEP, ("configuration", "parameters"), {"eta": "sqrt(n/4)"}))

    assert report.status == "valid"


HALVED, ZERO = "0x1.0000000000000p-1", "0x0.0p+0"

STARTS = {
    "zeros()": ("plain", None, HALVED, "start: W is zero in the theorem"),
    "rademacher()": ("plain", None, HALVED, "start: W has entries that are neither 1 nor -1"),
    "uniform(0, 1/4)": ("plain", None, HALVED, "start: W has entries outside the range of its law"),
    "normal(0, 0)": ("plain", None, HALVED, "start: W is constant in the theorem"),
    "constant(1/2)": ("plain", None, ZERO, "configuration: the map of W is 'constant' in this theorem"),
    "constant(0/2)": ("constant", "1/2", ZERO, "configuration: the scale of W is 0/2 in this theorem"),
    "orthogonal(1/4)": ("orthogonal", None, ZERO, "configuration: the scale of W is 1/4 in this theorem"),
    "goe(1)": ("goe", "1 +", ZERO, "configuration: the scale of W is 1 in this theorem"),
}


@pytest.mark.parametrize("law", STARTS)
def test_a_start_that_the_stated_law_cannot_give_is_invalid(tmp_path, law):
    """
    An array that the theorem states is what the theorem states.
    """
    map_, scale, floats, reason = STARTS[law]
    text = HALF_RATE + f'\n[initialization]\nW = "{law}"\n'
    value = changed(HALF, ("theorem", "text"), text)
    value["configuration"]["arrays"]["W"] = {"shape": [1, 1], "map": map_, "scale": scale, "floats": [floats]}

    report = resealed_report(tmp_path, value)

    assert (report.status, report.reason) == ("invalid", reason)


@pytest.mark.parametrize(
    "law", ["uniform(0, 1/2)", "normal(0, 1)", "normal(1/2, 0)", "constant(1/2)", "orthogonal(1/2)", "goe(2)"]
)
def test_a_start_that_the_stated_law_can_give_is_valid(tmp_path, law):
    """
    A float in the support of its law, or the map that the law names, is accepted.
    """
    text = HALF_RATE + f'\n[initialization]\nW = "{law}"\n'
    value = changed(HALF, ("theorem", "text"), text)
    array = value["configuration"]["arrays"]["W"]
    name, argument = law.rstrip(")").split("(")
    if name in ("constant", "orthogonal", "goe"):
        array |= {"map": name, "scale": argument}
        array["floats"] = ["0x1.0000000000000p-2" if name == "goe" else HALVED]

    report = resealed_report(tmp_path, value)

    assert (report.status, report.reason) == ("valid", "every check holds, and the second code path agrees")


def test_one_run_does_not_refute_a_theorem_about_most_runs(tmp_path):
    """
    A theorem that claims a probability is not refuted by one draw.
    """
    text = HALF_RATE.replace('"deterministic"', '"high-probability"')
    text += '\n[initialization]\nW = "normal(0, 1)"\n'
    text += '\n[probability]\nover = "initialization"\nholds = "1/2"\n'

    report = resealed_report(tmp_path, changed(HALF, ("theorem", "text"), text))

    assert report.reason == "identity: one run does not refute a theorem of kind high-probability"


def test_too_little_precision_leaves_a_certificate_undecided_or_valid(tmp_path):
    """
    Precision is never a reason to call a true violation invalid.
    """
    report = resealed_report(tmp_path, changed(HALF, ("precision",), 16))

    assert report.status in ("valid", "undecided")


def test_a_run_too_large_to_be_made_again_is_undecided(tmp_path):
    """
    A certificate that would take hours is not believed and not refuted.
    """
    value = changed(changed(HALF, ("step",), 10**6), ("precision",), 2**20)

    report = resealed_report(tmp_path, value)

    assert (report.status, report.reason) == ("undecided", "size: the run is too large to be made again")
