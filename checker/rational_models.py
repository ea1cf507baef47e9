"""The exact path, models: least squares, and equilibrium models of piecewise linear activations.

Gradients follow formula (G) of the theory of gradient descent on equilibrium models, by exact solves.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, cast

from flint import fmpq, fmpq_mat

from checker.rational_equilibrium import exactly_one, phi, slopes_of, solved, the_only_one
from checker.rational_polynomials import NotRational
from checker.rational_roots import Real, minus, plus, root, sign, times
from checker.rational_values import (
    Matrix,
    Value,
    Vector,
    joined,
    over_q,
    product,
    squares,
    total,
    transposed,
)


@dataclass(frozen=True)
class Point:
    """Data and parameters at one step. `iterate` is set along a Picard iteration: T is then the iterate."""

    setting: str
    X: Matrix
    y: Vector
    params: Mapping[str, Value]
    trains: tuple[str, ...]
    activation: str = ""
    kink: fmpq = field(default_factory=fmpq)
    iterate: Matrix | None = None
    memo: dict[str, Value] = field(default_factory=dict[str, Value], compare=False)

    def value(self, name: str) -> Value:
        """The value of a name of the setting. Raises NotRational for one that has none here."""
        if name in self.params:
            return self.params[name]
        if name not in self.memo:
            rule = _NAMES.get(name) or (_DEQ_NAMES.get(name) if self.setting == "deq" else None)
            if rule is None and name.startswith("grad_"):
                return _gradient(self, name.removeprefix("grad_"))
            if rule is None:
                raise NotRational(f"{name} is not rational")
            self.memo[name] = rule(self)
        return self.memo[name]

    def moved(self, params: Mapping[str, Value]) -> "Point":
        """The same data at other parameters."""
        return replace(self, params=params, memo={})


def slope(point: Point, z: Real) -> fmpq:
    """Its derivative; the kink's value where there is none and z is zero."""
    left, right = slopes_of(point.activation)
    side = sign(z)
    if side == 0 and left != right:
        return point.kink
    return left if side < 0 else right


def _at(point: Point, x: Vector) -> tuple[str, fmpq_mat, Vector]:
    """The activation, W and U x."""
    return point.activation, over_q(point.params["W"]), product(point.params["U"], x)


def well_posed(point: Point, x: Vector) -> bool:
    """Is there exactly one equilibrium at the input x? Raises NotRational where that is not clear."""
    return exactly_one(*_at(point, x))


def equilibrium(point: Point, x: Vector) -> Vector:
    """The equilibrium at the input x. Raises NotRational unless it is the only one."""
    return the_only_one(*_at(point, x))


def picard_step(point: Point, T: Matrix) -> Matrix:
    """phi(W T + U X)."""
    W, U = point.params["W"], point.params["U"]
    Z = joined(plus, product(W, T), product(U, point.X))
    return [[phi(point.activation, z) for z in row] for row in cast(Matrix, Z)]


def _features(point: Point) -> Matrix:
    if point.setting == "least-squares":
        return point.X
    if point.iterate is not None:
        return point.iterate
    return transposed([equilibrium(point, x) for x in transposed(point.X)])


def _preactivation(point: Point) -> Matrix:
    return joined(plus, product(point.params["W"], point.value("T")), product(point.params["U"], point.X))


def _errors(point: Point) -> Vector:
    return joined(minus, point.value("yhat"), point.y)


def _adjoints(point: Point) -> Matrix:
    """Row i is v_i = D_i(a + W'v_i), the derivative of yhat_i by the preactivation of sample i."""
    W, a = over_q(point.params["W"]).transpose(), cast(Vector, point.params["a"])
    rows: Matrix = []
    for z in transposed(point.value("preactivation")):
        v = solved(W, [slope(point, x) for x in z], a)
        if v is None:
            raise NotRational("the adjoint equation is singular")
        rows.append(v)
    return rows


def _outer(weights: Vector, left: Matrix, right: Matrix) -> Matrix:
    """The sum over samples i of weights[i] left[i] right[i]'."""
    scaled = [[times(w, x) for x in row] for w, row in zip(weights, left, strict=True)]
    return product(transposed(scaled), right)


def gradients(point: Point) -> dict[str, Value]:
    """The gradient of the loss by every trained parameter."""
    r = _errors(point)
    if point.setting == "least-squares":
        return {"w": product(point.X, r)} if "w" in point.trains else {}
    rules: dict[str, Callable[[], Value]] = {
        "a": lambda: product(point.value("T"), r),
        "W": lambda: _outer(r, point.value("adjoints"), transposed(point.value("T"))),
        "U": lambda: _outer(r, point.value("adjoints"), transposed(point.X)),
    }
    return {name: rules[name]() for name in point.trains}


def _gradient(point: Point, name: str) -> Value:
    found = gradients(point)
    if name not in found:
        raise NotRational(f"{name} is not trained")
    return found[name]


def _gram(point: Point) -> Matrix:
    return product(transposed(point.value("features")), point.value("features"))


def _kernel(point: Point) -> Matrix:
    """NTK: over a, G; over W, (V V') o G; over U, (V V') o (X'X), with the adjoints v_i as rows of V."""
    G, n = _gram(point), len(point.y)
    nothing: Matrix = [[fmpq(0)] * n for _ in range(n)]
    if point.setting == "least-squares":
        return G if point.trains else nothing
    out = G if "a" in point.trains else nothing
    hidden = [name for name in point.trains if name != "a"]
    if hidden:
        V = point.value("adjoints")
        pairs = product(V, transposed(V))
        for name in hidden:
            other = G if name == "W" else product(transposed(point.X), point.X)
            out = joined(plus, out, joined(times, pairs, other))
    return out


def _floor(point: Point) -> Real:
    """The infimum of the loss: of a trained linear readout, or the loss itself where nothing is trained."""
    if not point.trains:
        return point.value("loss")
    features = over_q(point.value("features"))
    if point.setting == "least-squares" or point.trains == ("a",):
        return _projected(features, point.y)
    if "a" in point.trains and features.rank() == len(point.y):
        return fmpq(0)
    raise NotRational("loss_star is not known")


def _projected(features: fmpq_mat, y: Vector) -> Real:
    """Half the squared distance of y from the span of the rows, from an independent set of rows."""
    reduced, rank = features.rref()
    if rank == 0:
        return times(squares(y), fmpq(1, 2))
    R = fmpq_mat(rank, reduced.ncols(), reduced.entries()[: rank * reduced.ncols()])
    b = R * over_q([[x] for x in y])
    fitted = (b.transpose() * (R * R.transpose()).solve(b))[0, 0]
    return times(minus(squares(y), fitted), fmpq(1, 2))


def _gap(point: Point) -> Real:
    T = point.iterate or [[fmpq(0)] * len(point.y) for _ in point.params["W"]]
    return root(squares(joined(minus, picard_step(point, T), T)), 2)


def _prediction(point: Point) -> Vector:
    readout = point.params["w"] if point.setting == "least-squares" else point.params["a"]
    return product(readout, point.value("features"))


def _gradient_norm(point: Point) -> Real:
    return root(total([squares(g) for g in gradients(point).values()]), 2)


def _lipschitz_derivative(point: Point) -> Real:
    if point.activation != "identity":
        raise NotRational("the derivative of the activation is not Lipschitz")
    return fmpq(0)


def _lipschitz(point: Point) -> Real:
    slopes_of(point.activation)
    return fmpq(1)


_NAMES: Final[Mapping[str, Callable[[Point], Value]]] = {
    "X": lambda p: p.X,
    "y": lambda p: p.y,
    "n": lambda p: fmpq(len(p.y)),
    "d": lambda p: fmpq(len(p.X)),
    "m": lambda p: fmpq(len(p.params["W"]) if p.setting == "deq" else len(p.X)),
    "features": _features,
    "yhat": _prediction,
    "residual": lambda p: root(squares(_errors(p)), 2),
    "loss": lambda p: times(squares(_errors(p)), fmpq(1, 2)),
    "loss_star": _floor,
    "G": _gram,
    "NTK": _kernel,
    "grad_norm": _gradient_norm,
}
_DEQ_NAMES: Final[Mapping[str, Callable[[Point], Value]]] = {
    "T": lambda p: p.value("features"),
    "preactivation": _preactivation,
    "adjoints": _adjoints,
    "L_phi": _lipschitz,
    "L_dphi": _lipschitz_derivative,
    "phi_0": lambda p: times(fmpq(0), _lipschitz(p)),
    "gap": _gap,
}
