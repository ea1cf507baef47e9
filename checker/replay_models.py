"""The second code path, models: equilibria, gradients and names of deq and least-squares in mpmath.

Gradients follow formula (G) of the theory of gradient descent on equilibrium models:
with D = diag(phi'(z)) at a sample, v = D (I - W'D)^{-1} a, grad_W = sum_i r_i v_i t_i',
grad_U = sum_i r_i v_i x_i', grad_a = sum_i r_i t_i.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from mpmath import mp

from checker.replay_activations import lipschitz, lipschitz_derivative, phi, slope
from checker.replay_values import (
    Matrix,
    NotReplayed,
    Real,
    Undefined,
    Value,
    Vector,
    dot,
    euclidean,
    singular_values,
    solved,
    times,
    tiny,
    transposed,
)

_NEWTON: Final = 80
_PICARD: Final = 20_000


@dataclass(frozen=True)
class Point:
    """Data and parameters at one step. `iterate` is set along a Picard iteration: T is then the iterate."""

    setting: str
    X: Matrix
    y: Vector
    params: Mapping[str, Value]
    trains: tuple[str, ...]
    activation: str = ""
    kink: Real = 0
    near: Matrix | None = None
    iterate: Matrix | None = None
    memo: dict[str, Value] = field(default_factory=dict[str, Value], compare=False)

    def value(self, name: str) -> Value:
        """The value of a name of the setting. Raises NotReplayed for one that is not offered."""
        if name in self.params:
            return self.params[name]
        if name not in self.memo:
            rule = _NAMES.get(name) or (_DEQ_NAMES.get(name) if self.setting == "deq" else None)
            if rule is None and name.startswith("grad_"):
                return gradients(self)[name.removeprefix("grad_")]
            if rule is None:
                raise NotReplayed(f"not available for {name}")
            self.memo[name] = rule(self)
        return self.memo[name]

    def moved(self, params: Mapping[str, Value]) -> "Point":
        """The same data at other parameters; its equilibrium is looked for near this one."""
        near = self.value("T") if self.setting == "deq" else None
        return replace(self, params=params, near=near, memo={})


def step(point: Point, W: Matrix, t: Vector, source: Vector) -> Vector:
    """phi(W t + source)."""
    return [phi(point.activation, z + u) for z, u in zip(times(W, t), source, strict=True)]


def equilibrium(point: Point, x: Vector, near: Vector | None = None) -> Vector:
    """A fixed point of t = phi(W t + U x): Newton's method, else the iteration itself.

    Raises NotReplayed where neither converges.
    """
    W, source = point.params["W"], times(point.params["U"], x)
    start = near if near is not None else step(point, W, [mp.mpf(0)] * len(W), source)
    exact = mp.mpf(10) ** (-(mp.dps - 12))
    found = newton(point, W, source, start, exact)
    t = start
    for _ in range(0 if found is not None else _PICARD):
        following = step(point, W, t, source)
        if max(abs(a - b) for a, b in zip(t, following, strict=True)) <= exact:
            found = following
            break
        t = following
    if found is None:
        raise NotReplayed("the equilibrium was not found")
    return found


def newton(point: Point, W: Matrix, source: Vector, start: Vector, exact: Real) -> Vector | None:
    """Newton's method for t - phi(W t + source) = 0; None where it does not settle."""
    t, size = start, len(W)
    for _ in range(_NEWTON):
        z = [a + u for a, u in zip(times(W, t), source, strict=True)]
        gap = [a - phi(point.activation, b) for a, b in zip(t, z, strict=True)]
        if max(abs(g) for g in gap) <= exact * (1 + max(abs(a) for a in t)):
            return t
        D = [slope(point.activation, b, mp.mpf(0)) for b in z]
        J = [[mp.mpf(int(i == j)) - D[i] * W[i][j] for j in range(size)] for i in range(size)]
        try:
            change = solved(J, gap)
        except Undefined:
            return None
        t = [a - c for a, c in zip(t, change, strict=True)]
    return None


def _features(point: Point) -> Matrix:
    if point.setting == "least-squares":
        return point.X
    if point.iterate is not None:
        return point.iterate
    near = None if point.near is None else transposed(point.near)
    columns = transposed(point.X)
    return transposed([equilibrium(point, x, near[i] if near else None) for i, x in enumerate(columns)])


def _preactivation(point: Point) -> Matrix:
    inner, source = times(point.params["W"], point.value("T")), times(point.params["U"], point.X)
    return [[a + b for a, b in zip(r, s, strict=True)] for r, s in zip(inner, source, strict=True)]


def _errors(point: Point) -> Vector:
    return [a - b for a, b in zip(point.value("yhat"), point.y, strict=True)]


def _adjoints(point: Point) -> Matrix:
    """Row i is v_i, the derivative of yhat_i by the preactivation of sample i."""
    W, a, rows = point.params["W"], point.params["a"], list[Vector]()
    size = len(W)
    for z in transposed(point.value("preactivation")):
        D = [slope(point.activation, x, point.kink) for x in z]
        A = [[mp.mpf(int(i == j)) - W[j][i] * D[j] for j in range(size)] for i in range(size)]
        rows.append([d * q for d, q in zip(D, solved(A, a), strict=True)])
    return rows


def _outer(weights: Vector, left: Matrix, right: Matrix) -> Matrix:
    """The sum over samples i of weights[i] left[i] right[i]'."""
    scaled = [[w * x for x in row] for w, row in zip(weights, left, strict=True)]
    return times(transposed(scaled), right)


def gradients(point: Point) -> dict[str, Value]:
    """The gradient of the loss by every trained parameter."""
    r, samples = _errors(point), transposed(point.X)
    if point.setting == "least-squares":
        return {"w": times(point.X, r)} if "w" in point.trains else {}
    out: dict[str, Value] = {}
    for name in point.trains:
        if name == "a":
            out[name] = times(point.value("T"), r)
        else:
            right = transposed(point.value("T")) if name == "W" else samples
            out[name] = _outer(r, point.value("adjoints"), right)
    return out


def _kernel(point: Point) -> Matrix:
    features = transposed(point.value("features"))
    n = len(features)
    if point.setting == "least-squares":
        return _table(n, lambda i, j: dot(features[i], features[j]) if point.trains else mp.mpf(0))
    hidden = bool({"W", "U"} & set(point.trains))
    V, samples = (point.value("adjoints") if hidden else []), transposed(point.X)

    def entry(i: int, j: int) -> Real:
        inner, total = dot(features[i], features[j]), mp.mpf(0)
        if "a" in point.trains:
            total += inner
        if "W" in point.trains:
            total += dot(V[i], V[j]) * inner
        if "U" in point.trains:
            total += dot(V[i], V[j]) * dot(samples[i], samples[j])
        return total

    return _table(n, entry)


def _table(n: int, entry: Callable[[int, int], Real]) -> Matrix:
    return [[entry(i, j) for j in range(n)] for i in range(n)]


def _floor(point: Point) -> Real:
    """The infimum of the loss: of a trained linear readout, or the loss itself where nothing is trained."""
    if not point.trains:
        return point.value("loss")
    features = point.value("features")
    if point.setting == "least-squares" or point.trains == ("a",):
        return _projected(features, point.y)
    n = len(point.y)
    if "a" in point.trains and len(features) >= n and min(singular_values(features)) > tiny():
        return mp.mpf(0)
    raise NotReplayed("not available for loss_star")


def _projected(features: Matrix, y: Vector) -> Real:
    """Half the squared distance of y from the span of the rows."""
    basis: list[Vector] = []
    left = list(y)
    for row in features:
        v, length = list(row), euclidean(row)
        for _ in range(2):
            for q in basis:
                c = dot(q, v)
                v = [a - c * b for a, b in zip(v, q, strict=True)]
        if euclidean(v) > tiny() * length:
            basis.append([a / euclidean(v) for a in v])
    for q in basis:
        c = dot(q, left)
        left = [a - c * b for a, b in zip(left, q, strict=True)]
    return mp.mpf(0) if len(basis) == len(y) else dot(left, left) / 2


def _gap(point: Point) -> Real:
    W, U = point.params["W"], point.params["U"]
    T = point.iterate or [[mp.mpf(0)] * len(point.y) for _ in W]
    following = picard_step(point, T, W, U)
    return euclidean([[a - b for a, b in zip(r, s, strict=True)] for r, s in zip(following, T, strict=True)])


def picard_step(point: Point, T: Matrix, W: Matrix, U: Matrix) -> Matrix:
    """phi(W T + U X)."""
    pairs = zip(transposed(T), transposed(point.X), strict=True)
    return transposed([step(point, W, t, times(U, x)) for t, x in pairs])


def _prediction(point: Point) -> Vector:
    readout = point.params["w"] if point.setting == "least-squares" else point.params["a"]
    return times(readout, point.value("features"))


_NAMES: Final[Mapping[str, Callable[[Point], Value]]] = {
    "X": lambda p: p.X,
    "y": lambda p: p.y,
    "n": lambda p: mp.mpf(len(p.y)),
    "d": lambda p: mp.mpf(len(p.X)),
    "m": lambda p: mp.mpf(len(p.params["W"]) if p.setting == "deq" else len(p.X)),
    "features": _features,
    "yhat": _prediction,
    "residual": lambda p: euclidean(_errors(p)),
    "loss": lambda p: dot(_errors(p), _errors(p)) / 2,
    "loss_star": _floor,
    "G": lambda p: times(transposed(p.value("features")), p.value("features")),
    "NTK": _kernel,
    "grad_norm": lambda p: mp.sqrt(mp.fsum(euclidean(g) ** 2 for g in gradients(p).values())),
}
_DEQ_NAMES: Final[Mapping[str, Callable[[Point], Value]]] = {
    "T": lambda p: p.value("features"),
    "preactivation": _preactivation,
    "adjoints": _adjoints,
    "L_phi": lambda p: lipschitz(p.activation),
    "L_dphi": lambda p: lipschitz_derivative(p.activation),
    "phi_0": lambda p: abs(phi(p.activation, mp.mpf(0))),
    "gap": _gap,
}
