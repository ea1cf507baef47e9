"""What is recorded at every step: bounds of norms that are carried from step to step."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.core import recording
from models.core.descent import Chunk, Options
from models.core.grid import Job, chunks
from models.core.recording import Recorder
from models.settings import Problem
from models.trajectory import Record


def _chunk(problem, params, eta: float, tolerance: float = 1e-9) -> Chunk:
    steps = torch.full((len(problem.y),), eta, dtype=torch.float64)
    return next(chunks([Job(problem, params, steps)], Options(tolerance, 500, False)))[0]


def _bounds(chunk: Chunk, steps: int, bound_every: int = 1000):
    """Before every step and after the last the parameters' matrices, and the bounds of their norms."""
    recorder = Recorder(chunk, Record(bound_every=bound_every), np.full(len(chunk.eta), chunk.y.shape[1]))
    for _ in range(steps):
        chunk.solve()
        assert chunk.alive.all()
        row = recorder.row(chunk)
        names = [name for name, value in chunk.params.items() if value.ndim > 2]
        yield {name: (chunk.params[name].clone(), row[f"norm2_{name}_upper"]) for name in names}
        chunk.move()
    yield {name: (chunk.params[name], recorder.anchors[name].upper.numpy()) for name in names}


def _exact(values) -> list[Fraction]:
    return [Fraction(float(x)) for x in np.asarray(values).ravel()]


def _moved_too_far(before, after) -> bool:
    """Does some matrix move by more than its bound grows? In rational numbers."""
    for name, (matrix, upper) in after.items():
        old, bound = before[name]
        for k in range(len(upper)):
            if not np.isfinite(upper[k]):
                continue
            steps = [x - y for x, y in zip(_exact(matrix[k]), _exact(old[k]), strict=True)]
            room = Fraction(float(upper[k])) - Fraction(float(bound[k]))
            if room < 0 or room**2 < sum(x * x for x in steps):
                return True
    return False


POWERS = st.integers(-60, 60)


@given(data=POWERS, labels=POWERS, readout=POWERS, step=st.integers(0, 60), seed=st.integers(0, 99))
def test_a_bound_grows_by_at_least_what_the_matrix_moves(data, labels, readout, step, seed):
    """
    Whatever the sizes of data, labels, readout and step, in exact arithmetic.
    """
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(2, *shape, dtype=torch.float64, generator=generator)

    params = {"W": 0.1 * normal(3, 3), "U": 10.0**-data * normal(3, 2), "a": 10.0**readout * normal(3)}
    problem = Problem(
        "deq", 10.0**data * normal(2, 2), 10.0**labels * normal(2), "tanh", 0.0, ("W", "U", "a")
    )
    eta = 0.01 * 10.0**-step / (10.0**readout * (10.0**readout + 10.0**labels))
    chunk = _chunk(problem, params, eta, 1e-9 * max(1.0, 10.0**readout))
    seen = list(_bounds(chunk, 1))

    assert not _moved_too_far(*seen)


def _skip(m: int, d: int):
    """Three contracting runs of implicit-skip."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(3, *shape, dtype=torch.float64, generator=generator)

    gamma = torch.full((3,), 0.2, dtype=torch.float64)
    params = {"A": normal(m, m), "W": normal(m, d), "u": normal(m), "v": normal(m), "gamma": gamma}
    return Problem("implicit-skip", normal(d, 5), normal(5), "relu", 0.0, ("A", "W", "u", "v")), params


@pytest.mark.parametrize("setting", ["deq", "implicit-skip"])
def test_bounds_hold_and_stay_close_along_a_run(deq_batch, setting):
    """
    They are never below the norm, and exceed the first one by little more than the way that was gone.
    """
    problem, params = deq_batch("tanh", m=20, d=18) if setting == "deq" else _skip(20, 18)
    seen = list(_bounds(_chunk(problem, params, 0.01), 40))
    assert any(_moved_too_far(a, b) for a, b in zip(seen[:-1], _frozen(seen), strict=True))

    for before, after in pairwise(seen):
        assert not _moved_too_far(before, after)
    for name, (_, bound) in seen[0].items():
        way = sum(torch.linalg.matrix_norm(b[name][0] - a[name][0]) for a, b in pairwise(seen))
        last, upper = seen[-1][name]
        assert (torch.from_numpy(upper) >= torch.linalg.svdvals(last)[:, 0]).all()
        assert (upper <= (bound + way.numpy()) * (1 + 1e-9)).all()
        assert (way > 1e-6).all()


def _frozen(seen):
    """The same matrices with bounds that do not grow."""
    return [
        {name: (matrix, before[name][1]) for name, (matrix, _) in after.items()}
        for before, after in pairwise(seen)
    ]


def test_a_bound_that_forgets_a_hundredth_of_a_step_is_caught(deq_batch, monkeypatch):
    """
    The comparison above has the power to see a step that is taken too short.
    """
    usual = recording._after_step

    def short(upper, chunk, name, squares):
        return upper + 0.99 * (usual(upper, chunk, name, squares) - upper)

    monkeypatch.setattr(recording, "_after_step", short)
    problem, params = deq_batch("tanh", m=6, d=3)
    seen = list(_bounds(_chunk(problem, params, 0.01), 1))

    assert _moved_too_far(seen[0], seen[1])
