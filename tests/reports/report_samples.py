"""Report records as an audit or a check would make them, for the tests of the renderers."""

import math
from collections.abc import Mapping

from checker.records import (
    ArrayBounds,
    AuditReport,
    Bounds,
    ConclusionRecord,
    ConditionReport,
    Counterexample,
    Curve,
    Hidden,
    HypothesisRecord,
    HypothesisUse,
    Predicted,
    Probability,
    ProofStepRecord,
    Satisfiability,
    Sharpness,
    Simulation,
    TheoremHeader,
    Value,
    VerifyReport,
)

HOSTILE = '<script>alert("x")</script> & `|` $x$ \\input{/etc/passwd} \x1b[31m \u202e _*#% \n## heading'

MATHML = (
    '<math xmlns="http://www.w3.org/1998/Math/MathML"><mrow><msub><mi>λ</mi><mn>0</mn></msub><mo>≥</mo>'
    "<mn>4</mn><mo>(</mo><msubsup><mi>c</mi><mi>w</mi><mn>2</mn></msubsup><mo>+</mo>"
    "<msubsup><mi>c</mi><mi>u</mi><mn>2</mn></msubsup><mo>)</mo><msubsup><mrow><mo>‖</mo><mi>X</mi><mo>‖</mo></mrow>"
    "<mi>F</mi><mn>2</mn></msubsup></mrow></math>"
)

ENVIRONMENT: dict[str, Value] = {
    "seed": 0, "device": "cpu", "python": "3.11.7", "deqaudit": "0.1.0", "torch": "2.13.0", "python-flint": "0.9.0",
    "numpy": "2.3.1", "cvc5": None,
}  # fmt: skip

LEAST_SQUARES = TheoremHeader(
    id="gd-least-squares",
    title="Gradient descent on least squares",
    source={
        "authors": "Folklore", "year": None, "arxiv": "", "where": "r(tau+1) = (I - eta*G) r(tau)",
        "fidelity": "derived", "notes": "The rate is exact when r(0) is an eigenvector for lambda_0.",
    },
    statement=(
        "Let G = X^T X be positive definite with smallest eigenvalue lambda_0 and largest eigenvalue lambda_max(G), and\n"
        "let 0 < eta <= 2/(lambda_0 + lambda_max(G)). Then gradient descent with step eta on |X^T w - y|^2 / 2 satisfies,\n"
        "from every start and for every label, loss(tau) <= (1 - eta*lambda_0)^(2*tau) * loss(0), and it is attained."
    ),
    setting="least-squares",
    kind="deterministic",
    latex={"rate": r"\mathrm{loss} \le (1 - \eta \lambda_0)^{2\tau} \mathrm{loss}_0"},
)  # fmt: skip

LING = TheoremHeader(
    id="ling-2023-theorem-1",
    title="Global convergence of over-parameterized deep equilibrium models",
    source={
        "authors": "Ling, Xie, Wang, Zhang, Lin", "year": 2023, "arxiv": "2205.13814",
        "where": "Theorem 1 with Condition 1 (7)-(9), Assumptions 1 and 2 (AISTATS 2023)", "fidelity": "recalled",
        "notes": "Constants and inequalities stand as printed.\nThe derivative of the ReLU at 0 is 1.",
    },
    statement=(
        "Assumption 1: sigma_w^2 < 1/8; W_ij ~ N(0, 2 sigma_w^2/m), U_ij ~ N(0, 2/d), a_i ~ N(0, 1/m).\n"
        "Condition 1: for some delta > 0 with |W(0)|_2 + delta < 1 put rho_w = |W(0)|_2 + delta, and require\n"
        "(7) lambda_0 >= (4/delta) max(c_w, c_u, c_a) |X|_F |yhat(0) - y|,\n"
        "(9) lambda_0 >= 4 (c_w^2 + c_u^2) |X|_F^2.\n"
        "Theorem 1: for every tau (iii) loss(tau) <= (1 - eta lambda_0/2)^tau loss(0)."
    ),
    setting="deq",
    kind="deterministic",
)  # fmt: skip


def hypothesis(
    name: str, claim: str, status: str, margin: float | None, lhs: tuple[str, str] | None, rhs: tuple[str, str] | None,
    *, why: str = "", reason: str = "", mathml: str = "",
) -> HypothesisRecord:  # fmt: skip
    """One hypothesis; undecided ones are known by nothing, so their basis is assumed."""
    return HypothesisRecord(
        name=name, claim=claim, status=status, basis="assumed" if status == "undecided" else "proof",
        lhs=Bounds(*lhs) if lhs else None, rhs=Bounds(*rhs) if rhs else None, margin=margin,
        engine="balls, 128 bits", why=why, reason=reason, mathml=mathml,
    )  # fmt: skip


RADIUS = hypothesis(
    "radius", "rho_w < 1", "holds", 0.5512, ("0.28104271923841", "0.28104271923843"), ("1", "1"),
    why="The equilibrium map must stay a contraction wherever the hidden weights may go.",
)  # fmt: skip
CONDITION_7 = hypothesis(
    "condition_7", "lambda_0 >= (4/delta)*max(c_w, c_u, c_a)*norm_fro(X)*r_0", "fails", -4.2371,
    ("0.031230012345678", "0.031230012345679"), ("539.0912", "539.0913"),
    why="Every parameter must be able to move for ever without leaving its ball of radius delta.",
)  # fmt: skip
CONDITION_9 = hypothesis(
    "condition_9", "lambda_0 >= 4*(c_w**2 + c_u**2)*norm_fro(X)**2", "undecided", None,
    ("-1.2e-31", "0.03123"), ("0.0312299", "0.0312301"),
    why="The readout's kernel must dominate what the moving features can undo.",
    reason="the two sides are too close to tell at 512 bits", mathml=MATHML,
)  # fmt: skip

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
            "curvature", "lambda_0 > 0", "holds", None, ("0.21930918273", "0.21930918274"), ("0", "0"),
            why="With a singular Gram matrix the loss need not reach zero.",
        ),
        hypothesis(
            "step_size", "eta <= 2/(lambda_0 + lambda_max(G))", "holds", 0.0, ("0.8012837465", "0.8012837466"),
            ("0.8012837465", "0.8012837466"), reason="eta is the bound itself",
        ),
    ),
    definitions={"lambda_0": Bounds("0.21930918273", "0.21930918274"), "loss_0": Bounds("1.5", "1.5")},
    parameters={"eta": "0.80128374650"},
    predicted={
        "rate_per_step": Predicted("0.67939", ""), "steps_to_1e-6": Predicted(36, ""),
        "largest_step": Predicted("0.80128", ""), "smallest_width": Predicted(None, "the setting has no width"),
    },
    not_done=("the population kernel, which this setting has not",),
    environment=ENVIRONMENT,
)  # fmt: skip

UNDECIDED = ConditionReport(
    theorem=LING, config={}, verdict="undecided", reason="condition_9 could not be decided",
    hypotheses=(RADIUS, CONDITION_9), definitions={}, parameters={}, predicted={}, not_done=("condition_9 at 1024 bits",),
    environment={},
)  # fmt: skip

EMPTY_CHECK = ConditionReport(
    theorem=TheoremHeader("empty", "", {}), config={}, verdict="undecided", reason="", hypotheses=(), definitions={},
    parameters={}, predicted={}, not_done=(), environment={},
)  # fmt: skip

STEPS = tuple(float(step) for step in range(61))


def _losses(start: float, rate: float) -> tuple[float, ...]:
    return tuple(start * rate**tau * (1 + 0.05 * math.sin(tau)) for tau in STEPS)


RATE = ConclusionRecord(
    name="rate", claim="loss <= (1 - eta*lambda_0)**(2*tau) * loss_0", status="holds", basis="sample",
    worst_margin=0.0000021, worst_run={"n": 2, "d": 3, "seed": 17, "eta": "1/4 of the bound", "step": 31},
    held=32, failed=0, undecided=0, why="The per-step factor, telescoped from the start.",
)  # fmt: skip
DESCENT = ConclusionRecord(
    name="descent", claim="next(loss) <= loss", status="undecided", basis="sample", worst_margin=None, worst_run=None,
    held=30, failed=0, undecided=2, reason="step 61: the two sides are too close to tell",
)  # fmt: skip

SIMULATION = Simulation(
    runs=34, steps=60, configurations_satisfying_hypotheses=34, undecided=2, conclusions=(RATE, DESCENT),
    runs_in_balls=12, runs_in_float=22, ended_early=3,
    curves=(
        Curve("rate", "<=", STEPS, _losses(1.5, 0.69), tuple(1.6 * 0.70**tau for tau in STEPS)),
        Curve("descent", "<=", STEPS, (None, *_losses(1.0, 0.7)[1:]), _losses(1.2, 0.71)),
    ),
    losses=tuple(_losses(0.3 + 0.1 * k, 0.5 + 0.006 * k)[: 61 - k] for k in range(32)),
)  # fmt: skip

PROOF = (
    ProofStepRecord("contraction factor", "holds", "z3 and cvc5", None, ("0 < eta", "eta*L <= 1"), "1 - eta*L >= 0"),
    ProofStepRecord(
        "the recursion gives the printed rate", "fails", "z3, checked in exact rationals",
        {"eta": "1/64", "C1": "1", "C2": "1/4", "lambda_0": "1"},
        ("0 < eta", "0 < C1", "0 < C2", "4*C2 <= lambda_0", "eta*C1**2 < 2*C2"),
        "lambda_0 - eta*C1**2 - 2*C2 >= lambda_0/2",
    ),
    ProofStepRecord("a step with exp", "undecided", "", None, ("0 < x",), "exp(x) > 1 + x", "no solver answered"),
)  # fmt: skip

SATISFIABLE = Satisfiability(
    "holds", "witness", {"n": 2, "d": 3, "seed": 17}, "balls", "34 configurations satisfy the hypotheses"
)

SUPPORTED = AuditReport(
    theorem=LEAST_SQUARES, verdict="supported", basis="sample",
    reason="32 runs satisfied the hypotheses certifiably and no conclusion failed",
    satisfiability=SATISFIABLE, proof=PROOF[:1], simulation=SIMULATION, probability=None, hidden=(),
    hypothesis_use=(
        HypothesisUse("curvature", True, "without it rate fails at n=2, d=1, seed 3"),
        HypothesisUse("step_size", None, "no violation was found without it"),
    ),
    sharpness=(Sharpness("rate", 0.0000021, "step 31 of seed 17"), Sharpness("descent", None, "")),
    counterexample=None, not_done=(), environment=ENVIRONMENT,
    options={"runs": 32, "steps": 60, "budget": 60.0, "confidence": 0.999},
    hypotheses=APPLIES.hypotheses,
)  # fmt: skip

REFUTED = AuditReport(
    theorem=LING, verdict="refuted", basis="witness",
    reason="a run whose hypotheses hold violates rate at step 3",
    satisfiability=SATISFIABLE, proof=PROOF,
    simulation=Simulation(
        runs=1, steps=4, configurations_satisfying_hypotheses=1, undecided=0,
        conclusions=(
            ConclusionRecord(
                "rate", "loss <= (1 - eta*lambda_0/2)**tau * loss_0", "fails", "witness", -0.3042,
                {"n": 1, "m": 1, "seed": 5}, 0, 1, 0, mathml=MATHML,
            ),
        ),
        runs_in_balls=1,
        curves=(Curve("rate", "<=", (0.0, 1.0, 2.0, 3.0, 4.0), (1.0, 0.9, 0.85, 0.83, 0.82), (1.0, 0.8, 0.6, 0.4, 0.3)),),
        losses=((1.0, 0.9, 0.85, 0.83, 0.82),),
    ),
    probability=None, hidden=(), hypothesis_use=(), sharpness=(),
    counterexample=Counterexample(
        "rate: loss <= (1 - eta*lambda_0/2)**tau * loss_0", 3, True, "ling-2023-theorem-1.counterexample.json",
        {"n": 1, "d": 1, "m": 1, "activation": "relu"},
    ),
    not_done=("satisfiability at m=512: the budget of 60 seconds ended",), environment=ENVIRONMENT,
    options={"runs": 32, "steps": 60, "budget": 60.0, "confidence": 0.999}, hypotheses=(RADIUS,),
)  # fmt: skip

VACUOUS = AuditReport(
    theorem=LING, verdict="vacuous", basis="sample",
    reason="none of 1000 draws at m = 8, 32, 128 satisfied condition_9, and the median miss does not shrink with m",
    satisfiability=Satisfiability(
        "fails", "sample", None, "float estimates of the stated draw", "condition_9 is missed by every draw",
        tuple({"m": m, "draws": 1000, "satisfying": 0, "median miss": miss, "least miss": miss - 0.4, "worst": "condition_9"}
              for m, miss in ((8, 2.31), (32, 2.36), (128, 2.39))),
    ),
    proof=PROOF[1:2],
    simulation=Simulation(0, 200, 0, 0, (ConclusionRecord("rate", "loss <= loss_0", "undecided", "sample", None, None),)),
    probability=Probability(0.99, 0.9731, 0.95120001, 0.98760001, 0.999, 1000, 3, {"m": 64, "n": 4}),
    hidden=(Hidden("C", 12.25, "grows like m^0.52 (99 % interval 0.31 to 0.73)", "every C <= 12.25"), Hidden("c", None, "", "")),
    hypothesis_use=(HypothesisUse("radius", False, "the conclusions follow from the others"),), sharpness=(),
    counterexample=None, not_done=(), environment=ENVIRONMENT, options={"runs": 32}, hypotheses=(RADIUS, CONDITION_9),
)  # fmt: skip

EMPTY_AUDIT = AuditReport(
    theorem=TheoremHeader("empty", "", {}), verdict="inconclusive", basis="sample", reason="",
    satisfiability=Satisfiability("undecided", "assumed", None, "", ""), proof=(), simulation=Simulation(0, 0, 0, 0, ()),
    probability=None, hidden=(), hypothesis_use=(), sharpness=(), counterexample=None, not_done=(), environment={},
)  # fmt: skip

HOSTILE_HEADER = TheoremHeader(
    id=HOSTILE, title=HOSTILE, statement=HOSTILE, setting=HOSTILE, kind=HOSTILE,
    source={"authors": HOSTILE, "year": HOSTILE, "where": HOSTILE, "arxiv": HOSTILE, "fidelity": HOSTILE, "notes": HOSTILE},
)  # fmt: skip

_HOSTILE_VALUES: dict[str, Value] = {HOSTILE: HOSTILE}

HOSTILE_CHECK = ConditionReport(
    theorem=HOSTILE_HEADER, config=_HOSTILE_VALUES, verdict=HOSTILE, reason=HOSTILE,
    hypotheses=(
        HypothesisRecord(
            HOSTILE, HOSTILE, HOSTILE, HOSTILE, Bounds(HOSTILE, HOSTILE), Bounds("nan", None), math.inf, HOSTILE,
            HOSTILE, HOSTILE, f"<math>{HOSTILE}</math>",
        ),
    ),
    definitions={HOSTILE: Bounds(HOSTILE, HOSTILE)}, parameters=_HOSTILE_VALUES,
    predicted={HOSTILE: Predicted(HOSTILE, HOSTILE)}, not_done=(HOSTILE,), environment=_HOSTILE_VALUES,
)  # fmt: skip

HOSTILE_AUDIT = AuditReport(
    theorem=HOSTILE_HEADER, verdict=HOSTILE, basis=HOSTILE, reason=HOSTILE,
    satisfiability=Satisfiability(HOSTILE, HOSTILE, _HOSTILE_VALUES, HOSTILE, HOSTILE, (_HOSTILE_VALUES,)),
    proof=(ProofStepRecord(HOSTILE, "fails", HOSTILE, {HOSTILE: HOSTILE}, (HOSTILE,), HOSTILE, HOSTILE),),
    simulation=Simulation(
        1, 1, 1, 0, (ConclusionRecord(HOSTILE, HOSTILE, HOSTILE, HOSTILE, -math.inf, _HOSTILE_VALUES, why=HOSTILE),),
        curves=(Curve(HOSTILE, HOSTILE, (0.0, 1.0), (1.0, math.inf), (-1.0, math.nan)),),
    ),
    probability=Probability(0.5, 0.5, 0.4, 0.6, 0.999, 10, 0, _HOSTILE_VALUES),
    hidden=(Hidden(HOSTILE, math.nan, HOSTILE, HOSTILE),), hypothesis_use=(HypothesisUse(HOSTILE, None, HOSTILE),),
    sharpness=(Sharpness(HOSTILE, math.nan, HOSTILE),),
    counterexample=Counterexample(HOSTILE, 1, False, HOSTILE, _HOSTILE_VALUES), not_done=(HOSTILE,),
    environment=_HOSTILE_VALUES, options=_HOSTILE_VALUES, hypotheses=HOSTILE_CHECK.hypotheses,
)  # fmt: skip

VALID = VerifyReport(
    "valid", "every hypothesis holds and rate fails at step 3", "ling-2023-theorem-1", "rate", 3,
    ({"check": "radius", "status": "holds", "bits": 128}, {"check": "rate at step 3", "status": "fails", "bits": 256}),
)  # fmt: skip
EMPTY_VERIFY = VerifyReport("undecided", "", "", "", 0, ())
HOSTILE_VERIFY = VerifyReport(HOSTILE, HOSTILE, HOSTILE, HOSTILE, 0.5, (_HOSTILE_VALUES,))

CHECKS: Mapping[str, ConditionReport] = {
    "applies": APPLIES, "does-not-apply": DOES_NOT_APPLY, "undecided": UNDECIDED, "empty": EMPTY_CHECK,
    "hostile": HOSTILE_CHECK,
}  # fmt: skip
AUDITS: Mapping[str, AuditReport] = {
    "supported": SUPPORTED, "refuted": REFUTED, "vacuous": VACUOUS, "empty": EMPTY_AUDIT, "hostile": HOSTILE_AUDIT,
}  # fmt: skip
VERIFIES: Mapping[str, VerifyReport] = {"valid": VALID, "empty": EMPTY_VERIFY, "hostile": HOSTILE_VERIFY}
EVERY: Mapping[str, ConditionReport | AuditReport | VerifyReport] = {
    **{f"check-{name}": report for name, report in CHECKS.items()},
    **{f"audit-{name}": report for name, report in AUDITS.items()},
    **{f"verify-{name}": report for name, report in VERIFIES.items()},
}
