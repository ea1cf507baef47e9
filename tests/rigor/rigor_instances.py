"""Small models with exact float64 parameters, for the tests of the enclosures."""

import numpy as np
from flint import arb_mat, fmpq

from checker.enclosure import matrix
from checker.settings import SETTINGS, Instance, State


def deq_instance(
    m: int, n: int, d: int, activation: str, *, norm: float = 0.5, seed: int = 0, kink: int = 0
) -> Instance:
    """A drawn model with |W|_2 about `norm` and unit inputs."""
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((m, m))
    X = rng.standard_normal((d, n))
    return Instance(
        sizes={"n": n, "d": d, "m": m},
        X=matrix(X / np.linalg.norm(X, axis=0)),
        y=matrix(rng.standard_normal(n)),
        params={
            "W": matrix(W * (norm / np.linalg.norm(W, 2))),
            "U": matrix(rng.standard_normal((m, d)) * np.sqrt(2 / d)),
            "a": matrix(rng.standard_normal(m) / np.sqrt(m)),
        },
        activation=activation,
        kink=fmpq(kink),
        trains=("W", "U", "a"),
    )


def one_input(W: list[list[float]], u: list[float], activation: str) -> State:
    """The model z = phi(W z + u), one sample."""
    m = len(W)
    instance = Instance(
        sizes={"n": 1, "d": m, "m": m},
        X=matrix(np.array(u)),
        y=matrix(np.zeros(1)),
        params={"W": matrix(np.array(W)), "U": matrix(np.eye(m)), "a": matrix(np.ones(m))},
        activation=activation,
        trains=("W", "U", "a"),
    )
    return SETTINGS["deq"].enclose(instance)


def entries_contained(inner: arb_mat, outer: arb_mat) -> bool:
    """Is every entry of `inner` inside the ball of `outer`?"""
    return all(o.contains(i) for o, i in zip(outer.entries(), inner.entries(), strict=True))


def widest(A: arb_mat) -> float:
    """The largest radius, as a float for comparisons of size."""
    return max(float(entry.rad()) for entry in A.entries())
