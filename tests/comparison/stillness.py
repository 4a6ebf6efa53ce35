"""A process in which nothing is left to chance: time moves when it is told to, random bytes follow from a name.

Both are replaced at the level of the standard library and before anything of the product is imported, so that it does
not matter which module of the product asks, nor how often.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from hashlib import shake_256

NANOSECONDS = 1_000_000_000
START_NS = 1_740_992_400 * NANOSECONDS  # 2025-03-03T09:00:00Z, before any clock that compares with it
MONOTONIC_NS = 1_000 * NANOSECONDS

PINNED = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
}  # of the recording process: one thread, and the same kernels on every x86-64 machine with AVX2


class Stillness:
    """The clock and the chance of this process."""

    def __init__(self) -> None:
        self._passed = 0
        self._seed = ""
        self._drawn: Counter[int] = Counter()

    def install(self) -> None:
        """Replace the clocks and the random bytes of the standard library for the rest of the process."""
        for name, start in (("time", START_NS), ("monotonic", MONOTONIC_NS), ("perf_counter", MONOTONIC_NS)):
            self._replace(name, start)
        time.clock_gettime = lambda _clock: 0.0  # how long ago the process began would count as start-up
        os.urandom = self._draw

    def _replace(self, name: str, start: int) -> None:
        def in_seconds() -> float:
            return (start + self._passed) / NANOSECONDS

        def in_nanoseconds() -> int:
            return start + self._passed

        setattr(time, name, in_seconds)
        setattr(time, f"{name}_ns", in_nanoseconds)

    def _draw(self, size: int) -> bytes:
        """Return bytes that depend on the seed and on how often that many were drawn since, and on nothing else."""
        self._drawn[size] += 1
        return shake_256(f"{self._seed}/{size}/{self._drawn[size]}".encode()).digest(size)

    def sow(self, seed: str) -> None:
        """Begin the random bytes anew: what one step draws does not move what the next one does."""
        self._seed = seed
        self._drawn.clear()

    def pass_seconds(self, seconds: float) -> None:
        """Move every clock on."""
        self._passed += int(seconds * NANOSECONDS)

    @property
    def now_ms(self) -> int:
        """The Unix milliseconds of this moment."""
        return (START_NS + self._passed) // 1_000_000
