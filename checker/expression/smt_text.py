"""What is asked of the solvers about a proof step, as SMT-LIB 2 texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class SideCondition:
    """What has to hold for the conclusion to be defined, after the first `after` facts of the script."""

    formula: str
    reason: str
    after: int


@dataclass(frozen=True)
class StepScript:
    """A proof step in SMT-LIB 2: real `variables` (the step's names, in order of appearance), `fresh`
    ones, the `facts` of which the first `assumed` come from the assumptions, the truth of the conclusion
    and its side conditions. `bounded` names the functions that are known by their bounds only. `linear`: no
    product of two terms occurs."""

    variables: tuple[str, ...]
    fresh: tuple[str, ...]
    facts: tuple[str, ...]
    assumed: int
    conclusion: str
    sides: tuple[SideCondition, ...]
    bounded: tuple[str, ...]
    linear: bool = False


def smt_name(name: str) -> str:
    """The SMT-LIB symbol of a variable of the step (no name of ours is a reserved word)."""
    return f"v_{name}"


def refutation(script: StepScript, pinned: Mapping[str, Fraction] | None = None) -> str:
    """The text that is unsatisfiable where the conclusion follows; `pinned` fixes some variables."""
    return _text(script, [*script.facts, f"(not {script.conclusion})", *_pins(pinned)])


def refutation_among(script: StepScript, names: tuple[str, ...], values: tuple[Fraction, ...]) -> str:
    """The same with each of `names` restricted to one of `values`."""
    choices = [
        "(or false " + " ".join(f"(= {smt_name(name)} {number(value)})" for value in values) + ")"
        for name in names
    ]
    return _text(script, [*script.facts, f"(not {script.conclusion})", *choices])


def consistency(script: StepScript, pinned: Mapping[str, Fraction] | None = None) -> str:
    """The text that is unsatisfiable where the assumptions contradict each other; `pinned` as above."""
    return _text(script, [*script.facts[: script.assumed], *_pins(pinned)])


def sides_question(script: StepScript) -> str:
    """The text that is unsatisfiable where every side condition of the conclusion follows, each from what is
    known when it comes up."""
    formula, end = "false", len(script.facts)
    for side in reversed(script.sides):
        between = " ".join(script.facts[side.after : end])
        formula, end = f"(or (not {side.formula}) (and true {between} {formula}))", side.after
    return _text(script, [*script.facts[:end], formula])


def side_question(script: StepScript, side: SideCondition) -> str:
    """The text that is unsatisfiable where a side condition of the conclusion follows."""
    return _text(script, [*script.facts[: side.after], f"(not {side.formula})"])


def number(value: Fraction) -> str:
    """An exact rational as an SMT-LIB term."""
    size = abs(value)
    text = f"{size.numerator}.0" if size.denominator == 1 else f"(/ {size.numerator}.0 {size.denominator}.0)"
    return f"(- {text})" if value < 0 else text


def _pins(pinned: Mapping[str, Fraction] | None) -> list[str]:
    return [f"(= {smt_name(name)} {number(value)})" for name, value in (pinned or {}).items()]


def _text(script: StepScript, assertions: list[str]) -> str:
    names = [*map(smt_name, script.variables), *script.fresh]
    logic = "QF_LRA" if script.linear else "QF_NRA"
    lines = [f"(set-logic {logic})", *(f"(declare-fun {name} () Real)" for name in names)]
    return "\n".join([*lines, *(f"(assert {each})" for each in assertions)]) + "\n"
