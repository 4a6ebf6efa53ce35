"""What a training part told of cycles: which it has seen come back, and what each phase of them makes of a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelloop.json_types import JsonValue


@dataclass(frozen=True, slots=True)
class CyclesSeen:
    """The cycles (day, week, month, year) that the training part saw at least twice, and those that it did not."""

    known: tuple[str, ...]
    unknown: tuple[str, ...]

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document."""
        return {"known": list(self.known), "unknown": list(self.unknown)}


@dataclass(frozen=True, slots=True)
class Phasing:
    """One division of a cycle, by its name in `drift.calendar`: rows and factors of every phase.

    `factors` has one list a phase, a factor for each bin as `comparison.histograms` draws it: how much commoner the bin
    is in this phase than in the whole. Phases that are not told apart have the same
    factors and no rows.
    """

    name: str
    rows: tuple[int, ...]
    factors: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Cycles:
    """What a column is like at a moment: the shares `base` of its bins times the factors of the moment's phases."""

    base: tuple[float, ...]
    phasings: tuple[Phasing, ...]

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document."""
        return {
            "base": list(self.base),
            "phasings": [
                {"name": one.name, "rows": list(one.rows), "factors": [list(factors) for factors in one.factors]}
                for one in self.phasings
            ],
        }


def cycles_seen_from_json(document: Any) -> CyclesSeen | None:
    """Return what a document says of cycles that were seen, None for none."""
    return None if document is None else CyclesSeen(tuple(document["known"]), tuple(document["unknown"]))


def cycles_from_json(document: Any) -> Cycles | None:
    """Return the cycles of a column's document, None for none."""
    if document is None:
        return None
    phasings = (
        Phasing(one["name"], tuple(one["rows"]), tuple(tuple(factors) for factors in one["factors"]))
        for one in document["phasings"]
    )
    return Cycles(tuple(document["base"]), tuple(phasings))
