from __future__ import annotations

from dataclasses import replace

import pytest

from modelloop.versions.evidence import ChampionEvidence, Check, LabelDistribution, LossComparison
from modelloop.versions.gate import decide

GOOD = LossComparison("trivial", "log_loss", 1000, 0.40, 0.69, -0.33, -0.25)
EVEN = LossComparison("champion_on_holdout", "log_loss", 1000, 0.400, 0.401, -0.004, 0.002)
WORSE = replace(EVEN, candidate=0.42, low=0.01, high=0.03)
LABELS = LabelDistribution(5000, {"no": 2500, "yes": 2500})
CALM = ChampionEvidence(
    holdout=EVEN, anchor=EVEN, best=EVEN,
    champion_vs_trivial=replace(EVEN, candidate=0.401, low=-0.3, high=-0.2), score=0.4,
    labels_before=LABELS, labels_now=LABELS,
)  # fmt: skip


def test_a_first_version_needs_to_beat_the_trivial_model_only() -> None:
    assert decide(GOOD, None).decision == "release"


@pytest.mark.parametrize("high", [0.0, 0.01])
def test_not_surely_better_than_trivial_is_rejected(high: float) -> None:
    found = decide(replace(GOOD, high=high), CALM)
    assert found.decision == "reject"
    assert "is not surely better than the trivial model's 0.69" in found.reasons[0]


def test_a_calm_succession_is_released_and_says_so() -> None:
    found = decide(GOOD, CALM)
    assert found.decision == "release"
    assert found.reasons == ("better than the trivial model, not worse than the champion",)
    assert {check.outcome for check in found.checks} == {"passed"}


@pytest.mark.parametrize("name", ["holdout", "anchor", "best"])
def test_inferiority_anywhere_is_rejected(name: str) -> None:
    assert decide(GOOD, replace(CALM, **{name: WORSE})).decision == "reject"  # type: ignore[arg-type]


def test_a_difference_that_few_rows_leave_open_needs_approval() -> None:
    unsure = replace(EVEN, candidate=0.4009, reference=0.4, high=0.02)
    found = decide(GOOD, replace(CALM, anchor=unsure))
    assert found.decision == "approve"
    assert found.reasons[0].endswith("too few rows to be sure")
    assert decide(GOOD, replace(CALM, anchor=replace(unsure, candidate=0.4041))).decision == "reject"


def test_an_estimate_on_the_margin_itself_is_within_it() -> None:
    edge = replace(EVEN, candidate=2.5, reference=2.0, high=0.6)
    assert decide(GOOD, replace(CALM, anchor=edge), margin=0.25).decision == "approve"
    assert decide(GOOD, replace(CALM, anchor=replace(edge, high=0.5)), margin=0.25).decision == "release"


@pytest.mark.parametrize(("high", "decision"), [(0.0040, "release"), (0.0041, "approve")])
def test_the_margin_is_a_share_of_the_champions_score(high: float, decision: str) -> None:
    edge = replace(EVEN, reference=0.4, high=high)
    assert decide(GOOD, replace(CALM, holdout=edge)).decision == decision
    assert decide(GOOD, replace(CALM, holdout=replace(edge, high=0.0079)), margin=0.02).decision == "release"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("score", 0.33),
        ("champion_vs_trivial", replace(EVEN, low=0.001, high=0.2)),
        ("labels_now", LabelDistribution(5000, {"no": 1500, "yes": 3500})),
        ("labels_now", LabelDistribution(5000, {"no": 2000, "yes": 2000, "maybe": 1000})),
        ("newly_required", ("age",)),
        ("other_kind", ("age",)),
        ("same_task", False),
        ("same_split", False),
        ("statistics", ("the mean", "the 0.9 quantile")),
    ],
)
def test_what_looks_like_a_change_needs_approval(name: str, value: object) -> None:
    assert decide(GOOD, replace(CALM, **{name: value})).decision == "approve"  # type: ignore[arg-type]


@pytest.mark.parametrize("score", [0.3342, 0.4])
def test_a_champion_that_falls_by_a_fifth_at_most_is_calm(score: float) -> None:
    assert decide(GOOD, replace(CALM, score=score)).decision == "release"


@pytest.mark.parametrize(("noise", "decision"), [(0.06, "approve"), (0.08, "release")])
def test_a_fall_that_chance_explains_is_none(noise: float, decision: str) -> None:
    assert decide(GOOD, replace(CALM, score=0.28, noise=noise)).decision == decision


def test_disputed_rows_that_pass_are_no_reason_to_ask() -> None:
    found = decide(GOOD, replace(CALM, score=0.2))
    assert [check.name for check in found.checks if check.outcome == "approval"] == ["champion_fall"]


def test_another_task_is_compared_with_nothing() -> None:
    found = decide(GOOD, replace(CALM, holdout=WORSE, anchor=WORSE, best=WORSE, same_task=False))
    assert found.decision == "approve"
    assert not [check.name for check in found.checks if check.name.endswith(("_on_holdout", "_on_anchor"))]


def test_further_review_checks_turn_a_release_into_an_approval_and_add_to_other_decisions() -> None:
    check = Check("reference", "approval", "the reference rows have no labels")
    released, refused = decide(GOOD, None), decide(replace(GOOD, high=0.1), None)
    assert released.with_review_checks(()) is released
    reviewed = released.with_review_checks([check])
    assert (reviewed.decision, reviewed.reasons) == ("approve", (check.detail,))
    assert reviewed.checks == (*released.checks, check)
    assert refused.with_review_checks([check]).decision == "reject"
    assert refused.with_review_checks([check]).reasons == (*refused.reasons, check.detail)


def test_old_rows_cannot_refuse_when_the_labels_look_changed() -> None:
    fallen = replace(CALM, anchor=WORSE, best=WORSE, score=0.2)
    assert decide(GOOD, fallen).decision == "approve"
    assert decide(GOOD, replace(fallen, holdout=WORSE)).decision == "reject"


def test_rows_that_changed_sides_cannot_refuse() -> None:
    moved = replace(CALM, holdout=WORSE, anchor=WORSE, best=WORSE, same_split=False)
    assert decide(GOOD, moved).decision == "approve"
    assert decide(replace(GOOD, high=0.1), moved).decision == "reject"


def test_the_best_so_far_is_met_on_newer_rows_where_the_anchor_is_past() -> None:
    newer = replace(WORSE, name="best_on_holdout")
    found = decide(GOOD, replace(CALM, anchor=None, best=newer))
    assert found.decision == "reject"
    assert "of the best version so far on the new holdout" in found.reasons[0]
    assert decide(GOOD, replace(CALM, anchor=None, best=newer, score=0.2)).decision == "reject"


@pytest.mark.parametrize(("rows", "first", "decision"), [
    (19, True, "approve"), (20, True, "release"), (199, False, "approve"), (200, False, "release"),
])  # fmt: skip
def test_small_holdouts_need_approval(rows: int, first: bool, decision: str) -> None:
    found = decide(replace(GOOD, rows=rows), None if first else CALM)
    assert found.decision == decision
    if decision == "approve":
        assert ("a first version" if first else "a successor") in found.reasons[0]


@pytest.mark.parametrize(
    ("now", "moved"),
    [
        ({"no": 2300, "yes": 2700}, False),  # four errors, but less than a fifth
        ({"no": 13, "yes": 7}, False),  # a third more, but within three errors
        ({"no": 1900, "yes": 3100}, True),
    ],
)
def test_label_rates_move_by_errors_and_by_share(now: dict[str, int], moved: bool) -> None:
    labels = LabelDistribution(sum(now.values()), now)
    found = decide(GOOD, replace(CALM, labels_now=labels))
    outcomes = {check.name: check.outcome for check in found.checks}
    assert outcomes["label_rate"] == ("approval" if moved else "passed")


@pytest.mark.parametrize(("mean", "moved"), [(10.1, False), (10.3, True)])
def test_means_move_by_a_fifth_of_the_deviation(mean: float, moved: bool) -> None:
    before, now = LabelDistribution(10_000, None, 10.0, 1.0), LabelDistribution(10_000, None, mean, 1.0)
    found = decide(GOOD, replace(CALM, labels_before=before, labels_now=now))
    assert (found.decision == "approve") is moved


def test_the_same_statistic_is_no_change() -> None:
    assert decide(GOOD, replace(CALM, statistics=("the median", "the median"))).decision == "release"


def test_no_rows_to_compare_on_are_skipped() -> None:
    found = decide(GOOD, replace(CALM, anchor=None, best=None))
    assert found.decision == "release"
    assert [check.outcome for check in found.checks if "anchor" in check.name] == ["skipped", "skipped"]


def test_the_document_has_every_check_with_its_words() -> None:
    document = decide(GOOD, replace(CALM, anchor=WORSE)).to_json()
    assert document["decision"] == "reject"
    failed = [check for check in document["checks"] if not check["passed"]]
    assert [check["name"] for check in failed] == ["champion_on_anchor"]
    assert len(document["comparisons"]) == 5
