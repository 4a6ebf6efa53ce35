"""How long this environment was busy beside answering: starting up, and working after answers.

What a version costs is the time that its environments were busy, not only what callers waited for. The time between
two capture records travels in the later one; what comes after an environment's last record is lost.
"""

from __future__ import annotations

import os
import time

MAX_START_MS = 10_000.0  # Lambda ends an init phase then
_START_TIME = 19  # field 22 of /proc/PID/stat, counted behind the name


class BilledTime:
    """Adds up milliseconds until the next capture record takes them along."""

    def __init__(self, ms: float = 0.0) -> None:
        self._ms = ms

    def add(self, ms: float) -> None:
        """Count milliseconds; a negative number takes back what is counted elsewhere."""
        self._ms += ms

    def take(self) -> float:
        """Return the milliseconds since the last call, at least 0."""
        ms, self._ms = self._ms, 0.0
        return max(ms, 0.0)


def startup_ms() -> float:
    """Return how long ago this process began, in milliseconds; 0 where the system does not tell."""
    try:
        with open("/proc/self/stat", "rb") as stat:  # noqa: PTH123  pathlib would cost the cold start 5 ms
            fields = stat.read().rpartition(b")")[2].split()
        began = int(fields[_START_TIME]) / os.sysconf("SC_CLK_TCK")
        ago = (time.clock_gettime(time.CLOCK_BOOTTIME) - began) * 1e3
    except (OSError, AttributeError, IndexError, ValueError):
        return 0.0
    return min(max(ago, 0.0), MAX_START_MS)
