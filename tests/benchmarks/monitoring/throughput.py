"""Rows a second and peak memory of aggregating 128 MB objects: one process alone, and two at once.

Two cores mean two objects side by side: that is how the queue spreads objects over environments.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from statistics import median
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Took:
    """One process's object: rows, wall and processor seconds, peak and stored megabytes, refused lines."""

    rows: int
    seconds: float
    cpu: float
    peak: float
    stored: float
    refused: int


@dataclass(frozen=True, slots=True)
class Throughput:
    """Rounds of aggregating an object, by as many processes at once as a round has entries."""

    rounds: Sequence[Sequence[Took]]

    @property
    def rates(self) -> list[float]:
        """Rows a second of each round, over all its processes."""
        return [sum(one.rows / one.seconds for one in took) for took in self.rounds]

    @property
    def typical(self) -> float:
        return median(self.rates)

    @property
    def by_processor(self) -> float:
        """Rows a processor second: what to compare with another way to count."""
        return median(one.rows / one.cpu for took in self.rounds for one in took)

    @property
    def peak(self) -> float:
        """Megabytes that the largest process took."""
        return max(one.peak for took in self.rounds for one in took)

    @property
    def slowest(self) -> float:
        """Seconds that the slowest object took."""
        return max(one.seconds for took in self.rounds for one in took)


def measure(path: Path, processes: int, rounds: int = ROUNDS) -> Throughput:
    """Aggregate the object in so many processes at once, several times."""
    return Throughput([_round(path, processes) for _ in range(rounds)])


def _round(path: Path, processes: int) -> list[Took]:
    """Start all processes, let them go when the last one is ready, and return what each took."""
    command = [sys.executable, "-m", "tests.benchmarks.monitoring.worker", str(path)]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    pipes = [(_pipe(process.stdin), _pipe(process.stdout)) for process in running]
    for _, told in pipes:
        assert told.readline() == "ready\n"
    for asked, _ in pipes:
        asked.write("go\n")
        asked.flush()
    found = [json.loads(told.readline()) for _, told in pipes]
    for process in running:
        process.communicate()
    return [Took(**one) for one in found]


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
