from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("stack_file")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "birds.csv"
    file.write_text("island,mass,species\nBiscoe,3750,Adelie\n")
    return file


class Loop:
    """What the stations behind the bucket do with an upload: one run a content, told by its stages."""

    def __init__(self, api: Any, s3: Any, *, end: str = "SUCCEEDED", reason: str | None = None) -> None:
        self.s3 = s3
        self.runs: list[dict[str, Any]] = []
        self.end = end
        self.reason = reason
        self.polls = 0
        api.on("GET /models/birds/runs", self.list_runs)
        api.on("GET /models/birds/runs/r-1", self.one_run)

    def list_runs(self, _: Any) -> tuple[int, Any]:
        if not self.runs:
            self._take_newest_object()
        return (200, {"runs": self.runs}) if self.runs else (404, {"error": "no such model"})

    def _take_newest_object(self) -> None:
        found = self.s3.list_object_versions(Bucket="loop-data", Prefix="datasets/birds/").get("Versions", [])
        tables = [one for one in found if one["Key"].endswith(".csv")]
        if tables:
            head = self.s3.head_object(Bucket="loop-data", Key=tables[0]["Key"])
            facts = {"version_id": head["VersionId"], "digest": head["Metadata"]["sha256"], "rows": 1}
            self.runs = [run("RUNNING", "received", 5) | {"dataset": facts}]

    def one_run(self, _: Any) -> tuple[int, Any]:
        self.polls += 1
        state, stage, percent = [("RUNNING", "fitting", 40), (self.end, "done", 100)][min(self.polls - 1, 1)]
        ended = {"version": 3 if state == "SUCCEEDED" else None, "reason": self.reason}
        self.runs[0] |= {"state": state, "stage": stage, "percent": percent} | ended
        return 200, self.runs[0]


def run(state: str, stage: str, percent: int) -> dict[str, Any]:
    return {
        "model": "birds", "run_id": "r-1", "state": state, "stage": stage, "percent": percent, "cause": "upload",
        "created_at": "2026-11-23T10:00:00Z", "updated_at": "2026-11-23T10:00:01Z", "reason": None,
        "version": None, "task_reason": "classification, because species is text", "warnings": ["mass: whole numbers"],
        "plan": {"memory_mb": 1370, "seconds": 74},
        "spent": {"memory_mb": 660, "seconds": 33},
        "metrics": {"holdout": {"log_loss": {"value": 0.1, "low": 0.05, "high": 0.2}}, "trivial": {"log_loss": 1.05}},
    }  # fmt: skip


def test_an_upload_is_followed_to_its_version(api: Any, s3: Any, table: Path, modelloop: Callable[..., Any]) -> None:
    Loop(api, s3)

    ended = modelloop("train", str(table), "--model", "birds", "--target", "species", "--json")

    assert ended.code == 0, ended.err
    assert (ended.json["state"], ended.json["version"]) == ("SUCCEEDED", 3)
    stored = s3.get_object(Bucket="loop-data", Key="datasets/birds/birds.csv")["Body"].read()
    assert stored == table.read_bytes()
    spec = s3.get_object(Bucket="loop-data", Key="datasets/birds/model.yaml")["Body"].read()
    assert spec == b"target: species\n"


def test_a_person_sees_metrics_warnings_and_the_version(
    api: Any, s3: Any, table: Path, modelloop: Callable[..., Any]
) -> None:
    Loop(api, s3)

    shown = modelloop("train", str(table), "--model", "birds").out

    assert "SUCCEEDED" in shown
    assert "0.05 to 0.2" in shown
    assert "1.05" in shown
    assert "! mass: whole numbers" in shown
    assert "task classification, because species is text" in shown
    assert "! classification" not in shown
    assert "planned 1,370 MB, 74 s" in shown
    assert "took 660 MB, 33 s" in shown


def test_a_rejected_run_ends_with_its_reason_and_a_code(
    api: Any, s3: Any, table: Path, modelloop: Callable[..., Any]
) -> None:
    Loop(api, s3, end="REJECTED", reason="the table has 1 row; at least 10 of each class are needed")

    ended = modelloop("train", str(table), "--model", "birds")
    as_json = modelloop("train", str(table), "--model", "birds", "--json")

    assert ended.code == as_json.code == 1
    assert "at least 10 of each class are needed" in ended.err
    assert as_json.json["state"] == "REJECTED"


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    folder = tmp_path / "out.csv"
    folder.mkdir()
    for place in range(3):
        (folder / f"b{place}.csv").write_text(f"island,mass,species\nBiscoe,375{place},Adelie\n")
    for hidden in ("_SUCCESS", ".b0.csv.crc", "_committed_1"):
        (folder / hidden).write_text("x")
    return folder


def test_a_folder_of_part_files_is_one_table_whose_marker_comes_last(
    api: Any, s3: Any, parts: Path, modelloop: Callable[..., Any]
) -> None:
    def runs(_: Any) -> tuple[int, Any]:
        stored = s3.list_object_versions(Bucket="loop-data").get("Versions", [])
        made = [one["VersionId"] for one in stored if one["Key"].endswith("_SUCCESS")]
        return 200, {"runs": [run("SUCCEEDED", "done", 100) | {"dataset": {"version_id": one}} for one in made]}

    api.on("GET /models/birds/runs", runs)
    first = modelloop("train", str(parts), "--model", "birds", "--no-wait", "--json").json
    again = modelloop("train", str(parts), "--model", "birds", "--no-wait", "--json").json
    (parts / "b1.csv").unlink()
    other = modelloop("train", str(parts), "--model", "birds", "--no-wait", "--json").json

    assert (first["unchanged"], again["unchanged"], other["unchanged"]) == (False, True, False)
    assert again["version_id"] == first["version_id"]
    listed = {one["Key"]: one for one in s3.list_objects_v2(Bucket="loop-data")["Contents"]}
    folders = [one["uri"].removeprefix("s3://loop-data/").removesuffix("_SUCCESS") for one in (first, other)]
    names = [sorted(key.removeprefix(folder) for key in listed if key.startswith(folder)) for folder in folders]
    assert names == [
        ["_SUCCESS", "part-00000-b0.csv", "part-00001-b1.csv", "part-00002-b2.csv"],
        ["_SUCCESS", "part-00000-b0.csv", "part-00001-b2.csv"],
    ]
    assert folders[0].startswith("datasets/birds/out.csv-")
    marked = listed[f"{folders[0]}_SUCCESS"]["LastModified"]
    assert all(one["LastModified"] <= marked for key, one in listed.items() if key.startswith(folders[0]))


@pytest.mark.usefixtures("api")
def test_a_folder_that_is_no_table_in_parts_is_refused(s3: Any, parts: Path, modelloop: Callable[..., Any]) -> None:
    (parts / "year=2026").mkdir()
    nested = modelloop("train", str(parts), "--model", "birds")
    empty = modelloop("train", str(parts / "year=2026"), "--model", "birds")
    assert nested.code == empty.code == 1
    assert "has a folder in it (year=2026)" in nested.err
    assert "has no files with content" in empty.err
    assert "Contents" not in s3.list_objects_v2(Bucket="loop-data")


def test_unchanged_content_is_recognised_and_not_sent_again(
    api: Any, s3: Any, table: Path, modelloop: Callable[..., Any]
) -> None:
    Loop(api, s3)
    modelloop("train", str(table), "--model", "birds")

    again = modelloop("train", str(table), "--model", "birds")

    assert again.code == 0
    assert "trained on before, by run r-1: SUCCEEDED" in again.err
    assert len(s3.list_object_versions(Bucket="loop-data", Prefix="datasets/birds/birds.csv")["Versions"]) == 1


def test_content_of_which_nothing_came_is_sent_again(
    api: Any, s3: Any, table: Path, modelloop: Callable[..., Any]
) -> None:
    loop = Loop(api, s3)
    modelloop("train", str(table), "--model", "birds", "--no-wait")
    loop.list_runs(None)
    loop.runs[0] |= {"state": "QUEUED", "stage": "profiled"}

    again = modelloop("train", str(table), "--model", "birds", "--no-wait")

    assert "no run came of it: uploading it again" in again.err
    assert len(s3.list_object_versions(Bucket="loop-data", Prefix="datasets/birds/birds.csv")["Versions"]) == 2


def test_force_and_changed_content_are_sent(api: Any, s3: Any, table: Path, modelloop: Callable[..., Any]) -> None:
    Loop(api, s3)
    modelloop("train", str(table), "--model", "birds", "--no-wait")
    modelloop("train", str(table), "--model", "birds", "--no-wait", "--force")
    table.write_text(table.read_text() + "Dream,3800,Adelie\n")
    sent = modelloop("train", str(table), "--model", "birds", "--no-wait", "--json")

    assert sent.json["uri"] == "s3://loop-data/datasets/birds/birds.csv"
    assert sent.json["unchanged"] is False
    assert len(s3.list_object_versions(Bucket="loop-data", Prefix="datasets/birds/birds.csv")["Versions"]) == 3


def test_a_target_that_contradicts_the_spec_uploads_nothing(
    s3: Any, table: Path, modelloop: Callable[..., Any]
) -> None:
    s3.put_object(Bucket="loop-data", Key="datasets/birds/model.yaml", Body=b"target: island\nmetric: log_loss\n")

    ended = modelloop("train", str(table), "--model", "birds", "--target", "species")

    assert ended.code == 1
    assert "names the target 'island', not 'species'" in ended.err
    assert "Contents" not in s3.list_objects_v2(Bucket="loop-data", Prefix="datasets/birds/birds")


def test_a_target_is_added_to_a_spec_that_names_none(s3: Any, table: Path, modelloop: Callable[..., Any]) -> None:
    s3.put_object(Bucket="loop-data", Key="datasets/birds/model.yaml", Body=b"# ours\nmetric: log_loss")

    modelloop("train", str(table), "--model", "birds", "--target", "species", "--no-wait")

    spec = s3.get_object(Bucket="loop-data", Key="datasets/birds/model.yaml")["Body"].read()
    assert spec == b"# ours\nmetric: log_loss\ntarget: species\n"


def test_onnx_models_go_to_their_own_prefix(s3: Any, tmp_path: Path, modelloop: Callable[..., Any]) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(b"onnx")

    sent = modelloop("train", str(file), "--model", "birds", "--no-wait", "--json")

    assert sent.json["uri"] == "s3://loop-data/models/birds/net.onnx"
    assert s3.get_object(Bucket="loop-data", Key="models/birds/net.onnx")["Body"].read() == b"onnx"


def test_runs_are_listed_with_their_reasons(api: Any, modelloop: Callable[..., Any]) -> None:
    rejected = run("REJECTED", "received", 100) | {"reason": "row 7 has 3 cells", "dataset": {"rows": None}}
    api.on("GET /models/birds/runs", (200, {"runs": [rejected]}))
    api.on("GET /models/birds/runs/r-1", (200, rejected))

    assert "row 7 has 3 cells" in modelloop("runs", "birds").out
    assert "row 7 has 3 cells" in modelloop("runs", "birds", "r-1").out
    assert json.loads(modelloop("runs", "birds", "r-1", "--json").out) == rejected


@pytest.fixture
def brought(tmp_path: Path) -> dict[str, Path]:
    """A model of one's own with its model.yaml and the rows to examine it on."""
    files = {name: tmp_path / name for name in ("birds.onnx", "model.yaml", "reference.csv")}
    files["birds.onnx"].write_bytes(b"a graph")
    files["model.yaml"].write_text("columns: [mass]\n")
    files["reference.csv"].write_text("mass,species\n3750,Adelie\n")
    return files


def objects(s3: Any) -> dict[str, bytes]:
    listed = s3.list_objects_v2(Bucket="loop-data").get("Contents", [])
    return {one["Key"]: s3.get_object(Bucket="loop-data", Key=one["Key"])["Body"].read() for one in listed}


def test_a_model_of_ones_own_takes_its_description_and_reference_along(
    s3: Any, brought: dict[str, Path], modelloop: Callable[..., Any]
) -> None:
    words = (
        "train", str(brought["birds.onnx"]), "--model", "birds", "--spec", str(brought["model.yaml"]),
        "--reference", str(brought["reference.csv"]), "--target", "species", "--no-wait", "--json",
    )  # fmt: skip

    sent = modelloop(*words)

    assert sent.code == 0, sent.err
    assert objects(s3) == {
        "models/birds/birds.onnx": b"a graph",
        "models/birds/model.yaml": b"columns: [mass]\ntarget: species\n",
        "models/birds/reference.csv": brought["reference.csv"].read_bytes(),
    }

    brought["reference.csv"].write_text("mass,species\n5200,Gentoo\n")
    again = modelloop(*words)
    assert not again.json["unchanged"], "a new reference examines the model again"
    assert again.json["version_id"] != sent.json["version_id"]
    assert objects(s3)["models/birds/reference.csv"] == b"mass,species\n5200,Gentoo\n"


@pytest.mark.parametrize(
    ("file", "reference", "message"),
    [
        ("birds.csv", "reference.csv", "--reference is for an .onnx model"),
        ("birds.onnx", "birds.parquet", "is not a .csv file"),
        ("birds.onnx", "nowhere.csv", "is not a .csv file"),
    ],
)
def test_a_reference_that_cannot_be_one_uploads_nothing(
    s3: Any,
    brought: dict[str, Path],
    table: Path,
    modelloop: Callable[..., Any],
    file: str,
    reference: str,
    message: str,
) -> None:
    folder = table.parent
    (folder / "birds.parquet").write_bytes(brought["birds.onnx"].read_bytes())

    ended = modelloop("train", str(folder / file), "--model", "birds", "--reference", str(folder / reference))

    assert ended.code == 1
    assert message in " ".join(ended.err.split())
    assert objects(s3) == {}
