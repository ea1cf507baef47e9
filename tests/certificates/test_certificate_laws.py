"""Laws of the start and of the data, and the norm of the data: what they allow is proved."""

import pytest
from certificate_samples import put
from forged_samples import NEURON, POINT, forged, theorem_of

from checker.certificate import verify
from checker.certificate_content import read_configuration
from checker.declaration import read_theorem
from checker.errors import TheoremError
from checker.hypotheses import gates

HALF = POINT | {"w": [0.5]}


@pytest.mark.parametrize(
    ("law", "status", "reason"),
    [
        ("uniform(1/2, 1)", "valid", ""),
        ("uniform(1/2 + 2**(-200), 1)", "invalid", "start: w has entries outside the range of its law"),
        ("uniform(sqrt(1/4), sqrt(2)*sqrt(2)/4)", "valid", ""),
        ("uniform(1, 0)", "invalid", "start: w has a law without a range"),
        (
            "uniform(exp(1)*exp(0-1)/2, 1)",
            "undecided",
            "start: it is not clear whether w has entries outside",
        ),
        ("normal(1/2 + 2**(-200), 0)", "invalid", "start: w is constant in the theorem"),
        ("normal(sqrt(2)*sqrt(2)/4, 0)", "valid", ""),
        (
            "normal(0, exp(1)*exp(0-1) - 1)",
            "undecided",
            "start: it is not clear whether w has a law of negative",
        ),
        ("normal(0, -1)", "invalid", "start: w has a law of negative variance"),
        ("normal(0, 2**(-2000))", "valid", ""),
    ],
)
def test_the_support_of_a_law_is_three_valued(tmp_path, law, status, reason):
    """
    An array lies in the support of its law certainly, or certainly not, or it is said that this is open.
    """
    more = f'\n[initialization]\nw = "{law}"\n\n[conclusions]\nc = "sum(w) > 1/2"\n'
    report = verify(put(tmp_path, forged(more, "c", HALF)))

    assert report.status == status
    assert report.reason.startswith(reason)


@pytest.mark.parametrize("claim", ["norm2(W) <= 0", "n <= 0"])
def test_a_symmetric_law_of_negative_variance_is_none(tmp_path, claim):
    """
    The root of a negative variance is no array, and the file fails at its start.
    """
    more = f'\n[initialization]\nW = "goe(-1/8)"\n\n[conclusions]\nc = "{claim}"\n'
    report = verify(put(tmp_path, forged(more, "c", NEURON, maps={"W": ("goe", "-1/8")})))

    assert (report.status, report.reason) == ("invalid", "start: W has a law of negative variance")


NORM = '\n[parameters]\nR = {{ quantifier = "forall" }}\n\n[scope]\ndata_norm = "{}"\n'


@pytest.mark.parametrize(
    ("norm", "status", "reason"),
    [
        ("R", "invalid", "hypothesis scope.data_norm: R >= 0 fails"),
        ("R + 1", "valid", ""),
        ("R*R", "valid", ""),
        ("exp(R)*exp(0 - R) - 1", "undecided", "hypothesis scope.data_norm: "),
    ],
)
def test_the_norm_of_the_data_is_not_negative(tmp_path, norm, status, reason):
    """
    A norm is nonnegative: a file with a negative one fails, and one that cannot be told is undecided.
    """
    more = NORM.format(norm) + '\n[conclusions]\nc = "norm2(w) > 0"\n'
    given = {"parameters": {"R": "-1"}, "maps": {"X": ("columns", norm)}}
    report = verify(put(tmp_path, forged(more, "c", POINT, **given)))

    assert report.status == status
    assert report.reason.startswith(reason)


def test_a_norm_that_cannot_be_negative_is_no_hypothesis():
    """
    sqrt(d) needs no proof, so that the list of hypotheses is what it was.
    """
    more = '\n[scope]\ndata_norm = "sqrt(d)"\n\n[conclusions]\nc = "norm2(w) > 0"\n'
    certificate = forged(more, "c", POINT, maps={"X": ("columns", "sqrt(d)")})
    theorem = read_theorem(certificate.theorem.text, "x")

    assert not gates(theorem, read_configuration(theorem, certificate))


def test_a_norm_and_a_law_of_the_data_contradict_each_other():
    """
    One key would silently win: the file is refused, and the line says what to write.
    """
    more = '\n[scope]\ndata_norm = 1\n\n[data]\nX = "normal(0, 1)"\n\n[conclusions]\nc = "norm2(X) <= 2"\n'

    with pytest.raises(TheoremError, match="drop this key, or drop X there and keep it here"):
        theorem_of(more, "deq")
