from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from metrics_aggregation import verdicts
from metrics_aggregation.handler import handler
from metrics_aggregation.verdict_tick import ModelCheck
from modelloop import clock, keys
from modelloop.aws.monitoring import joins
from modelloop.aws.registry.registry import Registry
from modelloop.aws.storage import Bucket
from modelloop.contracts.quality_verdict import QualityVerdict
from modelloop.contracts.verdicts import RolloutVerdict
from modelloop.ids import uuid7
from modelloop.monitoring import windows
from modelloop.monitoring.quality import shadow_agreement
from tests.support.capture_world import (
    HOUR,
    MODEL,
    NOON,
    ROLLOUT,
    SECOND,
    label,
    manifest,
    prediction,
    shadowed,
    usual_rows,
)
from tests.support.labels import answers
from tests.support.stores import ARTIFACTS
from training_trigger.derived_table import read_labelled

if TYPE_CHECKING:
    from tests.support.capture_world import World


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: clock.from_ms(NOON + 60_000))


def judged(context: Any) -> dict[str, Any]:
    verdicts.handler({}, context)
    verdict = Registry("table").latest_verdict(QualityVerdict, MODEL)
    assert verdict is not None
    document: dict[str, Any] = verdict.to_json()
    return document


def test_labels_of_another_models_predictions_are_told_apart_from_those_of_unknown_ones(
    world: World, context: Any
) -> None:
    world.publish(replace(manifest(), model="walruses"))
    own = prediction(usual_rows(200))
    theirs = prediction(usual_rows(10), model="walruses")
    handler(world.capture([own, theirs]), context)
    misdirected = [line | {"model": MODEL} for line in answers([theirs])]
    unknown = [label(uuid7(NOON - 80 * windows.HOUR_MS), "Adelie") for _ in range(3)]
    handler(world.capture([*answers([own]), *misdirected, *unknown], "labels"), context)

    verdict = judged(context)
    assert (verdict["rows"], verdict["labels"]["other_model"], verdict["labels"]["unknown"]) == (200, 10, 3)
    assert verdict["labels"]["pending"] == 0
    assert verdict["status"] == "insufficient_data"
    assert any("10 belong to a prediction of another model" in reason for reason in verdict["reasons"])


def test_labels_become_realised_quality_with_coverage(world: World, context: Any) -> None:
    records = [prediction(usual_rows(100, seed)) for seed in range(4)]
    handler(world.capture(records), context)
    handler(world.capture(answers(records[:3], wrong=30), "labels"), context)
    verdict = judged(context)

    assert (verdict["status"], verdict["rows"], verdict["coverage"]) == ("ok", 300, 0.75)
    assert verdict["metrics"]["accuracy"]["value"] == 0.9
    assert {one["value"] for one in verdict["slices"]} == {"true", "false"}
    assert world.stored("unjoined/") == {}


def test_quality_is_the_same_whenever_labels_arrive(world: World, context: Any) -> None:
    records = [prediction(usual_rows(100, seed)) for seed in range(3)]
    early = world.capture(answers(records, wrong=12), "labels")
    handler(early, context)
    first = judged(context)
    assert (first["rows"], first["labels"]["pending"]) == (0, 300)

    for name, record in enumerate(records):
        handler(world.capture([record], str(name)), context)
        judged(context)
    handler(early, context)
    verdict = judged(context)
    assert (verdict["rows"], verdict["labels"]["pending"], verdict["labels"]["repeated"]) == (300, 0, 0)
    assert verdict["metrics"]["accuracy"]["value"] == 0.96


def test_a_contradicting_label_wins_by_its_time_not_by_its_arrival(world: World, context: Any) -> None:
    record = prediction([(1.0, True, None, "Biscoe")])
    handler(world.capture([record]), context)
    handler(world.capture([label(record["id"], "Gentoo", NOON + 2_000)], "later"), context)
    handler(world.capture([label(record["id"], "Adelie", NOON + 1_000)], "earlier"), context)
    verdict = judged(context)

    assert verdict["metrics"]["accuracy"]["value"] == 0.0
    assert verdict["labels"]["repeated"] == 1


def test_versions_are_judged_apart_on_the_same_request(world: World, context: Any) -> None:
    world.publish(manifest(2, SECOND), pointer={"champion": world.reference(manifest()), "revision": 2})
    record = prediction(usual_rows(50), rollout=ROLLOUT)
    other = ["Adelie"] * 50
    shadow = record | {"variant": "shadow", "version": 2, "run_id": SECOND, "predict": other}
    handler(world.capture([record, shadow, *answers([record])]), context)
    verdict = judged(context)

    accuracy = {one["version"]: one["metrics"]["accuracy"]["value"] for one in verdict["versions"]}
    assert accuracy == {1: 1.0, 2: 0.5}
    assert {rollout: set(sides) for rollout, sides in verdict["losses"].items()} == {ROLLOUT: {"1", "2"}}


def test_a_shadow_is_held_against_the_champion_row_by_row(world: World, context: Any) -> None:
    answered, asked_later = shadowed(world)
    handler(world.capture(answered), context)
    handler(world.capture(asked_later, "asked later"), context)
    for _ in range(2):
        verdicts.handler({}, context)
        assert joins.paired(ARTIFACTS, MODEL, HOUR, clock.now(), shadow_agreement.name(ROLLOUT, 2, 1)) == (240, 120)
        assert world.stored("unjoined/") == {}

    verdict = Registry("table").latest_verdict(RolloutVerdict, MODEL)
    assert verdict is not None
    assert verdict.judged[0].action == "rollback"
    assert any("answered differently" in reason for reason in verdict.judged[0].reasons)


def test_hours_without_labels_cost_no_join(world: World, context: Any) -> None:
    handler(world.capture([prediction(usual_rows(10))]), context)
    verdicts.handler({}, context)
    assert world.stored("unjoined/") == world.stored("quality/") == {}


def test_labels_wait_until_they_had_time_to_come(world: World, context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    record = prediction(usual_rows(300))
    handler(world.capture([record, *answers([record])]), context)
    monkeypatch.setattr(ModelCheck, "_label_delay_hours", lambda *_: 24.0)
    assert judged(context)["rows"] == 0
    monkeypatch.setattr(clock, "now", lambda: clock.from_ms(NOON + 24 * windows.HOUR_MS))
    assert judged(context)["rows"] == 300


def test_labelled_rows_are_kept_with_their_features_once_labels_had_time(
    world: World, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = usual_rows(3)
    sampled, bare = prediction(rows), prediction(rows, columns=None)
    shadow = sampled | {"variant": "shadow", "version": 2, "run_id": SECOND}
    handler(world.capture([sampled, bare, b"garbage", *answers([sampled, bare])]), context)
    handler(world.capture([sampled, shadow], "again"), context)
    monkeypatch.setattr(ModelCheck, "_label_delay_hours", lambda *_: 2.0)
    verdicts.handler({}, context)
    assert world.stored("labelled/") == {}

    monkeypatch.setattr(clock, "now", lambda: clock.from_ms(NOON + 2 * windows.HOUR_MS))
    verdicts.handler({}, context)
    first = world.stored("labelled/")
    verdicts.handler({}, context)
    assert world.stored("labelled/") == first
    found = [orjson.loads(line) for line in first[f"labelled/{MODEL}/{HOUR}.jsonl"].splitlines()]
    assert [(one["id"], one["row"], one["label"]) for one in found] == [
        (sampled["id"], row, said) for row, said in enumerate(sampled["predict"])
    ]
    assert found[0]["values"] == dict(zip(("mass", "male", "seen", "island"), rows[0], strict=True))
    assert len(read_labelled(ARTIFACTS, MODEL)) == 3

    corrected = label(sampled["id"], "Gentoo", NOON + windows.HOUR_MS)
    handler(world.capture([corrected], "late"), context)
    verdicts.handler({}, context)
    assert {row.label for row in read_labelled(ARTIFACTS, MODEL) if row.row == 0} == {"Gentoo"}


def test_a_join_that_was_outrun_leaves_its_marks(world: World, context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    record = prediction(usual_rows(10))
    handler(world.capture([record, *answers([record])]), context)
    real = Bucket.list_keys

    def outrun(bucket: Bucket, prefix: str, **options: Any) -> Any:
        if prefix.startswith("index/"):
            monkeypatch.setattr(Bucket, "list_keys", real)
            bucket.put(keys.quality(MODEL, HOUR), b'{"format_version":1,"joined":{}}')
        return real(bucket, prefix, **options)

    monkeypatch.setattr(Bucket, "list_keys", outrun)
    ((hour, marks, _),) = joins.due(ARTIFACTS, MODEL)
    assert not joins.join(ARTIFACTS, MODEL, hour, marks, lambda _: manifest())
    assert set(marks) < set(world.stored("unjoined/"))
    assert joins.join(ARTIFACTS, MODEL, hour, marks, lambda _: manifest())
    assert [key.split("/")[-1] for key in world.stored("unjoined/")] == ["unkept"]
