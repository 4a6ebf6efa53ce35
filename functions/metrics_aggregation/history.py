"""What a model's loop did since the last tick, from runs and audit log, added to its totals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop.contracts.loop_state import ActivityTotals
from modelloop.ids import uuid7_ms
from modelloop.monitoring import activity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelloop.aws.registry.registry import Registry
    from modelloop.aws.registry.table import Page

PAGE = 100


def keep(registry: Registry, model: str, now: str) -> None:
    """Store the next totals of what was done, when something was."""
    previous = registry.get_state(ActivityTotals, model)
    since = activity.through(previous)
    runs = list(_newer(registry.list_runs, model, since, lambda run: run.run_id))
    entries = _newer(registry.list_audit, model, since, lambda entry: entry.id)
    totals = activity.totals(previous, runs, entries, model=model, now=now)
    if previous is None or (totals.totals, totals.open) != (previous.totals, previous.open):
        registry.put_state(totals)


def _newer[Entry](
    pages: Callable[..., Page[Entry]], model: str, since: int, identify: Callable[[Entry], str]
) -> Iterator[Entry]:
    """Yield what was made after a moment, newest first, page by page."""
    token = None
    while True:
        page = pages(model, limit=PAGE, next=token)
        for entry in page.items:
            if (uuid7_ms(identify(entry)) or 0) <= since:
                return
            yield entry
        token = page.next
        if token is None:
            return
