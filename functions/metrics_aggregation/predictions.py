"""Prediction records as columns, which are checked a column at a time: the same checks as one by one, in less time."""

from __future__ import annotations

from collections import defaultdict
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from metrics_aggregation.lines import Refused
from metrics_aggregation.records import FORMAT_VERSION, LONGEST_MS, TYPES, hours_of, is_model, is_rollout
from modelloop.contracts.pointer import VARIANTS
from modelloop.monitoring.summary import SummaryKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CHECKED = tuple(TYPES["prediction"].values())
FIELDS = (*TYPES["prediction"], "overhead_ms", "cold")
_TAKE = itemgetter("format_version", "kind", *FIELDS)


class Group(NamedTuple):
    """Which records are counted together: those of one summary key that name the same run."""

    key: SummaryKey
    run_id: str


class Predictions(NamedTuple):
    """Prediction records as columns, one value a record; `hour` is the id's."""

    line: Sequence[int]
    text: Sequence[bytes]
    hour: Sequence[str]
    id: Sequence[str]
    offset: Sequence[int]
    model: Sequence[str]
    version: Sequence[int]
    run_id: Sequence[str]
    variant: Sequence[str]
    rollout: Sequence[str | None]
    rows: Sequence[int]
    columns: Sequence[dict[str, Any] | None]
    predict: Sequence[list[Any]]
    proba: Sequence[list[Any] | None]
    latency_ms: Sequence[float]
    overhead_ms: Sequence[Any]
    cold: Sequence[Any]

    def pick(self, positions: Sequence[int]) -> Predictions:
        """Return the records at some positions."""
        return Predictions._make([column[at] for at in positions] for column in self)

    def halves(self) -> Iterator[Predictions]:
        """Yield the first and the second half."""
        middle = len(self.id) // 2
        for half in (slice(middle), slice(middle, None)):
            yield Predictions._make(column[half] for column in self)

    def groups(self) -> Iterator[tuple[Group, Predictions]]:
        """Yield every group with its records."""
        found = list(zip(self.run_id, self.model, self.hour, self.version, self.variant, self.rollout, strict=True))
        if len(set(found)) == 1:
            yield _group(*found[0]), self
            return
        places: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for at, group in enumerate(found):
            places[group].append(at)
        for group, some in places.items():
            yield _group(*group), self.pick(some)

    def refused(self, reason: str, kind: str) -> Iterator[Refused]:
        """Yield all records as refused."""
        for line, text, model in zip(self.line, self.text, self.model, strict=True):
            yield Refused(line, reason, text, kind, model)


def together(line: Sequence[int], text: Sequence[bytes], records: Sequence[Any]) -> Predictions | None:
    """Return records as columns; None when there are none, or one of them is not a prediction with every field."""
    try:
        formats, kinds, *taken = zip(*map(_TAKE, records), strict=True)
    except (KeyError, TypeError, ValueError):
        return None
    if formats.count(FORMAT_VERSION) < len(text) or kinds.count("prediction") < len(text) or not _typed(taken):
        return None
    hours = hours_of(taken[0])
    if hours is None:
        return None
    predictions = Predictions(line, text, hours, *taken)
    return predictions if _in_bounds(predictions) else None


def _group(run_id: str, model: str, hour: str, version: int, variant: str, rollout: str | None) -> Group:
    return Group(SummaryKey(model, hour, version, variant, rollout or ""), run_id)


def _typed(taken: Sequence[tuple[Any, ...]]) -> bool:
    return all(types.issuperset(map(type, column)) for types, column in zip(_CHECKED, taken, strict=False))


def _in_bounds(found: Predictions) -> bool:
    """Say whether no record has a fault that `records.fault` would find in its scalars."""
    return (
        VARIANTS.issuperset(found.variant)
        and min(found.rows) >= 0
        and min(found.offset) >= 0
        and min(found.version) >= 1
        and min(found.latency_ms) >= 0
        and max(found.latency_ms) <= LONGEST_MS
        and all(map(is_model, set(found.model)))
        and all(map(is_rollout, set(found.rollout)))
    )
