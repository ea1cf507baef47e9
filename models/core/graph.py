"""Whole steps of gradient descent without a look by the host: on CUDA, as graphs that are replayed.

The host sends off a number of steps (`models.core.gpu_steps`) and then looks how many of them were made.
Where the solves of a step missed the tolerance, that step is tried again with more iterations, and if
that fails taken by `Chunk`: no run is ever moved by a solve that missed the tolerance, and what does not
converge meets the same end as without graphs.
"""

from collections.abc import Callable

import numpy as np
import torch

from models.core.descent import Chunk
from models.core.gpu_steps import Kernels, Steps

Work = Callable[[], object]
Capture = Callable[[Work], Work]
"""Turns operations into what repeats them. They may be run in doing so: then nothing moves."""

LONGEST = 32
"""The most steps between two looks of the host."""

_FIRST = 8  # iterations that are tried first
_KEPT = 12  # so many graphs are kept
_TRIES = 3  # graphs of growing length that are tried at a step
_EASED = 0.9  # a change e times below the tolerance is worth so many iterations
_SHARE = 0.3  # of the tolerance, at which a longer solve aims
_HELD = 32  # steps without a shorter graph after a miss; twice as many after each of late
_RESTED = 4  # steps that the chunk takes after one that no graph could; twice as many after each further one
_MOST = 2**12  # of both


def plain(work: Work) -> Work:
    """The operations themselves, for the CPU."""
    return work


class Graphs:
    """Captures operations as CUDA graphs that share memory."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.pool = device, torch.cuda.graph_pool_handle()

    def __call__(self, work: Work) -> Work:
        """A graph of the work. It runs once before, so that libraries and kernels are ready."""
        with torch.cuda.device(self.device):
            current, aside = torch.cuda.current_stream(), torch.cuda.Stream()
            aside.wait_stream(current)
            with torch.cuda.stream(aside):
                work()
            current.wait_stream(aside)
            torch.cuda.synchronize()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self.pool):
                work()

            def replay() -> None:
                with torch.cuda.device(self.device):
                    graph.replay()

            return replay


class Replay:
    """Takes a chunk through steps that are repeated without looking at them one by one.

    `steps` takes whole steps; `solve` stands in for that of the chunk, which `hand_back` leaves as if it had
    taken all steps itself. `kernels`, if any, make the solves of a chunk; `capture` makes graphs of work.
    """

    def __init__(
        self, chunk: Chunk, capture: Capture, kernels: Callable[[Chunk], Kernels] | None = None
    ) -> None:
        self.chunk, self.capture, self.kernels = chunk, capture, kernels
        self.counts, self.stride = (_FIRST, _FIRST), 1
        self.misses = self.failures = self.held = self.rest = 0
        self.replayed = 0
        self._start()

    def _start(self) -> None:
        """Buffers for the runs that the chunk has now."""
        chunk = self.chunk
        self.work = Steps(chunk, None if self.kernels is None else self.kernels(chunk))
        self.made: dict[tuple[str, tuple[int, int]], Work] = {}
        self.ours = False  # is the newest history ours, not the chunk's?
        data = (chunk.inputs, chunk.y, chunk.eta)
        self.able = len(chunk.eta) > 0 and all(bool(torch.isfinite(t).all()) for t in data)

    def _ready(self) -> bool:
        params, work = self.chunk.params, self.work
        if params.keys() != work.params.keys() or any(params[k] is not v for k, v in work.params.items()):
            self._start()
        if not self.able or self.rest > 0:
            return False
        if not self.ours:
            if not self.work.ready():
                return False
            self.work.load()
            self.ours = True
        return True

    def _repeat(self, kind: str) -> Work:
        """What repeats a whole step, or the solves of one, at the present counts."""
        work, counts = self.work, self.counts
        key = (kind, (0, 0) if work.kernels is not None else counts)
        found = self.made.pop(key, None)
        if found is None:
            work.halt()
            operations = work.step if kind == "step" else work.find
            found = self.capture(lambda: operations(counts))
            while len(self.made) >= _KEPT:
                self.made.pop(next(iter(self.made)))
        self.made[key] = found
        return found

    def steps(self, most: int) -> int:
        """Take up to `most` steps; how many were taken. At the next one `solve` is to be called."""
        taken = 0
        while taken < most and self._ready():
            repeat, count = self._repeat("step"), min(self.stride, most - taken)
            self.work.begin()
            for _ in range(count):
                repeat()
            made, worst = self._look()
            taken += made
            if made < count:
                self.stride = 1
                self._lengthen()
                break
            self.stride, self.failures = min(2 * self.stride, LONGEST), 0
            self._ease(made, worst)
        self.replayed += taken
        return taken

    def _look(self) -> tuple[int, list[float]]:
        """The number of steps made since `begin`, and the largest changes in them; waits for the device."""
        work = self.work
        made, *worst = torch.cat([work.made.view(1).to(work.worst.dtype), work.worst]).cpu().tolist()
        return int(made), worst

    def solve(self) -> None:
        """As `chunk.solve()`, by replay where that succeeds."""
        for _ in range(_TRIES):
            if not self._ready():
                break
            repeat = self._repeat("find")
            self.work.begin()
            repeat()
            if self._look()[0]:
                self._publish()
                self.failures = 0
                return
            if not self._lengthen():
                break
        else:
            self._fail()
        self.hand_back()
        self.chunk.solve()
        self.rest = max(self.rest - 1, 0)
        if not self.chunk.alive.all():
            self.rest = 0  # those that were lost go, and the others may be replayed

    def _lengthen(self) -> bool:
        """After a miss: allow more iterations; False where these would not help."""
        found = self.work.changes.amax(1).cpu().tolist()
        tolerance, cap = self.chunk.options.tolerance, self.chunk.options.cap
        missed = [not change <= tolerance for change in found]
        if self.work.kernels is not None or not any(missed) or min(self.counts) >= cap or not _finite(found):
            self._fail()
            return False
        more = [
            count + min(max(1 + count // 16, round(np.log(change / (_SHARE * tolerance)))), 2 * count)
            if miss
            else count
            for count, change, miss in zip(self.counts, found, missed, strict=True)
        ]
        self.counts = (min(more[0], cap), min(more[1], cap))
        self.held = min(_HELD << min(self.misses, 10), _MOST)
        self.misses += 1
        return True

    def _ease(self, made: int, worst: list[float]) -> None:
        """After steps that succeeded: fewer iterations where there is room for more than one less."""
        if 0 < self.held <= made:
            self.misses = max(self.misses - 1, 0)
        self.held = max(self.held - made, 0)
        if self.held == 0 and self.stride > 4:
            room = [
                int(_EASED * np.log(self.chunk.options.tolerance / max(change, 1e-300))) - 1
                for change in worst
            ]
            fewer = [count - min(max(r, 0), count // 2) for count, r in zip(self.counts, room, strict=True)]
            self.counts = (max(fewer[0], 1), max(fewer[1], 1))

    def _fail(self) -> None:
        """Leave some steps to the chunk."""
        self.rest = min(_RESTED << min(self.failures, 10), _MOST)
        self.failures += 1

    def _publish(self) -> None:
        """Show the chunk what was solved, as its own `solve` would have left it."""
        work, chunk = self.work, self.chunk
        self._copy_history()
        chunk.coupling = chunk.network.coupling(chunk.params)
        chunk.injection, chunk.slope = work.injection.clone(), work.slope.clone()
        chunk.yhat, chunk.errors = work.yhat.clone(), work.errors.clone()
        chunk.alive = np.ones(len(chunk.eta), dtype=bool)
        changes = work.changes.cpu().numpy().copy()
        for k, side in enumerate((chunk.equilibria, chunk.adjoints)):
            side.change = changes[k]
            side.sweeps = np.zeros(len(chunk.eta), dtype=np.int64)
            side.iterations = np.full(len(chunk.eta), self.counts[k], dtype=np.int64)
            if work.kernels is not None:
                side.iterations = work.kernels.iterations()[k].cpu().numpy().astype(np.int64)

    def _copy_history(self) -> None:
        self.chunk.equilibria.values, self.chunk.adjoints.values = (ring.values() for ring in self.work.rings)

    def hand_back(self) -> None:
        """Leave the newest history to the chunk, which is used, looked at or kept next."""
        if self.ours:
            self._copy_history()
            self.ours = False


def _finite(values: list[float]) -> bool:
    return bool(np.isfinite(values).all())
