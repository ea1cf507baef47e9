"""Small seeded batches of deep equilibrium models."""

from collections.abc import Callable

import pytest
import torch

from models.settings import Params, Problem

torch.set_num_threads(1)

Batch = Callable[..., tuple[Problem, Params]]


@pytest.fixture
def deq_batch() -> Batch:
    """Build a batch whose W has spectral norm about `size` and whose equilibria exist."""

    def build(
        activation="tanh", runs=3, m=6, d=4, n=5, size=0.5, trains=("W", "U", "a"), kink=0.0, seed=0
    ) -> tuple[Problem, Params]:
        generator = torch.Generator().manual_seed(seed)

        def draw(*shape: int) -> torch.Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        W = draw(runs, m, m)
        W = W * size / torch.linalg.matrix_norm(W, ord=2, keepdim=True)
        params = {"W": W, "U": draw(runs, m, d) / d**0.5, "a": draw(runs, m) / m**0.5}
        problem = Problem("deq", draw(runs, d, n), draw(runs, n), activation, kink, trains)
        return problem, params

    return build
