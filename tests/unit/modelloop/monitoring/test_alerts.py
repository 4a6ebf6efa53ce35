from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from control.prometheus import families
from modelloop.contracts.loop_state import RetrainState, RolloutIntent
from modelloop.monitoring import alerts, retraining
from modelloop.rollout import judge
from tests.support import events, verdicts

if TYPE_CHECKING:
    from modelloop.monitoring.alerts import Alert

PAGE = (Path(__file__).parents[4] / "infra" / "docs" / "metrics-and-alarms.md").read_text()
EVENTS = PAGE.split("## Events")[1].split("\n## ")[0]
NOW = "2026-01-31T12:00:00.000Z"
VERDICT = verdicts.drift(NOW, "drift", version=3, reasons=("so",))
DEGRADED = verdicts.quality(NOW, "degraded", version=3, reasons=("so",))
RETRAINED = RetrainState("m", 3, "retrain", "drift", "so", "r", (NOW,), NOW)
ENDED = RolloutIntent("m", NOW, "canary", 4, 3, "promote", ("so",), 9)


def sent(alert: Alert | None) -> dict[str, Any]:
    """Return the event as the bus has it."""
    assert alert is not None
    return {"source": alerts.SOURCE, "detail-type": alert.detail_type, "detail": alert.detail()}


FOUND = [
    sent(alerts.status_changed(VERDICT, "ok")),
    sent(alerts.status_changed(DEGRADED, None)),
    sent(alerts.retraining_decided(RETRAINED)),
    sent(alerts.rollout_judged(ENDED)),
]
COMMON = {"format_version", "id", "model", "version", "time", "reasons"}


def own_schemas() -> dict[str, dict[str, Any]]:
    """What the schema says of each detail type, beside what all have in common."""
    schema = events.schema()
    found = {}
    for kind in schema["oneOf"]:
        detail = kind["properties"]["detail"]
        base = schema["$defs"][detail["$ref"].rpartition("/")[2]] if "status" in detail["$ref"] else {}
        found[kind["properties"]["detail-type"]["const"]] = base.get("properties", {}) | detail["properties"]
    return found


@pytest.mark.parametrize("alert", FOUND, ids=lambda alert: alert["detail-type"])
def test_every_event_is_as_the_schema_has_it(alert: dict[str, Any]) -> None:
    events.check(alert)


@pytest.mark.parametrize("alert", FOUND, ids=lambda alert: alert["detail-type"])
def test_the_schema_refuses_what_lacks_a_field_or_has_one_too_many(alert: dict[str, Any]) -> None:
    for field in alert["detail"]:
        less = {name: value for name, value in alert["detail"].items() if name != field}
        assert events.faults(alert | {"detail": less}), field
    assert events.faults(alert | {"detail": alert["detail"] | {"more": 1}})
    assert events.faults(alert | {"detail": alert["detail"] | {"version": None}})
    assert events.faults(alert | {"detail-type": "Something else"})


def test_every_event_is_documented_with_its_fields() -> None:
    told = {
        name: set(re.findall(r"`(\w+)`", fields))
        for name, fields in re.findall(r"^\| ([A-Z][a-z ]+) \|[^|]+\| (`.*) \|$", EVENTS, re.MULTILINE)
    }
    known = {alert["detail-type"]: set(alert["detail"]) - COMMON for alert in FOUND}
    assert told == known == {name: set(fields) for name, fields in own_schemas().items()}
    assert len(known) == 4


def test_every_field_is_documented_and_no_other() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", EVENTS, re.MULTILINE))
    assert told == set().union(*(alert["detail"] for alert in FOUND))


def test_the_schema_names_every_status_and_action_and_the_page_too() -> None:
    words = {
        ("Drift status changed", "status"): set(families.DRIFT_STATUSES),
        ("Quality status changed", "status"): set(families.QUALITY_STATUSES),
        ("Retraining decided", "action"): {retraining.RETRAIN, retraining.WAIT, retraining.REFUSE},
        ("Rollout judged", "action"): {judge.PROMOTE, judge.ROLLBACK, judge.EXPIRED},
        ("Rollout judged", "kind"): {judge.CANARY, judge.SHADOW, judge.WATCH},
    }
    told = own_schemas()
    for (name, field), expected in words.items():
        assert set(told[name][field]["enum"]) == expected
        assert expected <= set(re.findall(r"`(\w+)`", EVENTS))


def test_the_example_is_as_the_schema_has_it() -> None:
    events.check(orjson.loads(EVENTS.split("```json")[1].split("```")[0]))


@pytest.mark.parametrize(("status", "before"), [("ok", None), ("insufficient_data", "ok"), ("drift", "drift")])
def test_nobody_hears_of_what_is_quiet_or_was_told(status: str, before: str | None) -> None:
    assert alerts.status_changed(replace(VERDICT, status=status), before) is None


def test_the_same_change_has_the_same_id_and_another_one_has_not() -> None:
    assert sent(alerts.status_changed(VERDICT, "ok")) == FOUND[0]
    assert len({alert["detail"]["id"] for alert in FOUND}) == 4


def test_the_same_change_has_the_same_id_and_another_models_has_another() -> None:
    again, other = (sent(alerts.status_changed(replace(VERDICT, model=model), "ok")) for model in ("m", "n"))
    assert again["detail"]["id"] == FOUND[0]["detail"]["id"] != other["detail"]["id"]
