"""A theorem as data: what is assumed, what is claimed, where it comes from. Nothing here runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from checker.expression.tree import Claim, Node, Shape

Kind: TypeAlias = Literal["deterministic", "high-probability", "asymptotic"]
Algorithm: TypeAlias = Literal["gradient-descent", "gradient-flow", "picard", "none"]
Fidelity: TypeAlias = Literal["verbatim", "paraphrase", "recalled", "reconstructed", "derived"]
Quantifier: TypeAlias = Literal["forall", "exists", "hidden", "fixed"]
Law: TypeAlias = Literal["normal", "uniform", "rademacher", "orthogonal", "goe", "zeros", "constant"]

EXACT_LAWS = frozenset({"zeros", "constant"})
"""Laws that draw nothing."""


@dataclass(frozen=True)
class Source:
    """Where a theorem comes from, and how faithfully it is rendered."""

    fidelity: Fidelity
    authors: str = ""
    year: int | None = None
    arxiv: str = ""
    where: str = ""
    notes: str = ""


@dataclass(frozen=True)
class Parameter:
    """A scalar that the theorem quantifies.

    `fixed` parameters have a `value` (in sizes and parameters above them); `default`
    serves `check` where a forall parameter is not given; `depends_on` names the
    parameters that a hidden constant may depend on.
    """

    name: str
    quantifier: Quantifier = "forall"
    domain: Claim | None = None
    value: Node | None = None
    default: Node | None = None
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class NamedClaim:
    """A hypothesis or a conclusion: its name, what it says, why, and whether it is said to be sharp."""

    name: str
    claim: Claim
    why: str = ""
    tight: bool = False


@dataclass(frozen=True)
class ProofStep:
    """An implication over free real variables; every name in it is a scalar."""

    name: str
    assume: tuple[Claim, ...]
    show: Claim


@dataclass(frozen=True)
class Draw:
    """The law of an array; the arguments are scalars in sizes and parameters."""

    law: Law
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Variable:
    """What a claim ranges over: chosen against the claim (forall) or by the tool (exists)."""

    name: str
    shape: Shape
    quantifier: Literal["forall", "exists"]


@dataclass(frozen=True)
class Scope:
    """Which configurations the theorem is about; None and absent keys mean no restriction.

    `sizes` has a claim for each restricted size; a number or an expression e was read
    as the claim "size == e".
    """

    activation: tuple[str, ...] | None
    data_norm: Node | None
    sizes: Mapping[str, Claim]


@dataclass(frozen=True)
class Probability:
    """The claimed probability, and over which draw."""

    over: Literal["initialization", "data"]
    holds: Node


@dataclass(frozen=True)
class Theorem:
    """One theorem, read and shape-checked. Tables keep the order of the file.

    `step` names the step size (gradient descent only): a parameter, or a definition that
    binds it. `trains` are the trained parameters in the setting's order. `text` is the
    file's text, `origin` its name as errors show it.
    """

    id: str
    title: str
    setting: str
    kind: Kind
    statement: str
    source: Source
    algorithm: Algorithm
    step: str | None
    trains: tuple[str, ...]
    kink: Fraction
    form: str | None
    parameters: Mapping[str, Parameter]
    scope: Scope
    definitions: Mapping[str, Node]
    hypotheses: tuple[NamedClaim, ...]
    conclusions: tuple[NamedClaim, ...]
    proof: tuple[ProofStep, ...]
    tolerances: Mapping[str, Fraction]
    probability: Probability | None
    initialization: Mapping[str, Draw]
    data: Mapping[str, Draw]
    variables: Mapping[str, Variable]
    limit: str | None
    text: str
    origin: str

    @property
    def random_start(self) -> bool:
        """Does the theorem state a start that is drawn?"""
        return any(law.law not in EXACT_LAWS for law in self.initialization.values())
