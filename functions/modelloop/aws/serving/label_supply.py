"""How labels came for a version lately, from the hours that were joined: whether labels can decide a rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop import clock, keys
from modelloop.aws.monitoring import joined_days
from modelloop.contracts.counts import branch
from modelloop.monitoring import windows
from modelloop.monitoring.quality.outcomes import labelled_rows
from modelloop.rollout.judge import MIN_ROWS
from modelloop.rollout.trials import SUPPLY_DAYS

if TYPE_CHECKING:
    from modelloop.aws.storage import Bucket


def read(artifacts: Bucket, model: str, version: int, now: str) -> int:
    """Return the labelled rows of a version of the last 30 days, counted until it is known that there are 200.

    It only reads: the trainer, which asks, may not write what verdicts are made of.
    """
    prefix, days = keys.quality_prefix(model), keys.quality_days_prefix(model)
    start = prefix + windows.shift(clock.hour_of(now), -SUPPLY_DAYS * 24)
    hours = [key for key in artifacts.list_keys(prefix, start_after=start) if not key.startswith(days)]
    rows = 0
    for key in reversed(hours):
        joined, _ = joined_days.read_hour(artifacts, key)
        rows += labelled_rows(branch(branch(joined or {}, "versions"), str(version)))
        if rows >= MIN_ROWS:
            break
    return rows
