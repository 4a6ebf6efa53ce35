"""What every part of the registry shares: one table, one partition a model, pages of what is newest."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from modelloop import clock
from modelloop.aws.registry.table import Page, Table
from modelloop.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelloop.aws.registry.table import Item

PAGE = 20
Entry = TypeVar("Entry")


class Records:
    """The base of the registry's parts; `now` tells the time."""

    def __init__(self, table_name: str, now: Callable[[], str] = clock.now) -> None:
        self._table = Table(table_name)
        self._now = now

    def _find(self, model: str, sort_key: str, what: str) -> Item:
        item = self._table.get(model_key(model), sort_key)
        if item is None:
            raise NotFoundError(f"there is no {what}")
        return item

    def _newest(
        self, model: str, prefix: str, limit: int, start: str | None, read: Callable[[Item], Entry]
    ) -> Page[Entry]:
        page = self._table.page(model_key(model), prefix, limit=limit, start=start, newest_first=True)
        return Page([read(item) for item in page.items], page.next)


def model_key(model: str) -> str:
    """Return the partition key of all that belongs to a model."""
    return f"MODEL#{model}"
