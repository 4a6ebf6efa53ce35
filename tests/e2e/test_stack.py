"""The embedded stack itself: it finds its data again, survives a crash, and leaves nothing behind."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from modelloop_stack import processes
from modelloop_stack import stack as embedded
from modelloop_stack.build.paths import ROOT
from modelloop_stack.info import StackInfo, StackNotRunningError
from tests.support.embedded import wait_for
from tests.support.template.resources import all_alarms, transformed

LATE = {"pk": {"S": "STORED-JUST-BEFORE-THE-CRASH"}, "sk": {"S": "1"}}  # a word that no template holds
ITEM = {"pk": {"S": "KEPT"}, "sk": {"S": "1"}}


@pytest.fixture
def folder(worker_id: str) -> Iterator[Path]:
    place = ROOT / ".local" / "e2e" / f"{worker_id}-own"
    processes.down(place)
    shutil.rmtree(place, ignore_errors=True)
    yield place
    processes.down(place)


def keep_something(info: StackInfo) -> None:
    info.client("dynamodb").put_item(TableName=info.table, Item=ITEM)
    info.client("s3").put_object(Bucket=info.data_bucket, Key="kept/object", Body=b"1")


def assert_kept(info: StackInfo) -> None:
    assert info.client("dynamodb").get_item(TableName=info.table, Key=ITEM)["Item"] == ITEM
    assert info.client("s3").get_object(Bucket=info.data_bucket, Key="kept/object")["Body"].read() == b"1"


def is_saved(folder: Path, word: bytes) -> bool:
    """Tell whether the server has written it to its state: it saves changes after five seconds."""
    return any(word in file.read_bytes() for file in (folder / "state").rglob("*.json"))


def test_a_stack_lives_beside_another_and_through_restart_and_crash(folder: Path, stack: StackInfo) -> None:

    first = embedded.up(folder)
    assert first.endpoint_url != stack.endpoint_url
    assert StackInfo.load(folder / "stack.json") == first
    assert embedded.up(folder) == first
    own = processes.find_processes(folder)
    listening = {c.laddr.ip for process in own for c in process.net_connections("inet") if c.status == "LISTEN"}
    assert listening == {"127.0.0.1"}

    keep_something(first)
    processes.down(folder)
    assert processes.find_processes(folder) == []
    with pytest.raises(StackNotRunningError, match="make up"):
        StackInfo.load(folder / "stack.json")

    again = embedded.up(folder)
    assert_kept(again)
    again.client("dynamodb").put_item(TableName=again.table, Item=LATE)
    wait_for(lambda: is_saved(folder, LATE["pk"]["S"].encode()), "the saved item")
    server = processes.find_server(folder)
    assert server is not None
    server.kill()

    after_crash = embedded.up(folder)
    assert_kept(after_crash)
    assert "Item" in after_crash.client("dynamodb").get_item(TableName=after_crash.table, Key=LATE)
    key = {"x-api-key": after_crash.api_key}
    assert httpx.get(f"{after_crash.api_url}/ping", headers=key, timeout=60).status_code == 200

    crashed = processes.find_server(folder)
    assert crashed is not None
    crashed.kill()
    processes.down(folder)
    assert processes.find_processes(folder) == []


def test_every_alarm_is_deployed(stack: StackInfo) -> None:
    pages = stack.client("cloudwatch").get_paginator("describe_alarms").paginate()
    deployed = {alarm["AlarmName"].split("-")[-2] for page in pages for alarm in page["MetricAlarms"]}
    assert deployed == set(all_alarms(transformed()["Resources"]))


def test_the_guards_of_the_gateway_hold_over_http(stack: StackInfo) -> None:
    key = {"x-api-key": stack.api_key}
    assert httpx.get(f"{stack.api_url}/ping", timeout=60).status_code == 403
    assert httpx.get(f"{stack.api_url}/ping", headers={"x-api-key": "wrong"}, timeout=60).status_code == 403
    assert httpx.get(f"{stack.api_url}/ping", headers=key, timeout=60).status_code == 200
    assert httpx.get(f"{stack.api_url}/models", headers=key, timeout=60).status_code == 403
    assert httpx.get(f"{stack.api_url}/no-such-path", headers=key, timeout=60).status_code == 403


def test_nothing_is_known_of_a_stack_that_never_was(tmp_path: Path) -> None:

    processes.down(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()
