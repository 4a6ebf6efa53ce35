from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from modelloop import alerts, drift, judge, quality, retrain

PAGE = (Path(__file__).parents[3] / "infra" / "docs" / "metrics-and-alarms.md").read_text()
EVENTS = PAGE.split("## Events")[1].split("\n## ")[0]
NOW = "2026-01-31T12:00:00.000Z"
VERDICT: dict[str, Any] = {
    "model": "m", "version": 3, "updated_at": NOW, "status": "drift", "window": None, "rows": 5, "reasons": ["so"],
}  # fmt: skip
DECISION = {"action": "retrain", "cause": "drift", "reason": "so"}
FOUND = [
    alerts.status_changed("drift", VERDICT, "ok"),
    alerts.status_changed("quality", VERDICT | {"status": "degraded"}, None),
    alerts.retraining_decided(DECISION, VERDICT),
    alerts.rollout_judged("canary", "promote", ["so"], {"model": "m", "updated_at": NOW}),
]
COMMON = {"format_version", "id", "model", "version", "time", "reasons"}


def test_every_event_is_documented_with_its_fields() -> None:
    told = {
        name: set(re.findall(r"`(\w+)`", fields))
        for name, fields in re.findall(r"^\| ([A-Z][a-z ]+) \|[^|]+\| (`.*) \|$", EVENTS, re.MULTILINE)
    }
    sent = {alert["detail-type"]: set(alert["detail"]) - COMMON for alert in FOUND if alert}
    assert told == sent
    assert len(sent) == 4


def test_every_field_is_documented_and_no_other() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", EVENTS, re.MULTILINE))
    assert told == set().union(*(alert["detail"] for alert in FOUND if alert))


def test_every_status_and_action_is_documented() -> None:
    words = {
        drift.OK, drift.DRIFT, drift.FAULT, drift.INSUFFICIENT, quality.DEGRADED,
        retrain.RETRAIN, retrain.WAIT, retrain.REFUSE, judge.PROMOTE, judge.ROLLBACK, judge.EXPIRED,
        judge.CANARY, judge.SHADOW, judge.WATCH,
    }  # fmt: skip
    assert words <= set(re.findall(r"`(\w+)`", EVENTS))


def test_the_example_has_the_fields_of_its_type() -> None:
    example = orjson.loads(EVENTS.split("```json")[1].split("```")[0])
    assert FOUND[0] is not None
    assert set(example) == set(FOUND[0])
    assert set(example["detail"]) == set(FOUND[0]["detail"])


@pytest.mark.parametrize(("status", "before"), [("ok", None), ("insufficient_data", "ok"), ("drift", "drift")])
def test_nobody_hears_of_what_is_quiet_or_was_told(status: str, before: str | None) -> None:
    assert alerts.status_changed("drift", VERDICT | {"status": status}, before) is None


def test_the_same_change_has_the_same_id_and_another_one_has_not() -> None:
    again = alerts.status_changed("drift", VERDICT, "ok")
    assert again == FOUND[0]
    assert len({alert["detail"]["id"] for alert in FOUND if alert}) == 4
