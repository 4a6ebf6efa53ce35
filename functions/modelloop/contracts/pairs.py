"""How a version's columns went together in training: rows counted by pairs of columns, in a few bins of each.

It is a part of the baseline. Live rows are counted in the same bins, so their counts add up like all the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from modelloop.json_types import JsonValue

MAX_COLUMNS = 12  # beside the prediction
MAX_GROUPS = 6
PREDICTION_SHOWN = "(prediction)"  # a feature may be called prediction too


@dataclass(frozen=True, slots=True)
class PairedColumn:
    """A column whose pairs are counted: a feature by its name, or the version's predictions.

    `groups` has, for every bin of the column in the baseline, then for missing and for unseen, which of its at most six
    bins of pairs it belongs to.
    """

    name: str
    groups: tuple[int, ...]
    is_prediction: bool = False

    @property
    def size(self) -> int:
        """Return how many bins of pairs it has."""
        return max(self.groups) + 1

    @property
    def shown(self) -> str:
        """Return what people read."""
        return PREDICTION_SHOWN if self.is_prediction else self.name

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document."""
        answers: dict[str, JsonValue] = {"prediction": True} if self.is_prediction else {}
        return {"name": self.name, "groups": list(self.groups), **answers}


class Pair(NamedTuple):
    """Two columns, by their places among the paired ones, and where their cells lie among the counts."""

    first: int
    second: int
    cells: slice


@dataclass(frozen=True, slots=True)
class Pairs:
    """The training part by pairs of columns.

    `counts` has the cells of every pair (a, b), in the order of `combinations`: the bins of a one after the other, each
    with all bins of b. `seasons`, one a pair, are how far past times of a training part that is ordered in time were
    apart from the whole; None where there is no order.
    """

    columns: tuple[PairedColumn, ...]
    counts: tuple[int, ...]
    seasons: tuple[float, ...] | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document; what is not known is left out."""
        columns: list[JsonValue] = [column.to_json() for column in self.columns]
        seasons: dict[str, JsonValue] = {} if self.seasons is None else {"seasons": list(self.seasons)}
        return {"columns": columns, "counts": list(self.counts), **seasons}


def pairs_of(columns: Sequence[PairedColumn]) -> Iterator[Pair]:
    """Yield every pair of the columns, in the order of the counts."""
    start = 0
    for first, second in combinations(range(len(columns)), 2):
        end = start + columns[first].size * columns[second].size
        yield Pair(first, second, slice(start, end))
        start = end


def cells_of(columns: Sequence[PairedColumn]) -> int:
    """Return how many numbers the counts of all pairs are."""
    return max((pair.cells.stop for pair in pairs_of(columns)), default=0)


def pairs_from_json(document: Any) -> Pairs:
    """Return stored pairs; raise KeyError, TypeError or ValueError when they are damaged."""
    columns = tuple(
        PairedColumn(column["name"], tuple(column["groups"]), column.get("prediction", False))
        for column in document["columns"]
    )
    counts, seasons = tuple(document["counts"]), document.get("seasons")
    if len(counts) != cells_of(columns):
        raise ValueError("pairs of columns are counted in other bins than the columns have")
    return Pairs(columns, counts, None if seasons is None else tuple(seasons))
