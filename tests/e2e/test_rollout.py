"""A life in versions on the embedded stack: first, canary, promoted, refused, waiting for approval, rolled back."""

from __future__ import annotations

import csv
import io
import json
import random
import time
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from modelloop_client.client import Client
from tests.support.embedded import wait_for
from tests.support.rollout_rows import rows

if TYPE_CHECKING:
    from modelloop_stack.info import StackInfo

MODEL = "digits"
SPEC = b"""target: high
task: classification
time_column: written
estimators: [hist_gradient_boosting]
promotion: {canary_percent: 50, bake_minutes: 0}
"""
NOT_SENT = {"written", "drawer", "high"}
ENDED = {"SUCCEEDED", "REJECTED", "FAILED", "SUPERSEDED"}


def filed(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows with the drawer that each went to once it was known: the answer, which no caller can send."""
    return [{"drawer": "upper" if row["high"] == "yes" else "lower"} | row for row in table]


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
    features = [{name: value for name, value in row.items() if name not in NOT_SENT} for row in table]
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
def test_a_life_in_versions(stack: StackInfo, client: Client) -> None:
    table = rows()
    early, older = table[:500], table[:1400]

    first = train(stack, client, "first", early)
    assert (first["state"], _roles(client)) == ("SUCCEEDED", {"champion": 1}), first["reason"]

    better = train(stack, client, "better", older)
    assert better["state"] == "SUCCEEDED", better["reason"]
    assert _roles(client) == {"champion": 1, "challenger": 2}, better["reason"]
    time.sleep(16)  # the pointer's soft time to live: the data plane has seen it after that
    assert send(client, older, 320) == {"200": 320}
    assert judged(stack, client, {"champion": 300, "challenger": 300}) == {"canary": "promote"}
    assert _roles(client) == {"champion": 2, "previous": 1}

    chance = random.Random(3)
    labels = [row["high"] for row in older]
    chance.shuffle(labels)
    shuffled = [{**row, "high": label} for row, label in zip(older, labels, strict=True)]
    refused = train(stack, client, "shuffled", shuffled)
    assert _roles(client) == {"champion": 2, "previous": 1}, refused["reason"]
    assert refused["gate"]["decision"] in {"approve", "reject"}

    other = {"yes": "no", "no": "yes"}
    inverted = train(stack, client, "inverted", [{**row, "high": other[row["high"]]} for row in older])
    assert inverted["state"] == "SUCCEEDED", inverted["reason"]
    waiting = client.versions(MODEL, 1)[0]
    assert (waiting["status"], waiting["role"]) == ("waiting", None)
    client.act(MODEL, "reject", version=waiting["version"], reason="the labels are the wrong way round")

    before = _counted(client)
    leaky = train(stack, client, "filed", filed(table))
    assert leaky["state"] == "SUCCEEDED", leaky["reason"]
    assert any("'drawer' alone predicts the target" in warning for warning in leaky["warnings"])
    bad = client.versions(MODEL, 1)[0]
    assert (bad["status"], _roles(client)) == ("cleared", {"champion": 2, "previous": 1, "challenger": bad["version"]})
    time.sleep(16)  # the pointer's soft time to live: the data plane has seen it after that
    assert send(client, table, 320) == {"200": 320}  # nobody sends the drawer
    wanted = {variant: rows + 300 for variant, rows in before.items()}
    assert judged(stack, client, wanted) == {"canary": "rollback"}
    assert _roles(client) == {"champion": 2, "previous": 1}
    assert client.versions(MODEL, 1)[0]["status"] == "rejected"
    entries = client.pages(f"/models/{MODEL}/audit", "audit", 50)[::-1]
    changes = [entry for entry in entries if entry["action"] in {"release", "promote", "reject"}]
    assert [entry["action"] for entry in changes] == ["release", "release", "promote", "reject", "release", "reject"]
    assert changes[-1]["why"].startswith("predictions are ")


def _roles(client: Client) -> dict[str, int]:
    found = client.get(f"/models/{MODEL}")
    return {role: found[role] for role in ("champion", "challenger", "shadow", "previous") if found[role]}
