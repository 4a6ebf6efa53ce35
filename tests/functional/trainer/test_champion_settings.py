from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from modelloop import clock, keys
from modelloop.aws.functions import ReplayFunction
from modelloop.aws.storage import Bucket
from modelloop.contracts.version_facts import VersionEvent
from modelloop.errors import TransientError
from modelloop.spec.model import Spec
from modelloop.spec.sections import Promotion, Search
from tests.support.trainer_lab import Data, sample

if TYPE_CHECKING:
    from modelloop.versions.run import Run
    from tests.support.trainer_lab import Lab

NO_TIME = 20.0  # what the handler keeps for itself
FOREST = {"n_estimators": 5, "max_leaf_nodes": 9}


def asking(data: Data, *estimators: str, **spec: Any) -> Data:
    return replace(data, spec=Spec(estimators=estimators, **spec))


def record(run: Run) -> dict[str, Any]:
    """What the run tried, whether or not the gate let it pass."""
    return dict(orjson.loads(Bucket("artifacts").get(keys.prepared("m", run.run_id, "trials.json"))))


def tried(run: Run) -> list[tuple[str, str, dict[str, Any]]]:
    return [(trial["origin"], trial["family"], trial["params"]) for trial in record(run)["trials"]]


def test_a_successor_tries_the_champions_settings_first(lab: Lab) -> None:
    first = lab.train(asking(sample(800, 1), "random_forest", params={"random_forest": FOREST}))
    second = lab.train(asking(sample(900, 1), "linear", "random_forest"))
    assert tried(second) == [
        ("predecessor", "random_forest", FOREST), ("spec", "linear", {}), ("spec", "random_forest", {})
    ]  # fmt: skip
    page = Bucket("artifacts").get(keys.version("m", second.run_id, keys.REPORT)).decode()
    assert "<td>version 1</td>" in page
    assert lab.manifest(first)["started_from"] is None
    assert lab.manifest(second)["started_from"] == {"version": 1, "run_id": first.run_id}


def test_what_chance_found_once_is_not_left_to_chance_again(lab: Lab) -> None:
    spec: dict[str, Any] = {"search": Search(trials=5)}
    first = lab.manifest(lab.train(asking(sample(3000, 2), "decision_tree", **spec)))
    found = first["estimator"]["settings"]
    assert found in [trial["params"] for trial in first["trials"] if trial["origin"] == "drawn"]
    second = record(lab.train(asking(sample(3200, 2), "decision_tree", **spec)))["trials"]
    assert (second[0]["origin"], second[0]["params"]) == ("predecessor", found)
    assert second[0]["rows"] == max(trial["rows"] for trial in second)


def test_without_time_a_successor_is_what_the_champion_is(lab: Lab) -> None:
    lab.train(asking(sample(2000, 3), "decision_tree", params={"decision_tree": {"max_leaf_nodes": 7}}))
    run = lab.prepare(asking(sample(2100, 3), "linear", "decision_tree", search=Search(trials=9)))
    lab.deliver(run, NO_TIME)
    assert tried(run) == [("predecessor", "decision_tree", {"max_leaf_nodes": 7})]


def test_a_family_that_the_spec_no_longer_names_is_not_tried(lab: Lab) -> None:
    lab.train(asking(sample(800, 4), "decision_tree"))
    assert tried(lab.train(asking(sample(900, 4), "linear"))) == [("spec", "linear", {})]


def test_without_a_champion_the_best_version_so_far_is_tried_first(lab: Lab) -> None:
    manual = {"promotion": Promotion("manual")}
    better = lab.train(asking(sample(900, 5), "linear", params={"linear": {"C": 0.5}}, **manual))
    worse = lab.train(asking(sample(900, 5), "linear", params={"linear": {"C": 0.0001}}, **manual))
    last = lab.train(asking(sample(1000, 5), "linear", **manual))
    assert lab.pointer() is None
    assert [lab.manifest(run)["started_from"]["run_id"] for run in (worse, last)] == [better.run_id] * 2
    assert tried(last)[0] == ("predecessor", "linear", {"C": 0.5})
    lab.registry.update_version("m", 1, {"rejected": VersionEvent(clock.now(), "t", "t")})
    lab.registry.update_version("m", 3, {"rolled_back": VersionEvent(clock.now(), "t", "t")})
    assert tried(lab.train(asking(sample(1100, 5), "linear", **manual)))[0][2] == {"C": 0.0001}


def test_a_repeated_attempt_starts_from_what_the_first_one_did(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise TransientError("the replay function: throttled")

    easy: dict[str, Any] = {"promotion": Promotion(margin=0.5)}
    first = lab.train(asking(sample(2000, 6), "linear", params={"linear": {"C": 0.5}}, **easy))
    other = lab.train(asking(sample(2000, 6), "linear", params={"linear": {"C": 0.25}}, **easy))
    run = lab.prepare(asking(sample(2000, 7), "linear", **easy))
    with monkeypatch.context() as patch:
        patch.setattr(ReplayFunction, "replay", busy)
        lab.deliver(run)
    assert record(run)["started_from"] == first.run_id
    lab.promote(other)
    lab.deliver(run)
    manifest = lab.manifest(run)
    assert manifest["compared_with"] == other.run_id
    assert manifest["started_from"]["run_id"] == first.run_id
    assert manifest["trials"][0]["params"] == {"C": 0.5}
