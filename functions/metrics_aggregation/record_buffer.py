"""Predictions wait for others of their group: to read a few takes nearly as long as to read a hundred."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from modelloop.captures.reader import Predictions
from modelloop.monitoring.summary import SummaryKey

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_ROWS = 32
MAX_BYTES = 16 << 20  # of lines: ten times that much in memory

type _GroupFields = tuple[str, str, str, int, str, str | None]


class Group(NamedTuple):
    """Which records are counted together: those of one summary key that name the same run."""

    key: SummaryKey
    run_id: str


class RecordBuffer:
    """Takes in records of any groups, and gives back those of one group together."""

    def __init__(self) -> None:
        self._waiting: dict[Group, list[Predictions]] = defaultdict(list)
        self._rows: dict[Group, int] = defaultdict(int)
        self._bytes = 0

    def add(self, predictions: Predictions) -> Iterator[tuple[Group, Predictions]]:
        """Take records in; yield the groups that have enough of them."""
        for group, records in _groups(predictions):
            self._waiting[group].append(records)
            self._rows[group] += sum(records.rows)
            if self._rows[group] >= MIN_ROWS:
                yield group, self._take(group)
            else:
                self._bytes += sum(map(len, records.text))
        if self._bytes >= MAX_BYTES:
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


def _groups(predictions: Predictions) -> Iterator[tuple[Group, Predictions]]:
    """Yield every group with its records."""
    fields = list(
        zip(
            predictions.run_id,
            predictions.model,
            predictions.hour,
            predictions.version,
            predictions.variant,
            predictions.rollout,
            strict=True,
        )
    )
    if len(set(fields)) == 1:
        yield _group(*fields[0]), predictions
        return
    positions: dict[_GroupFields, list[int]] = defaultdict(list)
    for at, group in enumerate(fields):
        positions[group].append(at)
    for group, some in positions.items():
        yield _group(*group), predictions.pick(some)


def _group(run_id: str, model: str, hour: str, version: int, variant: str, rollout: str | None) -> Group:
    return Group(SummaryKey(model, hour, version, variant, rollout or ""), run_id)
