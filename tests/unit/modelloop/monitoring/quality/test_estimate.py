from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest

from modelloop.contracts.baseline import Bins
from modelloop.contracts.evaluation import AbsoluteErrors, Diagnostics, diagnostics_from_json
from modelloop.contracts.quality_verdict import CANNOT_SEE, QualityVerdict
from modelloop.contracts.verdicts import JointDrift, JointPair
from modelloop.monitoring.quality import estimate
from tests.support import verdicts
from trainer.evaluation.calibration import absolute_errors
from trainer.rows import Contents, Predictions

if TYPE_CHECKING:
    from modelloop.contracts.counts import Counts

RANDOM = np.random.default_rng(2)
ERRORS = AbsoluteErrors((300, 300, 0), (1.0, 3.0, 0.0), (0.5, 1.5, 0.0))
APART = JointDrift(3, 1, (JointPair(("a", "b"), 0.2, 0.1, 1e-9),))


def live(*counts: int, missing: int = 0) -> Counts:
    return {"counts": list(counts), "missing": missing, "unseen": 0}


def test_errors_of_the_holdout_are_weighed_by_where_the_window_s_answers_lie() -> None:
    found = estimate.absolute_error(ERRORS, live(750, 250, 0), "ok")
    assert found.value == pytest.approx(0.75 * 1 + 0.25 * 3)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 1.5 < found.high
    assert (found.high - found.low) / 2 < 0.1 * 1.5
    document = found.to_json()
    assert (document["available"], document["metric"], document["rows"]) == (True, "mae", 1_000)
    assert document["cannot_see"] == CANNOT_SEE


def test_answers_of_the_range_hold_the_truth() -> None:
    bins = Bins((1.0, 2.0, 3.0), None)
    inside = 0
    for _ in range(100):
        predicted = RANDOM.uniform(0, 4, 1_600)
        target = predicted + predicted * RANDOM.exponential(size=1_600) * RANDOM.choice([-1, 1], 1_600)
        known = absolute_errors(Predictions(target[:600], predicted[:600], None), bins)
        counts = np.bincount(np.searchsorted(bins.edges or (), predicted[600:]), minlength=4).tolist()
        found = estimate.absolute_error(known, live(*counts), "ok")
        truth = float(np.abs(target[600:] - predicted[600:]).mean())
        assert found.low is not None
        assert found.high is not None
        inside += found.low <= truth <= found.high
    assert 90 <= inside <= 100


def test_errors_are_counted_by_bin_of_the_prediction_and_copies_once() -> None:
    target, predicted = np.array([1.0, 2.0, 5.0, 5.0]), np.array([0.0, 0.0, 9.0, 9.0])
    known = absolute_errors(Predictions(target, predicted, None), Bins((4.0,), None))
    assert known == AbsoluteErrors((2, 2), (1.5, 4.0), (pytest.approx(0.5**0.5), 0.0))  # type: ignore[arg-type]
    contents = Contents(np.array([0, 1, 2, 2], np.int32), copies=True)
    assert absolute_errors(Predictions(target, predicted, None, contents), Bins((4.0,), None)).rows == (2, 1)


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (live(40, 40, 0), "80 rows; 100 are needed"),
        (live(900, 30, 70), "7% of the predictions lie where the holdout has none"),
        (live(900, 30, 0, missing=70), "7% of the predictions"),
        (live(0, 0, 0), "0 rows"),
    ],
)
def test_a_window_that_cannot_be_told_of_has_a_reason(counts: Counts, reason: str) -> None:
    found = estimate.absolute_error(ERRORS, counts, "ok")
    assert not found.to_json()["available"]
    assert reason in (found.reason or "")


def test_few_answers_beyond_the_holdout_widen_the_range() -> None:
    usual, some = (estimate.absolute_error(ERRORS, live(960 - beyond, 0, beyond), "ok") for beyond in (0, 40))
    assert some.high is not None
    assert usual.high is not None
    assert some.high > usual.high


def test_a_range_too_wide_to_say_anything_is_withheld() -> None:
    few = AbsoluteErrors((10, 0, 0), (1.0, 0.0, 0.0), (1.5, 0.0, 0.0))
    found = estimate.absolute_error(few, live(1_000, 0, 0), "ok")
    assert found.value is None
    assert found.reason is not None
    assert "more than 30% says nothing" in found.reason


@pytest.mark.parametrize("drift", ["drift", "data_fault"])
def test_inputs_that_drifted_leave_no_estimate(drift: str) -> None:
    assert estimate.absolute_error(ERRORS, live(500, 500, 0), drift).value is None


def test_columns_that_came_apart_leave_no_estimate_of_either_kind() -> None:
    known = {"rows": [0] * 19 + [1_000], "correct": [0] * 19 + [900]}
    confident = [0] * 19 + [1_000]
    assert estimate.accuracy(known, confident, "ok", JointDrift(3)).value is not None
    for found in (
        estimate.accuracy(known, confident, "ok", APART),
        estimate.absolute_error(ERRORS, live(500, 500, 0), "ok", APART),
    ):
        assert found.value is None
        assert found.reason is not None
        assert found.reason.startswith("a and b go together otherwise than in training")
        assert found.to_json()["cannot_see"] == CANNOT_SEE


def test_a_version_s_own_figures_decide_which_estimate_there_is() -> None:
    ok = verdicts.drift("2026-11-23T12:10:00Z")
    window: dict[str, Any] = {"prediction": live(500, 500, 0)}
    assert estimate.expect(Diagnostics(errors=ERRORS), window, ok).metric == "mae"
    assert estimate.expect(Diagnostics(errors=ERRORS), window, replace(ok, joint=APART)).value is None
    for counts in (window, None):
        none = estimate.expect(Diagnostics(), counts, ok)
        assert (none.value, none.reason) == (None, estimate.NOTHING_KNOWN)


def test_a_manifest_and_a_verdict_keep_them() -> None:
    document = orjson.loads(orjson.dumps(Diagnostics(errors=ERRORS).to_json()))
    assert diagnostics_from_json(document).errors == ERRORS
    del document["errors"]
    assert diagnostics_from_json(document).errors is None
    told = verdicts.quality("2026-11-23T12:10:00Z", estimate=estimate.absolute_error(ERRORS, live(500, 500, 0), "ok"))
    assert QualityVerdict.from_json(told.to_json()) == told
