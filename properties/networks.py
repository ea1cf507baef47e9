"""Small batches of both equilibrium settings, their predictions written out, and numbers with their errors.

An error is never a matter of taste here: that of float64 is estimated by running the same in float32,
that of a difference quotient by the table of extrapolations (Ridders 1982), and a step stays within the
certified distance to the nearest kink.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from models.settings import Params, Problem
from properties.independent import TORCH_PHI
from properties.strategies import (
    ACTIVATIONS,
    SHAPES_OF_W,
    arrays,
    inputs,
    lipschitz,
    normals,
    seeds,
    subsets,
    vectors,
    weights,
)

KINDS = (*ACTIVATIONS, "implicit-skip")
"""The activations of `deq`, and the other setting, which has relu."""

NAMES = {"deq": ("W", "U", "a"), "implicit-skip": ("A", "W", "u", "v")}

REACHES = (0.0, 0.5, 0.7)

UNROLLED = 150
"""Iterations that autograd goes through: 150 * 150 * 0.7**150 < 2**-60, also for second derivatives."""

KINKED = ("relu", "abs", "leaky-relu", "elu")
"""phi' or phi'' jumps at 0."""

FLOAT32 = 2.0**-29
"""The unit of float64 over that of float32."""

SAFETY = 16
"""What an estimate of rounding errors is multiplied by: two algorithms, each of them estimated."""

_WIDEST, _LEVELS = 2.0**-3, 7
_RESOLVED = 2.0**-12  # a preactivation nearer to a kink may be on its other side in float32


@dataclass(frozen=True)
class Case:
    """A problem with its parameters, a direction of unit length for each run, and L_phi*|M|_2."""

    problem: Problem
    params: Params
    direction: Params
    reach: float

    def moved(self, h: Tensor) -> tuple[Problem, Params]:
        """Copies of the runs, one batch for each row of h (K, B), moved so far along the direction."""
        k, p = len(h), self.problem
        X, y = p.X.repeat(k, 1, 1), p.y.repeat(k, 1)
        params = {name: value.repeat(k, *[1] * (value.ndim - 1)) for name, value in self.params.items()}
        for name, way in self.direction.items():
            params[name] += (h.reshape(k, -1, *[1] * (way.ndim - 1)) * way).reshape(params[name].shape)
        return Problem(p.setting, X, y, p.activation, p.kink, p.trains), params


@st.composite
def cases(draw: st.DrawFn, kind: str) -> Case:
    """One or two runs of up to 4 neurons and 3 samples, well inside the region of contraction."""
    setting = kind if kind == "implicit-skip" else "deq"
    activation = "relu" if kind == "implicit-skip" else kind
    n, d, m = (draw(st.integers(1, most), label=k) for k, most in (("n", 3), ("d", 3), ("m", 4)))
    runs = draw(st.integers(1, 2), label="runs")
    reach = draw(st.sampled_from(REACHES[setting == "implicit-skip" :]), label="reach")
    plain = [shape for shape in SHAPES_OF_W if shape != "orthogonal"]
    if setting == "implicit-skip":  # where Phi is 0 a preactivation is kept from 0 by the others alone
        plain = ["ones", "gaussian", "symmetric", "rank-one"]
    coupled = [draw(weights(m, reach / lipschitz(activation), plain)).floats for _ in range(runs)]
    inner = [draw(normals((m, d), bits=None), label="inner weights") for _ in range(runs)]
    out = [draw(arrays((m,)), label="readout") for _ in range(2 * runs)]
    far = activation in KINKED  # whole inputs put preactivations exactly at the kink
    X = [draw(normals((d, n), bits=None) if far else inputs(d, n), label="X") for _ in range(runs)]
    y = [draw(vectors(n), label="y") for _ in range(runs)]
    found = {"W": coupled, "U": inner, "a": out[:runs]}
    if setting == "implicit-skip":
        X = [np.abs(x) + 0.125 for x in X]
        for w in inner:
            w[0] = np.abs(w[0])  # active on every sample
        scale = draw(st.sampled_from((1.0, 0.5, 2.0)), label="gamma")
        found = {"A": [W * m**0.5 / scale for W in coupled], "W": inner, "u": out[:runs], "v": out[runs:]}
        found["gamma"] = [np.array(scale)] * runs
    params = {name: _stacked(value) for name, value in found.items()}
    trains = draw(subsets(NAMES[setting]), label="trains")
    kink = draw(st.sampled_from((0.0, 1.0, 0.5)), label="kink") if activation in KINKED[:3] else 0.0
    problem = Problem(setting, _stacked(X), _stacked(y), activation, kink, trains)
    generator = torch.Generator().manual_seed(draw(seeds, label="direction"))
    way = {k: torch.randn(params[k].shape, generator=generator, dtype=torch.float64) for k in sorted(trains)}
    length = joint_norm(way)
    return Case(
        problem, params, {k: v / length.reshape(-1, *[1] * (v.ndim - 1)) for k, v in way.items()}, reach
    )


def _stacked(floats: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(floats))


SIDES = {"relu": (0.0, 1.0), "leaky-relu": (0.01, 1.0), "abs": (-1.0, 1.0)}
"""The slopes left and right of the kink."""


@st.composite
def at_a_kink(draw: st.DrawFn) -> Case:
    """A network whose preactivations are all 0, and a direction that moves all of them to one side of it.

    U = 0, X > 0, W >= 0 with rows that sum to 1/2 and dU = +-1: then phi is linear on that side, also for
    abs, where T = (I + W)^-1 h is positive because 1 - W 1 is. `kink` is the slope there.
    """
    n, d, m = (draw(st.integers(1, 3), label=k) for k in ("n", "d", "m"))
    activation = draw(st.sampled_from(sorted(SIDES)), label="activation")
    side = draw(st.sampled_from((0, 1)), label="side")
    W = np.abs(draw(normals((m, m), bits=None), label="W")) + 2.0**-10
    X = np.abs(draw(normals((d, n), bits=None), label="X")) + 2.0**-10
    found = {
        "W": W / (2 * W.sum(1, keepdims=True)),
        "U": np.zeros((m, d)),
        "a": draw(arrays((m,)), label="a"),
    }
    y = draw(vectors(n), label="y")
    problem = Problem("deq", _stacked([X]), _stacked([y]), activation, SIDES[activation][side], ("U",))
    way = torch.full((1, m, d), 2.0 * side - 1, dtype=torch.float64)
    return Case(problem, {name: _stacked([value]) for name, value in found.items()}, {"U": way}, 0.5)


def joint_norm(parts: Params) -> Tensor:
    """The Euclidean norm of all parts together, (B,)."""
    return torch.linalg.vector_norm(torch.cat([v.reshape(len(v), -1) for v in parts.values()], 1), dim=1)


def dot(one: Params, other: Params) -> Tensor:
    """The inner product of all parts together, (B,)."""
    return torch.stack([(one[k] * other[k]).flatten(1).sum(1) for k in other]).sum(0)


def pieces(problem: Problem, params: Params) -> tuple[Tensor, Tensor]:
    """M and C in T = phi(M T + C)."""
    if problem.setting == "deq":
        return params["W"], params["U"] @ problem.X.to(params["U"].dtype)
    root = params["A"].shape[-1] ** 0.5
    C = torch.relu(params["W"] @ problem.X.to(params["W"].dtype)) / root
    return params["A"] * params["gamma"].reshape(-1, 1, 1) / root, C


def solved(problem: Problem, params: Params) -> tuple[Tensor, Tensor, Tensor]:
    """M, C and T after the unrolled iterations."""
    M, C = pieces(problem, params)
    T, phi = torch.zeros_like(C), TORCH_PHI[str(problem.activation)]
    for _ in range(UNROLLED):
        T = phi(M @ T + C)
    return M, C, T


def unrolled(problem: Problem, params: Params) -> Tensor:
    """The predictions (B, n) by iteration, differentiable by autograd."""
    _, C, T = solved(problem, params)
    if problem.setting == "deq":
        return (params["a"].unsqueeze(1) @ T).squeeze(1)
    return (params["u"].unsqueeze(1) @ T + params["v"].unsqueeze(1) @ C).squeeze(1)


def unrolled_loss(problem: Problem, params: Params) -> Tensor:
    """|yhat - y|^2 / 2, (B,)."""
    errors = unrolled(problem, params) - problem.y
    return (errors * errors).sum(1) / 2


def leaves(problem: Problem, params: Params) -> Params:
    """All parameters, the trained ones as leaves of autograd."""
    return {k: v.detach().clone().requires_grad_(k in problem.trains) for k, v in params.items()}


def in_both(f: Callable[[Params], Tensor], params: Params) -> tuple[Tensor, Tensor]:
    """f (B, ...) in float64, and the estimated error of each run, (B,), as float32 shows it."""
    fine = f(params).detach()
    coarse = f({name: value.float() for name, value in params.items()}).detach().double()
    size, off = (torch.linalg.vector_norm(x.flatten(1), dim=1) for x in (fine, coarse - fine))
    return fine, SAFETY * (FLOAT32 * off + 2.0**-50 * size) + 2.0**-1000


def clearance(case: Case) -> Tensor:
    """A lower bound, (B,), of the distance of every preactivation to the kink; infinite where there is none.

    By contraction T is within |phi(M T + C) - T|/(1 - L|M|) of the equilibrium, hence M T + C within |M|
    times that; norms of Frobenius bound the others, and a factor of 2 covers the rounding of a few terms.
    """
    if case.problem.activation not in KINKED:
        return torch.full_like(case.problem.y[:, 0], torch.inf)
    M, C, T = solved(case.problem, case.params)
    Z = M @ T + C
    off = frobenius(TORCH_PHI[str(case.problem.activation)](Z) - T) + 2.0**-48 * (frobenius(T) + frobenius(C))
    near = Z.abs().flatten(1).amin(1) - 2 * frobenius(M) * off / (1 - case.reach)
    if case.problem.setting == "implicit-skip":
        inner = case.params["W"] @ case.problem.X
        near = torch.minimum(near, inner.abs().flatten(1).amin(1) - 2.0**-48 * frobenius(inner))
    return near


def frobenius(a: Tensor) -> Tensor:
    """(B,) of (B, k, l)."""
    return torch.linalg.matrix_norm(a)


def widest(case: Case) -> Tensor:
    """A step (B,) such that the way there and back crosses no kink and stays in the region of contraction.

    With speeds dM and dC, no column of M T + C moves faster than 2(|dM||T| + |dC|)/(1 - L|M|) while
    L(|M| + h|dM|) <= (1 + L|M|)/2, by contraction.
    """
    M, _, T = solved(case.problem, case.params)
    direction = {name: case.direction.get(name, torch.zeros_like(v)) for name, v in case.params.items()}
    if case.problem.setting == "deq":
        dM, dC = frobenius(direction["W"]), frobenius(direction["U"] @ case.problem.X)
        inner = dC
    else:
        root = M.shape[-1] ** 0.5
        dM = frobenius(direction["A"]) * case.params["gamma"].abs() / root
        inner = frobenius(direction["W"] @ case.problem.X)
        dC = inner / root
    room, L = 1 - case.reach, lipschitz(str(case.problem.activation))
    speed = torch.maximum(2 * (dM * frobenius(T) + dC) / room, inner)
    h = torch.full_like(dM, _WIDEST).minimum(room / (2 * L * dM.clamp(min=1e-9)))
    return h.minimum(clearance(case) / (2 * speed.clamp(min=1e-9)))


def decided(case: Case) -> bool:
    """Is every preactivation on a certain side of the kink, also in float32?"""
    return bool((clearance(case) > _RESOLVED).all())


def differences(
    f: Callable[[Problem, Params], Tensor],
    case: Case,
    like: Callable[[Problem, Params], Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """The derivative (B, k) of f along the case's direction, and its estimated error (B,).

    f gives (B, k); its own errors are those of `like`, the same function for any type, or of f itself.
    Central differences at halved steps, extrapolated; the entry of the table with the least estimated error
    is taken: what it differs from its neighbours of lower order, plus what the errors of f make of a quotient
    (the weights of an extrapolation sum to less than 2 in absolute value).
    """
    steps = widest(case) * torch.tensor([[2.0**-k] for k in range(_LEVELS)], dtype=torch.float64)
    moved, at = case.moved(torch.cat([steps, -steps]))
    there, back = f(moved, at).reshape(2, _LEVELS, len(case.problem.y), -1)
    noise = in_both(lambda values: (like or f)(moved, values), at)[1].reshape(2 * _LEVELS, -1).amax(0)
    before = (there - back) / (2 * steps).unsqueeze(-1)
    best, error = before[0], torch.full_like(steps[0], torch.inf)
    for j in range(1, _LEVELS):
        now = (4.0**j * before[1:] - before[:-1]) / (4.0**j - 1)
        off = torch.maximum((now - before[1:]).norm(dim=-1), (now - before[:-1]).norm(dim=-1))
        for value, total in zip(now, off + 2 * noise / steps[j:], strict=True):
            best = torch.where((total < error).unsqueeze(-1), value, best)
            error = torch.minimum(total, error)
        before = now
    return best, 2 * error
