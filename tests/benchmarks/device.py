"""Training on a device: our engines beside each other and beside peers, on the same work.

Workloads, tolerance and steady state are those of the subject training; X, y and parameters lie on the
device (`--device`, by default a GPU where there is one). `size` is m x n x runs. `eager`, `graph` and
`fused` are steps of single runs per second with `models.descent.descend(engine=...)`; on a CPU `graph`
repeats the same operations without a graph, and `fused` is not measured. `batch`: how many times faster
the engine that "auto" takes is than TorchDEQ on a batched map, `warm` with a warm forward start besides,
`jax` than a hand-written JAX loop that starts both solves warm, on the same device.

`gemm` is the share of the dgemm rate that `graph` reaches, by the flops of its `forward` and `backward`
iterations. The same steps end at the same parameters to 1e-9, or there is an error. Least times of
interleaved repeats, wall clock between synchronisations on a GPU, process time on a CPU; captures and
compiling are not charged.
"""

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from importlib.util import find_spec
from time import perf_counter, process_time
from typing import Any

import torch

from models.core.descent import Chunk
from models.core.gpu import WIDEST, check_float64, no_kernels
from models.settings import Params
from tests.benchmarks import record
from tests.benchmarks import training_peers as peers
from tests.benchmarks.training_peers import Task
from tests.benchmarks.workload import (
    AGREEMENT,
    INPUTS,
    REPEATS,
    Runner,
    Size,
    chunked,
    drawn,
    one_thread,
    parameters,
    runners,
)

WARM = 100  # steps after which graphs have found their length
GPU = (
    ("tanh", Size(16, 8, 4096, 600, 200, 5)),
    ("tanh", Size(64, 16, 1024, 600, 200, 5)),
    ("relu", Size(64, 16, 1024, 600, 200, 5)),
    ("tanh", Size(64, 16, 1, 600, 200, 5)),
    ("tanh", Size(128, 32, 256, 600, 100, 5)),
    ("tanh", Size(256, 32, 128, 600, 100, 5)),
    ("tanh", Size(1024, 64, 1, 600, 100, 5)),
    ("tanh", Size(4096, 256, 1, 60, 20, 3)),
)
CPU = (
    ("tanh", Size(16, 8, 64, 600, 50, 5)),
    ("tanh", Size(64, 16, 16, 600, 50, 5)),
    ("relu", Size(64, 16, 16, 600, 50, 5)),
    ("tanh", Size(256, 32, 2, 200, 30, 3)),
)


@dataclass(frozen=True)
class Row:
    """One workload; rates are steps of single runs per second, None where something cannot be had.

    `device` names it, `auto` is the engine that is chosen there. `agree` is the largest difference between
    parameters that should be the same, `dgemm` flops a second of a large product.
    """

    device: str
    phi: str
    size: str
    m: int
    n: int
    runs: int
    first: int
    steps: int
    few: int
    auto: str
    eager: int
    graph: int
    fused: int | None
    batch: float | None
    warm: float | None
    jax: float | None
    forward: float
    backward: float
    gemm: float
    dgemm: float
    agree: float


def rows(*, quick: bool = False, device: str | None = None) -> list[Row]:
    """One row a workload; `quick` takes small ones. SystemExit where the device is missing."""
    chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise SystemExit("device: there is no GPU that torch can use")
    sizes = GPU if chosen.type == "cuda" else CPU
    if chosen.type == "cuda":
        chosen = torch.device("cuda", torch.cuda.current_device())
        check_float64(chosen)
    with one_thread() if chosen.type == "cpu" else nullcontext():
        return [
            measured(phi, replace(size, first=50, steps=20) if quick else size, chosen)
            for phi, size in (sizes[:2] if quick else sizes)
        ]


def file_name(found: Sequence[Row]) -> str:
    """device-NAME, from what the device calls itself; device-cpu on a CPU."""
    return f"device-{re.sub('[^a-z0-9]+', '-', found[0].device.lower()).strip('-')}"


def name_of(device: torch.device) -> str:
    """What the device calls itself, without anything that tells where it stands."""
    return "cpu" if device.type == "cpu" else torch.cuda.get_device_name(device)


@dataclass(frozen=True)
class Contender:
    """`prepare`, not timed, gives the work of `steps` steps, which gives what shows its parameters."""

    steps: int
    group: str
    prepare: Callable[[], Callable[[], Callable[[], Params]]]


def ours(chunks: Sequence[Chunk], engine: str, size: Size) -> Contender:
    """An engine, after steps in which it settles."""

    def prepare() -> Callable[[], Callable[[], Params]]:
        found = runners(chunks, engine)
        for runner in found:
            runner.go(WARM)

        def work() -> Callable[[], Params]:
            for runner in found:
                runner.go(size.steps)
            return lambda: parameters([runner.chunk for runner in found])

        return work

    return Contender(size.steps, "many", prepare)


def by_torchdeq(task: Task, steps: int, *, warm: bool) -> Contender | None:
    """TorchDEQ on a batched map; None where it is not installed."""
    if find_spec("torchdeq") is None:
        return None

    def work() -> Callable[[], Params]:
        params = peers.torchdeq(task, steps, warm=warm)
        return lambda: params

    return Contender(steps, "few", lambda: work)


def by_jax(task: Task, steps: int) -> Contender | None:
    """The loop of `training_peers`, with its arrays on the device; None without JAX for that device."""
    if not peers.has_jax():
        return None
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    jax = peers.jax_module()
    wanted = "gpu" if task.y.device.type == "cuda" else "cpu"
    if jax.default_backend() != wanted or task.T is None or task.V is None:
        return None
    tensors = (*(task.params[name] for name in "WUa"), task.T, task.V, task.X, task.y, task.eta)
    arrays = [jax.numpy.asarray(tensor.cpu().numpy()) for tensor in tensors]
    run: Callable[..., Any] = peers.compiled(task.activation, steps, True)

    def work() -> Callable[[], Params]:
        found = jax.block_until_ready(run(*arrays))
        return lambda: {
            name: torch.from_numpy(value.__array__().copy()).to(task.y.device)
            for name, value in zip("WUa", found, strict=True)
        }

    return Contender(steps, "few", lambda: work)


def clock(device: torch.device) -> float:
    """Seconds; on a GPU, once it has done everything."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return perf_counter()
    return process_time()


def dgemm(device: torch.device) -> float:
    """Flops a second of the product of two large square matrices; the best of a few."""
    order = 8192 if device.type == "cuda" else 1024
    A = torch.full((order, order), 0.5, dtype=torch.float64, device=device)
    out, best = torch.empty_like(A), float("inf")
    for _ in range(4):
        begin = clock(device)
        torch.mm(A, A, out=out)
        best = min(best, clock(device) - begin)
    return 2 * order**3 / best


def measured(phi: str, size: Size, device: torch.device) -> Row:
    """Leads one workload into its steady state, and times all contenders there in turns."""
    start = drawn(phi, size, device)
    lead = [Runner(chunk) for chunk in chunked(start)]
    for runner in lead:
        runner.go(size.first)
    ready = [runner.chunk for runner in lead]
    T, V = (
        torch.cat([side(c).now for c in ready]) for side in (lambda c: c.equilibria, lambda c: c.adjoints)
    )
    steady = replace(start, params=parameters(ready), T=T, V=V)

    def eager_few() -> Callable[[], Callable[[], Params]]:
        found = runners(ready, "eager")

        def work() -> Callable[[], Params]:
            for runner in found:
                runner.go(size.few)
            return lambda: parameters([runner.chunk for runner in found])

        return work

    contenders: dict[str, Contender | None] = {
        "eager": ours(ready, "eager", size),
        "graph": ours(ready, "graph", size),
        "fused": None,
        "eager_few": Contender(size.few, "few", eager_few),
        "batch": by_torchdeq(steady, size.few, warm=False),
        "warm": by_torchdeq(steady, size.few, warm=True),
        "jax": by_jax(steady, size.few),
    }
    auto = "eager"
    if device.type == "cuda":
        auto = "graph"
        if no_kernels(ready[0], 2 * WIDEST) == "":
            contenders["fused"] = ours(ready, "fused", size)
            auto = "graph" if no_kernels(ready[0], WIDEST) else "fused"
    seconds, agree, peak = timed({k: c for k, c in contenders.items() if c is not None}, device)
    rate = {name: size.runs / value for name, value in seconds.items()}
    counting = runners(ready, "graph")
    for runner in counting:
        runner.go(WARM + size.steps)
    counts = [runner.replay.counts for runner in counting if runner.replay is not None]
    forward, backward = (sum(side) / len(counts) for side in zip(*counts, strict=True))
    flops = 2 * size.m**2 * size.n * (forward + backward + 1) + 4 * size.m * INPUTS * size.n

    def over(name: str) -> float | None:
        return rate[auto] / rate[name] if name in rate else None

    return Row(
        name_of(device), phi, f"{size.m}x{size.n}x{size.runs}", size.m, size.n, size.runs,
        size.first, size.steps, size.few, auto,
        eager=round(rate["eager"]),
        graph=round(rate["graph"]),
        fused=round(rate["fused"]) if "fused" in rate else None,
        batch=over("batch"), warm=over("warm"), jax=over("jax"),
        forward=forward, backward=backward,
        gemm=flops * rate["graph"] / peak, dgemm=peak, agree=agree,
    )  # fmt: skip


def timed(found: dict[str, Contender], device: torch.device) -> tuple[dict[str, float], float, float]:
    """The least seconds of a step of all runs for each; the largest difference; flops a second of dgemm.

    A first round, which is not timed, compares parameters. ArithmeticError where they differ by more than
    AGREEMENT.
    """
    references: dict[str, Params] = {}
    agree = 0.0
    for name, contender in found.items():
        params = contender.prepare()()()
        reference = references.setdefault(contender.group, {k: v.clone() for k, v in params.items()})
        away = max(float((value - reference[key]).abs().max()) for key, value in params.items())
        if not away <= AGREEMENT:
            raise ArithmeticError(f"device: {name} ends {away:.1e} away from the others")
        agree = max(agree, away)
    seconds, peak = dict.fromkeys(found, float("inf")), dgemm(device)
    for _ in range(REPEATS):
        for name, contender in found.items():
            work = contender.prepare()
            begin = clock(device)
            work()
            seconds[name] = min(seconds[name], (clock(device) - begin) / contender.steps)
        peak = max(peak, dgemm(device))
    return seconds, agree, peak


COLUMNS = ("phi", "size", "eager", "graph", "fused", "batch", "warm", "jax", "forward", "backward", "gemm")


def main() -> None:
    """The command by itself, for machines on which the other subjects cannot be imported."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.device")
    parser.add_argument("--device", choices=("cuda", "cpu"))
    parser.add_argument("--quick", action="store_true", help="small sizes only")
    chosen = parser.parse_args()
    found = rows(quick=chosen.quick, device=chosen.device)
    sys.stdout.write("\n".join(record.table(COLUMNS, found)) + "\n")
    if not chosen.quick:
        record.write(file_name(found), found)


if __name__ == "__main__":
    main()
