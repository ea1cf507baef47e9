"""Every axiom of a setting holds at every configuration, and every tail is as rare as it says.

Inequalities are judged in balls over generated configurations, up to 2**-45 of 1
plus their sides: an equality has no other certificate. Tails are judged by seeded draws and exact
binomial bounds.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, arb_mat, ctx, fmpq
from hypothesis import given, note
from hypothesis import strategies as st

from checker.configuration import Configuration
from checker.enclosure import Enclosure, to_arb
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.enclose import enclose, judge
from checker.expression.parse import parse_claim, parse_expression
from checker.expression.shapes import Where, annotate, annotate_claim
from checker.expression.tree import Call, Claim, Comparison, Node, Number, Shape
from checker.settings import SETTINGS
from checker.settings.axioms import Axiom, read_axiom
from checker.settings.norm_axioms import compositions, orders
from checker.settings.tail_axioms import Tail, exact_start, tails
from checker.statistics import binomial_interval
from checker.theorem import Draw
from checker.verdict import Verdict
from properties.evidence import trial
from properties.instances import enclosed
from properties.strategies import CONTRACTING, configurations, deq_configurations

pytestmark = pytest.mark.undecided(at_most=0.25)

SLACK = fmpq(1, 2**45)
ARRAYS = {
    "deq": ("W", "U", "a", "X", "y", "T", "yhat", "G", "W @ T + U @ X", "symmetric_part(W)", "W - 2*eye(m)"),
    "least-squares": ("X", "w", "y", "yhat", "G", "yhat - y", "-w/3"),
}
"""Arrays whose generic orders are tried."""

FUNCTIONS = ("norm2", "norm_fro", "norm_inf", "norm_1", "sigma_min", "lambda_min", "lambda_max", "trace",
             "spectral_radius", "min", "max", "sum")  # fmt: skip


class Known:
    """Names with given values in balls, or those of a state."""

    def __init__(self, values: Mapping[str, Enclosure], state: object = None) -> None:
        self.memo: dict[Node, Enclosure] = {}
        self._values = values
        self._state = state

    def name(self, name: str) -> Enclosure:
        if name in self._values or self._state is None:
            return self._values[name]
        return self._state.value(name)

    def call(self, node: Call) -> Enclosure:
        raise NotEnclosed(node.function)


def sizes_of(setting: str) -> dict[str, str]:
    """The sizes of a setting, each with its canonical dimension."""
    return {size: SETTINGS[setting].aliases.get(size, size) for size in SETTINGS[setting].sizes}


def names_of(setting: str) -> dict[str, Shape]:
    """Every name an axiom may use, with its shape."""
    found = SETTINGS[setting]
    names: dict[str, Shape] = {**found.names, **found.parameters, **dict.fromkeys(found.sizes, ())}
    for size, other in found.aliases.items():
        names = {k: tuple(other if part == size else part for part in v) for k, v in names.items()}
    return names


def read(setting: str, text: str) -> Claim:
    """A claim in a setting's names."""
    return annotate_claim(parse_claim(text), names_of(setting), where=Where(sizes=sizes_of(setting)))


def verdict_of(claim: Claim, env: Known) -> Verdict:
    """Does the claim hold up to the slack? Undecided where an enclosure is missing or too wide."""
    found: list[Verdict] = []
    for part in claim.parts:
        assert isinstance(part, Comparison)
        try:
            left, right = to_arb(enclose(part.left, env)), to_arb(enclose(part.right, env))
        except (NotEnclosed, CertainlyUndefined):
            return Verdict.UNDECIDED
        slack = SLACK * (1 + abs(left) + abs(right))
        gaps = {"<": [right - left], "<=": [right - left], ">": [left - right], ">=": [left - right]}
        for gap in gaps.get(part.operator, [right - left, left - right]):
            holds, fails = gap + slack >= 0, gap < 0
            found.append(Verdict.HOLDS if holds else (Verdict.FAILS if fails else Verdict.UNDECIDED))
    if Verdict.FAILS in found:
        return Verdict.FAILS
    return Verdict.UNDECIDED if Verdict.UNDECIDED in found else Verdict.HOLDS


def holds_at(configuration: Configuration, claims: Iterable[tuple[str, Claim]]) -> None:
    """No claim certainly fails at a configuration; each is one case of evidence."""
    with enclosed(configuration) as state:
        env = Known({"path_length": fmpq(0)}, state)
        for name, claim in claims:
            with trial(f"axiom: {name}") as case:
                verdict = verdict_of(claim, env)
                note(f"{name}: {claim.text}: {verdict}")
                assert verdict is not Verdict.FAILS, f"{name}: {claim.text}"
                if verdict is Verdict.UNDECIDED:
                    case.undecided()


def serving(configuration: Configuration, axioms: Iterable[Axiom]) -> list[tuple[str, Claim]]:
    """The axioms that are used for theorems about this configuration."""
    setting = configuration.setting
    kinds = [] if configuration.activation is None else [configuration.activation]
    shapes = {**SETTINGS[setting].names, **SETTINGS[setting].parameters, "n": (), "d": (), "m": ()}
    return [
        (axiom.name, read_axiom(axiom, shapes, sizes_of(setting)))
        for axiom in axioms
        if axiom.serves(kinds, configuration.trains)
    ]


def well_posed(configuration: Configuration) -> bool:
    """Is the equilibrium certified to be unique?"""
    with enclosed(configuration) as state:
        return state.well_posed()[0] is Verdict.HOLDS


@given(configuration=configurations())
def test_axioms_of_the_settings_hold(configuration: Configuration) -> None:
    """What a setting declares to hold always is certainly violated nowhere."""
    if well_posed(configuration):
        holds_at(configuration, serving(configuration, SETTINGS[configuration.setting].axioms))


@given(configuration=deq_configurations(reaches=CONTRACTING), index=st.integers(0, 10))
def test_orders_of_norms_and_eigenvalues_hold(configuration: Configuration, index: int) -> None:
    """The orders between functions of one array, and norms of sums and products, hold for every array."""
    holds_at(configuration, generic("deq", ARRAYS["deq"][index]))


@given(configuration=configurations(), index=st.integers(0, 6))
def test_orders_hold_in_every_setting(configuration: Configuration, index: int) -> None:
    """The same for the arrays that every setting has."""
    if well_posed(configuration):
        holds_at(configuration, generic(configuration.setting, ARRAYS[configuration.setting][index]))


def generic(setting: str, text: str) -> list[tuple[str, Claim]]:
    """Every order and composition of one array."""
    array = annotate(parse_expression(text), names_of(setting), where=Where(sizes=sizes_of(setting)))
    shape = array.shape or ()
    square = len(shape) == 2 and shape[0] == shape[1]
    matrix_only = {"sigma_min", "norm_fro"}
    square_only = {"lambda_min", "lambda_max", "trace", "spectral_radius"}
    symmetric = text in {"G", "symmetric_part(W)"}
    usable = [
        f
        for f in FUNCTIONS
        if (f not in matrix_only or len(shape) == 2)
        and (f not in square_only or square)
        and (f not in {"lambda_min", "lambda_max"} or symmetric)
    ]
    texts = [*orders(array, usable), *(t for f in usable for t in compositions(f, array))]
    return [(name.split(",")[0], read(setting, claim)) for name, claim, _ in texts]


def test_every_setting_has_axioms_with_sources() -> None:
    """Each axiom can be read with its setting's shapes, has a source, and its name is its own."""
    for setting in SETTINGS.values():
        assert setting.axioms
        assert len({a.name for a in setting.axioms}) == len(setting.axioms)
        shapes = {**setting.names, **setting.parameters, **dict.fromkeys(setting.sizes, ())}
        for axiom in setting.axioms:
            assert axiom.source
            assert read_axiom(axiom, shapes, sizes_of(setting.name)).parts


DRAWS = 1500
LEVELS = (Fraction(1, 4), Fraction(3, 8))
SHAPES = ((2, 3), (6, 2))


def normal(variance: Fraction) -> Draw:
    """The law N(0, variance)."""
    return Draw("normal", (Number(Fraction(0)), Number(variance)))


def env_of(floats: "np.ndarray", m: int, d: int) -> Known:
    """One drawn array A of shape (m, d), or (m,), and the sizes."""
    rows = floats.reshape(m, -1).tolist()
    return Known({"A": arb_mat(rows), "m": fmpq(m), "d": fmpq(d), "n": fmpq(1)})


def too_often(tail: Tail, level: Fraction, shape: tuple[int, ...], seed: int, draws: int = DRAWS) -> bool:
    """Do seeded draws exclude that the event fails with the stated probability at most?"""
    names: dict[str, Shape] = {"A": ("m", "d")[: len(shape)], "m": (), "d": (), "n": ()}
    m, d = shape[0], shape[-1]
    event = annotate_claim(parse_claim(tail.event(level)), names, where=Where())
    bound = annotate(parse_expression(tail.failure(level)), names, where=Where())
    rng = np.random.default_rng([seed, m, d, len(shape)])
    failed = 0
    with ctx.workprec(64):
        for _ in range(draws):
            env = env_of(rng.standard_normal(shape) * np.sqrt(0.5), m, d)
            failed += judge(event, env).verdict is not Verdict.HOLDS
        stated = enclose(bound, env_of(np.zeros(shape), m, d))
        lower, _ = binomial_interval(failed, draws, 0.9999)
        return bool(arb(lower) > stated)


@pytest.mark.parametrize("shape", [*SHAPES, (5,)], ids=str)
def test_tails_are_as_rare_as_they_say(shape: tuple[int, ...]) -> None:
    """No tail's event fails more often than its bound, at any level tried."""
    dims: Shape = ("m", "d")[: len(shape)]
    found = list(tails("A", dims, normal(Fraction(1, 2))))

    assert len(found) >= 2
    for tail in found:
        for level in LEVELS:
            assert not too_often(tail, level, shape, seed=1, draws=400), tail.name


def test_only_centred_normal_laws_have_tails() -> None:
    """Other laws state no tail here, so nothing is claimed of them."""
    for law in (Draw("rademacher", ()), Draw("normal", (Number(Fraction(1)), Number(Fraction(1))))):
        assert not list(tails("A", ("m", "d"), law))


@pytest.mark.parametrize("shape", [("m", "d"), ("m",)], ids=str)
def test_stated_starts_are_as_stated(shape: Shape) -> None:
    """What is said of zeros, constants, signs and bounded entries holds for such arrays."""
    half, one = Number(Fraction(1, 2)), Number(Fraction(1))
    laws: dict[str, tuple[Draw, np.ndarray]] = {
        "zeros": (Draw("zeros", ()), np.zeros((3, 2))),
        "constant": (Draw("constant", (half,)), np.full((3, 2), 0.5)),
        "rademacher": (Draw("rademacher", ()), np.array([[1.0, -1.0], [-1.0, -1.0], [1.0, 1.0]])),
        "uniform": (Draw("uniform", (half, one)), np.array([[0.5, 1.0], [0.75, 0.5], [1.0, 0.625]])),
    }
    if len(shape) == 2:
        laws["orthogonal"] = (Draw("orthogonal", (half,)), np.eye(3, 2) / 2)
    names: dict[str, Shape] = {"A": shape, "m": (), "d": (), "n": ()}
    for law, floats in laws.values():
        array = floats if len(shape) == 2 else floats[:, 0]
        stated = list(exact_start("A", shape, law))
        assert stated
        with ctx.workprec(128):
            for _, text, _ in stated:
                claim = annotate_claim(parse_claim(text), names, where=Where())
                assert verdict_of(claim, env_of(array, 3, 2)) is Verdict.HOLDS, text
