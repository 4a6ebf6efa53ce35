"""Every table of the corpus through intake: read as an independent reader reads it, or refused in words that help."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from modelloop.errors import DatasetRejectedError
from tests.support.corpus import documents, exports, notations, programs, structures
from tests.support.corpus.page import PAGE, rendered
from tests.support.corpus.reading import expected_values, take

if TYPE_CHECKING:
    from pathlib import Path

    from modelloop.versions.prepared_table import TableFacts
    from tests.support.corpus.tables import Table

TABLES = [*exports.TABLES, *programs.TABLES, *notations.TABLES, *structures.TABLES, *documents.TABLES]
READ = [table for table in TABLES if not table.refused]
REFUSED = [table for table in TABLES if table.refused]


def named(table: Table) -> str:
    return f"{table.source}: {table.name}"


def kinds_of(facts: TableFacts) -> tuple[tuple[str, str], ...]:
    return tuple(
        (column.name, "none" if column.missing == facts.rows else column.kind) for column in facts.profile
    )  # fmt: skip


@pytest.mark.parametrize("table", READ, ids=named)
def test_a_table_is_read_as_an_independent_reader_reads_it(tmp_path: Path, table: Table) -> None:
    taken = take(tmp_path, table)

    assert kinds_of(taken.facts) == table.kinds
    assert taken.facts.rows == table.rows
    assert taken.facts.task == table.task
    assert tuple(column.name for column in taken.facts.profile if column.role == "dropped") == table.unused
    assert any(table.warns in warning for warning in taken.facts.warnings) or not table.warns, taken.facts.warnings
    expected = expected_values(table, taken.facts.target)
    for (name, _), found, wanted in zip(table.kinds, taken.values, expected, strict=True):
        assert found == wanted, name


@pytest.mark.parametrize("table", REFUSED, ids=named)
def test_a_table_is_refused_in_words_that_help(tmp_path: Path, table: Table) -> None:
    with pytest.raises(DatasetRejectedError) as refused:
        take(tmp_path, table)

    reason = str(refused.value)
    assert table.refused in reason
    assert not [word for word in ("Error:", "SELECT", "LINE 1", str(tmp_path)) if word in reason]


def test_the_corpus_is_large_and_each_table_is_named_once() -> None:
    assert len(TABLES) >= 150
    assert [name for name, times in Counter(map(named, TABLES)).items() if times > 1] == []


def test_the_manual_lists_the_corpus() -> None:
    assert PAGE.read_text() == rendered(TABLES), "write it again: python -m tests.support.corpus"
