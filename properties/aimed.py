"""Configurations aimed at the hypotheses of each shipped theorem, near the edge of what they allow.

Features of full rank, a small readout, and labels whose distance from the predictions is a drawn
share of the largest one that the hypotheses admit. That bound is an estimate from floats: whether
the hypotheses hold is judged elsewhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor, inf, log2, sqrt

import numpy as np
from hypothesis import strategies as st

from checker.batch import state_of
from checker.configuration import Configuration, ExactArray, Floats
from checker.theorem import Theorem
from properties.strategies import (
    ACTIVATIONS,
    CONTRACTING,
    SMOOTH,
    arrays,
    deq_configurations,
    dyadics,
    lipschitz,
    normals,
    weights,
)

SHARES = (0.5, 0.9, 0.125, 2.0**-8)
"""Shares of the largest admissible residual."""


@dataclass(frozen=True)
class Measured:
    """What the hypotheses measure at the start, as floats; `kappa` = 1 - L_phi*|W|_2."""

    lambda_0: float
    t: float
    xi: float
    xi_fro: float
    w: float
    u: float
    a: float
    L: float
    least_z: float

    @property
    def l(self) -> float:  # noqa: E743 - the paper's name
        """The least singular value of the features."""
        return sqrt(self.lambda_0)

    @property
    def kappa(self) -> float:
        """What is left of the contraction."""
        return 1 - self.L * self.w

    def span(self, share: float) -> float:
        """sqrt(s**2 + xi**2) with s = |T|_2 + share*l."""
        return sqrt((self.t + share * self.l) ** 2 + self.xi**2)


def measure(configuration: Configuration) -> tuple[Measured, Floats]:
    """The measured quantities and the predictions of a configuration at its start."""
    state = state_of(configuration)
    found = {k: state.value(k)[0].numpy() for k in ("T", "X", "W", "U", "a", "G", "preactivation", "yhat")}
    lambda_0 = max(0.0, float(np.linalg.eigvalsh(found["G"])[0]))
    norms = [float(np.linalg.norm(found[k], 2)) for k in ("T", "X", "W", "U", "a")]
    measured = Measured(
        lambda_0, norms[0], norms[1], float(np.linalg.norm(found["X"])), norms[2], norms[3], norms[4],
        lipschitz(str(configuration.activation)), float(np.abs(found["preactivation"]).min()),
    )  # fmt: skip
    return measured, found["yhat"]


def small_readout(x: Measured) -> float:
    """The largest residual for deq-gd: its conditions with the canonical radii, solved for r_0."""
    span, root = x.span(2 / 9), sqrt(8 / 3)
    room = x.kappa * x.lambda_0 - sqrt(6) * x.L * span * x.a * x.l
    return room / (3 * sqrt(6) * x.L * span + root * x.L * x.l)


def any_readout(x: Measured) -> float:
    """The largest residual for deq-gd-smooth: well_posedness and small_residual, solved for r_0."""
    return x.kappa * x.lambda_0 / (4 * (1 + sqrt(2)) * x.L * x.span(1 - sqrt(0.5)) + 2 * sqrt(2) * x.L * x.l)


def no_kink(x: Measured) -> float:
    """The largest residual for deq-gd-no-kink: no_kink too, solved for r_0."""
    reach = 2 * sqrt(2) * (x.span(1 - sqrt(0.5)) + x.L * x.least_z) / x.l if x.l > 0 else inf
    return min(any_readout(x), x.least_z * x.kappa / reach)


def ling(x: Measured) -> float:
    """The largest residual for Condition 1 (7)-(9), over radii that are powers of two."""
    best = 0.0
    for k in range(1, 24):
        delta = 2.0**-k
        rest, rho_u, rho_a = 1 - x.w - delta, x.u + delta, x.a + delta
        if rest <= 0:
            continue
        c_w, c_u, c_a = rho_u * rho_a / rest**2, rho_a / rest, rho_u / rest
        squares = (c_w**2 + c_u**2) * x.xi_fro**2
        if x.lambda_0 < 4 * squares:
            continue
        seventh = x.lambda_0 * delta / (4 * max(c_w, c_u, c_a) * x.xi_fro)
        eighth = x.lambda_0**1.5 * rho_a / (4 * (2 + sqrt(2)) * squares)
        best = max(best, min(seventh, eighth))
    return best


Bound = Callable[[Measured], float]


@st.composite
def wide_starts(
    draw: st.DrawFn,
    bound: Bound,
    *,
    activations: Sequence[str],
    signed: bool = False,
    readout: bool = True,
    theorem: Theorem | None = None,
) -> Configuration:
    """Starts with n <= min(m, d), features of full rank, and labels within reach of the readout.

    With `signed` no preactivation is near 0; with `readout` a(0) may be small instead of 0; a
    theorem gives the norm of the inputs and the value at the kink.
    """
    n = draw(st.integers(1, 3), label="n")
    d, m = (draw(st.integers(n, n + 2), label=k) for k in ("d", "m"))
    activation = draw(st.sampled_from(activations), label="activation")
    X = np.eye(d, n) + draw(arrays((d, n), most=1), label="X") / 8
    pattern = 2 * np.eye(m, d) - 1 if signed else np.eye(m, d)
    U = (pattern + draw(arrays((m, d), most=1), label="U") / 16) * draw(st.sampled_from((2.0, 1.0, 10.0)))
    reach = draw(st.sampled_from((0.0, 1 / 16, 0.25, 0.5)), label="reach")
    W = draw(weights(m, reach / lipschitz(activation)))
    start = Configuration(
        "deq",
        {"n": n, "d": d, "m": m},
        {
            "X": ExactArray(X)
            if theorem is None or theorem.scope.data_norm is None
            else ExactArray(X, "columns", theorem.scope.data_norm),
            "y": ExactArray(np.zeros(n)),
            "W": W,
            "U": ExactArray(U),
            "a": ExactArray(np.zeros(m)),
        },
        {},
        activation,
        Fraction(0) if theorem is None else theorem.kink,
        ("W", "U", "a"),
        {"reach": reach},
    )
    if readout and draw(st.booleans(), label="readout"):
        start = _with_readout(start, draw(arrays((m,), most=1), label="a"))
    return _with_labels(start, bound, draw(_directions(n), label="labels"), draw(st.sampled_from(SHARES)))


def _directions(n: int) -> st.SearchStrategy[Floats]:
    whole = st.lists(dyadics(1), min_size=n, max_size=n).map(np.array) | normals((n,), bits=None)
    return whole.map(lambda v: v if np.abs(v).max() > 0 else np.ones(n))


def _with_readout(start: Configuration, a: Floats) -> Configuration:
    """A readout well below l*kappa/(sqrt(6)*L*sqrt(s**2 + xi**2)), as small a readout as deq-gd asks for."""
    x, _ = measure(start)
    most = x.kappa * x.l / (4 * sqrt(6) * x.L * x.span(2 / 9)) if x.L > 0 else 0.0
    norm = float(np.linalg.norm(a))
    scaled = a * _power_of_two(most / norm) if norm > 0 and most > 0 else a * 0
    return replace(start, arrays={**start.arrays, "a": ExactArray(scaled)})


def _with_labels(start: Configuration, bound: Bound, direction: Floats, share: float) -> Configuration:
    x, yhat = measure(start)
    size = bound(x) * share / float(np.linalg.norm(direction))
    size = _power_of_two(size) if size > 0 and np.isfinite(size) else 2.0**-30
    return replace(start, arrays={**start.arrays, "y": ExactArray(yhat + direction * size)})


def _power_of_two(x: float) -> float:
    """The largest power of two up to x: labels stay short numbers."""
    return 2.0 ** floor(log2(x))


@st.composite
def full_rank_least_squares(draw: st.DrawFn) -> Configuration:
    """Least squares with n <= d, linearly independent columns and any start and labels."""
    n = draw(st.integers(1, 3), label="n")
    d = draw(st.integers(n, n + 3), label="d")
    sizes = draw(st.lists(st.sampled_from((1.0, 2.0, 0.5, 4.0)), min_size=n, max_size=n), label="sizes")
    X = (np.eye(d, n) + draw(arrays((d, n), most=1), label="X") / 8) * np.array(sizes)
    found = {
        "X": ExactArray(X),
        "y": ExactArray(draw(_directions(n), label="y") * 2.0 ** -draw(st.integers(0, 20), label="tiny")),
        "w": ExactArray(draw(arrays((d,)), label="w")),
    }
    return Configuration("least-squares", {"n": n, "d": d, "m": d}, found, {}, trains=("w",))


def starts_for(theorem: Theorem) -> st.SearchStrategy[Configuration]:
    """The strategy aimed at a shipped theorem, or at a broken twin of it."""
    base = theorem.id.split("-twin-")[0]
    allowed = theorem.scope.activation or ACTIVATIONS
    if base == "deq-contraction":
        return deq_configurations(reaches=CONTRACTING, partly=False)
    if base == "gd-least-squares":
        return full_rank_least_squares()
    if base == "deq-gd":
        return wide_starts(small_readout, activations=allowed)
    if base == "deq-gd-smooth":
        return wide_starts(any_readout, activations=[name for name in allowed if name in (*SMOOTH, "elu")])
    if base == "deq-gd-no-kink":
        return wide_starts(no_kink, activations=allowed, signed=True)
    if base == "ling-2023-theorem-1":
        return wide_starts(ling, activations=allowed, readout=False, theorem=theorem)
    raise KeyError(theorem.id)
