from __future__ import annotations

import pickle
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest

from modelloop import keys
from modelloop.aws import replay, storage
from modelloop.aws.registry import manifests
from modelloop.errors import TransientError
from modelloop.spec.model import PROMOTION, Spec
from modelloop.tables.encoding import Column, Encoding
from tests.support.trainer_lab import NUMBERS, Data, sample
from tests.support.trainer_lab import lab as opened
from trainer import continuation

if TYPE_CHECKING:
    from pathlib import Path

    from modelloop.versions.run import Run
    from tests.support.trainer_lab import Lab

BOOSTING = "hist_gradient_boosting"
SMALL: dict[str, Any] = {BOOSTING: {"max_iter": 20}, "random_forest": {"n_estimators": 6, "max_leaf_nodes": 16}}
EASY = {**PROMOTION, "margin": 1.0}


def asking(data: Data, family: str = BOOSTING, **spec: Any) -> Data:
    params = {family: SMALL.get(family, {})}
    return replace(
        data, spec=Spec(estimators=(family,), promotion=EASY, **{"warm_start": True, "params": params, **spec})
    )


def grown(rows: int = 900, *, seed: int = 1, more: int = 400) -> Data:
    """The first rows are those of `sample(rows, seed)`; as many as `more` follow."""
    old, new = sample(rows, seed), sample(more, seed + 100)
    return replace(old, matrix=np.vstack([old.matrix, new.matrix]), target=np.append(old.target, new.target))


def record(run: Run) -> dict[str, Any]:
    return dict(orjson.loads(storage.get("artifacts", keys.prepared("m", run.run_id, "trials.json"))))


def warm(lab: Lab, run: Run) -> dict[str, Any]:
    return dict(lab.manifest(run)["warm_start"])


@pytest.mark.parametrize("family", [BOOSTING, "random_forest", "gradient_boosting", "linear"])
def test_a_successor_goes_on_from_the_champions_state(lab: Lab, family: str) -> None:
    first = lab.train(asking(sample(900, 1), family))
    run = lab.train(asking(grown(), family))
    manifest = lab.manifest(run)
    assert manifest["warm_start"]["state"] == "continued", manifest["warm_start"]
    assert manifest["warm_start"]["from"] == {"version": 1, "run_id": first.run_id}
    (link,) = manifest["warm_start"]["chain"]
    assert (link["run_id"], link["dataset"]) == (first.run_id, first.dataset)
    assert [trial["origin"] for trial in manifest["trials"]] == ["continued"]
    assert manifest["replay"]["ok"]
    assert lab.manifest(first)["warm_start"]["reason"] == "no earlier version was fitted here"


def test_the_same_tables_in_the_same_order_give_the_same_successor(monkeypatch: pytest.MonkeyPatch) -> None:
    bundles = []
    for _ in range(2):
        with opened(monkeypatch) as lab:
            lab.train(asking(sample(900, 1), "random_forest"))
            bundles.append(lab.bundle(lab.train(asking(grown(), "random_forest")))["flat"])
    assert bundles[0] == bundles[1]


def test_trees_of_the_champion_stay_in_its_successor(lab: Lab) -> None:
    first, second = lab.train(asking(sample(900, 2))), lab.train(asking(grown(seed=2)))
    before, after = (lab.bundle(run)["flat"] for run in (first, second))
    assert after["number"][: len(before["number"])] == before["number"]
    assert len(before["sizes"]) < len(after["sizes"]) <= len(before["sizes"]) + 10


def test_a_model_goes_on_only_when_asked_to(lab: Lab) -> None:
    first = lab.train(asking(sample(900, 1)))
    assert warm(lab, lab.train(asking(grown(), warm_start=False))) == {
        "from": {"version": 1, "run_id": first.run_id}, "state": "cold",
        "reason": "model.yaml does not ask for it", "chain": [],
    }  # fmt: skip
    assert Spec().warm_start is False


def test_a_repeated_attempt_goes_on_from_the_same_version_and_gives_the_same_file(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_: object) -> None:
        raise TransientError("the replay function: throttled")

    first = lab.train(asking(sample(2000, 3), "random_forest"))
    other = lab.train(asking(grown(2000, seed=3, more=100), "random_forest", warm_start=False))
    wanted = lab.train(asking(grown(2000, seed=3, more=500), "random_forest"))
    run = lab.prepare(asking(grown(2000, seed=3, more=500), "random_forest"), cause="request")
    with monkeypatch.context() as patch:
        patch.setattr(replay, "replay", busy)
        lab.deliver(run)
    lab.promote(other)
    lab.deliver(run)
    manifest = lab.manifest(run)
    assert manifest["compared_with"] == other.run_id
    assert manifest["warm_start"] == warm(lab, wanted)
    assert manifest["warm_start"]["from"]["run_id"] == first.run_id
    assert lab.bundle(run)["flat"] == lab.bundle(wanted)["flat"]


def test_a_repeated_attempt_stays_cold_and_says_the_same(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(_: object) -> None:
        raise TransientError("the replay function: throttled")

    first = lab.train(asking(sample(900, 1)))
    run = lab.prepare(asking(grown()))
    with monkeypatch.context() as patch:
        patch.setattr(replay, "replay", busy)
        patch.setattr(continuation, "MOST_BYTES", 10)
        lab.deliver(run)
    lab.deliver(run)
    assert warm(lab, run) == {
        "from": {"version": 1, "run_id": first.run_id}, "state": "cold",
        "reason": "its model.joblib has more than 0 MiB", "chain": [],
    }  # fmt: skip


def test_another_trial_may_be_better_than_going_on(lab: Lab) -> None:
    first = sample(900, 4)
    found = warm(lab, lab.train(asking(first)))
    spec: dict[str, Any] = {"estimators": (BOOSTING, "linear"), "params": SMALL}
    lab_spec = Spec(promotion=EASY, warm_start=True, **spec)
    run = lab.train(replace(grown(seed=4), spec=lab_spec))
    manifest = lab.manifest(run)
    assert {trial["origin"] for trial in manifest["trials"]} == {"continued", "spec"}
    assert manifest["estimator"]["family"] == "linear"
    assert manifest["warm_start"]["reason"] == "another trial was better than going on"
    assert found["state"] == manifest["warm_start"]["state"] == "cold"


@pytest.mark.parametrize(
    ("rise", "reason"), [(None, " on the validation rows, and was 0."), (1e9, "made it worse: log_loss")]
)
def test_after_a_shift_a_state_is_left_behind(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, rise: float | None, reason: str
) -> None:
    """Its trees are wrongly sure of the new rows: Newton's steps from there go anywhere."""
    old = sample(1500, 9, noise=0.05)
    lab.train(asking(old, params={BOOSTING: {"max_iter": 200}}))
    if rise is not None:
        monkeypatch.setattr(continuation, "MOST_RISE", rise)
    new = grown(1500, seed=9, more=500)
    target = np.append(old.target, 1 - new.target[1500:])
    run = lab.prepare(asking(replace(new, matrix=np.vstack([old.matrix, new.matrix[1500:]]), target=target),
                             params={BOOSTING: {"max_iter": 200}}))  # fmt: skip
    lab.deliver(run)
    found = lab.registry.get_run("m", run.run_id).warm_start
    assert found is not None
    assert found["state"] == "cold"
    assert reason in found["reason"]
    assert [trial["origin"] for trial in record(run)["trials"]] == ["predecessor"]


def test_categories_in_another_order_are_translated(lab: Lab) -> None:
    swapped = Encoding([*NUMBERS.columns[:2], Column("kind", "text", ("green", "blue", "red"))])
    first = lab.train(asking(sample(900, 5)))
    data = asking(grown(seed=5))
    matrix = data.matrix.copy()
    known = ~np.isnan(matrix[:, 2])
    matrix[known, 2] = np.array([2, 0, 1], np.float32)[matrix[known, 2].astype(int)]
    run = lab.train(replace(data, matrix=matrix, encoding=swapped, sides=data.membership()))
    assert warm(lab, run)["state"] == "continued", warm(lab, run)
    assert lab.manifest(run)["encoding"] == lab.manifest(first)["encoding"]
    same = lab.train(replace(data, sides=data.membership(), spec=replace(data.spec, threshold=0.5)))
    before, after = (lab.bundle(one)["flat"]["number"] for one in (first, run))
    assert after[: len(before)] == before
    assert len(lab.bundle(same)["flat"]["number"]) == len(after)


def times(data: Data, start: float = 0.0) -> Data:
    return replace(
        data, times=start + np.arange(len(data.target), dtype=np.float64), spec=replace(data.spec, time_column="t")
    )


def test_a_table_ordered_by_time_goes_on_as_it_grows(lab: Lab) -> None:
    first = lab.train(times(asking(sample(900, 6))))
    run = lab.train(times(asking(grown(seed=6))))
    assert warm(lab, run)["state"] == "continued", warm(lab, run)
    before, after = (lab.manifest(one)["split"] for one in (first, run))
    assert before["fitted_until"] < before["trained_until"] <= after["fitted_until"] * 2
    assert after["trained_until"] > before["trained_until"]


class Trap:
    """Leaves a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return (type(self.path).touch, (self.path,))


def test_a_file_that_is_not_the_one_of_its_manifest_is_never_unpickled(lab: Lab, tmp_path: Path) -> None:
    first = lab.train(asking(sample(900, 1)))
    mark = tmp_path / "opened"
    key = keys.version("m", first.run_id, keys.JOBLIB)
    body = pickle.dumps(Trap(mark)).ljust(len(storage.get("artifacts", key)), b"\0")
    assert not pickle.loads(body) or mark.exists()
    mark.unlink()
    storage.put("artifacts", key, body)
    assert warm(lab, lab.train(asking(grown())))["reason"] == "its model.joblib is not what its manifest says"
    assert not mark.exists()
    storage.delete("artifacts", key)
    assert warm(lab, lab.train(asking(grown(more=410))))["reason"] == "its model.joblib is gone"


def test_so_many_versions_go_on_in_a_row_and_then_one_starts_anew(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(continuation, "MOST_CONTINUATIONS", 2)
    monkeypatch.setattr(continuation, "_loss", lambda *_: 0.0)  # whether it pays is another question
    lab.train(asking(sample(900, 8), "random_forest"))
    states = []
    for more in (100, 200, 300, 400):
        manifests.read.cache_clear()
        run = lab.train(asking(grown(seed=8, more=more), "random_forest"))
        lab.promote(run)
        found = warm(lab, run)
        states.append((found["state"], [link["version"] for link in found["chain"]]))
    assert states == [("continued", [1]), ("continued", [2, 1]), ("cold", []), ("continued", [4])]
