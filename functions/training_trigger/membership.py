"""The split in SQL: modelloop.tables.split over the table `cells`, and the table `sides` beside it."""

from __future__ import annotations

# ruff: noqa: S608  in this SQL columns are named c<number> and every text goes through literal()
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelloop.errors import DatasetRejectedError
from modelloop.tables import split
from modelloop.tables.split import CONTENT, GROUP, OCCURRENCE, TIME, Split
from training_trigger.founding import canonical
from training_trigger.profile import rows_have
from training_trigger.reading.cells import literal, value

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

    from modelloop.spec.model import Spec
    from modelloop.versions.prepared_table import Label
    from training_trigger.founding import ChampionSplit
    from training_trigger.profile import Facts

    type TargetValues = NDArray[np.int32] | NDArray[np.float64]

REPEATED = 0.5


@dataclass(frozen=True, slots=True)
class Membership:
    """`sides` is uint8 per row; `times` (with a time column) float64 seconds or numbers, NaN when missing."""

    sides: NDArray[np.uint8]
    split: Split
    times: NDArray[np.float64] | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Founding:
    """How the cells that divide rows are read: by these missing tokens, with what was `kept` of columns c<number>.

    `champion` is how the champion's rows were divided, None without one.
    """

    missing: tuple[str, ...]
    kept: Collection[int] = frozenset()
    champion: ChampionSplit | None = None


def assign(
    connection: DuckDBPyConnection,
    model: str,
    spec: Spec,
    names: Sequence[str],
    facts: Sequence[Facts],
    identity: Sequence[int],
    founding: Founding,
) -> Membership:
    """Return the side of every row. `identity` are the places of the columns whose cells make a row's content.

    While the columns that divided the champion's rows are there, they decide again by their kinds of then, so that rows
    stay on their sides when columns are added, ignored or read otherwise.
    """
    if spec.time_column:
        return _by_time(connection, spec.time_column, spec, names.index(spec.time_column), facts)
    salt, champion = split.salt(model), founding.champion
    same = None if champion is None else _columns_of(champion, names, spec.group_column)
    columns = same or {names[place]: facts[place].kind for place in identity}
    if spec.group_column:
        place = names.index(spec.group_column)
        columns = same or {spec.group_column: facts[place].kind}
        text = canonical(place, columns[spec.group_column], founding.kept)
        kind, places = GROUP, _places(connection, salt, f"coalesce({text}, '')")
    else:
        text = _content(names, columns, founding.kept)
        kind, places = CONTENT, _places(connection, salt, text)
        if _repeats(places) if champion is None or same is None else champion.kind == OCCURRENCE:
            counted = f"concat({text}, row_number() OVER (PARTITION BY {text} ORDER BY rowid))"
            kind, places = OCCURRENCE, _places(connection, salt, counted)
    sides = np.where(places < split.validation_edge(spec.holdout), split.VALIDATION, split.TRAIN).astype(np.uint8)
    sides[places < spec.holdout] = split.HOLDOUT
    rule = split.hash_rule(kind, spec.group_column, spec.holdout, salt, columns, founding.missing)
    divided = Split(
        kind, spec.group_column, holdout=spec.holdout, salt=salt, columns=columns, rule=rule, missing=founding.missing
    )
    return Membership(sides, divided)


def _columns_of(champion: ChampionSplit, names: Sequence[str], group: str | None) -> dict[str, str] | None:
    """Return the columns that divided the champion's rows, with their kinds; None when some are gone or others asked.

    A column may be read as another kind now: its text still divides as it did.
    """
    kinds = {CONTENT, OCCURRENCE} if group is None else {GROUP}
    if not champion.columns or champion.kind not in kinds or champion.column != group:
        return None
    return dict(champion.columns) if set(champion.columns) <= set(names) else None


def check_sides(sides: NDArray[np.uint8], target: TargetValues, classes: Sequence[Label] | None) -> None:
    """Raise DatasetRejectedError when a side is empty or a class is absent from the training part."""
    for side, name in ((split.TRAIN, "training"), (split.VALIDATION, "validation"), (split.HOLDOUT, "holdout")):
        if not (sides == side).any():
            raise DatasetRejectedError(
                f"the {name} part would be empty: the table has too few different rows, groups or times to be split"
            )
    if classes is not None:
        trained = set(np.unique(target[sides == split.TRAIN]).tolist())
        absent = [repr(label) for code, label in enumerate(classes) if code not in trained]
        if absent:
            raise DatasetRejectedError(
                f"no row of class {', '.join(absent[:8])} is in the training part: add rows of it from "
                "other groups or times, or set `rare_classes: drop` and give fewer labels"
            )


def store_sides(connection: DuckDBPyConnection, sides: NDArray[np.uint8]) -> None:
    """Make the table `sides`, to be joined by position with `cells`."""
    connection.register("sides_view", {"side": sides})
    connection.execute("CREATE OR REPLACE TABLE sides AS SELECT side FROM sides_view")
    connection.unregister("sides_view")


def _by_time(connection: DuckDBPyConnection, column: str, spec: Spec, place: int, facts: Sequence[Facts]) -> Membership:
    kind = "number" if facts[place].merged else facts[place].kind
    if kind not in ("number", "date"):
        raise spec.refuse("time_column", f"time_column {column!r} must hold ISO dates or numbers, not {kind}")
    moment = f"as_seconds(c{place})" if kind == "date" else value(place, kind)
    fetched = connection.execute(f"SELECT coalesce({moment}::DOUBLE, 'nan'::DOUBLE) AS t FROM cells").fetchnumpy()["t"]
    times = np.asarray(fetched, np.float64)
    sides = split.by_time(times, spec.holdout)
    trained = times[sides == split.TRAIN]
    until = float(np.nanmax(trained)) if len(trained) and not np.isnan(trained).all() else None
    last = float(np.nanmax(times)) if not np.isnan(times).all() else None
    divided = Split(
        TIME, column, holdout=spec.holdout, time_kind=kind, train_until=until, last=last,
        rule=split.time_rule(column, kind),
    )  # fmt: skip
    missing = int(np.isnan(times).sum())
    warning = f"{rows_have(missing)} no {column!r}: treated as the oldest"
    return Membership(sides, divided, times, (warning,) if missing else ())


def _content(names: Sequence[str], columns: Mapping[str, str], kept: Collection[int]) -> str:
    end = literal(split.FIELD_MARK)
    parts = [
        f"{literal(name + split.VALUE_MARK)} || {canonical(names.index(name), columns[name], kept)} || {end}"
        for name in sorted(columns)
    ]
    return f"concat({', '.join(parts)})"


def _places(connection: DuckDBPyConnection, salt: str, text: str) -> NDArray[np.float64]:
    """Return the place in [0, 1) of every row, by the hash of its text."""
    digest = f"sha256(concat({literal(salt)}, chr(10), {text}))"
    place = f"('0x' || left({digest}, {split.HASH_DIGITS}))::UBIGINT / {16**split.HASH_DIGITS}.0::DOUBLE"
    fetched = connection.execute(f"SELECT rowid AS r, {place} AS p FROM cells ORDER BY rowid").fetchnumpy()["p"]
    return np.asarray(fetched, np.float64)


def _repeats(places: NDArray[np.float64]) -> bool:
    """Return whether most rows have the content of another row.

    Rows are compared by their 32-bit places; of a million different rows, about a hundred share one by chance.
    """
    return len(np.unique(places)) < REPEATED * len(places)
