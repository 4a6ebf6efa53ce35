"""The split in SQL: modelloop.tables.split over the table `cells`, and the table `sides` beside it."""

from __future__ import annotations

# ruff: noqa: S608  in this SQL columns are named c<number> and every text goes through literal()
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelloop.errors import DatasetRejectedError
from modelloop.tables import split
from modelloop.tables.split import CONTENT, GROUP, OCCURRENCE, TIME, Split
from modelloop.versions.review_checks import MIN_DIFFERENT
from training_trigger.founding import canonical
from training_trigger.profile import rows_have
from training_trigger.reading.cells import literal, value
from training_trigger.repetition import Repetition, find_repetition

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

    from modelloop.spec.model import Spec
    from modelloop.versions.prepared_table import Label
    from training_trigger.founding import ChampionSplit
    from training_trigger.profile import Facts

    type TargetValues = NDArray[np.int32] | NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Membership:
    """`sides` is uint8 per row; `times` (with a time column) float64 seconds or numbers, NaN when missing.

    `repetition` is how rows repeat, where most of them do and are divided by their content; `groups` is int32 per row,
    equal for rows of one group, where they are divided by groups.
    """

    sides: NDArray[np.uint8]
    split: Split
    times: NDArray[np.float64] | None = None
    warnings: tuple[str, ...] = ()
    repetition: Repetition | None = None
    groups: NDArray[np.int32] | None = None


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
    stay on their sides when columns are added, ignored or read otherwise. Copies of a row stay together; the
    repetitions of a coarse table, where this would leave sides empty and question another thing than callers ask, are
    observations of their own.
    """
    if spec.time_column:
        return _by_time(connection, spec.time_column, spec, names.index(spec.time_column), facts)
    salt, champion, repetition, groups = split.salt(model), founding.champion, None, None
    same = None if champion is None else _columns_of(champion, names, spec.group_column)
    if spec.group_column:
        place = names.index(spec.group_column)
        columns = same or {spec.group_column: facts[place].kind}
        text = canonical(place, columns[spec.group_column], founding.kept)
        kind, places = GROUP, _places(connection, salt, f"coalesce({text}, '')")
        groups = np.unique(places, return_inverse=True)[1].astype(np.int32)
    else:
        cells = _Cells(connection, salt, names, founding.kept)
        contents = cells.identified(facts, identity) if same is None else cells.by_content(same)
        columns, places, repetition = contents.columns, contents.places, contents.repetition
        kind = _kind(repetition, None if same is None else champion)
        if kind == OCCURRENCE:
            text = cells.content(columns)
            counted = f"concat({text}, row_number() OVER (PARTITION BY {text} ORDER BY rowid))"
            places = _places(connection, salt, counted)
    sides = np.where(places < split.validation_edge(spec.holdout), split.VALIDATION, split.TRAIN).astype(np.uint8)
    sides[places < spec.holdout] = split.HOLDOUT
    rule = split.hash_rule(kind, spec.group_column, spec.holdout, salt, columns, founding.missing)
    divided = Split(
        kind, spec.group_column, holdout=spec.holdout, salt=salt, columns=columns, rule=rule, missing=founding.missing,
        different=None if repetition is None else repetition.different,
        copies=repetition is not None and repetition.copies,
    )  # fmt: skip
    warnings = () if repetition is None else (_told(repetition, kind),)
    return Membership(sides, divided, warnings=warnings, repetition=repetition, groups=groups)


@dataclass(frozen=True, slots=True)
class _Contents:
    """The columns that are a row's content, by name with their kinds, every row's place by it, and how rows repeat."""

    columns: dict[str, str]
    places: NDArray[np.float64]
    repetition: Repetition | None

    @property
    def different(self) -> int:
        """Return the number of different contents."""
        return len(np.unique(self.places))


@dataclass(frozen=True, slots=True)
class _Cells:
    """The table `cells`, its columns c0, c1, … by name, and what was `kept` of some for the founding version."""

    connection: DuckDBPyConnection
    salt: str
    names: Sequence[str]
    kept: Collection[int]

    def content(self, columns: Mapping[str, str]) -> str:
        """Return the SQL of the text that is a row's content."""
        return _content(self.names, columns, self.kept)

    def by_content(self, columns: dict[str, str]) -> _Contents:
        """Return the contents that some columns, by name with their kinds, make."""
        places = _places(self.connection, self.salt, self.content(columns))
        cells = [canonical(self.names.index(name), columns[name], self.kept) for name in sorted(columns)]
        return _Contents(columns, places, find_repetition(self.connection, places, cells, self.salt))

    def identified(self, facts: Sequence[Facts], identity: Sequence[int]) -> _Contents:
        """Return the contents of rows that no champion divides: without numbers that name rows, if that shows copies.

        A number that looks like a name may be all that tells the rows of a coarse table apart, so there it stays.
        """
        contents = self.by_content({self.names[place]: facts[place].kind for place in identity})
        unnamed = {self.names[place]: facts[place].kind for place in identity if not facts[place].identifier_like}
        if not unnamed or len(unnamed) == len(identity):
            return contents
        others = self.by_content(unnamed)
        coarse = others.repetition is not None and not others.repetition.copies
        return contents if coarse or others.different == contents.different else others


def _kind(repetition: Repetition | None, champion: ChampionSplit | None) -> str:
    """Return how rows are divided: as the champion's were, until a person let a version made of copies serve.

    Where so few rows are different that sides might be empty, they stay divided as they were.
    """
    copies = repetition is not None and repetition.copies
    if champion is None:
        return CONTENT if repetition is None or copies else OCCURRENCE
    changed = champion.copies and copies and repetition is not None and repetition.different >= MIN_DIFFERENT
    return CONTENT if champion.kind == CONTENT or changed else OCCURRENCE


def _told(repetition: Repetition, kind: str) -> str:
    if not repetition.copies:
        return (
            f"{repetition.told}: values are few, so each row is an observation; intervals are drawn over the different"
        )
    if kind == CONTENT:
        return f"{repetition.told}: copies of a row are on one side of the split, and have one vote in metrics"
    spread = (
        f"{repetition.told}: copies of a row are on several sides of the split, as the champion's are, so the metrics"
    )
    if repetition.different < MIN_DIFFERENT:
        return f"{spread} are too good if they were copied; fewer than {MIN_DIFFERENT} are too few to keep together"
    return f"{spread} are too good; once this version is approved, the next one keeps copies together"


def _columns_of(champion: ChampionSplit, names: Sequence[str], group: str | None) -> dict[str, str] | None:
    """Return the columns that divided the champion's rows, with their kinds; None when some are gone or others asked.

    A column may be read as another kind now: its text still divides as it did.
    """
    kinds = {CONTENT, OCCURRENCE} if group is None else {GROUP}
    if not champion.columns or champion.kind not in kinds or champion.column != group:
        return None
    return dict(champion.columns) if set(champion.columns) <= set(names) else None


def check_sides(membership: Membership, target: TargetValues, classes: Sequence[Label] | None) -> None:
    """Raise DatasetRejectedError when a side is empty or a class is absent from the training part."""
    sides, repetition = membership.sides, membership.repetition
    for side, name in ((split.TRAIN, "training"), (split.VALIDATION, "validation"), (split.HOLDOUT, "holdout")):
        if not (sides == side).any():
            if repetition is not None and membership.split.kind == CONTENT:
                raise DatasetRejectedError(
                    f"{repetition.told}: equal rows are kept together, and so few different ones do not fill the "
                    f"training, validation and holdout parts: upload at least {MIN_DIFFERENT} different rows"
                )
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
