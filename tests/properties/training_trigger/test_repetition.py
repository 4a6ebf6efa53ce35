"""Whatever rows are copied: by content none is on two sides, and rows of an existing model stay where they are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from modelloop.spec.model import Spec
from modelloop.tables import split
from modelloop.tables.split import CONTENT, OCCURRENCE
from tests.support.sides import content, side
from training_trigger import engine, membership
from training_trigger.founding import ChampionSplit
from training_trigger.membership import Founding, Membership
from training_trigger.reading.load import load
from training_trigger.survey import survey

if TYPE_CHECKING:
    from collections.abc import Sequence

    type Rows = Sequence[tuple[str, str, str]]

NAMES = ("a", "b", "c")
CELLS = st.sampled_from([f"v{number}" for number in range(12)])
DIFFERENT = st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=2, max_size=40, unique=True)


@st.composite
def repeated_rows(draw: st.DrawFn) -> list[tuple[str, str, str]]:
    """Draw rows that are each there one to eight times, in any order."""
    rows = [row for row in draw(DIFFERENT) for _ in range(draw(st.integers(1, 8)))]
    return draw(st.permutations(rows))


def divide(rows: Rows, champion: ChampionSplit | None = None) -> Membership:
    with engine.scratch() as folder, engine.connect(folder) as connection:
        table = folder / "table.csv"
        table.write_text("\n".join([",".join((*NAMES, "y")), *(",".join((*row, "yes")) for row in rows)]) + "\n")
        cells = load(connection, table, table.name, Spec().missing)
        founding = Founding(Spec().missing, champion=champion)
        return membership.assign(connection, "m", Spec(), cells.names, survey(connection, cells), [0, 1, 2], founding)


def sides_of_today(rows: Rows, kind: str) -> list[int]:
    """Return the sides that rows have had since the first release, row by row."""
    seen: Counter[str] = Counter()
    found = []
    for row in rows:
        text = content(dict(zip(NAMES, row, strict=True)))
        seen[text] += 1
        identity = f"{text}{seen[text]}" if kind == OCCURRENCE else text
        found.append(side(split.share(split.salt("m"), identity), Spec().holdout))
    return found


@settings(max_examples=20, deadline=None)
@given(repeated_rows())
def test_by_content_no_row_is_on_two_sides(rows: list[tuple[str, str, str]]) -> None:
    divided = divide(rows)
    found: dict[tuple[str, str, str], set[int]] = {}
    for row, place in zip(rows, divided.sides.tolist(), strict=True):
        found.setdefault(row, set()).add(place)
    assert divided.split.kind == OCCURRENCE or all(len(places) == 1 for places in found.values())
    if divided.repetition is not None:
        codes = divided.repetition.contents.tolist()
        assert len(set(zip(rows, codes, strict=True))) == len(set(codes)) == len(found)
        assert divided.split.kind == (CONTENT if divided.repetition.copies else OCCURRENCE)


@settings(max_examples=20, deadline=None)
@given(repeated_rows(), st.sampled_from([CONTENT, OCCURRENCE]), st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=60))
def test_rows_of_an_existing_model_never_change_sides(
    rows: list[tuple[str, str, str]], kind: str, more: list[tuple[str, str, str]]
) -> None:
    champion = ChampionSplit("y", kind, dict.fromkeys(NAMES, "text"))
    again = divide([*rows, *more], champion)
    assert again.split.kind == kind
    assert again.sides.tolist() == sides_of_today([*rows, *more], kind)


@settings(max_examples=20, deadline=None)
@given(repeated_rows())
def test_the_same_rows_are_told_apart_the_same_way_every_time(rows: list[tuple[str, str, str]]) -> None:
    first, second = divide(rows), divide(rows)
    assert first.split == second.split
    assert first.sides.tolist() == second.sides.tolist()
