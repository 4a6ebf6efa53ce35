"""What a model's loop did since the last look, from runs and audit log, added to its totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelloop.ids import uuid7_ms
from modelloop.monitoring import activity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelloop.aws.registry.registry import Registry
    from modelloop.aws.registry.table import Page

PAGE = 100


def keep(registry: Registry, model: str, now: str) -> None:
    """Store the next totals of what was done, when something was."""
    previous = registry.latest_verdict(model, "activity")
    since = activity.through(previous)
    runs = list(_newer(registry.list_runs, model, since, lambda run: run.run_id))
    entries = _newer(registry.list_audit, model, since, lambda entry: entry["id"])
    found = activity.totals(previous, runs, entries, model=model, now=now)
    if previous is None or any(found[name] != previous[name] for name in ("totals", "open")):
        registry.put_verdict(model, "activity", found)


def _newer(pages: Callable[..., Page], model: str, since: int, named: Callable[[Any], str]) -> Iterator[Any]:
    """Yield what was made after a moment, newest first, page by page."""
    token = None
    while True:
        page = pages(model, limit=PAGE, next=token)
        for one in page.items:
            if (uuid7_ms(named(one)) or 0) <= since:
                return
            yield one
        token = page.next
        if token is None:
            return
