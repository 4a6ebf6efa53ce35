"""Rows stay on the champion's sides, whatever a later table or spec adds: what judged it is never trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from modelloop.aws.serving import pointers
from modelloop.aws.storage import Bucket
from modelloop.contracts.manifest_parts import split_facts_from_json
from modelloop.contracts.pointer import VersionRef
from modelloop.contracts.version_facts import VersionFacts
from modelloop.rollout import moves
from tests.support.intake_stage import ARTIFACTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.versions.run import Run
    from tests.support.intake_stage import Stage

ROWS = [(f"{i * 0.5}", "abc"[i % 3], "yes" if i % 4 else "no") for i in range(200)]


def table(rows: Sequence[tuple[str, ...]], header: str = "x,kind,y") -> str:
    return header + "\n" + "".join(",".join(row) + "\n" for row in rows)


def crown(stage: Stage, run: Run) -> None:
    """Make a run's table the champion's."""
    document = stage.table(run)
    rows = {"train": 0, "validation": 0, "holdout": 0, "trained_until": None}
    split = split_facts_from_json({**rows, "salt": document["salt"], **document["split"]})
    facts = VersionFacts(split=split, target=document["target"])
    number = stage.registry.register_version("m", run.run_id, facts)
    ref = VersionRef(number, run.run_id, "f", "s", 1)
    pointer, etag = pointers.read(Bucket(ARTIFACTS), "m")
    now = "2026-11-01T00:00:00.000Z"
    pointers.publish(Bucket(ARTIFACTS), moves.promote(pointer, ref, model="m", now=now, who="tester", why="test"), etag)


def sides(stage: Stage, run: Run) -> list[int]:
    assert run.state == "QUEUED", run.reason
    found: list[int] = stage.array(run, "membership.npy").tolist()
    return found


@pytest.mark.parametrize("what", ["column", "ignored", "both", "more rows"])
def test_rows_keep_their_sides(stage: Stage, what: str) -> None:
    base = stage.upload("a.csv", table(ROWS))
    crown(stage, base)
    rows: list[Any] = [(x, kind, f"{i % 7}", y) for i, (x, kind, y) in enumerate(ROWS)]
    header = "x,kind,late,y"
    if what in {"ignored", "both"}:
        stage.spec("ignore: [kind]\n")
    if what == "ignored":
        rows, header = [*ROWS[:150]], "x,kind,y"
    if what == "more rows":
        rows = [*rows, *(("1000", "a", f"{i % 5}", "no") for i in range(400))]  # more than half are copies of one
    again = stage.upload("b.csv", table(rows, header))
    kept = sides(stage, again)[: min(len(rows), 200)]
    assert kept == sides(stage, base)[: len(kept)]
    assert stage.table(again)["split"]["columns"] == {"x": "number", "kind": "text"}


def test_without_a_champion_all_columns_decide(stage: Stage) -> None:
    base = stage.upload("a.csv", table(ROWS))
    again = stage.upload(
        "b.csv", table([(x, kind, f"{i % 7}", y) for i, (x, kind, y) in enumerate(ROWS)], "x,kind,late,y")
    )
    assert set(stage.table(again)["split"]["columns"]) == {"x", "kind", "late"}
    assert sides(stage, again) != sides(stage, base)


@pytest.mark.parametrize(("rows", "header", "columns"), [
    ([(x, y) for x, _, y in ROWS], "x,y", {"x"}),  # a column that decided is gone
    ([(x, f"{i % 3}", y) for i, (x, _, y) in enumerate(ROWS)], "x,kind,y", {"x", "kind"}),  # or of another kind
    ([(x, y, kind) for x, kind, y in ROWS], "x,y,kind", {"x", "y"}),  # or it is the target now
])  # fmt: skip
def test_where_the_champions_columns_cannot_decide_all_do(
    stage: Stage, rows: Sequence[tuple[str, ...]], header: str, columns: set[str]
) -> None:
    crown(stage, stage.upload("a.csv", table(ROWS)))
    again = stage.upload("b.csv", table(rows, header))
    assert set(stage.table(again)["split"]["columns"]) == columns
    assert np.bincount(sides(stage, again), minlength=3).min() > 0
