"""The table of a chunk while it is being written, and how tables of chunks become one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.trajectory import Floats, Ints, Record, Trajectory


def recorded_steps(steps: int, record: Record | None) -> Ints:
    """The steps at which a row is written: every so many, and the last."""
    if record is None:
        return np.zeros(0, dtype=np.int64)
    return np.unique(np.append(np.arange(0, steps + 1, record.every), steps)).astype(np.int64)


@dataclass
class Log:
    """Rows of a chunk: `values` (K, B) by name, `lost_at` and `left_at` (B,), `params` at the end."""

    steps: Ints
    lost_at: Ints
    left_at: Ints
    values: dict[str, Floats] = field(default_factory=dict[str, Floats])
    params: dict[str, Floats] = field(default_factory=dict[str, Floats])

    @classmethod
    def blank(cls, runs: int, steps: Ints) -> "Log":
        """Nothing recorded, nothing lost."""
        return cls(steps, np.full(runs, -1, dtype=np.int64), np.full(runs, -1, dtype=np.int64))

    def write(self, tau: int, ids: Ints, row: dict[str, Floats]) -> None:
        """Keep what the runs `ids` have at step tau."""
        at = int(np.searchsorted(self.steps, tau))
        for name, value in row.items():
            if name not in self.values:
                self.values[name] = np.full((len(self.steps), len(self.lost_at)), np.nan)
            self.values[name][at, ids] = value

    def end(self, ids: Ints, params: dict[str, Floats]) -> None:
        """Keep the parameters of the runs that reached the end; those of the others are NaN."""
        for name, value in params.items():
            self.params[name] = np.full((len(self.lost_at), *value.shape[1:]), np.nan)
            self.params[name][ids] = value

    def only(self, mask: NDArray[np.bool_]) -> "Log":
        """The columns of some runs."""
        return Log(
            self.steps, self.lost_at[mask], self.left_at[mask],
            {name: value[:, mask] for name, value in self.values.items()},
            {name: value[mask] for name, value in self.params.items()},
        )  # fmt: skip


def joined(logs: Sequence[Log]) -> Trajectory:
    """One trajectory of logs whose runs follow one another. At least one log is needed."""
    names = list(dict.fromkeys(name for log in logs for name in log.values))
    rows, values = len(logs[0].steps), dict[str, Floats]()
    for name in names:
        blank = [np.full((rows, len(log.lost_at)), np.nan) for log in logs]
        values[name] = np.concatenate(
            [log.values.get(name, b) for log, b in zip(logs, blank, strict=True)], 1
        )
    params = {name: np.concatenate([log.params[name] for log in logs]) for name in logs[0].params}
    lost, left = (np.concatenate([getattr(log, name) for log in logs]) for name in ("lost_at", "left_at"))
    return Trajectory(logs[0].steps, values, params, lost, left)
