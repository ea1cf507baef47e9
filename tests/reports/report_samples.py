"""Audit and verify records as the checker would make them, for the tests of the renderers."""

import math
from collections.abc import Mapping

from check_samples import (
    APPLIES,
    CHECKS,
    CONDITION_9,
    ENVIRONMENT,
    HOSTILE,
    HOSTILE_CHECK,
    HOSTILE_HEADER,
    HOSTILE_VALUES,
    LEAST_SQUARES,
    LING,
    MATHML,
    RADIUS,
)

from checker.records import (
    AuditReport,
    Bounds,
    ChainLink,
    ConclusionRecord,
    ConditionReport,
    Counterexample,
    Curve,
    FactorAt,
    Hidden,
    HypothesisUse,
    Instance,
    Probability,
    ProofStepRecord,
    Satisfiability,
    Sharpness,
    Simulation,
    Swept,
    TheoremHeader,
    VerifyReport,
)

STEPS = tuple(float(step) for step in range(61))


def _losses(start: float, rate: float) -> tuple[float, ...]:
    return tuple(start * rate**tau * (1 + 0.05 * math.sin(tau)) for tau in STEPS)


RATE = ConclusionRecord(
    name="rate",
    claim="loss <= (1 - eta*lambda_0)**(2*tau) * loss_0",
    status="holds",
    basis="sample",
    worst_margin=0.0000021,
    worst_run={"n": 2, "d": 3, "seed": 17, "eta": "1/4 of the bound", "step": 31},
    held=32,
    failed=0,
    undecided=0,
    why="The per-step factor, telescoped from the start.",
)
DESCENT = ConclusionRecord(
    name="descent",
    claim="next(loss) <= loss",
    status="undecided",
    basis="sample",
    worst_margin=None,
    worst_run=None,
    held=30,
    failed=0,
    undecided=2,
    reason="step 61: the two sides are too close to tell",
)

SIMULATION = Simulation(
    runs=34,
    steps=60,
    configurations_satisfying_hypotheses=34,
    undecided=2,
    conclusions=(RATE, DESCENT),
    runs_in_balls=12,
    runs_in_float=22,
    ended_early=3,
    curves=(
        Curve("rate", "<=", STEPS, _losses(1.5, 0.69), tuple(1.6 * 0.70**tau for tau in STEPS)),
        Curve("descent", "<=", STEPS, (None, *_losses(1.0, 0.7)[1:]), _losses(1.2, 0.71)),
    ),
    losses=tuple(_losses(0.3 + 0.1 * k, 0.5 + 0.006 * k)[: 61 - k] for k in range(32)),
    searched=Swept(
        11552,
        2310400,
        ("n=1, d=1, m=1", "n=2, d=2, m=3"),
        ("relu", "tanh"),
        3,
        2,
        2,
        {"conclusion": "rate", "margin": 0.00012, "step": 41, "n": 2, "activation": "tanh"},
    ),
)

PROOF = (
    ProofStepRecord(
        "contraction factor", "holds", "z3 and cvc5", None, ("0 < eta", "eta*L <= 1"), "1 - eta*L >= 0"
    ),
    ProofStepRecord(
        "the recursion gives the printed rate",
        "fails",
        "z3, checked in exact rationals",
        {"eta": "1/64", "C1": "1", "C2": "1/4", "lambda_0": "1"},
        ("0 < eta", "0 < C1", "0 < C2", "4*C2 <= lambda_0", "eta*C1**2 < 2*C2"),
        "lambda_0 - eta*C1**2 - 2*C2 >= lambda_0/2",
    ),
    ProofStepRecord(
        "a step with exp", "undecided", "", None, ("0 < x",), "exp(x) > 1 + x", "no solver answered"
    ),
)

SATISFIABLE = Satisfiability(
    "holds", "witness", {"n": 2, "d": 3, "seed": 17}, "balls", "34 configurations satisfy the hypotheses"
)

SUPPORTED = AuditReport(
    theorem=LEAST_SQUARES,
    verdict="supported",
    basis="sample",
    reason="32 runs satisfied the hypotheses certifiably and no conclusion failed",
    satisfiability=SATISFIABLE,
    proof=PROOF[:1],
    simulation=SIMULATION,
    probability=None,
    hidden=(),
    hypothesis_use=(
        HypothesisUse("curvature", True, "without it rate fails at n=2, d=1, seed 3"),
        HypothesisUse("step_size", None, "no violation was found without it"),
    ),
    sharpness=(Sharpness("rate", 0.0000021, "step 31 of seed 17"), Sharpness("descent", None, "")),
    counterexample=None,
    not_done=(),
    environment=ENVIRONMENT,
    options={"runs": 32, "steps": 60, "budget": 60.0, "confidence": 0.999},
    hypotheses=APPLIES.hypotheses,
)

REFUTED = AuditReport(
    theorem=LING,
    verdict="refuted",
    basis="witness",
    reason="a run whose hypotheses hold violates rate at step 3",
    satisfiability=SATISFIABLE,
    proof=PROOF,
    simulation=Simulation(
        runs=1,
        steps=4,
        configurations_satisfying_hypotheses=1,
        undecided=0,
        conclusions=(
            ConclusionRecord(
                "rate",
                "loss <= (1 - eta*lambda_0/2)**tau * loss_0",
                "fails",
                "witness",
                -0.3042,
                {"n": 1, "m": 1, "seed": 5},
                0,
                1,
                0,
                mathml=MATHML,
            ),
        ),
        runs_in_balls=1,
        curves=(
            Curve(
                "rate",
                "<=",
                (0.0, 1.0, 2.0, 3.0, 4.0),
                (1.0, 0.9, 0.85, 0.83, 0.82),
                (1.0, 0.8, 0.6, 0.4, 0.3),
            ),
        ),
        losses=((1.0, 0.9, 0.85, 0.83, 0.82),),
    ),
    probability=None,
    hidden=(),
    hypothesis_use=(),
    sharpness=(),
    counterexample=Counterexample(
        "rate: loss <= (1 - eta*lambda_0/2)**tau * loss_0",
        3,
        True,
        "ling-2023-theorem-1.counterexample.json",
        {"n": 1, "d": 1, "m": 1, "activation": "relu"},
    ),
    not_done=("satisfiability at m=512: the budget of 60 seconds ended",),
    environment=ENVIRONMENT,
    options={"runs": 32, "steps": 60, "budget": 60.0, "confidence": 0.999},
    hypotheses=(RADIUS,),
)

VACUOUS = AuditReport(
    theorem=LING,
    verdict="vacuous",
    basis="sample",
    reason="none of 1000 draws at m = 8, 32, 128 satisfied condition_9, and the median miss does not shrink",
    satisfiability=Satisfiability(
        "fails",
        "sample",
        None,
        "float estimates of the stated draw",
        "condition_9 is missed by every draw",
        tuple(
            {
                "m": m,
                "draws": 1000,
                "satisfying": 0,
                "median miss": miss,
                "least miss": miss - 0.4,
                "worst": "condition_9",
            }
            for m, miss in ((8, 2.31), (32, 2.36), (128, 2.39))
        ),
    ),
    proof=PROOF[1:2],
    simulation=Simulation(
        0, 200, 0, 0, (ConclusionRecord("rate", "loss <= loss_0", "undecided", "sample", None, None),)
    ),
    probability=Probability(0.99, 0.9731, 0.95120001, 0.98760001, 0.999, 1000, 3, {"m": 64, "n": 4}),
    hidden=(
        Hidden("C", 12.25, "grows like m^0.52 (99 % interval 0.31 to 0.73)", "every C <= 12.25"),
        Hidden("c", None, "", ""),
    ),
    hypothesis_use=(HypothesisUse("radius", False, "the conclusions follow from the others"),),
    sharpness=(),
    counterexample=None,
    not_done=(),
    environment=ENVIRONMENT,
    options={"runs": 32},
    hypotheses=(RADIUS, CONDITION_9),
)

EMPTY_AUDIT = AuditReport(
    theorem=TheoremHeader("empty", "", {}),
    verdict="inconclusive",
    basis="sample",
    reason="",
    satisfiability=Satisfiability("undecided", "assumed", None, "", ""),
    proof=(),
    simulation=Simulation(0, 0, 0, 0, ()),
    probability=None,
    hidden=(),
    hypothesis_use=(),
    sharpness=(),
    counterexample=None,
    not_done=(),
    environment={},
)

HOSTILE_INSTANCE = Instance(
    HOSTILE_VALUES,
    (FactorAt(HOSTILE, 1, Bounds(HOSTILE, HOSTILE), None, HOSTILE),),
    Bounds(HOSTILE, None),
    Bounds("1", HOSTILE),
)

HOSTILE_AUDIT = AuditReport(
    theorem=HOSTILE_HEADER,
    verdict=HOSTILE,
    basis=HOSTILE,
    reason=HOSTILE,
    satisfiability=Satisfiability(
        HOSTILE,
        HOSTILE,
        HOSTILE_VALUES,
        HOSTILE,
        HOSTILE,
        (HOSTILE_VALUES,),
        factors=(ChainLink(HOSTILE, HOSTILE, HOSTILE, ""),),
        product=HOSTILE,
        instance=HOSTILE_INSTANCE,
    ),
    proof=(
        ProofStepRecord(HOSTILE, "fails", HOSTILE, {HOSTILE: HOSTILE}, (HOSTILE,), HOSTILE, HOSTILE),
        ProofStepRecord("S01", "holds", HOSTILE, None, ("x < y",), "y > z"),
    ),
    simulation=Simulation(
        1,
        1,
        1,
        0,
        (ConclusionRecord(HOSTILE, HOSTILE, HOSTILE, HOSTILE, -math.inf, HOSTILE_VALUES, why=HOSTILE),),
        curves=(Curve(HOSTILE, HOSTILE, (0.0, 1.0), (1.0, math.inf), (-1.0, math.nan)),),
    ),
    probability=Probability(0.5, 0.5, 0.4, 0.6, 0.999, 10, 0, HOSTILE_VALUES),
    hidden=(Hidden(HOSTILE, math.nan, HOSTILE, HOSTILE),),
    hypothesis_use=(HypothesisUse(HOSTILE, None, HOSTILE),),
    sharpness=(Sharpness(HOSTILE, math.nan, HOSTILE),),
    counterexample=Counterexample(HOSTILE, 1, False, HOSTILE, HOSTILE_VALUES),
    not_done=(HOSTILE,),
    environment=HOSTILE_VALUES,
    options=HOSTILE_VALUES,
    hypotheses=HOSTILE_CHECK.hypotheses,
)

VALID = VerifyReport(
    "valid",
    "every hypothesis holds and rate fails at step 3",
    "ling-2023-theorem-1",
    "rate",
    3,
    (
        {"check": "radius", "status": "holds", "bits": 128},
        {"check": "rate at step 3", "status": "fails", "bits": 256},
    ),
    operator="<=",
    lhs=Bounds("0.5", "0.5"),
    rhs=Bounds("0.31999", "0.32001"),
)
EMPTY_VERIFY = VerifyReport("undecided", "", "", "", 0, ())
HOSTILE_VERIFY = VerifyReport(
    HOSTILE, HOSTILE, HOSTILE, HOSTILE, 0.5, (HOSTILE_VALUES,),
    operator=HOSTILE, lhs=Bounds(HOSTILE, HOSTILE), rhs=Bounds(None, HOSTILE),
)  # fmt: skip

AUDITS: Mapping[str, AuditReport] = {
    "supported": SUPPORTED,
    "refuted": REFUTED,
    "vacuous": VACUOUS,
    "empty": EMPTY_AUDIT,
    "hostile": HOSTILE_AUDIT,
}
VERIFIES: Mapping[str, VerifyReport] = {"valid": VALID, "empty": EMPTY_VERIFY, "hostile": HOSTILE_VERIFY}
EVERY: Mapping[str, ConditionReport | AuditReport | VerifyReport] = {
    **{f"check-{name}": report for name, report in CHECKS.items()},
    **{f"audit-{name}": report for name, report in AUDITS.items()},
    **{f"verify-{name}": report for name, report in VERIFIES.items()},
}
