"""A table of the corpus through the product's own intake, and what an independent reader has in the same places."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from modelloop.spec.model import Spec, parse_spec
from tests.support.intake_stage import DEPLOYED
from training_trigger import engine
from training_trigger.preparation import prepare
from training_trigger.reading.cells import value

if TYPE_CHECKING:
    from pathlib import Path

    from modelloop.versions.prepared_table import TableFacts
    from tests.support.corpus.tables import Table

MISSING = frozenset(
    ["", "null", "NULL", "NA", "N/A", "n/a", "NaN", "nan", "None", "#N/A", "<NA>", "NaT", "#DIV/0!", "#VALUE!", "\\N"]
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What intake made of a table: its facts, and the values of every column, in the order of the columns."""

    facts: TableFacts
    values: list[list[Any]]


def take(folder: Path, table: Table) -> Taken:
    """Prepare the table as intake does; raise DatasetRejectedError when it is refused."""
    path = folder / "upload"
    path.write_bytes(table.body)
    spec = parse_spec(table.spec) if table.spec else Spec()
    with engine.connect(folder) as connection:
        prepared = prepare(
            connection, path, file=table.file, model="m", spec=spec, trainer=DEPLOYED, progress=lambda _: None
        )
        read = ", ".join(value(place, column.kind) for place, column in enumerate(prepared.facts.profile))
        rows = connection.execute(f"SELECT {read} FROM cells").fetchall()
    return Taken(prepared.facts, [list(column) for column in zip(*rows, strict=True)])


def expected_values(table: Table, target: str | None) -> list[list[Any]]:
    """Return the values of every column as the independent reader has them, without the rows that have no label."""
    assert table.raw is not None
    assert target is not None
    names, rows = table.raw(table.body)
    missing = (MISSING | {*table.ours}) - {*table.theirs}
    cleaned = [normalize("NFC", name.strip()) for name in names]
    labels = [cell(row[cleaned.index(target)], "text", missing) for row in rows]
    kept = [row for row, label in zip(rows, labels, strict=True) if label is not None]
    assert [name for name, _ in table.kinds] == cleaned
    return [[cell(row[place], kind, missing) for row in kept] for place, (_, kind) in enumerate(table.kinds)]


def cell(raw: Any, kind: str, missing: frozenset[str] = MISSING) -> Any:
    """Return a raw cell as a value: a float, a boolean, minutes since 1970 in UTC, a text, or None when missing."""
    if isinstance(raw, list | dict) or raw is None or raw != raw:  # noqa: PLR0124  NaN is the one value unequal to itself
        return None
    text = _written(raw)
    if text in missing:
        return None
    if kind == "number":
        return float(text)
    if kind == "boolean":
        return {"true": True, "false": False}[text.lower()]
    if kind == "date":
        moment = datetime.fromisoformat(text.replace(" UTC", "Z").replace(" -", "-").replace(" +", "+"))
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return int(moment.timestamp() // 60)
    return text


def _written(raw: Any) -> str:
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, float) and raw.is_integer():
        return str(int(raw))
    return normalize("NFC", str(raw).strip())
