"""Rows that an earlier release divided stay on their sides, whatever is read otherwise since: its rule divides them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelloop.aws.serving import pointers
from modelloop.aws.storage import Bucket
from modelloop.contracts.labelled_row import LabelledRow
from modelloop.contracts.manifest_parts import split_facts_from_json
from modelloop.contracts.pointer import VersionRef
from modelloop.contracts.version_facts import VersionFacts
from modelloop.rollout import moves
from modelloop.spec.model import parse_spec
from tests.support import founded_tables
from tests.support.intake_stage import ARTIFACTS
from training_trigger import engine
from training_trigger.derived_table import derive

if TYPE_CHECKING:
    from pathlib import Path

    from modelloop.versions.run import Run
    from tests.support.intake_stage import Stage

NEW_TOKENS = ("", "#N/A", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null")


def crown(stage: Stage, run: Run, document: dict[str, Any]) -> None:
    """Make a version the champion whose rows were divided as a document says, in the form of earlier releases."""
    rows = {"train": 0, "validation": 0, "holdout": 0, "salt": None, "trained_until": None, "column": None}
    divided = rows | {"columns": None} | document["split"]
    facts = VersionFacts(split=split_facts_from_json(divided), target=document["target"])
    number = stage.registry.register_version(run.model, run.run_id, facts)
    ref = VersionRef(number, run.run_id, "f", "s", 1)
    pointer, etag = pointers.read(Bucket(ARTIFACTS), run.model)
    now = "2026-11-01T00:00:00.000Z"
    moved = moves.promote(pointer, ref, model=run.model, now=now, who="tester", why="test")
    pointers.publish(Bucket(ARTIFACTS), moved, etag)


def sides(stage: Stage, run: Run) -> str:
    assert run.state == "QUEUED", run.reason
    return "".join(map(str, stage.array(run, "membership.npy").tolist()))


@pytest.mark.parametrize("name", founded_tables.SPECS)
def test_rows_keep_the_sides_that_an_earlier_release_gave_them(shared_stage: Stage, name: str) -> None:
    before, spec = founded_tables.recorded()[name], founded_tables.SPECS[name]
    shared_stage.spec(spec, model=name)
    crown(shared_stage, shared_stage.upload("a.csv", founded_tables.table(name), name), before)
    again = shared_stage.upload("b.csv", founded_tables.table(name) + "\n", name)
    assert sides(shared_stage, again) == before["membership"]
    divided = shared_stage.table(again)["split"]
    assert (divided["kind"], divided["rule"]) == (before["split"]["kind"], before["split"]["rule"])
    successor = {"split": divided | {"copies": False}, "target": before["target"]}
    crown(shared_stage, again, successor)
    third = shared_stage.upload("c.csv", founded_tables.table(name) + "\n\n", name)
    assert sides(shared_stage, third) == before["membership"]


@pytest.mark.parametrize("name", ["content", "occurrence", "group"])
def test_tokens_that_are_named_later_move_no_row(shared_stage: Stage, name: str) -> None:
    before, model = founded_tables.recorded()[name], f"{name}-tokens"
    salted = founded_tables.coarse_table() if name == "occurrence" else founded_tables.table(name)
    first = shared_stage.upload("a.csv", salted, model)
    document = shared_stage.table(first)
    crown(shared_stage, first, {"split": document["split"], "target": before["target"]})
    shared_stage.spec(f"missing: {list(NEW_TOKENS)}\n", model=model)
    again = shared_stage.upload("b.csv", salted, model)
    assert sides(shared_stage, again) == sides(shared_stage, first)
    assert shared_stage.table(again)["split"]["rule"] == document["split"]["rule"]


def test_rows_of_a_derived_table_keep_their_sides(shared_stage: Stage, tmp_path: Path) -> None:
    name, model = "content", "content"
    before = founded_tables.recorded()[name]
    crown(shared_stage, shared_stage.upload("a.csv", founded_tables.table(name), model), before)
    raw, sink = tmp_path / "base.csv", tmp_path / "derived.csv"
    raw.write_text(founded_tables.table(name))
    spec = parse_spec(f"missing: {list(NEW_TOKENS)}")
    row = LabelledRow("0123", 0, "2026-11-01T00:00:00.000Z", {"x": 1.5, "code": "NULL"}, "yes")
    with engine.connect(tmp_path) as connection:
        derive(connection, raw, file="base.csv", spec=spec, labelled=[row], sink=sink)
    assert ",NULL,3," in sink.read_text(), "cells are written as they are"
    again = shared_stage.upload("derived.csv", sink.read_bytes(), model)
    assert sides(shared_stage, again)[: founded_tables.ROWS] == before["membership"]
