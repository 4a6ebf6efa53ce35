"""The target's cells: which rows have a label, the classes, and the numbers that stand for them."""

from __future__ import annotations

# ruff: noqa: S608  in this SQL columns are named c<number> and every text goes through literal()
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelloop.errors import DatasetRejectedError
from training_trigger.reading.cells import literal
from training_trigger.reading.cells import value as read_value
from training_trigger.target import REGRESSION, infer_task

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

    from modelloop.spec.model import Spec
    from modelloop.versions.prepared_table import Label
    from training_trigger.profile import Facts

MAX_CLASSES = 100
MIN_ROWS_A_CLASS = 10
MIN_ROWS = 30
OTHER = "other"
TOLD_FROM = 0.05  # of the rows
MAX_TOKENS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Target:
    """The target column, the task with its reason, and the classes.

    `place` is the column's place in the table; `classes` (None for regression) are in ascending order; `merged` are the
    rare ones that became one class.
    """

    place: int
    kind: str
    task: str
    reason: str
    classes: tuple[Label, ...] | None = None
    merged: tuple[str, ...] = ()


def token_warnings(
    connection: DuckDBPyConnection, place: int, name: str, kept: Collection[int], rows: int
) -> list[str]:
    """Return a warning when many cells of the target are read as missing that could be a class of their own.

    Call it before the rows without a label are dropped. `kept` are the columns of which the text of such cells is kept.
    """
    if place not in kept:
        return []
    counts = connection.execute(
        f"SELECT s{place} AS s, count(*) AS n FROM cells WHERE s IS NOT NULL GROUP BY s ORDER BY n DESC, s"
    ).fetchall()
    total = sum(count for _, count in counts)
    if total <= TOLD_FROM * rows:
        return []
    shown = ", ".join(f"{token!r} ({count:,})" for token, count in counts[:MAX_TOKENS_SHOWN])
    holds = f"target {name!r} holds {shown} in {total / rows:.0%} of the rows, read as no label"
    only = "list in model.yaml only what does mean missing: `missing: {only: [...]}`"
    return [f"{holds}, so these rows are left out; if it is a class of its own, {only}"]


def drop_unlabelled(connection: DuckDBPyConnection, place: int, rows: int) -> int:
    """Remove the rows without a label from `cells`; return how many."""
    labelled = connection.execute(f"SELECT count(c{place}) FROM cells").fetchall()[0][0]
    if 0 < labelled < rows:
        _keep(connection, f"c{place} IS NOT NULL")
    return int(rows - labelled) if labelled else 0


def read_target(connection: DuckDBPyConnection, place: int, facts: Facts, spec: Spec) -> Target:
    """Return the target with its task and classes; drop or merge rare classes when the spec says so.

    Raises DatasetRejectedError for too few rows, too many classes or rare ones.
    """
    task, reason = infer_task(facts, spec)
    if facts.rows < MIN_ROWS:
        raise DatasetRejectedError(
            f"the table has {facts.rows} labelled row{'' if facts.rows == 1 else 's'}; "
            f"at least {MIN_ROWS} are needed to train and test"
        )
    if task == REGRESSION:
        return Target(place, facts.kind, task, reason)
    if facts.distinct > MAX_CLASSES and spec.rare_classes == "refuse":
        quantities = ", or set `task: regression` in model.yaml if they are quantities" * (facts.kind == "number")
        raise DatasetRejectedError(
            f"target {facts.name!r} has {facts.distinct:,} classes, more than the {MAX_CLASSES} that are supported: "
            f"merge labels{quantities}",
            field=facts.name,
        )
    counts = connection.execute(
        f"SELECT {read_value(place, facts.kind)} AS v, count(*) FROM cells GROUP BY v ORDER BY v"
    ).fetchall()
    rare = [(value, count) for value, count in counts if count < MIN_ROWS_A_CLASS]
    common = [value for value, count in counts if count >= MIN_ROWS_A_CLASS]
    merged: tuple[str, ...] = ()
    if rare:
        common, merged = _settle_rare(connection, place, facts, spec, rare, common)
    if len(common) < 2:  # noqa: PLR2004  a classifier needs two
        raise DatasetRejectedError(f"target {facts.name!r} has fewer than two classes of {MIN_ROWS_A_CLASS} rows")
    return Target(
        place, "text" if merged else facts.kind, task, reason, tuple(_label(value) for value in common), merged
    )


def _settle_rare(
    connection: DuckDBPyConnection,
    place: int,
    facts: Facts,
    spec: Spec,
    rare: list[tuple[Label, int]],
    common: list[Label],
) -> tuple[list[Label], tuple[str, ...]]:
    shown = ", ".join(
        f"{_label(value)!r} ({count})" for value, count in sorted(rare, key=lambda pair: (pair[1], str(pair[0])))[:8]
    )
    if spec.rare_classes == "refuse":
        whole = facts.kind == "number" and facts.whole == facts.present and spec.task is None
        counts = "set `task: regression` in model.yaml if they are counts or quantities, " if whole else ""
        raise DatasetRejectedError(
            f"{len(rare)} of {len(rare) + len(common)} classes of {facts.name!r} have fewer than {MIN_ROWS_A_CLASS} "
            f"rows: {shown}; {counts}add rows, or set `rare_classes: merge` or `drop` in model.yaml",
            field=facts.name,
        )
    is_rare = f"{read_value(place, facts.kind)} IN ({', '.join(_constant(value) for value, _ in rare)})"
    if spec.rare_classes == "drop":
        _keep(connection, f"NOT ({is_rare})")
        return common, ()
    connection.execute(f"UPDATE cells SET c{place} = {literal(OTHER)} WHERE {is_rare}")
    merged = {_label(value): str(_label(value)) for value in common}
    for value, text in merged.items():
        connection.execute(
            f"UPDATE cells SET c{place} = {literal(text)} WHERE {read_value(place, facts.kind)} = {_constant(value)}"
        )
    return sorted({*merged.values(), OTHER}), tuple(str(_label(value)) for value, _ in rare)


def _constant(value: Label) -> str:
    return literal(value) if isinstance(value, str) else repr(value).lower()


def look_alikes(classes: Sequence[Label] | None) -> list[str]:
    """Return a warning for each group of classes that differ only in upper and lower case."""
    texts: dict[str, list[str]] = {}
    for label in classes or ():
        if isinstance(label, str):
            texts.setdefault(label.casefold(), []).append(label)
    return [
        f"the classes {', '.join(repr(label[:40]) for label in alike)} differ only in upper and lower case: "
        "spell them the same if they mean the same"
        for alike in texts.values()
        if len(alike) > 1
    ]


def encode_labels(connection: DuckDBPyConnection, target: Target) -> NDArray[np.int32] | NDArray[np.float64]:
    """Return the target of every row: the class index (int32), or the number itself (float64)."""
    value = read_value(target.place, target.kind)
    if target.classes is None:
        return np.asarray(connection.execute(f"SELECT {value} AS v FROM cells").fetchnumpy()["v"], np.float64)
    if target.kind == "text":
        options = ", ".join(literal(str(label)) for label in target.classes)
        connection.execute(f"CREATE OR REPLACE TYPE label AS ENUM ({options})")
        code = f"enum_code(c{target.place}::label)"
    else:
        options = ", ".join(_constant(label) for label in target.classes)
        code = f"list_position([{options}]::{'BOOLEAN' if target.kind == 'boolean' else 'DOUBLE'}[], {value}) - 1"
    return np.asarray(connection.execute(f"SELECT ({code})::INTEGER AS v FROM cells").fetchnumpy()["v"], np.int32)


def _label(value: Label) -> Label:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _keep(connection: DuckDBPyConnection, condition: str) -> None:
    connection.execute(f"CREATE TABLE kept AS SELECT * FROM cells WHERE {condition}")
    connection.execute("DROP TABLE cells")
    connection.execute("ALTER TABLE kept RENAME TO cells")
