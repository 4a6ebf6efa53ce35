"""Folders of part files, as Spark and warehouses write them: one table, one run, when the marker arrives."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from modelloop import keys
from modelloop.aws import clients
from modelloop.aws.settings import settings
from modelloop.aws.storage import Bucket
from modelloop.contracts.retrain_request import RetrainRequest
from modelloop.versions.run import SUCCEEDED
from tests.support.intake_stage import DATA
from tests.support.parquet_files import write_parquet
from training_trigger import part_files

if TYPE_CHECKING:
    from pathlib import Path

    from modelloop.versions.run import Run
    from tests.support.intake_stage import Stage

ROWS = [(i % 9 + 0.5, i * 0.25, "yes" if i % 3 else "no") for i in range(90)]


def csv(rows: list[Any], header: str = "x,z,y") -> str:
    return header + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)


def put(stage: Stage, model: str, file: str, body: bytes | str) -> dict[str, Any]:
    """Upload a file and return the outcome of its event."""
    raw = body if isinstance(body, bytes) else body.encode()
    (outcome,) = stage.deliver(stage.event(keys.dataset(model, file), raw))
    return outcome


def put_folder(stage: Stage, model: str, parts: dict[str, bytes | str], marker: str = "_SUCCESS") -> Run:
    """Upload part files, which start nothing, and then the marker; return the run that came of it."""
    for name, body in parts.items():
        assert put(stage, model, f"out/{name}", body)["outcome"] == "waiting", name
    outcome = put(stage, model, f"out/{marker}", b"")
    return stage.registry.get_run(model, outcome["run_id"])


def test_four_parts_of_a_spark_folder_are_one_table_and_one_run(stage: Stage) -> None:
    order = [2, 0, 3, 1]
    parts = {f"part-{place:05d}-1b2c-c000.csv": csv(ROWS[place * 20 : place * 20 + 20]) for place in order}
    run = put_folder(stage, "m", {**parts, "part-00004.csv": ""})
    assert (run.state, run.reason, run.dataset.rows) == ("QUEUED", None, 80)
    assert run.dataset.file == "out/_SUCCESS"
    assert run.dataset.bytes == sum(map(len, parts.values()))
    np.testing.assert_array_equal(stage.array(run, "matrix.npy")[:, 1], np.arange(80, dtype=np.float32) / 4)
    assert [found.run_id for found in stage.registry.list_runs("m").items] == [run.run_id]
    assert [told["run_id"] for told in stage.messages()] == [run.run_id]


def test_the_files_that_were_there_when_the_marker_came_are_the_table(stage: Stage) -> None:
    parts: dict[str, bytes | str] = {
        f"part-0000{place}.csv": csv(ROWS[place * 40 : place * 40 + 40]) for place in (0, 1)
    }
    run = put_folder(stage, "m", parts)
    marker = keys.dataset("m", "out/_SUCCESS")
    again = stage.event(marker, b"")
    assert put(stage, "m", "out/late.csv", csv(ROWS[80:]))["outcome"] == "waiting"
    stored = again["Records"][0]["s3"]["object"]
    assert (
        part_files.list_parts(marker, run.dataset.version_id, "m", Bucket(DATA), Bucket("test-artifacts")).digest
        == run.dataset.digest
    )
    (outcome,) = stage.deliver(again)
    newer = stage.registry.get_run("m", outcome["run_id"])
    assert newer.dataset.version_id == stored["versionId"]
    assert (newer.dataset.rows, newer.dataset.digest != run.dataset.digest) == (90, True)
    assert stage.deliver(again)[0]["run_id"] == newer.run_id
    assert stage.registry.get_run("m", run.run_id).state == "SUPERSEDED"


def test_the_same_files_under_a_new_marker_are_the_same_run(stage: Stage) -> None:
    run = put_folder(stage, "m", {"part-0.csv": csv(ROWS)})
    stage.registry.finish_run("m", run.run_id, SUCCEEDED)
    outcome = put(stage, "m", "out/_SUCCESS", b"")
    assert (outcome["outcome"], outcome["run_id"]) == ("repeated", run.run_id)


def test_a_folder_trains_again_with_its_rows_on_their_sides(stage: Stage) -> None:
    run = put_folder(stage, "m", {"part-0.csv": csv(ROWS[:50]), "part-1.csv": csv(ROWS[50:])})
    stage.registry.finish_run("m", run.run_id, SUCCEEDED)
    put(stage, "m", "out/part-2.csv", csv(ROWS[:7]))
    labelled = {"id": "p1", "row": 0, "time": "2026-11-23T10:00:00.000Z", "values": {"x": 1, "z": 2}, "label": "no"}
    Bucket("test-artifacts").put(keys.labelled("m", "2026-11-23T10"), json.dumps(labelled).encode() + b"\n")
    (outcome,) = stage.deliver(RetrainRequest("m", "request", "asked", None).to_json())
    again = stage.registry.get_run("m", outcome["run_id"])
    assert (again.state, again.dataset.rows, again.dataset.base) == ("QUEUED", 91, run.dataset.origin)
    np.testing.assert_array_equal(stage.array(again, "membership.npy")[:90], stage.array(run, "membership.npy"))
    stage.registry.finish_run("m", again.run_id, SUCCEEDED)
    stage.spec("target: nothing\n")
    (outcome,) = stage.deliver(RetrainRequest("m", "request", "again", None).to_json())
    assert outcome["outcome"] == "rejected"


def test_the_first_part_of_a_folder_leaves_a_word_in_the_audit_log(stage: Stage) -> None:
    for place in range(3):
        assert put(stage, "m", f"out/part-{place}.csv", csv(ROWS))["outcome"] == "waiting"
    (entry,) = stage.registry.list_audit("m").items
    assert (
        entry.why == "the files of out/ are one table, which is read when a marker (_SUCCESS or manifest) arrives there"
    )
    assert not stage.registry.list_runs("m").items


@pytest.mark.parametrize(
    "name", ["part-00000-1b2c-c000.csv", "part.0.csv", "000000_0.csv", "t-00000-of-00004.csv", "t-000000000003.csv"]
)
def test_a_part_directly_below_the_model_is_no_table_by_itself(stage: Stage, name: str) -> None:
    outcome = put(stage, "m", name, csv(ROWS))
    run = stage.registry.get_run("m", outcome["run_id"])
    assert run.state == "REJECTED"
    assert "the name of one of several part files" in str(run.reason)
    assert "`modelloop train FOLDER`" in str(run.reason)
    assert put(stage, "m", "t000000000000.csv", csv(ROWS))["outcome"] == "queued", "the same rows under another name"


def test_limits_count_the_sum(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "MAX_PARTS", 2)
    run = put_folder(stage, "m", {f"part-{place}.csv": csv(ROWS) for place in range(3)})
    assert (run.state, run.reason) == ("REJECTED", "out/ has more than 2 files: write fewer and larger ones")
    monkeypatch.setenv("MODELLOOP_TRAINER_STORAGE", "512")
    settings.cache_clear()
    big = [part_files.Part("a", None, 150_000_000), part_files.Part("b", None, 150_000_000)]
    monkeypatch.setattr(part_files, "_list", lambda *_: part_files.PartList(tuple(big)))
    outcome = put(stage, "m", "out/_SUCCESS", b"")
    assert "the file has 300 MB, reading it takes about 750 MB of scratch space" in str(outcome["reason"])


def test_hidden_files_are_no_parts(stage: Stage) -> None:
    for name in ("_started_123", ".part-0.csv.crc", "_temporary/0/part-0.csv", "model.yaml"):
        clients.client("s3").put_object(Bucket=DATA, Key=keys.dataset("m", f"out/{name}"), Body=b"x")
    assert put_folder(stage, "m", {"part-0.csv": csv(ROWS)}).dataset.rows == 90


@pytest.mark.parametrize(
    "name",
    [
        "part-00000-7f3e-c000.snappy.parquet", "part.0.parquet", "part_0", "000000_0", "0000_part_00.parquet",
        "data_0_1_0.csv.gz", "export-000000000012.csv", "rows-00001-of-00010.jsonl",
    ],
)  # fmt: skip
def test_what_writers_of_folders_call_their_files_waits(shared_stage: Stage, name: str) -> None:
    assert put(shared_stage, "waits", f"out/{name}", "x")["outcome"] == "waiting"


@pytest.mark.parametrize("name", ["2026-11-30.csv", "partners.csv", "table.csv", "2026/11.csv"])
def test_a_table_in_a_folder_without_marker_is_a_table(shared_stage: Stage, name: str) -> None:
    assert put(shared_stage, "alone", f"daily/{name}", csv(ROWS))["outcome"] in {"queued", "repeated"}
    assert put(shared_stage, "alone2", f"part-{name.replace('/', '-')}", csv(ROWS))["outcome"] in {"queued", "repeated"}


@pytest.mark.parametrize("marker", ["_SUCCESS", "manifest", "_manifest.json", "MANIFEST.JSON"])
def test_every_marker_reads_its_folder(shared_stage: Stage, marker: str) -> None:
    run = put_folder(
        shared_stage, f"by-{marker.lower().replace('.', '-').replace('_', '')}", {"part-0.csv": csv(ROWS)}, marker
    )
    assert (run.state, run.dataset.rows) == ("QUEUED", 90)


def test_parts_may_be_of_every_format_and_have_their_columns_in_another_order(
    shared_stage: Stage, tmp_path: Path
) -> None:
    shared_stage.spec("target: y\n", "mixed")
    select = "SELECT (i % 9 + 0.5)::DOUBLE AS x, i * 0.25 AS z, CASE i % 3 WHEN 0 THEN 'no' ELSE 'yes' END AS y"
    lines = "".join(json.dumps({"z": z, "x": x, "y": y}) + "\n" for x, z, y in ROWS[60:])
    run = put_folder(shared_stage, "mixed", {
        "part-0.csv.gz": gzip.compress(csv(ROWS[:30]).encode()),
        "part-1.csv": csv([(y, z, x) for x, z, y in ROWS[30:40]], "y,z,x").replace(",", ";"),
        "part-2.parquet": write_parquet(tmp_path / "t", f"{select} FROM range(40, 60) r(i)"),
        "part-3.jsonl": lines,
    })  # fmt: skip
    assert (run.state, run.reason, run.dataset.rows) == ("QUEUED", None, 90)
    matrix = shared_stage.array(run, "matrix.npy")
    np.testing.assert_array_equal(matrix, np.array([row[:2] for row in ROWS], np.float32))


def test_lines_of_json_may_lack_keys_in_some_parts(shared_stage: Stage) -> None:
    def lines(rows: list[Any], **more: int) -> str:
        return "".join(json.dumps({"x": x, **more, "y": y}) + "\n" for x, _, y in rows)

    run = put_folder(shared_stage, "sparse", {"part-0.jsonl": lines(ROWS[:50]), "part-1.jsonl": lines(ROWS[50:], n=1)})
    assert (run.state, run.reason) == ("QUEUED", None)
    profile = shared_stage.table(run)["profile"]
    assert [(column["name"], column["missing"]) for column in profile] == [("x", 0), ("n", 50), ("y", 0)]


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (
            {"part-0.csv": csv(ROWS), "part-1.csv": csv(ROWS, "x,q,y")},
            "part-1.csv: it has the columns 'x', 'q', 'y'",
        ),
        ({"part-0.csv": "0.5,1.5,2\n0.5,1,2\n", "part-1.csv": "0.5,2.5,2\n1,2,3\n"}, "(in Spark: header=True)"),
        (
            {"part-0.csv": csv(ROWS), "part-1.csv": csv(ROWS) + "1,2\n"},
            "part-1.csv: line 92 has 2 values",
        ),
        ({"part-0.csv": csv(ROWS), "part-1.csv": csv(ROWS, "y,z,x")}, "it is not clear which column is the target"),
        ({"part-0.csv": csv([]), "part-1.csv": csv([])}, "the table has column names but no rows"),
        ({"part-0.parquet": b"PAR1....PAR1"}, "part-0.parquet: the Parquet file is damaged"),
        ({"part-0": csv(ROWS)}, "part-0: 'part-0' has an unknown ending"),
        ({"part-0.csv": ""}, "out/ has a marker and no files with content"),
        ({"year=2024/part-0.csv": csv(ROWS)}, "out/ has a folder in it ('year=2024/part-0.csv')"),
    ],
)
def test_what_is_not_one_table_is_refused_with_the_file(
    shared_stage: Stage, parts: dict[str, bytes | str], reason: str
) -> None:
    run = put_folder(shared_stage, f"bad-{abs(hash(reason))}", parts)
    assert run.state == "REJECTED"
    assert reason in str(run.reason)
