"""Widths: by bounds against a published table and against draws, by search, by simulation."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from solving_cases import BITS, case, scene

import deqaudit
from checker import predictions
from checker.configuration import ExactArray, approximate
from checker.configure import configure, default_law
from checker.errors import UsageError
from checker.solving import width as search
from checker.solving.bounded_width import FAILURE, bounded_width, start_of
from checker.solving.simulated import drawn, rates, shows, simulated_width
from checker.solving.start_scale import current_scale
from checker.solving.tails import deviation, events, measured, tails
from checker.solving.widths import read_samples, widths


def laws_of(theorem, request):
    """The laws that check would draw from."""
    return {name: theorem.initialization.get(name) or default_law(name, request) for name in "WUa"}


def on_the_sphere(theorem_id: str, n: int, **settings: str):
    """n orthogonal inputs of norm sqrt(d), d = n, and labels of norm sqrt(n), as in the table."""
    theorem, request, configuration = case(
        theorem_id,
        {"n": str(n), "d": str(n), "m": "64", "data": "orthogonal", "labels": "constant", **settings},
    )
    X = np.sqrt(n) * configuration.arrays["X"].floats
    arrays = {**configuration.arrays, "X": ExactArray(X), "y": ExactArray(np.ones(n))}
    return theorem, request, replace(configuration, arrays=arrays)


@pytest.mark.parametrize(
    ("theorem_id", "n", "settings", "table"),
    [
        ("deq-gd", 4, {"s_w": "1e-12"}, 1.0e4),
        ("deq-gd", 4, {}, 3.5e4),
        ("deq-gd", 16, {}, 4.9e5),
        ("deq-gd", 4, {"s_a": "1/100"}, 5.7e4),
        ("deq-gd", 4, {"s_w": "3/10"}, 1.3e7),
        ("deq-gd-smooth", 4, {"s_a": "1", "activation": "tanh"}, 1.4e6),
    ],
)
def test_widths_by_bounds_are_those_derived_by_hand(theorem_id, n, settings, table):
    """
    The widths worked out in the derivation of the bounds come out, up to the events that are counted.
    """
    theorem, request, configuration = on_the_sphere(theorem_id, n, **settings)

    found = bounded_width(theorem, configuration, laws_of(theorem, request))

    assert found.width is not None
    assert 0.9 * table <= found.width <= 1.3 * table


def test_the_bounds_are_just_above_what_is_drawn():
    """
    At deviation 0 each bound is about the mean of 100 draws or above it, by no more than it must.
    """
    theorem, request, frame = on_the_sphere("deq-gd", 3, s_a="1/2")
    laws = laws_of(theorem, request)
    known = tails(start_of(theorem, frame, laws))
    found = measured(known, 64, 3, arb(0))
    seen: dict[str, list[float]] = {}
    for start in drawn(theorem, frame, laws, 64, 100, seed=5):
        W, U, a = (start.arrays[name].floats for name in "WUa")
        T = _equilibrium(W, U @ start.arrays["X"].floats)
        values = {
            "norm2(W)": np.linalg.norm(W, 2),
            "norm2(U)": np.linalg.norm(U, 2),
            "norm2(a)": np.linalg.norm(a),
            "norm_fro(T)": np.linalg.norm(T),
            "residual": np.linalg.norm(T.T @ a - start.arrays["y"].floats),
        }
        for name, value in values.items():
            seen.setdefault(name, []).append(float(value))

    ratios = {name: found[name][1] / float(np.mean(drawn_values)) for name, drawn_values in seen.items()}

    assert all(0.99 <= ratio <= 1.6 for ratio in ratios.values()), ratios


def test_more_events_need_a_larger_deviation():
    """
    Three events that fail with probability exp(-t**2/2) each fail with at most the probability asked for.
    """
    t = deviation(fmpq(1, 20), len(events(False, True)))

    assert events(False, True) == ("|W|_2", "|a|", "|phi(U X)|_F", "|yhat|")
    assert events(True, False) == ("|W|_2", "|U|_2", "|phi(U X)|_F")
    assert 4 * math.exp(-(float(t) ** 2) / 2) <= 1 / 20 * (1 + 1e-12)
    assert 4 * math.exp(-((float(t) - 1e-6) ** 2) / 2) > 1 / 20


def _equilibrium(W, source):
    T = np.zeros_like(source)
    for _ in range(300):
        T = np.maximum(W @ T + source, 0)
    return T


def test_a_width_by_bounds_says_what_is_not_known():
    """
    Starts that are not Gaussian and names without a bound give no width, in words.
    """
    theorem, request, frame = on_the_sphere("deq-gd-no-kink", 2)

    assert "preactivation" in bounded_width(theorem, frame, laws_of(theorem, request)).reason
    assert (FAILURE.p, FAILURE.q) == (1, 20)


def _pretend(monkeypatch, holds):
    tried = []

    def certified_at(theorem, request, configuration, width):
        tried.append(width)
        return holds(width)

    monkeypatch.setattr(search, "certified_at", certified_at)
    return tried


@pytest.mark.parametrize("threshold", [1, 2, 3, 23, 64, 65, 1024])
def test_the_smallest_width_is_found_by_doubling_and_bisection(monkeypatch, threshold):
    """
    Where the hypotheses hold from a width on, that width is found, and in few trials.
    """
    theorem, request, frame = case("deq-gd", {"n": "2", "d": "3", "m": "4", "data": "sphere"})
    tried = _pretend(monkeypatch, lambda width: width >= threshold)

    found = search.smallest_width(theorem, request, frame)

    assert found.value == threshold
    assert len(tried) <= 2 * math.log2(threshold) + 2
    if threshold > 1:
        assert f"not at {threshold - 1}" in found.reason


def test_a_width_that_is_not_found_is_none(monkeypatch):
    """
    Nothing up to the largest width; and a search that is cut says how far it came.
    """
    theorem, request, frame = case("deq-gd", {"n": "2", "d": "3", "m": "4", "data": "sphere"})
    _pretend(monkeypatch, lambda width: False)

    assert search.smallest_width(theorem, request, frame, 64).reason.startswith(
        "certified at no power of two up to 64"
    )
    cut = search.smallest_width(theorem, request, frame, 64, lambda width: width > 8)
    assert (cut.value, cut.tried) == (None, 8)
    assert search.smallest_width(theorem, request, frame, 64, lambda width: True).reason == "not tried"


def test_the_largest_scale_of_the_start_is_where_check_changes_its_answer():
    """
    At the reported s_w the theorem applies; at the next one of four digits it does not.
    """
    report = deqaudit.check("deq-contraction", set={"m": 16, "n": 2, "d": 3, "data": "sphere"})
    found = report.predicted["largest_init_scale"]
    after = str(Fraction(str(found.value)) + Fraction(1, 10**4))

    def at(s_w: str) -> str:
        settings = {"m": 16, "n": 2, "d": 3, "data": "sphere", "s_w": s_w}
        return deqaudit.check("deq-contraction", set=settings).verdict

    assert at(str(found.value)) == "applies"
    assert at(after) == "does-not-apply"
    assert "proved to fail" in found.reason


PIECES = """
format = 1
[theorem]
id = "pieces"
title = "The admissible scales of the start form two intervals"
setting = "deq"
kind = "deterministic"
[theorem.source]
fidelity = "derived"
[dynamics]
algorithm = "gradient-descent"
step = "eta"
[parameters]
eta = { domain = "0 < eta", quantifier = "forall" }
[hypotheses]
pieces = "norm2(W)**2 - norm2(W) + 1/8 >= 0"
step = "eta <= 1"
contraction = "norm2(W) < 1"
[conclusions]
k = "next(loss) <= loss + 1"
"""


def test_the_largest_scale_is_sought_beyond_the_first_interval():
    """
    |W|_2 may be at most (1 - 1/sqrt(2))/2 or from (1 + 1/sqrt(2))/2 on, and the second interval is found.
    """
    from checker.reading import read_theorem
    from checker.request import read_request
    from checker.solving.start_scale import largest_scale

    theorem = read_theorem(PIECES, "pieces.theorem.toml")
    settings = {"n": "2", "d": "3", "m": "6", "data": "sphere", "activation": "relu", "labels": "constant"}
    request = read_request(theorem, settings)
    frame = configure(theorem, request)
    frame = replace(frame, parameters={k: v for k, v in frame.parameters.items() if k != "eta"})

    found = largest_scale(theorem, request, frame, 128)
    alone = np.linalg.norm(approximate(frame.arrays["W"], frame), 2)
    at = float(found.value) / float(current_scale(theorem, request, frame)[0]) * alone

    assert 0.999 < at < 1
    assert deqaudit.check(theorem, set={**settings, "s_w": str(found.value)}).verdict == "applies"


def test_a_prediction_that_ends_early_is_null_and_says_why(monkeypatch):
    """
    A search that fails in its floats, or an equilibrium without enclosure, never ends a check.
    """
    settings = {"n": 1, "d": 1, "m": 1, "activation": "relu", "s_w": 2, "data": "sphere", "seed": 3}
    plain = deqaudit.check("deq-contraction", set=settings).predicted["largest_label_norm"]

    def broken(*arguments):
        raise OverflowError("math range error")

    for name in ("largest_init_scale", "smallest_width", "width_by_bounds"):
        monkeypatch.setattr(predictions, name, broken)
    found = deqaudit.check("deq-contraction", set=settings).predicted

    assert (plain.value, plain.reason) == (None, "the equilibrium is not certified to exist and be unique")
    for name in ("largest_init_scale", "smallest_width", "width_by_bounds"):
        assert (found[name].value, found[name].reason) == (
            None,
            "the search for it ended early: math range error",
        )


def test_simulated_runs_show_the_rate_and_a_rate_too_fast_is_not_shown():
    """
    Gradient descent on least curvature keeps the theorem's factor; ten times the exponent it does not keep.
    """
    theorem, request, frame = case("deq-gd", {"n": "2", "d": "3", "m": "4", "data": "sphere"})
    laws = laws_of(theorem, request)
    found = simulated_width(theorem, frame, laws, 20, 0, draws=4)
    assert found.width is not None
    starts = drawn(theorem, frame, laws, 32, 4, 1)

    faster = replace(
        theorem,
        conclusions=tuple(c for c in _changed(theorem).conclusions if c.name == "rate"),
    )

    assert shows(theorem, starts, 20, 0) == 4
    assert shows(faster, starts, 20, 0) == 0


def _changed(theorem):
    from checker.reading import read_theorem

    text = theorem.text.replace(
        "(1 - eta*lambda_0/2)**tau * loss_0", "(1 - eta*lambda_0/2)**(200*tau) * loss_0"
    )
    assert text != theorem.text
    return read_theorem(text, "faster.toml")


def test_the_estimated_rate_is_the_certified_one():
    """
    The float factor of a batch agrees with the enclosed one of the report.
    """
    report = deqaudit.check("gd-least-squares", set={"n": 2, "d": 3, "data": "sphere"})
    theorem, _, frame = case("gd-least-squares", {"n": "2", "d": "3", "data": "sphere"})
    from checker.batch import scene_of
    from checker.request import read_request

    eta = read_request(theorem, {"eta": report.parameters["eta"]}).parameters
    at = replace(frame, parameters={**frame.parameters, **eta})

    (found,) = rates(theorem, scene_of(theorem, [at]), 1).tolist()

    assert math.isclose(found, float(report.predicted["rate_per_step"].value), rel_tol=1e-9)


def test_the_table_has_a_row_for_each_number_of_samples():
    """
    Small labels let every column be filled, and the ratio is theirs.
    """
    theorem = deqaudit.load("deq-gd")

    report = widths(
        theorem, {"n": "2, 3", "s_y": "1/4096", "data": "sphere", "d": "4", "steps": "20"}, budget=0
    )

    assert [row.n for row in report.rows] == [2, 3]
    assert report.not_done == ()
    for row in report.rows:
        wanted, shown = row.by_draw.value, row.simulated.value
        assert isinstance(wanted, int)
        assert isinstance(shown, int)
        assert row.ratio == (wanted / shown if wanted >= shown else None)
        assert row.share is not None
        assert math.isclose(row.share, (0.01 / 10 / 2) ** (1 / 32), rel_tol=1e-9)  # ten widths may be tried


def test_what_the_budget_cuts_is_listed():
    """
    With hardly any time every search is cut, and says so.
    """
    report = widths(deqaudit.load("deq-gd"), {"n": "2", "data": "sphere", "d": "3"}, budget=1e-9)

    assert report.rows[0].by_draw.value is None
    assert report.rows[0].simulated.value is None
    assert any("simulated width at n = 2" in text for text in report.not_done)
    assert any("certified width at n = 2" in text for text in report.not_done)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"m": "8"}, "--set m: the width is what is sought; remove this --set"),
        ({"n": "2,2"}, "--set n=2,2: write at most 32 different numbers, as in n=2,4,8"),
        ({"n": "2,x"}, "--set n=x: write a whole number, as in n=4"),
        ({"n": "2,"}, "--set n=: write a whole number, as in n=4"),
    ],
)
def test_a_mistake_in_the_numbers_of_samples_is_one_line(settings, message):
    """
    The line says what to write.
    """
    with pytest.raises(UsageError, match="^" + message.replace("=", "=") + "$"):
        widths(deqaudit.load("deq-gd"), settings)


def test_without_numbers_there_are_four_rows():
    """
    The default of the command.
    """
    assert read_samples({"data": "sphere"}) == (("2", "4", "8", "16"), {"data": "sphere"})
    with ctx.workprec(BITS):
        theorem, _, frame = case("deq-gd", {"n": "2", "d": "3", "m": "4", "data": "sphere"})
        assert scene(theorem, frame).name("n") == 2
    with pytest.raises(UsageError, match="has no width of its own"):
        widths(deqaudit.load("gd-least-squares"), {})
