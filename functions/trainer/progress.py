"""How far a run has come, written where people look."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelloop.aws.registry import Registry
    from modelloop.run import Run

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

    def reach(self, stage: str, share: float = 0.0) -> None:
        """Write the stage, and the share of it that is done, if that is news."""
        following = [percent for percent in PERCENT.values() if percent > PERCENT[stage]]
        end = following[0] if following else PERCENT[stage]
        percent = PERCENT[stage] + int(share * (end - PERCENT[stage]))
        if percent != self._percent:
            self._percent = percent
            self._registry.update_run(self._run.model, self._run.run_id, stage=stage, percent=percent)
