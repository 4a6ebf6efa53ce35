"""How long a run may go on fitting: every part of it asks before it begins."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Clock:
    """Until when fits may begin and are to end, and what the share that is done is reported to."""

    deadline: float
    report: Callable[[float], None]

    def left(self) -> float:
        """Return the seconds until the deadline, 0 when it is over."""
        return max(0.0, self.deadline - time.monotonic())

    def fits_in(self, expected_seconds: float) -> bool:
        """Return whether something that is expected to take so long would end before the deadline."""
        return expected_seconds < self.left()

    def but(self, seconds: float) -> Clock:
        """Return a clock that ends some seconds earlier, which are kept for something else."""
        return Clock(self.deadline - seconds, self.report)

    def stage(self, number: int, of: int) -> Clock:
        """Return a clock that reports shares of one of several stages as shares of the whole."""
        return Clock(self.deadline, lambda share: self.report((number + share) / of))
