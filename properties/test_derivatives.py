"""First and second derivatives of the simulated models, over all activations and both settings.

Everything that computes one (the step-by-step estimates, the core of training, the layer, the explicit
products) against autograd through a long unroll and against difference quotients.
"""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.func import functional_call

from models.derivatives import hvp, ntk, predictions
from models.descent import descend
from models.layer import DEQ
from models.settings import MODELS, Params, Problem
from properties.evidence import Trial, trial
from properties.networks import (
    KINDS,
    Case,
    at_a_kink,
    cases,
    decided,
    differences,
    dot,
    in_both,
    joint_norm,
    leaves,
    solved,
    unrolled,
    unrolled_loss,
)

TOLERANCE = 1e-13
"""The solver's tolerance in the core, in the Frobenius norm."""

FEWER = settings(max_examples=max(1, settings.default.max_examples // 4))
"""Examples for each of the kinds."""

Gradients = Callable[[Problem, Params], Params]
Products = Callable[[Problem, Params, Params], Params]


def flat(parts: Params) -> Tensor:
    """All parts of a run in a row, (B, k), in the order of names."""
    return torch.cat([parts[name].flatten(1) for name in sorted(parts)], 1)


def gradient(problem: Problem, params: Params) -> Tensor:
    """That of the loss by autograd through the iteration, (B, k)."""
    return flat(by_autograd(lambda at: unrolled_loss(problem, at), problem, params))


def by_autograd(
    f: Callable[[Params], Tensor], problem: Problem, params: Params, *, graph: bool = False
) -> Params:
    """The gradient of the sum of f, each run's own, by the trained parameters."""
    at = params if graph else leaves(problem, params)
    found = torch.autograd.grad(
        f(at).sum(),
        [at[k] for k in problem.trains],
        create_graph=graph,
        materialize_grads=True,
        allow_unused=True,
    )
    return dict(zip(problem.trains, found, strict=True))


def estimated(problem: Problem, params: Params) -> Params:
    """The gradients that the step-by-step estimates have."""
    return MODELS[problem.setting].estimate(problem, params).gradients()


def descended(problem: Problem, params: Params) -> Params:
    """The gradients that one step of the core goes along."""
    one = torch.ones_like(problem.y[:, 0])
    after = descend(problem, params, one, 1, tolerance=TOLERANCE).params
    return {name: params[name] - torch.from_numpy(after[name]) for name in problem.trains}


def layered(problem: Problem, params: Params, *, graph: bool = False) -> Params:
    """The gradients that torch gets through the layer, or through `predictions` where there is no layer."""

    def loss(at: Params) -> Tensor:
        if problem.setting != "deq":
            yhat = predictions(problem, at)
        else:
            m, d = at["U"].shape[1:]
            layer = DEQ(m, d, str(problem.activation), kink=problem.kink)
            yhat = torch.stack(
                [
                    functional_call(layer, {k: v[b] for k, v in at.items()}, (X,))
                    for b, X in enumerate(problem.X)
                ]
            )
        return ((yhat - problem.y) ** 2).sum(1) / 2

    return by_autograd(loss, problem, params, graph=graph)


def doubly(problem: Problem, params: Params, vector: Params) -> Params:
    """Hessian-vector products by a double backward pass through the layer."""
    at = leaves(problem, params)
    gradients = layered(problem, at, graph=True)
    return by_autograd(lambda _: dot(gradients, vector), problem, at, graph=True)


GRADIENTS: dict[str, Gradients] = {"estimate": estimated, "core": descended, "layer": layered}
PRODUCTS: dict[str, Products] = {"explicit": hvp, "double backward": doubly}


def solver_error(case: Case) -> Tensor:
    """What the core's tolerance can do to a gradient and to the parameters it is read from, (B,).

    T is off by at most tolerance/(1 - L|M|), V by that and by what phi' makes of it, in the same way.
    """
    M, C, T = solved(case.problem, case.params)
    sizes = [
        1 + torch.linalg.vector_norm(x.flatten(1), dim=1) for x in (M, T, C, case.problem.X, case.problem.y)
    ]
    total = torch.stack(sizes).prod(0) * (1 + joint_norm(case.params)) ** 2
    return (TOLERANCE + 2.0**-50) * total / (1 - case.reach) ** 2


def agrees(evidence: Trial, name: str, expected: Tensor, found: Tensor, error: Tensor) -> None:
    """Is every run (B, k) within its error (B,)? The margin goes into the evidence."""
    off = torch.linalg.vector_norm((found.detach() - expected).flatten(1), dim=1)
    decades = torch.where(off == 0, 20.0, torch.log10(error / off).clamp(max=20))
    evidence.margin(float(decades.min()), name)
    assert bool((off <= error).all()), f"{name}: off by {off.tolist()}, allowed {error.tolist()}"


def gradients_agree(case: Case, subjects: dict[str, Gradients] = GRADIENTS) -> None:
    """Every gradient against autograd, and along the direction against difference quotients of the loss."""
    problem, params = case.problem, case.params
    with trial("derivatives: gradients") as evidence:
        if not decided(case):
            return evidence.undecided()
        expected, rounding = in_both(lambda at: gradient(problem, at), params)
        slope, error = differences(lambda p, at: unrolled_loss(p, at).unsqueeze(-1), case)
        for name, gradients in subjects.items():
            found = gradients(problem, params)
            allowed = rounding + (solver_error(case) if name == "core" else 0)
            agrees(evidence, f"{name}, unroll", expected, flat(found), allowed)
            moved = dot(found, case.direction).unsqueeze(-1)
            agrees(evidence, f"{name}, differences", slope, moved, error + allowed)
    return None


def products_agree(case: Case, subjects: dict[str, Products] = PRODUCTS) -> None:
    """Hessian-vector products against autograd twice, and against difference quotients of gradients."""
    problem, params = case.problem, case.params
    vector = case.direction

    def product(values: Params) -> Tensor:
        at = leaves(problem, values)
        inner = by_autograd(lambda p: unrolled_loss(problem, p), problem, at, graph=True)
        v = {name: part.to(values[name].dtype) for name, part in vector.items()}
        return flat(by_autograd(lambda _: dot(inner, v), problem, at, graph=True))

    with trial("derivatives: Hessian products") as evidence:
        if not decided(case):
            return evidence.undecided()
        expected, rounding = in_both(product, params)
        slope, error = differences(lambda p, at: flat(estimated(p, at)), case, gradient)
        for name, products in subjects.items():
            found = flat(products(problem, params, vector))
            agrees(evidence, f"{name}, unroll", expected, found, rounding)
            agrees(evidence, f"{name}, differences", slope, found, error + rounding)
    return None


def kernels_agree(case: Case) -> None:
    """Both parts of the tangent kernel against J J', J by autograd, one row a sample."""
    problem, params = case.problem, case.params
    inner = {"deq": ("W", "U"), "implicit-skip": ("A", "W")}[problem.setting]

    def parts(values: Params) -> Tensor:
        at = leaves(problem, values)
        yhat = unrolled(problem, at)
        rows = [
            torch.autograd.grad(
                column.sum(), [at[k] for k in problem.trains], retain_graph=True, materialize_grads=True,
                allow_unused=True,
            )
            for column in yhat.unbind(1)
        ]  # fmt: skip
        kernels = torch.zeros(2, len(yhat), len(rows), len(rows), dtype=yhat.dtype)
        for k, name in enumerate(problem.trains):
            J = torch.stack([row[k].flatten(1) for row in rows], 1)
            kernels[int(name in inner)] += J @ J.mT
        return kernels.movedim(0, 1)

    with trial("derivatives: tangent kernel") as evidence:
        if not decided(case):
            return evidence.undecided()
        expected, rounding = in_both(parts, params)
        kernel = ntk(problem, params)
        agrees(evidence, "readout part", expected[:, 0], kernel.readout, rounding)
        agrees(evidence, "hidden part", expected[:, 1], kernel.hidden, rounding)
        agrees(evidence, "both parts", expected.sum(1), kernel.whole, rounding)
        whole = MODELS[problem.setting].estimate(problem, params).value("NTK")
        agrees(evidence, "estimate", expected.sum(1), whole, rounding)
    return None


def sides_agree(case: Case, subjects: dict[str, Gradients] = GRADIENTS) -> None:
    """At a kink, the selected slope against the derivatives from its side, where the loss is quadratic."""
    problem, params, way = case.problem, case.params, case.direction
    with trial("derivatives: one side of a kink") as evidence:
        h = torch.tensor([[0.0], [0.5], [1.0]], dtype=torch.float64)
        moved, at = case.moved(h)
        losses, errors = in_both(lambda values: unrolled_loss(moved, values).unsqueeze(-1), at)
        start, middle, end = losses.unsqueeze(-1).unbind()
        rounding = 16 * errors.max().unsqueeze(0) + 2 * solver_error(case)
        slope, bend = 4 * middle - 3 * start - end, 4 * (end - 2 * middle + start)
        for name, gradients in subjects.items():
            agrees(evidence, name, slope, dot(gradients(problem, params), way).unsqueeze(-1), rounding)
        for name, products in PRODUCTS.items():
            agrees(evidence, name, bend, dot(products(problem, params, way), way).unsqueeze(-1), rounding)


@given(case=at_a_kink())
def test_at_a_kink_the_selected_slope_gives_the_derivative_from_its_side(case: Case) -> None:
    """
    With phi' of one side, first and second derivatives are those along directions to that side.
    """
    sides_agree(case)


@pytest.mark.undecided(at_most=0.2)
@pytest.mark.parametrize("kind", KINDS)
@FEWER
@given(data=st.data())
def test_gradients_are_those_of_a_long_unroll_and_of_difference_quotients(
    kind: str, data: st.DataObject
) -> None:
    """
    Estimates, the core of training and the layer have the gradient of the loss, whatever is trained.
    """
    gradients_agree(data.draw(cases(kind)))


@pytest.mark.undecided(at_most=0.2)
@pytest.mark.parametrize("kind", KINDS)
@FEWER
@given(data=st.data())
def test_hessian_products_are_those_of_a_long_unroll_and_of_difference_quotients(
    kind: str, data: st.DataObject
) -> None:
    """
    The explicit product and a double backward pass have the Hessian of the loss.
    """
    products_agree(data.draw(cases(kind)))


@pytest.mark.undecided(at_most=0.2)
@pytest.mark.parametrize("kind", KINDS)
@FEWER
@given(data=st.data())
def test_tangent_kernels_are_products_of_jacobians(kind: str, data: st.DataObject) -> None:
    """
    The readout's part and that of the hidden weights are J J' for the rows that autograd finds.
    """
    kernels_agree(data.draw(cases(kind)))
