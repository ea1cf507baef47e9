"""What the benchmarks of training have in common: workloads, and our own way through them."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor

from models.core.descent import Chunk, Options
from models.core.gpu import kernels_of
from models.core.graph import Graphs, Replay, plain
from models.core.grid import Job, chunks
from models.core.recording import Recorder
from models.settings import MODELS, Params, Problem
from tests.benchmarks.training_peers import CAP, TOLERANCE, Task

INPUTS = 10
AGREEMENT = 1e-9
REPEATS = 8
TRAINS = ("W", "U", "a")


@dataclass(frozen=True)
class Size:
    """A workload: `first` steps lead to the steady state; `steps` of ours, `few` of others are timed."""

    m: int
    n: int
    runs: int
    first: int
    steps: int
    few: int


@contextmanager
def one_thread() -> Generator[None]:
    """One thread for torch, for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def drawn(phi: str, size: Size, device: torch.device | str = "cpu") -> Task:
    """The data and the first parameters of a workload, and the step sizes."""
    generator = torch.Generator().manual_seed(size.m)

    def gaussian(*shape: int) -> Tensor:
        return torch.randn(size.runs, *shape, generator=generator, dtype=torch.float64).to(device)

    m, n = size.m, size.n
    params = {
        "W": gaussian(m, m) * 0.4 / m**0.5,
        "U": gaussian(m, INPUTS) / INPUTS**0.5,
        "a": gaussian(m) / m**0.5,
    }
    X, y = gaussian(INPUTS, n), gaussian(n)
    start = MODELS["deq"].estimate(Problem("deq", X, y, phi, 0.0, TRAINS), params)
    return Task(phi, params, X, y, 0.1 / torch.linalg.eigvalsh(torch.as_tensor(start.value("NTK")))[:, -1])


def chunked(task: Task, *, shared: bool = False, extrapolate: bool = True) -> list[Chunk]:
    """The task as `models.descent.descend` takes it on, before the first step."""
    problem = Problem("deq", task.X, task.y, task.activation, 0.0, TRAINS)
    options = Options(TOLERANCE, CAP, shared, extrapolate)
    return [chunk for chunk, _, _ in chunks([Job(problem, task.params, task.eta)], options)]


def parameters(found: Sequence[Chunk]) -> Params:
    """The parameters of all runs of some chunks."""
    return {name: torch.cat([chunk.params[name] for chunk in found]) for name in TRAINS}


@dataclass
class Runner:
    """A chunk with what takes it through its steps, if anything does."""

    chunk: Chunk
    replay: Replay | None = None
    recorder: Recorder | None = None

    def go(self, steps: int) -> None:
        """So many steps, as `models.descent.descend` takes them."""
        while steps > 0:
            taken = 0 if self.replay is None or self.recorder is not None else self.replay.steps(steps)
            steps -= taken
            if taken:
                continue
            (self.replay or self.chunk).solve()
            if not self.chunk.alive.all():
                raise ArithmeticError("training: a run did not converge")
            if self.recorder is not None:
                self.recorder.row(self.chunk)
            self.chunk.move()
            steps -= 1


def runners(found: Sequence[Chunk], engine: str) -> list[Runner]:
    """Copies of the chunks with an engine: `eager`, `graph`, which on a CPU is plain replay, or `fused`."""
    out: list[Runner] = []
    for chunk in deepcopy(list(found)):
        device = chunk.y.device
        capture = Graphs(device) if device.type == "cuda" else plain
        kernels = kernels_of if engine == "fused" else None
        out.append(Runner(chunk, None if engine == "eager" else Replay(chunk, capture, kernels)))
    return out
