"""The reading of cells that divides rows: that of the version which founded the split, apart from what is learned.

Rows must stay on their sides when a later release reads more cells as missing, or more notations as numbers: what
judged the champion would be trained on otherwise. The missing tokens and the canonical text of a cell are therefore
those of the founding version, for as long as its split is used. Columns c0, c1, … of the table `cells` hold what is
learned from; where the founding version reads a cell as text that is missing now, its text is in s<number>.
"""

from __future__ import annotations

# ruff: noqa: S608  in this SQL columns are named c<number> and every text goes through literal()
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.tables import split
from training_trigger.reading.cells import missing_macro

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from duckdb import DuckDBPyConnection

    from modelloop.spec.model import Spec

BATCH = 20


@dataclass(frozen=True, slots=True)
class ChampionSplit:
    """What the champion predicts, and how its rows were divided.

    `columns` are the kinds, by name, of the columns that decided it, `column` is the one that groups, `rule` the digest
    of all that decided. `version` and `missing` say how cells were read; `missing` is None when it was not kept.
    `copies` says that the champion was made of copied rows, and that a person who was told so let it serve.
    """

    target: str
    kind: str | None
    columns: Mapping[str, str] | None
    column: str | None = None
    rule: str | None = None
    version: int = split.RULE_VERSION
    missing: tuple[str, ...] | None = None
    copies: bool = False


def founding_tokens(champion: ChampionSplit | None, model: str, spec: Spec) -> tuple[str, ...]:
    """Return the missing tokens by which rows are divided: the champion's, or the spec's when none are known.

    Versions of earlier releases did not keep them; then those are taken that give the champion's digest.
    """
    if champion is None or champion.kind not in split.HASHED:
        return spec.missing
    if champion.missing is not None:
        return champion.missing
    listed = tuple(sorted(spec.listed_missing)) if spec.listed_missing is not None else split.FIRST_TOKENS
    for tokens in (listed, split.FIRST_TOKENS):
        rule = split.hash_rule(
            champion.kind, champion.column, spec.holdout, split.salt(model), champion.columns or {}, tokens
        )
        if rule == champion.rule:
            return tokens
    return spec.missing


def separate(
    connection: DuckDBPyConnection,
    columns: int,
    missing: Iterable[str],
    founded: Collection[str],
    whole: Collection[int] = (),
) -> frozenset[int]:
    """Make the cells missing whose text is still needed, and keep it; return the columns that have such cells.

    The table `cells` holds text that is missing in neither reading, and in the `whole` columns all text. The macro
    `founded` makes NULL of what is missing in the founding version only.
    """
    read = set(missing)
    connection.execute(missing_macro("founded", set(founded) - read))
    connection.execute(missing_macro("learned", read))
    doubtful = sorted(whole) if read <= {*founded, ""} else range(columns)
    kept: list[int] = []
    for start in range(0, len(doubtful), BATCH):
        places = doubtful[start : start + BATCH]
        wanted = ", ".join(f"count(c{place}) - count(learned(c{place}))" for place in places)
        counts = connection.execute(f"SELECT {wanted} FROM cells").fetchall()[0]
        kept += [place for place, count in zip(places, counts, strict=True) if count]
    for place in kept:
        connection.execute(f"ALTER TABLE cells ADD COLUMN s{place} VARCHAR")
        connection.execute(f"UPDATE cells SET s{place} = c{place}, c{place} = NULL WHERE learned(c{place}) IS NULL")
    return frozenset(kept)


def written(place: int, kept: Collection[int]) -> str:
    """Return the SQL of a cell's text before any token was read as missing in one reading alone."""
    return f"coalesce(c{place}, s{place})" if place in kept else f"c{place}"


def canonical(place: int, kind: str, kept: Collection[int]) -> str:
    """Return the SQL of the text that divides rows: of numbers their value, of all other cells what is written."""
    cell = f"founded({written(place, kept)})"
    return f"coalesce(try_cast({cell} AS DOUBLE)::VARCHAR, {cell})" if kind == "number" else cell
