"""Eight callers at once while people promote and roll back: each request is answered by the old or the new version."""

from __future__ import annotations

import csv
import io
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest

from modelloop import keys
from modelloop.aws.storage import Bucket
from modelloop.contracts.version_facts import GateFacts, ServingFile, VersionFacts
from modelloop.ids import uuid7
from modelloop_client.client import Client
from tests.support.embedded import registry_of, wait_for
from tests.support.rollout_rows import rows

if TYPE_CHECKING:
    from modelloop_stack.info import StackInfo

MODEL = "busy-digits"
SPEC = b"target: high\ntask: classification\nestimators: [linear]\npromotion: {policy: manual}\n"
CALLERS, CHANGES = 8, 3
OTHER = {"yes": "no", "no": "yes"}


class Callers:
    """Eight threads that ask for the same row until told to stop, and count what they were answered."""

    def __init__(self, stack: StackInfo, row: dict[str, Any]) -> None:
        self._stack = stack
        self._body = orjson.dumps({"dataframe_records": [row]})
        self._stop, self._lock = Event(), Lock()
        self.answers: Counter[tuple[int, str, str]] = Counter()
        self.latest: Counter[str] = Counter()

    def run(self) -> None:
        """Ask again and again; connections are kept, and no request is repeated."""
        headers = {"x-api-key": self._stack.api_key, "content-type": "application/json"}
        with httpx.Client(base_url=self._stack.api_url, headers=headers, timeout=30) as http:
            while not self._stop.is_set():
                answer = http.post(f"/models/{MODEL}/invocations", content=self._body)
                version = answer.headers.get("x-modelloop-version", "")
                said = str(answer.json().get("predictions"))
                with self._lock:
                    self.answers[answer.status_code, version, said] += 1
                    self.latest[version] += 1

    def see(self, version: int) -> None:
        """Wait until the newest answers are this version's alone."""
        wait_for(lambda: self._only(str(version)), f"answers by version {version} alone")

    def _only(self, version: str) -> bool:
        with self._lock:
            found, self.latest = self.latest, Counter()
        return set(found) == {version} and found[version] >= CALLERS

    def stop(self) -> None:
        self._stop.set()


@pytest.mark.timeout(300)  # half a minute on a quiet machine, most of it for the pointer's time to live
def test_no_request_fails_while_versions_change(
    stack: StackInfo, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = rows()[:500]
    train(stack, client, table)
    register_the_contrary(stack, monkeypatch)
    client.act(MODEL, "promote", version=1, reason="the first")
    row = {name: value for name, value in table[0].items() if name != "high"}
    (said,) = client.predict(MODEL, [row])["predictions"]

    callers = Callers(stack, row)
    with ThreadPoolExecutor(CALLERS) as pool:
        running = [pool.submit(callers.run) for _ in range(CALLERS)]
        try:
            for _ in range(CHANGES):
                client.act(MODEL, "promote", version=2, reason="forth")
                client.act(MODEL, "rollback", reason="and back")
            client.act(MODEL, "promote", version=2, reason="forth")
            callers.see(2)
            client.act(MODEL, "rollback", reason="and back")
            callers.see(1)
        finally:
            callers.stop()
        for one in running:
            one.result(30)

    expected = {(200, "1", f"['{said}']"), (200, "2", f"['{OTHER[said]}']")}
    assert set(callers.answers) == expected
    assert min(callers.answers.values()) >= CALLERS


def train(stack: StackInfo, client: Client, table: list[dict[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table[0]))
    writer.writeheader()
    writer.writerows(table)
    s3 = stack.client("s3")
    s3.put_object(Bucket=stack.data_bucket, Key=f"datasets/{MODEL}/model.yaml", Body=SPEC)
    s3.put_object(Bucket=stack.data_bucket, Key=f"datasets/{MODEL}/table.csv", Body=text.getvalue().encode())
    wait_for(lambda: _succeeded(client), "the first version")


def _succeeded(client: Client) -> bool:
    if all(one["name"] != MODEL for one in client.models()):
        return False
    runs = client.runs(MODEL, 1)
    assert all(run["state"] in {"QUEUED", "RUNNING", "SUCCEEDED"} for run in runs), runs[0]["reason"]
    return [run["state"] for run in runs] == ["SUCCEEDED"]


def register_the_contrary(stack: StackInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Register, past the trainer, a copy of version 1 with its classes exchanged: it always says the other one."""
    registry, run_id = registry_of(stack, monkeypatch), uuid7()
    number = registry.reserve_version(MODEL, run_id)
    record = registry.get_version(MODEL, 1)
    bundle = read(stack, record.run_id, keys.BUNDLE) | {"run_id": run_id}
    bundle["classes"] = bundle["classes"][::-1]
    for output in bundle["golden"]["outputs"]:
        output["predict"] = OTHER[output["predict"]]
    body = orjson.dumps(bundle)
    file = keys.version(MODEL, run_id, keys.BUNDLE)
    Bucket(stack.artifacts_bucket).put(file, body)
    manifest = read(stack, record.run_id, keys.MANIFEST) | {"version": number, "run_id": run_id}
    Bucket(stack.artifacts_bucket).put(keys.version(MODEL, run_id, keys.MANIFEST), orjson.dumps(manifest))
    served = ServingFile(file, sha256(body).hexdigest(), len(body))
    facts = VersionFacts(bundle=served, gate=GateFacts("release"), promotion=record.facts.promotion)
    registry.register_version(MODEL, run_id, facts)


def read(stack: StackInfo, run_id: str, name: str) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(Bucket(stack.artifacts_bucket).get(keys.version(MODEL, run_id, name)))
    return document
