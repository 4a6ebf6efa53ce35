"""The baseline of a version: how its training part was distributed, which live traffic is compared with.

It is a part of the manifest. A manifest whose version knows no training rows may carry none.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from modelloop.contracts.cycles import cycles_from_json, cycles_seen_from_json
from modelloop.contracts.reading import reading
from modelloop.versions.novelty import Novelty

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelloop.contracts.cycles import Cycles, CyclesSeen
    from modelloop.json_types import JsonValue

FORMAT_VERSION = 1
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Bins:
    """The bins of a column: inner `edges` for numbers and dates, `categories` for text and booleans; the other is None.

    Bin i of a number column holds edges[i - 1] < value <= edges[i].
    """

    edges: tuple[float, ...] | None
    categories: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Moments:
    """Figures of a number column; all None when it has no values, one alone when it is not finite.

    `whole`: every value is a whole number.
    """

    min: float | None
    max: float | None
    mean: float | None
    sum: float | None
    deviation: float | None
    whole: bool | None


@dataclass(frozen=True, slots=True)
class BaselineColumn:
    """One feature column, or the version's predictions, counted in bins: `counts` by bin, `missing` and `unseen` apart.

    `origin` is the day that counts as zero (dates). The rest is None where it is not known: `moments` of all but
    numbers; and of training parts that are not ordered in time `cycles` (what phases of day, week, month and year make
    of it, where they make something), `season` and `season_shift` (the largest distance and shift of ranks that the
    past shows beside them, and that is allowed for), `informational` (whether it is shown only, and never a reason for
    an alarm) and `novelty` (of texts). Older baselines have `hours` in place of cycles (counts by hour of day: 24 lists
    of the bins, then missing and unseen), and a season without a bound.
    """

    name: str
    kind: str
    bins: Bins
    origin: str | None
    counts: tuple[int, ...]
    missing: int
    unseen: int
    moments: Moments | None = None
    hours: tuple[tuple[int, ...], ...] | None = None
    season: float | None = None
    season_shift: float | None = None
    informational: bool | None = None
    cycles: Cycles | None = None
    novelty: Novelty | None = None

    @property
    def rows(self) -> int:
        """Return the rows that were counted."""
        return sum(self.counts) + self.missing + self.unseen

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document; what is not known of the column is left out."""
        optional = {
            "moments": None if self.moments is None else asdict(self.moments),
            "hours": None if self.hours is None else [list(counts) for counts in self.hours],
            "season": self.season,
            "season_shift": self.season_shift,
            "informational": self.informational,
            "cycles": None if self.cycles is None else self.cycles.to_json(),
            "novelty": None if self.novelty is None else asdict(self.novelty),
        }
        return {
            "name": self.name,
            "kind": self.kind,
            "edges": _list(self.bins.edges),
            "categories": _list(self.bins.categories),
            "origin": self.origin,
            "counts": list(self.counts),
            "missing": self.missing,
            "unseen": self.unseen,
            **{name: value for name, value in optional.items() if value is not None},
        }


@dataclass(frozen=True, slots=True)
class Baseline:
    """The distribution of a version's training part: its rows, its watched columns, and the version's predictions.

    `season` tells which cycles the training part has seen twice; None where its rows have no moments of a calendar.
    """

    rows: int
    columns: tuple[BaselineColumn, ...]
    prediction: BaselineColumn
    season: CyclesSeen | None = None

    def column(self, name: str) -> BaselineColumn | None:
        """Return the feature column of that name, or None when it is not watched."""
        return next((column for column in self.columns if column.name == name), None)

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document that the manifest carries."""
        return {
            "format_version": FORMAT_VERSION,
            "rows": self.rows,
            "columns": [column.to_json() for column in self.columns],
            "prediction": self.prediction.to_json(),
            **({} if self.season is None else {"season": self.season.to_json()}),
        }


def baseline_from_json(document: Any) -> Baseline:
    """Read a stored baseline; raise ArtifactRefusedError when it is not one, or of another format version."""
    with reading("baseline", document, FORMAT_VERSION):
        columns = tuple(_column(column) for column in document["columns"])
        season = cycles_seen_from_json(document.get("season"))
        return Baseline(document["rows"], columns, _column(document["prediction"]), season=season)


def _column(document: Any) -> BaselineColumn:
    moments, hours, novelty = (document.get(name) for name in ("moments", "hours", "novelty"))
    return BaselineColumn(
        name=document["name"],
        kind=document["kind"],
        bins=Bins(_tuple(document["edges"]), _tuple(document["categories"])),
        origin=document["origin"],
        counts=tuple(document["counts"]),
        missing=document["missing"],
        unseen=document["unseen"],
        moments=None if moments is None else Moments(**moments),
        hours=None if hours is None else tuple(tuple(counts) for counts in hours),
        season=document.get("season"),
        season_shift=document.get("season_shift"),
        informational=document.get("informational"),
        cycles=cycles_from_json(document.get("cycles")),
        novelty=None if novelty is None else Novelty(**novelty),
    )


def _tuple(values: Iterable[Value] | None) -> tuple[Value, ...] | None:
    return None if values is None else tuple(values)


def _list(values: Iterable[Value] | None) -> list[Value] | None:
    return None if values is None else list(values)
