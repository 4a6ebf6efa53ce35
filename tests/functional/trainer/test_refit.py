"""A model is fitted again on the validation rows too where that helps; what is stored says so, and a repeat does it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from modelloop import keys
from modelloop.aws.functions import ReplayFunction
from modelloop.aws.storage import Bucket
from modelloop.errors import TransientError
from modelloop.spec.model import Spec
from modelloop.tables import split
from tests.support.trainer_lab import Data, regression_sample, sample
from trainer.search import refitting, selecting

if TYPE_CHECKING:
    from tests.support.trainer_lab import Lab

BOTH = Spec(estimators=("linear", "hist_gradient_boosting"), params={"hist_gradient_boosting": {"max_iter": 12}})
BOOSTED = Spec(estimators=("hist_gradient_boosting",), params={"hist_gradient_boosting": {"max_iter": 12}})
NO_TIME = 20.0  # what the handler keeps for itself


def in_time(rows: int) -> Data:
    data = regression_sample(rows, 9)
    return replace(data, times=np.arange(float(rows)), spec=replace(BOOSTED, time_column="t"))


@pytest.mark.parametrize("data", [replace(sample(400, 1), spec=BOTH), in_time(400)], ids=["classes", "in time"])
def test_a_repeated_attempt_decides_nothing_again_and_serves_the_same_bytes(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, data: Data
) -> None:
    def busy(*_: object) -> None:
        raise TransientError("the replay function: throttled")

    def nothing(*_: object) -> None:
        raise AssertionError("what is recorded is not decided again")

    monkeypatch.setattr(refitting, "is_better", lambda *_: True)
    whole = lab.manifest(lab.train(data))
    run = lab.prepare(data)
    with monkeypatch.context() as patch:
        patch.setattr(ReplayFunction, "replay", busy)
        lab.deliver(run)
    monkeypatch.setattr(selecting, "choose", nothing)
    monkeypatch.setattr(refitting, "refit_if_better", nothing)
    lab.deliver(run, NO_TIME + 5)
    again = lab.manifest(run)
    assert again["selection"] == whole["selection"]
    assert again["selection"]["refit"]["done"]
    assert again["baseline"] == whole["baseline"]
    assert content(run.run_id) == content(whole["run_id"])


def content(run_id: str) -> bytes:
    """Return what serves, without the name of the run."""
    body: bytes = Bucket("artifacts").get(keys.version("m", run_id, keys.BUNDLE))
    return body.replace(run_id.encode(), b"")


def test_a_refit_is_described_as_it_was_made(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refitting, "is_better", lambda *_: True)
    data = replace(regression_sample(400, 2), spec=BOOSTED)
    run = lab.train(data)
    manifest: dict[str, Any] = lab.manifest(run)
    selection = manifest["selection"]
    learned = int((data.membership() != split.HOLDOUT).sum())
    assert (selection["by"], selection["folds"], selection["repeats"]) == ("cross_validation", 5, 1)
    assert selection["refit"]["rows"] == learned
    iterations = selection["refit"]["iterations"]
    assert manifest["estimator"]["params"]["max_iter"] == iterations
    assert manifest["estimator"]["params"]["early_stopping"] is False
    assert manifest["estimator"]["settings"] == {"max_iter": 12}, "a successor tries what was set, not what came of it"
    assert len(lab.bundle(run)["flat"]["sizes"]) == iterations
    assert len(manifest["trials"][0]["folds"]) == 5
    page = Bucket("artifacts").get(keys.version("m", run.run_id, keys.REPORT)).decode()
    assert f"Fitted again on {learned} rows, those of the validation part among them, with {iterations}" in page


def test_without_a_gain_the_validation_rows_stay_unseen(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refitting, "is_better", lambda *_: False)
    data = replace(regression_sample(400, 2), spec=BOOSTED)
    run = lab.train(data)
    refit = lab.manifest(run)["selection"]["refit"]
    assert (refit["done"], refit["rows"]) == (False, int((data.membership() == split.TRAIN).sum()))
    page = Bucket("artifacts").get(keys.version("m", run.run_id, keys.REPORT)).decode()
    assert "of the training part: more rows do not surely help" in page
