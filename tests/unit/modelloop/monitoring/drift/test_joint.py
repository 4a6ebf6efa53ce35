from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from modelloop.contracts.verdicts import DriftVerdict
from modelloop.monitoring.drift import baseline, joint, pairs, verdict
from modelloop.tables.encoding import Column, Encoding
from tests.support.drift import together
from tests.support.drift.real import Real

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.contracts.baseline import Baseline
    from modelloop.monitoring.windows import Window

RANDOM = np.random.default_rng(8)
ENCODING = Encoding([Column(name, "number") for name in ("a", "b", "c", "d")])
NOW = "2026-11-23T12:10:00Z"


def sample(rows: int, slope: float = 1.0) -> NDArray[np.float32]:
    """Return rows whose b follows a more or less closely, and is distributed alike whatever the slope."""
    matrix = RANDOM.normal(size=(rows, 4))
    matrix[:, 1] = slope * matrix[:, 0] + (2 - slope**2) ** 0.5 * matrix[:, 1]
    return matrix.astype(np.float32)


def predicted(matrix: NDArray[np.float32]) -> NDArray[np.int64]:
    return (matrix[:, 2] > 0).astype(np.int64)


def learned() -> Baseline:
    rows = pairs.AnsweredRows(TRAINING, predicted(TRAINING))
    known = baseline.build(ENCODING, TRAINING, rows.predictions, ["no", "yes"], ())
    return pairs.with_pairs(known, ENCODING, ["a", "b"], rows, rows)


TRAINING = sample(3_000)
KNOWN = learned()


def window(matrix: NDArray[np.float32]) -> Window:
    return together.window(KNOWN, Real("t", ENCODING, matrix), matrix, predicted(matrix))


def judge(*windows: Window, known: Baseline = KNOWN) -> DriftVerdict:
    return verdict.drift_verdict(known, windows, model="m", version=1, min_rows=500, now=NOW)


def test_the_same_distribution_is_quiet_and_says_how_many_pairs_were_tested() -> None:
    found = judge(window(sample(1_000)))
    assert (found.status, found.reasons) == ("ok", ())
    assert found.joint is not None
    assert found.joint.to_json() == {"tested": 10, "found": 0, "pairs": [], "reason": None}


def test_columns_that_come_apart_are_named_though_each_of_them_looks_the_same() -> None:
    apart = window(sample(1_000, slope=0.5))
    found = judge(apart, window(sample(1_000)))
    assert found.joint is not None
    (pair,) = found.joint.pairs
    assert pair.columns == ("a", "b")
    assert pair.distance > pair.threshold
    assert not any(column.drifted for column in found.columns)
    assert (found.status, found.drifted_columns) == ("ok", 1)
    assert found.reasons == ("a and b: went together otherwise; an alarm when the next window shows it too",)
    again = judge(apart, window(sample(1_000, slope=0.5)))
    assert again.status == "drift"
    assert again.reasons[0].startswith("a and b: go together otherwise than in training, distance 0.")
    assert again.reasons[0].endswith(", in two windows in a row")


def test_one_window_far_beyond_the_threshold_is_enough() -> None:
    reversed_ = judge(window(sample(1_000, slope=-1.0)))
    assert reversed_.status == "drift"
    assert "two windows" not in reversed_.reasons[0]


def test_a_shift_of_one_column_alone_is_no_joint_finding() -> None:
    for _ in range(5):
        moved = sample(1_000)
        moved[:, 0] += 0.15
        compared = joint.compare(KNOWN, window(moved))
        assert compared.tested == 10
        assert compared.pairs == ()


def test_pairs_of_a_column_that_drifted_by_itself_are_left_to_it() -> None:
    moved = sample(1_000)
    moved[:, 0] = 3 * RANDOM.normal(size=1_000)
    found = judge(window(moved))
    assert found.joint is not None
    assert (found.joint.tested, found.joint.found) == (6, 0)
    assert next(column for column in found.columns if column.name == "a").drifted


def test_answers_that_no_longer_follow_their_column_are_found() -> None:
    matrix = sample(1_000)
    counted = together.window(KNOWN, Real("t", ENCODING, matrix), matrix, RANDOM.integers(0, 2, 1_000))
    found = judge(counted)
    assert found.joint is not None
    assert [pair.columns for pair in found.joint.pairs] == [("c", "(prediction)")]
    assert any(reason.startswith("c and the predictions: go together") for reason in found.reasons)


def test_versions_and_windows_from_before_pairs_were_counted_are_judged_as_they_were_and_say_so() -> None:
    apart = window(sample(1_000, slope=-1.0))
    old = apart._replace(counts={name: counts for name, counts in apart.counts.items() if name != "pairs"})
    for found, reason in (
        (judge(apart, known=replace(KNOWN, pairs=None)), joint.OLD_VERSION),
        (judge(old), joint.OLD_WINDOW),
    ):
        assert found.joint is not None
        assert (found.status, found.joint.tested, found.joint.reason) == ("ok", 0, reason)
    assert judge(apart).status == "drift"


def test_too_few_rows_are_not_tested() -> None:
    found = judge(window(sample(499, slope=-1.0)))
    assert found.joint is not None
    assert (found.status, found.joint.tested, found.joint.reason) == ("insufficient_data", 0, "too few captured rows")


def test_a_season_is_allowed_for_in_the_threshold_and_in_the_test() -> None:
    assert KNOWN.pairs is not None
    seasonal, far = (replace(KNOWN, pairs=replace(KNOWN.pairs, seasons=(season,) * 10)) for season in (0.1, 0.5))
    apart = window(sample(1_000, slope=0.5))
    (without,), (within,) = (joint.compare(known, apart).pairs for known in (KNOWN, seasonal))
    assert within.threshold > without.threshold
    assert within.p_value > without.p_value
    assert joint.compare(far, apart).pairs == ()


def test_a_verdict_is_written_back_as_it_was_and_one_of_before_has_no_joint_test() -> None:
    found = judge(window(sample(1_000, slope=-1.0)))
    document: dict[str, Any] = found.to_json()
    assert DriftVerdict.from_json(document) == found
    del document["joint"]
    before = DriftVerdict.from_json(document)
    assert before.joint is None
    assert before.to_json() == document


@pytest.mark.parametrize(
    ("chances", "sure"),
    [
        ([0.0001, 0.0002, 0.9], [True, True, False]),
        ([0.0002, 0.9, 0.9], [False, False, False]),
        ([], []),
    ],
)
def test_evidence_is_corrected_for_the_number_of_pairs(chances: list[float], sure: list[bool]) -> None:
    assert joint._holm(chances) == sure
