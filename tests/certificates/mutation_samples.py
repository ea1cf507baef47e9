"""Small certificates of every kind, for tests that change them in every place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from certificate_samples import deq, least_squares

from checker.certificate_format import Certificate
from checker.certificate_writing import build_certificate
from checker.configuration import Configuration, ExactArray
from checker.declaration import read_theorem
from checker.theorem import Theorem
from checker.ties import settled_judgement
from checker.violation import judge_step

HEAD = """format = 1

[theorem]
id      = "sample"
title   = "A false theorem"
setting = "{setting}"
kind    = "deterministic"

[theorem.source]
fidelity = "derived"

[dynamics]
algorithm = "{algorithm}"
{more}
"""


@dataclass(frozen=True)
class Sample:
    """A certificate; `inert` names the arrays that the claim and the hypotheses do not depend on."""

    certificate: Certificate
    inert: frozenset[str]
    theorem: Theorem


def _sample(
    setting: str, algorithm: str, more: str, make: Callable[[Theorem], Configuration],
    conclusion: str, step: int, inert: str = "",
) -> Sample:  # fmt: skip
    text = HEAD.format(setting=setting, algorithm=algorithm, more=more)
    theorem = read_theorem(text, "sample.theorem.toml")
    configuration = make(theorem)
    judgement = judge_step(theorem, configuration, conclusion, step, 192)
    judgement = settled_judgement(theorem, configuration, conclusion, step, judgement)
    certificate = build_certificate(theorem, configuration, conclusion, step, 192, judgement)
    return Sample(certificate, frozenset(inert.split()), theorem)


ETA = 'step = "eta"\n\n[parameters]\neta = { domain = "0 < eta" }\n'
HALVES = '\n[conclusions]\nhalves = "next(loss) <= loss/2"\n'
W, U = np.array([[0.3, -0.2], [0.1, 0.25]]), np.array([[0.8, -0.3], [-0.4, 0.9]])
X, Y, A = np.array([[0.7, -1.1], [0.4, 0.9]]), np.array([1.5, -0.5]), np.array([0.75, 0.6])


def _deq(activation: str) -> Callable[[Theorem], Configuration]:
    return lambda theorem: deq(
        theorem, activation=activation, parameters={"eta": "0.1"}, X=X, y=Y, W=W, U=U, a=A
    )


def _picard(theorem: Theorem) -> Configuration:
    return deq(theorem, activation="relu", X=np.abs(X), y=Y, W=np.abs(W), U=np.abs(U), a=A)


def _with_vector(theorem: Theorem) -> Configuration:
    plain = least_squares(theorem, X, Y, [0.3, 0.2])
    return replace(plain, arrays={**plain.arrays, "x1": ExactArray(np.array([1.25, 4.5]))})


def samples() -> Mapping[str, Sample]:
    """Each kind by its name."""
    contraction = '\n[hypotheses]\ncontraction = "norm2(W) < 1"\n'
    step_size = '\n[hypotheses]\nstep_size = "eta <= 1/lambda_max(G)"\n'
    return {
        "least squares": _sample(
            "least-squares", "gradient-descent", ETA + step_size + HALVES,
            lambda t: least_squares(t, X, Y, [0.3, 0.2], {"eta": "0.1"}), "halves", 1,
        ),
        "deq relu": _sample(
            "deq", "gradient-descent", ETA + contraction + HALVES, _deq("relu"), "halves", 1
        ),
        "deq tanh": _sample(
            "deq", "gradient-descent", ETA + contraction + HALVES, _deq("tanh"), "halves", 1
        ),
        "picard": _sample(
            "deq", "picard",
            '\n[definitions]\nq = "L_phi*norm2(W)"\ngap_0 = "gap"\n\n[hypotheses]\ncontraction = "q < 1"\n'
            '\n[conclusions]\nrate = "gap <= (q/9)**tau*gap_0"\n',
            _picard, "rate", 1, inert="a y",
        ),
        "static": _sample(
            "least-squares", "none", '\n[conclusions]\nwide = "lambda_min(G) > 1 + sum(y)**2"\n',
            lambda t: least_squares(t, X, Y, [0.3, 0.2]), "wide", 0, inert="w",
        ),
        "exists": _sample(
            "least-squares", "none",
            '\n[parameters]\ndelta = { domain = "0 < delta", quantifier = "exists" }\n'
            '\n[hypotheses]\nbelow = "delta <= lambda_min(G)"\n\n[conclusions]\nsmall = "loss <= 1/10"\n',
            lambda t: least_squares(t, X, Y, [0.3, 0.2], {"delta": "0.01"}), "small", 0,
        ),
        "variables": _sample(
            "least-squares", "none",
            '\n[variables]\nx1 = "vector(d)"\n\n[conclusions]\nshort = "predict(x1) <= norm2(x1)/5"\n',
            _with_vector, "short", 0, inert="X y",
        ),
        "tie": _sample(
            "least-squares", "gradient-descent",
            ETA + '\n[hypotheses]\nstep_size = "eta <= 2/lambda_max(G)"\n'
            '\n[conclusions]\nless = "next(loss) < loss"\n',
            lambda t: least_squares(t, [[3.0]], [1.0], [0.5], {"eta": "2/9"}), "less", 0,
        ),
    }  # fmt: skip
