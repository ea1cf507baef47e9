"""The ladder of engines: what is tried first, that rungs agree, and what happens without float64."""

import subprocess
import sys
from dataclasses import replace

import pytest
from flint import ctx

from checker.completing import WHOLE_BOUND, complete
from checker.configuration import ExactArray, exact
from checker.configure import configure
from checker.enclosure import ARRAYS, frobenius, matrix, to_arb
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.parse import parse_expression
from checker.families import generator
from checker.hypotheses import PRECISIONS, judge_hypotheses
from checker.near import FLOAT64, NearScenes, ladder, near
from checker.reading import builtin_ids, load
from checker.request import read_request
from checker.verdict import Verdict


def configuration(theorem, **settings: str):
    request = read_request(theorem, {"seed": "3", **settings}, None)
    found = configure(theorem, request)
    return complete(theorem, [found], generator(3, "test"), fractions=WHOLE_BOUND)[0].configuration


SETTINGS_OF = {
    "deq-gd": {"n": "5", "d": "6", "m": "70", "data": "sphere", "s_y": "1/256"},
    "deq-gd-smooth": {"n": "4", "d": "6", "m": "66", "data": "sphere", "s_y": "1/256", "activation": "tanh"},
    "deq-gd-no-kink": {"n": "4", "d": "6", "m": "66", "data": "sphere", "s_y": "1/256"},
    "deq-contraction": {"n": "4", "d": "6", "m": "80", "data": "sphere"},
    "ling-2023-theorem-1": {"n": "3", "d": "5", "m": "72", "data": "sphere"},
    "gd-least-squares": {"n": "20", "d": "70", "data": "sphere"},
}


def test_every_shipped_theorem_is_compared() -> None:
    assert set(SETTINGS_OF) == set(builtin_ids())


@pytest.mark.parametrize("name", sorted(SETTINGS_OF))
def test_float64_never_contradicts_balls(name: str) -> None:
    theorem = load(name)
    found = configuration(theorem, **SETTINGS_OF[name])
    fast = judge_hypotheses(theorem, found, precisions=(FLOAT64,), scenes=NearScenes(theorem))
    slow = judge_hypotheses(theorem, found, precisions=(128,))
    decided = 0
    for quick, sure in zip(fast, slow, strict=True):
        assert quick.name == sure.name
        assert Verdict.UNDECIDED in (quick.verdict, sure.verdict) or quick.verdict is sure.verdict, quick.name
        decided += quick.verdict is not Verdict.UNDECIDED
        for side in ("lhs", "rhs"):
            one, other = getattr(quick.judgement, side), getattr(sure.judgement, side)
            if one is not None and other is not None:
                assert to_arb(one).overlaps(to_arb(other)), (quick.name, side)
    assert decided >= len(fast) - 1


@pytest.mark.parametrize("name", sorted(SETTINGS_OF))
def test_definitions_in_float64_contain_those_in_balls(name: str) -> None:
    theorem = load(name)
    found = configuration(theorem, **SETTINGS_OF[name])
    scenes, compared = NearScenes(theorem), 0
    for definition in theorem.definitions:
        values = []
        for precision in (FLOAT64, 256):
            with ctx.workprec(precision):
                try:
                    value = scenes.at(found, precision).name(definition)
                except (NotEnclosed, CertainlyUndefined):
                    break
                values.append(frobenius(value) if isinstance(value, ARRAYS) else to_arb(value))
        if len(values) == 2:
            assert values[0].overlaps(values[1]), definition
            compared += 1
    assert compared >= len(theorem.definitions) - 1


def test_small_models_start_in_balls_and_huge_ones_stay_in_float64() -> None:
    theorem = load("deq-gd")

    def rungs(m: str, n: str) -> tuple[int, ...]:
        return ladder(configuration(theorem, m=m, n=n, d="4", data="sphere"))

    assert rungs("16", "3") == PRECISIONS
    assert rungs("100", "3") == (FLOAT64, *PRECISIONS)
    assert rungs("400", "3") == (FLOAT64, *PRECISIONS[:2])
    assert rungs("1000", "3") == (FLOAT64,)


@pytest.mark.parametrize("kind", ["orthogonal(1/2)", "goe(1/9)", "constant(1/3)"])
def test_exact_maps_of_floats_are_within_their_distance(kind: str) -> None:
    name, scale = kind.rstrip(")").split("(")
    base = configuration(load("deq-gd"), m="9", n="3", d="4", data="sphere")
    array = ExactArray(base.arrays["W"].floats, name, parse_expression(scale))
    moved = replace(base, arrays={**base.arrays, "W": array})
    with ctx.workprec(200):
        found, truth = near(array, moved), exact(array, moved)
        assert frobenius(truth - matrix(found.mid)) <= found.slack
        assert found.slack < 1e-13


def test_where_this_thread_flushes_nothing_is_decided_and_the_report_says_so() -> None:
    script = (
        "import torch, deqaudit; torch.set_flush_denormal(True); "
        "r = deqaudit.check('gd-least-squares', set={'data': 'sphere', 'n': '60', 'd': '80'}); "
        "print(r.verdict, r.environment['float64_products'], sorted({h.engine for h in r.hypotheses}))"
    )
    command = [sys.executable, "-c", script]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
    assert found.startswith("undecided self-test failed (")
    assert "nothing was decided" in found and "float64," not in found.split("decided", 2)[-1]
