"""`check` and `audit` agree: what applies is certified, what does not is not; and the same bytes twice."""

import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.audit import audit
from checker.campaign_record import certified
from checker.conditions import check, with_chosen
from checker.configure import configure
from checker.errors import UsageError
from checker.reading import load
from checker.records import ConditionReport
from checker.request import read_request
from checker.runs import run
from checker.settings import SETTINGS
from checker.theorem import Theorem
from checker.verdict import Verdict
from properties.evidence import trial
from properties.instances import caught
from properties.test_theorems import TWINS
from reports.jsonfile import to_json

ROOT = Path(__file__).parent.parent
IDS = (
    "deq-gd",
    "deq-gd-smooth",
    "deq-gd-no-kink",
    "gd-least-squares",
    "deq-contraction",
    "ling-2023-theorem-1",
)
STEPS = 4


FEWER = settings(max_examples=max(5, settings.default.max_examples // 4))
"""Checking one request takes a second or two: predicting the smallest width tries out many."""

Case = tuple[str, dict[str, str]]


@lru_cache
def loaded(identity: str) -> Theorem:
    """A theorem by id or path; cases carry the id, which prints in one line."""
    return load(identity)


@st.composite
def requests(draw: st.DrawFn, theorem: Theorem) -> dict[str, str]:
    """What a user sets: sizes, data, labels, scales and a seed; about half of them in reach of a theorem."""
    n = draw(st.integers(1, 3), label="n")
    d = draw(st.integers(n, n + 3), label="d")
    chosen = {"n": str(n), "d": str(d), "seed": str(draw(st.integers(0, 2**32 - 1), label="seed"))}
    data = ["orthogonal", "sphere"] + (["near-parallel:0.5"] if n > 1 else [])
    chosen["data"] = draw(st.sampled_from(data), label="data")
    chosen["labels"] = draw(st.sampled_from(["random", "constant", "worst"]), label="labels")
    chosen["s_y"] = draw(st.sampled_from(["1/100000", "1/1000", "1"]), label="s_y")
    if SETTINGS[theorem.setting].has_activation:
        known = theorem.scope.activation or tuple(SETTINGS[theorem.setting].activations)
        chosen["activation"] = draw(st.sampled_from(known), label="activation")
        chosen["m"] = str(draw(st.integers(n, 6), label="m"))
        if not theorem.initialization:
            wild = ["2"] if chosen["labels"] != "worst" else []  # no equilibrium: no worst direction
            chosen["s_w"] = draw(st.sampled_from(["1/10", "0", "1/4", *wild]), label="s_w")
            chosen["s_u"] = draw(st.sampled_from(["1", "4"]), label="s_u")
    return chosen


def pairs(identity: str) -> st.SearchStrategy[Case]:
    """A theorem's id or path with a request for it."""
    return st.tuples(st.just(identity), requests(loaded(identity)))


REQUESTS = st.one_of(*(pairs(identity) for identity in IDS))


def certifiable(report: ConditionReport) -> bool:
    """Was everything decided at the precisions that a campaign tries too?"""
    return not any(bits in row.engine for row in report.hypotheses for bits in ("512", "1024"))


def agree(identity: str, request: dict[str, str], *, lie: bool = False) -> None:
    """The verdict of `check` (its opposite, where it is to lie) against what a campaign certifies."""
    theorem = loaded(identity)
    with trial("check and audit") as case:
        report = check(theorem, request)
        verdict = report.verdict
        read = read_request(theorem, request)
        chosen = with_chosen(theorem, read, configure(theorem, read))
        judged = certified(theorem, chosen)
        if lie:
            verdict = {"applies": "does-not-apply", "does-not-apply": "applies"}.get(verdict, verdict)
        if verdict == "does-not-apply":
            assert judged is None
        elif verdict == "undecided" or not certifiable(report):
            return case.undecided()
        else:
            assert judged is not None
            result = run(theorem, chosen, STEPS, curves=False)
            failing = [name for name, o in result.outcomes.items() if o.verdict is Verdict.FAILS]
            assert not failing, f"{failing} fails where check says that the theorem applies: {request}"
            case.margin(
                min((o.worst for o in result.outcomes.values() if o.worst is not None), default=None),
                theorem.id,
            )
    return None


@pytest.mark.undecided(at_most=0.5)
@FEWER
@given(case=REQUESTS)
def test_check_and_audit_agree(case: Case) -> None:
    """
    What `check` says applies is certified, and no conclusion fails there; what does not is not certified.
    """
    agree(*case)


@pytest.mark.parametrize("identity", ["deq-gd", "gd-least-squares"])
def test_a_check_that_says_the_opposite_is_caught(identity: str) -> None:
    """
    The property above has the power to see a verdict that contradicts the certification.
    """
    found, _ = caught(pairs(identity), lambda case: agree(*case, lie=True))

    assert found == identity


@pytest.mark.parametrize(
    "twin",
    [
        "deq-gd-smooth-twin-rate",
        "gd-least-squares-twin-rate",
        "deq-contraction-twin-half-rate",
    ],
)
def test_a_broken_twin_applies_and_fails(twin: str) -> None:
    """
    For a false theorem there is a request to which it applies and at which a conclusion certainly fails.
    """
    path, request = caught(pairs(str(TWINS / f"{twin}.theorem.toml")), lambda case: agree(*case))

    assert check(loaded(path), request).verdict == "applies"


@FEWER
@given(case=REQUESTS)
def test_the_same_seed_gives_the_same_bytes(case: Case) -> None:
    """
    Checking the same request twice gives the same JSON, byte for byte.
    """
    identity, request = case
    with trial("the same seed, the same bytes"):
        first, second = (to_json(check(loaded(identity), request)) for _ in range(2))

        assert first == second


def test_another_seed_gives_other_bytes() -> None:
    """
    The property above compares something: reports of different seeds differ.
    """

    def same(case: Case) -> None:
        identity, request = case
        theorem = loaded(identity)
        other = {**request, "seed": str((int(request["seed"]) + 1) % 2**32)}
        assert to_json(check(theorem, request)) == to_json(check(theorem, other))

    identity, _ = caught(REQUESTS, same)

    assert identity in IDS


def test_processes_with_other_hash_seeds_give_the_same_bytes() -> None:
    """
    The order in which Python hashes texts does not show in a report.
    """
    words = ["check", "gd-least-squares", "--json", "--set", "n=2", "--set", "d=3", "--seed", "5"]
    found = [
        subprocess.run(  # noqa: S603 - our own command, in a process of its own
            [sys.executable, "-m", "deqaudit", *words],
            env={**os.environ, "PYTHONHASHSEED": hashing, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=False,
        )
        for hashing in ("1", "2")
    ]

    assert found[0].stdout == found[1].stdout
    assert found[0].stdout.startswith(b"{"), found[0].stderr.decode()


@pytest.mark.parametrize(("identity", "outside"), [("deq-gd-no-kink", "tanh"), ("deq-gd-smooth", "relu")])
def test_an_activation_outside_the_scope_supports_nothing(identity: str, outside: str) -> None:
    """
    For an activation the theorem is not about, `check` says so and an audit has nothing to say.
    """
    sizes = {"n": "1", "d": "2", "m": "2", "activation": outside}

    report = check(loaded(identity), sizes)
    try:
        verdict = audit(loaded(identity), sizes, budget=0, runs=1, steps=1).verdict
    except UsageError:
        verdict = "refused"

    assert report.verdict == "does-not-apply"
    assert verdict in {"inconclusive", "refused"}


def test_worst_labels_of_a_model_without_an_equilibrium_are_refused() -> None:
    """
    What cannot be configured is a user's mistake with a line of text, not a bug.
    """
    wild = {"n": "2", "d": "3", "m": "4", "s_w": "50", "labels": "worst", "activation": "softplus"}

    with pytest.raises(UsageError):
        check(loaded("deq-gd"), wild)
