"""Configurations of both settings as Hypothesis strategies.

Every number is drawn: as a dyadic of few bits, so that a minimal example can be redone on paper,
or from a drawn seed. Shapes, geometry of the inputs, activation, size of W relative to the
contraction threshold, readout and labels vary; what a strategy draws first shrinks furthest.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from checker.activations import BALL_ACTIVATIONS
from checker.configuration import Configuration, ExactArray
from checker.enclosure import to_arb
from checker.expression.tree import Node, Number

Floats = NDArray[np.float64]

SMOOTH = ("identity", "tanh", "sigmoid", "softplus", "sin", "erf", "gelu", "swish")
KINKED = ("relu", "abs", "leaky-relu")
ACTIVATIONS = (
    "identity",
    "relu",
    "abs",
    "leaky-relu",
    "elu",
    "tanh",
    "sigmoid",
    "softplus",
    "sin",
    "erf",
    "gelu",
    "swish",
)
"""All twelve, those that are easy on paper first."""

REACHES = (0.0, 0.5, 0.99, 1 - 2.0**-20, 1.5)
"""L_phi*|W|_2, about: none, well below the contraction threshold, near it, at its edge, beyond it."""

CONTRACTING = REACHES[:4]
GEOMETRIES = ("basis", "orthogonal", "near-parallel", "repeated", "gaussian")
SHAPES_OF_W = (
    "scaled",
    "ones",
    "cycle",
    "nilpotent",
    "symmetric",
    "rank-one",
    "minus",
    "gaussian",
    "orthogonal",
)


def lipschitz(activation: str) -> float:
    """L_phi as a float, to nearest."""
    return float(to_arb(BALL_ACTIVATIONS[activation].lipschitz()).mid())


def number(value: float) -> Node:
    """The float as an exact constant of an expression."""
    return Number(Fraction(value))


def dyadics(most: int = 2, bits: int = 3) -> st.SearchStrategy[float]:
    """Multiples of 2**-bits up to `most` in size, the roundest first; one choice each."""
    unit = 2**bits

    def hardness(k: int) -> tuple[int, int, bool]:
        return (Fraction(k, unit).denominator, abs(k), k < 0)

    return st.sampled_from([k / unit for k in sorted(range(-most * unit, most * unit + 1), key=hardness)])


seeds = st.integers(0, 2**32 - 1)
"""Seeds of numpy generators: a random array is a function of one drawn number."""


def normals(shape: tuple[int, ...], *, bits: int | None) -> st.SearchStrategy[Floats]:
    """Standard normal arrays, rounded to multiples of 2**-bits where that is given."""

    def draw(words: list[int]) -> Floats:
        found = np.random.default_rng(words).standard_normal(shape)
        return found if bits is None else np.round(found * 2**bits) / 2**bits

    # More words than entries: an array that is written out is then the simpler case of the two.
    count = int(np.prod(shape)) + 2
    return st.lists(st.integers(0, 2**16 - 1), min_size=count, max_size=count).map(draw)


def arrays(shape: tuple[int, ...], most: int = 2) -> st.SearchStrategy[Floats]:
    """Arrays of dyadics, of rounded normals, or of full floats."""
    count = int(np.prod(shape))
    short = st.lists(dyadics(most), min_size=count, max_size=count).map(lambda x: np.array(x).reshape(shape))
    return short | normals(shape, bits=4) | normals(shape, bits=None)


@st.composite
def weights(draw: st.DrawFn, m: int, size: float, shapes: Sequence[str] = SHAPES_OF_W) -> ExactArray:
    """A structured W (m, m) with |W|_2 = size, or nearly (symmetric, rank-one, gaussian: rounded)."""
    shape = draw(st.sampled_from(shapes), label="shape of W")
    eye = np.eye(m)
    plain = {
        "scaled": eye,
        "ones": np.full((m, m), 1 / m),
        "cycle": np.roll(eye, 1, axis=1),
        "nilpotent": np.eye(m, k=1) if m > 1 else eye,
        "minus": -eye,
    }
    if shape in plain:
        return ExactArray(plain[shape] * size)
    floats = draw(normals((m, m), bits=None), label="entries of W")
    if shape == "orthogonal":
        return ExactArray(floats, "orthogonal", number(size))
    if shape == "symmetric":
        floats = floats + floats.T
    if shape == "rank-one":
        floats = np.outer(floats[0], floats[:, 0])
    norm = float(np.linalg.norm(floats, 2))
    return ExactArray(floats * (size / norm) if norm > 1e-6 else eye * size)


@st.composite
def inputs(draw: st.DrawFn, d: int, n: int, geometries: Sequence[str] = GEOMETRIES) -> Floats:
    """X (d, n), one sample a column, of a drawn geometry where the shape allows it."""
    allowed = [g for g in geometries if (g != "orthogonal" or n <= d) and (g != "near-parallel" or n > 1 < d)]
    geometry = draw(
        st.sampled_from([g for g in allowed if g != "repeated" or n > 1] or ["basis"]), label="geometry"
    )
    if geometry == "basis":
        return np.eye(d, n)
    if geometry == "orthogonal":
        order = draw(st.permutations(range(d)), label="order of the axes")
        sizes = draw(st.lists(st.sampled_from((1.0, -1.0, 0.5, 2.0)), min_size=n, max_size=n), label="sizes")
        return np.eye(d)[:, order[:n]] * np.array(sizes)
    X = draw(arrays((d, n)), label="X")
    if geometry == "repeated":
        X[:, -1] = X[:, 0]
    if geometry == "near-parallel":
        X[:, -1] = X[:, 0]
        X[draw(st.integers(0, d - 1), label="row"), -1] += 2.0 ** -draw(st.integers(1, 12), label="closeness")
    return X


@st.composite
def vectors(draw: st.DrawFn, k: int, smallest: int = 20) -> Floats:
    """A vector (k,): zero, ordinary, or tiny by a power of two down to 2**-smallest."""
    if not draw(st.booleans(), label="nonzero"):
        return np.zeros(k)
    return draw(arrays((k,))) * 2.0 ** -draw(st.integers(0, smallest), label="binary decades")


def subsets(names: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    """What is trained: all of it, or a part."""
    parts = [
        tuple(name for k, name in enumerate(names) if code >> k & 1) for code in range(1, 2 ** len(names))
    ]
    return st.sampled_from([names, *[part for part in parts if part != names]])


@st.composite
def deq_configurations(
    draw: st.DrawFn,
    *,
    reaches: Sequence[float] = REACHES,
    activations: Sequence[str] = ACTIVATIONS,
    m: int = 6,
    n: int = 3,
    d: int = 4,
    partly: bool = True,
    kinks: Sequence[Fraction] = (Fraction(0), Fraction(1), Fraction(1, 2)),
) -> Configuration:
    """Deep equilibrium models with up to `m` neurons, `n` samples and `d` inputs.

    `reaches` are the values of L_phi*|W|_2 to choose from; with `partly` some train a part only.
    """
    sizes = {
        "n": draw(st.integers(1, n), label="n"),
        "d": draw(st.integers(1, d), label="d"),
        "m": draw(st.integers(1, m), label="m"),
    }
    activation = draw(st.sampled_from(activations), label="activation")
    reach = draw(st.sampled_from(reaches), label="reach")
    names = ("W", "U", "a")
    found = {
        "X": ExactArray(draw(inputs(sizes["d"], sizes["n"]))),
        "y": ExactArray(draw(vectors(sizes["n"]), label="y")),
        "W": draw(weights(sizes["m"], reach / lipschitz(activation))),
        "U": ExactArray(draw(arrays((sizes["m"], sizes["d"])), label="U")),
        "a": ExactArray(draw(vectors(sizes["m"]), label="a")),
    }
    trains = draw(subsets(names), label="trains") if partly else names
    kink = draw(st.sampled_from(kinks), label="kink")
    note = {"reach": reach}
    return Configuration("deq", sizes, found, {}, activation, kink, trains, note)


@st.composite
def least_squares_configurations(draw: st.DrawFn, *, n: int = 3, d: int = 6) -> Configuration:
    """Linear models with up to `n` samples and `d` weights, of full rank or not."""
    samples, width = draw(st.integers(1, n), label="n"), draw(st.integers(1, d), label="d")
    found = {
        "X": ExactArray(draw(inputs(width, samples))),
        "y": ExactArray(draw(vectors(samples), label="y")),
        "w": ExactArray(draw(vectors(width), label="w")),
    }
    sizes = {"n": samples, "d": width, "m": width}
    return Configuration("least-squares", sizes, found, {}, trains=("w",))


def configurations() -> st.SearchStrategy[Configuration]:
    """Configurations of every setting."""
    return least_squares_configurations() | deq_configurations()
