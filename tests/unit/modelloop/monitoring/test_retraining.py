from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modelloop.monitoring import retraining
from modelloop.monitoring.retraining import Situation
from modelloop.spec.sections import Retraining

NOW = "2026-11-23T12:00:00.000Z"
DRIFTING = Situation(now=NOW, drift="drift", quality="ok", labels=500)


def test_drift_with_labels_to_learn_from_is_trained_on() -> None:
    decision = retraining.decide(DRIFTING)
    assert (decision.action, decision.cause) == ("retrain", "drift")
    assert "500 new labelled rows" in decision.reason


def test_loss_of_quality_is_a_cause_of_its_own_and_comes_first() -> None:
    assert retraining.decide(replace(DRIFTING, quality="degraded")).cause == "quality"
    alone = replace(DRIFTING, drift="ok", quality="degraded", policy=Retraining(on_drift=False))
    assert retraining.decide(alone).action == "retrain"


@pytest.mark.parametrize(
    ("change", "action", "reason"),
    [
        ({"drift": "ok"}, "nothing", "neither"),
        ({"drift": "insufficient_data", "quality": "insufficient_data"}, "nothing", "neither"),
        ({"drift": None, "quality": None}, "nothing", "neither"),
        ({"policy": Retraining(on_drift=False)}, "nothing", "neither"),
        ({"drift": "data_fault"}, "refuse", "data fault"),
        ({"drift": "data_fault", "quality": "degraded"}, "refuse", "data fault"),
        ({"labels": 199}, "refuse", "labels needed: 199"),
        ({"labels": 200}, "retrain", "200 new labelled rows"),
        ({"masked": True}, "refuse", "masked"),
        ({"frozen": True}, "refuse", "frozen"),
        ({"running": True}, "wait", "under way"),
        ({"earlier": ["2026-11-22T12:00:01.000Z"]}, "wait", "less than 24 hours"),
        ({"earlier": ["2026-11-22T12:00:00.000Z"]}, "retrain", "drift found"),
        ({"earlier": ["2026-11-23T09:00:00.000Z"], "policy": Retraining(cooldown_hours=1)}, "wait", "1 are allowed"),
        (
            {"earlier": ["2026-11-23T09:00:00.000Z"], "policy": Retraining(cooldown_hours=1, max_per_day=2)},
            "retrain",
            "",
        ),
        ({"earlier": ["2026-11-22T12:00:00.001Z"], "policy": Retraining(cooldown_hours=0)}, "wait", "1 are allowed"),
        ({"earlier": ["2026-11-22T12:00:00.000Z"], "policy": Retraining(cooldown_hours=0)}, "retrain", "drift found"),
        ({"policy": Retraining(max_per_day=0)}, "wait", "0 are allowed"),
    ],
)
def test_every_rule(change: dict[str, Any], action: str, reason: str) -> None:
    decision = retraining.decide(replace(DRIFTING, **change))
    assert decision.action == action
    assert reason in decision.reason


LONG_AGO, LATELY = "2025-11-22T12:00:00.000Z", "2026-03-01T12:00:00.000Z"


@pytest.mark.parametrize(
    ("unknown", "for_drift", "action"),
    [
        (None, [LATELY], "retrain"),
        ("year", [], "retrain"),
        ("year", [LONG_AGO], "retrain"),
        ("year", [LONG_AGO, LATELY], "wait"),
        ("week", [LATELY], "retrain"),
        ("week", ["2026-11-18T12:00:00.000Z"], "wait"),
    ],
)
def test_drift_that_may_be_a_season_is_learned_from_once_a_cycle(
    unknown: str | None, for_drift: list[str], action: str
) -> None:
    decision = retraining.decide(replace(DRIFTING, unknown_cycle=unknown, for_drift=for_drift))
    assert decision.action == action
    assert ("may be a season" in decision.reason) == (action == "wait")


def test_lost_quality_is_learned_from_whatever_the_season() -> None:
    degraded = replace(DRIFTING, quality="degraded", unknown_cycle="year", for_drift=[LATELY])
    assert retraining.decide(degraded).action == "retrain"
