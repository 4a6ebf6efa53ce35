"""The baseline of a version: how its training part is distributed over the bins that live traffic is counted in."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from modelloop.errors import ArtifactRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT_VERSION = 1
_OPTIONAL = ("moments", "hours", "season", "season_shift", "informational")


@dataclass(frozen=True, slots=True)
class Moments:
    """Figures of a number column, for people; None where no value is present or the figure is not finite."""

    min: float | None
    max: float | None
    mean: float | None
    sum: float | None
    deviation: float | None
    whole: bool | None


@dataclass(frozen=True, slots=True)
class BaselineColumn:
    """One column, or the version's predictions: its bins and the training rows in each.

    Number and date columns have `edges`: bin i holds edges[i - 1] < value <= edges[i], so there is one bin more than
    edges. Text and boolean columns have `categories`, one bin each. `origin` is the ISO day that a date counts from.
    `missing` and `unseen` rows are in no bin.

    Baselines of tables that are ordered in time have, beside it: `hours`, the counts by hour of day (UTC), each with
    missing and unseen last; `season`, the largest distance that the season alone makes; `season_shift`, the same for
    shifts of ranks (number and date columns); `informational`, whether the moment determines the column.
    """

    name: str
    kind: str
    edges: tuple[float, ...] | None
    categories: tuple[str, ...] | None
    origin: str | None
    counts: tuple[int, ...]
    missing: int
    unseen: int
    moments: Moments | None = None
    hours: tuple[tuple[int, ...], ...] | None = None
    season: float | None = None
    season_shift: float | None = None
    informational: bool | None = None

    @property
    def rows(self) -> int:
        """Return the number of training rows, missing and unseen ones too."""
        return sum(self.counts) + self.missing + self.unseen

    def to_json(self) -> dict[str, Any]:
        """Return the stored document; what the column does not have is left out."""
        document = asdict(self)
        for name in _OPTIONAL:
            if document[name] is None:
                del document[name]
        return document


@dataclass(frozen=True, slots=True)
class Baseline:
    """The columns that are watched, and the predictions; `rows` is the size of the training part."""

    rows: int
    columns: tuple[BaselineColumn, ...]
    prediction: BaselineColumn

    def column(self, name: str) -> BaselineColumn | None:
        """Return the watched column of that name, or None; `prediction` is not among them."""
        return next((column for column in self.columns if column.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Return the document that manifests carry."""
        return {
            "format_version": FORMAT_VERSION,
            "rows": self.rows,
            "columns": [column.to_json() for column in self.columns],
            "prediction": self.prediction.to_json(),
        }


def baseline_from_json(document: Mapping[str, Any]) -> Baseline:
    """Return a stored baseline; raise ArtifactRefusedError when it is none that this release reads."""
    version = document.get("format_version")
    if version != FORMAT_VERSION:
        raise ArtifactRefusedError(
            f"the baseline has format version {version!r}, and version {FORMAT_VERSION} can be read"
        )
    try:
        columns = tuple(map(column_from_json, document["columns"]))
        return Baseline(document["rows"], columns, column_from_json(document["prediction"]))
    except (KeyError, TypeError) as error:
        raise ArtifactRefusedError(f"the baseline is damaged: {error!r}") from error


def column_from_json(document: Mapping[str, Any]) -> BaselineColumn:
    """Return a stored column; raise KeyError or TypeError when a part is absent or of another type."""
    values = {name: document[name] for name in _COLUMN_FIELDS if name in document}
    for name in ("edges", "categories", "counts"):
        values[name] = None if values[name] is None else tuple(values[name])
    if "moments" in values:
        values["moments"] = Moments(**values["moments"])
    if "hours" in values:
        values["hours"] = tuple(map(tuple, values["hours"]))
    return BaselineColumn(**values)


_COLUMN_FIELDS = tuple(entry.name for entry in fields(BaselineColumn))
