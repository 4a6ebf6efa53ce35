"""How labels came for a version lately, from the hours that were joined: whether labels can decide a rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop import clock
from modelloop.aws.monitoring import joined_days
from modelloop.contracts.counts import branch
from modelloop.monitoring import windows
from modelloop.monitoring.quality.outcomes import labelled_rows
from modelloop.rollout.judge import MIN_ROWS
from modelloop.rollout.trials import SUPPLY_DAYS

if TYPE_CHECKING:
    from modelloop.aws.storage import Bucket


def read(artifacts: Bucket, model: str, version: int, now: str) -> int:
    """Return the labelled rows of a version of the last 30 days, counted until it is known that there are 200."""
    rows = 0
    end = clock.hour_of(now)
    for _, joined in joined_days.newest_first(artifacts, model, windows.shift(end, -SUPPLY_DAYS * 24), end):
        rows += labelled_rows(branch(branch(joined, "versions"), str(version)))
        if rows >= MIN_ROWS:
            break
    return rows
