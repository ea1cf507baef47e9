"""Fixed points of a layer and of its adjoint, many configurations at once.

Each run is iterated to rounding level, on a schedule that does not depend on the other
runs of the batch, and then left alone. A run that Picard iteration does not bring there is
handed to Newton's method, column by column. A run whose residual stays large comes back
with `converged` False and NaN entries: it never looks like an equilibrium.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from models.activations import Activation

CAP = 2000
"""The largest number of Picard iterations; what would need more goes to Newton's method."""

ACCEPTED = 1e-10
"""The largest residual of a column, relative to the scale of its terms, that counts as converged."""

_ROUNDING = 2.5e-16  # a relative change below this is one of rounding
_STALLED = 1e-12  # below this a change that no longer shrinks is one of rounding too
_CHECK = 8  # iterations between two looks at the change
_PATIENCE = 2  # looks without an improvement before a run counts as stalled
_FORECAST = 64  # iterations between two forecasts of the iteration count (a multiple of _CHECK)
_NEWTON_STEPS = 60
_HALVINGS = 8
_DIRECT = 32  # up to this width the adjoint is one linear solve for each column
_LARGEST = 1e12  # a solution so many times as large as its right-hand side is one of a singular matrix
_NEWTON_ENTRIES = 2**24  # Jacobian entries held at once

Step = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Solution:
    """Fixed points of a batch.

    `value` is (B, m, n), NaN where not converged; `iterations` (B,) the Picard iterations
    spent; `residual` (B,) the largest distance of a column to its image, relative to the
    scale of its terms (NaN where undefined); `converged` (B,) bool.
    """

    value: Tensor
    iterations: Tensor
    residual: Tensor
    converged: Tensor


def _columns(a: Tensor) -> Tensor:
    return torch.linalg.vector_norm(a, dim=-2)


def _finite(a: Tensor) -> Tensor:
    return torch.isfinite(a).flatten(1).all(dim=1)


def _hopeless(change: Tensor, before: Tensor, spent: int) -> Tensor:
    """Runs whose change, at the rate seen since the last forecast, is not small within the cap."""
    rate = torch.log(change / before) / _FORECAST
    needed = torch.log(_ROUNDING / change.clamp(min=1e-300)) / rate
    return ~(rate < 0) | (needed > CAP - spent)


def _picard(restrict: Callable[[Tensor], Step], start: Tensor, floor: Tensor) -> tuple[Tensor, Tensor]:
    """Iterate every run until it is at rounding level, stalled there, hopeless or not finite.

    `restrict(index)` gives the map of the runs in `index`; `floor` (B, n) is the scale of the
    terms besides the state itself. Returns the states (B, m, n) and the iterations spent (B,).
    """
    state = start.clone()
    iterations = torch.zeros(len(start), dtype=torch.int64, device=start.device)
    index = (_finite(start) & _finite(floor)).nonzero().squeeze(1)
    current, step, scale = state[index], restrict(index), floor[index]
    best = torch.full((len(index),), torch.inf, dtype=start.dtype, device=start.device)
    stale = torch.zeros_like(index)
    earlier = best.clone()
    for spent in range(_CHECK, CAP + _CHECK, _CHECK):
        if len(index) == 0:
            break
        for _ in range(_CHECK - 1):
            current = step(current)
        previous, current = current, step(current)
        moved, size = _columns(current - previous), _columns(current)
        change = (moved / (size + scale).clamp(min=1e-300)).amax(dim=-1)
        improved = change < best
        best = torch.where(improved, change, best)
        stale = torch.where(improved, 0, stale + 1)
        done = (moved <= _ROUNDING * size).all(dim=-1)
        done |= (change <= _STALLED) & (stale >= _PATIENCE)
        done |= ~torch.isfinite(change)
        if spent % _FORECAST == 0:
            if spent > _FORECAST:
                done |= (change > _STALLED) & _hopeless(change, earlier, spent)
            earlier = change
        if bool(done.any()):
            state[index[done]], iterations[index[done]] = current[done], spent
            keep = ~done
            index, current, scale = index[keep], current[keep], scale[keep]
            best, stale, earlier, step = best[keep], stale[keep], earlier[keep], restrict(index)
    state[index], iterations[index] = current, CAP
    return state, iterations


def _distances(step: Step, value: Tensor, floor: Tensor) -> Tensor:
    """The relative distance of every column of `value` to its image, (B, n); NaN stays NaN."""
    moved = _columns(step(value) - value)
    relative = moved / (_columns(value) + floor)
    return torch.where(moved == 0, moved, relative)  # 0/0: the zero column is its own image


def _residual(step: Step, value: Tensor, floor: Tensor) -> Tensor:
    """The largest relative distance of a column of `value` to its image, (B,); NaN stays NaN."""
    distances = _distances(step, value, floor)
    return distances.amax(dim=-1) if distances.shape[-1] else distances.sum(dim=-1)


def _solved(step: Step, value: Tensor, floor: Tensor, iterations: Tensor) -> Solution:
    residual = _residual(step, value, floor)
    converged = (residual <= ACCEPTED) & _finite(value)
    return Solution(torch.where(converged[:, None, None], value, torch.nan), iterations, residual, converged)


def _solve_columns(slope: Tensor, W: Tensor, right: Tensor) -> Tensor:
    """(I - diag(s_j) W) x_j = b_j for every column j of every run; not finite where singular."""
    eye = torch.eye(W.shape[-1], dtype=W.dtype, device=W.device)
    jacobian = eye - slope.mT.unsqueeze(-1) * W.unsqueeze(-3)
    solution, info = torch.linalg.solve_ex(jacobian, right.mT.unsqueeze(-1))
    return torch.where((info == 0)[..., None, None], solution, torch.nan).squeeze(-1).mT


def _newton(W: Tensor, C: Tensor, activation: Activation, kink: float, start: Tensor) -> Tensor:
    """Damped Newton's method on T - phi(W T + C); each column keeps its best iterate."""
    state = start
    defect = state - activation.phi(W @ state + C)
    size = _columns(defect)
    for _ in range(_NEWTON_STEPS):
        slope = activation.dphi(W @ state + C, kink)
        direction = _solve_columns(slope, W, defect)
        open_ = torch.isfinite(direction).all(dim=-2) & (size > 0)
        length, moved = 1.0, torch.zeros_like(open_)
        for _ in range(_HALVINGS):
            trial = state - length * direction
            trial_defect = trial - activation.phi(W @ trial + C)
            trial_size = _columns(trial_defect)
            better = open_ & (trial_size < size)
            state = torch.where(better.unsqueeze(-2), trial, state)
            defect = torch.where(better.unsqueeze(-2), trial_defect, defect)
            size = torch.where(better, trial_size, size)
            moved |= better
            open_ &= ~better
            length /= 2
        if not bool(moved.any()):
            break
    return state


def _chunks(index: Tensor, entries: int) -> tuple[Tensor, ...]:
    return index.split(max(1, _NEWTON_ENTRIES // max(1, entries))) if len(index) else ()


def solve_equilibrium(
    W: Tensor, C: Tensor, activation: Activation, kink: float = 0.0, start: Tensor | None = None
) -> Solution:
    """T = phi(W T + C) for every run: W (B, m, m), C (B, m, n), `start` (B, m, n) or zero.

    Finds one equilibrium; it neither proves it exact nor excludes others.
    """
    _, m, n = C.shape
    begin = torch.zeros_like(C) if start is None else torch.where(_finite(start)[:, None, None], start, 0.0)
    usable = _finite(W) & _finite(C)
    begin = torch.where(usable[:, None, None], begin, torch.nan)
    floor = _columns(C)

    def whole(T: Tensor) -> Tensor:
        return activation.phi(W @ T + C)

    def restrict(index: Tensor) -> Step:
        w, c = W[index], C[index]
        return lambda T: activation.phi(torch.baddbmm(c, w, T))

    value, iterations = _picard(restrict, begin, floor)
    left = (usable & ~(_residual(whole, value, floor) <= _STALLED)).nonzero().squeeze(1)
    for index in _chunks(left, n * m * m):
        reached = value[index]
        sane = torch.isfinite(reached).all(dim=-2, keepdim=True) & (reached.abs() < 1e8).all(-2, keepdim=True)
        first = torch.where(sane, reached, 0.0)
        value[index] = _newton(W[index], C[index], activation, kink, first)
    return _solved(whole, value, floor, iterations)


def solve_adjoint(W: Tensor, slope: Tensor, source: Tensor) -> Solution:
    """V = D o (G + W'V) for every run: W (B, m, m), `slope` (B, m, n) = D, `source` (B, m, n) = G.

    A source (B, m) is the same for all columns: for the readout a, column j is the derivative of the
    prediction for sample j by its own injection, v_j = D_j (I - W' D_j)^{-1} a (shared theory page on
    gradient descent, formula (G)). A run with a singular I - W' D_j has not converged.
    """
    _, m, _ = slope.shape
    columns = source.unsqueeze(-1) if source.ndim == slope.ndim - 1 else source
    usable = _finite(W) & _finite(slope) & _finite(columns)
    right = slope * columns
    floor = _columns(right)
    begin = torch.where(usable[:, None, None], torch.zeros_like(slope), torch.nan)

    def whole(V: Tensor) -> Tensor:
        return slope * (W.mT @ V + columns)

    def restrict(index: Tensor) -> Step:
        w, s, b = W[index].mT, slope[index], columns[index]
        return lambda V: torch.baddbmm(b, w, V).mul_(s)

    if m > _DIRECT:
        value, iterations = _picard(restrict, begin, floor)
        left = usable.unsqueeze(-1) & ~(_distances(whole, value, floor) <= _STALLED)
    else:
        value, iterations = begin, torch.zeros_like(usable, dtype=torch.int64)
        left = usable.unsqueeze(-1).expand_as(floor)
    run, column = left.nonzero(as_tuple=True)
    for b, j in zip(_chunks(run, m * m), _chunks(column, m * m), strict=True):
        given = right[b, :, j].unsqueeze(-1)
        solved = _solve_columns(slope[b, :, j].unsqueeze(-1), W[b].mT, given)
        singular = ~(_columns(solved) <= _LARGEST * _columns(given))
        value[b, :, j] = torch.where(singular, torch.nan, solved.squeeze(-1))
    return _solved(whole, value, floor, iterations)
