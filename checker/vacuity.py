"""Can the hypotheses hold at all? A contradiction proved by solvers, or none of many draws."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from checker.admissible import Reduced, reduce
from checker.candidates import in_scope
from checker.clock import Clock
from checker.configuration import Configuration, ExactArray
from checker.expression.parse import parse_claim
from checker.expression.shapes import Where, annotate_claim
from checker.expression.tree import Atom, Call, Claim, Comparison, Name, Node
from checker.families import draw, generator, sizes_of
from checker.names import claim_dependencies, of_quantifier
from checker.records import Value
from checker.request import Request
from checker.search import Assessed, complete, strip
from checker.settings import SETTINGS
from checker.symbolic import decide_steps
from checker.theorem import ProofStep, Theorem

DRAWS = 1000
"""Draws at each width."""

WIDTHS = (8, 16, 32, 64, 128)
"""The widths tried: the largest is 16 times the smallest."""

LEAST_WIDTH = WIDTHS[0]
"""Draws that satisfy the hypotheses at smaller widths do not count against vacuity."""

NONNEGATIVE = frozenset({"norm2", "norm_fro", "norm_inf", "norm_1", "sigma_min", "spectral_radius", "abs"})


@dataclass(frozen=True)
class Vacuity:
    """Why no run exists: `basis` is "proof" or "sample", or None where nothing of the kind was found."""

    basis: str | None
    reason: str
    misses: tuple[dict[str, Value], ...] = ()


def contradiction(theorem: Theorem) -> Vacuity:
    """Do the hypotheses contradict each other whatever the arrays are? Asked of the solvers."""
    hidden = of_quantifier(theorem, "hidden")
    claims = [h.claim for h in theorem.hypotheses] + list(theorem.scope.sizes.values())
    claims += [p.domain for p in theorem.parameters.values() if p.domain is not None]
    claims = [c for c in claims if not claim_dependencies(c, theorem.definitions) & hidden]
    flat = _flatten(theorem, claims)
    if not flat.claims:
        return Vacuity(None, "")
    names = {f"q{k}": node for k, node in enumerate(flat.leaves.values())}
    renamed = {old: f"q{k}" for k, old in enumerate(flat.leaves)}
    assume = tuple(_rename(claim, renamed) for claim in flat.claims) + tuple(_axioms(theorem, names))
    step = ProofStep("the hypotheses together", assume, _claim("0 > 1", frozenset()))
    record = decide_steps([step], seconds=3.0)[0]
    if "contradict" in record.reason:
        return Vacuity("proof", "the hypotheses contradict each other (z3 and cvc5 agree)")
    return Vacuity(None, "")


def _flatten(theorem: Theorem, claims: list[Claim]) -> Reduced:
    """Claims over scalar leaves: every array function becomes one real variable; definitions are inlined."""
    unknown = frozenset(theorem.parameters) | _scalar_names(theorem)
    return reduce(claims, theorem.definitions, unknown)


def _scalar_names(theorem: Theorem) -> frozenset[str]:
    setting = SETTINGS[theorem.setting]
    scalars = {name for name, shape in setting.names.items() if shape == ()} | {"n", "d", "m"}
    return frozenset(scalars - set(setting.claims))


def _rename(claim: Claim, renamed: dict[str, str]) -> Claim:
    def walk(node: Node) -> Node:
        if isinstance(node, Name):
            return Name(renamed.get(node.name, node.name), node.column, ())
        if isinstance(node, Call):
            return Call(node.function, tuple(walk(a) for a in node.arguments), node.column, ())
        if hasattr(node, "argument"):
            return replace(node, argument=walk(node.argument))  # type: ignore[union-attr]
        if hasattr(node, "left"):
            return replace(node, left=walk(node.left), right=walk(node.right))  # type: ignore[union-attr]
        return node

    parts = tuple(
        part if isinstance(part, Atom) else Comparison(part.operator, walk(part.left), walk(part.right))
        for part in claim.parts
    )
    return Claim(claim.text, parts)


def _claim(text: str, names: frozenset[str]) -> Claim:
    return annotate_claim(parse_claim(text), dict.fromkeys(names, ()), where=Where(place="axiom"))


def _axioms(theorem: Theorem, names: dict[str, Node]) -> list[Claim]:
    """What always holds between the leaves: signs, orders, and loss = residual**2/2."""
    texts = [
        "n >= 1",
        "d >= 1",
        "m >= 1",
        "loss >= 0",
        "residual >= 0",
        "2*loss == residual*residual",
        "grad_norm >= 0",
    ]
    gram = {"lambda_min(G)": "", "lambda_max(G)": "", "trace(G)": ""}
    for name, node in names.items():
        if isinstance(node, Call) and node.function in NONNEGATIVE:
            texts.append(f"{name} >= 0")
        if (
            isinstance(node, Call)
            and node.arguments == (Name("G"),)
            and node.function in {"lambda_min", "lambda_max", "trace"}
        ):
            gram[f"{node.function}(G)"] = name
            texts.append(f"{name} >= 0")
        if (
            isinstance(node, Call)
            and node.function == "norm_fro"
            and node.arguments in {(Name("T"),), (Name("features"),)}
        ):
            gram["norm_fro(T)"] = name
    low, high, total = gram["lambda_min(G)"], gram["lambda_max(G)"], gram["trace(G)"]
    if low and high:
        texts.append(f"{low} <= {high}")
    if low and total:
        texts.append(f"n*{low} <= {total}")
    if low and "norm_fro(T)" in gram:
        texts.append(f"n*{low} <= {gram['norm_fro(T)']}*{gram['norm_fro(T)']}")
    if high and total:
        texts.append(f"{high} <= {total}")
    known = frozenset(names) | _scalar_names(theorem) | frozenset(theorem.parameters)
    usable = [t for t in texts if theorem.setting != "least-squares" or "m >=" not in t]
    return [_claim(t, known) for t in usable]


def by_sampling(
    theorem: Theorem, request: Request, closest: Assessed, clock: Clock, progress: Callable[[str], None]
) -> Vacuity:
    """For a stated random start: do 1000 draws at each of several widths all miss, and by how much?"""
    base = closest.configuration
    rows: list[dict[str, Value]] = []
    satisfied = 0
    for width in WIDTHS:
        sizes = dict(base.sizes) | {"m": width}
        if not in_scope(theorem, sizes, dict(request.parameters)):
            continue
        if clock.cuts(f"draws at width {width}", needs=3.0):
            break
        progress(f"{DRAWS} draws at width {width}")
        margins = _draws(theorem, request, replace(base, sizes=sizes), width)
        satisfied += int(np.sum(margins >= 0))
        rows.append(
            {"m": width, "n": sizes["n"], "draws": len(margins), "satisfied": int(np.sum(margins >= 0)),
             "median_miss_decades": round(float(-np.median(margins)), 6),
             "least_miss_decades": round(float(-np.max(margins)), 6)}
        )  # fmt: skip
    misses = tuple(rows)
    if satisfied or len(rows) < 3 or int(rows[-1]["m"]) < 16 * int(rows[0]["m"]):  # type: ignore[arg-type]
        return Vacuity(None, "no configuration was found, and the draws do not exclude one", misses)
    medians = [float(row["median_miss_decades"]) for row in rows]  # type: ignore[arg-type]
    limit = settled_miss(medians)
    if limit is None:
        return Vacuity(None, "no configuration was found, but the median miss shrinks with the width", misses)
    text = (
        f"none of {DRAWS} draws of the stated start satisfied the hypotheses at any of "
        f"{len(rows)} widths from "
        f"{rows[0]['m']} to {rows[-1]['m']}; the median miss settles near a factor {10**limit:.3g}"
    )
    return Vacuity("sample", text, misses)


def settled_miss(medians: list[float]) -> float | None:
    """The value at which median misses (decades, at doubled widths) settle; None where they keep shrinking.

    A miss that does not shrink settles where it is. One that shrinks by less at every
    doubling, each time by at most 9/10 of the last, settles at the end of that geometric
    series; it counts only if it is still a miss there.
    """
    drops = [a - b for a, b in pairwise(medians)]
    if drops[-1] <= 0:
        return medians[-1] if medians[-1] > 0 else None
    before = drops[-2] if len(drops) > 1 else drops[-1]
    if before <= drops[-1] / 0.9:
        return None
    ratio = drops[-1] / before
    limit = medians[-1] - drops[-1] * ratio / (1 - ratio)
    return limit if limit > 0 else None


def _draws(theorem: Theorem, request: Request, base: Configuration, width: int) -> np.ndarray:
    """The hypotheses' margins over fresh draws of the start, X, y and given parameters fixed."""
    setting = SETTINGS[theorem.setting]
    rng = generator(request.seed, "vacuity", width)
    margins: list[float] = []
    chunk = 250 if width <= 64 else 100
    bare = strip(theorem, request, base)
    while len(margins) < DRAWS:
        batch: list[Configuration] = []
        for _ in range(min(chunk, DRAWS - len(margins))):
            arrays = dict(bare.arrays)
            for name, shape in setting.parameters.items():
                size = sizes_of(shape, dict(base.sizes))
                law = theorem.initialization.get(name)
                arrays[name] = draw(law, size, bare, rng) if law is not None else ExactArray(np.zeros(size))
            batch.append(replace(bare, arrays=arrays))
        margins += [a.hypotheses for a in complete(theorem, batch, rng, points=40)]
    return np.nan_to_num(np.array(margins), nan=-np.inf, neginf=-12.0)
