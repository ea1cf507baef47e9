"""Where nothing satisfies the hypotheses and nothing proves so: how far they miss, and what helps.

Rows over widths, samples, inputs and scales, each with the factor by which every hypothesis misses: for a
stated random start the median of seeded draws, otherwise at the best candidate found. All factors are
float64 estimates; no verdict rests on them.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from checker.batch import CPU, scene_of
from checker.candidates import activations, in_scope, propose, shapes
from checker.clock import Clock
from checker.completing import Assessed, complete, strip
from checker.configuration import Configuration
from checker.expression.estimate import margin
from checker.families import generator
from checker.hypotheses import gates
from checker.names import claim_dependencies, of_quantifier
from checker.records import Value
from checker.request import Request
from checker.satisfiability.corners import favourable, free_arrays
from checker.theorem import NamedClaim, Theorem

DRAWS = 40
WIDTHS = (4, 8, 16, 32, 64)
SAMPLES = (1, 2, 4, 8)
INPUTS = (2, 4, 8, 16)
FACTORS = (1e-3, 1e-1, 10.0, 1e3)
"""What each array's scale is multiplied by, from the best candidate."""

_LARGEST = 300.0  # decades


@dataclass(frozen=True)
class Misses:
    """The rows of the table, and in words how the largest miss moves with the width."""

    rows: tuple[dict[str, Value], ...] = ()
    trend: str = ""


def miss_table(theorem: Theorem, request: Request, clock: Clock, progress: Callable[[str], None]) -> Misses:
    """How far the hypotheses miss over a grid of sizes and scales; what the clock cut is on its record."""
    kinds = activations(theorem, request)
    sized = [s for s in shapes(theorem, request) if s["n"] >= 2] or shapes(theorem, request)
    if not kinds or not sized or not _asked(theorem):
        return Misses()
    base = dict(sized[min(2, len(sized) - 1)])
    rows: list[dict[str, Value]] = []
    best: Assessed | None = None
    for k, (varied, sizes) in enumerate(_grid(theorem, request, base)):
        if clock.cuts("the table of misses", needs=3.0):
            break
        progress(f"misses at {', '.join(f'{name}={size}' for name, size in sizes.items())}")
        found = _candidates(theorem, request, sizes, kinds[0], k)
        rows.append(_row(theorem, found, varied, ""))
        if best is None and found:
            best = found[0]
    for name in free_arrays(theorem, request) if best is not None else ():
        if clock.cuts("scales in the table of misses", needs=2.0):
            break
        for factor in FACTORS:
            scaled = _scaled(theorem, request, best, name, factor) if best is not None else None
            if scaled is not None:
                rows.append(_row(theorem, [scaled], "scale", f"{name} x {factor:g}"))
    return Misses(tuple(rows), _trend(rows))


def _asked(theorem: Theorem) -> bool:
    hidden = of_quantifier(theorem, "hidden")
    return any(not claim_dependencies(h.claim, theorem.definitions) & hidden for h in theorem.hypotheses)


def _grid(theorem: Theorem, request: Request, base: dict[str, int]) -> Iterator[tuple[str, dict[str, int]]]:
    """One size moved at a time, the others as they are at the base; those in scope."""
    joined = theorem.setting == "least-squares"
    axes = {"d": WIDTHS} if joined else {"m": WIDTHS, "n": SAMPLES, "d": INPUTS}
    axes = axes | {"n": SAMPLES}
    for name, values in axes.items():
        for value in values if name not in request.sizes else ():
            sizes = base | ({"m": max(base["m"], 32)} if name != "m" and not joined else {}) | {name: value}
            if joined:
                sizes["m"] = sizes["d"]
            if in_scope(theorem, sizes, dict(request.parameters)):
                yield name, sizes


def _candidates(
    theorem: Theorem, request: Request, sizes: dict[str, int], kind: str | None, index: int
) -> list[Assessed]:
    """Draws of the stated start, or the best candidate of the favourable corners."""
    rng = generator(request.seed, "misses", index)
    if not theorem.random_start:
        found = favourable(theorem, request, sizes, kind, 0, (index, 1), generations=2)
        return sorted(found, key=lambda a: -a.hypotheses if math.isfinite(a.hypotheses) else math.inf)[:1]
    drawn = [propose(theorem, request, sizes, kind, rng) for _ in range(DRAWS)]
    return complete(theorem, drawn, rng, points=40)


def hypothesis_margins(theorem: Theorem, configurations: list[Configuration]) -> dict[str, np.ndarray]:
    """Each gate's margin in decades, an estimate, for configurations of one shape with chosen parameters."""
    scene = scene_of(theorem, configurations, CPU)
    hidden = of_quantifier(theorem, "hidden")
    out: dict[str, np.ndarray] = {}
    for gate in _gates(theorem, configurations[0]):
        if claim_dependencies(gate.claim, theorem.definitions) & hidden:
            continue
        try:
            found = margin(gate.claim, scene).to(CPU).expand(len(configurations)).numpy()
        except (ArithmeticError, RuntimeError, KeyError):
            found = np.full(len(configurations), -np.inf)
        out[gate.name] = np.clip(np.nan_to_num(found, nan=-_LARGEST), -_LARGEST, _LARGEST)
    return out


def _gates(theorem: Theorem, configuration: Configuration) -> list[NamedClaim]:
    return [g for g in gates(theorem, configuration) if not g.name.startswith(("scope.", "domain."))]


def _row(theorem: Theorem, found: list[Assessed], varied: str, scale: str) -> dict[str, Value]:
    """One row: sizes, scale, the hypothesis that misses most, its factor, and the factor of each."""
    configurations = [a.configuration for a in found]
    sizes = configurations[0].sizes
    medians = {name: float(np.median(v)) for name, v in hypothesis_margins(theorem, configurations).items()}
    worst = min(medians, key=lambda name: (medians[name], name))
    row: dict[str, Value] = {"varied": varied, **{k: sizes[k] for k in ("n", "d", "m") if k in sizes}}
    row |= {"scale": scale, "worst": worst, "factor": _factor(medians[worst])}
    return row | {f"factor of {name}": _factor(value) for name, value in medians.items()}


def _factor(decades: float) -> float:
    """The factor by which a hypothesis misses, four digits; at most 1 where it holds."""
    return float(f"{10**-decades:.4g}")


def _scaled(theorem: Theorem, request: Request, best: Assessed, name: str, factor: float) -> Assessed | None:
    array = best.configuration.arrays.get(name)
    if array is None or array.map != "plain" or not np.any(array.floats):
        return None
    arrays = dict(best.configuration.arrays) | {name: replace(array, floats=array.floats * factor)}
    bare = strip(theorem, request, replace(best.configuration, arrays=arrays))
    rng = generator(request.seed, "misses", name)
    return complete(theorem, [bare], rng, points=96)[0]


def _trend(rows: list[dict[str, Value]]) -> str:
    """How the factor of the hypothesis that misses most at the widest network moves with the width."""
    wide = [row for row in rows if row["varied"] == "m"]
    if len(wide) < 3:
        return ""
    name = str(wide[-1]["worst"])
    pairs = [(float(str(r["m"])), float(str(r[f"factor of {name}"]))) for r in wide]
    known = [(math.log(m), math.log(f)) for m, f in pairs if f > 0 and math.isfinite(f)]
    if len(known) < 3:
        return ""
    slope = float(np.polyfit([x for x, _ in known], [y for _, y in known], 1)[0])
    if abs(slope) < 0.05:
        return f"the factor by which {name} misses does not move with the width (estimates)"
    moves = "shrinks" if slope < 0 else "grows"
    return f"the factor by which {name} misses {moves} about like m**{slope:.2f} (estimates)"
