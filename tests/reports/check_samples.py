"""Report records as an audit or a check would make them, for the tests of the renderers."""

import math
from collections.abc import Mapping

from checker.records import (
    ArrayBounds,
    Bounds,
    ConditionReport,
    HypothesisRecord,
    Predicted,
    TheoremHeader,
    Value,
)

HOSTILE = '<script>alert("x")</script> & `|` $x$ \\input{/etc/passwd} \x1b[31m \u202e _*#% \n## heading'

MATHML = (
    '<math xmlns="http://www.w3.org/1998/Math/MathML"><mrow><msub><mi>λ</mi><mn>0</mn></msub><mo>≥</mo>'
    "<mn>4</mn><mo>(</mo><msubsup><mi>c</mi><mi>w</mi><mn>2</mn></msubsup><mo>+</mo>"
    "<msubsup><mi>c</mi><mi>u</mi><mn>2</mn></msubsup><mo>)</mo><msubsup><mrow><mo>‖</mo><mi>X</mi><mo>‖</mo></mrow>"
    "<mi>F</mi><mn>2</mn></msubsup></mrow></math>"
)

ENVIRONMENT: dict[str, Value] = {
    "seed": 0,
    "device": "cpu",
    "python": "3.11.7",
    "deqaudit": "0.1.0",
    "torch": "2.13.0",
    "python-flint": "0.9.0",
    "numpy": "2.3.1",
    "cvc5": None,
}

LEAST_SQUARES = TheoremHeader(
    id="gd-least-squares",
    title="Gradient descent on least squares",
    source={
        "authors": "Folklore",
        "year": None,
        "arxiv": "",
        "where": "r(tau+1) = (I - eta*G) r(tau)",
        "fidelity": "derived",
        "notes": "The rate is exact when r(0) is an eigenvector for lambda_0.",
    },
    statement=(
        "Let G = X^T X be positive definite with eigenvalues from lambda_0 to lambda_max(G), and\n"
        "let 0 < eta <= 2/(lambda_0 + lambda_max(G)). Then gradient descent with step eta satisfies,\n"
        "from every start and for every label, loss(tau) <= (1 - eta*lambda_0)^(2*tau) * loss(0)."
    ),
    setting="least-squares",
    kind="deterministic",
    latex={"rate": r"\mathrm{loss} \le (1 - \eta \lambda_0)^{2\tau} \mathrm{loss}_0"},
)

LING = TheoremHeader(
    id="ling-2023-theorem-1",
    title="Global convergence of over-parameterized deep equilibrium models",
    source={
        "authors": "Ling, Xie, Wang, Zhang, Lin",
        "year": 2023,
        "arxiv": "2205.13814",
        "where": "Theorem 1 with Condition 1 (7)-(9), Assumptions 1 and 2 (AISTATS 2023)",
        "fidelity": "recalled",
        "notes": "Constants and inequalities stand as printed.\nThe derivative of the ReLU at 0 is 1.",
    },
    statement=(
        "Assumption 1: sigma_w^2 < 1/8; W_ij ~ N(0, 2 sigma_w^2/m), U_ij ~ N(0, 2/d), a_i ~ N(0, 1/m).\n"
        "Condition 1: for some delta > 0 with |W(0)|_2 + delta < 1 put rho_w = |W(0)|_2 + delta, require\n"
        "(7) lambda_0 >= (4/delta) max(c_w, c_u, c_a) |X|_F |yhat(0) - y|,\n"
        "(9) lambda_0 >= 4 (c_w^2 + c_u^2) |X|_F^2.\n"
        "Theorem 1: for every tau (iii) loss(tau) <= (1 - eta lambda_0/2)^tau loss(0)."
    ),
    setting="deq",
    kind="deterministic",
)


def hypothesis(
    name: str,
    claim: str,
    status: str,
    margin: float | None,
    lhs: tuple[str, str] | None,
    rhs: tuple[str, str] | None,
    *,
    why: str = "",
    reason: str = "",
    mathml: str = "",
) -> HypothesisRecord:
    """One hypothesis; undecided ones are known by nothing, so their basis is assumed."""
    return HypothesisRecord(
        name=name,
        claim=claim,
        status=status,
        basis="assumed" if status == "undecided" else "proof",
        lhs=Bounds(*lhs) if lhs else None,
        rhs=Bounds(*rhs) if rhs else None,
        margin=margin,
        engine="balls, 128 bits",
        why=why,
        reason=reason,
        mathml=mathml,
    )


RADIUS = hypothesis(
    "radius",
    "rho_w < 1",
    "holds",
    0.5512,
    ("0.28104271923841", "0.28104271923843"),
    ("1", "1"),
    why="The equilibrium map must stay a contraction wherever the hidden weights may go.",
)
CONDITION_7 = hypothesis(
    "condition_7",
    "lambda_0 >= (4/delta)*max(c_w, c_u, c_a)*norm_fro(X)*r_0",
    "fails",
    -4.2371,
    ("0.031230012345678", "0.031230012345679"),
    ("539.0912", "539.0913"),
    why="Every parameter must be able to move for ever without leaving its ball of radius delta.",
)
CONDITION_9 = hypothesis(
    "condition_9",
    "lambda_0 >= 4*(c_w**2 + c_u**2)*norm_fro(X)**2",
    "undecided",
    None,
    ("-1.2e-31", "0.03123"),
    ("0.0312299", "0.0312301"),
    why="The readout's kernel must dominate what the moving features can undo.",
    reason="the two sides are too close to tell at 512 bits",
    mathml=MATHML,
)

DOES_NOT_APPLY = ConditionReport(
    theorem=LING,
    config={
        "setting": "deq",
        "n": 32,
        "d": 64,
        "m": 256,
        "activation": "relu",
        "data": "digits",
        "labels": "data",
    },
    verdict="does-not-apply",
    reason="condition_7 fails: its left side is smaller than its right side by a factor 17263",
    hypotheses=(RADIUS, CONDITION_7, CONDITION_9),
    definitions={
        "lambda_0": Bounds("0.031230012345678", "0.031230012345679"),
        "Z_0": ArrayBounds((256, 32), Bounds("92.1182736451", "92.1182736452")),
        "c_a": Bounds(None, None),
    },
    parameters={"eta": "1/1024", "delta": "0.1730612", "s_w": "0.1"},
    predicted={
        "rate_per_step": Predicted(None, "the hypotheses do not hold"),
        "steps_to_1e-6": Predicted(None, "the hypotheses do not hold"),
        "largest_step": Predicted("0.000976", ""),
        "smallest_width": Predicted(
            None, "no width up to 16384 satisfies condition_7; the miss grows with m"
        ),
    },
    not_done=(),
    environment=ENVIRONMENT,
)

APPLIES = ConditionReport(
    theorem=LEAST_SQUARES,
    config={"setting": "least-squares", "n": 4, "d": 8, "data": "sphere", "labels": "random"},
    verdict="applies",
    reason="every hypothesis holds",
    hypotheses=(
        hypothesis(
            "curvature",
            "lambda_0 > 0",
            "holds",
            None,
            ("0.21930918273", "0.21930918274"),
            ("0", "0"),
            why="With a singular Gram matrix the loss need not reach zero.",
        ),
        hypothesis(
            "step_size",
            "eta <= 2/(lambda_0 + lambda_max(G))",
            "holds",
            0.0,
            ("0.8012837465", "0.8012837466"),
            ("0.8012837465", "0.8012837466"),
            reason="eta is the bound itself",
        ),
    ),
    definitions={"lambda_0": Bounds("0.21930918273", "0.21930918274"), "loss_0": Bounds("1.5", "1.5")},
    parameters={"eta": "0.80128374650"},
    predicted={
        "rate_per_step": Predicted("0.67939", ""),
        "steps_to_1e-6": Predicted(36, ""),
        "largest_step": Predicted("0.80128", ""),
        "smallest_width": Predicted(None, "the setting has no width"),
    },
    not_done=("the population kernel, which this setting has not",),
    environment=ENVIRONMENT,
)

UNDECIDED = ConditionReport(
    theorem=LING,
    config={},
    verdict="undecided",
    reason="condition_9 could not be decided",
    hypotheses=(RADIUS, CONDITION_9),
    definitions={},
    parameters={},
    predicted={},
    not_done=("condition_9 at 1024 bits",),
    environment={},
)

EMPTY_CHECK = ConditionReport(
    theorem=TheoremHeader("empty", "", {}),
    config={},
    verdict="undecided",
    reason="",
    hypotheses=(),
    definitions={},
    parameters={},
    predicted={},
    not_done=(),
    environment={},
)

HOSTILE_HEADER = TheoremHeader(
    id=HOSTILE,
    title=HOSTILE,
    statement=HOSTILE,
    setting=HOSTILE,
    kind=HOSTILE,
    definitions={HOSTILE: HOSTILE, "x": HOSTILE},
    parameters={HOSTILE: HOSTILE, "y": HOSTILE},
    source={
        "authors": HOSTILE,
        "year": HOSTILE,
        "where": HOSTILE,
        "arxiv": HOSTILE,
        "fidelity": HOSTILE,
        "notes": HOSTILE,
    },
)

HOSTILE_VALUES: dict[str, Value] = {HOSTILE: HOSTILE}

HOSTILE_CHECK = ConditionReport(
    theorem=HOSTILE_HEADER,
    config=HOSTILE_VALUES,
    verdict=HOSTILE,
    reason=HOSTILE,
    hypotheses=(
        HypothesisRecord(
            HOSTILE,
            HOSTILE,
            HOSTILE,
            HOSTILE,
            Bounds(HOSTILE, HOSTILE),
            Bounds("nan", None),
            math.inf,
            HOSTILE,
            HOSTILE,
            HOSTILE,
            f"<math>{HOSTILE}</math>",
        ),
    ),
    definitions={HOSTILE: Bounds(HOSTILE, HOSTILE)},
    parameters=HOSTILE_VALUES,
    predicted={HOSTILE: Predicted(HOSTILE, HOSTILE)},
    not_done=(HOSTILE,),
    environment={**HOSTILE_VALUES, "seed": HOSTILE, "device": HOSTILE},
    options=HOSTILE_VALUES,
)

CHECKS: Mapping[str, ConditionReport] = {
    "applies": APPLIES,
    "does-not-apply": DOES_NOT_APPLY,
    "undecided": UNDECIDED,
    "empty": EMPTY_CHECK,
    "hostile": HOSTILE_CHECK,
}
