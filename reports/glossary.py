"""What the letters of proof steps stand for: as the file says, else what the steps assume of them."""

import re
from collections.abc import Iterable, Sequence
from itertools import chain

from checker.errors import ExpressionError
from checker.expression.parse import parse_claim
from checker.expression.simplify import free_names_of_claim
from checker.records import ProofStepRecord, TheoremHeader
from checker.settings import SETTINGS
from reports.numbers import clean
from reports.parts import said
from reports.view import Cell, Section, Table

MEANINGS = {
    "n": "the number of samples",
    "d": "the number of inputs of a sample",
    "m": "the width of the model",
    "loss": "the loss, half the square of the residual",
    "residual": "the Euclidean norm of the predictions minus the labels",
    "loss_star": "the infimum of the loss over the parameters",
    "grad_norm": "the joint Euclidean norm of the gradients",
    "path_length": "the joint length travelled by the trained parameters",
    "L_phi": "the Lipschitz constant of the activation phi",
    "L_dphi": "the Lipschitz constant of the derivative of phi",
    "phi_0": "abs(phi(0)) for the activation phi",
    "gap": "the Frobenius distance of an iterate from the next",
}
"""The scalar names of the settings, in words."""

_LISTED = 4
_LABEL = re.compile(r"([A-Za-z]{1,3})(\d{1,3})[a-z]?\b")


def letters_of(claims: Iterable[str]) -> frozenset[str]:
    """Every name in these claims; text that is no claim has none."""
    found: set[str] = set()
    for claim in claims:
        try:
            found |= free_names_of_claim(parse_claim(claim))
        except ExpressionError:
            continue
    return frozenset(found)


def meaning(letter: str, theorem: TheoremHeader) -> str:
    """What the file or its setting says of a name; empty where neither does."""
    if letter in theorem.definitions:
        return f"{letter} = {theorem.definitions[letter]}, as the file defines it"
    if letter in theorem.parameters:
        return f"the parameter {letter}: {clean(theorem.parameters[letter])}"
    setting = SETTINGS.get(theorem.setting)
    if setting is not None and (letter in setting.names or letter in setting.sizes):
        return MEANINGS.get(letter, "")
    return ""


def _assumed(letter: str, steps: Sequence[ProofStepRecord]) -> str:
    """What every one of these steps assumes of a letter that nothing explains."""
    each = [[claim for claim in step.assume if letter in letters_of([claim])] for step in steps]
    common = [
        claim for claim in dict.fromkeys(chain.from_iterable(each)) if all(claim in claims for claims in each)
    ]
    if not common:
        return "a real number; what is assumed of it stands in each step"
    listed = ", ".join(common[:_LISTED])
    more = any(len(claims) > len(common[:_LISTED]) for claims in each)
    return f"a real number, assumed {listed}" + (", and what else its steps state" if more else "")


def letters_section(theorem: TheoremHeader, steps: Sequence[ProofStepRecord], folded: bool) -> Section | None:
    """A row for each letter of the steps: what it stands for, and in which steps; None without letters."""
    used: dict[str, list[int]] = {}
    for k, step in enumerate(steps, 1):
        for letter in sorted(letters_of([*step.assume, step.show])):
            used.setdefault(letter, []).append(k)
    if not used:
        return None
    known = {letter: meaning(letter, theorem) for letter in used}
    order = sorted(used, key=lambda letter: (not known[letter], letter.lower(), letter))
    rows = tuple(
        (
            Cell(clean(letter), code=True),
            said(known[letter] or _assumed(letter, [steps[k - 1] for k in used[letter]])),
            Cell(_ranges(used[letter])),
        )
        for letter in order
    )
    text = (
        "Each step is about every real value of its letters that meets its assumptions. A letter that bears "
        "a name of the file is read as what the file says of it; any other may differ from step to step."
    )
    table = Table(("Letter", "Stands for", "In steps"), rows)
    return Section("letters", "The letters of the proof steps", (text,), (table,), folded=folded)


def _ranges(numbers: Sequence[int]) -> str:
    """`1, 3-5, 9`."""
    parts: list[list[int]] = []
    for k in numbers:
        if parts and k == parts[-1][-1] + 1:
            parts[-1].append(k)
        else:
            parts.append([k])
    return ", ".join(str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts)


def follows_from(steps: Sequence[ProofStepRecord]) -> tuple[str, ...]:
    """For each step what it follows from, in words: its assumptions, and the steps that show some of them."""
    shown: dict[str, int] = {}
    for k, step in enumerate(steps, 1):
        for part in step.show.split(" and "):
            shown.setdefault(part.strip(), k)
    out: list[str] = []
    for k, step in enumerate(steps, 1):
        used = sorted({shown[claim] for claim in step.assume if shown.get(claim, k) != k})
        by = ", ".join(f"({j})" for j in used)
        rest = f", some of which {by} show{'s' if len(used) == 1 else ''}" if used else " alone"
        out.append(f"from its assumptions{rest}" if step.assume else "from nothing but the real numbers")
    return tuple(out)


def skipped(names: Iterable[str]) -> str:
    """Labels such as S04 that the names of the steps pass over; empty where there is no gap."""
    seen: dict[str, dict[int, str]] = {}
    for name in names:
        found = _LABEL.match(name)
        if found:
            seen.setdefault(found[1], {})[int(found[2])] = found[2]
    missing: list[str] = []
    for letters, numbers in seen.items():
        digits = max(map(len, numbers.values()))
        gap = [k for k in range(min(numbers), max(numbers)) if k not in numbers]
        if len(numbers) > 2 and len(gap) < len(numbers):
            missing += [f"{letters}{k:0{digits}d}" for k in gap]
    if not missing:
        return ""
    named = f"{', '.join(missing[:-1])} and {missing[-1]}" if len(missing) > 1 else missing[0]
    return (
        f"The names pass over {clean(named)}: the file states no proof step under that label, so none was "
        "checked."
    )
