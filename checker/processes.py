"""The parent's side of the solver processes: started on demand, asked in parallel, killed on time."""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, final

_SCRIPT = Path(__file__).with_name("solvers.py")
_MEGABYTES = 2048
_START_SECONDS = 60.0
GRACE = 0.5  # beyond the limit the solver was given, before it is killed
_LONGEST_ANSWER = 2**24  # bytes
_MOMENT = 0.05  # for a solver whose last question was abandoned, before it is killed


@dataclass(frozen=True)
class Answer:
    """One solver's answer: "sat", "unsat", "unknown", or "none" where it was killed or died. A model gives
    each SMT symbol a rational interval, a single point where the value is exact."""

    solver: str
    status: str
    model: dict[str, tuple[Fraction, Fraction]] = field(default_factory=dict[str, tuple[Fraction, Fraction]])
    note: str = ""


@final
class SolverProcess:
    """One solver in a process of its own. Restarts after it was killed or has died."""

    def __init__(self, name: str, megabytes: int = _MEGABYTES) -> None:
        self.name = name
        self._megabytes = megabytes
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self._ready = False
        self._unread = 0

    def start(self) -> None:
        """Start the process without waiting for it."""
        if self._process is None:
            # -P keeps this folder off the child's path: its statistics.py is not the library's.
            command = [sys.executable, "-P", str(_SCRIPT), self.name, str(self._megabytes)]
            self._buffer, self._ready, self._unread = b"", False, 0
            self._process = subprocess.Popen(  # noqa: S603  # our own script, no shell, no user text
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONHASHSEED": "0"},
                bufsize=0,
            )

    def ready(self) -> None:
        """Start the process where needed and wait until it can be asked."""
        self.start()
        if not self._ready:
            self._ready = self._line(time.monotonic() + _START_SECONDS) is not None

    def send(self, script: str, deadline: float) -> None:
        """Put a question; the solver is told to stop at `deadline` (of time.monotonic).

        An earlier question whose answer nobody received is dropped, and the process with it where it is
        still at work on that.
        """
        while self._unread and self._line(time.monotonic() + _MOMENT) is not None:
            self._unread -= 1
        self.ready()
        milliseconds = max(1, int(1000 * (deadline - time.monotonic())))
        question = json.dumps({"script": script, "milliseconds": milliseconds}) + "\n"
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it died: receive says so
                self._process.stdin.write(question.encode())
        self._unread += 1

    def receive(self, deadline: float) -> Answer:
        """The answer to the last question; kills the process where none comes in time."""
        line = self._line(deadline)
        self._unread = 0
        if line is None:
            return Answer(self.name, "none", note="no answer in time, or out of memory")
        document: dict[str, Any] = json.loads(line)
        model = {name: (Fraction(lo), Fraction(hi)) for name, (lo, hi) in document["model"].items()}
        return Answer(self.name, document["answer"], model, document["note"])

    def _line(self, deadline: float) -> bytes | None:
        """One line of the process's output; None, and the process ended, where there is none in time."""
        if self._process is None or self._process.stdout is None:
            return None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                waiting = selector.select(max(0.0, deadline - time.monotonic()))
                chunk = os.read(self._process.stdout.fileno(), 1 << 16) if waiting else b""
                if not chunk or len(self._buffer) > _LONGEST_ANSWER:
                    self.stop()
                    return None
                self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line

    def stop(self) -> None:
        """Kill the process, if there is one, and wait for its end."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
            self._ready, self._unread = False, 0


@dataclass(frozen=True)
class Pair:
    """z3 and cvc5, in this order always."""

    z3: SolverProcess
    cvc5: SolverProcess

    def ready(self) -> None:
        """Wait until both can be asked: starting does not count against a question's time."""
        for solver in (self.z3, self.cvc5):
            solver.start()
        for solver in (self.z3, self.cvc5):
            solver.ready()

    def ask(self, script: str, deadline: float, names: tuple[str, ...] = ("z3", "cvc5")) -> Generator[Answer]:
        """Ask those named at once; z3's answer comes first whichever is faster, so that reports do not depend
        on the race. Who stops after it abandons cvc5's question."""
        waiting = [solver for solver in (self.z3, self.cvc5) if solver.name in names]
        for solver in waiting:
            solver.send(script, deadline)
        for solver in waiting:
            yield solver.receive(deadline + GRACE)


@contextlib.contextmanager
def solver_pair() -> Generator[Pair]:
    """Both solvers, started in parallel, ended on leaving."""
    pair = Pair(SolverProcess("z3"), SolverProcess("cvc5"))
    try:
        pair.ready()
        yield pair
    finally:
        pair.z3.stop()
        pair.cvc5.stop()
