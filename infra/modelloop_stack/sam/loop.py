"""The whole loop in containers, one after the other: each function gets what the one before it really stored."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import palmerpenguins

from modelloop import keys
from modelloop_stack.info import StackInfo
from modelloop_stack.sam.runner import Sam, SamLocalError

MODEL = "penguins"
DATASET = keys.dataset(MODEL, "palmer penguins.csv")
SPEC = keys.spec(MODEL)
SPEC_TEXT = b"target: species\n"
WAIT_SECONDS = 30
ROW = {
    "island": ("BYTES", "Biscoe"),
    "bill_length_mm": ("FP64", 46.1),
    "bill_depth_mm": ("FP64", 13.2),
    "flipper_length_mm": ("FP64", 211.0),
    "body_mass_g": ("FP64", 4500.0),
    "sex": ("BYTES", "female"),
    "year": ("FP64", 2007.0),
}
REQUEST = {
    "inputs": [{"name": name, "shape": [1], "datatype": kind, "data": [value]} for name, (kind, value) in ROW.items()]
}
EXPECTED = "Gentoo"


def run_loop(sam: Sam) -> Iterator[str]:
    """Run every function once and then the API; yield a line on what each one did.

    Raises:
        SamLocalError: a function failed, or answered otherwise than expected.

    """
    detach(sam.info)
    values = upload(sam.info)
    values["run_id"] = _trigger(sam, values)
    yield f"TrainingTriggerFunction queued run {values['run_id']}"
    values |= _train(sam, values)
    yield f"TrainerFunction published version {values['version']}"
    yield f"ReplayFunction replayed {_replay(sam, values)} rows through the serving runtime"
    yield f"InferenceFunction answered {_infer(sam, values)}"
    values |= _captured(sam.info)
    _expect(
        "MetricsAggregationFunction",
        sam.invoke("MetricsAggregationFunction", "metrics_aggregation", values),
        {"batchItemFailures": []},
    )
    yield f"MetricsAggregationFunction wrote {_summaries(sam.info)} summary"
    judged = sam.invoke("VerdictFunction", "verdicts", values)["judged"]
    yield f"VerdictFunction judged {judged}"
    yield f"ControlFunction answered {_control(sam, values)}"
    yield f"sam local start-api answered {_ask_api(sam)}"


def detach(info: StackInfo) -> None:
    """Detach the emulator's own functions from their events, because the containers do the work."""
    s3, functions = info.client("s3"), info.client("lambda")
    for bucket in (info.data_bucket, info.capture_bucket):
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


def upload(info: StackInfo) -> dict[str, Any]:
    """Upload the spec and the table, and return the values that the events' placeholders are filled with."""
    s3 = info.client("s3")
    table = palmerpenguins.load_penguins().to_csv(index=False).encode()
    s3.put_object(Bucket=info.data_bucket, Key=SPEC, Body=SPEC_TEXT)
    put = s3.put_object(Bucket=info.data_bucket, Key=DATASET, Body=table)
    return {
        "model": MODEL,
        "data_bucket": info.data_bucket,
        "capture_bucket": info.capture_bucket,
        "dataset_version": put["VersionId"],
        "dataset_etag": put["ETag"].strip('"'),
        "dataset_bytes": len(table),
        "rows": base64.b64encode(json.dumps(REQUEST).encode()).decode(),
    }


def _trigger(sam: Sam, values: dict[str, Any]) -> str:
    outcomes = sam.invoke("TrainingTriggerFunction", "training_trigger", values)["outcomes"]
    _expect("TrainingTriggerFunction", [outcome["outcome"] for outcome in outcomes], ["queued"])
    return str(outcomes[0]["run_id"])


def _train(sam: Sam, values: dict[str, Any]) -> dict[str, Any]:
    _expect("TrainerFunction", sam.invoke("TrainerFunction", "trainer", values), {"batchItemFailures": []})
    body = sam.info.client("s3").get_object(Bucket=sam.info.artifacts_bucket, Key=keys.pointer(MODEL))["Body"]
    champion = json.loads(body.read())["champion"]
    _expect("TrainerFunction's version", champion["run_id"], values["run_id"])
    return {"version": champion["version"], "bundle_digest": champion["sha256"], "bundle_bytes": champion["bytes"]}


def _replay(sam: Sam, values: dict[str, Any]) -> int:
    verdict = sam.invoke("ReplayFunction", "replay", values)
    _expect("ReplayFunction", (verdict["ok"], verdict["mismatches"]), (True, 0))
    return int(verdict["rows"])


def _infer(sam: Sam, values: dict[str, Any]) -> str:
    answer = sam.invoke("InferenceFunction", "inference", values)
    _expect("InferenceFunction's status", answer["statusCode"], 200)
    return _predicted(_body(answer))


def _control(sam: Sam, values: dict[str, Any]) -> str:
    answer = sam.invoke("ControlFunction", "control", values)
    _expect("ControlFunction's status", answer["statusCode"], 200)
    document = _body(answer)
    _expect("ControlFunction's model", document["name"], MODEL)
    return f"{document['name']}, champion {document['champion']}"


def _ask_api(sam: Sam) -> str:
    with sam.api() as address:
        answer = httpx.post(f"{address}/v2/models/{MODEL}/infer", json=REQUEST, timeout=120)
        _expect("start-api's status", answer.status_code, 200)
        return _predicted(answer.json())


def _captured(info: StackInfo) -> dict[str, Any]:
    captures = _wait_for(lambda: info.client("s3").list_object_versions(Bucket=info.capture_bucket).get("Versions"))
    newest = captures[-1]
    return {
        "capture_key": newest["Key"],
        "capture_bytes": newest["Size"],
        "capture_version": newest["VersionId"],
    }


def _summaries(info: StackInfo) -> int:
    listing = info.client("s3").list_objects_v2(Bucket=info.artifacts_bucket, Prefix=keys.summaries(MODEL))
    _expect("MetricsAggregationFunction's summaries", listing["KeyCount"], 1)
    return int(listing["KeyCount"])


def _predicted(document: dict[str, Any]) -> str:
    label = next(output["data"][0] for output in document["outputs"] if output["name"] == "predict")
    _expect("the prediction", label, EXPECTED)
    return str(label)


def _body(answer: dict[str, Any]) -> dict[str, Any]:
    raw = answer["body"]
    document: dict[str, Any] = json.loads(base64.b64decode(raw) if answer.get("isBase64Encoded") else raw)
    return document


def _wait_for(read: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + WAIT_SECONDS
    while not (value := read()):
        if time.monotonic() > deadline:
            raise SamLocalError("no capture object appeared")
        time.sleep(0.2)
    return value


def _expect(what: str, actual: Any, expected: Any) -> None:
    if actual != expected:
        raise SamLocalError(f"{what}: expected {expected}, got {actual}")
