"""The main job on the embedded stack: from an uploaded table to a drift verdict, over real HTTP."""

from __future__ import annotations

import json
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from modelloop_cli.console import Console
from modelloop_cli.demo import job, tables, traffic
from modelloop_client.client import Client
from modelloop_client.run_progress import find_run, follow
from modelloop_client.uploads import upload
from tests.support.embedded import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

    from modelloop_cli.demo.steps import Steps
    from modelloop_stack.info import StackInfo

ERROR_FORM = {"error", "error_code", "message", "field", "row"}
ROW = {
    "island": "Biscoe", "bill_length_mm": 45.2, "bill_depth_mm": 14.8, "flipper_length_mm": 212.0,
    "body_mass_g": 5200.0, "sex": "female", "year": 2008,
}  # fmt: skip


@pytest.fixture(scope="module")
def steps(client: Client) -> Steps:
    return job.run(Console(notes_to_stdout=True), client.stack)


def test_every_step_of_the_main_job_is_reached(steps: Steps) -> None:
    assert [(step.name, step.outcome) for step in steps.steps if step.failed] == []
    names = [step.name for step in steps.steps]
    assert names.index("Train penguins") < names.index("Drift of penguins") < names.index("Feedback to diabetes")


@pytest.mark.usefixtures("steps")
def test_the_second_run_trains_nothing_anew(client: Client) -> None:
    before = [client.runs(model) for model in ("penguins", "diabetes")]

    again = job.run(Console(notes_to_stdout=True), client.stack)

    assert not again.failed
    trained = [step.outcome for step in again.steps if step.name.startswith("Train ")]
    assert len(trained) == 2
    assert all(outcome.endswith(", trained before") for outcome in trained)
    assert [client.runs(model) for model in ("penguins", "diabetes")] == before


@pytest.mark.usefixtures("steps")
def test_the_printed_command_predicts_when_it_is_pasted(client: Client) -> None:
    command = traffic.curl(client, tables.penguins(), tables.penguins().rows()[0])

    told = subprocess.run(shlex.split(command), capture_output=True, text=True, check=True)

    assert json.loads(told.stdout)["predictions"] == ["Adelie"]


@pytest.mark.usefixtures("steps")
def test_the_model_beats_the_trivial_one_and_serves_as_champion(client: Client) -> None:
    runs = [run for run in client.runs("penguins") if run["state"] == "SUCCEEDED"]
    run = next(run for run in runs if run["cause"] == "upload")
    metrics = run["metrics"]

    assert metrics["holdout"]["log_loss"]["value"] < metrics["trivial"]["log_loss"]["value"] / 2
    assert metrics["holdout"]["accuracy"]["value"] > 0.9
    assert run["percent"] == 100
    penguins = next(model for model in client.models() if model["name"] == "penguins")
    assert penguins["champion"] in {run["version"] for run in runs}


@pytest.mark.usefixtures("steps")
def test_both_protocols_give_the_same_answer_and_name_it(api: httpx.Client) -> None:
    inputs = [
        {"name": name, "shape": [1], "datatype": "BYTES" if isinstance(value, str) else "FP64", "data": [value]}
        for name, value in ROW.items()
    ]

    oip = api.post("/v2/models/penguins/infer", json={"id": "mine", "inputs": inputs})
    mlflow = api.post("/models/penguins/invocations", json={"dataframe_records": [ROW]})

    outputs = {output["name"]: output["data"] for output in oip.json()["outputs"]}
    assert outputs["predict"] == mlflow.json()["predictions"] == ["Gentoo"]
    assert sum(outputs["predict_proba"]) == pytest.approx(1.0)
    assert oip.json()["id"] == "mine"
    for answer in (oip, mlflow):
        assert int(answer.headers["x-modelloop-version"]) >= 1
    assert mlflow.headers["x-modelloop-prediction-id"] == mlflow.json()["prediction_id"]


@pytest.mark.usefixtures("steps")
@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/models/nobody/invocations", {"dataframe_records": [ROW]}, 404, "RESOURCE_DOES_NOT_EXIST"),
        ("/models/penguins/invocations", b"{not json", 400, "BAD_REQUEST"),
        ("/models/penguins/invocations", {"rows": [ROW]}, 400, "BAD_REQUEST"),
        ("/v2/models/penguins/infer", {"inputs": "none"}, 400, "BAD_REQUEST"),
        ("/models/penguins/invocations", b"[" + b" " * 4_000_001 + b"]", 413, "REQUEST_TOO_LARGE"),
        ("/v2/models/penguins/versions/999/infer", {"inputs": []}, 404, "RESOURCE_DOES_NOT_EXIST"),
    ],
)
def test_bad_requests_are_told_in_the_one_form(api: httpx.Client, path: str, body: Any, status: int, code: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    answer = api.post(path, content=content, headers={"content-type": "application/json"})

    assert answer.status_code == status, answer.text
    assert set(answer.json()) == ERROR_FORM
    assert answer.json()["error_code"] == code
    assert "Traceback" not in answer.text


@pytest.mark.usefixtures("steps")
def test_wrong_types_and_missing_columns_name_field_and_row(api: httpx.Client) -> None:
    heavy = api.post("/models/penguins/invocations", json={"dataframe_records": [ROW, ROW | {"body_mass_g": "heavy"}]})
    short = api.post(
        "/models/penguins/invocations",
        json={"dataframe_records": [{name: value for name, value in ROW.items() if name != "island"}]},
    )

    assert (heavy.status_code, heavy.json()["field"], heavy.json()["row"]) == (422, "body_mass_g", 1)
    assert (short.status_code, short.json()["field"]) == (422, "island")


def test_nobody_gets_in_without_key_or_signature(stack: StackInfo) -> None:
    assert httpx.get(f"{stack.api_url}/v2/models").status_code == 403
    assert httpx.get(f"{stack.api_url}/models").status_code == 403
    assert httpx.get(f"{stack.api_url}/models", headers={"x-api-key": stack.api_key}).status_code == 403


BAD_TABLES = {
    "empty-table": (b"\n", "rows|header|empty"),
    "header-only": (b"a,b,target\n", "row"),
    "no-such-target": (b"a,b\n" + b"1,2\n" * 50, "target"),
    "ragged": (b"a,b,target\n1,2,x\n1,2,x,9,9\n" + b"3,4,y\n" * 30, "cell|column|line|row"),
    "not-a-table": (bytes(range(256)) * 8, ""),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_bad_tables_end_rejected_with_a_reason_and_stay(client: Client, tmp_path: Path, name: str) -> None:
    content, told = BAD_TABLES[name]
    file = tmp_path / f"{name}.csv"
    file.write_bytes(content)
    model = f"bad-{name}"
    if name == "no-such-target":
        client.stack.aws("s3").put_object(
            Bucket=client.stack.data_bucket, Key=f"datasets/{model}/model.yaml", Body=b"target: price\n"
        )

    sent = upload(client.stack, model, file, force=False, on_progress=lambda _: None)
    run = find_run(client, model, sent, patience=PATIENCE)
    ended = follow(client, model, run["run_id"], lambda _: None, patience=PATIENCE)

    assert ended["state"] == "REJECTED"
    assert ended["reason"]
    assert any(word in ended["reason"] for word in told.split("|")), ended["reason"]
    stored = client.stack.aws("s3").get_object(Bucket=client.stack.data_bucket, Key=f"datasets/{model}/{file.name}")
    assert stored["Body"].read() == content
