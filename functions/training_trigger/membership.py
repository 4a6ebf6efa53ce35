"""The split in SQL: the twin of modelloop.tables.split over the table `cells`, and the table `sides` beside it."""

from __future__ import annotations

# ruff: noqa: S608  in this SQL columns are named c<number> and every text goes through literal()
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelloop.errors import DatasetRejectedError
from modelloop.tables import split
from training_trigger.reading.cells import literal, value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

    from modelloop.spec.model import Spec
    from training_trigger.profile import Facts

REPEATED = 0.5
CONTENT, OCCURRENCE = "content", "content and occurrence"


@dataclass(frozen=True, slots=True)
class Membership:
    """`sides` is uint8 per row; `times` (with a time column) float64 seconds or numbers, NaN when missing."""

    sides: NDArray[np.uint8]
    document: dict[str, Any]
    times: NDArray[np.float64] | None = None
    warnings: tuple[str, ...] = ()


def assign(
    connection: DuckDBPyConnection,
    model: str,
    spec: Spec,
    names: Sequence[str],
    facts: Sequence[Facts],
    identity: Sequence[int],
    before: Mapping[str, Any] | None = None,
) -> Membership:
    """Return the side of every row. `identity` are the places of the columns whose cells make a row's content.

    `before` is how the champion's rows were divided: while its columns are there, they decide again, so that rows stay
    on their sides when columns are added or ignored.
    """
    if spec.time_column:
        return _by_time(connection, spec, names.index(spec.time_column), facts)
    salt = split.salt(model)
    if spec.group_column:
        place = names.index(spec.group_column)
        identity = [place]
        kind, places = "group", _places(connection, salt, f"coalesce({_canonical(place, facts[place])}, '')")
    else:
        known = _as_before(before or {}, names, facts)
        identity = identity if known is None else known
        text = _content(names, facts, identity)
        kind, places = CONTENT, _places(connection, salt, text)
        if _repeats(places) if known is None or before is None else before["kind"] == OCCURRENCE:
            counted = f"concat({text}, row_number() OVER (PARTITION BY {text} ORDER BY rowid))"
            kind, places = OCCURRENCE, _places(connection, salt, counted)
    sides = np.where(places < split.validation_edge(spec.holdout), split.VALIDATION, split.TRAIN).astype(np.uint8)
    sides[places < spec.holdout] = split.HOLDOUT
    read_as = {names[place]: facts[place].kind for place in identity}
    document = {"kind": kind, "column": spec.group_column, "holdout": spec.holdout, "salt": salt}
    rule = split.rule(**document, columns=read_as, missing=sorted(spec.missing))
    return Membership(sides, document | {"columns": read_as, "rule": rule})


def _as_before(before: Mapping[str, Any], names: Sequence[str], facts: Sequence[Facts]) -> list[int] | None:
    """Return the places of the columns that made rows what they were; None when these are not what they were."""
    columns = before.get("columns")
    if columns is None or before.get("kind") not in {CONTENT, OCCURRENCE}:
        return None
    places = [place for place, name in enumerate(names) if columns.get(name) == facts[place].kind]
    return places if len(places) == len(columns) else None


def check_sides(sides: NDArray[np.uint8], target: NDArray[Any], classes: Sequence[object] | None) -> None:
    """Raise DatasetRejectedError when a side is empty or a class is absent from the training part."""
    for side, name in ((split.TRAIN, "training"), (split.VALIDATION, "validation"), (split.HOLDOUT, "holdout")):
        if not (sides == side).any():
            raise DatasetRejectedError(
                f"the {name} part would be empty: too few different rows, groups or times to split the table by"
            )
    if classes is not None:
        trained = set(np.unique(target[sides == split.TRAIN]).tolist())
        absent = [repr(label) for code, label in enumerate(classes) if code not in trained]
        if absent:
            raise DatasetRejectedError(
                f"no row of class {', '.join(absent[:8])} falls into the training part: add rows of it from "
                "other groups or times, or set `rare_classes: drop` and give fewer labels"
            )


def store_sides(connection: DuckDBPyConnection, sides: NDArray[np.uint8]) -> None:
    """Make the table `sides`, to be joined by position with `cells`."""
    connection.register("sides_view", {"side": sides})
    connection.execute("CREATE OR REPLACE TABLE sides AS SELECT side FROM sides_view")
    connection.unregister("sides_view")


def _by_time(connection: DuckDBPyConnection, spec: Spec, place: int, facts: Sequence[Facts]) -> Membership:
    kind = facts[place].kind
    if kind not in ("number", "date"):
        raise spec.refuse("time_column", f"time_column {spec.time_column!r} must hold ISO dates or numbers, not {kind}")
    moment = f"as_seconds(c{place})" if kind == "date" else value(place, kind)
    fetched = connection.execute(f"SELECT coalesce({moment}::DOUBLE, 'nan'::DOUBLE) AS t FROM cells").fetchnumpy()["t"]
    times = np.asarray(fetched, np.float64)
    sides = split.by_time(times, spec.holdout)
    trained = times[sides == split.TRAIN]
    until = float(np.nanmax(trained)) if len(trained) and not np.isnan(trained).all() else None
    document = {
        "kind": "time", "column": spec.time_column, "time_kind": kind, "holdout": spec.holdout, "train_until": until,
        "last": float(np.nanmax(times)) if not np.isnan(times).all() else None,
        "rule": split.rule(kind="time", column=spec.time_column, time_kind=kind),
    }  # fmt: skip
    missing = int(np.isnan(times).sum())
    warned = (f"{missing:,} rows have no {spec.time_column!r}: they were put with the oldest",) if missing else ()
    return Membership(sides, document, times, warned)


def _content(names: Sequence[str], facts: Sequence[Facts], identity: Sequence[int]) -> str:
    end = literal(split.FIELD_MARK)
    parts = [
        f"{literal(names[place] + split.VALUE_MARK)} || {_canonical(place, facts[place])} || {end}"
        for place in sorted(identity, key=lambda place: names[place])
    ]
    return f"concat({', '.join(parts)})"


def _canonical(place: int, facts: Facts) -> str:
    return f"{value(place, facts.kind)}::VARCHAR" if facts.kind == "number" else f"c{place}"


def _places(connection: DuckDBPyConnection, salt: str, text: str) -> NDArray[np.float64]:
    """Return the place in [0, 1) of every row, by the hash of its text."""
    digest = f"sha256(concat({literal(salt)}, chr(10), {text}))"
    place = f"('0x' || left({digest}, {split.HASH_DIGITS}))::UBIGINT / {16**split.HASH_DIGITS}.0::DOUBLE"
    fetched = connection.execute(f"SELECT rowid AS r, {place} AS p FROM cells ORDER BY rowid").fetchnumpy()["p"]
    return np.asarray(fetched, np.float64)


def _repeats(places: NDArray[np.float64]) -> bool:
    """Tell whether most rows have the content of another. Of a million others, about a hundred share a place."""
    return len(np.unique(places)) < REPEATED * len(places)
