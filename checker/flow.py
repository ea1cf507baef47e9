"""Gradient flow: judged at recorded times, with the integrator's error estimate added. Basis: sample."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import torch
from flint import arb, arb_mat, ctx, fmpq

from checker.algebras import BALLS
from checker.batch import scene_of, stack
from checker.configuration import Configuration, instantiate
from checker.enclosure import Enclosure, matrix
from checker.expression.estimate import margin
from checker.names import used_names
from checker.runs import Ledger, Run, given_values, judge_at, judged_conclusions, middle_of_loss
from checker.scene import Path, Scene
from checker.settings import SETTINGS
from checker.theorem import Theorem
from checker.verdict import Verdict
from models.training import gradient_flow

BITS = 96
RTOL = 1e-9
RECORDED = 24
"""Recorded times of a run, the start not counted."""


def recorded_times(theorem: Theorem, configuration: Configuration, count: int = RECORDED) -> tuple[float, ...]:
    """Times from 0 to about eight slowest time constants of the tangent kernel at the start, short dyadics."""
    scene = scene_of(theorem, [configuration])
    kernel = np.nan_to_num(scene.state.value("NTK")[0].cpu().numpy())
    values = np.linalg.eigvalsh((kernel + kernel.T) / 2)
    fast = max(float(values[-1]), 1e-9)
    slow = min(max(float(values[0]), fast / 200), fast)
    grid = np.concatenate([[0.0], np.geomspace(0.05 / fast, 8 / slow, count)])
    mantissa, exponent = np.frexp(grid)
    short = np.unique(np.ldexp(np.round(mantissa * 2**10) / 2**10, exponent))
    return tuple(float(t) for t in short)


def _widened(floats: np.ndarray, error: float) -> arb_mat:
    exact = matrix(floats if floats.ndim == 2 else floats.reshape(-1, 1))
    if error == 0:
        return exact
    radius = arb(0, error)
    return arb_mat(exact.nrows(), exact.ncols(), [x + radius for x in exact.entries()])


def flow_run(
    theorem: Theorem,
    configuration: Configuration,
    times: Sequence[float],
    *,
    rtol: float = RTOL,
    widen: float = 1.0,
) -> Run:
    """Judge every conclusion at every recorded time; parameters carry `widen` times the error estimate."""
    claims = judged_conclusions(theorem, configuration)
    ledgers = {name: Ledger(True) for name in claims}
    problem, params = stack([configuration])
    found = gradient_flow(problem, params, list(times), rtol=rtol, atol=rtol * 1e-4)
    losses: list[float | None] = []
    setting = SETTINGS[configuration.setting]
    with ctx.workprec(BITS):
        instance = instantiate(configuration)
        first = setting.enclose(instance)
        scene: Scene[Enclosure] = Scene(theorem, BALLS, first, given_values(theorem, configuration))
        exact_times = [Fraction(t) for t in times]

        def clock(k: int) -> fmpq:
            return fmpq(exact_times[k].numerator, exact_times[k].denominator)

        path: Path[Enclosure] = Path(scene, 2, clock)
        follow = "path_length" in used_names(theorem)
        for k in range(len(times)):
            error = float(found.error[k, 0]) * widen
            if not np.isfinite(error):
                for ledger in ledgers.values():
                    ledger.lose(k, f"the flow was not followed to t = {times[k]:.4g}")
                break
            state = first
            if k > 0:
                arrays = dict(instance.params)
                for name in configuration.trains:
                    arrays[name] = _widened(found.params[k][name][0].cpu().numpy(), error)
                state = setting.enclose(replace(instance, params=arrays))
            path.push(state, fmpq(0) if k == 0 and follow else None)
            moment = path.at(k)
            for name, judgement in judge_at(theorem, claims, moment).items():
                ledgers[name].add(k, judgement)
            losses.append(middle_of_loss(moment))
    outcomes = {name: ledger.outcome() for name, ledger in ledgers.items()}
    return Run(configuration, "flow", BITS, len(losses) - 1, "", outcomes, tuple(losses), tuple(times))


def standing_violation(theorem: Theorem, configuration: Configuration, times: Sequence[float]) -> tuple[Run, str] | None:
    """A violation beyond 100 times the error estimate that stands at a tenth of the tolerance, else None."""
    first = flow_run(theorem, configuration, times, widen=100.0)
    names = [name for name, o in first.outcomes.items() if o.verdict is Verdict.FAILS]
    if not names:
        return None
    again = flow_run(theorem, configuration, times, rtol=RTOL / 10, widen=100.0)
    for name in names:
        if again.outcomes[name].verdict is Verdict.FAILS:
            return again, name
    return None


def estimate_margins(theorem: Theorem, configurations: Sequence[Configuration]) -> list[tuple[float, str, int]]:
    """The least estimated margin of each configuration's conclusions, its name and time index."""
    out: list[tuple[float, str, int]] = []
    claims = judged_conclusions(theorem, configurations[0]) if configurations else {}
    for configuration in configurations:
        times = recorded_times(theorem, configuration, 10)
        scene = scene_of(theorem, [configuration])
        found = gradient_flow(scene.state.problem, scene.state.params, list(times), rtol=1e-7, atol=1e-11)
        path = Path(scene, 2, lambda k, grid=times: torch.tensor([grid[k]], dtype=torch.float64))
        worst: tuple[float, str, int] = (float("inf"), "", 0)
        for k, state in enumerate(found.estimates):
            path.push(state, torch.zeros(1, dtype=torch.float64) if k == 0 else None)
            for name, claim in claims.items():
                value = float(margin(claim, path.at(k))[0])
                if np.isfinite(value) and value < worst[0] and not (k == 0 and abs(value) < 1e-12):
                    worst = (value, name, k)
        out.append(worst)
    return out
