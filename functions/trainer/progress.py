"""How far a run has come, and what it has taken, written where people look."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelloop.aws.registry.registry import Registry
    from modelloop.versions.run import Run

PERCENT = {
    "splitting": 25, "fitting": 30, "evaluating": 70, "exporting": 80, "replaying": 85, "registering": 92,
    "publishing": 96, "done": 100,
}  # fmt: skip


class Progress:
    """The stage and percent of one run; a share moves the percent towards the next stage."""

    def __init__(self, registry: Registry, run: Run) -> None:
        self._registry = registry
        self._run = run
        self._percent = 0
        self._started = time.monotonic()

    def reach(self, stage: str, share: float = 0.0) -> None:
        """Write the stage, and the share of it that is done, if that is news."""
        following = [percent for percent in PERCENT.values() if percent > PERCENT[stage]]
        end = following[0] if following else PERCENT[stage]
        percent = PERCENT[stage] + int(share * (end - PERCENT[stage]))
        if percent != self._percent:
            self._percent = percent
            self._registry.update_run(self._run.model, self._run.run_id, stage=stage, percent=percent)

    def spent(self) -> dict[str, int | None]:
        """Return seconds since the run was taken, and MB of memory at the peak, to be held against the plan."""
        return {"seconds": round(time.monotonic() - self._started), "memory_mb": peak_mb()}


def peak_mb(status: Path = Path("/proc/self/status")) -> int | None:
    """Return the most memory that this process has held, earlier runs included; None where no kernel tells."""
    lines = status.read_text().splitlines() if status.exists() else []
    kilobytes = next((line.split()[1] for line in lines if line.startswith("VmHWM:")), None)
    return None if kilobytes is None else round(int(kilobytes) * 1024 / 1e6)
