"""Predictions wait for others of their group: to read a few takes nearly as long as to read a hundred."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING

from metrics_aggregation.predictions import Predictions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrics_aggregation.predictions import Group

ENOUGH_ROWS = 32
MOST_BYTES = 16 << 20  # of lines: ten times that much in memory


class Gathering:
    """Takes in records of any groups, and gives back those of one group together."""

    def __init__(self) -> None:
        self._waiting: dict[Group, list[Predictions]] = defaultdict(list)
        self._rows: dict[Group, int] = defaultdict(int)
        self._bytes = 0

    def add(self, found: Predictions) -> Iterator[tuple[Group, Predictions]]:
        """Take records in; yield the groups that have enough of them."""
        for group, records in found.groups():
            self._waiting[group].append(records)
            self._rows[group] += sum(records.rows)
            if self._rows[group] >= ENOUGH_ROWS:
                yield group, self._take(group)
            else:
                self._bytes += sum(map(len, records.text))
        if self._bytes >= MOST_BYTES:
            yield from self.rest()

    def rest(self) -> Iterator[tuple[Group, Predictions]]:
        """Yield every group that is left."""
        for group in list(self._waiting):
            yield group, self._take(group)
        self._bytes = 0

    def _take(self, group: Group) -> Predictions:
        del self._rows[group]
        first, *others = self._waiting.pop(group)
        if not others:
            return first
        return Predictions._make(list(chain.from_iterable(column)) for column in zip(first, *others, strict=True))
