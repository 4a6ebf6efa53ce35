"""Rows that were copied stay together; the rows of coarse tables, which merely repeat, are divided one by one."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from modelloop.aws.serving import pointers
from modelloop.aws.storage import Bucket
from modelloop.contracts.manifest_parts import split_facts_from_json
from modelloop.contracts.pointer import VersionRef
from modelloop.contracts.version_facts import VersionFacts
from modelloop.rollout import moves
from modelloop.tables.split import CONTENT, OCCURRENCE
from tests.support import repeated_tables
from tests.support.intake_stage import ARTIFACTS

if TYPE_CHECKING:
    from modelloop.versions.run import Run
    from tests.support.intake_stage import Stage


def split_contents(
    stage: Stage, run: Run, text: str, *, without: tuple[str, ...] = ()
) -> dict[tuple[str, ...], set[int]]:
    """Return on which sides the copies of each row are, by its cells beside the label and the columns left out."""
    assert run.state == "QUEUED", run.reason
    head, *rows = csv.reader(io.StringIO(text))
    places = [place for place, name in enumerate(head[:-1]) if name not in without]
    found: dict[tuple[str, ...], set[int]] = {}
    for row, side in zip(rows, stage.array(run, "membership.npy").tolist(), strict=True):
        found.setdefault(tuple(row[place] for place in places), set()).add(side)
    return found


def crown(stage: Stage, run: Run, split: dict[str, Any]) -> None:
    """Make a run's table the champion's, divided as `split` says."""
    rows = {"train": 0, "validation": 0, "holdout": 0, "trained_until": None}
    facts = VersionFacts(split=split_facts_from_json(rows | split), target=stage.table(run)["target"])
    number = stage.registry.register_version("m", run.run_id, facts)
    ref = VersionRef(number, run.run_id, "f", "s", 1)
    pointer, etag = pointers.read(Bucket(ARTIFACTS), "m")
    now = "2026-11-01T00:00:00.000Z"
    pointers.publish(Bucket(ARTIFACTS), moves.promote(pointer, ref, model="m", now=now, who="tester", why="test"), etag)


@pytest.mark.parametrize(("text", "told"), [
    (repeated_tables.rare_class_copied(), "1,000 rows, 460 different"),
    (repeated_tables.table_repeated(), "600 rows, 60 different"),
])  # fmt: skip
def test_copies_are_on_one_side(stage: Stage, text: str, told: str) -> None:
    run = stage.upload("a.csv", text)
    found = split_contents(stage, run, text)
    assert all(len(sides) == 1 for sides in found.values())
    split = stage.table(run)["split"]
    assert (split["kind"], split["different"], split["copies"]) == (CONTENT, len(found), True)
    codes = stage.array(run, "contents.npy")
    assert codes.dtype == np.int32
    assert len(np.unique(codes)) == len(found)
    assert any(warning.startswith(f"{told}: copies of a row are on one side") for warning in run.warnings)


@pytest.mark.parametrize("times", [2, 10])
def test_copies_that_differ_in_an_id_are_on_one_side(stage: Stage, times: int) -> None:
    text = repeated_tables.copies_with_ids(times=times)
    run = stage.upload("a.csv", text)
    found = split_contents(stage, run, text, without=("id",))
    assert len(found) == 300
    assert all(len(sides) == 1 for sides in found.values())
    assert "id" not in stage.table(run)["split"]["columns"]


@pytest.mark.parametrize(("text", "different"), [
    (repeated_tables.fourteen_contents(), 14),
    (repeated_tables.five_contents(), 5),
])  # fmt: skip
def test_coarse_tables_are_divided_row_by_row(stage: Stage, text: str, different: int) -> None:
    run = stage.upload("a.csv", text)
    found = split_contents(stage, run, text)
    assert len(found) == different
    assert all(sides == {0, 1, 2} for sides in found.values())
    split = stage.table(run)["split"]
    assert (split["kind"], split["different"], split["copies"]) == (OCCURRENCE, different, False)
    assert len(np.unique(stage.array(run, "contents.npy"))) == different
    assert any(f"rows, {different} different: values are few" in warning for warning in run.warnings)


def test_a_coarse_table_with_ids_is_divided_by_them(stage: Stage) -> None:
    head, *lines = repeated_tables.fourteen_contents().splitlines()
    text = "\n".join([f"id,{head}", *(f"{number},{line}" for number, line in enumerate(lines))]) + "\n"
    run = stage.upload("a.csv", text)
    split = stage.table(run)["split"]
    assert split["kind"] == CONTENT
    assert "id" in split["columns"]
    assert "different" not in split
    assert "contents.npy" not in stage.table(run)["files"]


def test_too_few_different_rows_are_rejected_with_their_number(stage: Stage) -> None:
    run = stage.upload("a.csv", repeated_tables.table_repeated(rows=3, times=200))
    assert run.state == "REJECTED"
    assert str(run.reason).startswith("600 rows, 3 different: equal rows are kept together")
    assert "upload at least 50 different rows" in str(run.reason)


@pytest.mark.parametrize("text", [repeated_tables.rare_class_copied(), repeated_tables.fourteen_contents()])
def test_a_model_keeps_the_kind_of_its_champion(stage: Stage, text: str) -> None:
    base = stage.upload("a.csv", text)
    made_earlier = {"different", "copies"}
    split = {name: value for name, value in stage.table(base)["split"].items() if name not in made_earlier}
    crown(stage, base, split | {"kind": OCCURRENCE})
    again = stage.upload("b.csv", text + text.splitlines()[1] + "\n")
    split = stage.table(again)["split"]
    assert split["kind"] == OCCURRENCE
    told = any("copies of a row are on several sides of the split" in warning for warning in again.warnings)
    assert told == split["copies"] == ("fraud" in text)


def test_after_a_person_let_copies_serve_the_next_version_keeps_them_together(stage: Stage) -> None:
    text = repeated_tables.table_repeated()
    base = stage.upload("a.csv", text)
    crown(stage, base, stage.table(base)["split"] | {"kind": OCCURRENCE})
    again = stage.upload("b.csv", text + text.splitlines()[1] + "\n")
    assert stage.table(again)["split"]["kind"] == CONTENT


def test_too_few_different_rows_stay_divided_as_they_were(stage: Stage) -> None:
    text = repeated_tables.table_repeated(rows=40, times=20)
    base = stage.upload("a.csv", text)
    crown(stage, base, stage.table(base)["split"] | {"kind": OCCURRENCE})
    again = stage.upload("b.csv", text + text.splitlines()[1] + "\n")
    split = stage.table(again)["split"]
    assert (split["kind"], split["different"], split["copies"]) == (OCCURRENCE, 40, True)
    assert any("fewer than 50 are too few to keep together" in warning for warning in again.warnings)
