from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest

from modelloop.contracts.index_entry import IndexEntry
from modelloop.contracts.quality_verdict import AccuracyEstimate
from modelloop.ids import uuid7
from modelloop.monitoring.quality import estimate, outcomes, verdict
from modelloop.versions.run import Metrics
from tests.support.manifests import manifest_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelloop.versions.run import Figures
from trainer.evaluation.calibration import confidence_table

NOW = "2026-11-23T12:10:00.000Z"
CLASSES = ["no", "yes"]
HOLDOUT: Figures = {
    "accuracy": {"value": 0.9, "low": 0.87, "high": 0.93},
    "log_loss": {"value": 0.3, "low": 0.25, "high": 0.35},
}
MANIFESTS = {1: manifest_of(classes=tuple(CLASSES), metrics=Metrics(HOLDOUT, {}, None))}
RANDOM = np.random.default_rng(2)
LATER = "2026-11-23T11:00:00.000Z"


def hour(rows: int, accuracy: float, version: int = 1, labelled: float = 1.0, rollout: str = "") -> dict[str, Any]:
    identifier = uuid7()
    said = ["yes"] * rows
    right = RANDOM.random(rows) < accuracy
    proba = [[200_000, 800_000]] * rows
    slices = {"island": ["Biscoe" if row % 3 else None for row in range(rows)]}
    entry = IndexEntry(identifier, 0, version, "champion", rollout, said, proba, slices)
    labels = [
        {"id": identifier, "row": row, "label": "yes" if right[row] else "no", "time": LATER}
        for row in range(int(rows * labelled))
    ]
    return outcomes.join([entry.to_line()], outcomes.read_labels(map(orjson.dumps, labels)), MANIFESTS.get)


def judge(*hours: tuple[str, dict[str, Any]], predicted: int = 1_000) -> dict[str, Any]:
    document: dict[str, Any] = verdict.quality_verdict(
        hours, {1: predicted}, MANIFESTS, model="m", champion=1, estimate=AccuracyEstimate(), now=NOW
    ).to_json()
    return document


def test_quality_as_promised_is_ok() -> None:
    document = judge(("2026-11-23T11", hour(500, 0.9, rollout="r")), ("2026-11-23T09", hour(300, 0.9)))

    assert document["status"] == "ok"
    assert (document["rows"], document["coverage"]) == (800, 0.8)
    assert document["window"] == {"from": "2026-11-23T09:00:00.000Z", "to": "2026-11-23T12:00:00.000Z"}
    assert document["metrics"]["accuracy"]["holdout"]["value"] == 0.9
    assert document["losses"].keys() == {"r"}
    assert document["losses"]["r"]["1"]["rows"] == 500
    assert document["losses"]["r"]["1"]["variance"] > 0


def test_quality_surely_below_the_holdout_is_degraded() -> None:
    document = judge(("2026-11-23T11", hour(500, 0.6)))

    assert document["status"] == "degraded"
    assert any("accuracy is 0." in reason for reason in document["reasons"])


def test_quality_that_may_still_be_what_was_promised_is_ok() -> None:
    joined = hour(300, 0.0, labelled=0)
    joined["versions"]["1"] |= {
        "labelled": 300,
        "figures": {"rows": 300, "correct": 255, "confusion": {"no": {"no": 300}}},
    }
    document = judge(("2026-11-23T11", joined))
    accuracy = document["metrics"]["accuracy"]
    assert accuracy["value"] < accuracy["holdout"]["low"] < accuracy["high"]
    assert document["status"] == "ok"


def test_few_labels_prove_nothing() -> None:
    assert judge(("2026-11-23T11", hour(199, 0.2)))["status"] == "insufficient_data"
    assert judge()["status"] == "insufficient_data"
    assert judge()["window"] is None


def test_slices_too_small_to_show_are_left_out() -> None:
    small = judge(("2026-11-23T11", hour(12, 0.9)))
    assert [(one["column"], one["value"]) for one in small["slices"]] == []
    large = judge(("2026-11-23T11", hour(300, 0.9)))
    assert {(one["value"], one["rows"]) for one in large["slices"]} == {("Biscoe", 200), ("(missing)", 100)}


def test_only_matured_hours_within_a_week_count() -> None:
    joined = hour(10, 0.9)
    hours = [(name, joined) for name in ("2026-11-23T13", "2026-11-23T12", "2026-11-22T12", "2026-11-14T12")]
    assert [name for name, _ in verdict.matured(hours, NOW, 0, 1)] == ["2026-11-23T12", "2026-11-22T12"]
    assert [name for name, _ in verdict.matured(hours, NOW, 24, 1)] == ["2026-11-22T12"]
    assert [name for name, _ in verdict.matured(hours, NOW, 0.5, 1)] == ["2026-11-22T12"]


def test_labels_without_a_prediction_wait_for_three_days_before_they_are_unknown() -> None:
    lost = outcomes.join(
        [], outcomes.read_labels([orjson.dumps({"id": "x", "row": 0, "label": "no", "time": NOW})]), MANIFESTS.get
    )
    labels = judge(("2026-11-23T11", lost), ("2026-11-20T13", lost), ("2026-11-20T12", lost))["labels"]
    assert labels == {
        "received": 3, "repeated": 0, "pending": 2, "unknown": 1, "new_class": 0, "unreadable": 0,
        "other_model": 0,
    }  # fmt: skip


def joined_as(rows: int, spell: Callable[[bool], object], classes: tuple[Any, ...], said: list[Any]) -> dict[str, Any]:
    """Return an hour of one version of these classes; each label is the opposite of the answer, spelt in some way."""
    identifier = uuid7()
    entry = IndexEntry(identifier, 0, 1, "champion", "", said, None, None)
    labels = [{"id": identifier, "row": row, "label": spell(not said[row]), "time": LATER} for row in range(rows)]
    manifest = manifest_of(classes=classes, metrics=Metrics(HOLDOUT, {}, None))
    return outcomes.join([entry.to_line()], outcomes.read_labels(map(orjson.dumps, labels)), lambda _: manifest)


@pytest.mark.parametrize(
    ("spell", "classes"),
    [
        (bool, (False, True)),
        (str, (False, True)),
        (lambda truth: str(truth).upper(), (False, True)),
        (lambda truth: f"{float(truth)}", (0, 1)),
        (float, (0, 1)),
        (int, (0, 1)),
    ],
)
def test_labels_that_contradict_every_answer_degrade_however_they_are_spelt(
    spell: Callable[[bool], object], classes: tuple[Any, ...]
) -> None:
    answers = [classes[row % 2] for row in range(300)]
    document = judge(("2026-11-23T11", joined_as(300, spell, classes, answers)))

    assert (document["status"], document["rows"]) == ("degraded", 300)
    assert document["metrics"]["accuracy"]["value"] == 0


def test_labels_of_no_class_are_never_labelled_and_never_ok() -> None:
    answers = [bool(row % 2) for row in range(300)]
    nothing = judge(("2026-11-23T11", joined_as(300, lambda truth: f"was {truth}", (False, True), answers)))

    assert (nothing["status"], nothing["rows"], nothing["coverage"]) == ("insufficient_data", 0, 0.0)
    assert nothing["labels"]["new_class"] == nothing["versions"][0]["unknown_labels"] == 300
    assert "300 of 300 labels cannot be used, more than 5 %: 300 name no class of the model" in nothing["reasons"]


@pytest.mark.parametrize(("unknown", "status"), [(15, "ok"), (16, "insufficient_data")])
def test_more_than_one_label_in_twenty_that_cannot_be_used_is_not_ok(unknown: int, status: str) -> None:
    lost = outcomes.read_labels(
        orjson.dumps({"id": f"x{row}", "row": 0, "label": "no", "time": NOW}) for row in range(unknown)
    )
    hours = ("2026-11-23T11", hour(300, 0.9)), ("2026-11-20T11", outcomes.join([], lost, MANIFESTS.get))
    document = judge(*hours)
    assert (document["status"], document["labels"]["unknown"]) == (status, unknown)
    assert any("belong to no prediction of the model" in reason for reason in document["reasons"]) == (status != "ok")


def test_quality_surely_below_the_holdout_stays_degraded_though_labels_are_unusable() -> None:
    joined = hour(500, 0.6)
    joined["versions"]["1"]["unreadable_labels"] = 100
    document = judge(("2026-11-23T11", joined))
    assert document["status"] == "degraded"
    assert any("100 cannot be read" in reason for reason in document["reasons"])


def test_joined_hours_of_before_count_no_unknown_label_as_labelled() -> None:
    joined = hour(300, 0.9)
    joined["versions"]["1"] |= {"labelled": 400, "unknown_labels": 100}
    assert judge(("2026-11-23T11", joined))["rows"] == 300


def test_no_more_than_all_predictions_have_labels_even_while_some_captures_are_still_to_come() -> None:
    document = judge(("2026-11-23T11", hour(300, 0.9)), predicted=299)
    assert (document["coverage"], document["versions"][0]["coverage"]) == (1.0, 1.0)


def test_the_estimate_is_near_what_comes_true() -> None:
    proba = RANDOM.dirichlet((2, 1), 4_000)
    truth = (RANDOM.random(4_000) < proba[:, 1]).astype(int)
    known = confidence_table(proba[:2_000], truth[:2_000])
    live = confidence_table(proba[2_000:], truth[2_000:])
    found = estimate.accuracy(known, live["rows"], "ok")

    assert found.low is not None
    assert found.high is not None
    assert found.low < sum(live["correct"]) / 2_000 < found.high
    assert found.value == pytest.approx(sum(live["correct"]) / 2_000, abs=0.03)


@pytest.mark.parametrize(
    ("known", "live", "drift"),
    [
        (None, [100] * 20, "ok"),
        ({"rows": [9] * 20, "correct": [9] * 20}, None, "ok"),
        ({"rows": [9] * 20, "correct": [9] * 20}, [1] * 20, "ok"),
        ({"rows": [9] * 20, "correct": [9] * 20}, [100] * 20, "drift"),
        ({"rows": [9] * 20, "correct": [9] * 20}, [100] * 20, "data_fault"),
    ],
)
def test_the_estimate_says_why_there_is_none(known: Any, live: Any, drift: str) -> None:
    found = estimate.accuracy(known, live, drift)
    assert not found.to_json()["available"]
    assert found.reason


def test_confidence_never_seen_on_the_holdout_widens_the_range() -> None:
    known = {"rows": [0] * 19 + [1_000], "correct": [0] * 19 + [990]}
    seen = estimate.accuracy(known, [0] * 19 + [1_000], "ok")
    strange = estimate.accuracy(known, [500] + [0] * 18 + [500], "ok")
    assert width(strange) > 0.4 > width(seen)


def width(estimated: AccuracyEstimate) -> float:
    assert estimated.low is not None
    assert estimated.high is not None
    return estimated.high - estimated.low
