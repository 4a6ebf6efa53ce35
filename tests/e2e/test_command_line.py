"""The command line on the embedded stack: every view works, and a version is approved, promoted and rolled back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from modelloop_cli.demo import tables
from tests.support.embedded import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.support.embedded import Run

MODEL = "rollout-birds"
WEAK = "target: species\nestimators: [linear]\nparams: {linear: {C: 0.001}}\n"
STRONG = "target: species\n"
ROW = {
    "island": "Biscoe", "bill_length_mm": 45.2, "bill_depth_mm": 14.8, "flipper_length_mm": 212.0,
    "body_mass_g": 5200.0, "sex": "female", "year": 2008,
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(modelloop: Run, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A first version that was kept from learning much."""
    spec = tmp_path_factory.mktemp("weak") / "model.yaml"
    spec.write_text(WEAK)
    ended = modelloop("train", str(tables.penguins().file), "--model", MODEL, "--spec", str(spec), "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(
    "words",
    [
        ("models",), ("versions", MODEL), ("versions", MODEL, "1"), ("runs", MODEL), ("drift", MODEL),
        ("quality", MODEL), ("summary", MODEL), ("audit", MODEL), ("predict", MODEL, "--schema"),
    ],
)  # fmt: skip
def test_every_view_is_drawn_and_printed_for_programs(modelloop: Run, words: tuple[str, ...]) -> None:
    drawn, printed = modelloop(*words), modelloop(*words, "--json")

    assert (drawn.returncode, printed.returncode) == (0, 0), drawn.stderr + printed.stderr
    assert MODEL in drawn.stdout
    assert isinstance(json.loads(printed.stdout), dict)


@pytest.mark.usefixtures("trained")
def test_rows_from_a_file_are_predicted_explained_and_labelled(modelloop: Run) -> None:
    rows = tables.penguins().file.read_text().splitlines()[:4]

    ended = modelloop("predict", MODEL, "--explain", "--json", stdin="\n".join(rows))

    assert ended.returncode == 0, ended.stderr
    lines = json.loads(ended.stdout)["predictions"]
    assert [line["prediction"] for line in lines] == ["Adelie"] * 3
    assert set(lines[0]["explanation"]["contributions"]) == set(ROW)
    told = modelloop("feedback", MODEL, lines[0]["id"], "Adelie", "--row", "1", "--json")
    assert json.loads(told.stdout) == {"accepted": 1, "sent": 1, "unreadable": 0, "new_class": 0, "examples": []}


@pytest.mark.usefixtures("trained")
def test_a_prediction_is_erased_for_good_and_on_record(modelloop: Run) -> None:
    row = "\n".join(tables.penguins().file.read_text().splitlines()[:2])
    (line,) = json.loads(modelloop("predict", MODEL, "--json", stdin=row).stdout)["predictions"]
    modelloop("feedback", MODEL, line["id"], "Adelie")
    words = ("erase", MODEL, line["id"], "--json")

    def rehearsed() -> dict[str, Any] | None:
        found = modelloop(*words, "--dry-run")
        held = json.loads(found.stdout) if found.returncode == 0 else {}
        return held if held.get("rows") == held.get("labels") == held.get("entries") == 1 else None

    would_go = wait_for(rehearsed, "the captured row and its label")
    erased = modelloop(*words, "--yes", "--reason", "asked by the bird")

    assert erased.returncode == 0, erased.stderr
    gone = json.loads(erased.stdout)
    assert {name: gone[name] for name in ("rows", "labels", "entries")} == {"rows": 1, "labels": 1, "entries": 1}
    assert would_go == gone | {"dry_run": True, "old_versions": would_go["old_versions"]}
    again = json.loads(modelloop(*words, "--dry-run").stdout)
    assert (again["rows"], again["labels"], again["entries"], again["objects"]) == (0, 0, 0, 0)
    entries = json.loads(modelloop("audit", MODEL, "--json").stdout)["audit"]
    (entry,) = (entry for entry in entries if entry["why"] == "asked by the bird")
    assert entry["action"] == "erase"
    assert line["id"] not in json.dumps(entries)


@pytest.mark.usefixtures("trained")
def test_a_mistake_is_one_line_and_a_code(modelloop: Run) -> None:
    unknown = modelloop("drift", "nobody")
    wrong = modelloop("predict", MODEL, "--set", "island=Biscoe")

    assert unknown.returncode == wrong.returncode == 1
    assert "nobody" in unknown.stderr
    assert "columns 'bill_length_mm', 'bill_depth_mm'" in wrong.stderr
    assert "Traceback" not in unknown.stderr + wrong.stderr


def test_an_unsure_successor_is_approved_promoted_and_rolled_back(
    modelloop: Run, api: httpx.Client, trained: Any, tmp_path: Path
) -> None:
    first = trained["version"]
    spec = tmp_path / "model.yaml"
    spec.write_text(STRONG)
    ended = modelloop("train", str(tables.penguins().file), "--model", MODEL, "--spec", str(spec), "--json")
    run = json.loads(ended.stdout)
    assert run["state"] == "SUCCEEDED", run["reason"]
    second = run["version"]
    assert (run["gate"]["decision"], run["gate"]["unsure"]) == ("release", True)
    assert serving(api) == first

    approved = modelloop("approve", MODEL, str(second), "--reason", "seen by a person", "--json")
    promoted = modelloop("promote", MODEL, str(second), "--reason", "better on the new birds", "--json")
    assert (approved.returncode, promoted.returncode) == (0, 0), approved.stderr + promoted.stderr
    wait_for(lambda: serving(api) == second, "the promoted version's first answer")
    back = modelloop("rollback", MODEL, "--reason", "bad figures", "--json")
    assert back.returncode == 0, back.stderr
    wait_for(lambda: serving(api) == first, "the first version's answer")

    audit = json.loads(modelloop("audit", MODEL, "--json").stdout)["audit"]
    whys = {entry["why"] for entry in audit}
    assert {"seen by a person", "better on the new birds", "bad figures"} <= whys


def serving(api: httpx.Client) -> int:
    answer = api.post(f"/models/{MODEL}/invocations", json={"dataframe_records": [ROW]})
    assert answer.status_code == 200
    return int(answer.headers["x-modelloop-version"])
