"""Theorems whose hypotheses cannot hold, each with the hypotheses and axioms that must be found to clash."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Clashing:
    """A theorem file's text, the hypotheses that clash, and a word of every other premise needed."""

    text: str
    clash: frozenset[str]
    needs: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()


def theorem(
    hypotheses: str, *, scope: str = "", parameters: str = "", more: str = "", setting: str = "deq"
) -> str:
    """A theorem file with the given tables; it claims what cannot fail."""
    trains = '["W", "U", "a"]' if setting == "deq" else '["w"]'
    return f"""format = 1
[theorem]
id = "small"
title = "A small theorem"
setting = "{setting}"
kind = "deterministic"
[theorem.source]
fidelity = "derived"
[dynamics]
algorithm = "gradient-descent"
step = "eta"
trains = {trains}
[parameters]
eta = {{ domain = "0 < eta", quantifier = "forall" }}
{parameters}
[scope]
{scope}
{more}
[hypotheses]
{hypotheses}
[conclusions]
nothing = "loss >= 0"
"""


WIDTH_AGAINST_SCOPE = Clashing(
    theorem('wide = "m >= 8*n"\nregular = "lambda_min(G) > 0"', scope='m = "m <= 4"'),
    frozenset({"wide"}), ("scope.m", "sizes"), ("regular",),
)  # fmt: skip
RADIUS = Clashing(
    theorem(
        'radius = "norm2(W) + delta < 1"\nlarge = "norm2(W) >= 2"\nsmall = "residual <= 1"',
        parameters='delta = { domain = "0 < delta", quantifier = "exists" }',
    ),
    frozenset({"radius", "large"}), ("domain.delta",), ("small",),
)  # fmt: skip
EIGENVALUE = Clashing(
    theorem('curvature = "lambda_min(G) > norm_fro(T)**2"\nradius = "norm2(W) < 1"'),
    frozenset({"curvature"}), ("least eigenvalue",), ("radius",),
)  # fmt: skip
RANK = Clashing(
    theorem(
        'regular = "lambda_0 > 0"', scope='m = "m < n"', more='[definitions]\nlambda_0 = "lambda_min(G)"',
    ),
    frozenset({"regular"}), ("scope.m", "rank of the Gram matrix"),
)  # fmt: skip
STEPS = Clashing(
    theorem('long = "eta >= 2/lambda_max(G)"\nshort = "eta*trace(G) <= 1"\nregular = "lambda_min(G) > 0"'),
    frozenset({"long", "short"}), ("largest eigenvalue against the trace",),
)  # fmt: skip
SQUARES = Clashing(
    theorem('bad = "n*lambda_min(G) > 2*norm_fro(X)**2"\nw_small = "norm2(w) < 1"', setting="least-squares"),
    frozenset({"bad"}), (), ("w_small",),
)  # fmt: skip
ZERO_START = Clashing(
    theorem(
        'fits = "residual < norm2(y)/2"\nlabels = "norm2(y) > 0"',
        more='[initialization]\nW = "normal(0, 1/m)"\na = "zeros()"',
    ),
    frozenset({"fits"}), ("a starts at zero",),
)  # fmt: skip
UNIT_INPUTS = Clashing(
    theorem(
        'small = "norm_fro(X) <= 1/2"\nradius = "norm2(W) < 1"',
        scope='data_norm = "1"', more='[definitions]\nlambda_0 = "lambda_min(G)"',
    ),
    frozenset({"small"}), ("norm of the inputs",), ("radius",),
)  # fmt: skip
TANH = Clashing(
    theorem('large = "lambda_min(G) > m"\nradius = "norm2(W) < 1"', scope='activation = ["tanh"]'),
    frozenset({"large"}), ("bounded activation",), ("radius",),
)  # fmt: skip

ALWAYS = {
    "the width against the scope": WIDTH_AGAINST_SCOPE,
    "the radius against the norm of W": RADIUS,
    "an eigenvalue against the trace": EIGENVALUE,
    "more samples than features": RANK,
    "two bounds of the step": STEPS,
    "least squares": SQUARES,
    "a readout that starts at zero": ZERO_START,
    "inputs of unit norm": UNIT_INPUTS,
    "a bounded activation": TANH,
}
"""What no configuration satisfies."""

SMALL_READOUT = Clashing(
    theorem(
        'small = "norm2(a) <= 1/2"\nradius = "norm2(W) < 1"',
        more='[initialization]\na = "normal(0, 1/m)"',
    ),
    frozenset({"small"}), ("norm of a from below",), ("radius",),
)  # fmt: skip
LARGE_W = Clashing(
    theorem('radius = "norm2(W) < 1"', more='[initialization]\nW = "normal(0, 4/m)"'),
    frozenset({"radius"}), ("spectral norm of W from below",),
)  # fmt: skip
GAUSSIAN_U = Clashing(
    theorem(
        'far = "norm2(U) >= 9*(sqrt(m/d) + 1)"\nregular = "lambda_min(G) > 0"',
        more='[initialization]\nU = "normal(0, 2/d)"',
    ),
    frozenset({"far"}), ("spectral norm of U from above",), ("regular",),
)  # fmt: skip

AT_RANDOM = {"a small readout": SMALL_READOUT, "a large W": LARGE_W, "an unusual U": GAUSSIAN_U}
"""What a wide random start hardly ever satisfies."""
