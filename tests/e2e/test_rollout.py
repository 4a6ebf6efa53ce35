"""A life in versions on the embedded stack: first, canary, promoted, refused, waiting for approval, rolled back."""

from __future__ import annotations

import csv
import io
import json
import random
import time
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sklearn.datasets import load_digits

from infra.cli.client import Client
from modelloop import keys
from modelloop.aws import storage
from modelloop.aws.changes import Changes
from modelloop.ids import uuid7
from tests.support.embedded import registry_of, wait_for

if TYPE_CHECKING:
    from infra.local.info import StackInfo

MODEL = "digits"
SPEC = b"""target: high
task: classification
estimators: [hist_gradient_boosting]
promotion: {canary_percent: 50, bake_minutes: 0}
"""
ENDED = {"SUCCEEDED", "REJECTED", "FAILED", "SUPERSEDED"}


def rows() -> list[dict[str, Any]]:
    """Return 1,797 handwritten digits, and whether each is five or more."""
    digits = load_digits()
    found = [
        {f"p{place}": int(value) for place, value in enumerate(image) if 2 <= place % 8 <= 5}
        | {"high": "yes" if digit >= 5 else "no"}
        for image, digit in zip(digits.data, digits.target, strict=True)
    ]
    random.Random(1).shuffle(found)
    return found


def train(stack: StackInfo, client: Client, name: str, table: list[dict[str, Any]]) -> dict[str, Any]:
    """Upload a table and return the run that it started, ended."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table[0]))
    writer.writeheader()
    writer.writerows(table)
    s3 = stack.client("s3")
    s3.put_object(Bucket=stack.data_bucket, Key=f"datasets/{MODEL}/model.yaml", Body=SPEC)
    sent = s3.put_object(Bucket=stack.data_bucket, Key=f"datasets/{MODEL}/{name}.csv", Body=text.getvalue().encode())
    run: dict[str, Any] = wait_for(lambda: _ended(client, sent["VersionId"]), f"the run of {name}")
    return run


def _ended(client: Client, version_id: str) -> dict[str, Any] | None:
    if all(one["name"] != MODEL for one in client.models()):
        return None
    mine = (run for run in client.runs(MODEL, 20) if run["dataset"].get("version_id") == version_id)
    return next((run for run in mine if run["state"] in ENDED), None)


def send(client: Client, table: list[dict[str, Any]], requests: int, size: int = 3) -> dict[str, int]:
    """Send real rows; return how many requests each answer's status got."""
    answers: dict[str, int] = {}
    features = [{name: value for name, value in row.items() if name != "high"} for row in table]
    for number in range(requests):
        body = {"dataframe_records": [features[(number * size + offset) % len(features)] for offset in range(size)]}
        answer = client.send(
            "POST", f"/models/{MODEL}/invocations", content=orjson.dumps(body),
            headers={"content-type": "application/json"},
        )  # fmt: skip
        answers[str(answer.status_code)] = answers.get(str(answer.status_code), 0) + 1
    return answers


def judged(stack: StackInfo, client: Client, rows_wanted: dict[str, int]) -> dict[str, str]:
    """Wait until that much traffic was summarised, let the schedule's function look once, and return what it did."""
    wait_for(lambda: _summarised(client, rows_wanted), f"summaries of {rows_wanted}")
    answer = stack.client("lambda").invoke(
        FunctionName=stack.verdict_function, Payload=json.dumps({"model": MODEL}).encode()
    )
    body = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, body
    return dict(body["judged"][MODEL]["judge"])


def _summarised(client: Client, wanted: dict[str, int]) -> bool:
    found = _counted(client)
    return all(found.get(variant, 0) >= rows for variant, rows in wanted.items())


def _counted(client: Client) -> dict[str, int]:
    found: dict[str, int] = {}
    for version in client.about(MODEL, "summary")["versions"]:
        for variant, part in version["variants"].items():
            found[variant] = found.get(variant, 0) + part["rows"] + part["errors"]
    return found


@pytest.mark.timeout(900)  # a minute and a half on a quiet machine
def test_a_life_in_versions(stack: StackInfo, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    table = rows()

    first = train(stack, client, "first", table[:500])
    assert (first["state"], _roles(client)) == ("SUCCEEDED", {"champion": 1}), first["reason"]

    better = train(stack, client, "better", table)
    assert better["state"] == "SUCCEEDED", better["reason"]
    assert _roles(client) == {"champion": 1, "challenger": 2}, better["reason"]
    time.sleep(16)  # the pointer's soft time to live: the data plane has seen it after that
    assert send(client, table, 320) == {"200": 320}
    assert judged(stack, client, {"champion": 300, "challenger": 300}) == {"canary": "promote"}
    assert _roles(client) == {"champion": 2, "previous": 1}

    chance = random.Random(3)
    labels = [row["high"] for row in table]
    chance.shuffle(labels)
    shuffled = [{**row, "high": label} for row, label in zip(table, labels, strict=True)]
    refused = train(stack, client, "shuffled", shuffled)
    assert (refused["state"], _roles(client)) == ("REJECTED", {"champion": 2, "previous": 1})
    assert "gate" in refused["reason"]

    other = {"yes": "no", "no": "yes"}
    inverted = train(stack, client, "inverted", [{**row, "high": other[row["high"]]} for row in table])
    assert inverted["state"] == "SUCCEEDED", inverted["reason"]
    waiting = client.versions(MODEL, 1)[0]
    assert (waiting["status"], waiting["role"]) == ("waiting", None)
    client.act(MODEL, "reject", version=waiting["version"], reason="the labels are the wrong way round")

    before = _counted(client)
    bad = _release_a_version_that_asks_for_more(stack, uuid7(), monkeypatch)
    assert _roles(client)["challenger"] == bad
    time.sleep(16)  # the pointer's soft time to live: the data plane has seen it after that
    answers = send(client, table, 480, size=1)
    assert answers["422"] > 200
    assert judged(stack, client, {"challenger": before["challenger"] + answers["422"]})["canary"] == "rollback"
    assert _roles(client) == {"champion": 2, "previous": 1}
    actions = [entry["action"] for entry in client.pages(f"/models/{MODEL}/audit", "audit", 50)][::-1]
    changes = [action for action in actions if action in {"release", "promote", "reject"}]
    assert changes == ["release", "release", "promote", "reject", "release", "reject"]


def _roles(client: Client) -> dict[str, int]:
    found = client.get(f"/models/{MODEL}")
    return {role: found[role] for role in ("champion", "challenger", "shadow", "previous") if found[role]}


def _release_a_version_that_asks_for_more(stack: StackInfo, run_id: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Release, past the trainer, a copy of the champion that wants a column under a name that nobody sends."""
    registry = registry_of(stack, monkeypatch)
    number = registry.reserve_version(MODEL, run_id)
    facts = registry.get_version(MODEL, 2)
    text = storage.get(stack.artifacts_bucket, keys.version(MODEL, facts["run_id"], keys.BUNDLE)).decode()
    bundle = text.replace(facts["run_id"], run_id).replace('"p2"', '"never_sent"').encode()
    file = keys.version(MODEL, run_id, keys.BUNDLE)
    storage.put(stack.artifacts_bucket, file, bundle)
    manifest = orjson.loads(storage.get(stack.artifacts_bucket, keys.version(MODEL, facts["run_id"], keys.MANIFEST)))
    manifest |= {"version": number, "run_id": run_id}
    storage.put(stack.artifacts_bucket, keys.version(MODEL, run_id, keys.MANIFEST), orjson.dumps(manifest))
    ref = {"file": file, "sha256": sha256(bundle).hexdigest(), "bytes": len(bundle)}
    registry.register_version(
        MODEL, run_id, {"gate": {"decision": "release"}, "bundle": ref, "promotion": facts["promotion"]}
    )
    Changes(registry, MODEL, who="test", why="it passed its gate").release(number)
    return number
