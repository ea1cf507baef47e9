"""Training throughput beside peers that do the same work, in one process on one thread.

W Gaussian with entries 0.4/sqrt(m) (|W|_2 about 0.8), d = 10, X and y standard Gaussian, U entries
N(0, 1/d), a N(0, 1/m); W, U and a move, eta = 0.1/lambda_max(NTK at the start), every solve to 1e-10 in the
Frobenius norm. `size` is m x n x runs, `rate` our steps of single runs per second of CPU time, where every
run gives the same bits in any batch.

Steady state: all go on from where our own first steps ended; ours keeps its history, others start as they
always do. How many times faster we are: than TorchDEQ run by run (`loop`: only a few runs timed), on a
batched map (`batch`), and with a warm forward start besides (`warm`); than a hand-written JAX loop that
starts both solves warm (`jax`). `cold`: than that loop where every solve of both starts at zero, from the
first parameters on.

`gemm` is our share of the dgemm rate, by the flops of the iterations that each run needed itself, those of
sweeps in single precision counted by half; `products` is that of these products alone, where nothing
else is computed between them. `record` is the time with everything recorded at every step
over that with nothing; `shared` our time over that of runs that iterate equally often, as those of the
peers do. The same steps end at the same parameters to 1e-9, or
there is an error. Least times of interleaved repeats; JAX is not charged for compiling.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import process_time

import numpy as np
import torch

from models.core.descent import Chunk
from models.core.recording import Recorder
from models.descent import descend
from models.settings import Params, Problem
from models.trajectory import Record
from tests.benchmarks import training_peers as peers
from tests.benchmarks.training_peers import CAP, TOLERANCE, Task
from tests.benchmarks.workload import (
    AGREEMENT,
    INPUTS,
    REPEATS,
    TRAINS,
    Runner,
    Size,
    chunked,
    drawn,
    one_thread,
    parameters,
    runners,
)

SETTLING = 50  # steps after which a history that began anew is as good as an old one
LOOPED = 2  # runs that are timed one by one

TANH = (
    Size(16, 8, 256, 1000, 100, 5),
    Size(64, 16, 64, 1000, 50, 5),
    Size(128, 32, 32, 1000, 50, 4),
    Size(256, 32, 8, 1000, 50, 4),
    Size(512, 64, 1, 300, 50, 4),
    Size(1024, 64, 1, 300, 50, 3),
)
RELU = tuple(replace(TANH[k], first=300, steps=50) for k in (0, 1, 3, 4))  # history stops gaining by step 100
QUICK = tuple(replace(size, first=50, steps=20, few=2) for size in TANH[:2])


@dataclass(frozen=True)
class Row:
    """One workload. Rates are steps of single runs per second of CPU time.

    `whole` is the rate of `models.descent.descend` over the `first` steps, start included; `cold_rate` ours
    without history, from the first parameters. `loop`, `batch`, `warm`, `unrolled` (autograd through
    `iterations` iterations) and `jax` are `rate` over a peer's; `cold` and `cold_shared` our rates without
    history over that of JAX, run by run and with runs that iterate equally often; None without JAX.
    `forward` and `backward` are iterations of a run and step in steady state, `sweeps` those in single
    precision besides, `dgemm` flops a second, `agree` the largest difference between parameters that should
    be the same.
    """

    phi: str
    size: str
    m: int
    n: int
    runs: int
    first: int
    steps: int
    few: int
    rate: int
    whole: int
    cold_rate: int
    loop: float
    batch: float
    warm: float
    unrolled: float
    iterations: int
    jax: float | None
    cold: float | None
    cold_shared: float | None
    forward: float
    backward: float
    sweeps: float
    gemm: float
    products: float
    dgemm: float
    record: float
    shared: float
    agree: float


def rows(*, quick: bool = False) -> list[Row]:
    """One row a workload; `quick` takes two small ones, few steps. SystemExit where TorchDEQ is missing."""
    peers.require_torchdeq()
    with one_thread():
        return [
            measured(phi, size)
            for phi, sizes in (("tanh", TANH), ("relu", RELU))
            for size in (QUICK if quick else sizes)
        ]


def counted(chunks: Sequence[Chunk], steps: int) -> tuple[float, float, float]:
    """Iterations for equilibria and adjoints, and sweeps, of a mean run in a step from here on."""
    seen: list[np.ndarray] = []
    for runner in runners(chunks, "eager"):
        T, V = runner.chunk.equilibria, runner.chunk.adjoints
        for _ in range(steps):
            runner.go(1)
            seen.append(np.stack([T.iterations, V.iterations, T.sweeps + V.sweeps]))
    forward, backward, sweeps = np.concatenate(seen, axis=1).mean(axis=1).tolist()
    return forward, backward, sweeps


def iterations_from_zero(task: Task) -> int:
    """Enough iterations for unrolling: a quarter more than the slowest run's solves from zero; 40 or more."""
    most = 0
    for runner in runners(chunked(task, extrapolate=False), "eager"):
        runner.go(1)
        for side in (runner.chunk.equilibria, runner.chunk.adjoints):
            most = max(most, int((side.iterations + side.sweeps).max()))
    return max(40, 10 * -(-most * 5 // 40))


@dataclass(frozen=True)
class Contender:
    """`prepare`, not timed, gives the work of `steps` steps of `runs` runs; that gives parameters.

    Contenders of one `group` end at the same parameters.
    """

    group: str
    steps: int
    runs: int
    prepare: Callable[[], Callable[[], Params]]


def contenders(
    start: Task, steady: Task, ready: Sequence[Chunk], shared: Sequence[Chunk], size: Size
) -> dict[str, Contender]:
    """All of them; the first of a group is what the others are compared with."""

    def ours(
        chunks: Sequence[Chunk], steps: int, *, engine: str = "eager", record: bool = False
    ) -> Callable[[], Callable[[], Params]]:
        def prepare() -> Callable[[], Params]:
            mine = runners(chunks, engine)
            for runner in mine:
                if engine != "eager":
                    runner.go(SETTLING)
                if record:
                    true_n = np.full(len(runner.chunk.eta), size.n)
                    runner.recorder = Recorder(runner.chunk, Record(), true_n)
                    runner.go(1)  # the first look starts the tracking of norms

            def work() -> Params:
                for runner in mine:
                    runner.go(steps)
                return parameters([runner.chunk for runner in mine])

            return work

        return prepare

    unrolled = iterations_from_zero(steady)
    few, runs, looped = size.few, size.runs, min(LOOPED, size.runs)
    out = {
        "ours": Contender("many", size.steps, runs, ours(ready, size.steps)),
        "record": Contender("record", size.steps, runs, ours(ready, size.steps, record=True)),
        "shared": Contender("many", size.steps, runs, ours(shared, size.steps, engine="graph")),
        "ours_few": Contender("few", few, runs, ours(ready, few)),
        "loop": Contender("few", few, looped, lambda: lambda: peers.torchdeq_loop(steady, few, looped)),
        "batch": Contender("few", few, runs, lambda: lambda: peers.torchdeq(steady, few)),
        "warm": Contender("few", few, runs, lambda: lambda: peers.torchdeq(steady, few, warm=True)),
        "unrolled": Contender("few", few, runs, lambda: lambda: peers.unrolled(steady, few, unrolled)),
        "cold": Contender("cold", few, runs, ours(chunked(start, extrapolate=False), few)),
        "cold_shared": Contender(
            "cold", few, runs, ours(chunked(start, shared=True, extrapolate=False), few)
        ),
    }
    if peers.has_jax():
        out["jax"] = Contender("few", few, runs, lambda: peers.jax_loop(steady, few, warm=True))
        out["jax_cold"] = Contender("cold", few, runs, lambda: peers.jax_loop(start, few))
    return out


def measured(activation: str, size: Size) -> Row:
    """Leads one workload into its steady state, and times all contenders there in turns."""
    start = drawn(activation, size)
    begin = process_time()
    problem = Problem("deq", start.X, start.y, activation, 0.0, TRAINS)
    led = descend(problem, start.params, start.eta, size.first, tolerance=TOLERANCE, cap=CAP)
    whole = process_time() - begin
    led_to = replace(start, params={name: torch.from_numpy(led.params[name]) for name in TRAINS})
    ready, shared = chunked(led_to), chunked(led_to, shared=True)
    for chunk in ready:
        Runner(chunk).go(SETTLING)
    T, V = (
        torch.cat(tensors)
        for tensors in zip(*((c.equilibria.now, c.adjoints.now) for c in ready), strict=True)
    )
    steady = replace(led_to, params=parameters(ready), T=T, V=V)
    found = contenders(start, steady, ready, shared, size)
    seconds, agree, peak = timed(found)
    rate = {name: 1 / value for name, value in seconds.items()}
    forward, backward, sweeps = counted(ready, size.steps)
    m, n = size.m, size.n
    flops = 2 * m * m * n * (forward + backward + 1 + sweeps / 2) + 4 * m * INPUTS * n
    return Row(
        activation, f"{m}x{n}x{size.runs}", m, n, size.runs, size.first, size.steps, size.few,
        rate=round(rate["ours"]),
        whole=round(size.runs * size.first / whole),
        cold_rate=round(rate["cold"]),
        **{name: rate["ours"] / rate[name] for name in ("loop", "batch", "warm", "unrolled")},
        iterations=iterations_from_zero(steady),
        jax=rate["ours"] / rate["jax"] if "jax" in rate else None,
        cold=rate["cold"] / rate["jax_cold"] if "jax_cold" in rate else None,
        cold_shared=rate["cold_shared"] / rate["jax_cold"] if "jax_cold" in rate else None,
        forward=forward,
        backward=backward,
        sweeps=sweeps,
        gemm=flops * rate["ours"] / peak,
        products=flops / products(ready[0], (forward, backward, sweeps)) / peak,
        dgemm=peak,
        record=rate["ours"] / rate["record"],
        shared=rate["shared"] / rate["ours"],
        agree=agree,
    )  # fmt: skip


def timed(found: Mapping[str, Contender]) -> tuple[dict[str, float], float, float]:
    """The least CPU seconds of a step of one run of each; the largest difference; flops a second of dgemm.

    A first round, which is not timed, compares parameters. ArithmeticError where they differ by more than
    AGREEMENT.
    """
    references: dict[str, Params] = {}
    agree = 0.0
    for name, contender in found.items():
        params = contender.prepare()()
        reference = references.setdefault(contender.group, params)
        away = max(float((value - reference[key][: len(value)]).abs().max()) for key, value in params.items())
        if not away <= AGREEMENT:
            raise ArithmeticError(f"training: {name} ends {away:.1e} away from the others")
        agree = max(agree, away)
    seconds = dict.fromkeys(found, np.inf)
    peak = dgemm()
    for _ in range(REPEATS):
        for name, contender in found.items():
            work = contender.prepare()
            begin = process_time()
            work()
            seconds[name] = min(seconds[name], (process_time() - begin) / (contender.steps * contender.runs))
        peak = max(peak, dgemm())
    return seconds, agree, peak


def products(chunk: Chunk, counts: tuple[float, float, float]) -> float:
    """Seconds that a step of one run spends at least: its products, made alone; `counts` as `counted`."""
    W, T, V, X = chunk.params["W"], chunk.equilibria.now, chunk.adjoints.now, chunk.inputs
    U, out, moving, single = chunk.params["U"], torch.empty_like(T), W.clone(), (W.float(), T.float())
    forward, backward, sweeps = counts
    works: tuple[tuple[float, Callable[[], object]], ...] = (
        (forward, lambda: torch.bmm(W, T, out=out)),
        (backward, lambda: torch.bmm(W.mT, V, out=out)),
        (sweeps, lambda: torch.bmm(*single)),
        (1, lambda: moving.baddbmm_(V, T.mT, alpha=-1e-9)),
        (1, lambda: torch.bmm(U, X, out=out)),
        (1, lambda: torch.bmm(V, X.mT)),
    )
    best = dict.fromkeys(range(len(works)), np.inf)
    for _ in range(4 * REPEATS):
        for k, (_, work) in enumerate(works):
            begin = process_time()
            work()
            best[k] = min(best[k], process_time() - begin)
    return sum(count * best[k] for k, (count, _) in enumerate(works)) / len(W)


def dgemm(order: int = 1024, products: int = 4) -> float:
    """Flops a second of the product of two square matrices; the best of a few."""
    A = torch.full((order, order), 0.5, dtype=torch.float64)
    out, best = torch.empty_like(A), np.inf
    for _ in range(products):
        begin = process_time()
        torch.mm(A, A, out=out)
        best = min(best, process_time() - begin)
    return 2 * order**3 / best
