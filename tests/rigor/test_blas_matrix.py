"""Near floats against exact members of them: every operation must contain what any member gives."""

import numpy as np
import pytest
from flint import arb, arb_mat, ctx, fmpq

from checker.blas.arrays import FLOAT_ARRAYS
from checker.blas.directed import gamma, norm_down, norm_up
from checker.blas.matrix import FloatMatrix, above, nearest
from checker.enclosure import frobenius, matrix
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.arithmetic import exponential
from checker.expression.arrays import BALL_ARRAYS

SCALES = (1.0, 1e-9, 1e120, 1e-150)
SLACKS = (0.0, 1e-12, 0.1)


def near_and_member(
    rng: np.random.Generator, shape: tuple[int, int], scale: float, slack: float
) -> tuple[FloatMatrix, arb_mat]:
    """A matrix of near floats, and one exact matrix that lies within its slack."""
    mid = scale * rng.standard_normal(shape)
    away = rng.standard_normal(shape)
    radius = slack * scale
    away *= 0.999 * radius / np.linalg.norm(away)
    return FloatMatrix(mid, radius), matrix(mid) + matrix(away)


def contains(near: FloatMatrix, exact: arb_mat) -> bool:
    """Is the exact matrix certainly within the slack?"""
    return bool(frobenius(exact - matrix(near.mid)) <= arb(near.slack))


@pytest.fixture(params=range(12))
def case(request: pytest.FixtureRequest):
    rng = np.random.default_rng(request.param)
    scale, slack = SCALES[request.param % 4], SLACKS[request.param // 4]
    with ctx.workprec(2600):
        yield rng, scale, slack


def test_sums_products_and_multiples_contain_those_of_members(case) -> None:
    rng, scale, slack = case
    A, a = near_and_member(rng, (5, 7), scale, slack)
    B, b = near_and_member(rng, (5, 7), scale, slack)
    C, c = near_and_member(rng, (7, 4), 1 / scale, slack)
    assert contains(A + B, a + b)
    assert contains(A - B, a - b)
    assert contains(A * C, a * c)
    assert contains(-A, -a)
    assert contains(A.transpose(), a.transpose())
    third = arb(1) / 3
    assert contains(A * third, a * third)
    assert contains(A / 3, a / 3)
    assert contains(A * fmpq(2, 7), a * (arb(2) / 7))
    assert A.frobenius_squared().contains(frobenius(a) * frobenius(a))


def test_a_gram_matrix_contains_that_of_members_and_remembers_its_factor(case) -> None:
    rng, scale, slack = case
    size = scale if 1e-100 < scale < 1e100 else 1.0
    T, t = near_and_member(rng, (9, 4), size, slack)
    G = T.transpose() * T
    assert G.symmetric and G.factor is T and bool((G.mid == G.mid.T).all())
    assert contains(G, t.transpose() * t)
    H = T * T.transpose()
    assert H.symmetric and contains(H, t * t.transpose())


def test_functions_of_one_array_contain_those_of_members(case) -> None:
    rng, scale, slack = case
    A, a = near_and_member(rng, (6, 6), scale, slack)
    v, w = near_and_member(rng, (6, 1), scale, slack)
    for name in ("sum", "min", "max", "norm_inf", "norm_1", "norm_fro", "trace"):
        found, exact = FLOAT_ARRAYS.of_one[name](A, 2), BALL_ARRAYS.of_one[name](a, 2)
        assert found.contains(exact), name
        if name != "trace":
            assert FLOAT_ARRAYS.of_one[name](v, 1).contains(BALL_ARRAYS.of_one[name](w, 1)), name
    for name, near, member, axes in (
        ("diag", A, a, 2),
        ("diag", v, w, 1),
        ("symmetric_part", A, a, 2),
        ("transpose", A, a, 2),
    ):
        assert contains(FLOAT_ARRAYS.of_one[name](near, axes), BALL_ARRAYS.of_one[name](member, axes)), name


def test_hadamard_entrywise_inverse_and_product_contain_those_of_members(case) -> None:
    rng, scale, slack = case
    A, a = near_and_member(rng, (5, 5), scale, slack)
    B, b = near_and_member(rng, (5, 5), 1 / scale, slack)
    assert contains(FLOAT_ARRAYS.hadamard(A, B), BALL_ARRAYS.hadamard(a, b))
    v, w = near_and_member(rng, (5, 1), scale, slack)
    product = FLOAT_ARRAYS.product(v, v, 1, 1)
    if scale > 1e-100:
        assert product.contains(BALL_ARRAYS.product(w, w, 1, 1))
    assert contains(FLOAT_ARRAYS.product(v, B, 1, 2), BALL_ARRAYS.product(w, b, 1, 2))
    if scale == 1.0:
        assert contains(FLOAT_ARRAYS.entrywise(A, exponential), BALL_ARRAYS.entrywise(a, exponential))
    D, e = near_and_member(rng, (5, 5), scale, min(slack, 1e-3))
    D = FloatMatrix(D.mid + 10 * scale * np.eye(5), D.slack)
    e = e + (matrix(D.mid) - matrix(D.mid - 10 * scale * np.eye(5)))
    if contains(D, e):
        assert contains(FLOAT_ARRAYS.of_one["inv"](D, 2), e.inv())


def test_what_is_beyond_float64_is_refused() -> None:
    big = FloatMatrix(np.full((2, 2), 1e300))
    for wrong in (lambda: big * big, lambda: big * arb(1e10), lambda: big / 0, lambda: big * arb("nan")):
        with pytest.raises(NotEnclosed):
            wrong()
    for entry in (np.inf, np.nan):
        with pytest.raises(NotEnclosed):
            FloatMatrix(np.array([[entry]]))
    for slack in (np.inf, np.nan, -1.0):
        with pytest.raises(NotEnclosed):
            FloatMatrix(np.eye(2), slack)


def test_a_matrix_that_is_not_symmetric_has_no_eigenvalues() -> None:
    A = np.array([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(CertainlyUndefined):
        FLOAT_ARRAYS.symmetrised(FloatMatrix(A), known=False)
    with pytest.raises(NotEnclosed):
        FLOAT_ARRAYS.symmetrised(FloatMatrix(A, 1e-9), known=False)
    same = FLOAT_ARRAYS.symmetrised(FloatMatrix(A + A.T, 1e-9), known=True)
    assert same.symmetric and same.slack == 1e-9


def test_an_inverse_that_is_not_certain_is_refused() -> None:
    for A in (np.ones((2, 2)), np.eye(2) * 1e-3):
        with pytest.raises(NotEnclosed):
            FLOAT_ARRAYS.of_one["inv"](FloatMatrix(A, 2e-3), 2)


def test_identity_and_ones() -> None:
    assert FLOAT_ARRAYS.filled("eye", fmpq(3)).mid.tolist() == np.eye(3).tolist()
    assert FLOAT_ARRAYS.filled("ones", fmpq(2)).mid.tolist() == [[1.0], [1.0]]
    with pytest.raises(CertainlyUndefined):
        FLOAT_ARRAYS.filled("ones", fmpq(0))
    with pytest.raises(NotEnclosed):
        FLOAT_ARRAYS.filled("eye", fmpq(2**20))


def test_norms_are_bounded_on_both_sides() -> None:
    rng = np.random.default_rng(3)
    with ctx.workprec(400):
        for scale in (1.0, 1e-160, 1e150, 5e-324):
            for shape in ((1, 1), (3, 4), (40, 50)):
                A = scale * rng.standard_normal(shape)
                exact = frobenius(matrix(A))
                assert arb(float(norm_down(A))) <= exact <= arb(float(norm_up(A)))
    assert float(norm_up(np.full((2, 2), 1e200))) == np.inf
    assert float(norm_down(np.full((2, 2), 1e200))) == 0.0
    stack = rng.standard_normal((3, 4, 5))
    assert norm_up(stack).shape == (3,) and norm_up(stack, axes=1).shape == (3, 4)


def test_constants_and_conversions_round_upwards() -> None:
    with ctx.workprec(200):
        for k in (1, 10, 1000, 10**7):
            unit = arb(2) ** -53
            assert arb(gamma(k)) >= k * unit / (1 - k * unit)
        for ball in (arb(1) / 3, arb("1e-400"), arb(3, 1e-9), arb(0)):
            assert arb(above(ball)) >= ball.upper()
        balls = arb_mat(1, 2, [arb(1) / 3, arb(2, 1e-20)])
        near = nearest(balls)
        for end in (arb.lower, arb.upper):
            member = arb_mat(1, 2, [end(ball) for ball in balls.entries()])
            assert contains(near, member)
    assert above(arb("1e400")) == np.inf
