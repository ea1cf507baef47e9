"""Gradient flow: judged at recorded times, with the integrator's error estimate added. Basis: sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import torch
from flint import arb, arb_mat, ctx, fmpq

from checker.algebras import BALLS
from checker.batch import stack
from checker.configuration import Configuration, Floats, instantiate
from checker.enclosure import Enclosure, matrix
from checker.hypotheses import given_values
from checker.judging import judge_at, judged_conclusions
from checker.names import used_names
from checker.outcomes import Ledger, Run
from checker.runs import middle_of_loss
from checker.scene import Path, Scene
from checker.settings import SETTINGS
from checker.theorem import Theorem
from checker.verdict import Verdict
from models.flow import FlowResult, gradient_flow
from models.settings import MODELS

BITS = 96
RTOL = 1e-10

GRID = tuple(float(t) for t in [0.0, *np.geomspace(1 / 16, 8, 15)])
"""Recorded times in units of 1 over the largest eigenvalue of the tangent kernel at the start."""

WIDE = 100.0
"""A violation counts only if it exceeds this multiple of the error estimate."""


@dataclass(frozen=True)
class Flows:
    """Integrated runs: for run b and time k, the parameters and the estimated errors."""

    configurations: tuple[Configuration, ...]
    times: tuple[tuple[float, ...], ...]
    found: FlowResult


def integrate(configurations: Sequence[Configuration], rtol: float = RTOL) -> Flows:
    """Integrate the flow of configurations of one shape together, each on its own time scale."""
    problem, params = stack(configurations)
    kernel = torch.nan_to_num(MODELS[problem.setting].estimate(problem, params).value("NTK"))
    fast = torch.linalg.eigvalsh((kernel + kernel.transpose(1, 2)) / 2)[:, -1].clamp(min=1e-9)
    scale = torch.exp2(torch.round(-torch.log2(fast)))  # a power of two: recorded times are short dyadics
    grid = [_short(t) for t in GRID]
    found = gradient_flow(problem, params, grid, rtol=rtol, atol=rtol * 1e-4, scale=scale)
    times = tuple(tuple(t * float(s) for t in grid) for s in scale)
    return Flows(tuple(configurations), times, found)


def _short(t: float) -> float:
    mantissa, exponent = np.frexp(t)
    return float(np.ldexp(np.round(mantissa * 2**8) / 2**8, exponent))


def _widened(floats: Floats, error: float) -> arb_mat:
    exact = matrix(floats if floats.ndim == 2 else floats.reshape(-1, 1))
    if error == 0:
        return exact
    radius = arb(0, error)
    return arb_mat(exact.nrows(), exact.ncols(), [x + radius for x in exact.entries()])


def judge_flow(theorem: Theorem, flows: Flows, index: int, widen: float = 1.0) -> Run:
    """Judge every conclusion of one run at every recorded time; errors are `widen` times their estimates."""
    configuration, times, found = flows.configurations[index], flows.times[index], flows.found
    claims = judged_conclusions(theorem, configuration)
    ledgers = {name: Ledger(True) for name in claims}
    losses: list[float | None] = []
    setting = SETTINGS[configuration.setting]
    exact_times = [Fraction(t) for t in times]

    def clock(k: int) -> Enclosure:
        return fmpq(exact_times[k].numerator, exact_times[k].denominator)

    with ctx.workprec(BITS):
        instance = instantiate(configuration)
        first = setting.enclose(instance)
        scene: Scene[Enclosure] = Scene(theorem, BALLS, first, given_values(theorem, configuration))
        path: Path[Enclosure] = Path(scene, 2, clock)
        follow = "path_length" in used_names(theorem)
        for k, t in enumerate(times):
            error = float(found.error[k, index]) * widen
            if not np.isfinite(error):
                for ledger in ledgers.values():
                    ledger.lose(k, f"the flow was not followed to t = {t:.4g}")
                break
            state, length = first, arb(0)
            if k > 0:
                arrays = dict(instance.params)
                for name in configuration.trains:
                    arrays[name] = _widened(found.params[k][name][index].cpu().numpy(), error)
                state = setting.enclose(replace(instance, params=arrays))
                length = arb(float(found.path[k, index]), float(found.path_error[k, index]) * widen)
            path.push(state, (fmpq(0) if k == 0 else length) if follow else None)
            moment = path.at(k)
            for name, judgement in judge_at(theorem, claims, moment).items():
                ledgers[name].add(k, judgement)
            losses.append(middle_of_loss(moment))
    outcomes = {name: ledger.outcome() for name, ledger in ledgers.items()}
    return Run(configuration, "flow", BITS, max(len(losses) - 1, 0), "", outcomes, tuple(losses), times)


def standing_violation(theorem: Theorem, flows: Flows, index: int) -> tuple[Run, str] | None:
    """A violation beyond 100 error estimates that stands when the tolerance is cut tenfold, else None."""
    first = judge_flow(theorem, flows, index, WIDE)
    names = failing(first.outcomes)
    if not names:
        return None
    again = judge_flow(theorem, integrate([flows.configurations[index]], RTOL / 10), 0, WIDE)
    standing = [name for name in names if again.outcomes[name].verdict is Verdict.FAILS]
    return (again, standing[0]) if standing else None


def failing(outcomes: Mapping[str, object]) -> list[str]:
    """The conclusions that certainly fail."""
    return [name for name, outcome in outcomes.items() if getattr(outcome, "verdict", None) is Verdict.FAILS]
