"""The reports as frozen records. Field for field the JSON that programs read."""

from typing import TypeAlias

import msgspec

FORMAT = 1

Value: TypeAlias = str | int | float | bool | None


class Bounds(msgspec.Struct, frozen=True):
    """A number between two decimal strings, rounded outward. None where nothing is known."""

    lo: str | None
    hi: str | None


class ArrayBounds(msgspec.Struct, frozen=True):
    """What a report says of an array: its shape and its Frobenius norm."""

    shape: tuple[int, ...]
    norm_fro: Bounds


class TheoremHeader(msgspec.Struct, frozen=True):
    """Which theorem a report is about. `source` is its table as in the file; `fidelity` is inside.

    `latex` holds hypotheses, conclusions and the names of definitions by name, `printed` the statement;
    `definitions` holds what each definition is, `parameters` what is said of each parameter, as texts.
    """

    id: str
    title: str
    source: dict[str, Value]
    statement: str = ""
    setting: str = ""
    kind: str = ""
    latex: dict[str, str] = {}
    printed: str = ""
    definitions: dict[str, str] = {}
    parameters: dict[str, str] = {}


class HypothesisRecord(msgspec.Struct, frozen=True):
    """One hypothesis judged. `margin` is log10(larger side / smaller side), positive where it holds."""

    name: str
    claim: str
    status: str
    basis: str
    lhs: Bounds | None
    rhs: Bounds | None
    margin: float | None
    engine: str
    why: str = ""
    reason: str = ""
    mathml: str = ""


class Predicted(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the theorem predicts for this configuration; null values carry their reason.

    `formula` is the same for every configuration like this one, as a claim in the theorem's own symbols, and
    `latex` that claim in LaTeX; both are absent where no closed form was found.
    """

    value: Value
    reason: str
    formula: str = ""
    latex: str = ""


class ConditionReport(msgspec.Struct, frozen=True):
    """Do the hypotheses of a theorem hold for one configuration?

    `options` is what the user set, as given; None where the report does not know.
    """

    theorem: TheoremHeader
    config: dict[str, Value]
    verdict: str
    reason: str
    hypotheses: tuple[HypothesisRecord, ...]
    definitions: dict[str, Bounds | ArrayBounds]
    parameters: dict[str, Value]
    predicted: dict[str, Predicted]
    not_done: tuple[str, ...]
    environment: dict[str, Value]
    format: int = FORMAT
    kind: str = "condition-report"
    options: dict[str, Value] | None = None


class ChainLink(msgspec.Struct, frozen=True):
    """One claim of a proof that hypotheses cannot hold.

    `kind` is hypothesis, definition, scope, domain, value, start, axiom or tail, or "factor" for an
    inequality of a product, taken to the `power`; `name` says whose claim it is or what it follows from.
    """

    kind: str
    name: str
    claim: str
    latex: str
    source: str = ""
    power: int = 0


class StartBound(msgspec.Struct, frozen=True):
    """The most probability that the hypotheses hold at a stated random start, as a formula in sizes.

    It tends to 0 as `grows` does; `values` are rows of sizes with the bound there, rounded up.
    """

    formula: str
    latex: str
    over: str
    grows: str
    values: tuple[dict[str, Value], ...]


class FactorAt(msgspec.Struct, frozen=True):
    """One inequality of a product at an instance: both sides enclosed there, and whether it holds."""

    claim: str
    power: int
    lhs: Bounds | None
    rhs: Bounds | None
    status: str


class Instance(msgspec.Struct, frozen=True):
    """The inequalities of a product in numbers, at one configuration: an illustration, never the proof.

    `lhs` and `rhs` enclose the products of the sides, each to its power; None where a side is not positive.
    """

    config: dict[str, Value]
    factors: tuple[FactorAt, ...]
    lhs: Bounds | None
    rhs: Bounds | None


class Satisfiability(msgspec.Struct, frozen=True):
    """Can the hypotheses hold at all? `misses` is a table of sizes, scales and how far they miss there.

    Where they cannot: `clash` names the hypotheses that clash, `chain` is what the proof uses, and
    `factors` are inequalities whose product, each to its power, reads as `product` says, which is false.
    `trend` says in words how the largest miss moves with the width. `instance` has the factors in numbers.
    """

    status: str
    basis: str
    witness: dict[str, Value] | None
    engine: str
    reason: str
    misses: tuple[dict[str, Value], ...] = ()
    clash: tuple[str, ...] = ()
    chain: tuple[ChainLink, ...] = ()
    factors: tuple[ChainLink, ...] = ()
    product: str = ""
    probability: StartBound | None = None
    trend: str = ""
    instance: Instance | None = None


class ProofStepRecord(msgspec.Struct, frozen=True):
    """One proof step decided. A counterexample maps each variable to an exact rational."""

    name: str
    status: str
    engine: str
    counterexample: dict[str, str] | None
    assume: tuple[str, ...] = ()
    show: str = ""
    reason: str = ""


class ConclusionRecord(msgspec.Struct, frozen=True):
    """One conclusion over all runs; the worst margin is in decades, at `worst_run`."""

    name: str
    claim: str
    status: str
    basis: str
    worst_margin: float | None
    worst_run: dict[str, Value] | None
    held: int = 0
    failed: int = 0
    undecided: int = 0
    why: str = ""
    reason: str = ""
    mathml: str = ""


class Curve(msgspec.Struct, frozen=True):
    """For plots only: a conclusion's two sides along its worst run, and the loss of every run."""

    conclusion: str
    operator: str
    times: tuple[float, ...]
    lhs: tuple[float | None, ...]
    rhs: tuple[float | None, ...]


class Swept(msgspec.Struct, frozen=True):
    """Float64 runs with estimated hypotheses, a search and no sample; no verdict rests on them.

    `suspects` looked violated; `rerun` of them were judged in balls, which decide and `dismissed` so many.
    `closest` is the run whose estimated margin, in decades, is least above 0: its conclusion, margin, step
    and configuration.
    """

    runs: int
    run_steps: int
    shapes: tuple[str, ...]
    activations: tuple[str, ...]
    suspects: int
    rerun: int
    dismissed: int
    closest: dict[str, Value] | None


class Simulation(msgspec.Struct, frozen=True):
    """The simulated runs and what became of each conclusion; `searched` are float64 runs beside them."""

    runs: int
    steps: int
    configurations_satisfying_hypotheses: int
    undecided: int
    conclusions: tuple[ConclusionRecord, ...]
    runs_in_balls: int = 0
    runs_in_float: int = 0
    ended_early: int = 0
    lost: int = 0
    curves: tuple[Curve, ...] = ()
    losses: tuple[tuple[float | None, ...], ...] = ()
    searched: Swept | None = None


class Probability(msgspec.Struct, frozen=True):
    """A claimed probability against seeded draws of the declared law."""

    claimed: float
    estimate: float
    lower: float
    upper: float
    confidence: float
    runs: int
    undecided: int = 0
    config: dict[str, Value] = {}


class Hidden(msgspec.Struct, frozen=True):
    """A hidden constant: the value runs need, its trend over the grid, the values excluded."""

    name: str
    needed: float | None
    trend: str
    excluded: str


class HypothesisUse(msgspec.Struct, frozen=True, omit_defaults=True):
    """Is a hypothesis, or an entry `scope.KEY` of the scope, needed? The JSON leaves out what has no value.

    True only with a witness: a certified run that satisfies all others and violates `conclusion` at `step`;
    it exceeds the hypothesis by `factor` (larger side / smaller side, where both are positive), and
    `certificate` is its file. False only where the solvers prove it from `implied_by`. `runs` are searched
    runs without it.
    """

    name: str
    needed: bool | None
    evidence: str
    conclusion: str = ""
    step: int | None = None
    factor: float | None = None
    runs: int = 0
    implied_by: tuple[str, ...] = ()
    certificate: str | None = None
    config: dict[str, Value] = {}


class Sharpness(msgspec.Struct, frozen=True):
    """How close the tightest run came to equality, in decades."""

    conclusion: str
    slack: float | None
    at: str


class Counterexample(msgspec.Struct, frozen=True):
    """A violated conclusion and the certificate that re-checks it."""

    claim: str
    step: int | float
    certified: bool
    certificate: str | None
    config: dict[str, Value] = {}


class AuditReport(msgspec.Struct, frozen=True):
    """Is a theorem consistent with simulation, with its own proof steps, and with itself?

    `unused` has a sentence for everything that the theorem declares and nothing rests on.
    """

    theorem: TheoremHeader
    verdict: str
    basis: str
    reason: str
    satisfiability: Satisfiability
    proof: tuple[ProofStepRecord, ...]
    simulation: Simulation
    probability: Probability | None
    hidden: tuple[Hidden, ...]
    hypothesis_use: tuple[HypothesisUse, ...]
    sharpness: tuple[Sharpness, ...]
    counterexample: Counterexample | None
    not_done: tuple[str, ...]
    environment: dict[str, Value]
    options: dict[str, Value] = {}
    hypotheses: tuple[HypothesisRecord, ...] = ()
    format: int = FORMAT
    kind: str = "audit-report"
    unused: tuple[str, ...] = ()


class VerifyReport(msgspec.Struct, frozen=True):
    """What re-checking a certificate found.

    `lhs` and `rhs` enclose the two sides of the violated comparison at the step, found again in balls, and
    `operator` stands between them in the claim; None and "" where no check came that far.
    """

    status: str
    reason: str
    theorem: str
    claim: str
    step: int | float
    checks: tuple[dict[str, Value], ...]
    format: int = FORMAT
    kind: str = "verify-report"
    operator: str = ""
    lhs: Bounds | None = None
    rhs: Bounds | None = None
