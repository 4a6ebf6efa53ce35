"""Every sign of a change at its boundary: what is just enough to ask a person, and what is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modelloop.versions.evidence import ChampionEvidence, Check, LossComparison
from modelloop.versions.evidence import LabelDistribution as Labels
from modelloop.versions.gate import decide
from modelloop.versions.review_checks import labels_regrouped, labels_suspected, review_checks

TRIVIAL = LossComparison("trivial", "log_loss", 1000, 4.0, 6.9, -3.3, -2.5)
EVEN = LossComparison("champion_on_holdout", "log_loss", 1000, 4.0, 4.0, -0.1, 0.01)
WORSE = replace(EVEN, candidate=5.0, low=0.9, high=1.1)
CALM = ChampionEvidence(
    holdout=EVEN, anchor=EVEN, best=EVEN, champion_vs_trivial=replace(EVEN, low=-3.0, high=-2.0), score=4.0,
    labels_before=None, labels_now=None,
)  # fmt: skip


def outcome(name: str, **changes: Any) -> str:
    return found(name, **changes).outcome


def found(name: str, **changes: Any) -> Check:
    return next(check for check in review_checks(replace(CALM, **changes)) if check.name == name)


def yes(count: int, rows: int) -> Labels:
    return Labels(rows, {"no": rows - count, "yes": count})


@pytest.mark.parametrize(
    ("before", "now", "moved"),
    [
        (yes(200, 1000), yes(134, 500), False),  # 2.98 standard errors
        (yes(200, 1000), yes(135, 500), True),  # 3.07
        (yes(200, 1000), yes(980, 4000), False),  # 2.997
        (yes(200, 1000), yes(981, 4000), True),  # 3.01
        (yes(1, 8), yes(7, 8), False),  # exactly 3
        (yes(2500, 5000), yes(2700, 5000), False),  # 4, but 8 % of what was
        (yes(500_000, 1_000_000), yes(590_000, 1_000_000), False),  # 18 %
        (yes(500_000, 1_000_000), yes(610_000, 1_000_000), True),  # 22 %
        (yes(500_000, 1_000_000), yes(390_000, 1_000_000), True),  # down
    ],
)
def test_a_label_rate_moves_by_more_than_three_standard_errors_and_a_fifth(
    before: Labels, now: Labels, moved: bool
) -> None:
    assert outcome("label_rate", labels_before=before, labels_now=now) == ("approval" if moved else "passed")


def test_each_class_is_held_to_its_own_rate_and_exactly_a_fifth_is_calm() -> None:
    detail = found("label_rate", labels_before=yes(625_000, 1_000_000), labels_now=yes(750_000, 1_000_000)).detail
    assert detail == "the label rate shifted: no from 37.5% to 25.0%"


@pytest.mark.parametrize(
    ("before", "now", "moved"),
    [
        (
            Labels(100, None, 0.0, 3.0),
            Labels(50, None, 1.23, 2.0),
            False,
        ),  # 3 standard errors: 1.237
        (Labels(100, None, 0.0, 3.0), Labels(50, None, 1.25, 2.0), True),
        (Labels(1, None, 0.0, 3.0), Labels(1, None, 15.0, 4.0), False),  # exactly 3
        (Labels(10**6, None, 0.0, 2.0), Labels(10**6, None, 0.39, 2.0), False),  # a fifth: 0.4
        (Labels(10**6, None, 0.0, 2.0), Labels(10**6, None, -0.41, 2.0), True),
        (Labels(10**6, None, 0.0, 5.0), Labels(10**6, None, 1.0, 5.0), False),  # exactly a fifth
    ],
)
def test_a_mean_moves_by_more_than_three_standard_errors_and_a_fifth_of_the_deviation(
    before: Labels, now: Labels, moved: bool
) -> None:
    assert outcome("label_rate", labels_before=before, labels_now=now) == ("approval" if moved else "passed")


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (None, None),
        (None, yes(1, 2)),
        (yes(1, 2), None),
        (yes(1, 2), Labels(2)),
        (Labels(2), yes(1, 2)),
    ],
)
def test_labels_that_cannot_be_compared_are_skipped(before: Labels | None, now: Labels | None) -> None:
    assert outcome("label_rate", labels_before=before, labels_now=now) == "skipped"
    assert outcome("class_set", labels_before=before, labels_now=now) == "skipped"


@pytest.mark.parametrize(
    ("now", "detail"),
    [
        ({"no": 9}, "the set of classes changed (gone: yes)"),
        ({"no": 3, "yes": 3, "maybe": 3}, "the set of classes changed (new classes: maybe)"),
        ({"maybe": 9}, "the set of classes changed (new classes: maybe; gone: no, yes)"),
    ],
)
def test_a_class_that_comes_or_goes_is_named(now: dict[str, int], detail: str) -> None:
    check = found("class_set", labels_before=yes(5, 9), labels_now=Labels(9, now))
    assert (check.outcome, check.detail) == ("approval", detail)


@pytest.mark.parametrize(
    ("loss", "noise", "outcome_wanted"),
    [
        (6.0, 0.0, "passed"),  # exactly a fifth of 5
        (6.01, 0.0, "approval"),
        (6.6, 1.0, "passed"),  # 1.645 standard errors of chance
        (6.7, 1.0, "approval"),
    ],
)
def test_a_champion_falls_by_more_than_a_fifth_and_more_than_chance(
    loss: float, noise: float, outcome_wanted: str
) -> None:
    now = replace(EVEN, candidate=loss)
    assert outcome("champion_fall", champion_vs_trivial=now, score=5.0, noise=noise) == outcome_wanted


def test_a_loss_below_zero_falls_by_a_fifth_of_its_size() -> None:
    assert outcome("champion_fall", champion_vs_trivial=replace(EVEN, candidate=-4.5), score=-5.0) == "passed"
    assert outcome("champion_fall", champion_vs_trivial=replace(EVEN, candidate=-3.9), score=-5.0) == "approval"


@pytest.mark.parametrize(
    "unknown", [{"score": None}, {"champion_vs_trivial": None}, {"score": None, "champion_vs_trivial": None}]
)
def test_a_champion_without_a_score_then_or_now_is_skipped(unknown: dict[str, None]) -> None:
    assert outcome("champion_fall", **unknown) == "skipped"


@pytest.mark.parametrize(("low", "outcome_wanted"), [(0.0, "passed"), (1e-9, "approval")])
def test_a_champion_collapses_when_it_is_surely_worse_than_the_trivial_model(low: float, outcome_wanted: str) -> None:
    assert outcome("champion_collapse", champion_vs_trivial=replace(EVEN, low=low)) == outcome_wanted


SUSPECT_LABELS: dict[str, dict[str, Any]] = {
    "champion_fall": {"score": 2.0},
    "champion_collapse": {"champion_vs_trivial": replace(EVEN, low=0.1)},
    "label_rate": {"labels_before": yes(100, 1000), "labels_now": yes(500, 1000)},
    "class_set": {"labels_before": Labels(10, {"no": 10}), "labels_now": yes(5, 10)},
}
OTHER_SIGNS: dict[str, dict[str, Any]] = {
    "required_columns": {"newly_required": ["age"]},
    "column_kinds": {"other_kind": ["age"]},
    "same_statistic": {"statistics": ("the mean", "the median")},
}


@pytest.mark.parametrize("sign", [*SUSPECT_LABELS, *OTHER_SIGNS])
def test_old_rows_prove_nothing_only_where_labels_or_the_world_look_changed(sign: str) -> None:
    changed = replace(CALM, **(SUSPECT_LABELS | OTHER_SIGNS)[sign])
    signs = list(review_checks(changed))
    assert [check.name for check in signs if check.outcome == "approval"] == [sign]
    assert labels_suspected(signs) is (sign in SUSPECT_LABELS)
    assert labels_regrouped(signs) is (sign == "class_set")
    on_old_rows = decide(TRIVIAL, replace(changed, anchor=WORSE, best=WORSE))
    assert on_old_rows.decision == ("approve" if sign in SUSPECT_LABELS else "reject")
    on_new_rows = decide(TRIVIAL, replace(changed, holdout=WORSE))
    assert on_new_rows.decision == ("approve" if sign == "class_set" else "reject")
