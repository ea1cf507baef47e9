"""Bounds of spectral norms of a batch, against exact arithmetic."""

import numpy as np
import pytest
import torch
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from models.core.norms import distance, follow, start, upper_norm2


def _exceeds(A: np.ndarray, t: float) -> bool:
    """Is |A|_2 > t, in rational numbers? Then t^2 I - A'A has a negative pivot."""

    def exact(x: float) -> fmpq:
        p, q = float(x).as_integer_ratio()
        return fmpq(p, q)

    M = fmpq_mat(*A.shape, [exact(x) for x in A.ravel()])
    n = A.shape[1]
    gram = M.transpose() * M
    square = exact(t) * exact(t)
    rows = [[square * int(i == j) - gram[i, j] for j in range(n)] for i in range(n)]
    for k in range(n):
        if rows[k][k] < 0 or (rows[k][k] == 0 and any(rows[k][j] != 0 for j in range(k, n))):
            return True
        for i in range(k + 1, n):
            if rows[k][k] != 0:
                share = rows[i][k] / rows[k][k]
                rows[i] = [x - share * y for x, y in zip(rows[i], rows[k], strict=True)]
    return False


ENTRIES = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 2.0**-500, 2.0**200, 1e-160, 3.0]), st.floats(-2, 2), st.integers(-3, 3)
)


@given(rows=st.integers(1, 4), columns=st.integers(1, 4), data=st.data())
def test_the_bound_is_never_below_the_norm(rows, columns, data):
    """
    Whatever the entries, and however bad the guess, the proved number is at least the norm.
    """
    entries = data.draw(st.lists(ENTRIES, min_size=rows * columns, max_size=rows * columns))
    A = np.asarray(entries, dtype=np.float64).reshape(rows, columns)
    guess = data.draw(st.one_of(st.none(), st.floats(0, 5), st.just(float("nan"))))
    W = torch.from_numpy(A)[None]
    about = torch.linalg.svdvals(W)[:, 0] if guess is None else torch.tensor([guess], dtype=torch.float64)

    assert not _exceeds(A, float(upper_norm2(W, about)[0]))


@pytest.mark.parametrize("m", [1, 3, 20, 150])
def test_the_bound_is_sharp_where_the_guess_is(m):
    """
    At widths in use the bound is within a millionth of the norm.
    """
    W = torch.randn(4, m, m, dtype=torch.float64, generator=torch.Generator().manual_seed(m))
    true = torch.linalg.svdvals(W)[:, 0]
    assert (upper_norm2(W, true) <= true * (1 + 2e-6)).all()


@pytest.mark.parametrize("shape", [(40, 40), (7, 3), (150, 150), (150, 20), (30, 200)])
def test_tracked_norms_stay_below_and_close(shape):
    """
    From the start on, and along a path of small steps, one sweep a step follows the norm from below.
    """
    generator = torch.Generator().manual_seed(1)
    W = torch.randn(3, *shape, dtype=torch.float64, generator=generator)
    lower, tracked = start(W)
    true = torch.linalg.svdvals(W)[:, 0]
    assert (lower <= true * (1 + 1e-13)).all()
    assert (lower >= true * (1 - 1e-4)).all()
    for _ in range(30):
        W = W + 0.01 * torch.randn(3, *shape, dtype=torch.float64, generator=generator)
        lower, tracked = follow(W, tracked)
        true = torch.linalg.svdvals(W)[:, 0]
        assert (lower <= true * (1 + 1e-13)).all()
        assert (lower >= true * (1 - 1e-2)).all()


@pytest.mark.parametrize("size", [0.0, 1e-200, 1.0, 1e200])
def test_norms_of_matrices_of_any_size_and_rank_are_followed(size):
    """
    Neither a zero, nor a rank of one, nor squares beyond float64 stop it.
    """
    W = size * torch.ones(2, 100, 100, dtype=torch.float64)
    lower, tracked = start(W)
    assert torch.allclose(lower, torch.full_like(lower, 100 * size), rtol=1e-12, atol=1e-140)
    lower, _ = follow(W, tracked)
    assert torch.allclose(lower, torch.full_like(lower, 100 * size), rtol=1e-12, atol=1e-140)


def test_a_distance_is_the_norm_of_the_difference_and_the_same_alone():
    """
    In one pass over both arrays, with the bits of each run alone.
    """
    a, b = torch.randn(2, 5, 17, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    found = distance(a, b)
    np.testing.assert_allclose(found, torch.linalg.matrix_norm(a - b), rtol=1e-14)
    for k in range(5):
        assert torch.equal(distance(a[k : k + 1], b[k : k + 1])[0], found[k])
