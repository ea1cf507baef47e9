"""Configurations and certificates that the tests of this folder share."""

import json
import re
import tomllib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from checker.certificate_format import Certificate, canonical_bytes, sealed
from checker.certificate_reading import certificate_of
from checker.certificate_writing import build_certificate
from checker.configuration import Configuration, ExactArray
from checker.expression.tree import Number
from checker.reading import read_file
from checker.theorem import Theorem
from checker.violation import judge_step

ACTIVATIONS = (
    *("relu", "leaky-relu", "identity", "tanh", "erf", "sigmoid"),
    *("softplus", "sin", "abs", "gelu", "elu", "swish"),
)
TESTS = Path(__file__).parent.parent
TWINS = sorted((TESTS / "power" / "twins").glob("*.theorem.toml"))


def deq(theorem: Theorem, *, activation="identity", parameters=None, kink=0, **arrays) -> Configuration:
    """A deq configuration from nested lists of floats."""
    floats = {name: np.array(value, dtype=np.float64) for name, value in arrays.items()}
    d, n = floats["X"].shape
    sizes = {"n": n, "d": d, "m": floats["W"].shape[0]}
    numbers = {name: Number(Fraction(str(value))) for name, value in (parameters or {}).items()}
    exact = {name: ExactArray(value) for name, value in floats.items()}
    return Configuration("deq", sizes, exact, numbers, activation, Fraction(kink), theorem.trains)


def random_deq(theorem: Theorem, activation: str, seed: int, *, n=2, d=2, m=3, norm=0.5) -> Configuration:
    """A seeded deq whose W has spectral norm about `norm`."""
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((m, m))
    return deq(
        theorem,
        activation=activation,
        parameters={"eta": "1/50"},
        X=rng.standard_normal((d, n)),
        y=rng.standard_normal(n),
        W=W * norm / np.linalg.norm(W, 2),
        U=rng.standard_normal((m, d)),
        a=rng.standard_normal(m),
    )


def least_squares(theorem: Theorem, X, y, w, parameters=None) -> Configuration:
    """A least-squares configuration from nested lists of floats."""
    arrays = {k: ExactArray(np.array(v, dtype=np.float64)) for k, v in (("X", X), ("y", y), ("w", w))}
    d, n = arrays["X"].floats.shape
    numbers = {name: Number(Fraction(str(value))) for name, value in (parameters or {}).items()}
    sizes = {"n": n, "d": d, "m": d}
    return Configuration("least-squares", sizes, arrays, numbers, None, Fraction(0), theorem.trains)


def twin(path: Path) -> tuple[Theorem, Configuration, list[tuple[str, int]]]:
    """A broken theorem, the configuration in its leading comment, and (conclusion, step) violated there."""
    text = path.read_text(encoding="utf-8")
    theorem = read_file(str(path))
    by_hand = re.search(r"^# A violation by hand: (.*);$", text, re.MULTILINE)
    there = re.search(r"^# violated there: (.*)\.$", text, re.MULTILINE)
    assert by_hand and there
    values: dict[str, object] = {}
    for name, value in re.findall(r"(\w+) = (\[.*?\](?=, \w+ =|$)|[^,\[]+)", by_hand[1]):
        values[name] = value if name == "activation" else tomllib.loads(f"x = {value}")["x"]
    violated = [(n, int(t)) for n, t in re.findall(r"(\w+) at tau = (\d+)", there[1])]
    parameters = {name: values.pop(name) for name in list(values) if name in theorem.parameters}
    if theorem.setting == "least-squares":
        return theorem, least_squares(theorem, values["X"], values["y"], values["w"], parameters), violated
    configuration = deq(theorem, parameters=parameters, kink=theorem.kink, **values)
    if theorem.scope.data_norm is not None:
        X = replace(configuration.arrays["X"], map="columns", scale=theorem.scope.data_norm)
        configuration = replace(configuration, arrays={**configuration.arrays, "X": X})
    return theorem, configuration, violated


HALF_RATE = """
format = 1

[theorem]
id      = "half-rate"
title   = "Half the contraction factor"
setting = "deq"
kind    = "deterministic"

[theorem.source]
fidelity = "derived"

[dynamics]
algorithm = "picard"

[definitions]
q     = "L_phi*norm2(W)"
gap_0 = "gap"

[hypotheses]
contraction = "q < 1"

[conclusions]
rate = "gap <= (q/2)**tau * gap_0"
"""


def half_rate() -> Certificate:
    """The smallest certificate: one neuron, W = 1/2, gap 1/2 against 1/4 after one step."""
    from checker.declaration import read_theorem

    theorem = read_theorem(HALF_RATE, "half-rate.theorem.toml")
    configuration = deq(theorem, X=[[1.0]], y=[0.0], W=[[0.5]], U=[[1.0]], a=[0.0])
    judgement = judge_step(theorem, configuration, "rate", 1, 128)
    return build_certificate(theorem, configuration, "rate", 1, 128, judgement)


def step_too_long() -> Certificate:
    """A certificate with a parameter: gradient descent on one sample with an optimistic rate."""
    theorem = read_file(str(TESTS / "power" / "twins" / "gd-least-squares-twin-rate.theorem.toml"))
    configuration = least_squares(theorem, [[1.0]], [1.0], [0.0], {"eta": "1/2"})
    judgement = judge_step(theorem, configuration, "rate", 4, 128)
    return build_certificate(theorem, configuration, "rate", 4, 128, judgement)


def put(folder: Path, certificate: Certificate, name="x.certificate.json") -> Path:
    """The certificate in a file, as it is."""
    path = folder / name
    path.write_bytes(canonical_bytes(certificate))
    return path


def document(certificate: Certificate) -> dict:
    """The certificate as plain JSON values, free to be changed."""
    return json.loads(canonical_bytes(certificate))


def resealed(changed: dict) -> Certificate:
    """Changed JSON values as a certificate with a digest that fits. Raises what strict reading raises."""
    return sealed(certificate_of(changed))
