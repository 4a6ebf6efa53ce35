from __future__ import annotations

from struct import pack

import pytest

from modelloop.tables.block import Block
from modelloop.tables.encoding import Column, Encoding

BLOCK = Block(2, [pack("2f", 1.0, 2.0), pack("2f", 0.5, -4.0)])


def test_a_block_reads_as_one_list_a_row() -> None:
    assert list(BLOCK) == [[1.0, 0.5], [2.0, -4.0]]
    assert (len(BLOCK), BLOCK[-1], BLOCK[:1]) == (2, [2.0, -4.0], [[1.0, 0.5]])


def test_rows_without_slots_are_empty() -> None:
    assert list(Block(3, [])) == [[], [], []]


def test_slots_that_miss_rows_are_an_error() -> None:
    with pytest.raises(Exception, match="buffer of 12 bytes"):
        list(Block(3, [pack("3f", 1.0, 2.0, 3.0), pack("2f", 1.0, 2.0)]))


@pytest.mark.parametrize("rows", [0, 1, 2, 40])
def test_a_table_holds_the_same_vectors_whichever_way_they_are_read(rows: int) -> None:
    cells = [None if row % 3 == 0 else row / 7 for row in range(rows)]
    table = Encoding([Column("a", "number"), Column("t", "text", ("x",))]).read(rows, {"a": cells, "t": ["x"] * rows})
    assert len(table.block) == len(table.vectors) == rows
    assert repr(list(table.block)) == repr(table.vectors)
    assert all(vector[1] == 0.0 for vector in table.block)
