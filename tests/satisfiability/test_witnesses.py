"""Theorems that can be satisfied in one corner only are found to be, and the witness is certified."""

import pytest
from serving import CORNERS

from checker.campaign import conduct
from checker.campaign_record import certified
from checker.candidates import activations, shapes
from checker.clock import Clock
from checker.hypotheses import judge_hypotheses
from checker.reading import read_theorem
from checker.request import read_request
from checker.satisfiability.corners import favourable
from checker.satisfiability.prove import impossible
from checker.verdict import Verdict


@pytest.mark.parametrize("text", CORNERS.values(), ids=CORNERS.keys())
def test_the_corner_is_found_and_certified(text: str) -> None:
    """In the first few shapes a configuration is found, and every hypothesis of it holds in balls."""
    theorem = read_theorem(text, "small.theorem.toml")
    request = read_request(theorem, {}, 0)
    kind = activations(theorem, request)[0]

    tried = (
        favourable(theorem, request, sizes, kind, 1, (k,)) for k, sizes in enumerate(shapes(theorem, request))
    )
    good = (a.configuration for found in tried for a in found if a.hypotheses >= 0)
    witness = next(c for c in good if certified(theorem, c) is not None)

    judged = judge_hypotheses(theorem, witness)
    assert all(each.verdict is Verdict.HOLDS for each in judged)
    assert impossible(theorem, 2.0) is None


def test_a_campaign_tries_the_corners() -> None:
    """Where the population search finds nothing, the campaign's first runs come from the corners."""
    theorem = read_theorem(CORNERS["zero readout"], "small.theorem.toml")

    found = conduct(
        theorem, read_request(theorem, {}, 0), Clock(8.0), runs=1, steps=1, progress=lambda _: None
    )

    assert found.satisfying >= 1


def test_shapes_follow_hypotheses_about_sizes() -> None:
    """A hypothesis about sizes alone chooses the shapes, as the scope does."""
    theorem = read_theorem(CORNERS["a wide network"], "small.theorem.toml")

    found = shapes(theorem, read_request(theorem, {}, 0))

    assert found and all(sizes["m"] >= 64 * sizes["n"] for sizes in found)
