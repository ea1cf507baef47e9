"""A budget in seconds, asked between fixed units of work; what it cuts is written down."""

import time
from dataclasses import dataclass, field


@dataclass
class Clock:
    """`budget` seconds from now; 0 means no limit."""

    budget: float
    not_done: list[str] = field(default_factory=list[str])
    _start: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Seconds left; infinite without a limit."""
        return float("inf") if self.budget <= 0 else self.budget - (time.monotonic() - self._start)

    def cuts(self, what: str, needs: float = 0.0) -> bool:
        """Is too little time left for a unit of work? If so, `what` goes on record once."""
        if self.left() > needs:
            return False
        note = f"cut by the budget: {what}"
        if note not in self.not_done:
            self.not_done.append(note)
        return True

    def before(self, share: float) -> "Clock":
        """A clock, with the same record, for what comes before the last `share` of the budget."""
        return self if self.budget <= 0 else Clock(self.budget * (1 - share), self.not_done, self._start)
